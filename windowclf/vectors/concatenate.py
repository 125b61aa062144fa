"""Several sets of word vectors side by side, as one table with longer rows.

A row is what each set by itself gives the word: its vector as written, else lower-cased, else with digits
folded (`Vocabulary.find`), else zeros. So a text's word finds, in the joined table, exactly what it would
find in each set: a cased set does not hide the vector that a lower-cased one has for the same word.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from windowclf.arrays import Floats
from windowclf.encoding.vocabulary import N_SPECIAL, Vocabulary
from windowclf.vectors.table import Table

_ROWS_AT_ONCE = 8192  # rows copied at a time; bounds memory beside the joined matrix


def join_tables(tables: Sequence[Table]) -> Table:
    """Put tables side by side.

    Parameters
    ----------
    tables : sequence of Table
        T tables with matrices (V_t, D_t).

    Returns
    -------
    Table
        The words of the first table in its order, then those of each next one that none before it has;
        a matrix (V, D_1 + … + D_T) in the widest of their dtypes.
    """
    words = list(dict.fromkeys(chain.from_iterable(table.words for table in tables)))
    ends = np.cumsum([table.matrix.shape[1] for table in tables])
    matrix = np.zeros((len(words), ends[-1]), np.result_type(*(table.matrix for table in tables)))
    for table, end in zip(tables, ends, strict=True):
        _fill(matrix[:, end - table.matrix.shape[1] : end], words, table)
    return Table(words, matrix)


def _fill(block: Floats, words: list[str], table: Table) -> None:
    """Write the vectors that a table has for `words` into a block of columns of zeros."""
    find = Vocabulary(table.words, {}).find
    rows = np.fromiter((find(word)[0] - N_SPECIAL for word in words), np.int64, len(words))
    for first in range(0, len(words), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        found = part >= 0  # other ids are of no word
        block[first : first + len(part)][found] = table.matrix[part[found]]
