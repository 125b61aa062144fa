"""From sentences, labels and vectors to a trained pipeline."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from windowclf.config import Config
from windowclf.model import WindowModel
from windowclf.pipeline import Pipeline
from windowclf.preparation import choose_vectors, prepare_training
from windowclf.storage import StoredModel
from windowclf.text.label_set import LabelSet
from windowclf.text.labels import Scheme
from windowclf.text.vectors import WordVectors, load_vectors, vectors_from_keyed_vectors
from windowclf.text.vocabulary import N_SPECIAL, coverage
from windowclf.training import EpochDone, Event, train


def label_set_of(config: Config, labels: Sequence[Sequence[str]]) -> LabelSet:
    """Collect the labels of a corpus as a configuration says.

    Raises
    ------
    DataError
        If there are fewer than two labels, or labels mix span labels and others.
    """
    return LabelSet.of(
        labels,
        scheme=config.data.scheme,
        inner_scheme=Scheme(config.model.inner_scheme),
        ignore=config.data.ignore_label or None,
    )


def open_vectors(given: Any) -> WordVectors:
    """Return vectors from their name or path, a gensim KeyedVectors, or as they are."""
    if isinstance(given, WordVectors):
        return given
    if isinstance(given, str | Path):
        return load_vectors(given or None)
    return vectors_from_keyed_vectors(given)


def new_pipeline(
    config: Config,
    vectors: WordVectors,
    label_set: LabelSet,
    counts: Counter[str],
    n_sentences: int,
    rng: np.random.Generator,
) -> Pipeline:
    """Return a pipeline of initial weights, with what is known of its origin.

    Parameters
    ----------
    config : Config
    vectors : WordVectors
    label_set : LabelSet
    counts : Counter
        How often each word stands in the training data.
    n_sentences : int
        Of the training data.
    rng : numpy.random.Generator
        Draws the weights.
    """
    vocabulary, matrix, scale = choose_vectors(vectors, counts, config.model)
    model = WindowModel.initialize(config.model, config.features, matrix, len(label_set), rng=rng)
    info: dict[str, Any] = {
        "windowclf": version("windowclf"),
        "vectors": {
            "name": vectors.name,
            "sha256": vectors.sha256,
            "dimension": vectors.dimension,
            "scale": scale,
        },
        "coverage": coverage(counts, vocabulary),
        "training": {"sentences": n_sentences, "tokens": counts.total()},
    }
    config = replace(config, model=replace(config.model, vectors=config.model.vectors or vectors.name))
    return Pipeline(StoredModel(config, label_set, vocabulary, model.parameters, info))


def train_pipeline(
    pipeline: Pipeline,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    *,
    rng: np.random.Generator,
    dev_score: Callable[[], float] | None,
) -> Iterator[Event]:
    """Train a pipeline in place and yield what happens; what is known of it grows with each best epoch.

    `dev_score`, where there is one, scores the pipeline as it is on the development data.
    """
    stored = pipeline.stored
    data = prepare_training(pipeline.encoder, sentences, labels, stored.labels, stored.config.model.window)
    # choose_vectors puts the words of training first, so only these rows can move
    n_movable = max(0, int(data.words[:, 0].max()) - N_SPECIAL + 1)
    for event in train(
        pipeline.model,
        data,
        stored.config.training,
        rng=rng,
        dev_score=dev_score,
        n_movable_vectors=n_movable,
    ):
        if isinstance(event, EpochDone) and event.is_best:
            stored.info["training"] |= {"best_epoch": event.epoch, "dev_score": event.dev_score}
        yield event
