"""The training loop: what moves and what must not, which weights are kept, when it stops."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowTagger
from windowclf.arrays import Floats, Ints
from windowclf.corpus import LabelSet, Scheme
from windowclf.encoding import BOUNDARY, BOUNDARY_ROW, UNKNOWN, Encoder, Vocabulary, WordFeatures, count_words
from windowclf.errors import TrainingError
from windowclf.model import WindowModel
from windowclf.model.viterbi import legal_pairs
from windowclf.training import (
    EpochDone,
    Event,
    SentenceObjective,
    StepDone,
    TrainingData,
    TrainingDone,
    make_batches,
    prepare_training,
    train,
)
from windowclf.training import data as data_module
from windowclf.vectors import WordVectors, choose_vectors

Labelled = tuple[list[list[str]], list[list[str]]]
FEATURES = FeaturesConfig(case_dimension=2, affix_dimension=2, prefixes=(1,), suffixes=(), buckets=9)
PLAIN = Config(
    ModelConfig(tuning="frozen", hidden=(4,), dropout=0, input_dropout=0, window=3),
    FEATURES,
    TrainingConfig(
        epochs=5, patience=0, batch_sentences=3, learning_rate=0.05, schedule="constant", clip_norm=0
    ),
)


def _training(config: Config, **changes: Any) -> Config:
    return replace(config, training=replace(config.training, **changes))


def _network(config: Config, **changes: Any) -> Config:
    return replace(config, model=replace(config.model, **changes))


def _prepare(config: Config, vectors: WordVectors, corpus: Labelled) -> tuple[WindowModel, TrainingData]:
    """Return an untrained model and the corpus as arrays."""
    sentences, labels = corpus
    vocabulary, matrix, _ = choose_vectors(vectors, count_words(sentences), config.model)
    label_set = LabelSet.of(labels, ignore="_")
    encoder = Encoder(vocabulary, WordFeatures(config.features))
    data = prepare_training(encoder, sentences, labels, label_set, config.model.window)
    model = WindowModel.initialize(
        config.model, config.features, matrix, len(label_set), rng=np.random.default_rng(5)
    )
    return model, data


def _weights(model: WindowModel) -> dict[str, bytes]:
    return {name: parameter.tobytes() for name, parameter in model.parameters.items()}


def _events(
    model: WindowModel, data: TrainingData, config: Config, dev_score: Callable[[], float] | None = None
) -> list[Event]:
    return list(train(model, data, config.training, rng=np.random.default_rng(7), dev_score=dev_score))


def _epochs(events: list[Event]) -> list[EpochDone]:
    return [event for event in events if isinstance(event, EpochDone)]


class PlantedScores:
    """A dev score that is known beforehand, and the weights that each was given for."""

    def __init__(self, model: WindowModel, scores: list[float]) -> None:
        self.model = model
        self.scores: Iterator[float] = iter(scores)
        self.weights: list[dict[str, bytes]] = []

    def __call__(self) -> float:
        self.weights.append(_weights(self.model))
        return next(self.scores)


# -- what moves --------------------------------------------------------------------------------------


TV_TELLY: Labelled = (
    [["we", "watched", "TV"], ["the", "telly", "is", "on"], ["a", "zyzzyva"]],
    [["no", "no", "yes"], ["no", "yes", "no", "no"], ["no", "no"]],
)


def _has_moved(config: Config, vectors: WordVectors) -> dict[str, bool]:
    """Train on TV and telly, and return for each vector whether any bit of it changed."""
    _, before, _ = choose_vectors(vectors, count_words(TV_TELLY[0]), config.model)
    stored = WindowTagger(config, vectors=vectors).fit(*TV_TELLY).model
    after = stored.parameters["vectors"]
    assert before.dtype == after.dtype == np.float32
    return {
        word: old.tobytes() != new.tobytes()
        for word, old, new in zip(stored.vocabulary.words, before, after, strict=True)
    }


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("l2_vectors", [0.0, 0.1])
def test_tuning_moves_the_words_of_training_and_no_bit_of_any_other(
    optimizer: str, l2_vectors: float, vectors: WordVectors
) -> None:
    config = _training(_network(PLAIN, tuning="tuned"), optimizer=optimizer, l2_vectors=l2_vectors)
    moved = _has_moved(config, vectors)
    assert moved["tv"] and moved["telly"]
    assert not moved["television"]
    assert {word for word in moved if moved[word]} == {"we", "watched", "tv", "the", "telly", "is", "on", "a"}


def test_frozen_vectors_keep_every_bit(vectors: WordVectors) -> None:
    moved = _has_moved(_training(PLAIN, l2_vectors=0.1), vectors)
    assert {"tv", "telly", "television"} <= set(moved)
    assert not any(moved.values())


@pytest.mark.parametrize("tuning", ["frozen", "tuned"])
@pytest.mark.parametrize("special", [UNKNOWN, BOUNDARY])
def test_the_unknown_and_the_boundary_vector_are_trained_in_both_modes(
    tuning: str, special: int, vectors: WordVectors
) -> None:
    config = _network(PLAIN, tuning=tuning)
    model, data = _prepare(config, vectors, TV_TELLY)
    before = model.parameters["special"].copy()
    _events(model, data, config)
    assert np.all(model.parameters["special"][special] != before[special])


@pytest.mark.parametrize("tuning", ["frozen", "tuned"])
def test_the_matrix_that_the_user_gave_is_never_changed(tuning: str, vectors: WordVectors) -> None:
    before = vectors.matrix.tobytes()
    WindowTagger(_network(PLAIN, tuning=tuning), vectors=vectors).fit(*TV_TELLY)
    assert vectors.matrix.tobytes() == before


@pytest.mark.parametrize("mode", ["r", "c"])
@pytest.mark.parametrize("stored", [np.float16, np.float32])
def test_vectors_are_taken_from_a_mapped_file_and_scaled(
    tmp_path: Path, stored: type[np.floating[Any]], mode: Any
) -> None:
    n = 20_000  # more than are copied at a time
    matrix = np.random.default_rng(0).standard_normal((n, 3)).astype(stored)
    np.save(tmp_path / "matrix.npy", matrix)
    mapped = np.load(tmp_path / "matrix.npy", mmap_mode=mode)
    if mode == "c":  # private to this process, and to be kept
        mapped[5] = matrix[5] = 2
    words = [f"w{i}" for i in range(n)]
    vectors = WordVectors("mapped", "here", words, mapped, "")
    vocabulary, taken, (scale,) = choose_vectors(vectors, {"w12000": 1}, ModelConfig(max_vectors=0))
    rows = [12000, *range(12000), *range(12001, n)]
    assert vocabulary.words == [words[row] for row in rows]
    assert scale == pytest.approx(0.5 / matrix.astype(np.float64).std(), rel=1e-12)
    np.testing.assert_allclose(taken, matrix[rows].astype(np.float32) * np.float32(scale), rtol=1e-6)
    np.testing.assert_array_equal(mapped, matrix)


# -- the same again ----------------------------------------------------------------------------------


def _files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("tuning", ["frozen", "tuned"])
def test_the_same_seed_gives_the_same_bytes(
    tuning: str, quick: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        WindowTagger(_network(quick, tuning=tuning), vectors=vectors).fit(*corpus, dev=corpus).save(
            tmp_path / name
        )
    assert _files(tmp_path / "first") == _files(tmp_path / "second")


def test_fitting_again_begins_anew(
    quick: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    tagger = WindowTagger(_network(quick, tuning="tuned"), vectors=vectors)
    for name in ("first", "second"):
        tagger.fit(*corpus).save(tmp_path / name)
    assert _files(tmp_path / "first") == _files(tmp_path / "second")


def test_another_seed_gives_other_weights(quick: Config, vectors: WordVectors, corpus: Labelled) -> None:
    parameters = [
        WindowTagger(quick, vectors=vectors, seed=seed).fit(*corpus).model.parameters for seed in (0, 1)
    ]
    for name in ("special", "case", "affixes", "hidden1.W", "output.W"):
        assert not np.array_equal(parameters[0][name], parameters[1][name])


def test_the_global_generator_is_left_alone(quick: Config, vectors: WordVectors, corpus: Labelled) -> None:
    before = np.random.get_state(legacy=False)["state"]["pos"]
    WindowTagger(quick, vectors=vectors).fit(*corpus)
    assert np.random.get_state(legacy=False)["state"]["pos"] == before


# -- what is trained on ------------------------------------------------------------------------------


def _naive_data(config: Config, vocabulary: Vocabulary, corpus: Labelled, names: list[str]) -> TrainingData:
    """Write down every window that has a label, word by word."""
    sentences, labels = corpus
    encoded = Encoder(vocabulary, WordFeatures(config.features)).encode(sentences)
    rows = iter(encoded.tokens.tolist())
    half = config.model.window // 2
    around, targets, starts = [], [], [0]
    for sentence, sequence in zip(sentences, labels, strict=True):
        padded = [BOUNDARY_ROW] * half + [next(rows) for _ in sentence] + [BOUNDARY_ROW] * half
        for i, label in enumerate(sequence):
            if label != "_":
                around.append(padded[i : i + 2 * half + 1])
                targets.append(names.index(label))
        starts.append(len(targets))
    return TrainingData(encoded.words, np.array(around), np.array(targets), np.array(starts))


def test_ignored_words_are_context_and_nothing_else(vectors: WordVectors) -> None:
    corpus: Labelled = (
        [["we", "watched", "TV"], ["the", "telly"], [], ["a", "city"], ["Rome"]],
        [["_", "no", "yes"], ["_", "_"], [], ["no", "_"], ["yes"]],
    )
    model, data = _prepare(PLAIN, vectors, corpus)
    twin, _ = _prepare(PLAIN, vectors, corpus)
    vocabulary, _, _ = choose_vectors(vectors, count_words(corpus[0]), PLAIN.model)
    naive = _naive_data(PLAIN, vocabulary, corpus, ["no", "yes"])
    assert naive.starts.tolist() == [0, 2, 2, 2, 3, 4]
    _events(model, data, PLAIN)
    _events(twin, naive, PLAIN)
    assert _weights(model) == _weights(twin)


def test_there_must_be_a_label_to_learn() -> None:
    model, data = _prepare(PLAIN, _some_vectors(), TV_TELLY)
    nothing = replace(data, windows=data.windows[:0], targets=data.targets[:0], starts=data.starts * 0)
    with pytest.raises(TrainingError, match="no token has a label to learn"):
        _events(model, nothing, PLAIN)


def _some_vectors() -> WordVectors:
    return WordVectors(
        "one", "here", ["the"], np.ones((1, 3), np.float32) + np.eye(1, 3, dtype=np.float32), ""
    )


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.integers(1, 5),
    st.integers(1, 8),
    st.randoms(use_true_random=False),
)
def test_a_pass_takes_every_window_exactly_once(
    lengths: list[int], batch_sentences: int, most_windows: int, random: Any
) -> None:
    starts = np.concatenate([[0], np.cumsum(lengths)])
    order = np.array(random.sample(range(len(lengths)), len(lengths)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_module, "MOST_WINDOWS", most_windows)
        batches = make_batches(order, starts, batch_sentences)
    expected = [i for s in order for i in range(starts[s], starts[s + 1])]
    assert [i for batch in batches for i in batch.windows] == expected
    assert all(0 < len(batch.windows) <= most_windows for batch in batches)
    for batch in batches:
        # lengths tell apart just the windows of different sentences
        of_window = np.searchsorted(starts, batch.windows, side="right")
        pieces = np.repeat(np.arange(len(batch.lengths)), batch.lengths)
        assert np.array_equal(of_window[1:] == of_window[:-1], pieces[1:] == pieces[:-1])


def _sentences_of(batch: Ints, starts: Ints) -> set[int]:
    return set((np.searchsorted(starts, batch, side="right") - 1).tolist())


def test_a_batch_is_so_many_sentences() -> None:
    starts = np.array([0, 2, 3, 7, 8, 10])
    batches = make_batches(np.array([4, 0, 3, 1, 2]), starts, 2)
    assert [_sentences_of(batch.windows, starts) for batch in batches] == [{4, 0}, {3, 1}, {2}]


def test_a_sentence_longer_than_a_step_may_be_is_several_steps(vectors: WordVectors) -> None:
    n = data_module.MOST_WINDOWS + 5
    corpus = ([["the"] * n, ["a", "city"]], [["no", *["yes"] * (n - 1)], ["no", "no"]])
    config = _training(_network(PLAIN, hidden=()), epochs=1, batch_sentences=1)
    model, data = _prepare(config, vectors, corpus)
    steps = [event for event in _events(model, data, config) if isinstance(event, StepDone)]
    assert sorted(step.n_windows for step in steps) == [2, 5, data_module.MOST_WINDOWS]
    assert [(step.step, step.n_steps) for step in steps] == [(1, 3), (2, 3), (3, 3)]


# -- events ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner_scheme", ["IOB2", "IOBES"])
@pytest.mark.parametrize("most_windows", [1, 2, 3, 5, 100])
def test_a_long_sentence_may_be_cut_within_a_span(
    most_windows: int,
    inner_scheme: Any,
    quick: Config,
    vectors: WordVectors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["B-LOC", "I-LOC", "I-LOC", "I-LOC", "O", "B-LOC", "B-LOC", "I-LOC", "O", "B-LOC", "I-LOC"]
    config = replace(quick, model=replace(quick.model, loss="crf", inner_scheme=inner_scheme))
    monkeypatch.setattr(data_module, "MOST_WINDOWS", most_windows)
    events = WindowTagger(config, vectors=vectors).fit_events([["paris"] * len(names)], [names])
    steps = [event for event in events if isinstance(event, StepDone) and event.epoch == 1]
    assert len(steps) == -(-len(names) // most_windows)


def test_a_label_that_a_cut_leaves_without_its_span_counts_as_not_known() -> None:
    label_set = LabelSet.of([["O", "B-LOC"]], internal_scheme=Scheme.IOBES)
    targets = label_set.encode(["B-LOC", "I-LOC", "I-LOC", "O"])
    scores = np.random.default_rng(0).standard_normal((4, len(label_set)))
    A = np.zeros((len(label_set) + 1,) * 2)
    objective = SentenceObjective({"transitions": A}, legal_pairs(label_set))

    def loss(targets: Ints, *lengths: int) -> float:
        return objective(scores, targets=targets, lengths=np.array(lengths), places=np.arange(4))[0]

    b, i, e, o = targets.tolist()  # B-LOC, I-LOC, E-LOC, O
    assert loss(targets, 2, 0, 2) == pytest.approx(loss(np.array([b, -1, -1, o]), 2, 0, 2))
    assert loss(targets, 1, 3) == pytest.approx(loss(np.array([-1, -1, e, o]), 1, 3))
    assert loss(targets, 4) != pytest.approx(loss(np.array([b, i, e, -1]), 4))


def test_events_come_step_by_step_epoch_by_epoch(vectors: WordVectors) -> None:
    config = _training(PLAIN, epochs=2, batch_sentences=2)
    model, data = _prepare(config, vectors, TV_TELLY)
    events = _events(model, data, config)
    kinds = [type(event) for event in events]
    assert kinds == [StepDone, StepDone, EpochDone, StepDone, StepDone, EpochDone, TrainingDone]
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [(step.epoch, step.step, step.n_steps) for step in steps] == [
        (1, 1, 4),
        (1, 2, 4),
        (2, 3, 4),
        (2, 4, 4),
    ]
    assert [(epoch.epoch, epoch.n_epochs) for epoch in _epochs(events)] == [(1, 2), (2, 2)]
    assert sum(step.n_windows for step in steps[:2]) == len(data.targets) == 9


def test_the_loss_of_an_epoch_is_the_mean_over_its_windows(vectors: WordVectors) -> None:
    config = _training(PLAIN, epochs=1, batch_sentences=1)
    model, data = _prepare(config, vectors, TV_TELLY)
    *steps, epoch, _ = _events(model, data, config)
    expected = sum(step.loss * step.n_windows for step in steps if isinstance(step, StepDone)) / 9
    assert isinstance(epoch, EpochDone)
    assert epoch.loss == pytest.approx(expected, rel=1e-12)


def test_training_lowers_the_loss(vectors: WordVectors) -> None:
    config = _training(PLAIN, epochs=30)
    model, data = _prepare(config, vectors, TV_TELLY)
    epochs = _epochs(_events(model, data, config))
    assert epochs[0].loss > 0.3
    assert epochs[-1].loss < 0.05


@pytest.mark.parametrize(
    "schedule, rates",
    [
        ("constant", [1.0, 1.0, 1.0, 1.0]),
        ("linear", [1.0, 0.75, 0.5, 0.25]),
        ("cosine", [1.0, 0.8536, 0.5, 0.1464]),
    ],
)
def test_the_learning_rate_falls_by_its_schedule(
    schedule: str, rates: list[float], vectors: WordVectors
) -> None:
    config = _training(PLAIN, schedule=schedule, epochs=4, learning_rate=0.01)
    model, data = _prepare(config, vectors, TV_TELLY)
    epochs = _epochs(_events(model, data, config))
    assert [epoch.learning_rate for epoch in epochs] == pytest.approx(
        [0.01 * rate for rate in rates], rel=1e-3
    )


# -- which weights are kept --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scores, best, flags",
    [
        ([0.1, 0.5, 0.3, 0.2, 0.4], 2, [True, True, False, False, False]),
        ([0.1, 0.5, 0.5, 0.5, 0.5], 2, [True, True, False, False, False]),
        ([0.5, 0.4, 0.3, 0.2, 0.1], 1, [True, False, False, False, False]),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 5, [True, True, True, True, True]),
        ([0.0, 0.0, 0.0, 0.0, 0.1], 5, [True, False, False, False, True]),
    ],
)
@pytest.mark.parametrize("tuning", ["frozen", "tuned"])
def test_the_weights_of_the_best_epoch_are_kept(
    tuning: str, scores: list[float], best: int, flags: list[bool], vectors: WordVectors
) -> None:
    config = _network(PLAIN, tuning=tuning)
    model, data = _prepare(config, vectors, TV_TELLY)
    planted = PlantedScores(model, scores)
    events = _events(model, data, config, planted)
    assert _weights(model) == planted.weights[best - 1]
    assert [epoch.is_best for epoch in _epochs(events)] == flags
    assert events[-1] == TrainingDone(best, scores[best - 1], "all epochs done")


def test_a_tagger_keeps_the_weights_of_its_best_epoch_vectors_and_all(
    config: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    sentences, labels = corpus
    dev = (sentences, [["O"] * len(sentence) for sentence in labels])  # the more is learned, the worse
    tagger = WindowTagger(_training(_network(config, tuning="tuned"), patience=3), vectors=vectors)
    weights: list[dict[str, bytes]] = []
    for event in tagger.fit_events(sentences, labels, dev=dev):
        if isinstance(event, EpochDone):
            weights.append(_weights(tagger.model.members[0]))
            last = event.epoch
    best = tagger.model.info["training"]["best_epoch"]
    assert best < last
    assert weights[best - 1]["vectors"] != weights[last - 1]["vectors"]
    assert _weights(tagger.model.members[0]) == weights[best - 1]


def test_without_dev_data_the_last_epoch_counts(vectors: WordVectors) -> None:
    model, data = _prepare(PLAIN, vectors, TV_TELLY)
    events = _events(model, data, PLAIN)
    assert all(epoch.is_best and epoch.dev_score is None for epoch in _epochs(events))
    assert events[-1] == TrainingDone(5, None, "all epochs done")


@pytest.mark.parametrize(
    "patience, scores, n_epochs",
    [
        (1, [0.5, 0.4, 0.9, 0.9, 0.9], 2),
        (2, [0.5, 0.4, 0.6, 0.6, 0.6], 5),
        (2, [0.5, 0.5, 0.5, 0.9, 0.9], 3),
        (0, [0.5, 0.4, 0.3, 0.2, 0.1], 5),
    ],
)
def test_training_stops_when_the_dev_score_has_not_risen_for_so_many_epochs(
    patience: int, scores: list[float], n_epochs: int, vectors: WordVectors
) -> None:
    config = _training(PLAIN, patience=patience)
    model, data = _prepare(config, vectors, TV_TELLY)
    assert len(_epochs(_events(model, data, config, PlantedScores(model, scores)))) == n_epochs


def test_training_does_not_stop_before_vectors_are_tuned(vectors: WordVectors) -> None:
    scores = [0.5, 0.4, 0.4, 0.4, 0.4]
    for first, n_epochs in ((1, 2), (2, 2), (3, 3), (5, 5)):
        config = _training(PLAIN, patience=1, vectors_from_epoch=first)
        model, data = _prepare(config, vectors, TV_TELLY)
        assert len(_epochs(_events(model, data, config, PlantedScores(model, scores)))) == n_epochs


def test_it_says_why_it_stopped_early(vectors: WordVectors) -> None:
    config = _training(PLAIN, patience=1)
    model, data = _prepare(config, vectors, TV_TELLY)
    *_, done = _events(model, data, config, PlantedScores(model, [0.5, 0.4]))
    assert done == TrainingDone(1, 0.5, "no better dev score in 1 epochs")


def test_closed_early_it_leaves_the_best_weights(vectors: WordVectors) -> None:
    model, data = _prepare(PLAIN, vectors, TV_TELLY)
    planted = PlantedScores(model, [0.5, 0.1])
    running = train(model, data, PLAIN.training, rng=np.random.default_rng(7), dev_score=planted)
    for event in running:
        if isinstance(event, StepDone) and event.epoch == 3:
            break
    assert _weights(model) not in planted.weights
    running.close()
    assert _weights(model) == planted.weights[0]


def test_closed_within_the_first_epoch_it_leaves_the_weights_as_they_are(vectors: WordVectors) -> None:
    config = _training(PLAIN, batch_sentences=1)
    model, data = _prepare(config, vectors, TV_TELLY)
    running = train(model, data, config.training, rng=np.random.default_rng(7))
    next(running)
    weights = _weights(model)
    running.close()
    assert _weights(model) == weights


def test_an_error_of_the_dev_score_leaves_the_best_weights(vectors: WordVectors) -> None:
    model, data = _prepare(PLAIN, vectors, TV_TELLY)
    planted = PlantedScores(model, [0.5, 0.1])  # there is no third
    with pytest.raises(RuntimeError, match="StopIteration"):
        _events(model, data, PLAIN, planted)
    assert _weights(model) == planted.weights[0]


# -- what goes wrong ---------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_training_and_is_named(vectors: WordVectors) -> None:
    config = _training(PLAIN, optimizer="sgd", learning_rate=1e30, batch_sentences=1)
    model, data = _prepare(config, vectors, TV_TELLY)
    with pytest.raises(TrainingError) as caught:
        _events(model, data, config)
    message = str(caught.value)
    assert "the loss is not finite at step 2 (epoch 1), learning rate 1e+30" in message
    assert "No epoch was completed" in message
    assert "Lower training.learning_rate" in message


def test_weights_that_the_last_step_made_infinite_are_not_handed_out_as_a_model(vectors: WordVectors) -> None:
    config = _training(PLAIN, optimizer="sgd", learning_rate=1e60, epochs=1, batch_sentences=99)
    model, data = _prepare(config, vectors, TV_TELLY)
    with pytest.raises(TrainingError, match=r"the weights are not finite at step 1 \(epoch 1\)"):
        _events(model, data, config)


def test_a_vector_that_is_not_finite_stops_training(vectors: WordVectors) -> None:
    matrix = vectors.matrix.copy()
    matrix[vectors.index["telly"]] = np.nan
    broken = replace(vectors, matrix=matrix)
    model, data = _prepare(_network(PLAIN, vector_deviation=0), broken, TV_TELLY)
    with pytest.raises(TrainingError, match=r"not finite at step 1 \(epoch 1\), learning rate 0\.05"):
        _events(model, data, PLAIN)


def test_after_a_loss_that_is_not_finite_the_best_weights_are_back(vectors: WordVectors) -> None:
    model, data = _prepare(PLAIN, vectors, TV_TELLY)
    planted = PlantedScores(model, [0.5, 0.1, 0.1])

    def break_the_model() -> float:
        score = planted()
        if len(planted.weights) == 2:
            model.parameters["output.b"][0] = np.nan
        return score

    with pytest.raises(TrainingError, match=r"\(epoch 3\).*The weights of epoch 1 are kept"):
        _events(model, data, PLAIN, break_the_model)
    assert _weights(model) == planted.weights[0]


# -- what pulls weights down -------------------------------------------------------------------------


def _parameters_after_one_step(
    vectors: WordVectors, **training: Any
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    config = _training(
        _network(PLAIN, tuning="tuned"),
        optimizer="sgd",
        learning_rate=0.5,
        epochs=1,
        batch_sentences=99,
        **training,
    )
    model, data = _prepare(config, vectors, TV_TELLY)
    for bias in ("hidden1.b", "output.b"):
        model.parameters[bias] += 1  # they begin at 0, where nothing could pull them
    before = {name: parameter.copy() for name, parameter in model.parameters.items()}
    _events(model, data, config)
    return before, model.parameters


def test_l2_acts_on_weight_matrices_alone(vectors: WordVectors) -> None:
    before, without = _parameters_after_one_step(vectors)
    _, with_l2 = _parameters_after_one_step(vectors, l2=0.1)
    pulled = {name for name in before if not np.array_equal(without[name], with_l2[name])}
    assert pulled == {"hidden1.W", "output.W"}
    for name in pulled:
        expected = without[name] - 0.5 * 0.1 * before[name]
        np.testing.assert_allclose(with_l2[name], expected, rtol=1e-5, atol=1e-6)


def test_l2_of_vectors_acts_on_the_rows_of_the_batch_alone(vectors: WordVectors) -> None:
    before, without = _parameters_after_one_step(vectors)
    _, with_l2 = _parameters_after_one_step(vectors, l2_vectors=0.1)
    pulled = {name for name in before if not np.array_equal(without[name], with_l2[name])}
    assert pulled == {"vectors", "special", "case", "affixes"}
    n_words = 8  # of the training data, with a vector; they stand first
    expected = without["vectors"].copy()
    expected[:n_words] -= 0.5 * 0.1 * before["vectors"][:n_words]
    np.testing.assert_allclose(with_l2["vectors"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(with_l2["vectors"][n_words:], before["vectors"][n_words:])


def test_a_bound_on_the_gradients_norm_bounds_a_step(vectors: WordVectors) -> None:
    before, after = _parameters_after_one_step(vectors, clip_norm=1e-3)
    moved = [np.sum(np.square(after[name] - before[name], dtype=np.float64)) for name in before]
    assert np.sqrt(sum(moved)) == pytest.approx(0.5 * 1e-3, rel=1e-3)
