"""Which pretrained vectors a model takes, and how they are scaled.

V words, D dimensions.
"""

import mmap
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.config import ModelConfig
from windowclf.encoding.vocabulary import Vocabulary, choose_words
from windowclf.vectors.random import draw_vectors, is_random
from windowclf.vectors.word_vectors import WordVectors, load_vectors, vectors_from_keyed_vectors


def open_vectors(given: Any, counts: Mapping[str, int], seed: int) -> WordVectors:
    """Return vectors from their name or path, a gensim KeyedVectors, or as they are; or draw them.

    `counts`, how often each word stands in the training data, and `seed` are for those that are drawn.
    """
    if isinstance(given, WordVectors):
        return given
    if is_random(given):
        return draw_vectors(given, counts, seed)
    if isinstance(given, str | Path):
        return load_vectors(given or None)
    return vectors_from_keyed_vectors(given)


_ROWS_OF_DEVIATION = 100_000  # most frequent rows that the scale of a vector set is measured on
_ROWS_AT_ONCE = 8192  # rows that are copied at a time; bounds memory


def choose_vectors(
    vectors: "WordVectors", counts: Mapping[str, int], config: ModelConfig, *, tuned_from_count: int = 1
) -> tuple[Vocabulary, Floats, tuple[float, ...]]:
    """Take the vectors that a model keeps, scaled; of sets side by side, each to the deviation by itself.

    Parameters
    ----------
    vectors : WordVectors
    counts : mapping of str to int
        How often each word stands in the training data.
    config : ModelConfig
    tuned_from_count : int
        As of `choose_words`.

    Returns
    -------
    vocabulary : Vocabulary
    matrix : array (V, D) of float32
        A copy.
    scales : tuple of float
        What the pretrained vectors were multiplied by, for each set that stands beside others.
    """
    words = choose_words(vectors.words, counts, config.max_vectors, tuned_from_count=tuned_from_count)
    # in the joined matrix, the zeros of words that a set lacks would make its deviation smaller than it is
    scales = tuple(_scale(part.matrix, config.vector_deviation) for part in vectors.parts or (vectors,))
    return Vocabulary(words, counts), take_vectors(vectors, words, scales), scales


def take_vectors(vectors: "WordVectors", words: Sequence[str], scales: Sequence[float]) -> Floats:
    """Return the vectors (V, D) of V words of a set, in float32, each part multiplied by its own scale.

    Parameters
    ----------
    vectors : WordVectors
    words : sequence of str
    scales : sequence of float
        One; of sets side by side, one each.
    """
    row_of = {word: row for row, word in enumerate(vectors.words)}  # not `index`, which would stay
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
    """Return what brings a set to a standard deviation; 1 where none is asked for or it has no spread."""
    if not deviation or not len(matrix):
        return 1.0
    spread = _deviation(matrix[:_ROWS_OF_DEVIATION])
    _forget_pages(matrix)
    return deviation / spread if spread else 1.0


def _forget_pages(matrix: Floats) -> None:
    """Tell the system that it need not keep in memory what was read of a mapped file."""
    base: Any = matrix
    while isinstance(base, np.ndarray):
        base = base.base
    # what was written to a private mapping is in memory alone, so only a read-only one can be read again
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") and memoryview(base).readonly:
        base.madvise(mmap.MADV_DONTNEED)


def _deviation(matrix: Floats) -> float:
    """Return the standard deviation of all numbers of a matrix, in float64 and in little memory."""
    parts = [slice(first, first + _ROWS_AT_ONCE) for first in range(0, len(matrix), _ROWS_AT_ONCE)]
    mean = sum(float(matrix[part].sum(dtype=np.float64)) for part in parts) / matrix.size
    squares = (float(np.square(matrix[part].astype(np.float64) - mean).sum()) for part in parts)
    return sqrt(sum(squares) / matrix.size)
