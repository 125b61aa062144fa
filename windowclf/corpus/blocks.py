"""Files read in blocks of whole sentences, and the decoded lines of these.

`read_blocks` is the only function that reads corpus files. A block is read on its own exactly as the file
would be, so several processes can share the work, in flat memory.
"""

import codecs
import gzip
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import cast

from windowclf.errors import DataError

STDIN = "-"
BLOCK_BYTES = 1 << 17  # read at a time; a block is larger where a sentence is
LONGEST_PIECE = 1 << 16  # characters; longer lines of raw text are cut into pieces
BOM = "\ufeff"
_BLANK_LINE = re.compile(rb"\n[ \t\r\v\f]*\n")
_ENCODING_HINT = "The file may be binary, compressed, or in another encoding; save it as UTF-8."


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a file: whole lines, or pieces of one long line."""

    content: bytes
    where: str  # the file's name in messages
    line: int = 1  # number of its first line in the file
    offset: int = 0  # bytes before it in the file


Source = str | Path | Block


def source_name(source: Source) -> str:
    """Return the name of a source in messages."""
    if isinstance(source, Block):
        return source.where
    return "<stdin>" if str(source) == STDIN else str(source)


def read_blocks(source: Source, format: str) -> Iterator[Block]:
    """Yield a file in blocks of whole sentences, in order.

    Reading the blocks one by one gives the same sentences, line numbers and errors as reading the file.
    From a pipe, each read gives a block of what has arrived, empty if no sentence ended; nothing waits for
    more.

    Parameters
    ----------
    source : str, Path or Block
        The file; ``-`` is standard input, ``.gz`` is unpacked. A block is yielded as it is.
    format : {"text", "tokens", "tagged", "jsonl", "conll", "conllu"}
        Of "conll" and "conllu", blocks end at an empty line, of all others at a line end. A line of "text"
        of more than 64 Ki characters is cut after the last white space among the first so many or, without
        any, exactly there.

    Raises
    ------
    DataError
        If the file cannot be read. Its content is not checked.
    """
    if isinstance(source, Block):
        yield source
        return
    find_end = _ENDS[format]
    where, line, offset = source_name(source), 1, 0
    rest = bytearray()
    with _open(source) as file:
        # read1 returns what has arrived; read would wait for as much as is asked for
        while raw := file.read1(BLOCK_BYTES):
            begin = len(rest)
            rest += raw
            end = find_end(rest, begin)
            yield Block(bytes(rest[:end]), where, line, offset)
            line += rest.count(b"\n", 0, end)
            offset += end
            del rest[:end]
        if rest:
            yield Block(bytes(rest), where, line, offset)


def read_lines(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of every line, without its line end (LF or CR LF).

    A byte order mark at the start of the file is skipped. It raises a DataError if the file cannot be read,
    is not UTF-8, or holds a NUL character.
    """
    for block in read_blocks(source, "tokens"):
        for number, offset, line in _decoded(block):
            if "\0" in line:
                raise DataError(
                    f"a NUL character at byte {offset + line.encode().index(0)}",
                    where=block.where,
                    line=number,
                    hint=_ENCODING_HINT,
                )
            yield number, (line if offset else line.removeprefix(BOM)).rstrip("\r\n")


def read_pieces(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of every line of raw text, long lines in pieces as by `read_blocks`.

    It raises a DataError if the file cannot be read or is not UTF-8; NUL characters are kept.
    """
    for block in read_blocks(source, "text"):
        for number, offset, line in _decoded(block):
            begin = 1 if offset == 0 and line.startswith(BOM) else 0
            end = 0
            while len(line) - end > LONGEST_PIECE:
                end += _piece_end(line[end : end + LONGEST_PIECE])
                yield number, line[begin:end]
                begin = end
            yield number, line[begin:].rstrip("\r\n")


def is_utf8(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8: it holds no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def _open(path: str | Path) -> Iterator[BufferedIOBase]:
    """Open a file and turn what goes wrong, then or while it is read, into a DataError."""
    where = source_name(path)
    try:
        if str(path) == STDIN:
            yield cast(BufferedIOBase, sys.stdin.buffer)
        else:
            is_packed = str(path).lower().endswith(".gz")
            with cast(BufferedIOBase, gzip.open(path) if is_packed else open(path, "rb")) as file:
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


def _decoded(block: Block) -> Iterator[tuple[int, int, str]]:
    """Yield the number of each line, its offset in the file in bytes, and its text."""
    offset = block.offset
    for number, raw in enumerate(BytesIO(block.content), block.line):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"not UTF-8 at byte {offset + error.start}",
                where=block.where,
                line=number,
                found=raw[error.start : error.start + 1],
                hint=_ENCODING_HINT,
            ) from error
        yield number, offset, line
        offset += len(raw)


def _after_line(rest: bytearray, begin: int) -> int:
    return rest.rfind(b"\n", begin) + 1


def _after_line_or_piece(rest: bytearray, begin: int) -> int:
    if (end := _after_line(rest, begin)) or len(rest) <= LONGEST_PIECE:
        return end
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(rest)
    except UnicodeDecodeError:
        return len(rest)  # the reader of the block reports it
    while len(text) - end > LONGEST_PIECE:
        end += _piece_end(text[end : end + LONGEST_PIECE])
    return len(text[:end].encode("utf-8"))


def _after_blank_line(rest: bytearray, begin: int) -> int:
    line_begin = max(0, rest.rfind(b"\n", 0, begin))
    end = 0
    for match in _BLANK_LINE.finditer(rest, line_begin):
        end = match.end()
    return end


def _piece_end(text: str) -> int:
    """Return where a long line is cut: after the last white space of its first part, else after that."""
    for position in range(LONGEST_PIECE, 0, -1):
        if text[position - 1].isspace():
            return position
    return LONGEST_PIECE


_ENDS: dict[str, Callable[[bytearray, int], int]] = {
    "text": _after_line_or_piece,
    "tokens": _after_line,
    "tagged": _after_line,
    "jsonl": _after_line,
    "conll": _after_blank_line,
    "conllu": _after_blank_line,
}
