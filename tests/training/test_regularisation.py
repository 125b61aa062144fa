"""What keeps a network from learning its training data by heart: each alone, and all of them switched off."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowTagger
from windowclf.arrays import Floats
from windowclf.corpus import LabelSet
from windowclf.encoding import (
    BOUNDARY_ROW,
    N_SPECIAL,
    NONE,
    UNKNOWN,
    Encoder,
    WordFeatures,
    count_movable,
    count_words,
    distinct,
)
from windowclf.model import WindowModel
from windowclf.nn import Optimizer, check_gradients, clip_by_norm, softmax_cross_entropy
from windowclf.training import (
    EpochDone,
    Event,
    StepDone,
    TrainingData,
    WordObjective,
    choose_objective,
    make_batches,
    prepare_training,
    train,
)
from windowclf.training.loop import drop_words
from windowclf.training.objectives import balanced_weights
from windowclf.vectors import WordVectors, choose_vectors

Labelled = tuple[list[list[str]], list[list[str]]]
FEATURES = FeaturesConfig(case_dimension=2, affix_dimension=2, prefixes=(1,), suffixes=(2,), buckets=9)
CONFIG = Config(
    ModelConfig(hidden=(4,), dropout=0.3, input_dropout=0.2, window=3, tuning="tuned"),
    FEATURES,
    TrainingConfig(epochs=4, patience=0, batch_sentences=2, learning_rate=0.02, schedule="constant"),
)
TEXT: Labelled = (
    [["we", "watched", "TV"], ["the", "telly", "is", "on"], ["a", "zyzzyva"], ["we", "watched", "on"]],
    [["no", "no", "yes"], ["no", "yes", "no", "no"], ["no", "no"], ["no", "no", "no"]],
)
N_MOVABLE = 8  # we, watched, TV, the, telly, is, on, a


def _training(config: Config, **changes: Any) -> Config:
    return replace(config, training=replace(config.training, **changes))


def _network(config: Config, **changes: Any) -> Config:
    return replace(config, model=replace(config.model, **changes))


def _prepare(config: Config, vectors: WordVectors) -> tuple[WindowModel, TrainingData]:
    """Return an untrained model and the text as arrays."""
    vocabulary, matrix, _ = choose_vectors(vectors, count_words(TEXT[0]), config.model)
    label_set = LabelSet.of(TEXT[1], ignore="_")
    encoder = Encoder(vocabulary, WordFeatures(config.features))
    data = prepare_training(encoder, *TEXT, label_set, config.model.window)
    rng = np.random.default_rng(5)
    n_tuned = count_movable(data.words[:, 0])
    return WindowModel.initialize(config.model, config.features, matrix, 2, rng=rng, n_tuned=n_tuned), data


def _events(
    model: WindowModel, data: TrainingData, config: Config, dev_score: Callable[[], float] | None = None
) -> list[Event]:
    objective = WordObjective(label_smoothing=config.training.label_smoothing)
    return list(
        train(
            model,
            data,
            config.training,
            rng=np.random.default_rng(7),
            objective=objective,
            dev_score=dev_score,
            n_movable_vectors=N_MOVABLE,
        )
    )


def _copies(model: WindowModel) -> dict[str, Floats]:
    return {name: parameter.copy() for name, parameter in model.parameters.items()}


def _bytes(parameters: dict[str, Floats]) -> dict[str, bytes]:
    return {name: parameter.tobytes() for name, parameter in parameters.items()}


def _trained(vectors: WordVectors, config: Config = CONFIG, **training: Any) -> dict[str, Floats]:
    config = _training(config, **training)
    model, data = _prepare(config, vectors)
    _events(model, data, config)
    return model.parameters


# -- switched off ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tuning", ["frozen", "tuned"])
def test_switched_off_they_change_no_bit_of_plain_training(tuning: str, vectors: WordVectors) -> None:
    config = _network(CONFIG, tuning=tuning)
    model, data = _prepare(config, vectors)
    optimizer, rng = Optimizer("adam"), np.random.default_rng(7)
    for _ in range(config.training.epochs):
        for batch in make_batches(rng.permutation(4), data.starts, config.training.batch_sentences):
            rows, places = distinct(data.windows[batch.windows], len(data.words))
            scores, backward = model.forward(data.words[rows], places, rng=rng)
            _, loss_backward = softmax_cross_entropy(scores, targets=data.targets[batch.windows])
            gradients = clip_by_norm(backward(loss_backward()), config.training.clip_norm)
            optimizer.step(model.parameters, gradients, config.training.learning_rate)
    assert _bytes(_trained(vectors, config)) == _bytes(model.parameters)


EVERYTHING = {
    "word_dropout": 0.3,
    "averaging": 0.9,
    "l2_anchor": 0.1,
    "class_weights": "balanced",
    "label_smoothing": 0.1,
    "vectors_rate": 0.5,
    "vectors_from_epoch": 2,
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_switched_on_each_changes_what_is_learnt(
    name: str, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = _network(_training(quick, epochs=3), tuning="tuned")
    plain, with_it = (
        WindowTagger(c, vectors=vectors).fit(*corpus).model.parameters
        for c in (config, _training(config, **{name: EVERYTHING[name]}))
    )
    assert _bytes(plain) != _bytes(with_it)


@pytest.mark.parametrize("tuning", ["tuned", "two-channel"])
def test_with_all_of_them_the_same_seed_gives_the_same_bytes(
    tuning: str, quick: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    config = _network(_training(quick, **EVERYTHING), tuning=tuning)
    for name in ("first", "second"):
        WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus).save(tmp_path / name)
    files = [{p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("first", "second")]
    assert files[0] == files[1]


# -- word dropout ------------------------------------------------------------------------------------


def test_a_dropped_word_loses_its_vector_and_itself_but_keeps_its_looks() -> None:
    features = WordFeatures(replace(FEATURES, shape=True))
    assert features.whole_word_column is not None
    words = np.array([[5, *features.ids("Paris")], [6, *features.ids("Rome")]], np.int32)
    before = words.copy()
    drop_words(words, np.array([True, False]), features.whole_word_column)
    np.testing.assert_array_equal(words[1], before[1])
    alike, unlike = features.ids("Paris"), features.ids("Povris")  # same case, affixes and shape
    changed = np.flatnonzero(words[0] != before[0]).tolist()
    assert changed == [0, features.whole_word_column]
    assert words[0, 0] == UNKNOWN and words[0, features.whole_word_column] == NONE
    assert [i + 1 for i, (a, b) in enumerate(zip(alike, unlike, strict=True)) if a != b] == changed[1:]


@pytest.mark.parametrize("off", [{"whole_word": False}, {"affix_dimension": 0}])
def test_without_an_id_of_the_whole_word_there_is_only_the_vector_to_drop(off: dict[str, Any]) -> None:
    features = WordFeatures(replace(FEATURES, **off))
    assert features.whole_word_column is None
    words = np.array([[5, *features.ids("Paris")]], np.int32)
    drop_words(words, np.array([True]), None)
    assert words.tolist() == [[UNKNOWN, *features.ids("Paris")]]


@pytest.mark.slow
def test_words_are_dropped_at_their_rate_anew_in_each_step_and_boundaries_never(
    vectors: WordVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _training(_network(CONFIG, dropout=0, input_dropout=0), word_dropout=0.4, epochs=400)
    model, data = _prepare(config, vectors)
    before = data.words.copy()
    seen: list[Any] = []
    forward = WindowModel.forward

    def watch(self: WindowModel, words: Any, windows: Any, **keywords: Any) -> Any:
        seen.append(words)
        return forward(self, words, windows, **keywords)

    monkeypatch.setattr(WindowModel, "forward", watch)
    _events(model, data, config)
    np.testing.assert_array_equal(data.words, before)
    boundaries = [words[0] for words in seen]
    np.testing.assert_array_equal(boundaries, np.tile(before[BOUNDARY_ROW], (len(seen), 1)))
    is_dropped = np.concatenate([words[1:, 0] == UNKNOWN for words in seen])
    # of 10 distinct words, zyzzyva is unknown in any case, in one step of each epoch
    n_words, n_unknown = len(is_dropped), config.training.epochs
    expected = n_unknown + 0.4 * (n_words - n_unknown)
    assert abs(is_dropped.sum() - expected) < 5 * np.sqrt(0.24 * n_words)
    assert len({words[:, 0].tobytes() for words in seen}) > 50


def test_the_unknown_vector_is_trained_though_every_word_has_a_vector(vectors: WordVectors) -> None:
    model, data = _prepare(CONFIG, vectors)
    first = _copies(model)["special"][UNKNOWN]
    known = data.words[:, 0] != UNKNOWN
    assert not known.all()
    has_unknown = (data.words[data.windows, 0] == UNKNOWN).any(axis=1)
    known_only = replace(
        data,
        windows=data.windows[~has_unknown],
        targets=data.targets[~has_unknown],
        starts=np.array([0, (~has_unknown).sum()]),
    )
    for rate, is_trained in ((0.0, False), (0.5, True)):
        _events(model, known_only, _training(CONFIG, word_dropout=rate))
        assert bool((model.parameters["special"][UNKNOWN] != first).all()) is is_trained


# -- averaging ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tuning", ["frozen", "tuned", "two-channel"])
def test_the_average_over_all_steps_is_scored_and_kept_and_training_goes_on_from_the_weights(
    tuning: str, vectors: WordVectors
) -> None:
    config = _network(CONFIG, tuning=tuning)
    decay = 0.8
    model, data = _prepare(config, vectors)
    expected: list[dict[str, Floats]] = []
    average: dict[str, Floats] = {name: p.astype(np.float64) for name, p in model.parameters.items()}
    t = 0
    for event in train(model, data, config.training, rng=np.random.default_rng(7)):
        if isinstance(event, StepDone):
            t += 1
            share = min(decay, (1 + t) / (10 + t))
            for name, p in model.parameters.items():
                average[name] = share * average[name] + (1 - share) * p
        elif isinstance(event, EpochDone):
            expected.append(average | {})

    averaged, _ = _prepare(config, vectors)
    scored: list[dict[str, Floats]] = []

    def dev_score() -> float:
        scored.append(_copies(averaged))
        return [0.1, 0.9, 0.3, 0.4][len(scored) - 1]

    yielded: list[dict[str, Floats]] = []
    for event in train(
        averaged,
        data,
        replace(config.training, averaging=decay),
        rng=np.random.default_rng(7),
        dev_score=dev_score,
        n_movable_vectors=N_MOVABLE,
    ):
        if isinstance(event, EpochDone):
            yielded.append(_copies(averaged))
    for found, of_weights in zip(scored, expected, strict=True):
        for name, value in of_weights.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6)
    assert [_bytes(weights) for weights in yielded] == [_bytes(weights) for weights in scored]
    assert _bytes(averaged.parameters) == _bytes(scored[1])


def test_what_training_never_saw_keeps_its_every_bit_in_the_average_too(vectors: WordVectors) -> None:
    model, _ = _prepare(CONFIG, vectors)
    after = _trained(vectors, averaging=0.9)
    assert (after["vectors"][:N_MOVABLE] != model.parameters["vectors"][:N_MOVABLE]).any(axis=1).all()
    rest = slice(N_MOVABLE, None)
    assert after["vectors"][rest].tobytes() == model.parameters["vectors"][rest].tobytes()


def test_closed_within_the_first_epoch_it_leaves_the_weights_and_not_their_average(
    vectors: WordVectors,
) -> None:
    closed = []
    for averaging in (0.0, 0.9):
        config = _training(CONFIG, averaging=averaging)
        model, data = _prepare(config, vectors)
        events = train(model, data, config.training, rng=np.random.default_rng(7))
        next(events)
        events.close()
        closed.append(_bytes(model.parameters))
    assert closed[0] == closed[1]


def test_an_error_of_the_dev_score_leaves_the_best_average(vectors: WordVectors) -> None:
    config = _training(CONFIG, averaging=0.9)
    model, data = _prepare(config, vectors)
    scored: list[dict[str, bytes]] = []

    def dev_score() -> float:
        scored.append(_bytes(model.parameters))
        if len(scored) == 2:
            raise KeyError("dev")
        return 0.5

    with pytest.raises(KeyError):
        _events(model, data, config, dev_score)
    assert _bytes(model.parameters) == scored[0]


# -- tuned vectors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("tuning", "table"), [("tuned", "vectors"), ("two-channel", "tuned_vectors")])
def test_an_anchor_draws_the_tuned_rows_of_the_batch_to_where_they_began(
    tuning: str, table: str, vectors: WordVectors
) -> None:
    config = _training(_network(CONFIG, tuning=tuning), optimizer="sgd", clip_norm=0.0, epochs=2)
    config = _training(config, batch_sentences=99, learning_rate=0.5)
    model, data = _prepare(config, vectors)
    first = _copies(model)[table]
    weights = []
    for strength in (0.0, 0.1):
        model, data = _prepare(config, vectors)
        at_epoch = []
        for event in train(
            model,
            data,
            replace(config.training, l2_anchor=strength),
            rng=np.random.default_rng(7),
            n_movable_vectors=N_MOVABLE,
        ):
            if isinstance(event, StepDone):
                at_epoch.append(_copies(model))
        weights.append(at_epoch)
    plain, anchored = weights
    assert _bytes(plain[0]) == _bytes(anchored[0])  # at the point itself, nothing draws
    expected = plain[1][table].copy()
    expected -= 0.5 * 0.1 * (plain[0][table] - first)
    np.testing.assert_allclose(anchored[1][table], expected, rtol=1e-5, atol=1e-6)
    changed = {name for name in plain[1] if not np.array_equal(plain[1][name], anchored[1][name])}
    assert changed == {table}


@pytest.mark.parametrize("changes", [{"vectors_rate": 0.0}, {"vectors_from_epoch": 5}])
@pytest.mark.parametrize(("tuning", "table"), [("tuned", "vectors"), ("two-channel", "tuned_vectors")])
def test_vectors_can_be_left_alone(
    tuning: str, table: str, changes: dict[str, Any], vectors: WordVectors
) -> None:
    config = _network(CONFIG, tuning=tuning)
    model, _ = _prepare(config, vectors)
    after = _trained(vectors, config, **changes)
    moved = {name for name, p in model.parameters.items() if not np.array_equal(p, after[name])}
    assert moved == set(model.trained) - {table}


def test_vectors_are_tuned_from_an_epoch_on(vectors: WordVectors) -> None:
    config = _training(CONFIG, vectors_from_epoch=3)
    model, data = _prepare(config, vectors)
    before = _copies(model)["vectors"]
    moved = [
        not np.array_equal(before, model.parameters["vectors"])
        for event in train(model, data, config.training, rng=np.random.default_rng(7))
        if isinstance(event, EpochDone)
    ]
    assert moved == [False, False, True, True]


# -- two channels ------------------------------------------------------------------------------------


def test_of_two_channels_the_pretrained_vectors_keep_every_bit_and_the_copies_of_training_words_move(
    vectors: WordVectors,
) -> None:
    tagger = WindowTagger(_network(CONFIG, tuning="two-channel"), vectors=vectors).fit(*TEXT)
    p = tagger.model.parameters
    _, matrix, _ = choose_vectors(vectors, count_words(TEXT[0]), CONFIG.model)
    assert p["vectors"].tobytes() == matrix.tobytes()
    assert p["tuned_vectors"].shape == (N_MOVABLE, matrix.shape[1])
    assert (p["tuned_vectors"] != matrix[:N_MOVABLE]).any(axis=1).all()


def test_every_vector_that_training_moves_has_a_copy(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    tagger = WindowTagger(_network(quick, tuning="two-channel"), vectors=vectors).fit(*corpus)
    ids = tagger.model.encoder.encode(corpus[0]).words[:, 0]
    assert len(tagger.model.parameters["tuned_vectors"]) == ids.max() - N_SPECIAL + 1
    assert len(tagger.model.parameters["vectors"]) > ids.max() - N_SPECIAL + 1


def test_two_channels_are_saved_and_loaded(
    quick: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    tagger = WindowTagger(_network(quick, tuning="two-channel"), vectors=vectors).fit(*corpus)
    tagger.save(tmp_path / "model")
    loaded = WindowTagger.load(tmp_path / "model")
    assert _bytes(loaded.model.parameters) == _bytes(tagger.model.parameters)
    assert loaded.predict(corpus[0]) == tagger.predict(corpus[0])


# -- losses ------------------------------------------------------------------------------------------


def test_the_weight_of_a_label_is_the_number_of_words_by_that_of_labels_times_its_own() -> None:
    targets = np.array([0, 0, 0, 0, -1, 2, 2, 3, -1])
    weights = balanced_weights(targets, 5)
    np.testing.assert_allclose(weights, [7 / (3 * 4), 0, 7 / (3 * 2), 7 / (3 * 1), 0])
    counted = np.bincount(targets[targets >= 0], weights[targets[targets >= 0]], minlength=5)
    np.testing.assert_allclose(counted[[0, 2, 3]], 7 / 3)


def test_the_configured_objective_is_that_of_weighted_and_smoothed_labels(
    vectors: WordVectors, quick: Config, corpus: Labelled
) -> None:
    config = _training(quick, class_weights="balanced", label_smoothing=0.1)
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus)
    stored = tagger.model
    objective = choose_objective(stored.config, stored.labels, stored.parameters, corpus[1])
    labels = tagger.model.labels
    targets = np.concatenate([labels.encode(sequence) for sequence in corpus[1]])
    scores: Floats = np.random.default_rng(0).standard_normal((len(targets), len(labels)))
    lengths = np.array([len(sequence) for sequence in corpus[1]])
    loss, backward = objective(scores, targets=targets, lengths=lengths, places=np.arange(len(targets)))
    weights = balanced_weights(targets, len(labels))
    expected, expected_backward = softmax_cross_entropy(
        scores, targets=targets, class_weights=weights, label_smoothing=0.1
    )
    assert loss == expected
    dscores, others = backward()
    np.testing.assert_array_equal(dscores, expected_backward())
    assert others == {}


def test_gradients_with_all_that_changes_a_loss(vectors: WordVectors) -> None:
    config = _network(CONFIG, tuning="two-channel", activation="tanh")
    model, data = _prepare(config, vectors)
    parameters = {name: p.astype(np.float64) for name, p in model.parameters.items()}
    words = data.words.copy()
    drop_words(words, np.arange(len(words)) % 3 == 2, model.features.whole_word_column)
    objective = WordObjective(np.array([0.4, 2.0]), 0.1)

    def loss_of(**given: Floats) -> Any:
        at_parameters = WindowModel(config.model, config.features, given)
        scores, backward = at_parameters.forward(words, data.windows, rng=np.random.default_rng(0))
        loss, loss_backward = objective(
            scores,
            targets=data.targets,
            lengths=np.diff(data.starts),
            places=np.arange(len(data.targets)),
        )

        def whole_backward(upstream: float) -> list[Any]:
            gradients = backward(loss_backward()[0] * upstream)
            return [gradients.get(name) for name in given]

        return loss, whole_backward

    report = check_gradients(loss_of, parameters)
    report.raise_if_failed()
    assert report.untrained == ("vectors",)
