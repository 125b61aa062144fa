from typing import Any

import numpy as np
import pytest

from windowclf.nn import uniform_rows, xavier_uniform


@pytest.mark.parametrize("draw", [xavier_uniform, uniform_rows])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_seed_are_as_asked(draw: Any, dtype: type[np.floating[Any]]) -> None:
    first, second = (draw(4, 3, np.random.default_rng(5), dtype) for _ in range(2))
    assert first.shape == (4, 3)
    assert first.dtype == dtype
    assert np.array_equal(first, second)
    wide = draw(4, 3, np.random.default_rng(5), np.float64)
    assert np.array_equal(first, wide.astype(dtype))


@pytest.mark.parametrize(
    ("array", "limit"),
    [
        (xavier_uniform(100, 50, np.random.default_rng(0), np.float64), np.sqrt(6 / 150)),
        (uniform_rows(100, 50, np.random.default_rng(0), np.float64), np.sqrt(3 / 50)),
        (uniform_rows(100, 50, np.random.default_rng(0), np.float64, scale=0.1), 0.1),
    ],
)
def test_the_numbers_fill_their_range_evenly(array: Any, limit: float) -> None:
    assert np.abs(array).max() <= limit
    # Of 5000 uniform numbers: the variance is limit² / 3, with standard error limit² √(4 / 45 / 5000).
    assert abs((array**2).mean() - limit**2 / 3) < 5 * limit**2 * np.sqrt(4 / 45 / 5000)
    assert abs(array.mean()) < 5 * limit / np.sqrt(3 * 5000)
