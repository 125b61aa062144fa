"""The tokenizer: what is one token, what is one sentence, and what always holds."""

import sys
import time
import unicodedata
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowclf.corpus import Token, sentences, tokenize
from windowclf.corpus.tokenizer import MARK_BLOCKS, split_sentences

# every kind of character that a rule is about, for Hypothesis to put together in odd ways
FRAGMENTS = [
    *"word Word U.S. e.g. Mr. n't 's http:// www. .com a@b.co 1 20 1,000.50 :) :-D ^_^ <3 .. …".split(),
    *"' ’ \" “ ” . , ! ? : ; @ # $ % & - — / ( ) [ ] _ ~ * < > \\ | `".split(),
    *"é e\u0301 \u0301 \u200d \u200c \ufe0f \u20e3 👩 👩\u200d🚀 🏽 🇫 🇷 ❤ 日本 カ 한국 שלום مرحبا ١٢".split(),
    *("\0", "\x1b", "\x1c", "\x85", "\xa0", "\u2028", "\ufeff", "\u202e"),
]
ANY_TEXT = st.one_of(
    st.text(st.characters()),  # surrogates are among them
    st.lists(st.sampled_from([*FRAGMENTS, " ", "\n", "\ud83d", "\udc00"])).map("".join),
)


def words(text: str) -> list[str]:
    return [token.text for token in tokenize(text)]


@settings(deadline=None)
@given(ANY_TEXT)
def test_tokens_are_the_text_without_its_white_space(text: str) -> None:
    tokens = tokenize(text)
    end = 0
    for token in tokens:
        assert text[token.start : token.end] == token.text
        assert token.text and not any(map(str.isspace, token.text))
        assert token.start >= end
        assert not text[end : token.start].strip()
        end = token.end
    assert not text[end:].strip()
    assert list(chain.from_iterable(sentences(text))) == tokens
    assert all(sentences(text))


def test_offsets_count_code_points() -> None:
    assert tokenize("𝒳 é’s") == [Token("𝒳", 0, 1), Token("é", 2, 3), Token("’s", 3, 5)]


@pytest.mark.parametrize(
    "expected",
    [
        # clitics
        "do|n't",
        "Do|n’t",
        "DO|N'T",
        "ca|n't",
        "should|n't|'ve",
        "John|'s",
        "JOHN|'S",
        "we|’ll",
        "I|'d|'ve",
        "can|not",
        "gon|na",
        "O'Brien|'s",
        "o'clock",
        "rock'n'roll",
        "'tis",
        "'90s",
        # numbers
        "1,000.50",
        "$|20",
        "$|.50",
        "5|%",
        "10:30",
        "12/25/2004",
        "2nd",
        "١٬٢٣٤٫٥",
        "1|,",
        # words
        "well-known",
        "AT&T",
        "and|/|or",
        "foo_bar",
        "well|--|known",
        "naïve",
        "e\u0301te\u0301",
        "नमस्ते",
        "می\u200cخواهم",
        "שלום|,|עולם|!",
        "צה״ל",
        "日本語|。",
        "iPhone|を買った",
        "한국어를|,",
        # abbreviations
        "U.S.",
        "U.S|'s",
        "e.g.|,",
        "p.m.",
        "Mr.",
        "Ph.D.",
        "etc.|)",
        "word|.",
        "no|.",
        # addresses
        "http://a.example/b_(c)?d=e.f#g|.",
        "(|https://a.example/b|)|,",
        "www.example.org|!",
        "example.com",
        "example.com/a/b?c",
        "first.last+tag@mail.example.org|.",
        "mailto|:|a@b.example",
        "@name|:",
        "#tag2|#|1",
        # emoticons and emoji
        ":)",
        ":-D",
        ";P",
        ":'(",
        "fine|:)",
        "^_^",
        "<3",
        "😀|😀",
        "👩\u200d🚀",
        "👍🏽|!",
        "🇫🇷|🇩🇪",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e007f",
        # punctuation
        "...",
        "wait|…",
        "wait|....",
        "what|?!",
        "“|so|”",
        "``|so|''",
        "----",
        "a|=|b",
        "[|1|]",
        # what is no text
        "a|\0|\0|b",
        "\ud800|\udc00",
        "\u202e|abc",
        "\ufeff|x",
    ],
)
def test_what_is_one_token(expected: str) -> None:
    assert words(expected.replace("|", "")) == expected.split("|")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("J. R. Smith", ["J.", "R.", "Smith"]),
        ("No. 5 of No.", ["No.", "5", "of", "No", "."]),
        ("He said 'yes' .5 times", ["He", "said", "'", "yes", "'", ".5", "times"]),
        ("so :D and :/ but a:b", ["so", ":D", "and", ":/", "but", "a", ":", "b"]),
        ("", []),
        (" \n\t\xa0\u2028\x1c", []),
    ],
)
def test_tokens_with_spaces_between(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "marked",
    [
        "It rains. |We stay! |Do you? |Yes",
        '"Stop." |They went.',
        "(See below.) |Then go.",
        "Wait… |What?! |No...",
        "i went home. |then i slept",
        "Mr. Hall met Dr. Ames at 5 p.m. in St. Ives.",
        "He is from the U.S. Navy.",
        "He is from the U.S. |The navy is large.",
        "J. R. Hall is here.",
        "well... maybe",
        '"What?" he asked.',
        "It costs 3.50. |Cheap.",
        "1. Peel. |2 pans.",
        "so . . . so",
        "a .NET library",
        "no space.|Here",
        "see a.b@c.example or www.example.org. |Bye",
        "一。|二！|三",
        "one line\n|another\r\n|third\n\n|fourth\u2028|fifth",
        "Mr.\n|Hall",
    ],
)
def test_where_sentences_end(marked: str) -> None:
    text = marked.replace("|", "")
    found = [text[sentence[0].start : sentence[-1].end] for sentence in sentences(text)]
    assert found == [part.strip() for part in marked.split("|")]


NASTY = [
    *"a A 1 . - ' ! @ # : < é 日 カ 👍 🇫 \0 \u0301 \u200d a\u0301 日\u3099 👩\u200d".split(),
    *"a.A A.A A. a.a a- a' 1, 1. a@ a@b. a@b.c http:// http://a( http://a. www. a.b/ #1 &A n't :- (".split(),
]


@pytest.mark.parametrize("unit", [*NASTY, " ", "\n", ". ", "No. "])
def test_time_is_linear_in_the_length(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    start = time.process_time()
    tokens = tokenize(text)
    split_sentences(tokens, text)
    # about 0.2 s where every character is a token; a rule of quadratic time takes minutes
    assert "".join(token.text for token in tokens) == "".join(text.split())
    assert time.process_time() - start < 5


def test_every_combining_mark_is_known_to_the_pattern() -> None:
    marks = {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M"}
    assert marks <= {code for first, end in MARK_BLOCKS for code in range(first, end)}
