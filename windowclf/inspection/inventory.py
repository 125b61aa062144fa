"""The corpora on this machine, and the statistics of a set of vectors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from windowclf.corpus import PARTS, SAMPLE, CorpusEntry, ReadOptions, locate, read_catalog, read_sentences
from windowclf.errors import FetchError
from windowclf.model import TrainedModel, vectors_of
from windowclf.vectors import WordVectors

_ROWS_AT_ONCE = 1 << 16  # rows converted to float64 at once


@dataclass(frozen=True, slots=True)
class CorpusStatus:
    """A corpus of the catalogue."""

    name: str
    task: str
    licence: str
    sentences: int  # of all its parts together
    tokens: int
    folder: str | None  # where it is on this machine; None if it is not
    obtain: str  # how to get it; empty if it is here


@dataclass(frozen=True, slots=True)
class VectorsDescription:
    """The statistics of a set of vectors."""

    name: str
    source: str
    sha256: str
    dtype: str
    words: int
    dimension: int
    mean_norm: float  # Euclidean, of a vector
    deviation: float  # standard deviation of all numbers
    first_words: tuple[str, ...]  # the most frequent ones


def list_corpora() -> list[CorpusStatus]:
    """Return the sample corpus and those of the catalogue; nothing is fetched."""
    lengths = [len(s) for part in PARTS for s in read_sentences(f"{SAMPLE}:{part}", ReadOptions())]
    folder = str(Path(locate(f"{SAMPLE}:{PARTS[0]}").path).parent)
    sample = CorpusStatus(SAMPLE, "named entities", "CC0 1.0", len(lengths), sum(lengths), folder, "")
    return [sample, *map(_corpus_status, read_catalog().corpora)]


def _corpus_status(entry: CorpusEntry) -> CorpusStatus:
    try:
        entry.find()
        folder, obtain = str(entry.folder()), ""
    except FetchError:
        folder, obtain = None, f"windowclf data fetch {entry.name}"
    n_sentences, n_tokens = sum(f.sentences for f in entry.files), sum(f.tokens for f in entry.files)
    return CorpusStatus(entry.name, entry.task, entry.licence, n_sentences, n_tokens, folder, obtain)


def describe_vectors(vectors: WordVectors, *, n_words: int = 10) -> VectorsDescription:
    """Measure a set of vectors, in bounded memory."""
    norms = total = squares = 0.0
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = vectors.matrix[start : start + _ROWS_AT_ONCE].astype(np.float64)
        norms += float(np.sqrt(np.einsum("vd,vd->v", rows, rows)).sum())
        total += float(rows.sum())
        squares += float(np.einsum("vd,vd->", rows, rows))
    mean = total / vectors.matrix.size
    return VectorsDescription(
        name=vectors.name,
        source=vectors.source,
        sha256=vectors.sha256,
        dtype=str(vectors.matrix.dtype),
        words=len(vectors),
        dimension=vectors.dimension,
        mean_norm=norms / len(vectors),
        deviation=float(np.sqrt(max(0.0, squares / vectors.matrix.size - mean * mean))),
        first_words=tuple(vectors.words[:n_words]),
    )


def vectors_of_model(model: TrainedModel, name: str) -> WordVectors:
    """Return the vectors in a model, scaled and perhaps tuned."""
    vectors = vectors_of(model.parameters)
    assert vectors is not None  # of the only or the first member
    return WordVectors(name, "a model", model.vocabulary.words, vectors, model.version)
