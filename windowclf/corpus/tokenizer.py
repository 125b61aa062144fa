"""Raw text to tokens with character offsets, and tokens to sentences.

``text[token.start:token.end] == token.text``, always; offsets count code points. Tokens follow the Penn
Treebank and the web treebanks after it: clitics stand apart (do n't, John 's); words with hyphens, web and
e-mail addresses, @names, #tags, emoticons, emoji with their modifiers, numbers and abbreviations stay whole.
A run of Han, Hiragana or Katakana is one token: it is not split into words.

Tokens are found by one regular expression, a list of rules of which the first that matches wins. No rule
takes more than linear time: possessive repetitions (``++``) never backtrack, and all others are bounded or
decided by the next character.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple


class Token(NamedTuple):
    """A word, number, symbol or punctuation mark, with its offsets in the text, end exclusive."""

    text: str
    start: int
    end: int


# -- English abbreviations -------------------------------------------------------------------------------
# those of single letters ("e.g.", "U.S.", "J.") are recognised by their form and are not listed

# Before a name or a number: a sentence never ends there.
TITLES = frozenset(
    """
    Adm Atty Brig Capt Cmdr Col Cpl Det Dr Fr Ft Gen Gov Hon Insp Lt Maj Messrs Mlle Mme Mmes Mr Mrs Ms Msgr
    Mt Nos Pfc Pres Prof Pvt Rep Reps Rev Sen Sens Sgt Ste Supt Vol Vols eds pp vol vols
    """.split()
)

# May stand at the end of a sentence too.
_OTHERS = frozenset(
    """
    Apr Aug Ave Bancorp Bhd Blvd Bros Cf Cie Co Corp Dec Dept Dist Ed.D Eng Esq Est Feb Fig Figs Hwy Inc Jan
    Jr Jul Jun Ltd M.Sc Mfg Nov Oct Ph.D Pty Rd Sec Sept Sep Sr St Thu Thurs Tue Tues Univ Wed al approx bldg
    ca cf corp dept e.g esp est etc ext i.e inc incl ltd resp viz vs
    Ala Ariz Ark Calif Colo Conn Dak Del Fla Ga Ind Kan Ky Mass Md Mich Minn Mont Neb Nev Okla Ont Ore Pa
    Que Tenn Tex Va Vt Wis Wyo
    """.split()
)

ABBREVIATIONS = TITLES | _OTHERS

# Words that, with a capital letter after an abbreviation, show that a new sentence begins.
OPENERS = frozenset(
    """
    A According After Although And As At Because But By During For Four From He Her His How However If In It
    Its Many Meanwhile Most My No On Our She So Some That The Their Then There These They This Those Though
    Today Two Under Was We What When Where Which While Who Why With Yes Yesterday You Your
    """.split()
)

# -- the regular expression ------------------------------------------------------------------------------

# Where combining marks are; between them are scripts without any, which are many and slow to look through.
MARK_BLOCKS = (
    (0x300, 0x3100),
    (0xA66F, 0xAC00),
    (0xFB1E, 0xFB1F),
    (0xFE00, 0xFE30),
    (0x101FD, 0x12000),
    (0x13430, 0x13460),
    (0x16100, 0x17000),
    (0x1BC9D, 0x1BCA0),
    (0x1CF00, 0x1E950),
    (0xE0100, 0xE01F0),
)


def _marks() -> str:
    """Return the combining marks of this Python's Unicode as ranges of a character class."""
    ranges: list[list[int]] = []
    for first, end in MARK_BLOCKS:
        for code in range(first, end):
            if unicodedata.category(chr(code))[0] == "M":
                if ranges and ranges[-1][1] == code - 1:
                    ranges[-1][1] = code
                else:
                    ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


def _any_of(words: frozenset[str]) -> str:
    """Return an alternation of words, those with the same first letter together, so that few are tried."""
    by_letter: dict[str, list[str]] = {}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        by_letter.setdefault(word[0], []).append(re.escape(word[1:]))
    return "|".join(f"{letter}(?:{'|'.join(tails)})" for letter, tails in sorted(by_letter.items()))


@cache
def token_pattern() -> re.Pattern[str]:
    """Return the regular expression of a token; compiling it takes 20 ms, so only text that needs it does."""
    # character classes
    marks = _marks()
    joiners = rf"[{marks}\u00ad\u200c\u200d\u2060]"  # stay with the letter before
    cjk = "\u3005-\u3007\u3031-\u3035\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    cjk += "\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003fffd"
    letter = rf"[^\W{cjk}]"  # and digits and underscores
    apostrophe = "['’]"
    clitic = r"(?:[sSmMdD]|ll|LL|re|RE|ve|VE)(?!\w)"
    url_punctuation = r".,;:!?'’…*"  # part of an address only where more of it follows
    url_character = rf"[^\s<>\"“”«»()。、，「」{url_punctuation}]"
    url_rest = rf"(?:{url_character}++|[{url_punctuation}]++(?={url_character})|\([^\s()<>\"]*+\))+"
    emoji = "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff"
    emoji += "\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
    emoji_modifiers = "[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*+"

    # parts of words
    letters = rf"{letter}++(?:{joiners}++{letter}*+)*"
    inside_word = "|".join(
        (
            r"[-\u2010\u2011]",
            rf"{apostrophe}(?!{clitic})",
            r"\.(?=[a-z0-9])",
            r"(?<=\d)[,:/٫٬](?=\d)",
            r"(?<=[A-Z])&(?=[A-Z])",
            r"[\u05f3\u05f4]",  # geresh, gershayim
        )
    )

    rules = (
        # words that are two: can not, gon na
        r"(?:[Cc]an(?=not(?!\w))|(?:[Gg]on|[Ww]an)(?=na(?!\w))|[Gg]ot(?=ta(?!\w))|[Gg]im(?=me(?!\w)))",
        # the greater part of a text: words of plain letters before a space or a comma
        r"[A-Za-z]++(?=[ ,\n])",
        # marks that are always alone
        r"[,()\[\]{}\"“”„«»%$€£]",
        # numbers that start with a point; full stops, alone or in a row
        r"(?<![^\s$€£(])\.\d++",
        r"\.++",
        # addresses
        rf"(?:[hH][tT][tT][pP][sS]?|[fF][tT][pP]|file)://{url_rest}",
        rf"[wW][wW][wW]\.{url_rest}",
        r"[A-Za-z0-9._%+\-]{1,64}+@[A-Za-z0-9\-]{1,63}+(?:\.[A-Za-z0-9\-]{1,63}+){1,8}",
        # e.g. U.S. and, before a name, J.
        r"[A-Za-z](?:\.[A-Za-z](?!\w)){1,20}\.?",
        r"[A-HJ-Z]\.(?= ?[A-Z])",
        rf"(?:{_any_of(ABBREVIATIONS)})\.(?!\w)",
        r"No\.(?= ?\d)",
        # example.com/page
        rf"(?:[A-Za-z0-9\-]{{1,63}}+\.){{1,8}}[a-z]{{2,10}}/{url_rest}",
        # do n't
        rf"[A-Za-z]+(?=[nN]{apostrophe}[tT](?!\w))",
        rf"[nN]{apostrophe}[tT](?!\w)",
        # 1️⃣
        r"[0-9#*]\ufe0f?\u20e3",
        # words and numbers
        rf"{letters}(?:(?:{inside_word}){letters})*",
        rf"(?:[{cjk}]++{joiners}*+)+",
        # 's, and short forms that start with an apostrophe
        rf"(?<=\w){apostrophe}{clitic}",
        rf"{apostrophe}(?:em|tis|twas|cause|til|n|\d\ds?)(?!\w)",
        # @name, #tag
        r"@\w++",
        r"#\d*+[^\W\d]\w*+",
        # :) :-D ;P <3 ^_^
        rf"[:;=]{apostrophe}?[\-o^]?\)(?!\w)",
        rf"(?<![^\s.!?,)])[:;=]{apostrophe}?[\-o^]?(?:[(\[\]|\\*]|[DPpOo3SsXx](?!\w)|/(?!/))",
        r"</?3(?!\w)",
        r"\^_*+\^",
        # emoji: flags, sequences
        "[\U0001f1e6-\U0001f1ff]{2}",
        f"{emoji}{emoji_modifiers}(?:\u200d{emoji}{emoji_modifiers})*",
        # the same mark several times
        r"[!?]++",
        r"-{2,}+|={2,}+|\*{2,}+|~{2,}+|#{2,}+|<{2,}+|>{2,}+|`{2,}+|'{2}|…++",
        # every other character; one that is no letter keeps its marks as well
        rf"[^\s\w]{joiners}*+",
    )

    # No token begins with white space; to know that at one look saves trying every rule at every space.
    return re.compile(rf"(?!\s)(?:{'|'.join(rules)})")


# -- tokens and sentences --------------------------------------------------------------------------------

LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_LINE_BREAK = re.compile(f"[{LINE_BREAKS}]")
STOPS = frozenset(".!?…。！？｡؟۔।॥")
# quotes and brackets that belong to the sentence before where they touch it
_CLOSERS = frozenset(("'", '"', "''", "’", "”", "»", ")", "]", "}", "」", "』", "）"))


def tokenize(text: str) -> list[Token]:
    """Split a text into tokens.

    Every character that is not white space (`str.isspace`) is in exactly one token, no token holds white
    space, and tokens are in order. Control characters and lone surrogates are tokens of their own. The time
    is linear in the length.
    """
    # Token(…) does the same in twice the time
    new = tuple.__new__
    return [new(Token, (match[0], match.start(), match.end())) for match in token_pattern().finditer(text)]


def sentences(text: str) -> list[list[Token]]:
    """Split a text into sentences of tokens: `tokenize` and `split_sentences` in one."""
    return split_sentences(tokenize(text), text)


def split_sentences(tokens: Sequence[Token], text: str) -> list[list[Token]]:
    """Group the tokens of a text into sentences.

    A sentence ends

    - at every line break between tokens: text that is wrapped within sentences must be unwrapped before;
    - after ``. ! ? …`` (and their like in other scripts) with the closing quotes and brackets that touch
      them; not inside numbers and abbreviations, after an initial (J. Smith), after the number that a line
      begins with (1. Peel), or where the next token touches and is not a capital letter or an opening quote;
    - after an abbreviation only before a capitalised word that often opens a sentence (U.S. The), and never
      after a title (Mr. The).

    No sentence is empty; together they hold all tokens.
    """
    starts = [token.start for token in tokens]
    line_starts = {bisect_left(starts, found.start()) for found in _LINE_BREAK.finditer(text)}
    after_stops = [i for i, token in enumerate(tokens, 1) if token[0][-1] in STOPS]
    ends = sentence_ends(tokens, line_starts, after_stops)
    return [list(tokens[begin:end]) for begin, end in pairwise([0, *ends])]


def sentence_ends(tokens: Sequence[Token], line_starts: set[int], after_stops: Iterable[int]) -> list[int]:
    """Return for each sentence, by the rules of `split_sentences`, the number of the token after its last.

    Given are the numbers of the tokens after line breaks, at most len(tokens), and of those after tokens that
    end with one of `STOPS`. Only a few of the tokens are accessed.
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
