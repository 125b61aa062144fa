"""A file in blocks that can be read one apart from the other: by several processes, in flat memory."""

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from windowclf.corpus.lines import LONGEST_PIECE, Block, open_bytes, piece_end, source_name

BLOCK_BYTES = 1 << 17  # that are asked for at a time; a block is larger where a sentence is
_BLANK_LINE = re.compile(rb"\n[ \t\r\v\f]*\n")


def read_blocks(path: str | Path, format: str) -> Iterator[Block]:
    """Yield a file in blocks of whole sentences, in order.

    Reading the blocks one by one, each as the format says, gives what reading the file gives: sentences, line
    numbers, faults. A pipe's block is what it holds by then, so nothing waits for more to come: each read
    gives a block, an empty one if no sentence ended.

    Parameters
    ----------
    path : str or Path
        The file; ``-`` is standard input, ``.gz`` is unpacked.
    format : {"text", "tokens", "jsonl", "conll", "conllu"}
        The first three end a block at a line end, the others at an empty line; a long line of "text" is cut
        as `windowclf.corpus.lines.read_pieces` cuts it.

    Raises
    ------
    DataError
        If the file cannot be read. What is in it is not looked at.
    """
    where = source_name(path)
    find_end = _ENDS[format]
    line, offset = 1, 0
    rest = bytearray()
    with open_bytes(path) as file:
        # read1 returns what there is, and keeps nothing of it back that a wait for the file would not see;
        # read would wait until there is as much as is asked for
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


def _after_line(rest: bytearray, begin: int) -> int:
    return rest.rfind(b"\n", begin) + 1


def _after_line_or_piece(rest: bytearray, begin: int) -> int:
    if (end := _after_line(rest, begin)) or len(rest) <= LONGEST_PIECE:
        return end
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(rest)
    except UnicodeDecodeError:
        return len(rest)  # whoever reads the block says so
    while len(text) - end > LONGEST_PIECE:
        end += piece_end(text[end : end + LONGEST_PIECE])
    return len(text[:end].encode("utf-8"))


def _after_blank_line(rest: bytearray, begin: int) -> int:
    line_begin = max(0, rest.rfind(b"\n", 0, begin))
    end = 0
    for match in _BLANK_LINE.finditer(rest, line_begin):
        end = match.end()
    return end


_ENDS: dict[str, Callable[[bytearray, int], int]] = {
    "text": _after_line_or_piece,
    "tokens": _after_line,
    "jsonl": _after_line,
    "conll": _after_blank_line,
    "conllu": _after_blank_line,
}
