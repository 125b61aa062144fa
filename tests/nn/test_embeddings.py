"""Look-ups of rows: what the table of operations does not already say of each of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats
from windowclf.errors import ShapeError
from windowclf.nn import OPERATIONS, window, word_embedding


def normal(*shape: int) -> Floats:
    return np.random.default_rng(3).standard_normal(shape)


def ids(rows: Any) -> Any:
    return np.array(rows, np.int64)


@given(st.permutations(range(4)))
def test_shuffled_windows_give_shuffled_rows_and_the_same_gradient(order: list[int]) -> None:
    rows = ids([[0, 1, 2], [2, 2, 1], [0, 0, 0], [3, 2, 1]])
    # Whole numbers, so that sums do not depend on their order.
    x: Floats = np.arange(8.0).reshape(4, 2)
    dy: Floats = np.arange(24.0).reshape(4, 6)
    y, backward = window(x, ids=rows)
    shuffled_y, shuffled_backward = window(x, ids=rows[order])
    assert np.array_equal(shuffled_y, y[order])
    assert np.array_equal(shuffled_backward(dy[order]), backward(dy))


def test_a_word_twice_in_one_window_collects_both_gradients() -> None:
    _, backward = window(np.zeros((2, 1)), ids=ids([[1, 1, 0]]))
    assert backward(np.array([[3.0, 5.0, 7.0]])).tolist() == [[7.0], [8.0]]


def test_no_windows_give_no_rows_and_a_zero_gradient() -> None:
    y, backward = window(np.ones((2, 3)), ids=np.empty((0, 5), np.int64))
    assert y.shape == (0, 15)
    assert backward(y).tolist() == np.zeros((2, 3)).tolist()


def test_special_words_have_the_first_ids() -> None:
    E, special = np.array([[2.0], [3.0]]), np.array([[0.0], [1.0]])
    x, backward = word_embedding(E, special, ids=ids([0, 1, 2, 3]))
    assert x.tolist() == [[0.0], [1.0], [2.0], [3.0]]
    dE, dspecial = backward(x)
    assert dE is not None
    assert (dE.ids.tolist(), dE.shape) == ([0, 1], (2, 1))
    assert (dspecial.ids.tolist(), dspecial.shape) == ([0, 1], (2, 1))


def test_special_words_are_trained_though_the_vectors_are_frozen() -> None:
    _, backward = word_embedding(normal(4, 3), normal(2, 3), ids=ids([1, 3]), E_needs_gradient=False)
    dE, dspecial = backward(np.ones((2, 3)))
    assert dE is None
    assert dspecial.to_dense().tolist() == [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize("stored", [np.float16, np.float32])
def test_vectors_are_read_from_a_memory_map_in_the_special_words_dtype(
    tmp_path: Path, stored: type[np.floating[Any]]
) -> None:
    np.save(tmp_path / "E.npy", np.array([[1.5, 2.0], [0.25, -1.0]], stored))
    E = np.load(tmp_path / "E.npy", mmap_mode="r")
    special: Floats = np.zeros((2, 2), np.float32)
    x, backward = word_embedding(E, special, ids=ids([3, 0]))
    assert x.dtype == np.float32
    assert x.tolist() == [[0.25, -1.0], [0.0, 0.0]]
    assert type(x) is np.ndarray
    dE, _ = backward(x)
    assert dE is not None and dE.rows.dtype == np.float32


@pytest.mark.parametrize("wrong", [-1, 6])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("embedding", [normal(6, 2)]),
        ("word_embedding", [normal(4, 2), normal(2, 2)]),
        ("window", [normal(6, 2)]),
    ],
)
def test_an_id_that_is_no_row_is_refused(name: str, arguments: list[Floats], wrong: int) -> None:
    with pytest.raises(ShapeError, match=f"found {wrong}; allowed: 0 to 5"):
        OPERATIONS[name](*arguments, ids=ids([[0, wrong]]))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="differ in dimension"):
        word_embedding(normal(4, 3), normal(2, 2), ids=ids([0]))
    with pytest.raises(ShapeError, match="must be a matrix"):
        window(normal(4, 3), ids=ids([0]))
