"""Word vectors as text: a word and its D numbers a line, as of GloVe, or of word2vec with a header.

The file is read in blocks, so memory holds the matrix and little else. A block is parsed as a whole; if that
fails, its lines are parsed one by one, to name the line with the fault.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import numpy as np

from windowclf.arrays import Floats
from windowclf.errors import VectorsError
from windowclf.vectors.table import Table

_BLOCK = 1 << 22  # bytes read at once
_LONGEST_LINE = 1 << 20  # bytes; 300 dimensions take about 3,000
_BOM = b"\xef\xbb\xbf"
_HEADER = re.compile(rb"(\d{1,12}) (\d{1,6})\s*")
_BLANK_IN_WORD = re.compile(rb"[\t\r\v\f]")
_NUMBERS = msgspec.json.Decoder(list[float])  # three times as fast as float() on each


def open_unpacked(path: Path) -> BinaryIO:
    """Open a file for reading, through gzip if its first bytes are those of a gzip file."""
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if is_packed else path.open("rb")


def header_of(line: bytes) -> tuple[int, int] | None:
    """Return the number of words and the dimension of a word2vec header, or None for any other line."""
    match = _HEADER.fullmatch(line.removeprefix(_BOM))
    return (int(match[1]), int(match[2])) if match else None


def read_text(path: Path) -> Table:
    """Read vectors in text form, compressed by gzip or not.

    A first line of two whole numbers is word2vec's header: the number of words and the dimension. Without a
    header, the first line sets the dimension. Fields are separated by single spaces. Errors name the line.
    """
    where = str(path)
    try:
        with open_unpacked(path) as file:
            return _read(file, where)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise VectorsError("the gzip file is damaged or cut short", where=where, found=str(error)) from error
    except OSError as error:
        raise VectorsError("cannot be read", where=where, found=error.strerror or str(error)) from error


def _read(file: BinaryIO, where: str) -> Table:
    rows: _Rows | None = None
    declared: tuple[int, int] | None = None
    for lines in _blocks_of_lines(file, where):
        if rows is None:
            lines[0] = lines[0].removeprefix(_BOM)
            declared = header_of(lines[0])
            dimension = declared[1] if declared else len(lines[0].split()) - 1
            if dimension < 1:
                raise VectorsError(
                    "not a line of word vectors",
                    where=where,
                    line=1,
                    found=lines[0],
                    allowed="a word and its numbers, or a header: the number of words and the dimension",
                )
            rows = _Rows(where, dimension, first_line=2 if declared else 1)
            lines = lines[1:] if declared else lines
        rows.add(lines)
    if rows is None or not rows.index:
        raise VectorsError("there are no vectors in this file", where=where)
    if declared and declared[0] != len(rows.index):
        raise VectorsError(
            "the header does not agree with the file",
            where=where,
            line=1,
            found=f"{declared[0]} words",
            allowed=f"{len(rows.index)}, the number of lines that follow",
            hint="The file may be cut short",
        )
    return rows.table()


def _blocks_of_lines(file: BinaryIO, where: str) -> Iterator[list[bytes]]:
    """Yield whole lines, without their ends, some megabytes at a time."""
    rest = b""
    n_lines = 0
    while block := file.read(_BLOCK):
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest += block
        else:
            lines = (rest + block[: cut - 1]).split(b"\n")
            n_lines += len(lines)
            yield lines
            rest = block[cut:]
        if len(rest) > _LONGEST_LINE:
            raise VectorsError(
                "not vectors in text form: the line is too long",
                where=where,
                line=n_lines + 1,
                found=rest[:20],
                allowed=f"at most {_LONGEST_LINE} bytes",
            )
    if rest:
        yield [rest]


class _Rows:
    """The words and rows read so far."""

    def __init__(self, where: str, dimension: int, first_line: int) -> None:
        self.where = where
        self.dimension = dimension
        self.first_line = first_line
        self.index: dict[str, int] = {}
        self.matrix: Floats = np.empty((0, dimension), np.float32)

    def table(self) -> Table:
        self.matrix.resize((len(self.index), self.dimension), refcheck=False)
        return Table(list(self.index), self.matrix)

    def add(self, lines: list[bytes]) -> None:
        if not lines:
            return
        words, block = self._parse_block(lines) or self._parse_lines(lines)
        start, end = len(self.index), len(self.index) + len(words)
        self.index.update(zip(words, range(start, end), strict=True))
        if len(self.matrix) < end:
            # In place if the allocator can: a copy would need the memory twice.
            self.matrix.resize((max(end, len(self.matrix) * 5 // 4), self.dimension), refcheck=False)
        self.matrix[start:end] = block

    def _parse_block(self, lines: list[bytes]) -> tuple[list[str], Floats] | None:
        """Parse all lines at once; None if anything is unusual."""
        pairs = [line.rstrip(b" \r").partition(b" ") for line in lines]
        if any(numbers.count(b" ") != self.dimension - 1 or not word for word, _, numbers in pairs):
            return None
        joined = b"\n".join([word for word, _, _ in pairs])
        try:
            words = joined.decode("utf-8").split("\n")
            values = _NUMBERS.decode(
                b"[" + b" ".join([numbers for _, _, numbers in pairs]).replace(b" ", b",") + b"]"
            )
        except (UnicodeDecodeError, msgspec.DecodeError):
            return None
        if (
            _BLANK_IN_WORD.search(joined)
            or len(set(words)) < len(words)
            or not self.index.keys().isdisjoint(words)
        ):
            return None
        with np.errstate(over="ignore"):
            block = np.array(values, np.float32)
        if block.size != len(lines) * self.dimension or not np.isfinite(block).all():
            return None
        return words, block.reshape(len(lines), self.dimension)

    def _parse_lines(self, lines: list[bytes]) -> tuple[list[str], Floats]:
        """Parse line by line, for numbers that JSON does not have (``+1``, ``.5``) and to name a fault."""
        start = len(self.index)
        block = np.empty((len(lines), self.dimension), np.float32)
        new: dict[str, int] = {}
        for i, line in enumerate(lines):
            number = self.first_line + start + i
            word, block[i] = self._parse_line(line.rstrip(b" \r"), number)
            first = self.index.get(word, new.get(word))
            if first is not None:
                raise self._error(
                    f"the word occurs twice, first on line {self.first_line + first}",
                    number,
                    word,
                    "each word once",
                )
            new[word] = start + i
        return list(new), block

    def _parse_line(self, line: bytes, number: int) -> tuple[str, Floats]:
        if not line:
            raise self._error("the line is empty", number, None, "a word and its numbers")
        fields = line.split(b" ")
        raw_word, raw_values = fields[0], fields[1:]
        if len(raw_values) > self.dimension and _all_numbers(raw_values[-self.dimension :]):
            cut = len(fields) - self.dimension
            raise self._error(
                "the word contains a space",
                number,
                b" ".join(fields[:cut]),
                f"one word and {self.dimension} numbers, separated by single spaces",
                f"Drop such lines, for instance with: awk 'NF == {self.dimension + 1}'",
            )
        if not raw_word or _BLANK_IN_WORD.search(raw_word):
            raise self._error(
                "the word is empty or contains a blank",
                number,
                raw_word,
                "a word, then single spaces between numbers",
            )
        try:
            word = raw_word.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._error("the word is not UTF-8", number, raw_word, "UTF-8") from error
        if len(raw_values) != self.dimension:
            raise self._error(
                "wrong dimension",
                number,
                f"{len(raw_values)} numbers after {word!r}",
                f"{self.dimension}, as on the first line"
                if self.first_line == 1
                else f"{self.dimension}, as in the header",
            )
        values = np.empty(self.dimension, np.float32)
        for i, raw in enumerate(raw_values):
            if not _all_numbers([raw]):
                raise self._error(
                    f"number {i + 1} of {word!r} is not a number", number, raw, "finite decimal numbers"
                )
            with np.errstate(over="ignore"):
                values[i] = float(raw)
            if not np.isfinite(values[i]):
                raise self._error(
                    f"number {i + 1} of {word!r} is not finite",
                    number,
                    raw,
                    "finite numbers within the range of float32",
                )
        return word, values

    def _error(
        self, problem: str, line: int, found: object, allowed: str, hint: str | None = None
    ) -> VectorsError:
        return VectorsError(problem, where=self.where, line=line, found=found, allowed=allowed, hint=hint)


def _all_numbers(fields: list[bytes]) -> bool:
    try:
        for field in fields:
            float(field)
    except ValueError:
        return False
    return not any(b"_" in field for field in fields)  # float() takes 1_000
