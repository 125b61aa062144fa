"""Corpora on this machine, and the content of a set of vectors."""

from pathlib import Path

import numpy as np
import pytest

from windowclf import WindowTagger
from windowclf.corpus import read_catalog
from windowclf.inspection import describe_vectors, list_corpora, vectors_of_model
from windowclf.vectors import WordVectors, load_vectors


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WINDOWCLF_CORPORA", raising=False)
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path))
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path))


def test_corpora_that_are_not_here_say_how_to_have_them() -> None:
    sample, *known = list_corpora()
    assert (sample.name, sample.sentences, sample.obtain) == ("sample", 600, "")
    assert sample.folder is not None and (Path(sample.folder) / "train.conll").is_file()
    assert [corpus.name for corpus in known] == [entry.name for entry in read_catalog().corpora]
    assert all(c.folder is None and c.obtain == f"windowclf data fetch {c.name}" for c in known)


def test_a_corpus_is_here_once_all_its_files_are(tmp_path: Path) -> None:
    entry = read_catalog().corpus("ud-english-ewt")
    folder = tmp_path / "corpora" / entry.name
    folder.mkdir(parents=True)
    for file in entry.files:
        assert list_corpora()[1].folder is None
        (folder / file.name).touch()
    assert list_corpora()[1].folder == str(folder)


def test_a_set_of_vectors_is_measured() -> None:
    vectors = load_vectors("glove-6b-50d-small")
    description = describe_vectors(vectors, n_words=2)
    matrix = np.asarray(vectors.matrix, np.float64)
    assert description.mean_norm == pytest.approx(np.linalg.norm(matrix, axis=1).mean())
    assert description.deviation == pytest.approx(matrix.std())
    assert description.first_words == ("the", ",")
    assert (description.words, description.dimension, description.dtype) == (20647, 50, "float16")


def test_equal_numbers_deviate_by_nothing() -> None:
    matrix = np.full((3, 2), 0.1, np.float32)
    description = describe_vectors(WordVectors("x", "x", ["a", "b", "c"], matrix, ""))
    assert description.deviation == pytest.approx(0, abs=1e-7)


def test_a_model_shows_the_vectors_that_it_carries(tagger: WindowTagger) -> None:
    vectors = vectors_of_model(tagger.model, "mine")
    assert vectors.words == tagger.model.vocabulary.words
    word, cosine = vectors.nearest("paris", 1)[0]
    a, b = vectors.matrix[vectors.index["paris"]], vectors.matrix[vectors.index[word]]
    assert cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), rel=1e-5)
