"""Vectors drawn at random, for training without pretrained ones. V words, D dimensions."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from windowclf.encoding.vocabulary import fold_digits
from windowclf.errors import VectorsError
from windowclf.vectors.table import RANDOM_PREFIX, Table, sha256_of_table
from windowclf.vectors.word_vectors import WordVectors

_MOST_DIMENSIONS = 10_000


def is_random(given: object) -> bool:
    """Tell whether this is the name of vectors that are drawn at random, such as ``random:100``."""
    return isinstance(given, str) and given.startswith(RANDOM_PREFIX)


def draw_vectors(name: str, training_counts: Mapping[str, int], seed: int) -> WordVectors:
    """Draw a vector for each word of the training data; any other word is unknown then.

    Spellings that differ in case or in digits alone share a vector, as they do where a pretrained set has
    the lower-cased word only (`Vocabulary.find`).

    Parameters
    ----------
    name : str
        ``random:D``.
    training_counts : mapping of str to int
        How often each word, as written, stands in the training data.
    seed : int
        The same seed and counts give the same vectors.

    Returns
    -------
    WordVectors
        V words, most frequent first, of equal ones by code points; a matrix (V, D) of float32, its numbers
        independent and normal, of mean 0 and deviation 1.

    Raises
    ------
    VectorsError
        If D is no number from 1 to 10,000.
    """
    text = name.removeprefix(RANDOM_PREFIX)
    dimension = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
    if not 1 <= dimension <= _MOST_DIMENSIONS:
        allowed = f"{RANDOM_PREFIX}D, D from 1 to {_MOST_DIMENSIONS}"
        raise VectorsError("random vectors of no such dimension", found=name, allowed=allowed)
    counts: Counter[str] = Counter()
    for word, count in training_counts.items():
        counts[fold_digits(word.lower())] += count
    words = sorted(counts, key=lambda word: (-counts[word], word))
    matrix = np.random.default_rng(seed).standard_normal((len(words), dimension), np.float32)
    table = Table(words, matrix)
    return WordVectors(name, f"drawn with seed {seed}", *table, sha256_of_table(table))
