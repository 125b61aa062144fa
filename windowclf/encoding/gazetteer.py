"""Lists of phrases, such as names of places, and where they stand in a text.

N tokens, S sentences, G lists.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from windowclf.arrays import Ints
from windowclf.config import FeaturesConfig
from windowclf.corpus.blocks import read_lines
from windowclf.encoding.phrase_trie import PhraseTrie
from windowclf.errors import DataError

LONGEST_PHRASE = 100  # tokens; matching takes at most so many look-ups a token


class Gazetteer:
    """A list of phrases.

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
        from windowclf.corpus.tokenizer import (
            tokenize,  # its pattern takes time, and a stored list needs none
        )

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
        """The phrases, tokens parted by single spaces."""
        return self.text.split("\n")[:-1]


class Gazetteers(Sequence[Gazetteer]):
    """Lists whose phrases are looked for together.

    Parameters
    ----------
    lists : sequence of Gazetteer
        In all of them letter case counts, or in none.
    """

    def __init__(self, lists: Iterable[Gazetteer] = ()) -> None:
        self._lists = tuple(lists)
        self.case = all(own.case for own in self._lists)
        assert self.case or not any(own.case for own in self._lists)

    def __len__(self) -> int:
        return len(self._lists)

    @overload
    def __getitem__(self, index: int) -> Gazetteer: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Gazetteer, ...]: ...

    def __getitem__(self, index: int | slice) -> Gazetteer | tuple[Gazetteer, ...]:
        return self._lists[index]

    def build(self) -> None:
        """Make the trie now that the first match would make; before a fork, so that processes share it."""
        _ = self._trie

    def positions(self, tokens: Sequence[str], lengths: Ints) -> Ints:
        """Return where each token stands in a phrase of each list (N, G); else as `PhraseTrie.positions`."""
        if not self._lists:
            return np.zeros((len(tokens), 0), np.int32)
        return self._trie.positions(tokens if self.case else [*map(str.casefold, tokens)], lengths)

    @cached_property
    def _trie(self) -> PhraseTrie:
        return PhraseTrie([own.phrases for own in self._lists])


NO_GAZETTEERS = Gazetteers()


def read_gazetteers(config: FeaturesConfig) -> tuple[Gazetteer, ...]:
    """Read the lists that a configuration names.

    Raises
    ------
    DataError
        As `Gazetteer.read`.
    """
    return tuple(Gazetteer.read(path, case=config.gazetteer_case) for path in config.gazetteers)
