"""Chunks: raw and pre-split text read as `read_sentences` reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.corpus import Block, InputFormat, ReadOptions, read_chunk, read_sentences
from windowclf.corpus.blocks import LONGEST_PIECE
from windowclf.corpus.tokenizer import OPENERS, TITLES

BITS = [
    *"We saw Paris etc. U.S. No. 5 J. K. don't (Yes!) “so.” http://a.b/c :) 3.14".split(),
    *"x@y.org 👩‍👩‍👧 東京。".split(),
    *(". ? ! … ... ; , ' \" ) ] \r \v \f \x1c \x85 \u2028 \u00a0 \u3000 \t \n \r\n \n\n".split(" ")),
    *sorted(OPENERS)[:2],
    *(f"{title}." for title in sorted(TITLES)[:2]),
    "é",
    "e\u0301",
    "\u200d",
    "1.",
    "\ufeff",
    "𝒳",
]
TEXTS = st.lists(st.sampled_from(BITS) | st.sampled_from([" ", "  ", "\n"]) | st.text(max_size=3)).map(
    "".join
)


def utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def assert_same(content: bytes, format: InputFormat, offset: int = 0) -> None:
    block = Block(content, "x", 1, offset)
    expected = list(read_sentences(block, ReadOptions(format=format, labelled=False)))
    chunk = read_chunk(block, format)
    assert chunk is not None
    assert chunk.sentences() == [list(sentence.tokens) for sentence in expected]
    if format == "tokens":
        assert chunk.text is None
        return
    assert chunk.text is not None and chunk.starts is not None and chunk.ends is not None
    texts, offsets = chunk.texts()
    assert list(texts) == [sentence.text for sentence in expected]
    assert [tuple(map(tuple, pairs or ())) for pairs in offsets] == [
        sentence.offsets for sentence in expected
    ]
    places = list(zip(chunk.starts.tolist(), chunk.ends.tolist(), strict=True))
    assert [chunk.text[start:end] for start, end in places] == chunk.words


@given(TEXTS)
def test_any_raw_text_has_the_same_sentences(text: str) -> None:
    assert_same(utf8(text), "text")


@given(TEXTS)
def test_any_lines_of_tokens_have_the_same_sentences(text: str) -> None:
    assert_same(utf8(text.replace("\0", "")), "tokens")


@pytest.mark.parametrize("format", ["text", "tokens"])
@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n", b" ", b"\r\n \r\n", b"a\n\nb", b"\xef\xbb\xbf"])
def test_empty_lines_are_as_in_the_file(content: bytes, format: InputFormat) -> None:
    assert_same(content, format)


def test_only_a_file_s_beginning_has_a_byte_order_mark() -> None:
    assert_same("\ufeffRome".encode(), "text")
    assert_same("\ufeffRome".encode(), "text", offset=3)


@pytest.mark.parametrize(
    ("content", "format"),
    [
        (b"a \xff b", "text"),
        (b"a \xff b", "tokens"),
        (b"a \0 b", "tokens"),
        (b"x" * LONGEST_PIECE + b"\n", "text"),
        (b"Rome\tO\n\n", "conll"),
    ],
    ids=["not UTF-8", "not UTF-8 either", "NUL", "a long line", "another format"],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_reader(content: bytes, format: str) -> None:
    assert read_chunk(Block(content, "x"), format) is None
