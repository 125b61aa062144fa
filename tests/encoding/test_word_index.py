"""Words as lines: the same as a list and a dict of them, whatever the words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.encoding import Vocabulary, WordLines, vocabulary

# short words of few letters are like each other; some are longer than the eight bytes that make a number, and
# some than all bytes that make a key
WORD = st.one_of(
    st.text("abAB01é😀\x00\r", max_size=4),
    st.text("ab", min_size=6, max_size=11),
    st.text("ab", max_size=3).map(lambda end: "a" * 510 + end),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n")),
)
WORDS = st.lists(WORD, unique=True, max_size=30)


def lines_of(words: list[str]) -> WordLines:
    return WordLines("".join(f"{word}\n" for word in words).encode())


@given(WORDS)
def test_lines_are_the_words_in_their_order(words: list[str]) -> None:
    lines = lines_of(words)
    assert len(lines) == len(words)
    assert list(lines) == words
    assert lines.take(np.arange(len(words))[::-1]) == words[::-1]


@given(WORDS, WORDS)
def test_a_word_is_found_where_it_is_and_no_other(words: list[str], others: list[str]) -> None:
    lines = lines_of(words)
    numbers = {word: i for i, word in enumerate(words)}
    for word in [*words, *others, *(word + "a" for word in words), *(word[:-1] for word in words)]:
        assert lines.find(word) == numbers.get(word)


def test_words_of_one_beginning_and_one_end_have_keys_of_their_own() -> None:
    words = [f"https://example.org/{i:06}/index.html" for i in range(10_000)]
    assert len(np.unique(lines_of(words)._keys)) == len(words)


@given(WORDS, st.integers(0, 30))
def test_the_first_of_them_hold_no_others(words: list[str], n: int) -> None:
    first = lines_of(words).first(n)
    assert list(first) == words[:n]
    assert [first.find(word) for word in words] == [i if i < n else None for i in range(len(words))]


@pytest.mark.parametrize("word", ["", "a\nb", "\n", "b\n", "\ud800", "ab", "aa"])
def test_what_is_no_line_is_not_found(word: str) -> None:
    assert lines_of(["a", "b", "aaaaaaaaa"]).find(word) is None


def test_the_first_of_equal_lines_counts_before_and_after_the_dict_is_made() -> None:
    found = Vocabulary(lines_of(["a", "b", "a"]), {})
    before = found.find("a")
    found.build_index()
    assert found.find("a") == before == Vocabulary(["a"], {}).find("a")


def test_text_after_the_last_line_feed_is_no_word() -> None:
    assert list(WordLines(b"a\nb")) == ["a"]


def test_other_text_than_utf8_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        WordLines(b"a\xff\n")


@given(WORDS, st.lists(st.one_of(WORD, st.text("aA01", max_size=4)), min_size=1))
def test_a_vocabulary_of_lines_is_that_of_the_words(words: list[str], tokens: list[str]) -> None:
    of_words, of_lines = Vocabulary(words, {"a": 1}), Vocabulary(lines_of(words), {"a": 1})
    expected = [of_words.find(token) for token in tokens]
    assert [of_lines.find(token) for token in tokens] == expected
    of_lines.build_index()
    assert [of_lines.find(token) for token in tokens] == expected
    assert of_lines.words == of_words.words
    assert len(of_lines) == len(of_words)


def test_many_searches_make_a_dict_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_MOST_SEARCHES", 3)
    lines = lines_of(["a", "b"])
    searched: list[str] = []

    def search(word: str) -> int | None:
        searched.append(word)
        return WordLines.find(lines, word)

    monkeypatch.setattr(lines, "find", search)
    words = Vocabulary(lines, {})
    assert [words.find("b") for _ in range(10)] == [Vocabulary(["a", "b"], {}).find("b")] * 10
    assert searched == ["b"] * 3
