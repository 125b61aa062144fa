"""Gazetteers: lists of phrases, such as names of places, and where they occur in a text.

N tokens, S sentences, G lists.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from windowclf.arrays import Ints
from windowclf.corpus import read_lines
from windowclf.encoding.phrase_trie import PhraseTrie, positions_of
from windowclf.errors import DataError

LONGEST_PHRASE = 100  # tokens; matching takes at most so many look-ups a token


class Gazetteer:
    """A list of phrases.

    `text` has a phrase a line, its tokens separated by single spaces, each line ended by a line feed. It must
    be case-folded unless matching is case-sensitive (`case`).
    """

    def __init__(self, text: str, *, case: bool = True) -> None:
        self.text = text
        self.case = case

    @classmethod
    def of(cls, phrases: Iterable[str], *, case: bool = True) -> "Gazetteer":
        """Make a list of raw phrases, without duplicates and blank ones; errors as of `read`."""
        return cls._of_lines(enumerate(phrases, 1), "phrases", case)

    @classmethod
    def read(cls, path: str | Path, *, case: bool = True) -> "Gazetteer":
        """Read a list from a UTF-8 file with a phrase a line, compressed by gzip (``.gz``) or not.

        Blank lines and duplicates are skipped. There are no comments: a line that starts with # is a phrase
        (a #tag).

        Raises
        ------
        DataError
            If the file cannot be read, is not UTF-8 or holds a NUL character, a phrase has more than
            `LONGEST_PHRASE` tokens, or there is no phrase.
        """
        return cls._of_lines(read_lines(path), str(path), case)

    @classmethod
    def _of_lines(cls, lines: Iterable[tuple[int, str]], where: str, case: bool) -> "Gazetteer":
        # imported here: its pattern takes time to compile, and a stored list needs none
        from windowclf.corpus import tokenize

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

    @property
    def phrases(self) -> list[str]:
        """The phrases, tokens separated by single spaces."""
        return self.text.split("\n")[:-1]


class Gazetteers(tuple[Gazetteer, ...]):
    """Lists whose phrases are matched together: all case-sensitive, or none."""

    @cached_property
    def case(self) -> bool:
        """Whether matching is case-sensitive."""
        return all(own.case for own in self)

    def build(self) -> None:
        """Build the trie now instead of at the first match; before a fork, so that processes share it."""
        _ = self._trie

    def matches(
        self, sentence: Sequence[str], without: Mapping[int, frozenset[str]] | None = None
    ) -> list[tuple[int, int, int]]:
        """Return list, begin and end of each phrase in a sentence, as `PhraseTrie.matches`."""
        tokens = sentence if self.case else [*map(str.casefold, sentence)]
        return self._trie.matches(tokens, without) if self else []

    def positions(
        self,
        tokens: Sequence[str],
        lengths: Ints,
        without: Sequence[Mapping[int, frozenset[str]]] | None = None,
    ) -> Ints:
        """Return the `Position` of each token in a phrase of each list (N, G).

        `tokens` are those of all sentences in a row, `lengths` (S,) their numbers. `without` (S,) has for
        each sentence phrases that are not matched, by the number of their list.
        """
        n_lists = len(self)
        found = bytearray(len(tokens) * n_lists)
        first = 0
        for s, length in enumerate(lengths.tolist()):
            sentence = tokens[first : first + length]
            for g, begin, end in self.matches(sentence, without[s] if without else None):
                cells = slice((first + begin) * n_lists + g, (first + end) * n_lists, n_lists)
                found[cells] = positions_of(end - begin)
            first += length
        return np.frombuffer(found, np.uint8).reshape(first, n_lists).astype(np.int32)

    @cached_property
    def _trie(self) -> PhraseTrie:
        return PhraseTrie([own.phrases for own in self])


NO_GAZETTEERS = Gazetteers()
