"""Sentences to windows: every token once, nothing from beyond the sentence's ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.config import FeaturesConfig
from windowclf.encoding import (
    ABSENT_ROW,
    BOUNDARY,
    BOUNDARY_ROW,
    N_SPECIAL,
    NONE,
    UNKNOWN,
    Case,
    Encoder,
    Gazetteer,
    Gazetteers,
    Position,
    Vocabulary,
    WordFeatures,
    distinct,
    windows,
)

WIDTHS = st.integers(0, 6).map(lambda half: 2 * half + 1)
SENTENCES = st.lists(st.lists(st.sampled_from(["a", "b", "C", "c", "1"]), max_size=6), max_size=6)
NO_FEATURES = WordFeatures(FeaturesConfig(case_dimension=0, affix_dimension=0))


def _naive_windows(sentences: list[list[int]], width: int) -> list[list[int]]:
    """Go through the places of each window one by one."""
    half = width // 2
    return [
        [sentence[j] if 0 <= j < len(sentence) else BOUNDARY_ROW for j in range(i - half, i + half + 1)]
        for sentence in sentences
        for i in range(len(sentence))
    ]


def _windows(sentences: list[list[int]], width: int) -> list[list[int]]:
    tokens = np.array([token for sentence in sentences for token in sentence], dtype=np.int32)
    lengths = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
    return windows(tokens, lengths, width).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "sentences, width, expected",
    [
        ([[2, 3, 4]], 1, [[2], [3], [4]]),
        ([[2, 3, 4]], 3, [[0, 2, 3], [2, 3, 4], [3, 4, 0]]),
        ([[2, 3, 4]], 5, [[0, 0, 2, 3, 4], [0, 2, 3, 4, 0], [2, 3, 4, 0, 0]]),
        ([[2]], 5, [[0, 0, 2, 0, 0]]),
        ([[2], [3]], 3, [[0, 2, 0], [0, 3, 0]]),
        ([[2, 3], [], [4]], 3, [[0, 2, 3], [2, 3, 0], [0, 4, 0]]),
        ([[], [2], []], 3, [[0, 2, 0]]),
        ([[2, 2]], 3, [[0, 2, 2], [2, 2, 0]]),
        ([[]], 5, []),
        ([], 5, []),
    ],
)
def test_windows_are_padded_at_the_ends_of_each_sentence(
    sentences: list[list[int]], width: int, expected: list[list[int]]
) -> None:
    assert _windows(sentences, width) == expected


@given(st.lists(st.lists(st.integers(2, 9), max_size=8), max_size=8), WIDTHS)
def test_windows_are_those_of_the_naive_way(sentences: list[list[int]], width: int) -> None:
    assert _windows(sentences, width) == _naive_windows(sentences, width)


def test_no_tokens_still_have_windows_of_the_right_shape() -> None:
    nothing = np.zeros(0, dtype=np.int32)
    assert windows(nothing, nothing, 5).shape == (0, 5)


def test_a_word_becomes_ids_once_however_often_it_occurs() -> None:
    encoder = Encoder(Vocabulary(["paris", "the"], {}), NO_FEATURES)
    encoded = encoder.encode([["the", "Paris", "zyzzyva"], [], ["Paris", "the", "paris"]])
    assert encoded.words.tolist() == [[BOUNDARY], [UNKNOWN], [3], [2], [UNKNOWN], [2]]
    assert encoded.tokens.tolist() == [2, 3, 4, 3, 2, 5]
    assert encoded.lengths.tolist() == [3, 0, 3]


@given(SENTENCES)
def test_every_token_has_the_ids_of_its_word(sentences: list[list[str]]) -> None:
    vocabulary = Vocabulary(["a", "c", "0"], {})
    features = WordFeatures(FeaturesConfig(prefixes=(1,), suffixes=()))
    encoded = Encoder(vocabulary, features).encode(sentences)
    tokens = [token for sentence in sentences for token in sentence]
    assert encoded.words[encoded.tokens].tolist() == [
        [vocabulary.find(token)[0], *features.ids(token)] for token in tokens
    ]
    assert encoded.lengths.tolist() == [len(sentence) for sentence in sentences]
    assert len(encoded.words) == len(set(tokens)) + 2


def test_boundary_and_absent_word_have_no_features() -> None:
    features = WordFeatures(FeaturesConfig(prefixes=(1,), suffixes=(), whole_word=False))
    words = Encoder(Vocabulary([], {}), features).encode([["a"]]).words
    assert words[BOUNDARY_ROW].tolist() == [BOUNDARY, NONE, NONE]
    assert words[ABSENT_ROW].tolist() == [UNKNOWN, NONE, NONE]


LISTS = Gazetteers([Gazetteer.of(["a b", "c"]), Gazetteer.of(["b a", "1", "a b a"])])
IN_LISTS = WordFeatures(FeaturesConfig(affix_dimension=0, gazetteers=("first.txt", "second.txt")))


def test_a_word_in_a_phrase_is_another_than_the_same_word_elsewhere() -> None:
    encoded = Encoder(Vocabulary(["a"], {}), IN_LISTS, LISTS).encode([["a", "b", "a"], ["a"], ["b", "a"]])
    known = N_SPECIAL  # the id of "a"
    assert encoded.words[encoded.tokens].tolist() == [
        [known, Case.LOWER, 0 + Position.BEGIN, 5 + Position.BEGIN],
        [UNKNOWN, Case.LOWER, 0 + Position.END, 5 + Position.INSIDE],
        [known, Case.LOWER, 0 + Position.NONE, 5 + Position.END],
        [known, Case.LOWER, 0 + Position.NONE, 5 + Position.NONE],
        [UNKNOWN, Case.LOWER, 0 + Position.NONE, 5 + Position.BEGIN],
        [known, Case.LOWER, 0 + Position.NONE, 5 + Position.END],
    ]
    assert encoded.tokens[2] == encoded.tokens[5]  # one word in one context
    assert encoded.words[[BOUNDARY_ROW, ABSENT_ROW]].tolist() == [
        [BOUNDARY, NONE, 0, 5],
        [UNKNOWN, NONE, 0, 5],
    ]


@given(SENTENCES)
def test_every_token_has_the_ids_of_its_word_and_of_its_place_in_each_list(
    sentences: list[list[str]],
) -> None:
    vocabulary = Vocabulary(["a", "c", "0"], {})
    encoded = Encoder(vocabulary, IN_LISTS, LISTS).encode(sentences)
    expected = []
    for sentence in sentences:
        first, second = LISTS.positions(sentence, np.array([len(sentence)])).T
        for token, one, other in zip(sentence, first.tolist(), second.tolist(), strict=True):
            expected.append([vocabulary.find(token)[0], *IN_LISTS.ids(token), one, 5 + other])
    assert encoded.words[encoded.tokens].tolist() == expected


@given(st.integers(1, 20).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1)))))
def test_distinct_is_what_numpy_finds_by_sorting(case: tuple[int, list[int]]) -> None:
    n_words, rows = case
    values, places = distinct(np.array(rows, dtype=np.int32), n_words)
    expected_values, expected_places = np.unique(np.array(rows, dtype=np.int32), return_inverse=True)
    assert values.tolist() == expected_values.tolist()
    assert places.tolist() == expected_places.tolist()


def test_distinct_keeps_the_shape_of_windows() -> None:
    around = np.array([[0, 7, 3], [7, 3, 7]])
    values, places = distinct(around, 9)
    assert places.shape == around.shape
    np.testing.assert_array_equal(values[places], around)
