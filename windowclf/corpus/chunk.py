"""The words of many sentences in one list: what tagging a stream needs of raw and of pre-split text, fast.

What is read here is what `corpus.readers.read_sentences` reads, without an object a token. Whatever is
out of the ordinary (a fault, a very long line) is left to it.

N tokens, S sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np

from windowclf.arrays import Ints
from windowclf.corpus.blocks import BOM, LONGEST_PIECE, Block
from windowclf.corpus.tokenizer import LINE_BREAKS, STOPS, TOKEN, Token, sentence_ends

_SPACE, _BREAK, _STOP = 1, 2, 4
_N_KINDS = 1 << 16  # characters beyond are of no kind
_LAST_SPACE = 0x3000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sentences, all in a row.

    Attributes
    ----------
    words : list of str
        The N tokens.
    lengths : array (S,)
        Tokens of each sentence; they sum to N.
    text : str or None
        What the tokens were found in, if it is known.
    starts, ends : array (N,) or None
        Where in the text each token starts and ends (exclusive), in code points.
    """

    words: list[str]
    lengths: Ints
    text: str | None = None
    starts: Ints | None = None
    ends: Ints | None = None


def parted_words(chunk: Chunk) -> list[list[str]]:
    """Return the tokens of each sentence."""
    ends = np.cumsum(chunk.lengths).tolist()
    return [chunk.words[begin:end] for begin, end in pairwise([0, *ends])]


def read_chunk(block: Block, format: str) -> Chunk | None:
    """Read a block of "text" or of "tokens"; None if it is not ordinary or of another format."""
    if format not in ("text", "tokens"):
        return None
    try:
        text = block.content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if block.offset == 0:
        text = text.removeprefix(BOM)
    if format == "tokens":
        is_ended = not block.content or block.content.endswith(b"\n")
        return None if "\0" in text else _split_lines(text, is_ended)
    is_long = len(text) >= LONGEST_PIECE and max(map(len, text.split("\n"))) >= LONGEST_PIECE
    return None if is_long else _tokenize(text)


def _split_lines(text: str, is_ended: bool) -> Chunk:
    """Split lines at spaces and tabs."""
    lines = text.replace("\t", " ").split("\n")
    if is_ended:
        lines.pop()  # there is no line after the last line end
    words: list[str] = []
    lengths = []
    for line in lines:
        tokens = line.rstrip("\r").split(" ")
        if "" in tokens:
            tokens = [token for token in tokens if token]
        words += tokens
        lengths.append(len(tokens))
    return Chunk(words, np.array(lengths, np.int64))


def _tokenize(text: str) -> Chunk:
    """Find tokens and sentences as `windowclf.corpus.tokenizer.sentences` does.

    No token holds white space and every other character is in one, so the lengths of the tokens tell where
    they stand.
    """
    words: list[str] = TOKEN.findall(text)
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    kinds = _KINDS[np.minimum(codes, _N_KINDS - 1)]
    (solid,) = (kinds & _SPACE == 0).nonzero()
    after = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
    starts = solid[np.concatenate([[0], after[:-1]])] if words else after
    lasts = solid[after - 1]
    line_starts = np.searchsorted(starts, (kinds & _BREAK).nonzero()[0])
    after_stops = (kinds[lasts] & _STOP).nonzero()[0] + 1
    tokens = _Tokens(words, starts, lasts + 1)
    ends = sentence_ends(tokens, set(line_starts.tolist()), after_stops.tolist())
    lengths: Ints = np.ediff1d(np.array([0, *ends], np.int64))
    return Chunk(words, lengths, text, starts, tokens.ends)


class _Tokens(Sequence[Token]):
    """Tokens that are made when they are looked at."""

    def __init__(self, words: Sequence[str], starts: Ints, ends: Ints) -> None:
        self.words, self.starts, self.ends = words, starts, ends

    def __len__(self) -> int:
        return len(self.words)

    @overload
    def __getitem__(self, i: int) -> Token: ...
    @overload
    def __getitem__(self, i: slice) -> list[Token]: ...
    def __getitem__(self, i: int | slice) -> Token | list[Token]:
        assert isinstance(i, int)
        return Token(self.words[i], self.starts[i], self.ends[i])


def _kinds() -> Ints:
    """Return for each character (by its code) whether it is white space, breaks lines, ends sentences."""
    kinds = np.zeros(_N_KINDS, np.uint8)
    kinds[[code for code in range(_LAST_SPACE + 1) if chr(code).isspace()]] |= _SPACE
    kinds[[ord(character) for character in LINE_BREAKS]] |= _BREAK
    kinds[[ord(character) for character in STOPS]] |= _STOP
    return kinds


_KINDS = _kinds()
