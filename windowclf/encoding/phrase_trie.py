"""Where the phrases of several lists stand in a text: one walk through one trie, in linear time.

N tokens, S sentences, G lists, P phrases of all of them, E edges of the trie.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import IntEnum
from itertools import chain, count, repeat

import numpy as np

from windowclf.arrays import Bools, Ints


class Position(IntEnum):
    """Where a token stands in a phrase of a list."""

    NONE = 0
    BEGIN = 1
    INSIDE = 2
    END = 3
    SINGLE = 4


class PhraseTrie:
    """Lists of phrases that are matched longest first, from left to right, without overlaps in a list.

    It is a trie over tokens, kept as sorted arrays and not as objects: a million phrases take about a hundred
    megabytes, most of it their distinct tokens. Node 0 is the root; edge e leads to node e + 1.

    Parameters
    ----------
    lists : sequence of sequence of str
        The phrases of each list, tokens parted by single spaces.
    """

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        phrases = [*chain.from_iterable(lists)]
        lengths = np.fromiter((phrase.count(" ") + 1 for phrase in phrases), np.int64, len(phrases))
        ids: defaultdict[str, int] = defaultdict(count().__next__)  # a new token gets the next number
        tokens = chain.from_iterable(phrase.split(" ") for phrase in phrases)
        numbers = np.fromiter(map(ids.__getitem__, tokens), np.int64, lengths.sum())
        self._ids: dict[str, int] = ids
        list_of = np.repeat(np.arange(len(lists)), [len(own) for own in lists])
        self._grow(numbers, lengths, list_of, len(lists))

    def _grow(self, tokens: Ints, lengths: Ints, list_of: Ints, n_lists: int) -> None:
        """Make edges and ends of phrases: the tokens of all in a row, their lengths and lists (P,)."""
        starts = np.cumsum(lengths) - lengths
        nodes = np.zeros(len(lengths), np.int64)
        levels: list[Ints] = []
        ends: list[tuple[Ints, Ints]] = []  # nodes, and the lists whose phrases end there
        n_edges = 0
        while len(starts):
            # nodes of a level have higher numbers than those above, so edges of all levels in a row ascend
            level, places = np.unique(nodes * (len(self._ids) + 1) + tokens[starts], return_inverse=True)
            nodes = n_edges + 1 + places
            levels.append(level)
            n_edges += len(level)
            ends.append((nodes[lengths == len(levels)], list_of[lengths == len(levels)]))
            goes_on = lengths > len(levels)
            starts, lengths, nodes, list_of = (
                starts[goes_on] + 1,
                lengths[goes_on],
                nodes[goes_on],
                list_of[goes_on],
            )
        # whether a phrase begins with a token: an edge of the root is its number; the last is of no token
        self._is_first: Bools = np.zeros(len(self._ids) + 1, bool)
        self._is_first[levels[0] if levels else []] = True
        # (E,), ascending: node · (tokens + 1) + token
        self._edges = np.concatenate([np.zeros(0, np.int64), *levels])
        # (E + 1, G): of which lists a phrase ends at a node
        self._ends: Bools = np.zeros((n_edges + 1, n_lists), bool)
        for at, own in ends:
            self._ends[at, own] = True

    def positions(self, tokens: Sequence[str], lengths: Ints) -> Ints:
        """Return where each token stands in a phrase of each list.

        The time is linear in the number of tokens, whatever they and the phrases are.

        Parameters
        ----------
        tokens : sequence of str
            All sentences in a row.
        lengths : array (S,)
            Tokens of each sentence; they sum to N. No phrase goes on into the next sentence.

        Returns
        -------
        array (N, G)
            Values of `Position`.
        """
        result = np.zeros((len(tokens), self._ends.shape[1]), np.int32)
        longest = self._longest(tokens, lengths)
        for g in np.flatnonzero(longest.any(axis=0)).tolist():  # most sentences have no phrase of most lists
            column = result[:, g]
            starts, ends = _without_overlaps(longest[:, g])
            sizes = ends - starts
            # a number for each token of a phrase, 0, 1, 2 …, moved from where its phrase has it among them
            inside = np.arange(sizes.sum()) + np.repeat(ends - np.cumsum(sizes), sizes)
            column[inside] = Position.INSIDE
            column[starts] = Position.BEGIN
            column[ends - 1] = Position.END
            column[starts[sizes == 1]] = Position.SINGLE
        return result

    def _longest(self, tokens: Sequence[str], lengths: Ints) -> Ints:
        """Return the length of the longest phrase of each list that begins at each token (N, G); 0: none."""
        unknown = len(self._ids)
        ids = np.fromiter(map(self._ids.get, tokens, repeat(unknown)), np.int64, len(tokens))
        longest = np.zeros((len(tokens), self._ends.shape[1]), np.int64)
        (starts,) = self._is_first[ids].nonzero()
        if not len(starts):
            return longest
        sentence_ends = np.repeat(np.cumsum(lengths), lengths)
        nodes: Ints = np.zeros(len(starts), np.int64)
        n_read = 0
        while len(starts):  # all phrases that begin anywhere are followed at once, a token further each time
            nodes, found = self._children(nodes, ids[starts + n_read])
            starts, nodes = starts[found], nodes[found]
            n_read += 1
            which, own = self._ends[nodes].nonzero()
            longest[starts[which], own] = n_read
            goes_on = starts + n_read < sentence_ends[starts]
            starts, nodes = starts[goes_on], nodes[goes_on]
        return longest

    def _children(self, nodes: Ints, ids: Ints) -> tuple[Ints, Bools]:
        """Follow the edge of a token (M,) from each node (M,): -> nodes, and which of them there are."""
        keys = nodes * (len(self._ids) + 1) + ids
        edges = np.minimum(np.searchsorted(self._edges, keys), len(self._edges) - 1)
        return edges + 1, self._edges[edges] == keys


def _without_overlaps(longest: Ints) -> tuple[Ints, Ints]:
    """Take phrases from left to right, each the longest of its start; return starts and ends (exclusive)."""
    (candidates,) = longest.nonzero()
    starts: list[int] = []
    ends: list[int] = []
    end = 0
    for start, length in zip(candidates.tolist(), longest[candidates].tolist(), strict=True):
        if start >= end:
            end = start + length
            starts.append(start)
            ends.append(end)
    return np.array(starts, np.int64), np.array(ends, np.int64)
