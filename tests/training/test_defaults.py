"""Epochs and batches by the size of the training data."""

from dataclasses import replace
from typing import Any

import pytest

from windowclf import Config, TrainingConfig, WindowTagger
from windowclf.config import FeaturesConfig, ModelConfig
from windowclf.corpus import LabelSet
from windowclf.errors import ConfigError
from windowclf.model.parameters import parameter_shapes
from windowclf.training import EpochDone, finds_names, resolve_features, resolve_training
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]


@pytest.mark.parametrize(
    "n_sentences, epochs, batch_sentences",
    [(0, 60, 16), (1, 60, 16), (400, 50, 16), (10_000, 10, 25), (50_000, 4, 64), (10**7, 3, 64)],
)
def test_what_is_left_open_follows_from_the_number_of_sentences(
    n_sentences: int, epochs: int, batch_sentences: int
) -> None:
    found = resolve_training(TrainingConfig(), n_sentences)
    assert (found.epochs, found.batch_sentences) == (epochs, batch_sentences)
    assert (
        found
        == resolve_training(found, 1)
        == replace(TrainingConfig(), epochs=epochs, batch_sentences=batch_sentences)
    )


def test_what_is_given_stays() -> None:
    given = TrainingConfig(epochs=100, batch_sentences=5)
    assert resolve_training(given, 10**6) == given


def test_the_model_says_how_it_was_trained_and_the_tagger_what_was_asked(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, training=replace(quick.training, epochs=0, batch_sentences=0))
    tagger = WindowTagger(config, vectors=vectors)
    events = [event for event in tagger.fit_events(*corpus) if isinstance(event, EpochDone)]
    assert {event.n_epochs for event in events} == {60} == {len(events)}
    assert tagger.model.config.training == replace(config.training, epochs=60, batch_sentences=16)
    assert tagger.config.training == config.training


@pytest.mark.parametrize("given, names, others", [(-1, 4, 24), (0, 0, 0), (10, 10, 10)])
def test_affixes_have_fewer_numbers_where_names_are_sought_unless_told_otherwise(
    given: int, names: int, others: int
) -> None:
    config = FeaturesConfig(affix_dimension=given)
    assert resolve_features(config, finds_names=True).affix_dimension == names
    assert resolve_features(config, finds_names=False).affix_dimension == others


@pytest.mark.parametrize(
    "labels, scheme, expected",
    [
        (["O", "B-LOC", "O"], "auto", True),
        (["O", "B-NP", "I-NP"], "auto", False),
        (["O", "B-NP"], "auto", False),
        (["O", "B-LOC", "O"], "none", False),
        (["_", "B-NP", "I-NP", "_", "_"], "auto", False),
        (["_", "O", "B-LOC", "O"], "auto", True),
    ],
)
def test_names_are_spans_that_most_words_are_outside_of(
    labels: list[str], scheme: str, expected: bool
) -> None:
    assert finds_names(LabelSet.of([labels], scheme=scheme, ignore="_"), [labels]) == expected


@pytest.mark.parametrize("scheme, dimension", [("auto", 4), ("none", 24)])
def test_the_labels_of_training_decide_the_dimension_of_affixes(
    scheme: Any, dimension: int, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    corpus = (corpus[0], [["O" if label != "B-LOC" else label for label in of_one] for of_one in corpus[1]])
    features = replace(quick.features, affix_dimension=-1)
    config = replace(quick, features=features, data=replace(quick.data, scheme=scheme))
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus)
    assert tagger.model.config.features.affix_dimension == dimension
    assert tagger.model.parameters["affixes"].shape == (quick.features.buckets + 1, dimension)


def test_a_network_is_not_made_while_the_dimension_is_open() -> None:
    with pytest.raises(ConfigError, match=r"affix vectors is not resolved; found -1; allowed: 0 or more"):
        parameter_shapes(ModelConfig(), FeaturesConfig(), 5, 3, 2)
