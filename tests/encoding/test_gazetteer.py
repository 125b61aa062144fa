"""Lists of phrases: what is read from a file, and what is found in a text, longest first, in linear time."""

import gzip
from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Ints
from windowclf.encoding import Gazetteer, Gazetteers, phrase_trie
from windowclf.encoding.gazetteer import LONGEST_PHRASE
from windowclf.errors import DataError

PLACES = Gazetteer.of(["New York", "New York City", "York", "Rio de Janeiro", "U.S.", "City Hall"])
MARKS = "-BIES"  # a letter for each Position
WORDS = st.sampled_from(["a", "b", "c"])
PHRASES = st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=8)
SENTENCES = st.lists(st.lists(WORDS, max_size=8), max_size=5)


def marks(gazetteer: Gazetteer, *sentences: str) -> str:
    """Return a letter a token: where it stands in a phrase."""
    words = [sentence.split() for sentence in sentences]
    positions = find(gazetteer, [word for sentence in words for word in sentence], lengths_of(words))
    return "".join(MARKS[position] for position in positions.tolist())


def find(gazetteer: Gazetteer, tokens: list[str], lengths: Ints) -> Ints:
    """Return where each token stands in a phrase of one list."""
    return Gazetteers([gazetteer]).positions(tokens, lengths)[:, 0]


def lengths_of(sentences: list[list[str]]) -> Ints:
    return np.array([len(sentence) for sentence in sentences], np.int64)


# -- matching ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ""),
        ("we live here", "---"),
        ("York", "S"),
        ("in New York now", "-BE-"),
        ("in New York City now", "-BIE-"),  # the longest from its start
        ("New York City Hall", "BIE-"),  # the leftmost, though City Hall is one too
        ("New City Hall", "-BE"),  # what a phrase that comes to nothing began with may begin another
        ("New York New York", "BEBE"),
        ("New New York", "-BE"),
        ("Rio de New York", "--BE"),
        ("Rio de Janeiro York", "BIES"),
        ("New", "-"),
        ("Rio de", "--"),  # the text ends within a phrase
        ("new york", "--"),
        ("the U.S. of", "-S-"),
    ],
)
def test_phrases_are_found_longest_first_from_left_to_right(text: str, expected: str) -> None:
    assert marks(PLACES, text) == expected


def test_no_phrase_goes_on_into_the_next_sentence() -> None:
    assert marks(PLACES, "New", "York City", "", "Rio de", "Janeiro") == "-S----"


def test_a_longer_phrase_that_does_not_end_leaves_the_shorter_one() -> None:
    assert marks(Gazetteer.of(["a", "a b c d"]), "a b c e") == "S---"
    assert marks(Gazetteer.of(["a b", "b c", "a b c d"]), "a b c e") == "BE--"


def test_letter_case_counts_unless_it_is_told_not_to() -> None:
    lists = ["New York", "STRASSE", "IBM"]
    assert marks(Gazetteer.of(lists), "new YORK Straße ibm IBM") == "----S"
    assert marks(Gazetteer.of(lists, case=False), "new YORK Straße ibm IBM") == "BESSS"


def test_phrases_that_differ_in_case_alone_are_one_where_it_does_not_count() -> None:
    assert len(Gazetteer.of(["Rome", "ROME"])) == 2
    assert len(Gazetteer.of(["Rome", "ROME"], case=False)) == 1


def test_phrases_become_tokens_as_text_does() -> None:
    gazetteer = Gazetteer.of(["St. John's, N.L.", "  AT&T\t Park "])
    assert gazetteer.text == "St. John 's , N.L.\nAT&T Park\n"
    assert marks(gazetteer, "in St. John 's , N.L. today", "AT&T Park") == "-BIIIE-BE"


def _naive(phrases: list[list[str]], sentence: list[str]) -> str:
    """Try every phrase at every place, longest first."""
    found, start = "", 0
    while start < len(sentence):
        lengths = [len(p) for p in phrases if sentence[start : start + len(p)] == p]
        n = max(lengths, default=0)
        found += "-" if n == 0 else "S" if n == 1 else "B" + "I" * (n - 2) + "E"
        start += max(n, 1)
    return found


@given(PHRASES, SENTENCES)
def test_what_is_found_is_what_the_naive_way_finds(
    phrases: list[list[str]], sentences: list[list[str]]
) -> None:
    gazetteer = Gazetteer.of(map(" ".join, phrases))
    expected = "".join(_naive(phrases, sentence) for sentence in sentences)
    assert marks(gazetteer, *map(" ".join, sentences)) == expected


@pytest.mark.parametrize("word", ["\ud800", "", "\x00", "\n", "a b"])
def test_a_word_that_no_list_can_hold_is_in_none(word: str) -> None:
    assert find(Gazetteer.of(["a b"]), ["a", word, "b"], np.array([3])).tolist() == [0, 0, 0]


def _n_look_ups(phrases: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Count the edges of the trie that are looked up to match a text."""
    counted = [0]

    def counting(*arguments: Any) -> int:
        counted[0] += 1
        return bisect_left(*arguments)

    gazetteer = Gazetteer.of(phrases)
    with monkeypatch.context() as patch:
        patch.setattr(phrase_trie, "bisect_left", counting)
        find(gazetteer, words, np.array([len(words)]))
    return counted[0]


HARD = [" ".join(["a"] * (LONGEST_PHRASE - 1) + ["b"]), "a c"]  # what begins everywhere, and ends nowhere


@pytest.mark.parametrize("text", [["a"], ["a", "c"], ["x"]], ids=" ".join)
def test_the_work_is_linear_in_the_text_whatever_the_phrases(
    text: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    once, twice = (_n_look_ups(HARD, text * n, monkeypatch) for n in (2000, 4000))
    assert twice <= 2 * once + LONGEST_PHRASE**2
    assert once <= LONGEST_PHRASE * 2000 * len(text)


def test_the_work_does_not_grow_with_the_number_of_phrases(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "x y z x w".split() * 100
    few = ["x y", "z"]
    many = few + [f"x y{i}" for i in range(5000)]
    assert _n_look_ups(many, words, monkeypatch) == _n_look_ups(few, words, monkeypatch)


# -- files -------------------------------------------------------------------------------------------


def written(directory: Path, content: bytes, name: str = "list.txt") -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


def test_a_file_holds_a_phrase_a_line(tmp_path: Path) -> None:
    content = "\ufeffNew York\r\n\n  \nRome\nNew  York\n#metoo\nRome".encode()
    gazetteer = Gazetteer.read(written(tmp_path, content))
    assert gazetteer.text == "New York\nRome\n#metoo\n"  # neither blank lines nor what comes again
    assert len(gazetteer) == 3


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"New York\n"), "list.txt.gz")
    assert Gazetteer.read(path).text == "New York\n"


LONG_LINE = b"a " * (LONGEST_PHRASE + 1)


@pytest.mark.parametrize(
    "content, line, problem",
    [
        (b"Rome\ncaf\xe9\n", 2, "not UTF-8 at byte 8"),
        (b"Rome\nParis\0\n", 2, "a NUL character"),
        (b"Rome\n\n" + LONG_LINE, 3, "a phrase of 101 tokens is too long; found 'a a"),
        (b"", None, "a list without phrases"),
        (b"\n \n\t\n", None, "a list without phrases"),
    ],
)
def test_a_faulty_file_is_named_with_its_line(
    content: bytes, line: int | None, problem: str, tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        Gazetteer.read(path)
    assert (caught.value.where, caught.value.line) == (str(path), line)
    assert problem in str(caught.value)


def test_a_phrase_of_the_greatest_length_is_found() -> None:
    phrase = " ".join(["a"] * LONGEST_PHRASE)
    assert marks(Gazetteer.of([phrase]), phrase) == "B" + "I" * (LONGEST_PHRASE - 2) + "E"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.txt: no such file"):
        Gazetteer.read(tmp_path / "missing.txt")


@pytest.mark.slow
def test_of_a_million_phrases_each_is_found_and_no_other(tmp_path: Path) -> None:
    phrases = [f"w{i} x{i % 7}" if i % 3 else f"w{i} w{i * i % 1009} x{i % 7}" for i in range(1_000_000)]
    gazetteer = Gazetteer.read(written(tmp_path, "\n".join(phrases).encode()))
    assert len(gazetteer) == 1_000_000
    some = [phrase.split() for phrase in phrases[::97]]
    expected = [position for phrase in some for position in ([1, 2, 3] if len(phrase) == 3 else [1, 3])]
    found = find(gazetteer, [word for phrase in some for word in phrase], lengths_of(some))
    assert found.tolist() == expected
    others = [[phrase[0], "x7"] for phrase in some]
    assert not find(gazetteer, [word for phrase in others for word in phrase], lengths_of(others)).any()
