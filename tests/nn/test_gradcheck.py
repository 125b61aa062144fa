"""The checker itself: it must reject every planted bug and accept what is right."""

import doctest
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from windowclf.arrays import Floats, Ints
from windowclf.errors import ShapeError
from windowclf.nn import GradientError, RowGradient, affine, check_gradients, gradcheck
from windowclf.nn.activations import tanh

Function = Callable[..., tuple[Any, Callable[..., Any]]]

# Word 1 stands in three places of the batch, twice in one window; word 3 is in none.
IDS: Ints = np.array([[0, 1, 2], [1, 1, 4]])


def normal(*shape: int) -> Floats:
    return np.random.default_rng(7).standard_normal(shape)


def affine_arguments() -> dict[str, Floats]:
    return {"x": normal(4, 3), "W": normal(3, 3), "b": normal(3)}


def right_embedding(E: Floats) -> tuple[Floats, Callable[..., Any]]:
    return E[IDS], lambda dx: RowGradient.from_places(IDS.reshape(-1), dx.reshape(-1, 2), len(E))


# --- planted bugs -----------------------------------------------------------------------------------


def a_thousandth_off(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
    y, backward = affine(x, W, b)

    def wrong(dy: Floats) -> tuple[Any, ...]:
        dx, dW, db = backward(dy)
        return dx, dW * 1.001, db

    return y, wrong


def one_number_off(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
    y, backward = affine(x, W, b)

    def wrong(dy: Floats) -> tuple[Any, ...]:
        dx, dW, db = backward(dy)
        dW[1, 2] *= 1.001
        return dx, dW, db

    return y, wrong


def transposed_weight(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
    return x @ W + b, lambda dy: (dy @ W, x.T @ dy, dy.sum(axis=0))  # W is square, so the shapes do fit


def transposed_weight_gradient(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
    return x @ W + b, lambda dy: (dy @ W.T, dy.T @ x, dy.sum(axis=0))


def wrong_sign(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
    return x @ W + b, lambda dy: (dy @ W.T, x.T @ dy, -dy.sum(axis=0))


def mean_for_sum(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
    return x @ W + b, lambda dy: (dy @ W.T, x.T @ dy, dy.mean(axis=0))


def lost_repeated_id(E: Floats) -> tuple[Floats, Callable[..., Any]]:
    def backward(dx: Floats) -> Floats:
        dE = np.zeros_like(E)
        dE[IDS] += dx  # numpy keeps one of the places of word 1
        return dE

    return E[IDS], backward


def dropped_boundary_row(E: Floats) -> tuple[Floats, Callable[..., Any]]:
    def backward(dx: Floats) -> Floats:
        dE = np.zeros_like(E)
        np.add.at(dE, IDS, dx)
        dE[0] = 0  # as if row 0, the padding, were not trained
        return dE

    return E[IDS], backward


def slope_of_the_wrong_side(z: Floats) -> tuple[Floats, Callable[..., Any]]:
    return np.maximum(z, 0), lambda da: da * (z < 0)


NUMERIC_BUGS: list[tuple[Function, dict[str, Floats]]] = [
    (a_thousandth_off, affine_arguments()),
    (one_number_off, affine_arguments()),
    (transposed_weight, affine_arguments()),
    (transposed_weight_gradient, affine_arguments()),
    (wrong_sign, affine_arguments()),
    (mean_for_sum, affine_arguments()),
    (lost_repeated_id, {"E": normal(5, 2)}),
    (dropped_boundary_row, {"E": normal(5, 2)}),
    (slope_of_the_wrong_side, {"z": np.array([-1.0, 0.0, 1.0])}),
]


@pytest.mark.parametrize(
    ("function", "arguments"), NUMERIC_BUGS, ids=[bug.__name__ for bug, _ in NUMERIC_BUGS]
)
def test_a_wrong_number_is_found(function: Function, arguments: dict[str, Floats]) -> None:
    report = check_gradients(function, arguments)
    assert not report.ok
    assert report.failures and not report.violations
    with pytest.raises(GradientError, match="gradients wrong"):
        report.raise_if_failed()


def backward_scales_its_upstream(z: Floats) -> tuple[Floats, Callable[..., Any]]:
    a = np.tanh(z)

    def backward(da: Floats) -> Floats:
        da *= 1 - a * a
        return da

    return a, backward


def backward_changes_an_argument(z: Floats) -> tuple[Floats, Callable[..., Any]]:
    def backward(da: Floats) -> Floats:
        dz: Floats = da * np.cos(z)
        z[0] = 0
        return dz

    return np.sin(z), backward


def forward_works_in_place(z: Floats) -> tuple[Floats, Callable[..., Any]]:
    is_positive = z > 0
    return np.maximum(z, 0, out=z), lambda da: da * is_positive


def backward_forgets(z: Floats) -> tuple[Floats, Callable[..., Any]]:
    slopes = [np.cos(z), np.zeros_like(z)]
    return np.sin(z), lambda da: da * slopes.pop(0)


def gradient_of_another_shape(z: Floats) -> tuple[Floats, Callable[..., Any]]:
    return np.sin(z), lambda da: (da * np.cos(z))[None]


def make_random_function() -> Function:
    rng = np.random.default_rng(0)

    def draws_its_own_mask(z: Floats) -> tuple[Floats, Callable[..., Any]]:
        mask = rng.random(z.shape)
        return z * mask, lambda da: da * mask

    return draws_its_own_mask


@pytest.mark.parametrize(
    ("function", "violation"),
    [
        (backward_scales_its_upstream, "backward changes the upstream gradient"),
        (backward_changes_an_argument, "backward changes z"),
        (forward_works_in_place, "forward changes z"),
        (backward_forgets, "a second call of backward gives another dz"),
        (gradient_of_another_shape, r"dz has shape \(1, 3\), z has \(3,\)"),
        (make_random_function(), "two forward passes of the same arguments differ"),
    ],
)
def test_a_broken_contract_is_named(function: Function, violation: str) -> None:
    z = np.array([-0.5, 0.3, 1.1])
    report = check_gradients(function, {"z": z})
    with pytest.raises(GradientError, match=violation):
        report.raise_if_failed()
    assert z.tolist() == [-0.5, 0.3, 1.1]


# --- what is right ----------------------------------------------------------------------------------


def test_every_coordinate_of_every_argument_is_checked() -> None:
    report = check_gradients(affine, affine_arguments())
    assert report.ok
    assert report.n_coordinates == 4 * 3 + 3 * 3 + 3
    names = [(coordinate.name, coordinate.index) for coordinate in report.coordinates]
    assert len(set(names)) == len(names)
    assert report.worst is not None and report.worst.error <= 1
    assert str(report) == "gradients agree: 24 coordinates, 0 moved off a kink"


def test_a_row_gradient_is_checked_in_all_rows_of_its_table() -> None:
    report = check_gradients(right_embedding, {"E": normal(5, 2)})
    assert report.ok
    assert report.n_coordinates == 10


def test_a_sample_is_taken_of_each_argument() -> None:
    report = check_gradients(affine, affine_arguments(), coordinates=5)
    counts = [sum(c.name == name for c in report.coordinates) for name in ("x", "W", "b")]
    assert counts == [5, 5, 3]


def test_what_is_not_trained_is_reported_and_not_checked() -> None:
    def frozen(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
        return affine(x, W, b, x_needs_gradient=False)

    report = check_gradients(frozen, affine_arguments())
    assert report.ok
    assert report.untrained == ("x",)
    assert report.n_coordinates == 12
    assert str(report).endswith("; not trained: x")


def test_a_scalar_function_starts_from_one() -> None:
    def sum_of_squares(x: Floats) -> tuple[float, Callable[..., Any]]:
        return float((x * x).sum()), lambda upstream: upstream * 2 * x

    assert check_gradients(sum_of_squares, {"x": normal(3, 2)}).ok


def test_a_gradient_that_is_not_a_number_fails() -> None:
    def broken(x: Floats) -> tuple[Floats, Callable[..., Any]]:
        return x * 2, lambda dy: dy * float("nan")

    report = check_gradients(broken, {"x": normal(3)})
    assert len(report.failures) == 3


def test_arguments_are_restored_bit_for_bit_even_after_an_error() -> None:
    arguments = affine_arguments() | {"b": np.array([0.1, -0.0, 1e-300])}
    before = {name: argument.tobytes() for name, argument in arguments.items()}
    check_gradients(affine, arguments)
    assert {name: argument.tobytes() for name, argument in arguments.items()} == before

    calls = iter(range(12))

    def fails_midway(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
        if next(calls, None) is None:
            raise RuntimeError("midway")
        return affine(x, W, b)

    with pytest.raises(RuntimeError, match="midway"):
        check_gradients(fails_midway, arguments)
    assert {name: argument.tobytes() for name, argument in arguments.items()} == before


def test_the_function_may_hold_the_arguments_itself() -> None:
    parameters = {"z": normal(4)}

    def model(**_: Floats) -> tuple[Floats, Callable[..., Any]]:
        return tanh(parameters["z"])

    assert check_gradients(model, parameters).ok


def test_float32_is_refused() -> None:
    with pytest.raises(ShapeError, match="z: cannot be checked; found 'float32"):
        check_gradients(tanh, {"z": np.zeros(3, np.float32)})


def test_a_read_only_argument_is_refused() -> None:
    z = np.zeros(3)
    z.flags.writeable = False
    with pytest.raises(ShapeError, match="not writeable"):
        check_gradients(tanh, {"z": z})


def test_a_missing_gradient_is_refused() -> None:
    def two_for_three(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
        return x @ W + b, lambda dy: (dy @ W.T, x.T @ dy)

    with pytest.raises(ShapeError, match="too few or too many gradients; found 2"):
        check_gradients(two_for_three, affine_arguments())


def test_the_report_shows_the_worst_coordinates() -> None:
    arguments: Mapping[str, Floats] = affine_arguments()
    text = str(check_gradients(one_number_off, arguments))
    assert text.startswith("gradients wrong: 1 of 24 coordinates\n  dW[1, 2]: backward says ")


def test_the_example_of_the_module_runs() -> None:
    results = doctest.testmod(gradcheck)
    assert results.attempted > 0 and results.failed == 0
