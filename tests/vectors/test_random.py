"""Vectors drawn at random for the words of training data."""

from collections import Counter

import numpy as np
import pytest

from windowclf.encoding import UNKNOWN, Vocabulary
from windowclf.errors import VectorsError
from windowclf.vectors import is_random, load_vectors
from windowclf.vectors.selection import draw_vectors

COUNTS = Counter({"TV": 2, "tv": 3, "the": 9, "1984": 1, "1985": 1, "Rome": 2, "on": 5})


def test_spellings_that_look_up_takes_for_the_same_share_a_vector_and_frequent_words_stand_first() -> None:
    drawn = draw_vectors("random:7", COUNTS, 0)
    assert drawn.words == ["the", "on", "tv", "0000", "rome"]
    assert drawn.matrix.shape == (5, 7)
    assert drawn.matrix.dtype == np.float32


def test_each_training_word_is_found_and_no_other() -> None:
    vocabulary = Vocabulary(draw_vectors("random:7", COUNTS, 0).words, COUNTS)
    assert all(vocabulary.find(word)[0] != UNKNOWN for word in COUNTS)
    assert vocabulary.find("telly")[0] == UNKNOWN


def test_the_numbers_are_standard_normal() -> None:
    words = {f"word{chr(97 + i // 26)}{chr(97 + i % 26)}": 1 for i in range(500)}
    numbers = draw_vectors("random:100", words, 3).matrix
    assert abs(float(numbers.mean())) < 5 / np.sqrt(numbers.size)
    assert abs(float(numbers.std()) - 1) < 5 / np.sqrt(2 * numbers.size)


def test_seed_and_words_decide_them() -> None:
    first, again, other = (draw_vectors("random:7", COUNTS, seed) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256
    np.testing.assert_array_equal(first.matrix, again.matrix)


@pytest.mark.parametrize("name", ["random:", "random:0", "random:x", "random:-3", "random:10001", "random:٣"])
def test_other_dimensions_are_refused(name: str) -> None:
    assert is_random(name)
    with pytest.raises(VectorsError, match="D from 1 to 10000"):
        draw_vectors(name, COUNTS, 0)


@pytest.mark.parametrize("name", ["random:50", "glove-6b-50d-small+random:50"])
def test_they_cannot_be_loaded_without_training_data(name: str) -> None:
    with pytest.raises(VectorsError, match="drawn for the words of training data"):
        load_vectors(name)
