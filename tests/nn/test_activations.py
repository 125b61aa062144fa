import numpy as np
import pytest

from windowclf.nn import ACTIVATIONS


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_extreme_numbers_stay_finite(name: str) -> None:
    # Warnings are errors, so an overflow would show even where its result is right.
    a, backward = ACTIVATIONS[name](np.array([-1e300, -1000.0, 0.0, 1000.0, 1e300]))
    assert np.isfinite(a).all() and np.isfinite(backward(np.ones(5))).all()


def test_the_logistic_is_exact_far_to_the_left() -> None:
    a, _ = ACTIVATIONS["logistic"](np.array([-700.0]))
    assert a[0] == pytest.approx(np.exp(-700.0), rel=1e-12)
