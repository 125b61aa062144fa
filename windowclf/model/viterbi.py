"""Scores to labels: the most probable sequence of labels that its scheme allows.

N tokens, C labels, S sentences, T tokens of the longest sentence.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from windowclf.arrays import Bools, Floats, Ints, spread_apart
from windowclf.corpus.label_schemes import Scheme, is_legal
from windowclf.corpus.label_set import LabelSet
from windowclf.errors import ConfigError
from windowclf.nn.crf import sum_labellings

_SUMS_AT_ONCE = 1 << 16  # of the best sequences of several sentences; so many stay in the cache


def best_labels(scores: Floats, lengths: Ints, labels: LabelSet, transitions: Floats | None = None) -> Ints:
    """Return the number of the label of each token, (N,).

    Without transitions, words are labelled independently, so the most probable sequence is the best label of
    each word, unless those break the scheme; then it is found among the sequences that do not, by dynamic
    programming. With transitions, every sentence is.

    Parameters
    ----------
    scores : array (N, C)
        Log probabilities, or scores that differ from them by a constant for each token.
    lengths : array (S,)
        Tokens of each sentence.
    labels : LabelSet
        Its scheme, if any, is kept to.
    transitions : array (C + 1, C + 1), optional
        The score of label j after label i; the last row and column are those of beginning and ending.
    """
    if len(scores) == 0:
        return np.zeros(0, dtype=np.int64)
    legal = allowed_pairs(labels)
    if transitions is not None:
        sentences = np.flatnonzero(lengths).tolist()
        best: Ints = np.empty(len(scores), dtype=np.int64)
        matrix = transitions if legal is None else np.where(legal, transitions, -np.inf)
    else:
        best = scores.argmax(axis=1)
        if legal is None:
            return best
        sentences = _illegal_sentences(best, lengths, legal)
        matrix = np.where(legal, 0.0, -np.inf)
    firsts = np.cumsum(lengths) - lengths
    for group in _groups(sentences, lengths, len(matrix)):
        steps = np.arange(lengths[group[0]])[:, None]
        is_open = steps < lengths[group]
        places = np.where(is_open, firsts[group] + steps, 0)  # (T, S)
        paths = best_legal_paths(scores[places], lengths[group], matrix)
        best[places[is_open]] = paths[is_open]
    return best


def best_legal_paths(scores: Floats, lengths: Ints, transitions: Floats) -> Ints:
    """Return the sequences of labels with the greatest sums of scores (Viterbi 1967).

    Parameters
    ----------
    scores : array (T, S, C)
        Sentences side by side; what stands after the end of one does not count.
    lengths : array (S,)
        Longest first: T, …; none is 0.
    transitions : array (C + 1, C + 1)
        The score of label j after label i; the last row and column are those of beginning and ending. -inf
        where a pair is forbidden.

    Returns
    -------
    array (T, S)
        Zeros after the end of a sentence.
    """
    T, S, C = scores.shape
    dtype = np.result_type(scores, np.float32)
    transitions = transitions.astype(dtype)
    between = np.ascontiguousarray(transitions[:C, :C])
    # of each t the number of sentences that have a token t; these come first
    n_open = np.searchsorted(-lengths, -np.arange(T)).tolist()
    # reached[t, c, s]: the best sum of a sequence that ends with label c at token t of s, less the best of
    # all c, so that a sum of many scores loses no digits. Sentences stand last: numpy is fastest that way.
    reached = np.empty((T, C, S), dtype)
    least = np.finfo(dtype).min
    for t in range(T):
        n = n_open[t]
        here = reached[t, :, :n]
        if t == 0:
            here[...] = transitions[C, :C, None]
        else:
            (reached[t - 1, :, None, :n] + between[:, :, None]).max(axis=0, out=here)
        here += scores[t, :n].T
        here -= np.maximum(here.max(axis=0), least)
    ends = reached[lengths - 1, :, np.arange(S)] + transitions[:C, C]
    paths = np.zeros((T, S), dtype=np.int64)
    label = ends.argmax(axis=1)
    for t in range(T - 1, -1, -1):
        n = n_open[t]
        paths[t, :n] = label[:n]
        if t > 0:
            # looked for again on the way back: cheaper than to remember it for every label
            label[:n] = (reached[t - 1, :, :n] + between[:, label[:n]]).argmax(axis=0)
    return paths


def n_best_labels(
    scores: Floats, transitions: Floats, n: int, legal: Bools | None = None
) -> list[tuple[Ints, float]]:
    """Return the most probable labellings of one sentence, and how probable they are.

    Viterbi's algorithm with the n best beginnings for every label instead of the best one (Schwartz and Chow
    1990); the result is exact.

    Parameters
    ----------
    scores : array (T, C)
        Of every label at every word.
    transitions : array (C + 1, C + 1)
        The score of label j after label i; the last row and column are those of beginning and ending. Zeros
        for a network that labels words independently.
    n : int
        How many, 1 or more.
    legal : array (C + 1, C + 1), optional
        Which pairs a labelling may contain. All, if not given.

    Returns
    -------
    list of (array (T,), float)
        Numbers of labels and log probability, best first; fewer than n if there are not that many legal
        labellings. A sentence without words has one, of no labels.

    Raises
    ------
    ConfigError
        If n is less than 1.
    ShapeError
        If the shapes do not fit together.
    DataError
        If no labelling is legal.
    """
    if n < 1:
        raise ConfigError("not a number of labellings", where="n", found=n, allowed="1 or more")
    T, C = scores.shape
    log_z = sum_labellings(scores, transitions, lengths=np.array([T]), legal=legal).log_z[0]
    if T == 0:
        return [(np.zeros(0, dtype=np.int64), 0.0)]
    A = transitions.astype(np.float64)
    if legal is not None:
        A = np.where(legal, A, -np.inf)
    # reached[r, c]: the sum of the r-th best beginning that ends with label c; before[t][r, c]: which of the
    # beginnings of the word before it goes on with, as r' · C + c'
    reached = A[None, C, :C] + scores[0]
    before: list[Ints] = []
    for t in range(1, T):
        sums = (reached[:, :, None] + A[:C, :C]).reshape(-1, C)
        chosen = np.argsort(-sums, axis=0, kind="stable")[:n]
        before.append(chosen)
        reached = np.take_along_axis(sums, chosen, axis=0) + scores[t]
    ends = (reached + A[:C, C]).ravel()
    best = np.argsort(-ends, kind="stable")[:n]
    best = best[ends[best] > -np.inf]
    places = best
    paths = np.empty((T, len(best)), dtype=np.int64)
    for t in range(T - 1, -1, -1):
        ranks, paths[t] = np.divmod(places, C)
        if t > 0:
            places = before[t - 1][ranks, paths[t]]
    return [(paths[:, k], min(0.0, float(ends[place] - log_z))) for k, place in enumerate(best.tolist())]


def allowed_pairs(labels: LabelSet) -> Bools | None:
    """Return what `legal_pairs` does; None for labels without a scheme, where any may follow any."""
    return None if labels.internal_scheme is None else legal_pairs(labels)


def legal_pairs(labels: LabelSet) -> Bools:
    """Return (C + 1, C + 1) whether label j may follow label i; the last of each is the sentence's end."""
    assert labels.internal_scheme is not None
    return _legal_pairs(labels.names, labels.internal_scheme)


@lru_cache(maxsize=64)
def _legal_pairs(names: tuple[str, ...], scheme: Scheme) -> Bools:
    """Make the table once for a set of labels, not for every text; it is read-only."""
    ends = [*names, None]
    table = np.array([[is_legal(first, second, scheme) for second in ends] for first in ends])
    table.flags.writeable = False
    return table


def _illegal_sentences(best: Ints, lengths: Ints, legal: Bools) -> list[int]:
    """Return the numbers of the sentences whose labels break the scheme, by one look-up per token."""
    outside = len(legal) - 1  # stands before the first and after the last word of a sentence
    places, size = spread_apart(lengths, 1)
    padded = np.full(size, outside, dtype=np.int64)
    padded[places] = best
    is_legal_pair = legal[padded[:-1], padded[1:]]
    if is_legal_pair.all():
        return []
    faults = np.flatnonzero(~is_legal_pair) + 1
    # sentence i, with the outside after it, is at places up to boundaries[i] of `padded`
    boundaries = np.cumsum(lengths + 1)
    return sorted(set(np.searchsorted(boundaries, faults).tolist()))


def _groups(sentences: list[int], lengths: Ints, n_labels: int) -> Iterator[list[int]]:
    """Put sentences of like length together, longest first, so that little is padded."""
    most = max(1, _SUMS_AT_ONCE // n_labels**2)
    group: list[int] = []
    for i in sorted(sentences, key=lambda i: -lengths[i]):
        if group and (2 * lengths[i] < lengths[group[0]] or len(group) == most):
            yield group
            group = []
        group.append(i)
    if group:
        yield group
