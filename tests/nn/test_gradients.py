from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats, Ints
from windowclf.errors import ConfigError, ShapeError
from windowclf.nn import Gradient, RowGradient, clip_by_norm, global_norm

N_ROWS = 6
# Whole numbers add exactly in any order, so the laws hold to the last bit.
PLACES = st.lists(st.tuples(st.integers(0, N_ROWS - 1), st.integers(-9, 9), st.integers(-9, 9)), max_size=20)


def from_places(places: list[tuple[int, int, int]]) -> RowGradient:
    ids = np.array([place[0] for place in places], np.int64)
    rows = np.array([place[1:] for place in places], np.float64).reshape(-1, 2)
    return RowGradient.from_places(ids, rows, N_ROWS)


def summed_by_a_loop(places: list[tuple[int, int, int]]) -> Floats:
    dense: Floats = np.zeros((N_ROWS, 2))
    for row, *numbers in places:
        dense[row] += numbers
    return dense


@given(PLACES)
def test_places_of_the_same_row_are_summed(places: list[tuple[int, int, int]]) -> None:
    gradient = from_places(places)
    assert np.array_equal(gradient.to_dense(), summed_by_a_loop(places))
    assert gradient.ids.tolist() == sorted({place[0] for place in places})


@given(PLACES, PLACES)
def test_the_sum_of_two_is_that_of_all_their_places(
    left: list[tuple[int, int, int]], right: list[tuple[int, int, int]]
) -> None:
    total = from_places(left) + from_places(right)
    assert np.array_equal(total.to_dense(), summed_by_a_loop(left + right))


@given(PLACES, st.integers(-4, 4))
def test_scaling_and_measuring_agree_with_the_dense_gradient(
    places: list[tuple[int, int, int]], factor: int
) -> None:
    gradient, dense = from_places(places), summed_by_a_loop(places)
    assert np.array_equal(gradient.scale(factor).to_dense(), factor * dense)
    assert gradient.squared_norm() == (dense**2).sum()


def test_sorted_places_are_not_aliased() -> None:
    rows = np.ones((2, 3))
    gradient = RowGradient.from_places(np.array([1, 4]), rows, N_ROWS)
    rows[:] = 7
    assert gradient.rows.tolist() == np.ones((2, 3)).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ids", [[], [1, 3], [3, 1, 3]])
def test_the_dtype_is_kept(ids: list[int], dtype: type[np.floating[Any]]) -> None:
    rows: Floats = np.ones((len(ids), 2), dtype)
    gradient = RowGradient.from_places(np.array(ids, np.int32), rows, N_ROWS)
    assert gradient.rows.dtype == dtype
    assert gradient.scale(0.5).rows.dtype == dtype
    assert (gradient + gradient).rows.dtype == dtype
    assert gradient.to_dense().dtype == dtype


@pytest.mark.parametrize(
    ("ids", "rows", "problem"),
    [
        ([1, 1], np.ones((2, 3)), "ids repeat or are not sorted"),
        ([2, 1], np.ones((2, 3)), "ids repeat or are not sorted"),
        ([-1, 1], np.ones((2, 3)), "an id is not a row of its table; found -1; allowed: 0 to 5"),
        ([1, 6], np.ones((2, 3)), "an id is not a row of its table; found 6"),
        ([1], np.ones((2, 3)), "ids and rows do not agree"),
        ([[1]], np.ones((1, 3)), "ids and rows do not agree"),
    ],
)
def test_what_is_no_row_gradient_is_refused(ids: Any, rows: Floats, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        RowGradient(np.array(ids), rows, N_ROWS)


@pytest.mark.parametrize("ids", [[0, 7, 0], [0, -1, 0]])
def test_places_outside_of_the_table_are_refused(ids: list[int]) -> None:
    with pytest.raises(ShapeError, match="not a row of its table"):
        RowGradient.from_places(np.array(ids), np.ones((3, 2)), N_ROWS)


def test_gradients_of_different_tables_do_not_add() -> None:
    one = from_places([(1, 1, 1)])
    with pytest.raises(ShapeError, match="different tables"):
        one + RowGradient(one.ids, one.rows, N_ROWS + 1)
    with pytest.raises(TypeError):
        np.ones((N_ROWS, 2)) + one  # type: ignore[operator]


def example() -> dict[str, Gradient]:
    ids: Ints = np.array([2, 5])
    return {"E": RowGradient(ids, np.array([[1.0, 2.0], [0.0, 2.0]]), N_ROWS), "b": np.array([0.0, 4.0])}


def test_the_global_norm_takes_all_gradients_together() -> None:
    assert global_norm(example().values()) == 5.0  # √(1 + 4 + 4 + 16)
    assert global_norm([]) == 0.0


def test_the_norm_of_large_float32_gradients_does_not_overflow() -> None:
    assert global_norm([np.array([3e25, 4e25], np.float32)]) == pytest.approx(5e25)


def test_clipping_shortens_all_gradients_by_one_factor() -> None:
    gradients = example()
    clipped = clip_by_norm(gradients, 2.5)
    assert global_norm(clipped.values()) == pytest.approx(2.5)
    assert isinstance(clipped["E"], RowGradient)
    assert clipped["E"].rows.tolist() == [[0.5, 1.0], [0.0, 1.0]]
    assert isinstance(clipped["b"], np.ndarray)
    assert clipped["b"].tolist() == [0.0, 2.0]
    assert global_norm(gradients.values()) == 5.0  # the given ones are as they were


def test_short_gradients_are_not_clipped() -> None:
    gradients = example()
    assert clip_by_norm(gradients, 5.0) == gradients


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_that_is_not_positive_is_refused(limit: float) -> None:
    with pytest.raises(ConfigError, match="must be positive"):
        clip_by_norm(example(), limit)
