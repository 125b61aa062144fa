"""Where a function has a kink, a coordinate is checked a few steps away, never left out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from windowclf.arrays import Floats
from windowclf.nn import affine, check_gradients
from windowclf.nn.activations import relu


def normal(*shape: int) -> Floats:
    return np.random.default_rng(7).standard_normal(shape)


@pytest.mark.parametrize("z", [0.0, 1e-6, -1e-6, 9e-6, -9e-6, 1e-5, -1e-5])
def test_a_coordinate_at_a_kink_is_moved_and_counted(z: float) -> None:
    report = check_gradients(relu, {"z": np.array([z, 1.0, -1.0])})
    assert report.ok
    assert report.n_coordinates == 3
    assert report.moved == (1 if abs(z) < 1e-5 else 0)


def test_many_kinks_in_one_place_are_moved_off_together() -> None:
    # As of a window of zero vectors and a zero bias: every hidden unit stands at its kink.
    def layer(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
        z, affine_backward = affine(x, W, b)
        a, relu_backward = relu(z)
        return a, lambda da: affine_backward(relu_backward(da))

    report = check_gradients(layer, {"x": np.zeros((2, 3)), "W": normal(3, 4), "b": np.zeros(4)})
    assert report.ok
    assert report.moved == 2 * 3 + 4  # x and b; W is multiplied by zero and moves nothing


def test_a_function_with_nothing_but_kinks_fails() -> None:
    # A saw of teeth narrower than a step: there is no place to move to.
    def saw(x: Floats) -> tuple[Floats, Callable[..., Any]]:
        teeth = np.abs((x * 1e5) % 1 - 0.5)
        return teeth, lambda dy: dy * 7

    assert not check_gradients(saw, {"x": np.array([0.25e-5, 0.4e-5])}).ok


def test_a_slight_kink_is_a_kink() -> None:
    def slightly_bent(z: Floats) -> tuple[Floats, Callable[..., Any]]:
        a, backward = relu(z)
        return a * 1e-6, lambda da: backward(da * 1e-6)

    report = check_gradients(slightly_bent, {"z": np.zeros(2)})
    assert report.ok
    assert report.moved == 2


def test_a_gradient_wrong_in_one_point_of_a_smooth_function_is_not_moved_away_from() -> None:
    def sine(x: Floats) -> tuple[Floats, Callable[..., Any]]:
        return np.sin(x), lambda dy: np.where(x == 0.5, 0.9, 1.0) * np.cos(x) * dy

    report = check_gradients(sine, {"x": np.array([0.4, 0.5])})
    assert [failure.index for failure in report.failures] == [(1,)]
    assert report.moved == 0


def test_a_gradient_wrong_on_both_sides_of_a_kink_is_found_beside_it() -> None:
    def wrong_relu(z: Floats) -> tuple[Floats, Callable[..., Any]]:
        return np.maximum(z, 0), lambda da: da * np.where(z > 0, 1.001, 0)

    (failure,) = check_gradients(wrong_relu, {"z": np.zeros(1)}).failures
    assert failure.moved
