"""Other columns of a corpus, such as parts of speech: the values that stand there, as numbers.

N tokens, C columns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from types import MappingProxyType

import numpy as np

from windowclf.arrays import Ints
from windowclf.corpus.blocks import is_utf8
from windowclf.corpus.sentence import Sentence
from windowclf.errors import DataError

NO_WORD = 0  # rows that are of no value: the places beyond a sentence's ends,
UNKNOWN_VALUE = 1  # absent words, and values that training did not see
N_RESERVED_ROWS = 2


class ColumnValues:
    """The values that columns had in training; each has a row in one table, those of a column in a row.

    Parameters
    ----------
    values : mapping of str to sequence of str
        The distinct values of each column.

    Attributes
    ----------
    values : dict of str to tuple of str
    ranges : list of range
        The rows of each column's values.
    """

    def __init__(self, values: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self.values = {name: tuple(own) for name, own in values.items()}
        self.ranges: list[range] = []
        first = N_RESERVED_ROWS
        for own in self.values.values():
            self.ranges.append(range(first, first + len(own)))
            first += len(own)
        self._row_of = {
            name: dict(zip(own, rows, strict=True))
            for (name, own), rows in zip(self.values.items(), self.ranges, strict=True)
        }

    @classmethod
    def of(cls, names: Sequence[str], sentences: Iterable[Sequence[str]]) -> "ColumnValues":
        """Take the values that stand in training data.

        Raises
        ------
        DataError
            If a sentence lacks one of the columns, or a value is not valid Unicode.
        """
        found: dict[str, set[str]] = {name: set() for name in names}
        for sentence in sentences:
            for name, own in found.items():
                own.update(column_of(sentence, name))
        for name, own in found.items():
            for value in own:
                if not is_utf8(value):
                    raise DataError(f"a value of the column {name!r} is not valid Unicode", found=value)
        return cls({name: sorted(own) for name, own in found.items()})

    def __len__(self) -> int:
        return sum(map(len, self.values.values()))

    def rows(self, sentences: Sequence[Sequence[str]]) -> Ints:
        """Return the row of what each column says of each token (N, C).

        Raises
        ------
        DataError
            If a sentence lacks one of the columns.
        """
        found = [
            np.fromiter(map(row_of.get, _values(sentences, name), repeat(UNKNOWN_VALUE)), np.int32)
            for name, row_of in self._row_of.items()
        ]
        if not found:
            return np.zeros((sum(map(len, sentences)), 0), np.int32)
        return np.column_stack(found)


NO_COLUMNS = ColumnValues()


def column_of(sentence: Sequence[str], name: str) -> Sequence[str]:
    """Return what a column says of each token.

    Raises
    ------
    DataError
        If the sentence has words and does not have this column.
    """
    known = sentence if isinstance(sentence, Sentence) else Sentence(())
    if known.columns is not None and name in known.columns:
        return known.columns[name]
    if not len(sentence):
        return ()
    raise DataError(
        f"a sentence without the column {name!r}, which the model takes beside the words (features.columns)",
        where=known.source,
        line=known.line,
        found=[*sentence],
        hint="Plain text has no columns: give a corpus file that has them, or in Python "
        "windowclf.Sentence(tokens, columns={name: values}).",
    )


def check_columns(
    names: Sequence[str], sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]
) -> None:
    """Refuse labelled sentences that lack a column, or a column that gives every label away.

    Raises
    ------
    DataError
    """
    for name in names:
        is_label = [tuple(column_of(s, name)) == tuple(own) for s, own in zip(sentences, labels, strict=True)]
        if all(is_label) and any(map(len, labels)):
            raise DataError(
                f"the column {name!r} holds the labels themselves, which it would give away",
                where="features.columns",
                allowed="columns that are known when labels are not",
            )


def _values(sentences: Sequence[Sequence[str]], name: str) -> Iterator[str]:
    return chain.from_iterable(column_of(sentence, name) for sentence in sentences)
