"""The fused first layer: it is the plain one, and faults planted in it are found."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats, Ints
from windowclf.errors import ShapeError
from windowclf.nn import Selection, Workspace, affine, check_gradients, window, window_affine

Function = Callable[..., tuple[Any, Callable[..., Any]]]

U, F, K, H = 5, 3, 3, 3  # K·F, H and F are such that a wrong transpose of a block would fit
# Word 1 stands twice in a window and at every place; word 3 is in no window.
IDS: Ints = np.array([[0, 1, 2], [1, 1, 4], [0, 2, 1], [4, 0, 1]])


def arguments() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    shapes = {"x": (U, F), "W": (K * F, H), "b": (H,)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def plain(x: Floats, W: Floats, b: Floats, ids: Ints) -> tuple[Floats, Callable[[Floats], tuple[Any, ...]]]:
    y, y_backward = window(x, ids=ids)
    z, z_backward = affine(y, W, b)

    def backward(dz: Floats) -> tuple[Any, ...]:
        dy, dW, db = z_backward(dz)
        assert dy is not None
        return y_backward(dy), dW, db

    return z, backward


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-13)])
@given(st.integers(1, 7), st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(0, 40))
def test_it_is_window_and_affine(
    dtype: type[np.floating[Any]], tolerance: float, n: int, k: int, f: int, h: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    u = int(rng.integers(1, 9))
    ids = rng.integers(0, u, (n, k))
    x, W, b, dz = (rng.standard_normal(shape).astype(dtype) for shape in [(u, f), (k * f, h), (h,), (n, h)])
    z, backward = window_affine(x, W, b, ids=ids)
    plain_z, plain_backward = plain(x, W, b, ids)
    # relative to the sums without their signs: terms that cancel out leave only what was rounded off
    whole_z, whole_backward = plain(np.abs(x), np.abs(W), np.abs(b), ids)
    for found, expected, whole in zip(
        (z, *backward(dz)),
        (plain_z, *plain_backward(dz)),
        (whole_z, *whole_backward(np.abs(dz))),
        strict=True,
    ):
        assert found is not None and found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * whole.max())


def test_only_the_rows_that_are_asked_for_have_a_gradient() -> None:
    rows: Ints = np.array([1, 3, 4])
    z, backward = window_affine(**arguments(), ids=IDS, x_rows=rows)
    dx, *others = backward(np.ones_like(z))
    all_dx, *all_others = window_affine(**arguments(), ids=IDS)[1](np.ones_like(z))
    assert dx is not None and all_dx is not None
    np.testing.assert_allclose(dx[rows], all_dx[rows], rtol=1e-13)
    assert not dx[[0, 2]].any() and all_dx[[0, 2]].all()
    assert all(np.array_equal(*pair) for pair in zip(others, all_others, strict=True))


def test_no_windows_give_no_rows_and_zero_gradients() -> None:
    z, backward = window_affine(**arguments(), ids=np.empty((0, K), np.int64))
    assert z.shape == (0, H)
    dx, dW, db = backward(z)
    assert dx is not None
    assert (dx.shape, dW.shape, db.shape) == ((U, F), (K * F, H), (H,))
    assert not (dx.any() or dW.any() or db.any())


@pytest.mark.parametrize("wrong", [-1, U])
def test_an_id_that_is_no_row_is_refused(wrong: int) -> None:
    with pytest.raises(ShapeError, match=f"found {wrong}; allowed: 0 to {U - 1}"):
        window_affine(**arguments(), ids=np.array([[0, wrong, 1]]))


@pytest.mark.parametrize(
    ("ids", "message"),
    [(np.array([0, 1]), "must be a matrix"), (np.array([[0, 1]]), "window_affine: the shapes of x, W, b")],
)
def test_shapes_that_do_not_fit_are_refused(ids: Ints, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        window_affine(**arguments(), ids=ids)


def test_what_is_taken_from_a_workspace_is_reused_and_of_any_size() -> None:
    workspace = Workspace()
    first = workspace.take("a", (4, 3), np.float64)
    assert np.shares_memory(first, workspace.take("a", (2, 5), np.float32))
    assert not np.shares_memory(first, workspace.take("b", (4, 3), np.float64))
    larger = workspace.take("a", (400, 3), np.float64)
    assert larger.shape == (400, 3) and larger.dtype == np.float64


# --- planted bugs -----------------------------------------------------------------------------------


def with_wrong(change: Callable[[Floats, Floats, Floats], tuple[Floats, Floats, Floats]]) -> Function:
    """Return the operation with its gradients changed."""

    def wrong(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
        z, backward = window_affine(x, W, b, ids=IDS)

        def wrong_backward(dz: Floats) -> tuple[Floats, Floats, Floats]:
            dx, dW, db = backward(dz)
            assert dx is not None
            return change(dx, dW, db)

        return z, wrong_backward

    return wrong


def blocks(dW: Floats) -> Floats:
    return dW.reshape(K, F, H)


BUGS: dict[str, tuple[Function, set[str]]] = {
    "a thousandth off": (with_wrong(lambda dx, dW, db: (dx * 1.001, dW, db)), {"x"}),
    "places mirrored": (with_wrong(lambda dx, dW, db: (dx, blocks(dW)[::-1].reshape(-1, H), db)), {"W"}),
    "blocks transposed": (
        with_wrong(lambda dx, dW, db: (dx, blocks(dW).transpose(0, 2, 1).reshape(-1, H), db)),
        {"W"},
    ),
    "blocks laid the other way": (
        with_wrong(lambda dx, dW, db: (dx, blocks(dW).transpose(1, 0, 2).reshape(-1, H), db)),
        {"W"},
    ),
    "the bias once a place": (with_wrong(lambda dx, dW, db: (dx, dW, K * db)), {"b"}),
    "row 0 dropped": (with_wrong(lambda dx, dW, db: (dx * (np.arange(U) > 0)[:, None], dW, db)), {"x"}),
}


@pytest.mark.parametrize(("wrong", "names"), BUGS.values(), ids=list(BUGS))
def test_a_planted_bug_is_found(wrong: Function, names: set[str]) -> None:
    report = check_gradients(wrong, arguments())
    assert {failure.name for failure in report.failures} == names


def test_a_lost_repeated_word_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(self: Selection, dy: Floats) -> Floats:
        spread: Floats = np.zeros((self.shape[1], dy.shape[1]), dy.dtype)
        spread[self.rows] += np.repeat(dy, np.diff(self.starts), axis=0)
        return spread

    monkeypatch.setattr(Selection, "spread", lossy)

    def function(x: Floats, W: Floats, b: Floats) -> tuple[Floats, Callable[..., Any]]:
        return window_affine(x, W, b, ids=IDS)

    assert {failure.name for failure in check_gradients(function, arguments()).failures} == {"x", "W"}
