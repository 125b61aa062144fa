"""Scores to labels: the most probable legal sequence.

N tokens, C labels, S sentences, T tokens of the longest sentence.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from windowclf.arrays import Bools, Floats, Ints, spread_apart
from windowclf.corpus import LabelSet, Scheme, is_legal
from windowclf.errors import ConfigError
from windowclf.nn import sum_labellings

_SUMS_AT_ONCE = 1 << 16  # of several sentences; so many stay in the cache


def best_labels(scores: Floats, lengths: Ints, labels: LabelSet, transitions: Floats | None = None) -> Ints:
    """Return the id of the label of each token, (N,); the sequences follow the scheme of the labels.

    Without transitions, words are labelled independently: the most probable sequence is the best label of
    each word, unless those break the scheme; then it is found among the legal sequences by dynamic
    programming. With transitions, every sentence is.

    `scores` (N, C) are log probabilities, or differ from them by a constant for each token; `lengths` (S,)
    are in tokens; `transitions` (C + 1, C + 1) are the scores of label j after label i, the last row and
    column being the sentence's ends.
    """
    if len(scores) == 0:
        return np.zeros(0, dtype=np.int64)
    if transitions is not None:
        return _best_with_transitions(scores, lengths, allowed_pairs(labels), transitions)
    best: Ints = scores.argmax(axis=1)
    if labels.internal_scheme is None:
        return best
    rules = _rules(labels)
    if illegal := _illegal_sentences(best, lengths, rules):
        ends = np.cumsum(lengths)
        for i in illegal:
            here = slice(ends[i] - lengths[i], ends[i])
            best[here] = _best_legal_labels(scores[here], best[here].tolist(), rules)
    return best


def _best_legal_labels(scores: Floats, best: list[int], rules: "_Rules") -> list[int]:
    """Return the legal labels with the greatest sum of scores (T, C), given the best label of each word.

    Only a window around the illegal pairs is searched; if its labels do not fit those beside it, it grows.
    If they fit, no sequence is better, for each part is the best that there is.
    """
    T, outside = len(best), len(rules.legal) - 1
    pairs = enumerate(pairwise([outside, *best, outside]))
    faults = [i for i, pair in pairs if pair in rules.illegal]  # between words i - 1 and i
    begin, end = max(0, faults[0] - 1), min(T, faults[-1] + 1)
    while True:
        path = _best_path(scores[begin:end].tolist(), rules, is_first=begin == 0, is_last=end == T)
        fits_left = begin == 0 or (best[begin - 1], path[0]) not in rules.illegal
        fits_right = end == T or (path[-1], best[end]) not in rules.illegal
        if fits_left and fits_right:
            return [*best[:begin], *path, *best[end:]]
        growth = end - begin  # the window doubles, so that the work stays linear in T
        if not fits_left:
            begin = max(0, begin - growth)
        if not fits_right:
            end = min(T, end + growth)


def _best_path(
    scores: Sequence[Sequence[float]], rules: "_Rules", *, is_first: bool, is_last: bool
) -> list[int]:
    """Search some words for the best legal labels (Viterbi 1967), with or without the sentence's ends."""
    reached = list(scores[0])
    if is_first:
        reached = [score if j in rules.first else -math.inf for j, score in enumerate(reached)]
    came_from: list[list[int]] = []
    for row in scores[1:]:
        here, before = [0.0] * len(row), [0] * len(row)
        for predecessors, followers in rules.groups:
            i = max(predecessors, key=reached.__getitem__)
            for j in followers:
                here[j], before[j] = reached[i] + row[j], i
        came_from.append(before)
        reached = here
    path = [max(rules.last if is_last else range(len(reached)), key=reached.__getitem__)]
    for before in reversed(came_from):
        path.append(before[path[-1]])
    return path[::-1]


def _best_with_transitions(scores: Floats, lengths: Ints, legal: Bools | None, transitions: Floats) -> Ints:
    """Do what `best_labels` does, where the score of a sequence includes transitions."""
    matrix = transitions if legal is None else np.where(legal, transitions, -np.inf)
    best = np.empty(len(scores), dtype=np.int64)
    firsts = np.cumsum(lengths) - lengths
    for group in _groups(np.flatnonzero(lengths).tolist(), lengths, len(matrix)):
        steps = np.arange(lengths[group[0]])[:, None]
        is_open = steps < lengths[group]
        positions = np.where(is_open, firsts[group] + steps, 0)  # (T, S)
        paths = best_legal_paths(scores[positions], lengths[group], matrix)
        best[positions[is_open]] = paths[is_open]
    return best


def best_legal_paths(scores: Floats, lengths: Ints, transitions: Floats) -> Ints:
    """Return the tag sequences (T, S) with the greatest sums of scores (Viterbi 1967), padded with zeros.

    The sentences are side by side in `scores` (T, S, C), longest first, none empty. `transitions` (C + 1,
    C + 1) are as in `best_labels`, -inf for a forbidden pair.
    """
    T, S, C = scores.shape
    dtype = np.result_type(scores, np.float32)
    transitions = transitions.astype(dtype)
    between = np.ascontiguousarray(transitions[:C, :C])
    # for each t, the number of sentences that have a token t; these come first
    n_open = np.searchsorted(-lengths, -np.arange(T)).tolist()
    # reached[t, c, s]: the best sum of a sequence that ends with label c at token t of s, less the best of
    # all c, so that a sum of many scores loses no digits. Sentences are the last axis: numpy is fastest so.
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
            # searched again on the way back: cheaper than to store it for every label
            label[:n] = (reached[t - 1, :, :n] + between[:, label[:n]]).argmax(axis=0)
    return paths


def n_best_labels(
    scores: Floats, transitions: Floats, n: int, legal: Bools | None = None
) -> list[tuple[Ints, float]]:
    """Return label ids (T,) and log probabilities of the n most probable tag sequences of one sentence.

    Viterbi's algorithm with the n best prefixes for every label instead of the best one (Schwartz and Chow
    1990); the result is exact. `scores` (T, C), `transitions` and `legal` (C + 1, C + 1) are as in
    `sum_labellings`. There are fewer than n if fewer are legal; a sentence without words has one, empty.
    """
    if n < 1:
        raise ConfigError("not a number of tag sequences", where="n", found=n, allowed="1 or more")
    T, C = scores.shape
    log_z = sum_labellings(scores, transitions, lengths=np.array([T]), legal=legal).log_z[0]
    if T == 0:
        return [(np.zeros(0, dtype=np.int64), 0.0)]
    A = np.where(True if legal is None else legal, transitions.astype(np.float64), -np.inf)
    # reached[r, c]: the sum of the r-th best prefix that ends with label c; before[t][r, c]: the prefix that
    # it continues, up to the word before, as r' · C + c'
    reached = A[None, C, :C] + scores[0]
    before: list[Ints] = []
    for t in range(1, T):
        sums = (reached[:, :, None] + A[:C, :C]).reshape(-1, C)
        chosen = np.argsort(-sums, axis=0, kind="stable")[:n]
        before.append(chosen)
        reached = np.take_along_axis(sums, chosen, axis=0) + scores[t]
    ends = (reached + A[:C, C]).ravel()
    best = np.argsort(-ends, kind="stable")[:n]
    cells = best = best[ends[best] > -np.inf]
    paths = np.empty((T, len(best)), dtype=np.int64)
    for t in range(T - 1, -1, -1):
        ranks, paths[t] = np.divmod(cells, C)
        if t > 0:
            cells = before[t - 1][ranks, paths[t]]
    return [(paths[:, k], min(0.0, float(ends[cell] - log_z))) for k, cell in enumerate(best.tolist())]


def allowed_pairs(labels: LabelSet) -> Bools | None:
    """Return `legal_pairs`; None for labels without a scheme, where any label may follow any other."""
    return None if labels.internal_scheme is None else legal_pairs(labels)


def legal_pairs(labels: LabelSet) -> Bools:
    """Return whether label j may follow label i (C + 1, C + 1); the last of each is the sentence's end."""
    return _rules(labels).legal


@dataclass(frozen=True, slots=True)
class _Rules:
    """Which labels may follow which, in several forms."""

    legal: Bools  # (C + 1, C + 1), read-only
    illegal: frozenset[tuple[int, int]]
    first: tuple[int, ...]
    last: tuple[int, ...]
    groups: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]  # predecessors, the labels that have these


def _rules(labels: LabelSet) -> _Rules:
    assert labels.internal_scheme is not None
    return _rules_of(labels.names, labels.internal_scheme)


@lru_cache(maxsize=64)
def _rules_of(names: tuple[str, ...], scheme: Scheme) -> _Rules:
    ends = [*names, None]
    table = np.array([[is_legal(first, second, scheme) for second in ends] for first in ends])
    table.flags.writeable = False
    groups: dict[tuple[int, ...], list[int]] = {}
    for j in range(len(names)):
        groups.setdefault(tuple(np.flatnonzero(table[:-1, j]).tolist()), []).append(j)
    return _Rules(
        table,
        frozenset(zip(*(ids.tolist() for ids in np.nonzero(~table)), strict=True)),
        tuple(np.flatnonzero(table[-1, :-1]).tolist()),
        tuple(np.flatnonzero(table[:-1, -1]).tolist()),
        tuple((predecessors, tuple(followers)) for predecessors, followers in groups.items()),
    )


def _illegal_sentences(best: Ints, lengths: Ints, rules: _Rules) -> list[int]:
    """Return the numbers of the sentences whose labels break the scheme."""
    outside = len(rules.legal) - 1  # stands before the first and after the last word of a sentence
    if len(lengths) == 1:
        return [] if rules.illegal.isdisjoint(pairwise([outside, *best.tolist(), outside])) else [0]
    positions, size = spread_apart(lengths, 1)
    padded = np.full(size, outside, dtype=np.int64)
    padded[positions] = best
    is_legal_pair = rules.legal[padded[:-1], padded[1:]]
    if is_legal_pair.all():
        return []
    faults = np.flatnonzero(~is_legal_pair) + 1
    # sentence i, with the outside after it, is at positions up to boundaries[i] of `padded`
    boundaries = np.cumsum(lengths + 1)
    return sorted(set(np.searchsorted(boundaries, faults).tolist()))


def _groups(sentences: list[int], lengths: Ints, n_labels: int) -> Iterator[list[int]]:
    """Group sentences of similar length, longest first, so that little is padded."""
    most = max(1, _SUMS_AT_ONCE // n_labels**2)
    group: list[int] = []
    for i in sorted(sentences, key=lambda i: -lengths[i]):
        if group and (2 * lengths[i] < lengths[group[0]] or len(group) == most):
            yield group
            group = []
        group.append(i)
    if group:
        yield group
