"""Small worlds whose truth is known, for studies of them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig
from windowclf.arrays import Floats
from windowclf.config import DataConfig
from windowclf.corpus import LabelSet, Scheme
from windowclf.runs import StudyResults, TuningStudy
from windowclf.runs.study.data import Labelled, StudyData
from windowclf.vectors import WordVectors

SMALL = Config(
    model=ModelConfig(hidden=(16,), dropout=0.0, input_dropout=0.0, vectors=""),
    features=FeaturesConfig(case_dimension=0, affix_dimension=0),
    training=TrainingConfig(epochs=6, batch_sentences=8, learning_rate=0.02),
    data=DataConfig(scheme="none"),
)
"""Only the vectors tell words apart."""


def make_world(
    matrix: Floats,
    label_of: Callable[[int], str],
    parts: Iterable[tuple[str, range, int]],
    *,
    length: int = 5,
) -> StudyData:
    """Return data of words w0, w1, … whose label is one of the word alone.

    Parameters
    ----------
    matrix : array (V, D)
    label_of : callable
    parts : of (name, range, int)
        Train, dev, test: from which words sentences are drawn, and how many sentences.
    length : int
        Words of a sentence.
    """
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(len(matrix))]
    corpora = []
    for name, drawn_from, n in parts:
        drawn = rng.integers(drawn_from.start, drawn_from.stop, (n, length)).tolist()
        sentences = [[words[i] for i in row] for row in drawn]
        corpora.append(Labelled(name, sentences, [[label_of(i) for i in row] for row in drawn]))
    vectors = WordVectors("planted", "made up", words, matrix.astype(np.float32), "sha256 of it")
    labels = LabelSet.of(corpora[0].labels, scheme="none", internal_scheme=Scheme.IOBES, ignore=None)
    train, dev, test = corpora
    return StudyData(train, dev, test, vectors, labels)


@pytest.fixture(scope="session")
def meaning() -> StudyData:
    """A world where the vector says the label, and test is of words that training never reads."""
    matrix = np.random.default_rng(1).standard_normal((600, 6))
    return make_world(
        matrix,
        lambda i: "up" if matrix[i, 0] > 0 else "down",
        [("train", range(0, 200), 200), ("dev", range(200, 400), 60), ("test", range(400, 600), 200)],
    )


@pytest.fixture(scope="session")
def names() -> StudyData:
    """A world where vectors say next to nothing, and all words are read in training."""
    matrix = np.random.default_rng(2).standard_normal((60, 2)) * 0.01
    label_of = np.random.default_rng(3).integers(0, 2, 60)
    words = range(60)
    return make_world(
        matrix, lambda i: "ab"[label_of[i]], [("train", words, 200), ("dev", words, 60), ("test", words, 200)]
    )


@pytest.fixture(scope="session")
def chance() -> StudyData:
    """A world where nothing says anything of the labels of test words."""
    matrix = np.random.default_rng(4).standard_normal((600, 6))
    label_of = np.random.default_rng(5).integers(0, 2, 600)
    return make_world(
        matrix,
        lambda i: "ab"[label_of[i]],
        [("train", range(0, 200), 100), ("dev", range(200, 400), 60), ("test", range(400, 600), 200)],
    )


@pytest.fixture
def run_study(tmp_path: Path) -> Callable[..., StudyResults]:
    """Return what runs a study of a world to its end."""

    def run(
        data: StudyData, *, out: Path | None = None, n_processes: int = 1, **chosen: object
    ) -> StudyResults:
        settings: dict[str, object] = {"sizes": ("all",), "n_seeds": 4, "with_report": False} | chosen
        config = replace(SMALL, model=replace(SMALL.model, vectors=data.vectors.name))
        study = TuningStudy(data, config, out or tmp_path / "study", **settings)  # type: ignore[arg-type]
        running = study.run(n_processes)
        while True:
            try:
                next(running)
            except StopIteration as end:
                results: StudyResults = end.value
                return results

    return run
