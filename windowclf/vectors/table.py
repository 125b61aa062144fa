"""Words and their matrix as one table: checked, hashed, written to and mapped from a directory.

V words, D dimensions.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from windowclf.arrays import Floats
from windowclf.corpus.blocks import is_utf8
from windowclf.errors import ModelFileError, VectorsError
from windowclf.files import map_arrays, save_arrays

WORDS_FILE = "words.txt"
MATRIX_FILE = "vectors.safetensors"
_TENSOR = "vectors"
_ROWS_AT_ONCE = 1 << 16  # rows checked at once, so that a mapped matrix is never in memory as a whole

# A tokenizer never yields these. U+00A0 and other characters of Unicode are left alone: GloVe has such words.
BLANK = re.compile("[ \t\r\n\v\f]")


class Table(NamedTuple):
    """Words, most frequent first, and one row for each.

    Attributes
    ----------
    words : list of str
        V distinct words.
    matrix : ndarray of shape (V, D)
        float32 or float16.
    """

    words: list[str]
    matrix: Floats


def check_table(table: Table, where: str, *, words_are_lines: bool = False) -> None:
    """Check that the words are distinct and without blanks, and the numbers finite and one row a word.

    Parameters
    ----------
    table : Table
        What was read.
    where : str
        The file, for the message.
    words_are_lines : bool
        Whether word i stands on line i + 1 of `where`; otherwise the message counts words.

    Raises
    ------
    VectorsError
        At the first word or row that breaks a rule.
    """
    words, matrix = table
    if not words:
        raise VectorsError("there are no vectors", where=where)
    if matrix.ndim != 2 or len(matrix) != len(words) or matrix.shape[1] == 0:
        raise VectorsError(
            "the words and the matrix do not fit each other",
            where=where,
            found=f"{len(words)} words, a matrix of shape {matrix.shape}",
            allowed=f"a matrix of shape ({len(words)}, dimension)",
        )
    if matrix.dtype not in (np.float32, np.float16):
        raise VectorsError("wrong dtype", where=where, found=str(matrix.dtype), allowed="float32, float16")
    fault = _faulty_word(words)
    if fault is not None:
        row, problem, allowed = fault
        raise _word_error(problem, where, row, words[row], allowed, words_are_lines)
    bad_row = _row_not_finite(matrix)
    if bad_row is not None:
        raise _word_error(
            "the word's vector has a number that is not finite",
            where,
            bad_row,
            words[bad_row],
            "finite numbers within the range of float32",
            words_are_lines,
        )


def _word_error(
    problem: str, where: str, row: int, word: str, allowed: str, words_are_lines: bool
) -> VectorsError:
    if words_are_lines:
        return VectorsError(problem, where=where, line=row + 1, found=word, allowed=allowed)
    return VectorsError(problem, where=f"{where}, word {row + 1}", found=word, allowed=allowed)


def _faulty_word(words: list[str]) -> tuple[int, str, str] | None:
    """Find the first word that breaks a rule: its row, the problem, what is allowed."""
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
            return row, f"a word comes twice, first as word {first_row[word] + 1}", "each word once"
        first_row[word] = row
    return None


def _row_not_finite(matrix: Floats) -> int | None:
    for start in range(0, len(matrix), _ROWS_AT_ONCE):
        good = np.isfinite(matrix[start : start + _ROWS_AT_ONCE]).all(axis=1)
        if not good.all():
            return start + int(np.argmin(good))
    return None


def sha256_of_table(table: Table) -> str:
    """Return the SHA-256 of words, dtype, shape and numbers, the same wherever the table was read from."""
    matrix = np.ascontiguousarray(table.matrix)
    digest = hashlib.sha256("\n".join(table.words).encode("utf-8"))
    digest.update(f"\n\n{matrix.dtype.newbyteorder('<').str} {matrix.shape}\n".encode())
    digest.update(matrix.data)
    return digest.hexdigest()


def write_table(table: Table, directory: Path) -> None:
    """Write ``words.txt`` and ``vectors.safetensors``; the caller sees to atomicity."""
    directory.mkdir(exist_ok=True)
    (directory / WORDS_FILE).write_bytes(("\n".join(table.words) + "\n").encode("utf-8"))
    save_arrays(directory / MATRIX_FILE, {_TENSOR: table.matrix})


def map_table(directory: Path) -> Table:
    """Read ``words.txt`` and map ``vectors.safetensors``; the content is not checked.

    Raises
    ------
    VectorsError
        If a file is missing, cut short, or does not hold what its name says.
    """
    return Table(words_of(directory / WORDS_FILE), _map_matrix(directory / MATRIX_FILE))


def words_of(path: Path) -> list[str]:
    """Read a file with one word a line."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise VectorsError("cannot be read", where=str(path), found=error.strerror) from error
    try:
        # Only \n ends a line here: other separators of Unicode may be part of a word.
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


RANDOM_PREFIX = "random:"  # of vectors that are drawn for the words of a training (random_vectors.py)
