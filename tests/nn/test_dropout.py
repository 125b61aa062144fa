import numpy as np
import pytest

from windowclf.errors import ConfigError
from windowclf.nn.operations import dropout_mask


def test_a_dropout_mask_keeps_the_expected_value() -> None:
    rate, n = 0.3, 100_000
    mask = dropout_mask((n,), rate, np.random.default_rng(0), np.float64)
    assert set(mask.tolist()) == {0.0, 1 / (1 - rate)}
    # One number's variance is rate / (1 - rate); the mean of n is within 5 standard deviations.
    assert abs(mask.mean() - 1) < 5 * np.sqrt(rate / (1 - rate) / n)


def test_a_dropout_mask_is_the_same_in_any_dtype() -> None:
    masks = [
        dropout_mask((50, 4), 0.5, np.random.default_rng(1), dtype) for dtype in (np.float32, np.float64)
    ]
    assert [mask.dtype for mask in masks] == [np.float32, np.float64]
    assert np.array_equal(masks[0], masks[1])


def test_a_rate_of_zero_silences_nothing() -> None:
    assert (dropout_mask((100,), 0.0, np.random.default_rng(0), np.float32) == 1).all()


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_outside_of_its_range_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="rate: not a dropout rate"):
        dropout_mask((2,), rate, np.random.default_rng(0), np.float32)
