"""From sentences and vectors to what training takes: a vocabulary, a matrix, and integer arrays.

N windows, K window width, S sentences, V words with a vector, D vector dimension.
"""

import mmap
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.config import ModelConfig
from windowclf.errors import DataError
from windowclf.text.label_set import IGNORED, LabelSet
from windowclf.text.lines import is_utf8
from windowclf.text.vocabulary import Vocabulary, choose_words
from windowclf.text.windows import Encoder, windows

if TYPE_CHECKING:  # who only checks sentences need not wait for what trains
    from windowclf.text.vectors import WordVectors
    from windowclf.training import TrainingData

_ROWS_OF_DEVIATION = 100_000  # most frequent rows that the scale of a vector set is measured on
_ROWS_AT_ONCE = 8192  # rows that are copied at a time; bounds memory


def check_sentences(
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]] | None = None,
    *,
    where: str = "sentences",
) -> None:
    """Refuse what is not sentences of words with as many labels.

    Raises
    ------
    DataError
        Names the first faulty sentence, counted from 0.
    """
    if labels is not None and len(labels) != len(sentences):
        raise DataError(
            "sentences and labels are not equally many",
            where=where,
            found=f"{len(sentences)} sentences, {len(labels)} label sequences",
        )
    for i, sentence in enumerate(sentences):
        if not _are_strings(sentence):
            raise DataError(
                "a sentence is a list of words",
                where=f"{where}[{i}]",
                found=sentence,
                hint="Raw text becomes words by windowclf.text.tokenizer.sentences(text).",
            )
        if labels is None:
            continue
        if not _are_strings(labels[i]):
            raise DataError("labels are a list of strings", where=f"{where}[{i}]", found=labels[i])
        if len(labels[i]) != len(sentence):
            raise DataError(
                "a sentence needs a label for each word",
                where=f"{where}[{i}]",
                found=f"{len(sentence)} words, {len(labels[i])} labels",
            )


def _are_strings(values: Any) -> bool:
    """Say whether this is a sequence of strings that is not itself a string."""
    is_list = hasattr(values, "__len__") and hasattr(values, "__iter__") and not isinstance(values, str)
    # the types first: they are few, and most often one
    return is_list and ({*map(type, values)} <= {str} or all(isinstance(value, str) for value in values))


def check_words(counts: Mapping[str, int]) -> None:
    """Refuse words that a vocabulary file cannot hold.

    Raises
    ------
    DataError
        For a word that is empty, holds a line break, or is not valid Unicode.
    """
    for word in counts:
        if not word or "\n" in word or not is_utf8(word):
            raise DataError(
                "a training word is empty, holds a line break, or is not valid Unicode", found=word
            )


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


def prepare_training(
    encoder: Encoder,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    label_set: LabelSet,
    width: int,
    *,
    whole_sentences: bool = False,
) -> "TrainingData":
    """Turn a labelled corpus into arrays.

    Windows of ignored words are left out, but stand in others; with `whole_sentences` they are kept. In lists
    of training's entities, those of a sentence are found where other sentences have them.
    """
    from windowclf.training import TrainingData

    encoded = encoder.encode(sentences, encoder.own_entities(sentences, labels, label_set))
    targets = label_set.encode_all(labels)
    counts = np.full(len(targets), whole_sentences) | (targets != IGNORED)
    sentence_of = np.repeat(np.arange(len(encoded.lengths)), encoded.lengths)
    per_sentence = np.bincount(sentence_of[counts], minlength=len(encoded.lengths))
    return TrainingData(
        words=encoded.words,
        windows=windows(encoded.tokens, encoded.lengths, width)[counts],
        targets=targets[counts],
        starts=np.concatenate([[0], np.cumsum(per_sentence)]),
    )
