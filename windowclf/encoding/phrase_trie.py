"""Find the phrases of several lists in a text, in one walk through one trie.

N tokens, S sentences, G lists, P phrases of all lists, E edges of the trie, T distinct tokens of the phrases.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cache
from itertools import chain, count, repeat

import numpy as np

from windowclf.arrays import Ints


class Position(IntEnum):
    """The position of a token in a phrase of a list."""

    NONE = 0
    BEGIN = 1
    INSIDE = 2
    END = 3
    SINGLE = 4


class PhraseTrie:
    """Lists of phrases, matched longest first, from left to right, without overlaps within a list.

    The trie over tokens, which single spaces separate in the phrases, is kept as sorted arrays and not as
    objects: a million phrases take about a hundred megabytes, most of it their distinct tokens. Node 0 is the
    root; edge e leads to node e + 1.
    """

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        phrases = [*chain.from_iterable(lists)]
        lengths = np.fromiter((phrase.count(" ") + 1 for phrase in phrases), np.int64, len(phrases))
        ids: defaultdict[str, int] = defaultdict(count().__next__)  # a new token gets the next number
        tokens = chain.from_iterable(phrase.split(" ") for phrase in phrases)
        numbers = np.fromiter(map(ids.__getitem__, tokens), np.int64, lengths.sum())
        self._ids: dict[str, int] = ids
        self._n_lists = len(lists)
        self._grow(numbers, lengths, np.repeat(np.arange(len(lists)), [len(own) for own in lists]))

    def _grow(self, tokens: Ints, lengths: Ints, list_of: Ints) -> None:
        """Make the edges and the ends of phrases, given all tokens in a row, and length and list of each."""
        starts = np.cumsum(lengths) - lengths
        nodes = np.zeros(len(lengths), np.int64)
        edges = [np.zeros(0, np.int64)]  # of each level, ascending: parent · T + token
        ends = [np.zeros(0, np.int64)]  # node · G + list, for each phrase that ends on a level
        n_edges = 0
        while len(starts):
            # nodes of a level have higher numbers than those above it, so the edges of all levels ascend
            level, places = np.unique(nodes * len(self._ids) + tokens[starts], return_inverse=True)
            nodes = n_edges + 1 + places
            edges.append(level)
            n_edges += len(level)
            is_end = lengths == len(edges) - 1
            ends.append(nodes[is_end] * self._n_lists + list_of[is_end])
            starts, lengths = starts[~is_end] + 1, lengths[~is_end]
            nodes, list_of = nodes[~is_end], list_of[~is_end]
        parents, edge_tokens = np.divmod(np.concatenate(edges), max(1, len(self._ids)))
        ending, lists = np.divmod(np.sort(np.concatenate(ends)), max(1, self._n_lists))
        root = np.zeros(len(self._ids) + 1, np.int64)  # where each token leads to from the root, or 0
        root[edge_tokens[parents == 0]] = 1 + np.arange(np.count_nonzero(parents == 0))
        # Python reads single numbers of its own arrays faster than those of numpy's. Node n has the edges
        # from _edges_from[n] to before _edges_from[n + 1], each with the number of its token; phrases of the
        # lists from _lists[_lists_from[n]] to before _lists[_lists_from[n + 1]] end there.
        self._root = array("q", root.tobytes())
        self._edge_tokens = array("q", edge_tokens.tobytes())
        self._edges_from = array("q", _first_of_each(parents, n_edges + 1).tobytes())
        self._lists = array("q", lists.tobytes())
        self._lists_from = array("q", _first_of_each(ending, n_edges + 1).tobytes())

    def matches(
        self, tokens: Sequence[str], without: Mapping[int, frozenset[str]] | None = None
    ) -> list[tuple[int, int, int]]:
        """Return list, begin and end (exclusive) of each phrase in one sentence.

        `without` has phrases that are not matched, by the number of their list. The time is linear in the
        number of tokens, whatever they and the phrases are. On a large text this loop is about as fast as
        array operations; on one sentence it takes a tenth of their time.
        """
        root, lists, lists_from = self._root, self._lists, self._lists_from
        edge_tokens, edges_from, n_ids = self._edge_tokens, self._edges_from, len(self._ids)
        ids = [*map(self._ids.get, tokens, repeat(n_ids))]
        found: list[tuple[int, int, int]] = []
        free_from = [0] * self._n_lists  # where the last phrase of each list ended
        for begin, token in enumerate(ids):
            node = root[token]
            if not node:
                continue
            longest: dict[int, int] = {}
            end = begin
            while node:
                end += 1
                for k in range(lists_from[node], lists_from[node + 1]):
                    if not without or " ".join(tokens[begin:end]) not in without.get(lists[k], ()):
                        longest[lists[k]] = end
                if end == len(ids) or ids[end] == n_ids:
                    break
                last = edges_from[node + 1]
                edge = bisect_left(edge_tokens, ids[end], edges_from[node], last)
                node = edge + 1 if edge < last and edge_tokens[edge] == ids[end] else 0
            for g, stop in longest.items():
                if begin >= free_from[g]:
                    free_from[g] = stop
                    found.append((g, begin, stop))
        return found


def _first_of_each(numbers: Ints, n: int) -> Ints:
    """Return where each of 0 to n would begin among ascending numbers (n + 1,)."""
    return np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=n))])


@cache
def positions_of(n: int) -> bytes:
    """Return the `Position` of each token of a phrase of n tokens, n at least 1."""
    if n == 1:
        return bytes([Position.SINGLE])
    return bytes([Position.BEGIN, *[Position.INSIDE] * (n - 2), Position.END])
