"""Choose and scale the vectors that a model starts from, pretrained or random.

V words, D dimensions.
"""

import mmap
from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.config import ModelConfig
from windowclf.encoding import Vocabulary, choose_words, fold_digits
from windowclf.errors import VectorsError
from windowclf.vectors.table import Table, sha256_of_table
from windowclf.vectors.word_vectors import (
    RANDOM_PREFIX,
    WordVectors,
    load_vectors,
    vectors_from_keyed_vectors,
)

_ROWS_OF_DEVIATION = 100_000  # most frequent rows, which the scale of a set is measured on
_MOST_DIMENSIONS = 10_000
_ROWS_AT_ONCE = 8192  # rows copied at a time; bounds memory


def open_vectors(given: Any, counts: Mapping[str, int], seed: int) -> WordVectors:
    """Load vectors by name or path, take those of a gensim KeyedVectors, or draw them.

    `counts`, the number of occurrences of each word in the training data, and `seed` are for drawn vectors.
    """
    if isinstance(given, WordVectors):
        return given
    if is_random(given):
        return draw_vectors(given, counts, seed)
    if isinstance(given, str | Path):
        return load_vectors(given or None)
    return vectors_from_keyed_vectors(given)


def is_random(given: object) -> bool:
    """Tell whether this names vectors that are drawn at random, such as ``random:100``."""
    return isinstance(given, str) and given.startswith(RANDOM_PREFIX)


def draw_vectors(name: str, training_counts: Mapping[str, int], seed: int) -> WordVectors:
    """Draw a vector for each word of the training data; all other words are out of vocabulary.

    The numbers are independent and normal, with mean 0 and standard deviation 1; the same seed and counts
    give the same vectors. Spellings that differ only in case or digits share a vector, as they do with a
    pretrained set that has the lower-cased word only (`Vocabulary.find`). The most frequent word is first;
    ties are sorted.
    """
    text = name.removeprefix(RANDOM_PREFIX)
    dimension = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
    if not 1 <= dimension <= _MOST_DIMENSIONS:
        allowed = f"{RANDOM_PREFIX}D, D from 1 to {_MOST_DIMENSIONS}"
        raise VectorsError("not a dimension of random vectors", found=name, allowed=allowed)
    counts: Counter[str] = Counter()
    for word, count in training_counts.items():
        counts[fold_digits(word.lower())] += count
    words = sorted(counts, key=lambda word: (-counts[word], word))
    matrix = np.random.default_rng(seed).standard_normal((len(words), dimension), np.float32)
    table = Table(words, matrix)
    return WordVectors(name, f"drawn with seed {seed}", *table, sha256_of_table(table))


def choose_vectors(
    vectors: "WordVectors", counts: Mapping[str, int], config: ModelConfig, *, tuned_from_count: int = 1
) -> tuple[Vocabulary, Floats, tuple[float, ...]]:
    """Take the vectors that a model keeps, scaled to a standard deviation; each joined set by itself.

    `counts` has the number of occurrences of each word in the training data; `tuned_from_count` is as in
    `choose_words`.

    Returns
    -------
    vocabulary : Vocabulary
    matrix : array (V, D) of float32
        A copy.
    scales : tuple of float
        The factor of the vectors, one for each joined set.
    """
    words = choose_words(vectors.words, counts, config.max_vectors, tuned_from_count=tuned_from_count)
    # not of the joined matrix, whose zeros for words that a set lacks would make the deviation smaller
    scales = tuple(_scale(part.matrix, config.vector_deviation) for part in vectors.parts or (vectors,))
    return Vocabulary(words, counts), take_vectors(vectors, words, scales), scales


def take_vectors(vectors: "WordVectors", words: Sequence[str], scales: Sequence[float]) -> Floats:
    """Return the vectors (V, D) of V words of a set, in float32, each joined set times its own scale."""
    row_of = {word: row for row, word in enumerate(vectors.words)}  # not `index`, which would stay in memory
    rows = np.fromiter(map(row_of.__getitem__, words), np.int32, len(words))
    del row_of
    sets = vectors.parts or (vectors,)
    per_column = np.repeat(np.array(scales, np.float32), [part.dimension for part in sets])
    matrix = np.empty((len(rows), vectors.dimension), np.float32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        matrix[part] = vectors.matrix[rows[part]]
        matrix[part] *= per_column
        _forget_pages(vectors.matrix)
    return matrix


def _scale(matrix: Floats, deviation: float) -> float:
    """Return the factor that gives a set this standard deviation; 1 if either is 0."""
    if not deviation or not len(matrix):
        return 1.0
    spread = _deviation(matrix[:_ROWS_OF_DEVIATION])
    _forget_pages(matrix)
    return deviation / spread if spread else 1.0


def _forget_pages(matrix: Floats) -> None:
    """Tell the system that pages read from a mapped file need not stay in memory."""
    base: Any = matrix
    while isinstance(base, np.ndarray):
        base = base.base
    # pages written to a private mapping exist in memory only, so this is for read-only ones
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") and memoryview(base).readonly:
        base.madvise(mmap.MADV_DONTNEED)


def _deviation(matrix: Floats) -> float:
    """Return the standard deviation of all numbers of a matrix, in float64 and in little memory."""
    parts = [slice(first, first + _ROWS_AT_ONCE) for first in range(0, len(matrix), _ROWS_AT_ONCE)]
    mean = sum(float(matrix[part].sum(dtype=np.float64)) for part in parts) / matrix.size
    squares = (float(np.square(matrix[part].astype(np.float64) - mean).sum()) for part in parts)
    return sqrt(sum(squares) / matrix.size)
