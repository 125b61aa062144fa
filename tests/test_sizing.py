"""Epochs and batches by the size of the training data."""

from dataclasses import replace

import pytest

from windowclf import Config, TrainingConfig, WindowTagger
from windowclf.sizing import sized
from windowclf.text.vectors import WordVectors
from windowclf.training import EpochDone


@pytest.mark.parametrize(
    "n_sentences, epochs, batch_sentences",
    [(0, 60, 16), (1, 60, 16), (400, 50, 16), (10_000, 10, 25), (50_000, 4, 64), (10**7, 3, 64)],
)
def test_what_is_left_open_follows_from_the_number_of_sentences(
    n_sentences: int, epochs: int, batch_sentences: int
) -> None:
    found = sized(TrainingConfig(), n_sentences)
    assert (found.epochs, found.batch_sentences) == (epochs, batch_sentences)
    assert (
        found == sized(found, 1) == replace(TrainingConfig(), epochs=epochs, batch_sentences=batch_sentences)
    )


def test_what_is_given_stays() -> None:
    given = TrainingConfig(epochs=100, batch_sentences=5)
    assert sized(given, 10**6) == given


def test_the_model_says_how_it_was_trained_and_the_tagger_what_was_asked(
    quick: Config, vectors: WordVectors, corpus: tuple[list[list[str]], list[list[str]]]
) -> None:
    config = replace(quick, training=replace(quick.training, epochs=0, batch_sentences=0))
    tagger = WindowTagger(config, vectors=vectors)
    events = [event for event in tagger.fit_events(*corpus) if isinstance(event, EpochDone)]
    assert {event.n_epochs for event in events} == {60} == {len(events)}
    assert tagger.stored.config.training == replace(config.training, epochs=60, batch_sentences=16)
    assert tagger.config.training == config.training
