"""The nearest rows by cosine, against a sort of all of them."""

import numpy as np
import pytest

import windowclf.vectors.neighbours
from windowclf.vectors import nearest_rows, unit_rows


def test_rows_come_to_length_one_and_zeros_stay() -> None:
    units = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]], np.float16))
    np.testing.assert_allclose(units, np.array([[0.6, 0.8], [0, 0]]), rtol=1e-6)
    assert units.dtype == np.float32


@pytest.mark.parametrize("n_rows", [1, 5, 31, 32, 33, 64, 1000])
@pytest.mark.parametrize("k", [1, 3, 40])
@pytest.mark.parametrize("at_once", [1, 5000, 1 << 24])
def test_they_are_those_of_a_full_sort(
    n_rows: int, k: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windowclf.vectors.neighbours, "_COSINES_AT_ONCE", at_once)
    rng = np.random.default_rng(n_rows)
    rows, queries = (unit_rows(rng.standard_normal((n, 8))) for n in (n_rows, 13))
    ids, cosines = nearest_rows(queries, rows, k)
    every = queries @ rows.T
    expected = np.argsort(-every, axis=1)[:, :k]
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(cosines, np.take_along_axis(every, expected, axis=1), rtol=1e-5, atol=1e-6)


def test_a_row_is_not_its_own_neighbour() -> None:
    rows = unit_rows(np.random.default_rng(0).standard_normal((70, 8)))
    own = np.array([3, 69, 0])
    ids, _ = nearest_rows(rows[own], rows, 69, own=own)
    for found, row in zip(ids, own, strict=True):
        assert sorted([*found, row]) == list(range(70))


def test_of_equal_cosines_the_first_rows_count() -> None:
    rows = unit_rows(np.tile([1.0, 0.0], (20, 1)))
    ids, _ = nearest_rows(rows[:1], rows, 4)
    assert ids.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("own", [None, np.zeros(1, np.int64)])
def test_where_there_is_no_other_row_there_is_no_neighbour(own: np.ndarray | None) -> None:
    rows = np.zeros((0 if own is None else 1, 4), np.float32)
    ids, cosines = nearest_rows(np.ones((1, 4), np.float32), rows, 3, own=own)
    assert ids.shape == cosines.shape == (1, 0)
