"""Scores to labels: the most probable sequence of labels that its scheme allows.

N tokens, C labels, S sentences, T tokens of one sentence.
"""

from functools import lru_cache

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.text.label_set import LabelSet
from windowclf.text.labels import Scheme, is_legal


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
    ends = np.cumsum(lengths)
    for i in _illegal_sentences(best, lengths, legal):
        place = slice(ends[i] - lengths[i], ends[i])
        best[place] = best_legal_path(log_probs[place], legal)
    return best


def best_legal_path(log_probs: Floats, legal: Bools) -> Ints:
    """Return the legal sequence of labels with the greatest sum of log probabilities (Viterbi 1967).

    Parameters
    ----------
    log_probs : array (T, C)
    legal : array (C + 1, C + 1)
        As `legal_pairs` returns it.

    Returns
    -------
    array (T,)
    """
    C = log_probs.shape[1]
    forbidden = np.where(legal, 0.0, -np.inf)
    # reached[c]: the best sum of a legal sequence that ends with label c at the present token
    reached = log_probs[0] + forbidden[C, :C]
    came_from = np.empty(log_probs.shape, dtype=np.int64)
    for t in range(1, len(log_probs)):
        sums = reached[:, None] + forbidden[:C, :C]
        came_from[t] = sums.argmax(axis=0)
        reached = sums.max(axis=0) + log_probs[t]
    path = np.empty(len(log_probs), dtype=np.int64)
    path[-1] = (reached + forbidden[:C, C]).argmax()
    for t in range(len(log_probs) - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path


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
    faults = np.flatnonzero(~legal[padded[:-1], padded[1:]]) + 1
    # sentence i, with the outside after it, is at places up to boundaries[i] of `padded`
    boundaries = np.cumsum(lengths + 1)
    return sorted(set(np.searchsorted(boundaries, faults).tolist()))
