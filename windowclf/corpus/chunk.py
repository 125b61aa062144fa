"""The words of many sentences in one list: raw and tokenised text read fast, for tagging a stream.

What `read_chunk` reads is what `read_sentences` reads, without an object a token; tests hold them against
each other. A block that is out of the ordinary (an error, a very long line) is left to `read_sentences`.

N tokens, S sentences.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import cast

import numpy as np

from windowclf.arrays import Ints
from windowclf.corpus.blocks import BOM, LONGEST_PIECE, Block
from windowclf.corpus.label_set import parted
from windowclf.corpus.tokenizer import LINE_BREAKS, STOPS, Token, sentence_ends, token_pattern

_SPACE, _BREAK, _STOP = 1, 2, 4
_N_CODES = 1 << 16  # characters beyond have none of these properties
_LAST_SPACE = 0x3000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sentences in a row."""

    words: list[str]  # the N tokens
    lengths: Ints  # (S,): tokens of each sentence, N together
    text: str | None = None  # that the tokens were found in, if it is known
    starts: Ints | None = None  # (N,): offsets of each token in the text, end exclusive, in code points
    ends: Ints | None = None

    def sentences(self) -> list[list[str]]:
        """Return the tokens of each sentence."""
        return parted(self.words, self.lengths)

    def texts(self) -> tuple[Iterable[str | None], Iterable[Sequence[tuple[int, int]] | None]]:
        """Return the text of each sentence, and the offsets of its tokens in it; None where not known."""
        if self.text is None or self.starts is None or self.ends is None:
            return repeat(None), repeat(None)
        lasts = np.cumsum(self.lengths) - 1
        begins = self.starts[lasts + 1 - self.lengths]  # no sentence is empty
        shift = np.repeat(begins, self.lengths)
        offsets = np.stack([self.starts - shift, self.ends - shift], axis=1).tolist()
        extents = zip(begins.tolist(), self.ends[lasts].tolist(), strict=True)
        return [self.text[begin:end] for begin, end in extents], parted(offsets, self.lengths)


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
    """Find tokens and sentences as `sentences` does.

    No token holds white space and every other character is in one, so the lengths of the tokens give their
    offsets.
    """
    words: list[str] = token_pattern().findall(text)
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    properties = _properties()[np.minimum(codes, _N_CODES - 1)]
    (solid,) = (properties & _SPACE == 0).nonzero()
    after = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
    firsts = solid[np.concatenate([[0], after[:-1]])] if words else after
    lasts = solid[after - 1]
    line_starts = np.searchsorted(firsts, (properties & _BREAK).nonzero()[0])
    after_stops = (properties[lasts] & _STOP).nonzero()[0] + 1
    # an element of a memoryview is an int, which a token is made of in half the time
    tokens = cast(Sequence[Token], _Tokens(words, firsts.data, (lasts + 1).data))
    of_sentences = sentence_ends(tokens, set(line_starts.tolist()), after_stops.tolist())
    lengths: Ints = np.ediff1d(np.array([0, *of_sentences], np.int64))
    return Chunk(words, lengths, text, firsts, lasts + 1)


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Tokens that are made when they are accessed."""

    words: list[str]
    starts: memoryview
    ends: memoryview

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, i: int) -> Token:
        return tuple.__new__(Token, (self.words[i], self.starts[i], self.ends[i]))


@cache
def _properties() -> Ints:
    """Return for each character, by its code, whether it is white space, a line break, a stop."""
    properties = np.zeros(_N_CODES, np.uint8)
    properties[[code for code in range(_LAST_SPACE + 1) if chr(code).isspace()]] |= _SPACE
    properties[[ord(character) for character in LINE_BREAKS]] |= _BREAK
    properties[[ord(character) for character in STOPS]] |= _STOP
    return properties
