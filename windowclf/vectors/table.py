"""Words and their matrix as one table: checked, hashed, joined, written to and mapped from a directory.

V words, D dimensions.
"""

import hashlib
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from windowclf.arrays import Floats
from windowclf.corpus import is_utf8
from windowclf.encoding import N_SPECIAL, Vocabulary
from windowclf.errors import ModelFileError, VectorsError
from windowclf.files import map_arrays, save_arrays

WORDS_FILE = "words.txt"
MATRIX_FILE = "vectors.safetensors"
_TENSOR = "vectors"
_ROWS_AT_ONCE = 1 << 13  # rows checked or copied at once; bounds memory

# A tokenizer never yields these. U+00A0 and other blanks of Unicode are allowed: GloVe has such words.
BLANK = re.compile("[ \t\r\n\v\f]")


class Table(NamedTuple):
    """Distinct words, most frequent first, and a matrix (V, D) of float32 or float16 with a row for each."""

    words: list[str]
    matrix: Floats


def check_table(table: Table, where: str, *, words_are_lines: bool = False) -> None:
    """Raise a VectorsError unless words are distinct, without blanks, and each with a row of finite numbers.

    The error names the first fault in `where`. If `words_are_lines`, word i is line i + 1 of it; if not,
    messages count words.
    """
    words, matrix = table
    if not words:
        raise VectorsError("there are no vectors", where=where)
    if matrix.ndim != 2 or len(matrix) != len(words) or matrix.shape[1] == 0:
        raise VectorsError(
            "the number of words and the shape of the matrix do not agree",
            where=where,
            found=f"{len(words)} words, a matrix of shape {matrix.shape}",
            allowed=f"a matrix of shape ({len(words)}, dimension)",
        )
    if matrix.dtype not in (np.float32, np.float16):
        raise VectorsError("wrong dtype", where=where, found=str(matrix.dtype), allowed="float32, float16")
    fault = _faulty_word(words)
    if fault is None and (row := _row_not_finite(matrix)) is not None:
        problem = "the word's vector has a number that is not finite"
        fault = row, problem, "finite numbers within the range of float32"
    if fault is not None:
        row, problem, allowed = fault
        at, line = (where, row + 1) if words_are_lines else (f"{where}, word {row + 1}", None)
        raise VectorsError(problem, where=at, line=line, found=words[row], allowed=allowed)


def _faulty_word(words: list[str]) -> tuple[int, str, str] | None:
    """Find the first word with a fault: its row, the problem, what is allowed."""
    joined = "\n".join(words)
    suspicious = "" in words or BLANK.search(joined.replace("\n", "")) or joined.count("\n") != len(words) - 1
    if not suspicious and len(set(words)) == len(words) and is_utf8(joined):
        return None
    first_row: dict[str, int] = {}
    for row, word in enumerate(words):
        if not word:
            return row, "a word is empty", "at least one character"
        if BLANK.search(word):
            return row, "a word contains a blank", "words without blanks"
        if not is_utf8(word):
            return row, "a word is not valid Unicode", "text that can be written as UTF-8"
        if word in first_row:
            return row, f"a word occurs twice, first as word {first_row[word] + 1}", "each word once"
        first_row[word] = row
    return None


def _row_not_finite(matrix: Floats) -> int | None:
    for start in range(0, len(matrix), _ROWS_AT_ONCE):
        good = np.isfinite(matrix[start : start + _ROWS_AT_ONCE]).all(axis=1)
        if not good.all():
            return start + int(np.argmin(good))
    return None


def sha256_of_table(table: Table) -> str:
    """Return the SHA-256 of words, dtype, shape and numbers."""
    matrix = np.ascontiguousarray(table.matrix)
    digest = hashlib.sha256("\n".join(table.words).encode("utf-8"))
    digest.update(f"\n\n{matrix.dtype.newbyteorder('<').str} {matrix.shape}\n".encode())
    digest.update(matrix.data)
    return digest.hexdigest()


def write_table(table: Table, directory: Path) -> None:
    """Write ``words.txt`` and ``vectors.safetensors``, not atomically."""
    directory.mkdir(exist_ok=True)
    (directory / WORDS_FILE).write_bytes(("\n".join(table.words) + "\n").encode("utf-8"))
    save_arrays(directory / MATRIX_FILE, {_TENSOR: table.matrix})


def map_table(directory: Path) -> Table:
    """Read ``words.txt`` and map ``vectors.safetensors``; the content is not checked."""
    return Table(_read_words(directory / WORDS_FILE), _map_matrix(directory / MATRIX_FILE))


def _read_words(path: Path) -> list[str]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise VectorsError("cannot be read", where=str(path), found=error.strerror) from error
    try:
        # Only \n ends a line: other separators of Unicode may be part of a word.
        return text.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise VectorsError(
            "not UTF-8",
            where=str(path),
            line=line,
            found=text[error.start : error.start + 8],
            allowed="UTF-8",
        ) from error


def _map_matrix(path: Path) -> Floats:
    try:
        arrays = map_arrays(path)
    except OSError as error:
        raise VectorsError("cannot be read", where=str(path), found=error.strerror) from error
    except ModelFileError as error:
        raise VectorsError(error.problem, where=str(path), found=error.found) from error
    if list(arrays) != [_TENSOR]:
        raise VectorsError("wrong tensors", where=str(path), found=list(arrays), allowed=f"one: {_TENSOR!r}")
    matrix = cast(Floats, arrays[_TENSOR])  # check_table looks at the dtype
    return matrix.astype(np.float32) if matrix.dtype == np.float64 else matrix


def join_tables(tables: Sequence[Table]) -> Table:
    """Join tables (V_t, D_t) side by side, as one table with longer rows, in the widest of their dtypes.

    In each block of columns, a word has the vector that it finds in this table: as written, else
    lower-cased, else with digits folded (`Vocabulary.find`), else zeros. So a cased set does not hide the
    vector that a lower-cased one has for the same word. The words are those of the first table in its order,
    then the further words of each next one.
    """
    words = list(dict.fromkeys(chain.from_iterable(table.words for table in tables)))
    ends = np.cumsum([table.matrix.shape[1] for table in tables])
    matrix = np.zeros((len(words), ends[-1]), np.result_type(*(table.matrix for table in tables)))
    for table, end in zip(tables, ends, strict=True):
        find = Vocabulary(table.words, {}).find
        rows = np.fromiter((find(word)[0] - N_SPECIAL for word in words), np.int64, len(words))
        block = matrix[:, end - table.matrix.shape[1] : end]
        for first in range(0, len(words), _ROWS_AT_ONCE):
            part = rows[first : first + _ROWS_AT_ONCE]
            is_found = part >= 0  # below are reserved ids
            block[first : first + len(part)][is_found] = table.matrix[part[is_found]]
    return Table(words, matrix)
