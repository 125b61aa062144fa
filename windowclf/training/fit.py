"""From labelled sentences and vectors to a trained model."""

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.config import Config
from windowclf.corpus import LabelSet, Scheme, Sentences, check_sentences
from windowclf.encoding import (
    ColumnValues,
    Encoder,
    WordFeatures,
    check_columns,
    check_words,
    count_movable,
    count_tuned,
    count_words,
    coverage,
    read_lists,
)
from windowclf.errors import DataError
from windowclf.model import TrainedModel, WindowModel
from windowclf.training.calibrate import calibrate
from windowclf.training.data import DevData, prepare_training
from windowclf.training.defaults import finds_names, resolve_features, resolve_training
from windowclf.training.events import Calibrated, Carried, EpochDone, Event, MemberDone
from windowclf.training.extrapolate import carry_over
from windowclf.training.loop import train
from windowclf.training.objectives import Objective, choose_objective, distil
from windowclf.vectors import choose_vectors, open_vectors


def check_training(
    config: Config, sentences: Sentences, labels: Sentences, dev: tuple[Sentences, Sentences] | None
) -> tuple[LabelSet, Counter[str]]:
    """Check training data, and return its labels and how often each word occurs.

    Raises
    ------
    DataError
        If lengths differ, there are fewer than two labels, labels mix span labels and others, `dev` has no
        word or labels of another task, a vocabulary file cannot hold a word, or a column is missing or holds
        the labels.
    """
    check_sentences(sentences, labels)
    check_columns(config.features.columns, sentences, labels)
    if dev is not None:
        check_sentences(*dev, where="dev sentences")
        if not any(map(len, dev[0])):
            raise DataError(
                "no sentence has words",
                where="dev sentences",
                hint="Leave out dev: training then keeps the last epoch.",
            )
        check_columns(config.features.columns, *dev)
    counts = count_words(sentences)
    check_words(counts)
    label_set = LabelSet.of(
        labels,
        scheme=config.data.scheme,
        internal_scheme=Scheme(config.model.inner_scheme),
        ignore=config.data.ignore_label or None,
    )
    if dev is not None:
        label_set.check_comparable(dev[1])
    return label_set, counts


def fit(
    config: Config,
    vectors: Any,
    sentences: Sentences,
    labels: Sentences,
    *,
    dev: tuple[Sentences, Sentences] | None = None,
    teacher: TrainedModel | None = None,
) -> Generator[tuple[TrainedModel, Event], None, None]:
    """Train a network, or those of an ensemble one after another, as `WindowTagger.fit`.

    Yields
    ------
    model : TrainedModel
        The network in training; of an ensemble, all finished networks together.
    event : Event

    Raises
    ------
    DataError
        As `check_training`, and if the teacher has other labels.
    TrainingError
        If the loss is not finite.
    """
    label_set, counts = check_training(config, sentences, labels, dev)
    vectors = open_vectors(vectors, counts, config.training.seed)
    is_ensemble = config.training.ensemble > 1
    features = resolve_features(config.features, finds_names=finds_names(label_set, labels))
    features, gazetteers = read_lists(features, sentences, labels, label_set)
    # the model records what was chosen
    config = replace(
        config,
        features=features,
        training=resolve_training(config.training, len(sentences)),
        model=replace(config.model, vectors=config.model.vectors or vectors.name),
    )
    columns = ColumnValues.of(features.columns, sentences)
    vocabulary, initial, scales = choose_vectors(
        vectors, counts, config.model, tuned_from_count=config.training.tuned_from_count
    )
    n_tuned = count_tuned(vocabulary, counts, config.training.tuned_from_count)
    encoder = Encoder(vocabulary, WordFeatures(features), gazetteers, columns)
    origin: dict[str, Any] = {
        "windowclf": version("windowclf"),
        "vectors": {
            "name": vectors.name,
            "sha256": vectors.sha256,
            "dimension": vectors.dimension,
            "scale": scales[0] if len(scales) == 1 else list(scales),  # one for each of the joined sets
        },
        "coverage": coverage(counts, vocabulary),
        "gazetteers": [
            {"name": name, "phrases": len(gazetteer)}
            for name, gazetteer in zip(features.gazetteers, gazetteers, strict=True)
        ],
    }
    dev_data = DevData(encoder, label_set, config.model.window, *dev) if dev else None
    finished: list[TrainedModel] = []
    for m in range(config.training.ensemble):
        seed = config.training.seed + m
        initial_rng, training_rng, drawing_rng = np.random.default_rng(seed).spawn(3)
        is_last = m + 1 == config.training.ensemble
        matrix = initial if config.model.tuning != "tuned" or is_last else initial.copy()
        network = WindowModel.initialize(
            config.model,
            features,
            matrix,
            len(label_set),
            rng=initial_rng,
            n_tuned=n_tuned,
            n_values=len(columns),
        )
        own = replace(config, training=replace(config.training, seed=seed, ensemble=1))
        info = {**origin, "training": {"sentences": len(sentences), "tokens": counts.total()}}
        member = TrainedModel(own, label_set, encoder, (network,), info)
        before = matrix[:n_tuned].copy() if config.training.carry != "none" else None
        own_sentences, own_labels = sentences, labels
        if is_ensemble and config.training.bootstrap:
            drawn = drawing_rng.integers(len(sentences), size=len(sentences)).tolist()
            own_sentences, own_labels = [sentences[i] for i in drawn], [labels[i] for i in drawn]
        objective: Objective = choose_objective(own, label_set, network.parameters, own_labels)
        if not finished or config.training.bootstrap:
            data = prepare_training(
                encoder,
                own_sentences,
                own_labels,
                label_set,
                config.model.window,
                whole_sentences=objective.needs_sentences,
            )
        if teacher is not None:
            objective = distil(objective, teacher, member, own_sentences, own_labels)
        if not finished:
            so_far = member
        for event in train(
            network,
            data,
            own.training,
            rng=training_rng,
            objective=objective,
            dev_score=partial(dev_data.score, member) if dev_data else None,
            n_movable_vectors=min(count_movable(data.words[:, 0]), n_tuned),
        ):
            if isinstance(event, EpochDone) and event.is_best:
                info["training"] |= {"best_epoch": event.epoch, "dev_score": event.dev_score}
            yield so_far, event
        if before is not None:
            yield so_far, _carry_movement(member, before)
        finished.append(member)
        if is_ensemble:
            so_far = _join(finished)
            score = info["training"]["dev_score"]
            together = dev_data.score(so_far) if dev_data else None
            yield so_far, MemberDone(m + 1, config.training.ensemble, score, together)
    if dev_data:
        calibrated = replace(so_far, calibration=calibrate(so_far, dev_data))
        yield calibrated, Calibrated(calibrated.calibration, dev_data.score(calibrated))


def _join(models: list[TrainedModel]) -> TrainedModel:
    """Return the ensemble of models with the same labels and vocabulary."""
    first = models[0]
    if len(models) == 1:
        return first
    return replace(
        first,
        config=replace(first.config, training=replace(first.config.training, ensemble=len(models))),
        members=tuple(member for model in models for member in model.members),
        info=first.info | {"members": [model.info["training"] for model in models]},
    )


def _carry_movement(model: TrainedModel, before: Floats) -> Carried:
    """Move, in place, the vectors that training did not use; `before` (M, D) are those it could move."""
    vectors, training = model.members[0].parameters["vectors"], model.config.training
    others = vectors[count_tuned(model.vocabulary, model.vocabulary.training_counts) :]
    n_fitted = carry_over(
        before, vectors[: len(before)], others, method=training.carry, strength=training.carry_strength
    )
    carried = Carried(training.carry, training.carry_strength, n_fitted, len(others) if n_fitted else 0)
    model.info["carried"] = asdict(carried)
    return carried
