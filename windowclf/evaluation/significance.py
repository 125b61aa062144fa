"""Whether systems that label the same sentences differ by more than chance.

Letters: S sentences, M sentences in which the labellings score unequally.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus.label_schemes import OUTSIDE, Span, spans
from windowclf.errors import DataError

FEWEST_SEEDS = 10  # that ranks are compared of
_AT_ONCE = 1 << 22  # swaps that are drawn together
_SLACK = 1e-12  # differences that are equal but for rounding


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two labellings compare.

    Attributes
    ----------
    first, second : float
        Their scores, in [0, 1]: accuracy or F1.
    p_value : float
        How probable a difference at least as large is if it does not matter which labelled a sentence.
    n_sentences : int
        S.
    """

    first: float
    second: float
    p_value: float
    n_sentences: int

    @property
    def difference(self) -> float:
        """By how much the first is better."""
        return self.first - self.second


def sentence_counts(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    *,
    span_labels: bool,
    ignore_label: str | None = None,
) -> Ints:
    """Count what is right in each sentence, as `windowclf.evaluation.metrics.evaluate_labels` counts in all.

    Parameters
    ----------
    gold, predicted : sequences of sequences of str
        Of equal lengths.
    span_labels : bool
        Whether entities are counted, or else words.
    ignore_label : str, optional
        Words with this true label do not count, and are in no entity.

    Returns
    -------
    array (S, 3) of int64
        Right, true and predicted ones. `score_of` their sum is entity F1, or accuracy.
    """
    counts = np.zeros((len(gold), 3), np.int64)
    for row, true, guess in zip(counts, gold, predicted, strict=True):
        in_truth, found = scored_spans(true, guess, span_labels=span_labels, ignore_label=ignore_label)
        row[:] = len(in_truth & found), len(in_truth), len(found)
    return counts


def scored_spans(
    true: Sequence[str], predicted: Sequence[str], *, span_labels: bool, ignore_label: str | None = None
) -> tuple[set[Span], set[Span]]:
    """Return what is counted in a sentence, the true ones and the predicted: entities, or words by label."""
    pairs = list(zip(true, predicted, strict=True))
    if span_labels:
        known = [OUTSIDE if t == ignore_label else g for t, g in pairs]
        return set(spans(true, ignore=ignore_label)), set(spans(known, ignore=None))
    places = [i for i, (t, _) in enumerate(pairs) if t != ignore_label]
    return {Span(i, i + 1, true[i]) for i in places}, {Span(i, i + 1, predicted[i]) for i in places}


def score_of(counts: Ints | Floats) -> Floats:
    """Return 2 · right / (true + predicted) of counts (…, 3): F1, or accuracy; 0 where nothing is right."""
    right = counts[..., 0]
    both = counts[..., 1] + counts[..., 2]
    return np.divide(2 * right, both, out=np.zeros(np.shape(right)), where=both > 0)


def compare(
    first: Sequence[Ints], second: Sequence[Ints], *, n_resamples: int = 10_000, seed: int = 0
) -> Comparison:
    """Test two systems by approximate randomisation, sentences being swapped between them.

    Parameters
    ----------
    first, second : sequences of arrays (S, 3)
        What `sentence_counts` says of each run of a system, such as one a seed; run i is compared with run i.
        A system without chance has one run, which stands beside every run of the other.
    n_resamples : int
        R, how often sentences are swapped at random.
    seed : int
        Of the swaps.

    Returns
    -------
    Comparison
        Scores are of the counts of all runs together; p = (1 + r) / (1 + R), where in r of R resamples the
        scores differ at least as much as they do, in either direction.

    Raises
    ------
    DataError
        If there is no run, the runs are of unequal sentences, or their numbers do not match.

    Notes
    -----
    Noreen (1989), Computer-Intensive Methods for Testing Hypotheses; Yeh (2000), More accurate tests for the
    statistical significance of result differences, COLING. A sentence is swapped in all runs or in none: runs
    on the same sentences tend to the same errors, and are not so many more sentences. What is tested is these
    runs: where seeds make a system better or worse on all sentences alike, other seeds may differ the other
    way, which `windowclf.evaluation.bootstrap.interval_of` takes into account and this test does not.
    """
    a, b = _pooled(first, second)
    base = a + b
    unequal = (a != b).any(axis=1)  # swapping the others changes nothing
    moves = (b - a)[unequal].astype(np.float64)  # (M, 3)
    total = a.sum(axis=0)
    observed = score_of(total) - score_of(base.sum(axis=0) - total)
    rng = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // max(1, len(moves)))
    extreme = 0
    for start in range(0, n_resamples, at_once):
        n = min(at_once, n_resamples - start)
        swapped = total + _coins(rng, n, len(moves)) @ moves  # (n, 3), whole numbers, exact
        differences = score_of(swapped) - score_of(base.sum(axis=0) - swapped)
        extreme += int((np.abs(differences) >= np.abs(observed) - _SLACK).sum())
    return Comparison(
        first=float(score_of(total)),
        second=float(score_of(b.sum(axis=0))),
        p_value=(1 + extreme) / (1 + n_resamples),
        n_sentences=len(a),
    )


def compare_seeds(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Test by Wilcoxon's signed ranks whether the scores of one system's runs are above those of another's.

    Parameters
    ----------
    first, second : sequences of float
        A score for each seed; those of the same seed at the same place.

    Returns
    -------
    float or None
        The two-sided p-value; None with fewer than 10 seeds, where ranks say next to nothing.

    Raises
    ------
    DataError
        If the numbers of scores differ.
    """
    if len(first) != len(second):
        raise DataError(
            "a score is needed of both systems for each seed", found=f"{len(first)} and {len(second)} scores"
        )
    if len(first) < FEWEST_SEEDS:
        return None
    # equal differences of shares of words differ in the last bits; rounded, they share their rank
    differences = np.round(np.subtract(first, second), 12)
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Correct the p-values of a family of tests, so that it rejects anything wrongly as rarely as one test.

    Parameters
    ----------
    p_values : mapping of str to float
        By the name of the comparison; the family is named before results are seen.

    Returns
    -------
    dict of str to float
        Never smaller than the p-values, in the same order of size, at most 1.

    Notes
    -----
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian J. of Statistics 6.
    """
    corrected: dict[str, float] = {}
    largest = 0.0
    for i, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - i) * p_values[name]))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}


def check_same_sentences(first: Sequence[Ints], second: Sequence[Ints]) -> None:
    """Refuse runs, arrays (S, 3) of counts, that are not of the same sentences.

    What is true must be equal in run i of both, or in all runs where they are not equally many. From pair to
    pair it may differ: words that training never saw, say, are others where training data are.

    Raises
    ------
    DataError
        If a system has no run, or there is a run of other sentences, or of none.
    """
    if not (first and second):
        raise DataError("each system needs at least one run", found=f"{len(first)} and {len(second)} runs")
    n_sentences = {len(run) for run in [*first, *second]}
    pairs = zip(first, second, strict=True) if len(first) == len(second) else product(first, second)
    if len(n_sentences) > 1 or any((a[:, 1] != b[:, 1]).any() for a, b in pairs):
        raise DataError("the runs label unequal sentences", allowed="the same sentences in the same order")
    if n_sentences == {0}:
        raise DataError("runs are compared on sentences, and there are none")


def _pooled(first: Sequence[Ints], second: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Return the counts (S, 3) of both systems, summed over runs."""
    check_same_sentences(first, second)
    n_runs = max(len(first), len(second))
    if any(len(runs) not in (1, n_runs) for runs in (first, second)):
        raise DataError(
            "these runs cannot be paired",
            found=f"{len(first)} runs of the first system, {len(second)} of the second",
            allowed="as many of one as of the other, or one",
        )
    a, b = (np.sum(runs, axis=0) * (n_runs // len(runs)) for runs in (first, second))
    return a, b


def _coins(rng: np.random.Generator, n: int, n_moves: int) -> Floats:
    """Return n throws (n, M) of M coins, 0 or 1."""
    bits = np.frombuffer(rng.bytes(n * -(-n_moves // 8)), np.uint8).reshape(n, -1)
    return np.unpackbits(bits, axis=1, count=n_moves).astype(np.float64)


LEVEL = 0.95  # of intervals
ALPHA = 0.05  # corrected p-values below it count
