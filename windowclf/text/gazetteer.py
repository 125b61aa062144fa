"""Lists of phrases, such as names of places, and where they stand in a text.

N tokens, S sentences, P phrases, E edges of the trie.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cached_property
from itertools import chain, count, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Ints
from windowclf.config import FeaturesConfig
from windowclf.errors import DataError
from windowclf.text.lines import read_lines

LONGEST_PHRASE = 100  # tokens; matching takes at most so many look-ups a token


class Position(IntEnum):
    """Where a token stands in a phrase of a list."""

    NONE = 0
    BEGIN = 1
    INSIDE = 2
    END = 3
    SINGLE = 4


class Gazetteer:
    """A list of phrases that is matched longest first, from left to right, without overlaps.

    Phrases are a trie over tokens, kept as sorted arrays and not as objects: a million of them take about a
    hundred megabytes, most of it their distinct tokens. It is made when it is first needed.

    Parameters
    ----------
    text : str
        A phrase a line, its tokens parted by single spaces, each line ended by a line feed.
    case : bool
        Whether letter case counts. Where it does not, `text` must be case-folded.

    Attributes
    ----------
    text : str
    case : bool
    """

    def __init__(self, text: str, *, case: bool = True) -> None:
        self.text = text
        self.case = case

    @classmethod
    def of(cls, phrases: Iterable[str], *, case: bool = True) -> "Gazetteer":
        """Make a list of phrases as they are written; a phrase that comes again, or is blank, is left out.

        Raises
        ------
        DataError
            If a phrase has more than `LONGEST_PHRASE` tokens, or there is no phrase.
        """
        return cls._of_lines(enumerate(phrases, 1), "phrases", case)

    @classmethod
    def read(cls, path: str | Path, *, case: bool = True) -> "Gazetteer":
        """Read a list from a UTF-8 file, a phrase a line; ``.gz`` is unpacked on the way.

        Blank lines are skipped, and a phrase that comes again counts once. There are no comments: a line that
        starts with # is a phrase (a #tag).

        Raises
        ------
        DataError
            If the file cannot be read, is not UTF-8 or holds a NUL character, a phrase has more than
            `LONGEST_PHRASE` tokens, or there is no phrase.
        """
        return cls._of_lines(read_lines(path), str(path), case)

    @classmethod
    def _of_lines(cls, lines: Iterable[tuple[int, str]], where: str, case: bool) -> "Gazetteer":
        from windowclf.text.tokenizer import tokenize  # its pattern takes time, and a stored list needs none

        phrases: dict[str, None] = {}
        for number, line in lines:
            tokens = [token.text if case else token.text.casefold() for token in tokenize(line)]
            if len(tokens) > LONGEST_PHRASE:
                raise DataError(
                    f"a phrase of {len(tokens)} tokens is too long",
                    where=where,
                    line=number,
                    found=line,
                    allowed=f"at most {LONGEST_PHRASE} tokens; a phrase a line",
                )
            if tokens:
                phrases[" ".join(tokens)] = None
        if not phrases:
            raise DataError("a list without phrases", where=where, allowed="UTF-8 text, a phrase a line")
        return cls("\n".join((*phrases, "")), case=case)

    def __len__(self) -> int:
        return self.text.count("\n")

    def build(self) -> None:
        """Make the trie now that the first match would make; before a fork, so that processes share it."""
        _ = self._trie

    def positions(self, tokens: Sequence[str], lengths: Ints) -> Ints:
        """Return where each token stands in a phrase.

        The time is linear in the number of tokens, whatever they and the phrases are.

        Parameters
        ----------
        tokens : sequence of str
            All sentences in a row.
        lengths : array (S,)
            Tokens of each sentence; they sum to N. No phrase goes on into the next sentence.

        Returns
        -------
        array (N,)
            Values of `Position`.
        """
        starts, ends = _without_overlaps(self._longest(tokens, lengths))
        result = np.zeros(len(tokens), np.int32)
        sizes = ends - starts
        # a number for each token of a phrase, 0, 1, 2 …, moved from where its phrase has it among them
        inside = np.arange(sizes.sum()) + np.repeat(ends - np.cumsum(sizes), sizes)
        result[inside] = Position.INSIDE
        result[starts] = Position.BEGIN
        result[ends - 1] = Position.END
        result[starts[sizes == 1]] = Position.SINGLE
        return result

    def _longest(self, tokens: Sequence[str], lengths: Ints) -> Ints:
        """Return the length of the longest phrase that begins at each token (N,); 0 where none does."""
        trie = self._trie
        given = tokens if self.case else map(str.casefold, tokens)
        unknown = len(trie.ids)
        ids = np.fromiter(map(trie.ids.get, given, repeat(unknown)), np.int64, len(tokens))
        sentence_ends = np.repeat(np.cumsum(lengths), lengths)
        longest = np.zeros(len(tokens), np.int64)
        (starts,) = (ids < unknown).nonzero()
        nodes: Ints = np.zeros(len(starts), np.int64)
        n_read = 0
        while len(starts):  # all phrases that begin anywhere are followed at once, a token further each time
            nodes, found = self._children(nodes, ids[starts + n_read])
            starts, nodes = starts[found], nodes[found]
            n_read += 1
            longest[starts[trie.is_phrase[nodes]]] = n_read
            goes_on = starts + n_read < sentence_ends[starts]
            starts, nodes = starts[goes_on], nodes[goes_on]
        return longest

    def _children(self, nodes: Ints, ids: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Follow the edge of a token (M,) from each node (M,): -> nodes, and which of them there are."""
        trie = self._trie
        keys = nodes * (len(trie.ids) + 1) + ids
        edges = np.minimum(np.searchsorted(trie.edges, keys), len(trie.edges) - 1)
        return edges + 1, trie.edges[edges] == keys

    @cached_property
    def _trie(self) -> "_Trie":
        lines = self.text.split("\n")[:-1]
        lengths = np.fromiter((line.count(" ") + 1 for line in lines), np.int64, len(lines))
        ids: defaultdict[str, int] = defaultdict(count().__next__)  # a token that is new gets the next number
        tokens = chain.from_iterable(line.split(" ") for line in lines)
        numbers = np.fromiter(map(ids.__getitem__, tokens), np.int64, lengths.sum())
        return _grow(ids, numbers, lengths)


def read_gazetteers(config: FeaturesConfig) -> tuple[Gazetteer, ...]:
    """Read the lists that a configuration names.

    Raises
    ------
    DataError
        As `Gazetteer.read`.
    """
    return tuple(Gazetteer.read(path, case=config.gazetteer_case) for path in config.gazetteers)


class _Trie(NamedTuple):
    """Node 0 is the root; edge e leads to node e + 1.

    `ids` numbers the tokens; `edges` (E,), ascending, are node · (tokens + 1) + token; `is_phrase` (E + 1,)
    says whether a phrase ends at a node.
    """

    ids: dict[str, int]
    edges: Ints
    is_phrase: npt.NDArray[np.bool_]


def _grow(ids: dict[str, int], tokens: Ints, lengths: Ints) -> _Trie:
    """Make a trie of phrases, given by the tokens of all of them in a row, and their lengths (P,)."""
    starts = np.cumsum(lengths) - lengths
    nodes = np.zeros(len(lengths), np.int64)
    levels: list[Ints] = []
    ends: list[Ints] = []
    n_edges = 0
    while len(starts):
        # nodes of a level have higher numbers than those above, so edges of all levels in a row ascend
        level, places = np.unique(nodes * (len(ids) + 1) + tokens[starts], return_inverse=True)
        nodes = n_edges + 1 + places
        levels.append(level)
        n_edges += len(level)
        ends.append(nodes[lengths == len(levels)])
        goes_on = lengths > len(levels)
        starts, lengths, nodes = starts[goes_on] + 1, lengths[goes_on], nodes[goes_on]
    is_phrase = np.zeros(n_edges + 1, bool)
    is_phrase[np.concatenate(ends)] = True
    return _Trie(ids, np.concatenate(levels), is_phrase)


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
