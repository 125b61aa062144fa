"""Raw text to tokens with character offsets, and tokens to sentences.

``text[token.start:token.end] == token.text``, always; offsets count code points. Tokens follow the Penn
Treebank and the web treebanks after it: clitics stand apart (do n't, John 's); words with hyphens, web and
e-mail addresses, @names, #tags, emoticons, emoji with their modifiers, numbers and abbreviations stay whole.
A run of Han, Hiragana or Katakana is one token: no words are looked for in it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from windowclf.corpus.abbreviations import OPENERS, TITLES
from windowclf.corpus.token_pattern import TOKEN


class Token(NamedTuple):
    """A word, number, symbol or punctuation mark, and where it stands in its text, end exclusive."""

    text: str
    start: int
    end: int


LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_LINE_BREAK = re.compile(f"[{LINE_BREAKS}]")
STOPS = frozenset(".!?…。！？｡؟۔।॥")
# quotes and brackets that belong to the sentence before where they touch it
_CLOSERS = frozenset(("'", '"', "''", "’", "”", "»", ")", "]", "}", "」", "』", "）"))


def tokenize(text: str) -> list[Token]:
    """Split a text into tokens.

    Every character that is not white space (`str.isspace`) is in exactly one token, no token holds white
    space, and tokens are in order. Any string will do: control characters and lone surrogates are tokens of
    their own. The time is linear in the length.

    Parameters
    ----------
    text : str
        Of any length.

    Returns
    -------
    list of Token
    """
    # tuple.__new__ is what Token(…) comes to, in half the time
    new = tuple.__new__
    return [new(Token, (match[0], match.start(), match.end())) for match in TOKEN.finditer(text)]


def sentences(text: str) -> list[list[Token]]:
    """Split a text into sentences of tokens: `tokenize` and `split_sentences` in one."""
    return split_sentences(tokenize(text), text)


def split_sentences(tokens: Sequence[Token], text: str) -> list[list[Token]]:
    """Group the tokens of a text into sentences.

    A sentence ends

    - at every line break between tokens, so also at blank lines: text that is wrapped within sentences must
      be unwrapped before;
    - after ``. ! ? …`` (and their like in other scripts) with the closing quotes and brackets that touch
      them; not inside numbers and abbreviations, after an initial (J. Smith), after the number that a line
      begins with (1. Peel), or where the next token touches and is not a capital letter or an opening quote;
    - after an abbreviation only before a capitalised word that often opens a sentence (U.S. The), and never
      after a title (Mr. The).

    Parameters
    ----------
    tokens : sequence of Token
        Of `text`, in order.
    text : str
        What the tokens were found in.

    Returns
    -------
    list of list of Token
        No sentence is empty; together they hold all tokens.
    """
    starts = [token.start for token in tokens]
    line_starts = {bisect_left(starts, found.start()) for found in _LINE_BREAK.finditer(text)}
    after_stops = [i for i, token in enumerate(tokens, 1) if token[0][-1] in STOPS]
    ends = sentence_ends(tokens, line_starts, after_stops)
    return [list(tokens[begin:end]) for begin, end in pairwise([0, *ends])]


def sentence_ends(tokens: Sequence[Token], line_starts: set[int], after_stops: Iterable[int]) -> list[int]:
    """Return where sentences end, each the number of the token after its last, by `split_sentences`'s rules.

    Parameters
    ----------
    tokens : sequence of Token
        Only a few of them are looked at.
    line_starts : set of int
        The numbers of the tokens after line breaks; one may be that after the last token.
    after_stops : iterable of int
        The numbers of the tokens after those that end with one of `STOPS`.
    """
    n_tokens = len(tokens)
    ends: list[int] = []
    begin = 0  # of the sentence that is open
    for i in sorted({n_tokens, *line_starts, *after_stops}):
        end = i if i in line_starts or i == n_tokens else _end_of_sentence(tokens, i - 1, begin)
        if end > begin:
            ends.append(end)
            begin = end
    return ends


def _end_of_sentence(tokens: Sequence[Token], stop: int, begin: int) -> int:
    """Return where the sentence that starts at `begin` ends after its token `stop`; 0 if it goes on."""
    end = stop + 1
    while end < len(tokens) and tokens[end].text in _CLOSERS and tokens[end].start == tokens[end - 1].end:
        end += 1
    if end == len(tokens):
        return end
    mark, following = tokens[stop].text, tokens[end]
    first = following.text[0]
    touching = following.start == tokens[end - 1].end
    if first in STOPS:  # . . .
        return 0
    if mark[0] not in STOPS:  # an abbreviation or an initial
        return end if following.text in OPENERS and mark[:-1] not in TITLES and not touching else 0
    if touching and mark[-1] in ".!?…":
        after_word = stop > begin and tokens[stop - 1].end == tokens[stop].start  # not as in .NET
        return end if after_word and (first.isupper() or first in "“‘") else 0
    ellipsis = len(mark) > 1 or mark == "…" or (stop > begin and tokens[stop - 1].text[0] in STOPS)
    if first.islower() and (ellipsis or end > stop + 1):  # well ... no; "What?" he asked
        return 0
    if mark == "." and stop == begin + 1 and tokens[begin].text.isdecimal():  # 1. Peel
        return 0
    return end
