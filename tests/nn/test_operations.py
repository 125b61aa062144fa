"""Every operation: its gradients numerically, its value by a naive loop, its dtype, its purity."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import getmembers, isfunction
from itertools import pairwise, product
from math import exp, log
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import windowclf.nn
from windowclf.arrays import Floats
from windowclf.errors import ShapeError
from windowclf.nn import ACTIVATIONS, LOSSES, OPERATIONS, RowGradient, Workspace, affine, check_gradients
from windowclf.nn.losses import PENALTIES, SENTENCE_LOSSES

ALL = {**OPERATIONS, **LOSSES, **SENTENCE_LOSSES, **PENALTIES}
GIVEN = (
    "mask",
    "unary",
    "pairs",
    "anchor",
    "class_weights",
    "frozen",
    "targets",
)  # arrays of floats that are not differentiated
TOLERANCE = 1e-12  # values of size 1 in float64, summed over at most a dozen terms


@dataclass
class Case:
    """An operation with arguments to try it on, and a loop that computes the same the naive way."""

    operation: str
    arguments: Mapping[str, Floats]
    naive: Callable[..., Any]
    keywords: Mapping[str, Any]
    about: str = ""

    def call(self, **arguments: Floats) -> tuple[Any, Callable[..., Any]]:
        # Operations take by position what is differentiated; `concatenate` knows no names at all.
        return ALL[self.operation](*arguments.values(), **self.keywords)

    def __str__(self) -> str:
        return f"{self.operation} {self.about}".strip()


def case(operation: str, naive: Callable[..., Any], *, about: str = "", **given: Any) -> Case:
    is_float = {name: isinstance(v, np.ndarray) and v.dtype == np.float64 for name, v in given.items()}
    arguments = {name: value for name, value in given.items() if is_float[name] and name not in GIVEN}
    keywords = {name: value for name, value in given.items() if name not in arguments}
    return Case(operation, arguments, naive, keywords, about)


def normal(*shape: int) -> Floats:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def naive_affine(x: Floats, W: Floats, b: Floats, **_: bool) -> Floats:
    y: Floats = np.empty((len(x), len(b)))
    for n in range(len(x)):
        for j in range(len(b)):
            y[n, j] = sum(x[n, i] * W[i, j] for i in range(len(W))) + b[j]
    return y


def naive_concatenate(*parts: Floats) -> Floats:
    rows = zip(*parts, strict=True)
    return np.array([[number for part in row for number in part] for row in rows])


def naive_embedding(E: Floats, *, ids: Any, **_: bool) -> Floats:
    return np.array([E[i] for i in ids.flat]).reshape(*ids.shape, E.shape[1])


def naive_word_embedding(E: Floats, special: Floats, *, ids: Any, **_: bool) -> Floats:
    return naive_embedding(np.concatenate([special, E]), ids=ids)


def naive_tuned_embedding(T: Floats, special: Floats, *, ids: Any, frozen: Floats) -> Floats:
    return naive_embedding(np.concatenate([special, T, frozen[len(T) :]]), ids=ids)


def naive_window(x: Floats, *, ids: Any) -> Floats:
    return np.array([[number for i in row for number in x[i]] for row in ids]).reshape(len(ids), -1)


def naive_window_affine(x: Floats, W: Floats, b: Floats, *, ids: Any, **_: Any) -> Floats:
    return naive_affine(naive_window(x, ids=ids), W, b)


def naive_dropout(x: Floats, *, mask: Floats) -> Floats:
    return np.array([[x[i, j] * mask[i, j] for j in range(x.shape[1])] for i in range(len(x))])


def naive_cross_entropy(
    scores: Floats, *, targets: Any, class_weights: Any = None, label_smoothing: float = 0.0
) -> float:
    C = scores.shape[1]
    total = divisor = 0.0
    for row, target in zip(scores, targets, strict=True):
        exponentials = [exp(score) for score in row]
        for c in range(C):
            weight = 1.0 if class_weights is None else class_weights[c]
            share = (1 - label_smoothing) * (c == target) + label_smoothing / C
            total -= weight * share * log(exponentials[c] / sum(exponentials))
        divisor += 1.0 if class_weights is None else class_weights[target]
    return total / divisor


def naive_soft_cross_entropy(scores: Floats, *, targets: Floats) -> float:
    total = 0.0
    for row, shares in zip(scores, targets, strict=True):
        exponentials = [exp(score) for score in row]
        logs = [log(exponential / sum(exponentials)) for exponential in exponentials]
        total -= sum(share * log_prob for share, log_prob in zip(shares, logs, strict=True))
    return total / len(scores)


def naive_crf_loss(scores: Floats, A: Floats, *, targets: Any, lengths: Any, legal: Any = None) -> float:
    total, first = 0.0, 0
    for length in lengths:
        words = range(first, first + length)
        weights = naive_labellings(scores[first : first + length], A, legal)
        agreeing = (
            weight
            for labelling, weight in weights.items()
            if all(targets[n] in (-1, label) for n, label in zip(words, labelling, strict=True))
        )
        total -= log(sum(agreeing) / sum(weights.values()))
        first += length
    return total / len(scores)


def naive_crf_cross_entropy(
    scores: Floats, A: Floats, *, unary: Floats, pairs: Floats, lengths: Any, legal: Any = None
) -> float:
    total, first = 0.0, 0
    for length in lengths:
        total += log(sum(naive_labellings(scores[first : first + length], A, legal).values()))
        first += length
    counted = pairs if legal is None else pairs * legal
    return (total - float((unary * scores).sum() + (counted * A).sum())) / len(scores)


def naive_labellings(scores: Floats, A: Floats, legal: Any) -> dict[tuple[int, ...], float]:
    """Return e to the score of every legal labelling of a sentence."""
    end = scores.shape[1]
    weights = {}
    for labelling in product(range(end), repeat=len(scores)):
        steps = list(pairwise((end, *labelling, end))) if labelling else []
        if legal is None or all(legal[step] for step in steps):
            words = sum(row[label] for row, label in zip(scores, labelling, strict=True))
            weights[labelling] = exp(words + sum(A[step] for step in steps))
    return weights


def naive_l2_penalty(W: Floats, *, strength: float, anchor: Any = None) -> float:
    origin = np.zeros(W.shape) if anchor is None else anchor
    pairs = zip(W.flat, origin.flat, strict=True)
    return strength / 2 * sum((float(number) - float(point)) ** 2 for number, point in pairs)


def elementwise(function: Callable[[float], float]) -> Callable[[Floats], Floats]:
    return lambda z: np.array([function(float(number)) for number in z.flat]).reshape(z.shape)


def ids(rows: Sequence[Any]) -> Any:
    return np.array(rows, np.int64)


REPEATED = ids([[0, 1, 1], [1, 1, 1], [4, 0, 1]])  # within a window and across windows; rows 2, 3 unused
MASK = np.array([[0, 2, 2], [2, 0, 0.0]])
KINKS = np.array([[0.0, -0.0, 5e-6], [-5e-6, 1.0, -1.0]])
AFFINE: dict[str, Any] = {"x": normal(3, 4), "W": normal(4, 2), "b": normal(2)}
WORDS: dict[str, Any] = {"E": normal(4, 3), "special": normal(2, 3)}
WINDOW_AFFINE: dict[str, Any] = {"x": normal(5, 2), "W": normal(6, 4), "b": normal(4)}
TUNED_WORDS: dict[str, Any] = {"T": normal(2, 3), "special": normal(2, 3), "frozen": normal(4, 3)}
CLASSIFIED: dict[str, Any] = {"scores": normal(4, 3), "targets": ids([0, 2, 2, 1])}
WEIGHTS = np.array([0.5, 0.0, 3.0])
FROZEN_WORDS = {**WORDS, "E_needs_gradient": False}
# Labels 0 O, 1 B, 2 I, as in IOB2: I only after B or I; 3 is the sentence's end.
NO_I_AFTER_O = np.array([[1, 1, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]], bool)
CRF: dict[str, Any] = {"scores": normal(7, 3), "A": normal(4, 4), "lengths": ids([2, 0, 4, 1])}
LABELLED: dict[str, Any] = {**CRF, "targets": ids([0, 1, 1, 2, 0, 0, 1])}
PARTLY_LABELLED: dict[str, Any] = {**CRF, "targets": ids([0, 1, -1, 2, -1, -1, -1])}
TAUGHT: dict[str, Any] = {
    **CRF,
    "unary": np.abs(normal(7, 3)),
    "pairs": np.abs(normal(4, 4) * (1 - np.eye(4))),
}
# Which argument a flag freezes.
FLAGS = {"x_needs_gradient": "x", "needs_gradient": "E", "E_needs_gradient": "E"}

CASES = [
    case("affine", naive_affine, **AFFINE),
    case("affine", naive_affine, about="with x frozen", **AFFINE, x_needs_gradient=False),
    case("affine", naive_affine, about="of one window", x=normal(1, 4), W=normal(4, 1), b=normal(1)),
    case("concatenate", naive_concatenate, about="of one part", x=normal(3, 2)),
    case("concatenate", naive_concatenate, about="of three", x=normal(3, 2), y=normal(3, 1), z=normal(3, 4)),
    case("concatenate", naive_concatenate, about="with an empty part", x=normal(3, 2), y=normal(3, 0)),
    case("dropout", naive_dropout, x=normal(2, 3), mask=MASK),
    case("embedding", naive_embedding, about="of distinct words", E=normal(5, 3), ids=ids([0, 3, 4])),
    case("embedding", naive_embedding, about="of repeated words", E=normal(5, 3), ids=REPEATED),
    case("embedding", naive_embedding, about="of no words", E=normal(5, 3), ids=ids([])),
    case("embedding", naive_embedding, about="frozen", E=normal(5, 3), ids=REPEATED, needs_gradient=False),
    case("word_embedding", naive_word_embedding, about="of both", **WORDS, ids=ids([[0, 2, 5], [1, 1, 2]])),
    case("word_embedding", naive_word_embedding, about="of special words", **WORDS, ids=ids([0, 1, 0])),
    case("word_embedding", naive_word_embedding, about="of common words", **WORDS, ids=ids([5, 2, 5])),
    case("word_embedding", naive_word_embedding, about="of no words", **WORDS, ids=ids([])),
    case("word_embedding", naive_word_embedding, about="frozen", **FROZEN_WORDS, ids=ids([0, 2, 1, 2])),
    case(
        "tuned_embedding",
        naive_tuned_embedding,
        about="of all",
        **TUNED_WORDS,
        ids=ids([[0, 2, 5], [3, 5, 3]]),
    ),
    case("tuned_embedding", naive_tuned_embedding, about="of special words", **TUNED_WORDS, ids=ids([1, 1])),
    case("tuned_embedding", naive_tuned_embedding, about="of frozen words", **TUNED_WORDS, ids=ids([5, 4])),
    case(
        "tuned_embedding",
        naive_tuned_embedding,
        about="of none tuned",
        T=normal(0, 3),
        special=normal(2, 3),
        frozen=normal(4, 3),
        ids=ids([0, 2, 5]),
    ),
    case("window", naive_window, about="of repeated words", x=normal(5, 2), ids=REPEATED),
    case("window", naive_window, about="of one word", x=normal(5, 2), ids=ids([[3], [3], [0]])),
    case("window", naive_window, about="of each word once", x=normal(4, 2), ids=ids([[0, 1], [2, 3]])),
    case("window_affine", naive_window_affine, about="of repeated words", **WINDOW_AFFINE, ids=REPEATED),
    case(
        "window_affine",
        naive_window_affine,
        about="with x frozen",
        **WINDOW_AFFINE,
        ids=REPEATED,
        x_needs_gradient=False,
    ),
    case(
        "window_affine",
        naive_window_affine,
        about="in a workspace",
        **WINDOW_AFFINE,
        ids=REPEATED,
        workspace=Workspace(),
    ),
    case(
        "window_affine",
        naive_window_affine,
        about="of one place",
        x=normal(3, 2),
        W=normal(2, 2),
        b=normal(2),
        ids=ids([[2], [2], [0]]),
    ),
    case("tanh", elementwise(np.tanh), z=normal(3, 4)),
    case("relu", elementwise(lambda z: max(z, 0.0)), z=normal(3, 4)),
    case("relu", elementwise(lambda z: max(z, 0.0)), about="at kinks", z=KINKS),
    case("logistic", elementwise(lambda z: 1 / (1 + np.exp(-z))), z=normal(3, 4)),
    case("softmax_cross_entropy", naive_cross_entropy, scores=normal(4, 3), targets=ids([0, 2, 2, 1])),
    case("softmax_cross_entropy", naive_cross_entropy, about="of one", scores=normal(1, 2), targets=ids([1])),
    case("crf_loss", naive_crf_loss, **LABELLED),
    case("crf_loss", naive_crf_loss, about="with forbidden pairs", **LABELLED, legal=NO_I_AFTER_O),
    case("crf_loss", naive_crf_loss, about="with unknown labels", **PARTLY_LABELLED),
    case("crf_loss", naive_crf_loss, about="with both", **PARTLY_LABELLED, legal=NO_I_AFTER_O),
    case(
        "crf_loss",
        naive_crf_loss,
        about="of a word",
        scores=normal(1, 2),
        A=normal(3, 3),
        targets=ids([1]),
        lengths=ids([1]),
    ),
    case("crf_cross_entropy", naive_crf_cross_entropy, **TAUGHT),
    case("crf_cross_entropy", naive_crf_cross_entropy, about="with legal", **TAUGHT, legal=NO_I_AFTER_O),
    case("softmax_cross_entropy", naive_cross_entropy, about="smoothed", **CLASSIFIED, label_smoothing=0.2),
    case("softmax_cross_entropy", naive_cross_entropy, about="weighted", **CLASSIFIED, class_weights=WEIGHTS),
    case(
        "softmax_cross_entropy",
        naive_cross_entropy,
        about="smoothed and weighted",
        **CLASSIFIED,
        label_smoothing=0.2,
        class_weights=WEIGHTS,
    ),
    case(
        "soft_cross_entropy",
        naive_soft_cross_entropy,
        scores=normal(3, 2),
        targets=np.array([[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]]),
    ),
    case("l2_penalty", naive_l2_penalty, W=normal(3, 2), strength=0.3),
    case(
        "l2_penalty", naive_l2_penalty, about="anchored", W=normal(3, 2), strength=0.3, anchor=normal(2, 3).T
    ),
]

each_case = pytest.mark.parametrize("case", CASES, ids=str)


# --- the tables are complete ------------------------------------------------------------------------


def functions_with_a_backward() -> dict[str, Callable[..., Any]]:
    """Find every public function of the room that returns (value, backward)."""
    found: dict[str, Callable[..., Any]] = {}
    for module_info in pkgutil.iter_modules(windowclf.nn.__path__, "windowclf.nn."):
        module = importlib.import_module(module_info.name)
        for name, function in getmembers(module, isfunction):
            is_public_here = function.__module__ == module.__name__ and not name.startswith("_")
            if is_public_here and returns_a_backward(function):
                found[name] = function
    return found


def returns_a_backward(function: Callable[..., Any]) -> bool:
    returned = get_type_hints(function).get("return")
    parts = get_args(returned)
    return get_origin(returned) is tuple and any(
        get_origin(part) is get_origin(Callable[..., Any]) for part in parts
    )


def test_every_function_that_returns_a_backward_is_in_a_table() -> None:
    assert functions_with_a_backward() == ALL


def test_every_operation_of_the_tables_is_tested_here() -> None:
    assert {case.operation for case in CASES} == set(ALL)


def test_activations_are_operations() -> None:
    assert ACTIVATIONS.items() <= OPERATIONS.items()


# --- what holds for each ----------------------------------------------------------------------------


@each_case
def test_backward_agrees_with_numerical_gradients(case: Case) -> None:
    report = check_gradients(case.call, case.arguments)
    report.raise_if_failed()
    assert set(report.untrained) == {FLAGS[flag] for flag in case.keywords if flag in FLAGS}
    trained = [argument for name, argument in case.arguments.items() if name not in report.untrained]
    assert report.n_coordinates == sum(argument.size for argument in trained)
    # The four numbers of KINKS within a step of 0, and nothing else.
    assert report.moved == (4 if case.about == "at kinks" else 0)


@each_case
def test_backward_is_linear_in_its_upstream(case: Case) -> None:
    value, backward = case.call(**case.arguments)
    upstream = normal(*np.shape(value)) if np.ndim(value) else 1.0
    for one, three in zip(dense(backward(upstream)), dense(backward(upstream * 3)), strict=True):
        np.testing.assert_allclose(three, 3 * one, rtol=0, atol=TOLERANCE)


@each_case
def test_the_value_is_that_of_a_naive_loop(case: Case) -> None:
    value, _ = case.call(**case.arguments)
    expected = case.naive(*case.arguments.values(), **case.keywords)
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=0, atol=TOLERANCE)


@each_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(case: Case, dtype: type[np.floating[Any]]) -> None:
    keywords = dict(case.keywords)
    if "mask" in keywords:
        keywords["mask"] = keywords["mask"].astype(dtype)
    arguments = [argument.astype(dtype) for argument in case.arguments.values()]
    value, backward = ALL[case.operation](*arguments, **keywords)
    if isinstance(value, np.ndarray):
        assert value.dtype == dtype
        upstream: Any = np.ones_like(value)
    else:
        assert type(value) is float
        upstream = np.float64(1)  # as it comes from an upstream loss; it must not widen the gradient
    assert all(gradient.dtype == dtype for gradient in dense(backward(upstream)))


@each_case
def test_backward_may_be_called_twice(case: Case) -> None:
    value, backward = case.call(**case.arguments)
    upstream = normal(*np.shape(value)) if np.ndim(value) else 1.0
    for first, second in zip(dense(backward(upstream)), dense(backward(upstream)), strict=True):
        assert np.array_equal(first, second)


@each_case
def test_read_only_arguments_and_upstream_will_do(case: Case) -> None:
    arguments = {name: read_only(argument) for name, argument in case.arguments.items()}
    value, backward = case.call(**arguments)
    backward(read_only(np.ones_like(value)) if np.ndim(value) else 1.0)


def dense(gradients: Any) -> list[Floats]:
    """Write out what a backward returned, without what is not trained."""
    listed = gradients if isinstance(gradients, tuple) else (gradients,)
    return [g.to_dense() if isinstance(g, RowGradient) else g for g in listed if g is not None]


def read_only(array: Floats) -> Floats:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def test_affine_refuses_shapes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="affine: the shapes of x, W and b do not agree"):
        affine(normal(2, 3), normal(4, 2), normal(2))
