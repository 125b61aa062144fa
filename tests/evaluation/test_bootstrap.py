"""Intervals for seeds and sentences together: they hold the true difference as often as they say."""

from time import process_time

import numpy as np
import pytest

from windowclf.arrays import Ints
from windowclf.errors import DataError
from windowclf.evaluation import compare, interval_of, score_of

Runs = list[Ints]


def simulate(
    rng: np.random.Generator,
    n_runs: int,
    n_sentences: int,
    *,
    of_spans: bool = False,
    of_runs: float = 0.0,
    of_systems: float = 0.5,
    effect: float = 0.0,
) -> tuple[Runs, Runs]:
    """Return the counts of two systems; deviations are of the log odds that a word or entity is right.

    Parameters
    ----------
    of_runs : float
        Deviation of what a run gets better or worse on all sentences alike.
    of_systems : float
        Deviation of what a system gets better or worse on a sentence in all its runs; what it does in a
        single one deviates by 0.5.
    effect : float
        How much better the first is.
    """
    difficulty = rng.normal(1, 1, n_sentences)
    n_words, n_true = rng.integers(5, 30, n_sentences), rng.integers(0, 4, n_sentences)
    systems = []
    for better in (effect, 0.0):
        odds = difficulty + better + rng.normal(0, of_systems, n_sentences)
        odds = odds + rng.normal(0, of_runs, (n_runs, 1)) + rng.normal(0, 0.5, (n_runs, n_sentences))
        share = 1 / (1 + np.exp(-odds))
        if of_spans:
            right = rng.binomial(n_true, share)
            columns = [right, n_true, right + rng.poisson(0.4 * (1 - share) * n_true + 0.1)]
        else:
            columns = [rng.binomial(n_words, share), n_words, n_words]
        systems.append(list(np.stack(np.broadcast_arrays(*columns), axis=-1)))
    return systems[0], systems[1]


def holds(n_runs: int, *, paired: bool = True, n_times: int = 1000, **simulated: float) -> float:
    """Return in how many of many simulations the interval holds the truth, which is no difference."""
    rng = np.random.default_rng(0)
    pairs = (simulate(rng, n_runs, 150, **simulated) for _ in range(n_times))  # type: ignore[arg-type]
    found = [
        interval_of(*pair, paired=paired, n_resamples=300, seed=i).holds_zero for i, pair in enumerate(pairs)
    ]
    return sum(found) / n_times


@pytest.mark.slow
@pytest.mark.parametrize("of_spans", [False, True])
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(
    "n_runs, of_runs, of_systems",
    [(1, 0.0, 0.5), (5, 0.05, 0.7), (5, 0.3, 0.3), (10, 0.05, 0.7), (10, 0.3, 0.3)],
)
def test_it_holds_the_truth_as_often_as_it_says(
    n_runs: int, of_runs: float, of_systems: float, paired: bool, of_spans: bool
) -> None:
    share = holds(n_runs, paired=paired, of_spans=of_spans, of_runs=of_runs, of_systems=of_systems)
    assert 0.93 <= share <= 0.97  # of 1,000: a standard deviation of 0.007


@pytest.mark.slow
@pytest.mark.parametrize("n_runs, of_runs", [(3, 0.0), (3, 0.3), (5, 0.0)])
def test_of_few_runs_that_share_nothing_it_holds_the_truth_too_often_rather_than_too_rarely(
    n_runs: int, of_runs: float
) -> None:
    assert 0.93 <= holds(n_runs, of_runs=of_runs, of_systems=0.0) <= 0.995


def test_it_is_honest_where_seeds_decide_and_the_test_of_sentences_is_not() -> None:
    rng = np.random.default_rng(0)
    pairs = [simulate(rng, 5, 500, of_runs=0.3) for _ in range(200)]
    excluded = sum(not interval_of(*pair, n_resamples=300).holds_zero for pair in pairs)
    rejected = sum(compare(*pair, n_resamples=300).p_value < 0.05 for pair in pairs)
    assert excluded <= 20  # 10 are expected
    assert rejected > 60


@pytest.mark.parametrize("of_spans", [False, True])
def test_an_effect_is_found(of_spans: bool) -> None:
    found = interval_of(*simulate(np.random.default_rng(0), 5, 1000, of_spans=of_spans, effect=0.3))
    assert 0 < found.low < found.difference < found.high


def test_the_difference_is_that_of_the_mean_scores() -> None:
    first, second = simulate(np.random.default_rng(0), 4, 50, of_spans=True)
    means = [np.mean([score_of(run.sum(axis=0)) for run in runs]) for runs in (first, second)]
    for paired in (True, False):
        found = interval_of(first, second, paired=paired, n_resamples=50)
        assert found.difference == pytest.approx(means[0] - means[1], abs=1e-15)
        assert found.n_runs == (4, 4)


def test_who_is_first_changes_the_sign_alone() -> None:
    first, second = simulate(np.random.default_rng(0), 4, 100)
    forth, back = interval_of(first, second), interval_of(second, first)
    assert forth.difference == -back.difference
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=1e-12)


def test_runs_that_belong_together_are_compared_more_closely() -> None:
    """The seed makes both systems better or worse; in pairs that falls out."""
    rng = np.random.default_rng(0)
    n_words = np.full(200, 20)
    first: Runs = []
    second: Runs = []
    for share in rng.uniform(0.5, 0.9, 6):
        for runs, better in ((first, 0.02), (second, 0.0)):
            runs.append(np.stack([rng.binomial(n_words, share + better), n_words, n_words], axis=1))
    pairs, apart = interval_of(first, second), interval_of(first, second, paired=False)
    assert pairs.difference == pytest.approx(apart.difference)
    assert pairs.standard_error < apart.standard_error / 4


def test_one_run_each_is_an_interval_for_sentences_alone() -> None:
    first, second = simulate(np.random.default_rng(0), 1, 400, of_runs=1.0)
    found = interval_of(first, second)
    gaps = (first[0] - second[0])[:, 0] / first[0][:, 1].sum() * 400
    assert found.n_runs == (1, 1)
    assert found.standard_error == pytest.approx(gaps.std() / 20, rel=0.1)


def test_a_system_without_chance_stands_beside_every_run() -> None:
    first, second = simulate(np.random.default_rng(0), 3, 100)
    alone, repeated = interval_of(first, second[:1]), interval_of(first, second[:1] * 3)
    assert (alone.difference, alone.low) == pytest.approx((repeated.difference, repeated.low), abs=1e-12)
    assert alone.n_runs == (3, 1)


def test_runs_that_are_not_paired_may_differ_in_number() -> None:
    first, second = simulate(np.random.default_rng(0), 5, 100)
    found = interval_of(first, second[:3], paired=False)
    assert found.n_runs == (5, 3)
    assert found.low < found.difference < found.high


def test_equal_systems_do_not_differ() -> None:
    first, _ = simulate(np.random.default_rng(0), 3, 50)
    found = interval_of(first, first)
    assert (found.difference, found.low, found.high, found.standard_error) == (0, 0, 0, 0)


def test_a_seed_decides() -> None:
    pair = simulate(np.random.default_rng(0), 3, 50)
    lows = [interval_of(*pair, n_resamples=200, seed=seed).low for seed in (0, 0, 1)]
    assert lows[0] == lows[1] != lows[2]


def test_a_higher_level_is_a_wider_interval() -> None:
    pair = simulate(np.random.default_rng(0), 5, 50)
    narrow, wide = (interval_of(*pair, level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.slow
def test_ten_thousand_resamples_of_two_thousand_sentences_and_ten_seeds_take_seconds() -> None:
    pair = simulate(np.random.default_rng(0), 10, 2000)
    started = process_time()
    interval_of(*pair)
    assert process_time() - started < 5


RUN = np.array([[3, 4, 4], [1, 2, 2], [0, 1, 0]])


@pytest.mark.parametrize(
    ("first", "second", "paired"),
    [
        ([], [RUN], False),
        ([RUN], [], True),
        ([RUN] * 2, [RUN] * 3, True),
        ([RUN], [RUN[:2]], False),
        ([RUN], [np.add(RUN, [0, 1, 0])], False),
        ([RUN[:0]], [RUN[:0]], True),
    ],
)
def test_what_cannot_be_compared_is_refused(first: Runs, second: Runs, paired: bool) -> None:
    with pytest.raises(DataError, match="run"):
        interval_of(first, second, paired=paired)
