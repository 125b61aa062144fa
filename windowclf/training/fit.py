"""From sentences, labels and vectors to a trained pipeline."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.config import Config
from windowclf.corpus.label_schemes import Scheme
from windowclf.corpus.label_set import LabelSet
from windowclf.corpus.sentence import Sentences, check_sentences
from windowclf.encoding.columns import ColumnValues, check_columns
from windowclf.encoding.entity_lists import read_lists
from windowclf.encoding.gazetteer import Gazetteers
from windowclf.encoding.vocabulary import (
    Vocabulary,
    check_words,
    count_movable,
    count_tuned,
    count_words,
    coverage,
)
from windowclf.errors import DataError
from windowclf.model.ensemble import join_parameters
from windowclf.model.network import WindowModel
from windowclf.model.scorer import Pipeline
from windowclf.model.storage import StoredModel
from windowclf.training.calibrate import calibrate
from windowclf.training.data import prepare_training
from windowclf.training.defaults import finds_names, sized, suited
from windowclf.training.distillation import distilled
from windowclf.training.events import Calibrated, Carried, EpochDone, Event, MemberDone
from windowclf.training.extrapolate import carry_over
from windowclf.training.loop import train
from windowclf.training.objectives import Objective, objective_of
from windowclf.vectors.selection import choose_vectors
from windowclf.vectors.word_vectors import WordVectors


def check_training(
    config: Config, sentences: Sentences, labels: Sentences, dev: tuple[Sentences, Sentences] | None
) -> tuple[LabelSet, Counter[str]]:
    """Return the labels of training data, as a configuration says, and how often each word stands there.

    Raises
    ------
    DataError
        If lengths are unequal, there are fewer than two labels, labels mix span labels and others, `dev` has
        no word or is of another task, a vocabulary file cannot hold a word, or a column is missing or holds
        the labels.
    """
    check_sentences(sentences, labels)
    check_columns(config.features.columns, sentences, labels)
    if dev is not None:
        check_sentences(*dev, where="dev sentences")
        if not any(map(len, dev[0])):
            raise DataError(
                "there is no sentence with words",
                where="dev sentences",
                hint="Leave out dev: training then goes through all epochs.",
            )
        check_columns(config.features.columns, *dev)
    counts = count_words(sentences)
    check_words(counts)
    label_set = LabelSet.of(
        labels,
        scheme=config.data.scheme,
        inner_scheme=Scheme(config.model.inner_scheme),
        ignore=config.data.ignore_label or None,
    )
    if dev is not None:
        label_set.check_comparable(dev[1])
    return label_set, counts


def fit_pipelines(
    config: Config,
    vectors: WordVectors,
    sentences: Sentences,
    labels: Sentences,
    label_set: LabelSet,
    counts: Counter[str],
    dev: tuple[Sentences, Sentences] | None,
    dev_score: Callable[[Pipeline], float],
    teacher: Pipeline | None = None,
) -> Generator[tuple[Pipeline, Event], None, None]:
    """Train the network, or those of an ensemble one after another.

    Parameters
    ----------
    config : Config
    vectors : WordVectors
    sentences, labels : sequences of sequences of str
    label_set : LabelSet
    counts : Counter
        How often each word stands in the training data.
    dev : (sentences, labels), optional
        Development data.
    dev_score : callable
        Scores a pipeline on them.
    teacher : Pipeline, optional
        A model of the same labels, whose probabilities are learnt beside the true labels.

    Yields
    ------
    pipeline : Pipeline
        What has been trained so far: the first network, while it is trained, later all that are finished.
    event : Event
    """
    features = suited(config.features, finds_names=finds_names(label_set, labels))
    features, gazetteers = read_lists(features, sentences, labels, label_set)
    # the model says what it was
    config = replace(config, features=features, training=sized(config.training, len(sentences)))
    columns = ColumnValues.of(config.features.columns, sentences)
    vocabulary, initial, scales = choose_vectors(
        vectors, counts, config.model, tuned_from_count=config.training.tuned_from_count
    )
    n_tuned = count_tuned(vocabulary, counts, config.training.tuned_from_count)
    n_members = config.training.ensemble
    finished: list[Pipeline] = []
    for m in range(n_members):
        initial_rng, training_rng, drawing_rng = np.random.default_rng(config.training.seed + m).spawn(3)
        own = replace(config, training=replace(config.training, seed=config.training.seed + m, ensemble=1))
        matrix = initial.copy() if config.model.tuning == "tuned" and m + 1 < n_members else initial
        chosen = (vocabulary, matrix, scales)
        member = new_pipeline(
            own, vectors, chosen, n_tuned, gazetteers, columns, label_set, counts, len(sentences), initial_rng
        )
        before = matrix[:n_tuned].copy() if config.training.carry != "none" else None
        if not finished:
            so_far = member
        own_sentences, own_labels = sentences, labels
        if n_members > 1 and config.training.bootstrap:
            drawn = drawing_rng.integers(len(sentences), size=len(sentences)).tolist()
            own_sentences, own_labels = [sentences[i] for i in drawn], [labels[i] for i in drawn]
        for event in train_pipeline(
            member,
            own_sentences,
            own_labels,
            n_tuned=n_tuned,
            rng=training_rng,
            dev_score=partial(dev_score, member) if dev else None,
            teacher=teacher,
        ):
            yield so_far, event
        if before is not None:
            yield so_far, carry_movement(member, before)
        finished.append(member)
        if n_members > 1:
            so_far = join_pipelines(finished)
            score = member.stored.info["training"]["dev_score"]
            yield so_far, MemberDone(m + 1, n_members, score, dev_score(so_far) if dev else None)
    if dev:
        correction = calibrate(so_far, *dev)
        corrected = Pipeline(replace(so_far.stored, correction=correction))
        yield corrected, Calibrated(correction, dev_score(corrected))


def join_pipelines(members: Sequence[Pipeline]) -> Pipeline:
    """Return the ensemble of networks that were trained for the same labels and words."""
    first = members[0].stored
    if len(members) == 1:
        return members[0]
    training = replace(first.config.training, ensemble=len(members))
    parameters = join_parameters(first.config.model, [member.stored.parameters for member in members])
    info = first.info | {"members": [member.stored.info["training"] for member in members]}
    return Pipeline(
        replace(first, config=replace(first.config, training=training), parameters=parameters, info=info)
    )


def new_pipeline(
    config: Config,
    vectors: WordVectors,
    chosen: tuple[Vocabulary, Floats, tuple[float, ...]],
    n_tuned: int,
    gazetteers: Gazetteers,
    columns: ColumnValues,
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
    chosen : (Vocabulary, array (V, D), tuple of float)
        What `choose_vectors` took of them; the array is used as it is.
    n_tuned : int
        How many of them training may tune, the first ones.
    gazetteers : Gazetteers
        Those that the configuration names.
    columns : ColumnValues
        Of the columns that it names.
    label_set : LabelSet
    counts : Counter
        How often each word stands in the training data.
    n_sentences : int
        Of the training data.
    rng : numpy.random.Generator
        Draws the weights.
    """
    vocabulary, matrix, scales = chosen
    model = WindowModel.initialize(
        config.model,
        config.features,
        matrix,
        len(label_set),
        rng=rng,
        n_tuned=n_tuned,
        n_values=len(columns),
    )
    info: dict[str, Any] = {
        "windowclf": version("windowclf"),
        "vectors": {
            "name": vectors.name,
            "sha256": vectors.sha256,
            "dimension": vectors.dimension,
            "scale": scales[0] if len(scales) == 1 else list(scales),  # one a set side by side
        },
        "coverage": coverage(counts, vocabulary),
        "gazetteers": [
            {"name": name, "phrases": len(gazetteer)}
            for name, gazetteer in zip(config.features.gazetteers, gazetteers, strict=True)
        ],
        "training": {"sentences": n_sentences, "tokens": counts.total()},
    }
    config = replace(config, model=replace(config.model, vectors=config.model.vectors or vectors.name))
    return Pipeline(
        StoredModel(
            config,
            label_set,
            vocabulary,
            model.parameters,
            info,
            gazetteers=gazetteers,
            columns=columns,
        )
    )


def train_pipeline(
    pipeline: Pipeline,
    sentences: Sentences,
    labels: Sentences,
    *,
    n_tuned: int,
    rng: np.random.Generator,
    dev_score: Callable[[], float] | None,
    teacher: Pipeline | None = None,
) -> Iterator[Event]:
    """Train a pipeline in place and yield what happens; what is known of it grows with each best epoch.

    Of the vectors, the first `n_tuned` may be tuned, where vectors are. `dev_score`, where there is one,
    scores the pipeline as it is on the development data.
    """
    stored = pipeline.stored
    objective: Objective = objective_of(stored.config, stored.labels, stored.parameters, labels)
    data = prepare_training(
        pipeline.encoder,
        sentences,
        labels,
        stored.labels,
        stored.config.model.window,
        whole_sentences=objective.needs_sentences,
    )
    if teacher is not None:
        objective = distilled(objective, teacher, pipeline, sentences, labels)
    for event in train(
        pipeline.members[0],
        data,
        stored.config.training,
        rng=rng,
        objective=objective,
        dev_score=dev_score,
        n_movable_vectors=min(count_movable(data.words[:, 0]), n_tuned),
    ):
        if isinstance(event, EpochDone) and event.is_best:
            stored.info["training"] |= {"best_epoch": event.epoch, "dev_score": event.dev_score}
        yield event


def carry_movement(pipeline: Pipeline, before: Floats) -> Carried:
    """Move the vectors of a trained pipeline that training never read, as it is configured.

    Parameters
    ----------
    pipeline : Pipeline
        Of one network with tuned vectors; changed in place.
    before : array (M, D)
        The vectors that training could move, as they were before it.
    """
    stored = pipeline.stored
    vectors, training = stored.parameters["vectors"], stored.config.training
    others = vectors[count_tuned(stored.vocabulary, stored.vocabulary.training_counts) :]
    n_fitted = carry_over(
        before, vectors[: len(before)], others, method=training.carry, strength=training.carry_strength
    )
    carried = Carried(training.carry, training.carry_strength, n_fitted, len(others) if n_fitted else 0)
    stored.info["carried"] = asdict(carried)
    return carried
