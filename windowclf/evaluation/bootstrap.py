"""How far two systems are apart, with an interval that holds for seeds and test sentences together.

Letters: S sentences, n runs of a system (seeds), R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import DataError
from windowclf.evaluation.significance import check_same_sentences, score_of

_AT_ONCE = 1 << 22  # sentences that are drawn together
_SLACK = 1e-24  # variances that are zero but for rounding


@dataclass(frozen=True, slots=True)
class Interval:
    """By how much the first system is better.

    Attributes
    ----------
    difference : float
        Mean over the runs of the score of the first, less that of the second.
    low, high : float
        Where the difference of other runs on other such sentences may well lie.
    level : float
        In how many of such comparisons the interval holds the true difference.
    standard_error : float
        Of the difference.
    n_runs : (int, int)
        Of the first and of the second. With one run each, the interval is for sentences alone: nothing tells
        what another seed would give.
    """

    difference: float
    low: float
    high: float
    level: float
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
    level: float = 0.95,
    n_resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Bound the difference of two systems by a hierarchical bootstrap over runs and sentences.

    Parameters
    ----------
    first, second : sequences of arrays (S, 3)
        What `significance.sentence_counts` says of each run of a system, such as one a seed.
    paired : bool
        Whether run i of both share what chance decides (the seed, the part of the training data), so that
        they are drawn together. A system without chance has one run, which stands beside every run of the
        other.
    level : float
        In (0, 1).
    n_resamples : int
        R.
    seed : int
        Of the resamples.

    Raises
    ------
    DataError
        If there is no run, the runs are of unequal sentences, or paired ones do not match in number.

    Notes
    -----
    Each resample draws S sentences, the same for every run, and as many runs as there are, both with
    replacement (Davison & Hinkley 1997, Bootstrap Methods, 3.8). Two biases of this are taken out, by
    stretching the resampled differences about their mean. What is peculiar to a run on a sentence is counted
    three times when both are drawn (Owen 2007, The pigeonhole bootstrap, Ann. Appl. Stat. 1(2), theorem 4):
    the variance is instead put together from that over runs, a, that over sentences, b, less what is in both,
    c. And few runs vary less among themselves than runs do: a is of n - 1 degrees of freedom, and quantiles
    are stretched as Student's t is against the normal distribution, of (a + b - c)² / Σ a²/(n - 1) degrees
    (Satterthwaite 1946; for readers and cases, Hillis 2007, Statistics in Medicine 26).
    """
    check_same_sentences(first, second)
    n_first, n_second = len(first), len(second)
    if paired and n_first != n_second and 1 not in (n_first, n_second):
        raise DataError(
            "these runs cannot be paired",
            found=f"{n_first} runs of the first system, {n_second} of the second",
            allowed="as many of one as of the other, or one",
        )
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
    degrees = variance**2 / over_degrees if over_degrees > _SLACK**2 else inf
    drawn_variance = float(np.var(deviations))
    stretch = sqrt(variance / drawn_variance) * _t_stretch(degrees, level) if drawn_variance > _SLACK else 0.0
    low, high = np.quantile(deviations, [(1 - level) / 2, (1 + level) / 2]) * stretch
    return Interval(
        difference,
        difference + float(low),
        difference + float(high),
        level,
        sqrt(variance),
        (n_first, n_second),
    )


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
    """Return arrays (R, n) of runs that are drawn together; the difference is the sum of their means."""
    first, second = scores[:, :n_first], scores[:, n_first:]
    return [first - second] if paired else [first, -second]


def _mean_of_drawn_runs(scores: Floats, rng: np.random.Generator) -> Floats:
    """Return the means (R,) over runs that are drawn with replacement from n."""
    chosen = rng.integers(0, scores.shape[1], scores.shape)
    means: Floats = np.take_along_axis(scores, chosen, axis=1).mean(axis=1)
    return means


def _t_stretch(degrees: float, level: float) -> float:
    """Return how many times as far out the quantile of Student's t is as that of the normal distribution."""
    if degrees == inf:
        return 1.0
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(degrees, (1 + level) / 2) / ndtri((1 + level) / 2))
