"""Spelling features of a word: its letter case, and its prefixes, suffixes and shape, hashed into a table."""

from enum import IntEnum
from itertools import groupby
from zlib import crc32

from windowclf.config import FeaturesConfig

NONE = 0  # the id of "no such feature": boundaries, absent words, words shorter than an affix


class Case(IntEnum):
    """Letter case of a word; 0 is reserved for positions without a word."""

    NONE = NONE
    LOWER = 1
    TITLE = 2
    UPPER = 3
    ONE_CAPITAL = 4
    MIXED = 5
    NUMBER = 6
    WITH_DIGIT = 7
    SYMBOL = 8


def letter_case(word: str) -> Case:
    """Return the case class of a word."""
    if not word.isalpha():
        has_letter = any(map(str.isalpha, word))
        if any(map(str.isdigit, word)):
            return Case.WITH_DIGIT if has_letter else Case.NUMBER
        if not has_letter:
            return Case.SYMBOL
    if word.islower():
        return Case.LOWER
    if word.isupper():
        return Case.ONE_CAPITAL if len(word) == 1 else Case.UPPER
    return Case.TITLE if word[0].isupper() and word[1:].islower() else Case.MIXED


def letter_shape(word: str) -> str:
    """Return the shape of a word: X for capitals, x for other letters, d for digits, runs as one.

    Xx for Paris, X.X. for U.S., dx for 20th, Xx-Xx for New-York (Collins 2002, "Ranking algorithms for
    named-entity extraction", section 3).
    """
    return "".join(class_ for class_, _ in groupby(map(_character_class, word)))


def _character_class(character: str) -> str:
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return "d" if character.isdigit() else character


class WordFeatures:
    """Turns a word into feature ids: one case id, then one hashed id for each affix.

    The hash is the CRC-32 of a prefix that names the feature and the affix as UTF-8, the same on every
    machine. Id 0 is NONE, ids 1 to `buckets` are hashed.
    """

    def __init__(self, config: FeaturesConfig) -> None:
        self.config = config
        with_affixes = config.affix_dimension != 0  # a dimension not chosen yet counts as one
        self._prefixes = config.prefixes if with_affixes else ()
        self._suffixes = config.suffixes if with_affixes else ()
        self._whole = with_affixes and config.whole_word
        self._shape = with_affixes and config.shape

    @property
    def has_case(self) -> bool:
        """Whether the first feature id is the letter case."""
        return self.config.case_dimension > 0

    @property
    def n_affixes(self) -> int:
        """Number of hashed ids of a word."""
        return len(self._prefixes) + len(self._suffixes) + self._whole + self._shape

    @property
    def n_columns(self) -> int:
        """Number of ids of a word by itself, without those of gazetteers and columns."""
        return self.has_case + self.n_affixes

    @property
    def columns(self) -> dict[str, slice]:
        """The ids of each table among all ids of a word, of which the first is that of its vector.

        The tables are `case`, `affixes`, `gazetteers` and `columns`; one without ids is left out.
        """
        counts = {
            "case": int(self.has_case),
            "affixes": self.n_affixes,
            "gazetteers": len(self.config.gazetteers),
            "columns": len(self.config.columns),
        }
        columns, first = {}, 1
        for table, n in counts.items():
            if n:
                columns[table] = slice(first, first + n)
                first += n
        return columns

    @property
    def whole_word_column(self) -> int | None:
        """The index of the id of the whole word among all ids of a word; None without this feature."""
        if not self._whole:
            return None
        first_affix: int = self.columns["affixes"].start
        return first_affix + len(self._prefixes) + len(self._suffixes)

    def ids(self, word: str) -> list[int]:
        """Return the feature ids of a word, case first."""
        ids: list[int] = [letter_case(word)] if self.has_case else []
        if not self.n_affixes:
            return ids
        lower = word.lower()
        length = len(lower)
        ids += [self._bucket(f"{n}<{lower[:n]}") if length >= n else NONE for n in self._prefixes]
        ids += [self._bucket(f"{n}>{lower[-n:]}") if length >= n else NONE for n in self._suffixes]
        if self._whole:
            ids.append(self._bucket(f"={word}"))
        if self._shape:
            ids.append(self._bucket(f"~{letter_shape(word)}"))
        return ids

    def _bucket(self, affix: str) -> int:
        # "surrogatepass": a lone surrogate in a caller's string is an unusual word, not an error
        return 1 + crc32(affix.encode("utf-8", "surrogatepass")) % self.config.buckets
