"""Whether systems that label the same sentences differ by more than chance, and by how much.

S sentences, M sentences in which the systems score differently, n runs of a system (seeds), R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, sqrt

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import DataError
from windowclf.evaluation.counts import score_of

LEVEL = 0.95  # of intervals
ALPHA = 0.05  # corrected p-values below it count
FEWEST_SEEDS = 10  # for a test of ranks
_AT_ONCE = 1 << 22  # swaps or sentences that are drawn together
_SLACK = 1e-12  # differences that are equal but for rounding
_NO_VARIANCE = 1e-24  # variances that are zero but for rounding


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of two systems, accuracy or F1 in [0, 1], and a p-value."""

    first: float
    second: float
    p_value: float  # how probable a difference at least as large is if both are equally good

    @property
    def difference(self) -> float:
        """By how much the first is better."""
        return self.first - self.second


def compare(
    first: Sequence[Ints], second: Sequence[Ints], *, n_resamples: int = 10_000, seed: int = 0
) -> Comparison:
    """Test two systems by approximate randomisation, swapping sentences between them.

    Parameters
    ----------
    first, second : sequences of arrays (S, 3)
        The `sentence_counts` of each run of a system, such as one per seed; run i is compared with run i. A
        deterministic system has one run, which is compared with every run of the other.
    n_resamples : int
        R, the number of random swaps.

    Returns
    -------
    Comparison
        Scores are of the counts of all runs together; p = (1 + r) / (1 + R), where r of the R resamples have
        a difference at least as large, in either direction.

    Raises
    ------
    DataError
        If there is no run, the runs are of different sentences, or their numbers do not match.

    Notes
    -----
    Noreen (1989), Computer-Intensive Methods for Testing Hypotheses; Yeh (2000), More accurate tests for the
    statistical significance of result differences, COLING. A sentence is swapped in all runs or in none: runs
    on the same sentences tend to make the same errors, so they do not count as more sentences. The test is of
    these runs: where a seed makes a system better or worse on all sentences alike, other seeds may give the
    opposite result. `interval_of` takes that into account, this test does not.
    """
    check_same_sentences(first, second)
    n_runs = max(len(first), len(second))
    a, b = (np.sum(runs, axis=0) * (n_runs // len(runs)) for runs in (first, second))  # (S, 3)
    unequal = (a != b).any(axis=1)  # swapping the others changes nothing
    moves = (b - a)[unequal].astype(np.float64)  # (M, 3)
    total, total_b = a.sum(axis=0), b.sum(axis=0)
    observed = score_of(total) - score_of(total_b)
    rng = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // max(1, len(moves)))
    extreme = 0
    for start in range(0, n_resamples, at_once):
        n = min(at_once, n_resamples - start)
        bits = np.frombuffer(rng.bytes(n * -(-len(moves) // 8)), np.uint8).reshape(n, -1)
        coins = np.unpackbits(bits, axis=1, count=len(moves)).astype(np.float64)  # (n, M), 0 or 1
        swapped = total + coins @ moves  # (n, 3), whole numbers, exact
        differences = score_of(swapped) - score_of(total + total_b - swapped)
        extreme += int((np.abs(differences) >= np.abs(observed) - _SLACK).sum())
    return Comparison(float(score_of(total)), float(score_of(total_b)), (1 + extreme) / (1 + n_resamples))


def compare_seeds(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Test by Wilcoxon's signed ranks whether the runs of one system score higher than those of another.

    Scores of the same seed are at the same position. Returns the two-sided p-value, or None with fewer than
    10 seeds, which are too few for a test of ranks.
    """
    if len(first) != len(second):
        raise DataError(
            "each seed needs a score of both systems", found=f"{len(first)} and {len(second)} scores"
        )
    if len(first) < FEWEST_SEEDS:
        return None
    # equal differences of rates differ in the last bits; rounded, they share a rank
    differences = np.round(np.subtract(first, second), 12)
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Correct the p-values of a family of tests, so that its error rate is that of one test.

    Choose the family before you see results. The corrected values are in the order of the names, at least the
    p-values and at most 1. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian
    J. of Statistics 6.
    """
    corrected: dict[str, float] = {}
    largest = 0.0
    for i, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - i) * p_values[name]))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}


@dataclass(frozen=True, slots=True)
class Interval:
    """By how much the first system is better: the mean score over its runs, minus that of the second.

    `low` and `high` are a confidence interval for other runs on other sentences of this kind; the standard
    error is that of the difference. `n_runs` are those of the first and of the second: with one run each, the
    interval covers sentences only, since the variation over seeds is not known.
    """

    difference: float
    low: float
    high: float
    standard_error: float
    n_runs: tuple[int, int]

    @property
    def holds_zero(self) -> bool:
        """Whether the systems may be equally good."""
        return self.low <= 0 <= self.high


def interval_of(
    first: Sequence[Ints],
    second: Sequence[Ints],
    *,
    paired: bool = True,
    level: float = LEVEL,
    n_resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Bound the difference of two systems by a hierarchical bootstrap over runs and sentences.

    Parameters
    ----------
    first, second : sequences of arrays (S, 3)
        The `sentence_counts` of each run of a system, such as one per seed.
    paired : bool
        Whether run i of both share seed and training data, so that they are drawn together. A deterministic
        system has one run, which is compared with every run of the other.
    level, n_resamples : float, int
        Of the interval, in (0, 1); R.

    Raises
    ------
    DataError
        If there is no run, the runs are of different sentences, or paired runs do not match in number.

    Notes
    -----
    Each resample draws S sentences, the same for every run, and as many runs as there are, both with
    replacement (Davison & Hinkley 1997, Bootstrap Methods, 3.8). Two biases are removed by scaling
    the resampled differences about their mean. The interaction of run and sentence is counted three times
    when both are drawn (Owen 2007, The pigeonhole bootstrap, Ann. Appl. Stat. 1(2), theorem 4):
    the variance is instead a + b - c, of that over runs, a, that over sentences, b, and the part in both, c.
    And a few runs vary less than all runs do: a has n - 1 degrees of freedom, and quantiles are scaled by the
    ratio of Student's t to the normal distribution, with (a + b - c)² / Σ a²/(n - 1) degrees
    (Satterthwaite 1946; for readers and cases, Hillis 2007, Statistics in Medicine 26).
    """
    check_same_sentences(first, second, paired=paired)
    n_first = len(first)
    rng = np.random.default_rng(seed)
    counts = np.stack([*first, *second]).astype(np.float64)  # (n, S, 3)
    whole, drawn = score_of(counts.sum(axis=1))[None], _resampled_scores(counts, n_resamples, rng)
    observed = _parts(whole, n_first, paired)
    resampled = _parts(drawn, n_first, paired)
    difference = float(sum(part.mean() for part in observed))
    deviations = sum(_mean_of_drawn_runs(part, rng) for part in resampled) - difference
    of_runs = within_both = over_degrees = 0.0
    for part, parts in zip(observed, resampled, strict=True):
        if (n := part.shape[1]) > 1:
            a = float(part.var(ddof=1)) / n
            of_runs += a
            within_both += float(parts.var(axis=1, ddof=1).mean()) / n - a
            over_degrees += a * a / (n - 1)
    of_sentences = float(np.var(sum(parts.mean(axis=1) for parts in resampled)))
    variance = max(of_runs + of_sentences - max(within_both, 0.0), of_runs, of_sentences)
    degrees = variance**2 / over_degrees if over_degrees > _NO_VARIANCE**2 else inf
    drawn_variance = float(np.var(deviations))
    stretch = (
        sqrt(variance / drawn_variance) * _t_stretch(degrees, level) if drawn_variance > _NO_VARIANCE else 0.0
    )
    low, high = np.quantile(deviations, [(1 - level) / 2, (1 + level) / 2]) * stretch
    bounds = difference + float(low), difference + float(high)
    return Interval(difference, *bounds, sqrt(variance), (n_first, len(second)))


def _resampled_scores(counts: Floats, n_resamples: int, rng: np.random.Generator) -> Floats:
    """Return the scores (R, n) of runs (n, S, 3) on sentences that are drawn with replacement."""
    n, S, _ = counts.shape
    columns = counts.transpose(1, 0, 2).reshape(S, -1)
    scores = np.empty((n_resamples, n))
    at_once = max(1, _AT_ONCE // S)
    for start in range(0, n_resamples, at_once):
        rows = min(at_once, n_resamples - start)
        drawn = rng.integers(0, S, (rows, S)) + np.arange(rows)[:, None] * S
        times = np.bincount(drawn.ravel(), minlength=rows * S).reshape(rows, S).astype(np.float64)
        scores[start : start + rows] = score_of((times @ columns).reshape(rows, n, 3))
    return scores


def _parts(scores: Floats, n_first: int, paired: bool) -> list[Floats]:
    """Return arrays (R, n) of runs drawn together; the difference is the sum of their means."""
    first, second = scores[:, :n_first], scores[:, n_first:]
    return [first - second] if paired else [first, -second]


def _mean_of_drawn_runs(scores: Floats, rng: np.random.Generator) -> Floats:
    """Return the means (R,) over runs that are drawn with replacement from n."""
    chosen = rng.integers(0, scores.shape[1], scores.shape)
    means: Floats = np.take_along_axis(scores, chosen, axis=1).mean(axis=1)
    return means


def _t_stretch(degrees: float, level: float) -> float:
    """Return the ratio of the quantile of Student's t to that of the normal distribution."""
    if degrees == inf:
        return 1.0
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(degrees, (1 + level) / 2) / ndtri((1 + level) / 2))


def check_same_sentences(first: Sequence[Ints], second: Sequence[Ints], *, paired: bool = True) -> None:
    """Check that runs, arrays (S, 3) of counts, are of the same sentences and can be paired.

    The true counts must be equal in run i of both, or in all runs where their numbers differ. From pair to
    pair they may differ: with other training data, other words are unseen.
    """
    if not (first and second):
        raise DataError("each system needs at least one run", found=f"{len(first)} and {len(second)} runs")
    n_sentences = {len(run) for run in [*first, *second]}
    pairs = zip(first, second, strict=True) if len(first) == len(second) else product(first, second)
    if len(n_sentences) > 1 or any((a[:, 1] != b[:, 1]).any() for a, b in pairs):
        raise DataError("the runs label different sentences", allowed="the same sentences in the same order")
    if n_sentences == {0}:
        raise DataError("there are no sentences to compare the runs on")
    if paired and len(first) != len(second) and 1 not in (len(first), len(second)):
        raise DataError(
            "these runs cannot be paired",
            found=f"{len(first)} runs of the first system, {len(second)} of the second",
            allowed="as many of one as of the other, or one",
        )


Pair = tuple[Sequence[Ints], Sequence[Ints], bool]
"""The runs of two systems, arrays (S, 3), and whether run i of both share seed and training data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How the first system of a pair compares with the second: by how much it is better.

    `low` and `high` are those of `interval_of`; the p-values are those of `compare`, after Holm's correction
    over the family, and of `compare_seeds` (None with too few runs, or where they are not paired). It is
    clear if the corrected p-value is below `ALPHA` and zero is outside the interval.
    """

    difference: float
    low: float
    high: float
    p_value: float
    corrected: float
    seeds_p_value: float | None
    is_clear: bool


def compare_family(pairs: Mapping[str, Pair], *, n_resamples: int = 10_000) -> dict[str, Compared]:
    """Test all pairs of a family, by name."""
    p_values = {
        name: compare(first, second, n_resamples=n_resamples).p_value
        for name, (first, second, _) in pairs.items()
    }
    corrected = holm(p_values)
    found = {}
    for name, (first, second, is_paired) in pairs.items():
        interval = interval_of(first, second, paired=is_paired, n_resamples=n_resamples)
        scores = [[float(score_of(run.sum(axis=0))) for run in runs] for runs in (first, second)]
        found[name] = Compared(
            difference=interval.difference,
            low=interval.low,
            high=interval.high,
            p_value=p_values[name],
            corrected=corrected[name],
            seeds_p_value=compare_seeds(*scores) if is_paired else None,
            is_clear=corrected[name] < ALPHA and not interval.holds_zero,
        )
    return found
