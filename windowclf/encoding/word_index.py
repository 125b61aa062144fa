"""Words as lines of text: opened quickly however many there are, and searched without a dict of all.

L words, B bytes of text.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Ints

_LINE_END = ord("\n")
_BLOCK = 8  # bytes of a word that are read as one number
_MOST_BYTES = 512  # bytes of a word that its key depends on
_FACTOR = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio; odd, so multiplication by it can be undone


class WordLines:
    """The words of a text, one a line.

    A Python string for each of 400,000 words, and a dict of them, cost a fifth of a second and 50 MB. To look
    up the words of one sentence, the text is enough.

    Parameters
    ----------
    text : bytes
        UTF-8, else a UnicodeDecodeError is raised; each word ends with a line feed.
    ends : array (L,), optional
        Where the words end. Default: all words of `text`.
    """

    def __init__(self, text: bytes, ends: Ints | None = None) -> None:
        if ends is None:
            text.decode()
            ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _LINE_END)
        self._text = text
        self._ends: Ints = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        if len(self):
            yield from self._text[: self._ends[-1]].decode().split("\n")

    def first(self, n: int) -> "WordLines":
        """Return the first `n` words; the text is shared."""
        return WordLines(self._text, self._ends[:n])

    def take(self, numbers: Ints) -> list[str]:
        """Return the words of some lines, counted from 0."""
        text = self._text
        spans = zip(self._starts[numbers].tolist(), self._ends[numbers].tolist(), strict=True)
        return [text[start:end].decode() for start, end in spans]

    def find(self, word: str) -> int | None:
        """Return the number of the first line that is `word`, from 0, or None.

        It compares a number for each line: slower than a dict, but there is nothing to build.
        """
        raw = word.encode("utf-8", "surrogatepass")  # no UTF-8 text holds a surrogate: not found
        for line in np.flatnonzero(self._keys == np.uint64(_key(raw))).tolist():
            if self._text[self._starts[line] : self._ends[line]] == raw:
                return int(line)
        return None

    @cached_property
    def _starts(self) -> Ints:
        """Where each word begins (L,)."""
        starts = np.zeros_like(self._ends)
        starts[1:] = self._ends[:-1] + 1
        return starts

    @cached_property
    def _keys(self) -> npt.NDArray[np.uint64]:
        """The key of each word (L,), as `_key` makes it."""
        # for every byte (B,), the eight bytes from there as a number
        numbers = np.ndarray(len(self._text), np.dtype("<u8"), self._text + bytes(_BLOCK), strides=(1,))
        factor = np.uint64(_FACTOR)
        masks = np.array([(1 << 8 * n) - 1 for n in range(_BLOCK + 1)], np.uint64)
        starts, lengths = self._starts, self._ends - self._starts
        keys = lengths.astype(np.uint64)
        keys ^= numbers[starts] & masks[np.minimum(lengths, _BLOCK)]
        keys *= factor
        (longer,) = (lengths > _BLOCK).nonzero()
        for begin in range(_BLOCK, _MOST_BYTES, _BLOCK):
            if len(longer) == 0:
                break
            rest = lengths[longer] - begin
            blocks = numbers[starts[longer] + begin] & masks[np.minimum(rest, _BLOCK)]
            keys[longer] = (keys[longer] ^ blocks) * factor
            longer = longer[rest > _BLOCK]
        return keys


def _key(raw: bytes) -> int:
    """Return a hash of 64 bits of the length and the bytes of a word, eight at a time."""
    key = len(raw)
    for begin in range(0, min(len(raw), _MOST_BYTES), _BLOCK):
        key = (key ^ int.from_bytes(raw[begin : begin + _BLOCK], "little")) * _FACTOR % 2**64
    return key
