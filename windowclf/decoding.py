"""Scores to labels: the most probable sequence of labels that its scheme allows.

N tokens, C labels, S sentences, T tokens of one sentence.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.text.label_set import LabelSet
from windowclf.text.labels import Scheme, is_legal

_SUMS_AT_ONCE = 1 << 20  # of the best sequences of several sentences; bounds memory


def best_labels(log_probs: Floats, lengths: Ints, labels: LabelSet) -> Ints:
    """Return the number of the label of each token, (N,).

    Words are labelled independently, so the most probable sequence is the best label of each word, unless
    those break the scheme; then it is found among the sequences that do not, by dynamic programming.

    Parameters
    ----------
    log_probs : array (N, C)
        Log probabilities, or scores that differ from them by a constant for each token.
    lengths : array (S,)
        Tokens of each sentence.
    labels : LabelSet
        Its scheme, if any, is kept to.
    """
    if len(log_probs) == 0:
        return np.zeros(0, dtype=np.int64)
    best: Ints = log_probs.argmax(axis=1)
    if labels.inner_scheme is None:
        return best
    legal = legal_pairs(labels)
    for sentences in _groups(_illegal_sentences(best, lengths, legal), lengths, len(legal)):
        firsts = (np.cumsum(lengths) - lengths)[sentences]
        beside = np.zeros((lengths[sentences[0]], len(sentences), len(labels)), log_probs.dtype)
        places = [slice(first, first + n) for first, n in zip(firsts, lengths[sentences], strict=True)]
        for i, place in enumerate(places):
            beside[: place.stop - place.start, i] = log_probs[place]
        paths = best_legal_paths(beside, lengths[sentences], legal)
        for i, place in enumerate(places):
            best[place] = paths[: place.stop - place.start, i]
    return best


def best_legal_paths(log_probs: Floats, lengths: Ints, legal: Bools) -> Ints:
    """Return the legal sequences of labels with the greatest sums of log probabilities (Viterbi 1967).

    Parameters
    ----------
    log_probs : array (T, S, C)
        Sentences side by side; what stands after the end of one does not count.
    lengths : array (S,)
        Longest first: T, …; none is 0.
    legal : array (C + 1, C + 1)
        As `legal_pairs` returns it.

    Returns
    -------
    array (T, S)
        Zeros after the end of a sentence.
    """
    T, S, C = log_probs.shape
    forbidden = np.where(legal, 0.0, -np.inf)
    between = forbidden[:C, :C]
    into = np.ascontiguousarray(between.T)  # row: the label that is reached
    # of each t the number of sentences that have a token t; these come first
    n_open = np.searchsorted(-lengths, -np.arange(T)).tolist()
    # reached[t, s, c]: the best sum of a legal sequence that ends with label c at token t of s
    reached = np.empty((T, S, C))
    reached[0] = log_probs[0] + forbidden[C, :C]
    for t in range(1, T):
        n = n_open[t]
        reached[t, :n] = (reached[t - 1, :n, :, None] + between).max(axis=1) + log_probs[t, :n]
    ends = reached[lengths - 1, np.arange(S)] + forbidden[:C, C]
    paths = np.zeros((T, S), dtype=np.int64)
    label = ends.argmax(axis=1)
    for t in range(T - 1, -1, -1):
        n = n_open[t]
        paths[t, :n] = label[:n]
        if t > 0:
            # looked for again on the way back: cheaper than to remember it for every label
            label[:n] = (reached[t - 1, :n] + into[label[:n]]).argmax(axis=1)
    return paths


def legal_pairs(labels: LabelSet) -> Bools:
    """Return (C + 1, C + 1) whether label j may follow label i; the last of each is the sentence's end."""
    assert labels.inner_scheme is not None
    return _legal_pairs(labels.names, labels.inner_scheme)


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
    n_sentences = len(lengths)
    padded = np.full(len(best) + n_sentences + 1, outside, dtype=np.int64)
    padded[np.arange(len(best)) + np.repeat(np.arange(n_sentences), lengths) + 1] = best
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
