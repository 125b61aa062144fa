"""Approximate randomisation: honest where there is nothing, finds what is there, exact on few sentences."""

import itertools
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats, Ints
from windowclf.errors import DataError
from windowclf.evaluation import compare, evaluate_labels, holm, score_of, sentence_counts
from windowclf.evaluation.significance import compare_seeds

N_RIGHT = [[3, 4, 4], [1, 2, 2], [0, 1, 0]]
LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
gold_and_predicted = st.tuples(st.sampled_from([*LABELS, "_"]), st.sampled_from(LABELS))
labelled = st.lists(st.lists(gold_and_predicted, max_size=6), min_size=1, max_size=6)


def accuracy_counts(right: Ints, n_words: int) -> Ints:
    return np.stack([right, np.full_like(right, n_words), np.full_like(right, n_words)], axis=1)


def entity_counts(rng: np.random.Generator, gold: Ints, recall: float | Floats) -> Ints:
    right = rng.binomial(gold, recall)
    return np.stack([right, gold, right + rng.poisson(0.5, len(gold))], axis=1)


def by_enumeration(a: Ints, b: Ints) -> float:
    """Return the share of all 2^S ways to swap sentences that differ at least as much."""

    def difference(swaps: tuple[bool, ...]) -> float:
        swap = np.array(swaps)[:, None]
        return float(score_of(np.where(swap, b, a).sum(axis=0)) - score_of(np.where(swap, a, b).sum(axis=0)))

    ways = list(itertools.product((False, True), repeat=len(a)))
    observed = abs(difference(ways[0]))
    return sum(abs(difference(way)) >= observed - 1e-12 for way in ways) / len(ways)


@given(labelled, st.booleans())
def test_sums_of_counts_give_the_scores_of_evaluate(
    pairs: list[list[tuple[str, str]]], span_labels: bool
) -> None:
    gold = [[g for g, _ in sentence] for sentence in pairs]
    predicted = [[p for _, p in sentence] for sentence in pairs]
    evaluation = evaluate_labels(gold, gold, predicted, span_labels=span_labels, ignore_label="_")
    counts = sentence_counts(gold, predicted, span_labels=span_labels, ignore_label="_")
    assert score_of(counts.sum(axis=0)) == pytest.approx(evaluation.main_score, abs=1e-15)


@pytest.mark.parametrize("is_of_spans", [False, True])
def test_without_an_effect_one_in_twenty_is_significant(is_of_spans: bool) -> None:
    rng = np.random.default_rng(0)
    significant = 0
    for seed in range(1000):
        if is_of_spans:
            gold = rng.integers(0, 4, 100)
            a, b = (entity_counts(rng, gold, 0.6) for _ in range(2))
        else:
            a, b = (accuracy_counts(rng.binomial(10, 0.9, 100), 10) for _ in range(2))
        significant += compare([a], [b], n_resamples=999, seed=seed).p_value < 0.05
    assert 30 <= significant <= 70  # of 1,000: 50 expected, with a standard deviation of 7


def test_runs_that_err_alike_do_not_make_chance_significant() -> None:
    """Five seeds of a system share what is hard for it; a test that counts them as more sentences fails."""
    rng = np.random.default_rng(0)
    significant = 0
    for seed in range(1000):
        runs = []
        for _ in range(2):
            own = rng.beta(6, 2, 100)  # how hard each sentence is for this system
            runs.append([accuracy_counts(rng.binomial(10, own), 10) for _ in range(5)])
        significant += compare(*runs, n_resamples=499, seed=seed).p_value < 0.05
    assert 30 <= significant <= 70


@pytest.mark.slow
@pytest.mark.parametrize("is_of_spans", [False, True])
def test_seeds_that_differ_from_sentence_to_sentence_do_not_make_chance_significant(
    is_of_spans: bool,
) -> None:
    """Sentences are unequally hard, for each system in its own way, and each of five seeds errs elsewhere."""
    rng = np.random.default_rng(0)
    significant = 0
    for seed in range(1000):
        hard, runs = rng.normal(1, 1, 100), []
        gold = rng.integers(0, 4, 100)
        for _ in range(2):
            own = hard + rng.normal(0, 0.3, 100)
            shares = 1 / (1 + np.exp(-own - rng.normal(0, 0.5, (5, 100))))
            runs.append(
                [
                    entity_counts(rng, gold, share)
                    if is_of_spans
                    else accuracy_counts(rng.binomial(15, share), 15)
                    for share in shares
                ]
            )
        significant += compare(*runs, n_resamples=499, seed=seed).p_value < 0.05
    assert 30 <= significant <= 70


def test_an_effect_is_found() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 4, 1000)
    better, worse = (entity_counts(rng, gold, recall) for recall in (0.65, 0.55))
    found = compare([better], [worse])
    assert found.difference > 0
    assert found.p_value < 0.001


def test_several_runs_find_what_one_does_not() -> None:
    rng = np.random.default_rng(1)
    runs = [[accuracy_counts(rng.binomial(10, p, 100), 10) for _ in range(10)] for p in (0.9, 0.88)]
    assert compare(runs[0][:1], runs[1][:1]).p_value > 0.05
    assert compare(*runs).p_value < 0.01


def test_who_is_first_makes_no_difference() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 4, 200)
    a, b = (entity_counts(rng, gold, recall) for recall in (0.62, 0.6))
    forth, back = compare([a], [b], seed=3), compare([b], [a], seed=3)
    assert (forth.first, forth.second) == (back.second, back.first)
    assert forth.p_value == back.p_value


def test_a_seed_decides() -> None:
    rng = np.random.default_rng(0)
    a, b = (accuracy_counts(rng.binomial(10, 0.8, 50), 10) for _ in range(2))
    ps = [compare([a], [b], n_resamples=500, seed=seed).p_value for seed in (0, 0, 1)]
    assert ps[0] == ps[1] != ps[2]


@pytest.mark.parametrize("seed", range(5))
def test_few_sentences_agree_with_all_ways_to_swap_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.integers(1, 4, 8)
    a, b = (entity_counts(rng, gold, recall) for recall in (0.8, 0.4))
    p = compare([a], [b], n_resamples=40_000).p_value
    assert p == pytest.approx(by_enumeration(a, b), abs=0.012)  # over 4 standard deviations


def test_equal_labellings_do_not_differ() -> None:
    found = compare([np.array(N_RIGHT)], [np.array(N_RIGHT)])
    assert (found.difference, found.p_value) == (0, 1)


def test_a_system_without_chance_stands_beside_every_run() -> None:
    rng = np.random.default_rng(0)
    runs = [accuracy_counts(rng.binomial(10, 0.9, 60), 10) for _ in range(3)]
    one = accuracy_counts(rng.binomial(10, 0.85, 60), 10)
    assert compare(runs, [one]) == compare(runs, [one] * 3)


def test_ten_thousand_resamples_of_two_thousand_sentences_take_seconds() -> None:
    rng = np.random.default_rng(0)
    a, b = (accuracy_counts(rng.binomial(20, 0.5, 2000), 20) for _ in range(2))
    started = process_time()
    compare([a], [b])
    assert process_time() - started < 5


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], [N_RIGHT]),
        ([N_RIGHT] * 2, [N_RIGHT] * 3),
        ([N_RIGHT], [N_RIGHT[:2]]),
        ([N_RIGHT], [[[3, 5, 5], [1, 2, 2], [0, 1, 0]]]),
    ],
)
def test_what_cannot_be_paired_is_refused(first: list[list[int]], second: list[list[int]]) -> None:
    with pytest.raises(DataError, match="runs"):
        compare([np.array(run) for run in first], [np.array(run) for run in second])


# -- seeds by their ranks, and families ----------------------------------------------------------------


def test_ranks_of_ten_seeds_that_all_say_the_same_are_as_rare_as_coins() -> None:
    worse = np.linspace(0.7, 0.8, 10)
    better = worse + np.linspace(0.01, 0.02, 10)
    assert compare_seeds(better.tolist(), worse.tolist()) == pytest.approx(2 / 2**10)
    assert compare_seeds(worse.tolist(), better.tolist()) == pytest.approx(2 / 2**10)


def test_fewer_than_ten_seeds_are_not_ranked() -> None:
    assert compare_seeds([0.9] * 9, [0.1] * 9) is None


def test_ranks_of_seeds_without_an_effect_are_seldom_significant() -> None:
    rng = np.random.default_rng(0)
    ps = [compare_seeds(*rng.normal(0.8, 0.01, (2, 10)).tolist()) for _ in range(1000)]
    assert 30 <= sum(p is not None and p < 0.05 for p in ps) <= 70


def test_equal_seeds_tell_nothing() -> None:
    scores = np.linspace(0.7, 0.8, 12).tolist()
    assert compare_seeds(scores, scores) == 1.0
    unequal = [*scores[:-1], 0.5]
    assert compare_seeds(scores, unequal) == 1.0  # one seed alone


def test_differences_that_are_equal_but_for_rounding_share_a_rank() -> None:
    n_right = np.arange(60, 72)
    first = ((n_right + [3, -3] * 6) / 100).tolist()
    assert compare_seeds(first, (n_right / 100).tolist()) == 1.0


def test_seeds_of_unequal_number_are_refused() -> None:
    with pytest.raises(DataError, match="11 and 10 scores"):
        compare_seeds([0.5] * 11, [0.5] * 10)


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # by hand
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
    ],
)
def test_holm_corrects_a_family(p_values: list[float], corrected: list[float]) -> None:
    family = {f"comparison {i}": p for i, p in enumerate(p_values)}
    found = holm(family)
    assert list(found) == list(family)
    assert list(found.values()) == pytest.approx(corrected)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_never_makes_a_p_value_smaller(p_values: list[float]) -> None:
    found = list(holm({str(i): p for i, p in enumerate(p_values)}).values())
    assert all(p <= corrected <= 1 for p, corrected in zip(p_values, found, strict=True))
    by_size = sorted(zip(p_values, found, strict=True))
    assert [corrected for _, corrected in by_size] == sorted(found)


def test_a_family_of_nulls_rejects_anything_as_rarely_as_one_test() -> None:
    rng = np.random.default_rng(0)
    families = (holm({str(i): p for i, p in enumerate(rng.uniform(size=6))}) for _ in range(1000))
    assert 30 <= sum(min(family.values()) < 0.05 for family in families) <= 70
