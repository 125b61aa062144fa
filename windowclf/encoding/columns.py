"""Other columns of a corpus, such as parts of speech, and their values as numbers.

N tokens, C columns.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from types import MappingProxyType

import numpy as np

from windowclf.arrays import Ints
from windowclf.corpus import Sentence, is_utf8
from windowclf.errors import DataError

NO_WORD = 0  # reserved rows: padding beyond the ends of a sentence;
UNKNOWN_VALUE = 1  # absent words and values that training did not see
N_RESERVED_ROWS = 2


class ColumnValues:
    """The values that columns had in training. Each has a row in one table, column after column.

    Attributes
    ----------
    values : dict of str to tuple of str
        The distinct values of each column.
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
        """Collect the values of training data.

        It raises a DataError if a sentence lacks one of the columns, or a value is not valid Unicode.
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
        """Return the row of the value of each token in each column (N, C); errors are as of `column_of`."""
        found = np.empty((sum(map(len, sentences)), len(self._row_of)), np.int32)
        for i, (name, row_of) in enumerate(self._row_of.items()):
            values = chain.from_iterable(column_of(sentence, name) for sentence in sentences)
            found[:, i] = [*map(row_of.get, values, repeat(UNKNOWN_VALUE))]
        return found


NO_COLUMNS = ColumnValues()


def column_of(sentence: Sequence[str], name: str) -> Sequence[str]:
    """Return the value of each token in a column; a DataError if a sentence with words has no such column."""
    known = sentence if isinstance(sentence, Sentence) else Sentence(())
    if known.columns is not None and name in known.columns:
        return known.columns[name]
    if not len(sentence):
        return ()
    raise DataError(
        f"a sentence without the column {name!r}, which the model needs (features.columns)",
        where=known.source,
        line=known.line,
        found=[*sentence],
        hint="Plain text has no columns. Use a corpus file with this column or, in Python, "
        "windowclf.Sentence(tokens, columns={name: values}).",
    )


def check_columns(
    names: Sequence[str], sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]
) -> None:
    """Raise a DataError unless labelled sentences have the columns, and no column equals the labels."""
    for name in names:
        is_label = [tuple(column_of(s, name)) == tuple(own) for s, own in zip(sentences, labels, strict=True)]
        if all(is_label) and any(map(len, labels)):
            raise DataError(
                f"the column {name!r} holds the labels themselves",
                where="features.columns",
                allowed="columns that unlabelled text has too",
            )
