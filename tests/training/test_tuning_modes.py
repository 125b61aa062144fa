"""Which vectors training may move: those it reads often, and vectors that were drawn at random."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.encoding import (
    N_SPECIAL,
    UNKNOWN,
    Vocabulary,
    choose_words,
    count_rows,
    count_tuned,
    count_words,
)
from windowclf.inspection import check_network
from windowclf.nn import RowGradient
from windowclf.vectors import WordVectors, choose_vectors

Labelled = tuple[list[list[str]], list[list[str]]]
AVAILABLE = ["the", "tv", "Rome", "rome", "telly", "0000", "on"]
COUNTS = Counter({"TV": 2, "tv": 1, "the": 1, "1984": 1, "1985": 1, "Rome": 2, "zyzzyva": 9})


def _with(config: Config, tuning: str, vectors: str = "", **training: Any) -> Config:
    return replace(
        config,
        model=replace(config.model, tuning=tuning, vectors=vectors),  # type: ignore[arg-type]
        training=replace(config.training, **training),
    )


# -- words that stand often enough -------------------------------------------------------------------


def test_all_spellings_that_read_a_vector_count_together() -> None:
    counts = count_rows(Vocabulary(AVAILABLE, {}), COUNTS)
    assert {AVAILABLE[row]: n for row, n in counts.items()} == {"tv": 3, "the": 1, "0000": 2, "Rome": 2}


@pytest.mark.parametrize(
    ("from_count", "first", "n"),
    [
        (1, ["the", "tv", "Rome", "0000"], 4),
        (2, ["tv", "Rome", "0000", "the"], 3),
        (3, ["tv", "the", "Rome", "0000"], 1),
        (4, ["the", "tv", "Rome", "0000"], 0),
    ],
)
def test_of_the_training_words_those_that_are_tuned_stand_first(
    from_count: int, first: list[str], n: int
) -> None:
    words = choose_words(AVAILABLE, COUNTS, 0, tuned_from_count=from_count)
    assert words == [*first, "rome", "telly", "on"]
    assert count_tuned(Vocabulary(words, {}), COUNTS, from_count) == n


def test_a_gradient_is_cut_off_before_a_row() -> None:
    gradient = RowGradient(np.array([0, 2, 5]), np.ones((3, 2)), 9)
    assert gradient.before(6) is gradient
    cut = gradient.before(5)
    assert (cut.ids.tolist(), cut.rows.shape, cut.n_rows) == ([0, 2], (2, 2), 9)
    assert gradient.before(0).squared_norm() == 0


@pytest.mark.parametrize("averaging", [0.0, 0.9])
@pytest.mark.parametrize("from_count", [2, 3, 100])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_vectors_that_training_reads_less_often_keep_every_bit(
    optimizer: str,
    from_count: int,
    averaging: float,
    quick: Config,
    vectors: WordVectors,
    corpus: Labelled,
) -> None:
    config = _with(
        quick,
        "tuned",
        tuned_from_count=from_count,
        averaging=averaging,
        optimizer=optimizer,
        l2_vectors=0.1,
        l2_anchor=0.1,
    )
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus)
    counts = count_words(corpus[0])
    vocabulary, before, _ = choose_vectors(vectors, counts, config.model, tuned_from_count=from_count)
    rows = count_rows(vocabulary, counts)
    expected = [rows[row] >= from_count for row in range(len(vocabulary))]
    after = tagger.model.parameters["vectors"]
    assert (after != before).any(axis=1).tolist() == expected
    assert after[~np.array(expected)].tobytes() == before[~np.array(expected)].tobytes()
    assert tagger.model.vocabulary.words == vocabulary.words


@pytest.mark.parametrize("from_count", [2, 100])
def test_of_two_channels_only_frequent_words_have_a_copy(
    from_count: int, quick: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    config = _with(quick, "two-channel", tuned_from_count=from_count)
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus)
    counts = count_words(corpus[0])
    parameters = tagger.model.parameters
    vocabulary, before, _ = choose_vectors(vectors, counts, config.model, tuned_from_count=from_count)
    n = sum(count >= from_count for count in count_rows(vocabulary, counts).values())
    assert len(parameters["tuned_vectors"]) == n
    assert parameters["vectors"].tobytes() == before.tobytes()
    assert (parameters["tuned_vectors"] != before[:n]).any(axis=1).all()


@pytest.mark.parametrize("tuning", ["tuned", "two-channel"])
def test_a_model_whose_frequent_words_were_tuned_is_saved_and_loaded(
    tuning: str, quick: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    tagger = WindowTagger(_with(quick, tuning, tuned_from_count=2), vectors=vectors).fit(*corpus)
    tagger.save(tmp_path / "model")
    loaded = WindowTagger.load(tmp_path / "model")
    assert loaded.config == tagger.model.config
    for name, parameter in tagger.model.parameters.items():
        assert loaded.model.parameters[name].tobytes() == parameter.tobytes()
    for own, stored in zip(tagger.predict_proba(corpus[0]), loaded.predict_proba(corpus[0]), strict=True):
        np.testing.assert_array_equal(own, stored)


def test_networks_of_an_ensemble_tune_the_same_vectors(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = _with(quick, "tuned", tuned_from_count=2, ensemble=2, bootstrap=True)
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus)
    counts = count_words(corpus[0])
    vocabulary, before, _ = choose_vectors(vectors, counts, config.model, tuned_from_count=2)
    n = count_tuned(vocabulary, counts, 2)
    for m in range(2):
        after = tagger.model.parameters[f"{m}.vectors"]
        assert (after[:n] != before[:n]).any()
        assert after[n:].tobytes() == before[n:].tobytes()


# -- random vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tuning", ["frozen", "tuned", "two-channel"])
def test_training_without_pretrained_vectors(
    tuning: str, quick: Config, corpus: Labelled, tmp_path: Path
) -> None:
    tagger = WindowTagger(_with(quick, tuning, "random:40", word_dropout=0.2)).fit(*corpus)
    stored = tagger.model
    assert stored.config.model.vectors == stored.info["vectors"]["name"] == "random:40"
    assert stored.info["vectors"]["dimension"] == 40
    assert stored.info["coverage"]["unknown"] == 0
    assert {stored.vocabulary.find(word)[0] for sentence in corpus[0] for word in sentence} == set(
        range(N_SPECIAL, len(stored.vocabulary) + N_SPECIAL)
    )
    assert stored.vocabulary.find("television")[0] == UNKNOWN
    tagger.save(tmp_path / "model")
    assert WindowTagger.load(tmp_path / "model").predict(corpus[0]) == tagger.predict(corpus[0])


@pytest.mark.parametrize(("deviation", "expected"), [(0.5, 0.5), (0.1, 0.1), (0.0, 1.0)])
def test_random_vectors_have_the_deviation_that_is_asked_for(
    deviation: float, expected: float, quick: Config, corpus: Labelled
) -> None:
    config = _with(quick, "frozen", "random:300")
    config = replace(config, model=replace(config.model, vector_deviation=deviation))
    found = WindowTagger(config).fit(*corpus).model.parameters["vectors"]
    assert float(found.std()) == pytest.approx(expected, rel=1e-5 if deviation else 0.05)


def test_random_vectors_are_drawn_again_for_other_words_and_another_seed(
    quick: Config, corpus: Labelled
) -> None:
    config = _with(quick, "frozen", "random:5")
    tagger = WindowTagger(config).fit(*corpus)
    first = tagger.model
    assert WindowTagger(config).fit(*corpus).model.info == first.info
    assert WindowTagger(config, seed=1).fit(*corpus).model.info["vectors"] != first.info["vectors"]
    tagger.fit(corpus[0][:5], corpus[1][:5])
    assert set(tagger.model.vocabulary.words) < set(first.vocabulary.words)


@pytest.mark.slow
def test_a_network_on_random_vectors_is_checked_as_any(quick: Config, corpus: Labelled) -> None:
    config = _with(quick, "tuned", "random:6")
    assert all(verdict.passed for verdict in check_network(config, *corpus, seed=0))
