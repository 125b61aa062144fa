"""The average of weights: the lazy one against its definition, written out for every weight at every step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowclf.arrays import Floats
from windowclf.nn import OPTIMIZERS, Averages, Gradient, Optimizer, RowGradient

V, D = 7, 3


def _first(rng: np.random.Generator) -> dict[str, Floats]:
    return {"E": rng.standard_normal((V, D)), "W": rng.standard_normal((2, D)), "b": rng.standard_normal(4)}


def _gradients(rng: np.random.Generator, parameters: dict[str, Floats]) -> dict[str, Gradient]:
    """Return gradients of some rows of a table, none or all, and of some of the other parameters."""
    ids = np.flatnonzero(rng.random(V) < rng.choice([0, 0.2, 1]))
    gradients: dict[str, Gradient] = {"E": RowGradient(ids, rng.standard_normal((len(ids), D)), V)}
    gradients |= {name: rng.standard_normal(parameters[name].shape) for name in "Wb" if rng.random() < 0.7}
    return gradients


def _share(t: int, decay: float) -> float:
    return min(decay, (1 + t) / (10 + t))


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.3, 0.9, 0.999]), st.sampled_from(sorted(OPTIMIZERS)))
def test_it_is_the_average_written_out_for_every_weight_at_every_step(
    seed: int, decay: float, rule: str
) -> None:
    rng = np.random.default_rng(seed)
    parameters = _first(rng)
    averages, optimizer = Averages(parameters, decay), Optimizer(rule)
    expected = {name: p.copy() for name, p in parameters.items()}
    for t in range(1, 61):
        gradients = _gradients(rng, parameters)
        averages.before_step(gradients)
        optimizer.step(parameters, gradients, 0.1)
        for name, p in parameters.items():
            expected[name] = _share(t, decay) * expected[name] + (1 - _share(t, decay)) * p
        if rng.random() < 0.1 or t == 60:  # to read them now and then changes nothing
            weights = {name: p.copy() for name, p in parameters.items()}
            with averages.in_place():
                for name, p in parameters.items():
                    np.testing.assert_allclose(p, expected[name], rtol=1e-12, atol=1e-12)
            for name, p in parameters.items():
                np.testing.assert_array_equal(p, weights[name])
    assert averages.n_steps == 60


def test_it_stays_exact_over_more_steps_than_a_product_of_shares_can_hold() -> None:
    E: Floats = np.zeros((2, 1))
    averages = Averages({"E": E}, 0.99)
    first = RowGradient(np.array([0]), np.ones((1, 1)), 2)
    nothing = RowGradient(np.zeros(0, np.int64), np.zeros((0, 1)), 2)
    expected = 0.0
    for t in range(1, 100_001):  # 0.99 ** 100_000 is 1e-436, below every float64
        averages.before_step({"E": first if t > 99_990 else nothing})
        E[0] += t > 99_990
        expected += (1 - _share(t, 0.99)) * (E[0, 0] - expected)
    with averages.in_place():
        assert E[0, 0] == pytest.approx(expected, rel=1e-12)
        assert E[1, 0] == 0


def test_a_row_that_no_step_touched_keeps_its_every_bit() -> None:
    rng = np.random.default_rng(0)
    E: Floats = rng.standard_normal((V, D)).astype(np.float32)
    before = E.copy()
    averages, optimizer = Averages({"E": E}, 0.9), Optimizer("adam")
    for _ in range(20):
        gradients: dict[str, Gradient] = {"E": RowGradient(np.array([1, 4]), rng.random((2, D)), V)}
        averages.before_step(gradients)
        optimizer.step({"E": E}, gradients, 0.1)
    others = [0, 2, 3, 5, 6]
    with averages.in_place():
        assert E[others].tobytes() == before[others].tobytes()
        assert (E[[1, 4]] != before[[1, 4]]).all()


def test_before_the_first_step_it_is_the_first_weights() -> None:
    W: Floats = np.array([[1.0, 2.0]])
    with Averages({"W": W}, 0.9).in_place():
        assert W.tolist() == [[1.0, 2.0]]


def test_the_first_steps_keep_little_of_the_first_weights() -> None:
    W: Floats = np.ones(1)
    averages = Averages({"W": W}, 0.9999)
    W[...] = 1
    averages.before_step({"W": np.ones(1)})
    W[...] = 0
    for _ in range(99):
        averages.before_step({"W": np.zeros(1)})
    with averages.in_place():
        assert 0 < W[0] < 1e-6


def test_after_an_error_the_weights_are_back() -> None:
    W: Floats = np.zeros(1)
    averages = Averages({"W": W}, 0.9)
    averages.before_step({"W": np.ones(1)})
    W[...] = 1
    with pytest.raises(KeyError), averages.in_place():
        assert W[0] != 1
        raise KeyError
    assert W[0] == 1
