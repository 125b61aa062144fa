"""The whole network: its gradients against numerical ones at every coordinate, and its forward pass.

N windows, K window width, U distinct words, D vector dimension, C labels.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from windowclf.arrays import Floats, Ints
from windowclf.config import FeaturesConfig, ModelConfig, Tuning
from windowclf.encoding import (
    ABSENT_ROW,
    BOUNDARY,
    BOUNDARY_ROW,
    UNKNOWN,
    Case,
    Encoder,
    Vocabulary,
    WordFeatures,
    windows,
)
from windowclf.errors import ShapeError
from windowclf.model import WindowModel
from windowclf.model.parameters import parameter_shapes
from windowclf.nn import (
    Gradient,
    GradientReport,
    RowGradient,
    Selection,
    Trace,
    Workspace,
    check_gradients,
    softmax,
    softmax_cross_entropy,
)
from windowclf.training import resolve_features

NO_FEATURES = FeaturesConfig(case_dimension=0, affix_dimension=0)
DEFAULT_FEATURES = resolve_features(FeaturesConfig(), finds_names=False)
FEATURES = FeaturesConfig(case_dimension=2, affix_dimension=2, prefixes=(1, 3), suffixes=(2,), buckets=5)
PLAIN = ModelConfig(hidden=(4,), activation="tanh", dropout=0, input_dropout=0)

# Words that stand twice in a window and at several places of it; sentences shorter than half a window;
# known words, unknown ones and two spellings of one vector.
SENTENCES = [["the", "tv", "the", "TV", "on"], ["zyzzyva"], ["the", "the"], ["Paris", ",", "qwx", "paris"]]
VOCABULARY = Vocabulary(["the", "tv", "paris", ",", "on", "never"], {})
D, C = 3, 3
N_TUNED = 2  # of two channels: "paris", "," and "on" are read from the frozen table in both

each_form = pytest.mark.parametrize("fused", [True, False], ids=["fused", "plain"])


def _text(features: FeaturesConfig, width: int) -> tuple[Ints, Ints, Ints]:
    """Return words (U, J), windows (N, K) and targets (N,)."""
    encoded = Encoder(VOCABULARY, WordFeatures(features)).encode(SENTENCES)
    around = windows(encoded.tokens, encoded.lengths, width)
    return encoded.words, around, np.arange(len(around)) % C


def _model(config: ModelConfig, features: FeaturesConfig, *, fused: bool | None = None) -> WindowModel:
    """Return a model in float64 whose every parameter is random, biases too."""
    rng = np.random.default_rng(0)
    shapes = parameter_shapes(config, features, len(VOCABULARY), D, C, n_tuned=N_TUNED)
    parameters: dict[str, Floats] = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return WindowModel(config, features, parameters, fused=fused)


def _check(
    config: ModelConfig, features: FeaturesConfig, *, fused: bool, dropout_seed: int | None = None
) -> GradientReport:
    """Check the loss of the small text at every coordinate of every parameter."""
    model = _model(config, features)
    words, around, targets = _text(features, config.window)

    def loss_of(**parameters: Floats) -> tuple[float, Callable[[float], list[Gradient | None]]]:
        at_parameters = WindowModel(config, features, parameters, fused=fused)
        rng = None if dropout_seed is None else np.random.default_rng(dropout_seed)
        scores, backward = at_parameters.forward(words, around, rng=rng)
        loss, loss_backward = softmax_cross_entropy(scores, targets=targets)

        def whole_backward(upstream: float) -> list[Gradient | None]:
            gradients = backward(loss_backward(upstream))
            assert set(gradients) <= set(parameters)
            return [gradients.get(name) for name in parameters]

        return loss, whole_backward

    return check_gradients(loss_of, model.parameters)


def _assert_every_coordinate_agrees(
    report: GradientReport, config: ModelConfig, features: FeaturesConfig
) -> None:
    shapes = parameter_shapes(config, features, len(VOCABULARY), D, C, n_tuned=N_TUNED)
    frozen = () if config.tuning == "tuned" else ("vectors",)
    assert report.ok, str(report)
    assert report.untrained == frozen
    assert report.n_coordinates == sum(
        int(np.prod(shape)) for name, shape in shapes.items() if name not in frozen
    )


@each_form
@pytest.mark.parametrize("features", [FEATURES, NO_FEATURES], ids=["features", "no features"])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)], ids=["softmax", "1 hidden", "2 hidden"])
@pytest.mark.parametrize("tuning", ["frozen", "tuned", "two-channel"])
def test_gradients_of_every_depth(
    tuning: Tuning, hidden: tuple[int, ...], features: FeaturesConfig, fused: bool
) -> None:
    config = replace(PLAIN, tuning=tuning, hidden=hidden)
    _assert_every_coordinate_agrees(_check(config, features, fused=fused), config, features)


@each_form
@pytest.mark.parametrize("hidden", [(4,), (4, 3)], ids=["1 hidden", "2 hidden"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_gradients_of_every_activation(activation: Any, hidden: tuple[int, ...], fused: bool) -> None:
    config = replace(PLAIN, tuning="tuned", hidden=hidden, activation=activation)
    _assert_every_coordinate_agrees(_check(config, NO_FEATURES, fused=fused), config, NO_FEATURES)


@each_form
@pytest.mark.parametrize("width", [1, 3, 7])
@pytest.mark.parametrize("tuning", ["frozen", "tuned", "two-channel"])
def test_gradients_of_every_width(tuning: Tuning, width: int, fused: bool) -> None:
    config = replace(PLAIN, tuning=tuning, window=width)
    _assert_every_coordinate_agrees(_check(config, NO_FEATURES, fused=fused), config, NO_FEATURES)


@each_form
@pytest.mark.parametrize(
    "features",
    [
        replace(FEATURES, case_dimension=0),
        replace(FEATURES, affix_dimension=0),
        replace(FEATURES, prefixes=(), suffixes=(), whole_word=True),
        replace(FEATURES, buckets=1),
    ],
    ids=["affixes", "case", "whole word", "one bucket"],
)
def test_gradients_of_each_feature_alone(features: FeaturesConfig, fused: bool) -> None:
    config = replace(PLAIN, window=3, tuning="tuned")
    _assert_every_coordinate_agrees(_check(config, features, fused=fused), config, features)


@each_form
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("dropout, input_dropout", [(0.5, 0), (0, 0.3), (0.5, 0.3)])
def test_gradients_under_dropout(dropout: float, input_dropout: float, activation: Any, fused: bool) -> None:
    config = replace(
        PLAIN,
        tuning="tuned",
        hidden=(4, 3),
        activation=activation,
        dropout=dropout,
        input_dropout=input_dropout,
    )
    # one seed at every evaluation, so that each sees the same mask
    _assert_every_coordinate_agrees(_check(config, FEATURES, fused=fused, dropout_seed=1), config, FEATURES)


@pytest.mark.parametrize("features", [FEATURES, NO_FEATURES], ids=["features", "no features"])
def test_the_check_finds_a_backward_pass_that_loses_repeated_words(
    features: FeaturesConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(cls: type[RowGradient], ids: Ints, rows: Floats, n_rows: int) -> RowGradient:
        dense = np.zeros((n_rows, rows.shape[1]), rows.dtype)
        dense[ids] += rows  # numpy keeps one of the rows of an id that repeats
        distinct_ids = np.unique(ids)
        return cls(distinct_ids, dense[distinct_ids], n_rows)

    monkeypatch.setattr(RowGradient, "from_places", classmethod(lossy))
    report = _check(replace(PLAIN, tuning="tuned"), features, fused=False)
    wrong = {failure.name for failure in report.failures}
    assert {"vectors", "special"} <= wrong
    assert not wrong & {"output.W", "output.b", "hidden1.W", "hidden1.b"}


@pytest.mark.parametrize("features", [FEATURES, NO_FEATURES], ids=["features", "no features"])
def test_the_check_finds_a_fused_layer_that_loses_repeated_words(
    features: FeaturesConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(self: Selection, dy: Floats) -> Floats:
        spread: Floats = np.zeros((self.shape[1], dy.shape[1]), dy.dtype)
        spread[self.rows] += np.repeat(dy, np.diff(self.starts), axis=0)  # keeps one window of each piece
        return spread

    monkeypatch.setattr(Selection, "spread", lossy)
    report = _check(replace(PLAIN, tuning="tuned"), features, fused=True)
    wrong = {failure.name for failure in report.failures}
    assert {"vectors", "special", "hidden1.W"} <= wrong
    assert not wrong & {"output.W", "output.b", "hidden1.b"}


def test_the_check_finds_a_fused_layer_that_drops_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Selection.spread

    def without_row_0(self: Selection, dy: Floats) -> Floats:
        spread = whole(self, dy)
        spread[BOUNDARY_ROW * PLAIN.window : (BOUNDARY_ROW + 1) * PLAIN.window] = 0
        return spread

    monkeypatch.setattr(Selection, "spread", without_row_0)
    report = _check(replace(PLAIN, tuning="frozen"), NO_FEATURES, fused=True)
    assert {failure.name for failure in report.failures} == {"special", "hidden1.W"}


def _drop_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = RowGradient.from_places

    def without_row_0(cls: type[RowGradient], ids: Ints, rows: Floats, n_rows: int) -> RowGradient:
        return whole(ids, np.where(ids[:, None] == BOUNDARY_ROW, 0, rows), n_rows)

    monkeypatch.setattr(RowGradient, "from_places", classmethod(without_row_0))


def test_the_check_finds_a_backward_pass_that_drops_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    _drop_padding(monkeypatch)
    report = _check(replace(PLAIN, tuning="frozen"), NO_FEATURES, fused=False)
    assert {failure.name for failure in report.failures} == {"special"}


def test_the_text_has_every_difficulty() -> None:
    # what the checks above are worth depends on it
    words, around, _ = _text(NO_FEATURES, 5)
    assert any(len(set(row)) < 5 for row in around[(around != BOUNDARY_ROW).all(axis=1)].tolist())
    the = 2
    assert all(the in around[:, place] for place in range(5))
    assert {UNKNOWN, BOUNDARY} < set(words[around.reshape(-1), 0].tolist())
    assert [BOUNDARY_ROW, BOUNDARY_ROW] == around[5, :2].tolist() == around[5, 3:].tolist()
    assert np.sum(words[:, 0] == words[the + 1, 0]) == 2  # tv and TV


def _naive_softmax_regression(model: WindowModel) -> tuple[Floats, Floats]:
    """Look up five vectors a word and put them side by side, one number after another: -> x, scores."""
    half = model.config.window // 2
    rows = []
    for sentence in SENTENCES:
        for i in range(len(sentence)):
            row: list[float] = []
            for j in range(i - half, i + half + 1):
                if not 0 <= j < len(sentence):
                    row.extend(model.parameters["special"][BOUNDARY])
                elif (lower := sentence[j].lower()) in VOCABULARY.words:
                    row.extend(model.parameters["vectors"][VOCABULARY.words.index(lower)])
                else:
                    row.extend(model.parameters["special"][UNKNOWN])
            rows.append(row)
    x = np.array(rows)
    return x, x @ model.parameters["output.W"] + model.parameters["output.b"]


def test_without_features_and_layers_it_is_softmax_regression_on_five_vectors() -> None:
    model = _model(replace(PLAIN, hidden=()), NO_FEATURES)
    words, around, _ = _text(NO_FEATURES, 5)
    expected = _naive_softmax_regression(model)[1]
    np.testing.assert_allclose(model.scores(words, around), expected, rtol=1e-12, atol=1e-12)


def test_softmax_regression_learns_by_p_minus_one_for_the_correct_class_and_p_for_the_others() -> None:
    model = _model(replace(PLAIN, hidden=()), NO_FEATURES)
    words, around, targets = _text(NO_FEATURES, 5)
    scores, backward = model.forward(words, around)
    gradients = backward(softmax_cross_entropy(scores, targets=targets)[1]())
    x, naive_scores = _naive_softmax_regression(model)
    dscores = (softmax(naive_scores) - np.eye(C)[targets]) / len(targets)
    np.testing.assert_allclose(_dense(gradients["output.W"]), x.T @ dscores, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(_dense(gradients["output.b"]), dscores.sum(axis=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("tuning, has_gradient", [("frozen", False), ("tuned", True), ("two-channel", False)])
def test_pretrained_vectors_have_a_gradient_only_where_they_are_tuned(
    tuning: Tuning, has_gradient: bool
) -> None:
    model = _model(replace(PLAIN, tuning=tuning), FEATURES)
    words, around, _ = _text(FEATURES, 5)
    scores, backward = model.forward(words, around)
    gradients = backward(np.ones_like(scores))
    assert ("vectors" in gradients) is has_gradient
    assert set(gradients) == set(model.trained)


def test_a_word_that_is_not_in_the_batch_has_no_gradient() -> None:
    model = _model(replace(PLAIN, tuning="tuned"), NO_FEATURES)
    words, around, _ = _text(NO_FEATURES, 5)
    scores, backward = model.forward(words, around)
    gradient = backward(np.ones_like(scores))["vectors"]
    assert isinstance(gradient, RowGradient)
    assert VOCABULARY.words.index("never") not in gradient.ids


def test_of_two_channels_one_stays_as_it_was_and_the_other_is_trained_as_far_as_it_goes() -> None:
    model = _model(replace(PLAIN, tuning="two-channel"), NO_FEATURES)
    p = model.parameters
    words, around, _ = _text(NO_FEATURES, 5)
    x = model.describe(words)
    both = (
        np.concatenate([p["special"], p["vectors"]]),
        np.concatenate([p["special"], p["tuned_vectors"], p["vectors"][N_TUNED:]]),
    )
    ids = words[:, 0]
    np.testing.assert_array_equal(x, np.concatenate([both[0][ids], both[1][ids]], axis=1))
    assert model.tuned_table == "tuned_vectors"
    assert set(model.trained) == set(p) - {"vectors"}
    _, backward = model.forward(words, around)
    gradient = backward(np.ones((len(around), C)))["tuned_vectors"]
    assert isinstance(gradient, RowGradient)
    assert gradient.shape == (N_TUNED, D)


def test_two_channels_begin_as_one_and_only_the_words_of_training_have_a_copy() -> None:
    vectors = np.random.default_rng(0).random((len(VOCABULARY), D)).astype(np.float16)
    config = replace(PLAIN, tuning="two-channel")
    model = WindowModel.initialize(
        config, FEATURES, vectors, C, rng=np.random.default_rng(0), n_tuned=N_TUNED
    )
    copy = model.parameters["tuned_vectors"]
    np.testing.assert_array_equal(copy, vectors[:N_TUNED])
    assert copy.dtype == np.float32 and not np.shares_memory(copy, vectors)
    words, _, _ = _text(NO_FEATURES, 5)
    one, two = np.split(model.describe(words)[:, : 2 * D], 2, axis=1)
    np.testing.assert_array_equal(one, two)


def test_no_word_of_training_may_have_a_vector_at_all() -> None:
    config = replace(PLAIN, tuning="two-channel")
    model = WindowModel.initialize(
        config, FEATURES, np.ones((4, D)), C, rng=np.random.default_rng(0), n_tuned=0
    )
    words = np.zeros((1, 1 + WordFeatures(FEATURES).n_columns), np.int32)
    scores, backward = model.forward(words, np.zeros((1, 5), np.int32))
    assert backward(np.ones_like(scores))["tuned_vectors"].shape == (0, D)


def test_gradients_have_the_shapes_of_their_parameters() -> None:
    model = _model(replace(PLAIN, tuning="tuned", hidden=(4, 3)), FEATURES)
    words, around, _ = _text(FEATURES, 5)
    scores, backward = model.forward(words, around)
    shapes = {name: gradient.shape for name, gradient in backward(np.ones_like(scores)).items()}
    assert shapes == {name: parameter.shape for name, parameter in model.parameters.items()}


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_float32_stays_float32(activation: Any) -> None:
    config = ModelConfig(hidden=(4,), tuning="tuned", activation=activation)
    vectors = np.ones((len(VOCABULARY), D), np.float32)
    model = WindowModel.initialize(config, FEATURES, vectors, C, rng=np.random.default_rng(0))
    words, around, _ = _text(FEATURES, 5)
    scores, backward = model.forward(words, around, rng=np.random.default_rng(0))
    dtypes = {np.asarray(getattr(g, "rows", g)).dtype for g in backward(np.ones_like(scores)).values()}
    assert {scores.dtype, *dtypes} == {np.dtype(np.float32)}


def _passes(model: WindowModel, trace: Trace | None) -> tuple[Floats, Mapping[str, Gradient]]:
    words, around, targets = _text(FEATURES, 5)
    scores, backward = model.forward(words, around, rng=np.random.default_rng(3), trace=trace)
    return scores, backward(softmax_cross_entropy(scores, targets=targets)[1]())


TRACED = ModelConfig(tuning="tuned", hidden=(4, 3), activation="relu", dropout=0.5, input_dropout=0.3)


@each_form
def test_a_trace_records_every_operation_in_order(fused: bool) -> None:
    trace: Trace = {}
    _passes(_model(TRACED, FEATURES, fused=fused), trace)
    first = [("hidden1", "window_affine")] if fused else [("window", "window"), ("hidden1", "affine")]
    assert [(name, node.operation) for name, node in trace.items()] == [
        ("word vectors", "word_embedding"),
        ("case vectors", "embedding"),
        ("affix vectors", "embedding"),
        ("words", "concatenate"),
        ("words.dropout", "dropout"),
        *first,
        ("hidden1.relu", "relu"),
        ("hidden1.dropout", "dropout"),
        ("hidden2", "affine"),
        ("hidden2.relu", "relu"),
        ("hidden2.dropout", "dropout"),
        ("output", "affine"),
    ]
    assert all(node.name == name for name, node in trace.items())


def test_a_trace_of_softmax_regression_has_no_hidden_layer() -> None:
    words, around, _ = _text(NO_FEATURES, 5)
    trace: Trace = {}
    _model(replace(PLAIN, hidden=()), NO_FEATURES, fused=False).forward(words, around, trace=trace)
    assert list(trace) == ["word vectors", "words", "window", "output"]


def test_traced_values_follow_from_one_another() -> None:
    model, trace = _model(replace(TRACED, dropout=0, input_dropout=0), FEATURES, fused=False), Trace()
    scores, _ = _passes(model, trace)
    p, value = model.parameters, {name: node.value for name, node in trace.items()}
    _, around, _ = _text(FEATURES, 5)
    np.testing.assert_array_equal(value["words"][:, :D], value["word vectors"])
    np.testing.assert_array_equal(value["window"][4], value["words"][around[4]].reshape(-1))
    np.testing.assert_array_equal(value["hidden1"], value["window"] @ p["hidden1.W"] + p["hidden1.b"])
    np.testing.assert_array_equal(value["hidden1.relu"], np.maximum(value["hidden1"], 0))
    np.testing.assert_array_equal(value["output"], scores)


@each_form
def test_a_trace_has_the_upstream_gradient_of_every_operation_once_backward_has_run(fused: bool) -> None:
    model, trace = _model(TRACED, FEATURES, fused=fused), Trace()
    words, around, targets = _text(FEATURES, 5)
    scores, backward = model.forward(words, around, rng=np.random.default_rng(3), trace=trace)
    assert all(node.upstream is None for node in trace.values())
    dscores = softmax_cross_entropy(scores, targets=targets)[1]()
    backward(dscores)
    shapes = {name: None if node.upstream is None else node.upstream.shape for name, node in trace.items()}
    assert shapes == {name: node.value.shape for name, node in trace.items()}
    np.testing.assert_array_equal(trace["output"].upstream, dscores)


def test_traced_upstream_gradients_are_those_of_the_loss() -> None:
    # what a parameter's gradient is made of: the value below and the gradient from above
    model, trace = _model(replace(TRACED, dropout=0, input_dropout=0), FEATURES, fused=False), Trace()
    _, gradients = _passes(model, trace)
    upstream = {name: np.asarray(node.upstream, np.float64) for name, node in trace.items()}
    for layer, below in (("hidden1", "window"), ("hidden2", "hidden1.relu"), ("output", "hidden2.relu")):
        dW = trace[below].value.T @ upstream[layer]
        np.testing.assert_allclose(dW, _dense(gradients[f"{layer}.W"]), rtol=1e-12, atol=1e-15)
    words, _, _ = _text(FEATURES, 5)
    dvectors = np.zeros((len(VOCABULARY) + 2, D))
    np.add.at(dvectors, words[:, 0], upstream["word vectors"])
    np.testing.assert_allclose(_dense(gradients["vectors"]), dvectors[2:], rtol=1e-12, atol=1e-15)


@each_form
def test_a_trace_says_which_operation_hands_which_gradient_to_which_parameter(fused: bool) -> None:
    model, trace = _model(TRACED, FEATURES, fused=fused), Trace()
    _, gradients = _passes(model, trace)
    handed = {name: list(node.gradients) for name, node in trace.items() if node.gradients}
    assert handed == {
        "word vectors": ["special", "vectors"],
        "case vectors": ["case"],
        "affix vectors": ["affixes"],
        "hidden1": ["hidden1.W", "hidden1.b"],
        "hidden2": ["hidden2.W", "hidden2.b"],
        "output": ["output.W", "output.b"],
    }
    assert all(node.gradients[name] is gradients[name] for node in trace.values() for name in node.gradients)


@each_form
@pytest.mark.parametrize("tuning", ["frozen", "tuned", "two-channel"])
def test_a_trace_changes_no_bit(tuning: Tuning, fused: bool) -> None:
    model = _model(replace(TRACED, tuning=tuning), FEATURES, fused=fused)
    scores, gradients = _passes(model, None)
    traced_scores, traced_gradients = _passes(model, {})
    assert scores.tobytes() == traced_scores.tobytes()
    assert gradients.keys() == traced_gradients.keys()
    for name, gradient in gradients.items():
        assert _bytes(gradient) == _bytes(traced_gradients[name])


def _dense(gradient: Gradient) -> npt.NDArray[np.float64]:
    dense = gradient.to_dense() if isinstance(gradient, RowGradient) else gradient
    return np.asarray(dense, np.float64)


def _bytes(gradient: Gradient) -> bytes:
    if isinstance(gradient, RowGradient):
        return gradient.ids.tobytes() + gradient.rows.tobytes()
    return gradient.tobytes()


def test_scores_are_those_of_forward_without_dropout() -> None:
    model = _model(TRACED, FEATURES)
    words, around, _ = _text(FEATURES, 5)
    # products of other shapes may be summed in another order
    expected = model.forward(words, around)[0]
    np.testing.assert_allclose(model.scores(words, around), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 4096, 4097, 9000])
def test_scores_of_any_number_of_windows(n: int) -> None:
    model = _model(TRACED, FEATURES)
    words, around, _ = _text(FEATURES, 5)
    many = np.resize(around, (n, 5))
    once = model.scores(words, around)
    np.testing.assert_allclose(model.scores(words, many), np.resize(once, (n, C)), rtol=1e-12, atol=1e-12)


def test_dropout_is_drawn_from_the_generator_that_is_given() -> None:
    model = _model(TRACED, FEATURES)
    words, around, _ = _text(FEATURES, 5)
    first, again, other = (
        model.forward(words, around, rng=np.random.default_rng(seed))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "dropped, operation, rate", [("words.dropout", "words", 0.2), ("hidden1.dropout", "hidden1.tanh", 0.75)]
)
def test_each_dropout_silences_at_its_own_rate_and_raises_the_others(
    dropped: str, operation: str, rate: float
) -> None:
    trace: Trace = {}
    model = _model(replace(PLAIN, dropout=0.75, input_dropout=0.2), FEATURES)
    words, around, _ = _text(FEATURES, 5)
    model.forward(words, around, rng=np.random.default_rng(0), trace=trace)
    factors = np.unique(np.round(trace[dropped].value / trace[operation].value, 12))
    np.testing.assert_allclose(factors, [0, 1 / (1 - rate)])


def test_input_dropout_silences_a_word_at_all_its_places_alike() -> None:
    trace: Trace = {}
    model = _model(replace(TRACED, hidden=()), NO_FEATURES, fused=False)
    words, around, _ = _text(NO_FEATURES, 5)
    model.forward(words, around, rng=np.random.default_rng(0), trace=trace)
    silent = trace["window"].value.reshape(-1, D) == 0
    assert silent.any()
    np.testing.assert_array_equal(silent, (trace["words.dropout"].value == 0)[around.reshape(-1)])


def test_frozen_vectors_may_be_read_only_and_of_half_precision() -> None:
    vectors = np.ones((len(VOCABULARY), D), np.float16)
    vectors.flags.writeable = False
    config = replace(PLAIN, tuning="frozen")
    model = WindowModel.initialize(config, FEATURES, vectors, C, rng=np.random.default_rng(0))
    words, around, _ = _text(FEATURES, 5)
    scores, backward = model.forward(words, around)
    assert scores.dtype == np.float32
    assert "vectors" not in backward(np.ones_like(scores))


def test_one_model_serves_passes_that_overlap() -> None:
    # the closure holds all that backward needs: a later forward pass does not disturb it
    model = _model(replace(PLAIN, tuning="tuned"), FEATURES)
    words, around, _ = _text(FEATURES, 5)
    scores, backward = model.forward(words, around)
    alone = {name: _bytes(gradient) for name, gradient in backward(np.ones_like(scores)).items()}
    scores, backward = model.forward(words, around)
    model.forward(words, around[::-1])
    model.scores(words, around[:3])
    late = {name: _bytes(gradient) for name, gradient in backward(np.ones_like(scores)).items()}
    assert late == alone


@pytest.mark.parametrize("tuning", ["frozen", "tuned", "two-channel"])
@pytest.mark.parametrize("features", [FEATURES, NO_FEATURES], ids=["features", "no features"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-13)])
def test_the_fused_and_the_plain_form_agree(
    dtype: type[np.floating[Any]], tolerance: float, features: FeaturesConfig, tuning: Tuning
) -> None:
    config = replace(TRACED, tuning=tuning)
    parameters = {name: value.astype(dtype) for name, value in _model(config, features).parameters.items()}
    words, around, targets = _text(features, 5)
    passes = []
    for fused in (True, False):
        model = WindowModel(config, features, parameters, fused=fused)
        scores, backward = model.forward(words, around, rng=np.random.default_rng(3))
        passes.append((scores, backward(softmax_cross_entropy(scores, targets=targets)[1]())))
    (fused_scores, fused_gradients), (plain_scores, plain_gradients) = passes
    _assert_relatively_equal(fused_scores, plain_scores, tolerance)
    assert fused_gradients.keys() == plain_gradients.keys()
    for name, gradient in plain_gradients.items():
        _assert_relatively_equal(_dense(fused_gradients[name]), _dense(gradient), tolerance)


def _assert_relatively_equal(found: Floats, expected: Floats, tolerance: float) -> None:
    # relative to the largest: where large terms cancel, the rounding of the large ones is left
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def test_of_more_words_than_windows_each_window_is_multiplied_and_of_fewer_each_word() -> None:
    model = _model(PLAIN, FEATURES)
    words, around, _ = _text(FEATURES, 5)
    assert len(words) < len(around)
    for n_windows, first in ((len(around), "hidden1"), (len(words), "window"), (1, "window")):
        trace: Trace = {}
        model.forward(words, around[:n_windows], trace=trace)
        assert list(trace)[4] == first


@each_form
def test_a_workspace_changes_no_bit_and_may_be_used_again_for_other_sizes(fused: bool) -> None:
    model = _model(replace(PLAIN, tuning="tuned"), FEATURES, fused=fused)
    words, around, _ = _text(FEATURES, 5)
    workspace = Workspace()
    for part in (around[:5], around, around[:7]):
        scores, backward = model.forward(words, part, workspace=workspace)
        gradients = {name: _bytes(gradient) for name, gradient in backward(np.ones_like(scores)).items()}
        alone, alone_backward = model.forward(words, part)
        assert scores.tobytes() == alone.tobytes()
        assert gradients == {
            name: _bytes(gradient) for name, gradient in alone_backward(np.ones_like(alone)).items()
        }


def test_the_absent_word_is_the_unknown_vector_without_features() -> None:
    trace: Trace = {}
    model = _model(PLAIN, FEATURES)
    words, _, _ = _text(FEATURES, 5)
    model.forward(words, np.full((1, 5), ABSENT_ROW), trace=trace)
    p = model.parameters
    n_affixes = WordFeatures(FEATURES).n_affixes
    expected = np.concatenate([p["special"][UNKNOWN], p["case"][Case.NONE], *[p["affixes"][0]] * n_affixes])
    np.testing.assert_array_equal(trace["words"].value[ABSENT_ROW], expected)


def test_an_untrained_model_begins_with_xavier_weights_and_zero_biases() -> None:
    vectors = np.zeros((len(VOCABULARY), 50), np.float32)
    model = WindowModel.initialize(ModelConfig(), DEFAULT_FEATURES, vectors, C, rng=np.random.default_rng(0))
    for name, parameter in model.parameters.items():
        if name.endswith(".b"):
            assert not parameter.any()
        elif name.endswith(".W"):
            limit = np.sqrt(6 / sum(parameter.shape))
            assert 0.98 * limit < np.abs(parameter).max() <= limit
    assert model.parameters["vectors"] is vectors


@pytest.mark.parametrize(
    "hidden, features, shapes",
    [
        ((), NO_FEATURES, {"output.W": (5 * 50, C), "output.b": (C,)}),
        (
            (300,),
            DEFAULT_FEATURES,
            {
                "case": (9, 10),
                "affixes": (20_001, 24),
                "hidden1.W": (5 * (50 + 10 + 9 * 24), 300),
                "hidden1.b": (300,),
                "output.W": (300, C),
                "output.b": (C,),
            },
        ),
        (
            (7, 6),
            NO_FEATURES,
            {
                "hidden1.W": (250, 7),
                "hidden1.b": (7,),
                "hidden2.W": (7, 6),
                "hidden2.b": (6,),
                "output.W": (6, C),
                "output.b": (C,),
            },
        ),
    ],
)
def test_shapes_follow_from_the_configuration(
    hidden: tuple[int, ...], features: FeaturesConfig, shapes: dict[str, tuple[int, ...]]
) -> None:
    tables = {"vectors": (400, 50), "special": (2, 50)}
    assert parameter_shapes(ModelConfig(hidden=hidden), features, 400, 50, C) == tables | shapes


@pytest.mark.parametrize("n_tuned, n_rows", [(None, 400), (7, 7), (0, 0), (401, 400)])
def test_a_second_channel_has_a_row_for_each_vector_that_training_moves(
    n_tuned: int | None, n_rows: int
) -> None:
    config = ModelConfig(hidden=(), tuning="two-channel")
    shapes = parameter_shapes(config, NO_FEATURES, 400, 50, C, n_tuned=n_tuned)
    assert shapes["tuned_vectors"] == (n_rows, 50)
    assert shapes["output.W"] == (2 * 250, C)


@pytest.mark.parametrize("fault", ["missing", "extra", "other shape"])
def test_parameters_that_do_not_fit_the_configuration_are_refused(fault: str) -> None:
    parameters = _model(PLAIN, FEATURES).parameters
    if fault == "missing":
        del parameters["case"]
    elif fault == "extra":
        parameters["hidden2.W"] = np.zeros((4, 4))
    else:
        parameters["hidden1.W"] = parameters["hidden1.W"].T
    with pytest.raises(ShapeError, match="do not fit the configuration"):
        WindowModel(PLAIN, FEATURES, parameters)
