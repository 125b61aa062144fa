"""What development data say: the cost of being outside that has the best F1, and not by chance alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf import Config, WindowTagger
from windowclf.arrays import Floats, Ints
from windowclf.corpus import LabelSet, Scheme
from windowclf.evaluation import score_of, sentence_counts
from windowclf.model import Calibration, Decoder
from windowclf.training.calibrate import STRETCH, calibrate, choose_cost, fit_outside_cost
from windowclf.training.data import DevData
from windowclf.vectors import WordVectors

LABELS = LabelSet.of([["O", "B-LOC"]], scheme="IOB2", internal_scheme=Scheme.IOB2)
COSTS = np.arange(-4, 5) / 2
Labelled = tuple[list[list[str]], list[list[str]]]


def _counts(f1: Sequence[float], n_sentences: int) -> Floats:
    """Return counts (Q, S, 3) of sentences of ten entities with about so good an F1 each."""
    row = np.array([[round(10 * value), 10, 10] for value in f1])
    return np.repeat(row[:, None, :], n_sentences, axis=1).astype(float)


def _drawn(offset: float, n: int = 3000) -> tuple[Floats, Ints, list[list[str]]]:
    """Return scores, in which O has `offset` too much, lengths of sentences and true labels."""
    rng = np.random.default_rng(1)
    lengths = np.full(n // 5, 5)
    is_place = rng.random(n) < 0.15
    scores = np.zeros((n, len(LABELS)))
    names = LABELS.names
    scores[:, names.index("B-LOC")] = 3 * is_place - 1.5 + rng.standard_normal(n)
    scores[:, names.index("I-LOC")] = -20
    scores[:, names.index("O")] = offset
    spelled = ["B-LOC" if place else "O" for place in is_place.tolist()]
    return scores, lengths, [spelled[i : i + 5] for i in range(0, n, 5)]


def test_where_every_sentence_agrees_the_best_cost_is_chosen() -> None:
    # each cost of the stretch around 1 is better than all others, in every sentence
    f1 = [0.2 if not 0 <= cost <= 2 else 0.9 for cost in COSTS.tolist()]
    assert choose_cost(COSTS, _counts(f1, 50)) == 1


def test_where_no_cost_is_better_it_is_nothing() -> None:
    assert choose_cost(COSTS, _counts([0.5] * len(COSTS), 50)) == 0
    assert choose_cost(COSTS, np.zeros((len(COSTS), 50, 3))) == 0  # no entity, true or predicted


def test_what_one_sentence_gains_and_others_lose_is_taken_for_chance() -> None:
    counts = _counts([0.5] * len(COSTS), 50)
    counts[COSTS >= 1, 0, 0] = 9
    counts[COSTS >= 1, 1:3, 0] = 4
    assert choose_cost(COSTS, counts) == 0
    counts[COSTS >= 1, :30, 0] = 9
    assert choose_cost(COSTS, counts) > 0


@given(st.integers(0, 1000))
def test_the_cost_chosen_is_inside_and_no_worse_than_one_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    right = rng.integers(0, 4, (len(COSTS), 12))
    counts = np.stack([right, right + 1, right + rng.integers(0, 3, right.shape)], axis=2).astype(float)
    chosen = choose_cost(COSTS, counts)
    half = STRETCH // 2
    assert chosen in COSTS[half:-half]
    f1 = score_of(counts.sum(axis=1))
    means = np.array([f1[i - half : i + half + 1].mean() for i in range(half, len(COSTS) - half)])
    if means.argmax() == int(np.flatnonzero(COSTS == 0)[0]) - half:
        assert chosen == 0


@pytest.mark.parametrize("offset", [0.0, 2.0, 3.5])
def test_an_outside_that_scores_too_high_is_made_to_cost_as_much(offset: float) -> None:
    best = fit_outside_cost(LABELS, None, *_drawn(0))
    cost = fit_outside_cost(LABELS, None, *_drawn(offset))
    assert cost == pytest.approx(best + offset, abs=0.5)
    scores, lengths, labels = _drawn(offset)

    def f1(cost: float) -> float:
        found = Decoder(LABELS, None, Calibration(outside_cost=cost)).best(scores, lengths)
        counts = sentence_counts(labels, LABELS.to_output(found, lengths), span_labels=True)
        return float(score_of(counts.sum(axis=0)))

    assert f1(cost) > f1(cost + 1.5)
    assert f1(cost) > f1(cost - 1.5)


def test_sentences_without_words_do_not_matter() -> None:
    scores, lengths, labels = _drawn(2)
    with_empty = np.insert(lengths, [0, 7, len(lengths)], 0)
    labels.insert(7, [])
    more = [[], *labels, []]
    assert fit_outside_cost(LABELS, None, scores, with_empty, more) == fit_outside_cost(
        LABELS, None, *_drawn(2)
    )


def _dev_data(tagger: WindowTagger, sentences: list[list[str]], labels: list[list[str]]) -> DevData:
    model = tagger.model
    return DevData(model.encoder, model.labels, model.config.model.window, sentences, labels)


def test_the_configuration_decides_whether_a_cost_is_fitted(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    fitted = []
    for wanted in (True, False):
        config = replace(quick, training=replace(quick.training, fit_outside_cost=wanted, epochs=1))
        tagger = WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus)
        assert calibrate(tagger.model, _dev_data(tagger, *corpus)) == tagger.model.calibration
        fitted.append(tagger.model.calibration)
    assert fitted[0].outside_cost > 0 == fitted[1].outside_cost
    assert fitted[0].temperature == fitted[1].temperature
