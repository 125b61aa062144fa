"""The regular expression that finds tokens: a list of rules, the first that fits wins.

No rule takes more than linear time: what a repetition takes is never given back (``++``), or what follows
decides at one look, or its length is bounded.
"""

import re
import unicodedata

from windowclf.corpus.abbreviations import ABBREVIATIONS

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


# Character classes
_M = _marks()
_JOINERS = rf"[{_M}\u00ad\u200c\u200d\u2060]"  # stay with the letter before
_CJK = "\u3005-\u3007\u3031-\u3035\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
_CJK += "\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003fffd"
_LETTER = rf"[^\W{_CJK}]"  # and digits and underscores
_APOSTROPHE = "['’]"
_CLITIC = r"(?:[sSmMdD]|ll|LL|re|RE|ve|VE)(?!\w)"
_URL_PUNCTUATION = r".,;:!?'’…*"  # part of an address only where more of it follows
_URL_CHARACTER = rf"[^\s<>\"“”«»()。、，「」{_URL_PUNCTUATION}]"
_URL_REST = rf"(?:{_URL_CHARACTER}++|[{_URL_PUNCTUATION}]++(?={_URL_CHARACTER})|\([^\s()<>\"]*+\))+"
_EMOJI = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
)
_EMOJI += "\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
_EMOJI_MODIFIERS = "[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*+"

# Parts of words
_LETTERS = rf"{_LETTER}++(?:{_JOINERS}++{_LETTER}*+)*"
_INSIDE_WORD = "|".join(
    (
        r"[-\u2010\u2011]",
        rf"{_APOSTROPHE}(?!{_CLITIC})",
        r"\.(?=[a-z0-9])",
        r"(?<=\d)[,:/٫٬](?=\d)",
        r"(?<=[A-Z])&(?=[A-Z])",
        r"[\u05f3\u05f4]",  # geresh, gershayim
    )
)

_RULES = (
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
    rf"(?:[hH][tT][tT][pP][sS]?|[fF][tT][pP]|file)://{_URL_REST}",
    rf"[wW][wW][wW]\.{_URL_REST}",
    r"[A-Za-z0-9._%+\-]{1,64}+@[A-Za-z0-9\-]{1,63}+(?:\.[A-Za-z0-9\-]{1,63}+){1,8}",
    # e.g. U.S. and, before a name, J.
    r"[A-Za-z](?:\.[A-Za-z](?!\w)){1,20}\.?",
    r"[A-HJ-Z]\.(?= ?[A-Z])",
    rf"(?:{_any_of(ABBREVIATIONS)})\.(?!\w)",
    r"No\.(?= ?\d)",
    # example.com/page
    rf"(?:[A-Za-z0-9\-]{{1,63}}+\.){{1,8}}[a-z]{{2,10}}/{_URL_REST}",
    # do n't
    rf"[A-Za-z]+(?=[nN]{_APOSTROPHE}[tT](?!\w))",
    rf"[nN]{_APOSTROPHE}[tT](?!\w)",
    # 1️⃣
    r"[0-9#*]\ufe0f?\u20e3",
    # words and numbers
    rf"{_LETTERS}(?:(?:{_INSIDE_WORD}){_LETTERS})*",
    rf"(?:[{_CJK}]++{_JOINERS}*+)+",
    # 's, and short forms that start with an apostrophe
    rf"(?<=\w){_APOSTROPHE}{_CLITIC}",
    rf"{_APOSTROPHE}(?:em|tis|twas|cause|til|n|\d\ds?)(?!\w)",
    # @name, #tag
    r"@\w++",
    r"#\d*+[^\W\d]\w*+",
    # :) :-D ;P <3 ^_^
    rf"[:;=]{_APOSTROPHE}?[\-o^]?\)(?!\w)",
    rf"(?<![^\s.!?,)])[:;=]{_APOSTROPHE}?[\-o^]?(?:[(\[\]|\\*]|[DPpOo3SsXx](?!\w)|/(?!/))",
    r"</?3(?!\w)",
    r"\^_*+\^",
    # emoji: flags, sequences
    "[\U0001f1e6-\U0001f1ff]{2}",
    f"{_EMOJI}{_EMOJI_MODIFIERS}(?:\u200d{_EMOJI}{_EMOJI_MODIFIERS})*",
    # the same mark several times
    r"[!?]++",
    r"-{2,}+|={2,}+|\*{2,}+|~{2,}+|#{2,}+|<{2,}+|>{2,}+|`{2,}+|'{2}|…++",
    # every other character; one that is no letter keeps its marks as well
    rf"[^\s\w]{_JOINERS}*+",
)

# No token begins with white space; to know that at one look saves trying every rule at every space.
TOKEN = re.compile(rf"(?!\s)(?:{'|'.join(_RULES)})")
