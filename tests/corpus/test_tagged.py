"""Text of word/tag, and base tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.corpus import Block, ReadOptions, Sentence, read_sentences
from windowclf.corpus.plain import base_tag, read_tagged
from windowclf.errors import DataError

WORDS = st.text(st.characters(exclude_characters=" \t\r\n\0", exclude_categories=["Cs"]), min_size=1)
TAGS = st.text(st.sampled_from("abn$*+-.,`'()"), min_size=1)


def block(text: str) -> Block:
    return Block(text.encode(), "fox")


# -- word/tag ----------------------------------------------------------------------------------------


def test_a_line_with_tokens_is_a_sentence() -> None:
    found = list(read_tagged(block("\n\n\tThe/at fox/nn\tsleeps/vbz  ./.\r\n   \nIt/pps dreams/vbz")))
    assert found == [
        Sentence(("The", "fox", "sleeps", "."), ("at", "nn", "vbz", "."), source="fox", line=3),
        Sentence(("It", "dreams"), ("pps", "vbz"), source="fox", line=5),
    ]


def test_the_last_slash_parts_word_and_tag() -> None:
    (found,) = read_tagged(block("1/2/cd and/or/cc //sy --/--"))
    assert list(zip(found, found.labels or (), strict=True)) == [
        ("1/2", "cd"),
        ("and/or", "cc"),
        ("/", "sy"),
        ("--", "--"),
    ]


def test_other_white_space_is_part_of_a_word() -> None:
    (found,) = read_tagged(block("10\N{NO-BREAK SPACE}km/nn"))
    assert found.tokens == ("10\N{NO-BREAK SPACE}km",)


def test_without_labels_words_are_still_without_tags() -> None:
    (found,) = read_sentences(block("A/at fox/nn"), ReadOptions(format="tagged", labelled=False))
    assert (found.tokens, found.labels) == (("A", "fox"), None)


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("fox", "a token without a slash; found 'fox'"),
        ("fox/", "a token without a tag; found 'fox/'"),
        ("/nn", "a tag without a word; found '/nn'"),
        ("/", "a token without a tag; found '/'"),
    ],
)
def test_a_token_that_is_not_tagged_is_an_error_with_its_line(token: str, problem: str) -> None:
    with pytest.raises(DataError) as error:
        list(read_tagged(block(f"A/at fox/nn\n\nA/at {token} ./.\n")))
    assert str(error.value) == f"fox:3: {problem}; allowed: word/tag, both of one character or more"


def test_there_are_no_columns() -> None:
    with pytest.raises(DataError, match="the format 'tagged' has no columns"):
        list(read_sentences(block("A/at\n"), ReadOptions(format="tagged", columns=("1",))))


@given(st.lists(st.lists(st.tuples(WORDS, TAGS), min_size=1), min_size=1))
def test_what_is_written_as_word_and_tag_is_read_back(rows: list[list[tuple[str, str]]]) -> None:
    text = "\n".join(" ".join(f"{word}/{tag}" for word, tag in row) for row in rows)
    # after another sentence: U+FEFF at the start of a file is no part of a word
    found = list(read_tagged(block(f"a/b\n{text}")))[1:]
    assert [list(zip(s.tokens, s.labels or (), strict=True)) for s in found] == rows


# -- base tags ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "base"),
    [
        ("nn", "nn"),
        ("nn-tl", "nn"),
        ("nn-tl-hl", "nn"),
        ("NN-NC", "NN"),
        ("fw-in", "in"),
        ("FW-at+nn-TL", "at+nn"),
        ("fw-*", "*"),
        ("np$-tl", "np$"),
        ("--", "--"),
        ("---hl", "--"),
        ("(-hl", "("),
        (".-tl", "."),
        ("-hl", "-hl"),
        ("-tl-hl", "-tl"),
        ("fw-", "fw-"),
        ("fw--tl", "-tl"),
        ("in+at-t", "in+at-t"),
        ("afw-nn", "afw-nn"),
        ("nn-tl+bez", "nn-tl+bez"),
        ("nil", "nil"),
    ],
)
def test_base_tags_are_without_affixes_and_never_empty(tag: str, base: str) -> None:
    assert base_tag(tag) == base
