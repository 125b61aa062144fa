"""Lines of a text file, of a gzip file or of standard input, decoded one by one."""

import codecs
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import cast

from windowclf.errors import DataError

STDIN = "-"
LONGEST_PIECE = 1 << 16  # characters; a longer line of raw text is read in pieces
BOM = "\ufeff"
_ENCODING_HINT = "The file may be binary, compressed, or in another encoding; save it as UTF-8."


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a file, as read: whole lines, or a piece of a long one. It is read as the file would be.

    Attributes
    ----------
    content : bytes
    where : str
        How messages name the file.
    line : int
        The number, from 1, of its first line there.
    offset : int
        Bytes before it there.
    """

    content: bytes
    where: str
    line: int = 1
    offset: int = 0


Source = str | Path | Block


def source_name(path: Source) -> str:
    """Return how messages name a path."""
    if isinstance(path, Block):
        return path.where
    return "<stdin>" if str(path) == STDIN else str(path)


@contextmanager
def open_bytes(path: Source) -> Iterator[BufferedIOBase]:
    """Open a file for reading: ``-`` is standard input, ``.gz`` is unpacked on the way.

    Raises
    ------
    DataError
        If the file is missing, a directory or unreadable, or its gzip data are damaged or cut short; also
        when that shows only while the block reads.
    """
    where = source_name(path)
    try:
        if isinstance(path, Block):
            yield BytesIO(path.content)
        elif str(path) == STDIN:
            yield cast(BufferedIOBase, sys.stdin.buffer)
        elif str(path).lower().endswith(".gz"):
            with gzip.open(path, "rb") as packed:
                yield packed
        else:
            with open(path, "rb") as file:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            "the gzip data are damaged or cut short",
            where=where,
            found=str(error),
            hint="Fetch or pack the file again.",
        ) from error
    except FileNotFoundError as error:
        raise DataError("no such file", where=where) from error
    except IsADirectoryError as error:
        raise DataError("a directory, not a file", where=where) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=where) from error


def read_lines(path: Source) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of every line, without its line end (LF or CR LF).

    A byte order mark at the start is left out.

    Raises
    ------
    DataError
        If the file cannot be read, is not UTF-8, or holds a NUL character.
    """
    where = source_name(path)
    first, offset = _start(path)  # offset: bytes before the line
    with open_bytes(path) as file:
        for number, raw in enumerate(file, first):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(where, number, offset + error.start, raw[error.start]) from error
            if "\0" in line:
                raise DataError(
                    f"a NUL character at byte {offset + raw.index(0)}",
                    where=where,
                    line=number,
                    hint=_ENCODING_HINT,
                )
            if offset == 0:
                line = line.removeprefix(BOM)
            offset += len(raw)
            yield number, line.rstrip("\r\n")


def read_pieces(path: Source) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of every line of raw text, long lines in pieces.

    Memory stays flat: a line of more than `LONGEST_PIECE` characters is cut after the last white space among
    the first so many, or, without any there, exactly so many. NUL characters are let through.

    Raises
    ------
    DataError
        If the file cannot be read or is not UTF-8.
    """
    where = source_name(path)
    decoder = codecs.getincrementaldecoder("utf-8")()
    number, offset = _start(path)
    rest = ""
    with open_bytes(path) as file:
        while True:
            raw = file.readline(LONGEST_PIECE)
            waiting = len(decoder.getstate()[0])  # bytes of a character that was not whole
            try:
                rest += decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                byte = error.object[error.start]
                raise _not_utf8(where, number, offset - waiting + error.start, byte) from error
            if offset == 0:
                rest = rest.removeprefix(BOM)
            offset += len(raw)
            while len(rest) > LONGEST_PIECE:
                cut = piece_end(rest)
                yield number, rest[:cut]
                rest = rest[cut:]
            if raw.endswith(b"\n") or not raw:
                if rest or raw:
                    yield number, rest.rstrip("\r\n")
                rest = ""
                number += 1
            if not raw:
                return


def _start(path: Source) -> tuple[int, int]:
    """Return the number of the first line and the bytes before it."""
    return (path.line, path.offset) if isinstance(path, Block) else (1, 0)


def piece_end(text: str) -> int:
    """Return where a long line is cut: after the last white space in the first of it, else after that."""
    for place in range(LONGEST_PIECE, 0, -1):
        if text[place - 1].isspace():
            return place
    return LONGEST_PIECE


def _not_utf8(where: str, line: int, offset: int, byte: int) -> DataError:
    return DataError(
        f"not UTF-8 at byte {offset}", where=where, line=line, found=bytes([byte]), hint=_ENCODING_HINT
    )


def is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8: whether it holds no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
