"""Steps by hand from the papers' formulas, and what an optimizer leaves alone."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest

from windowclf.arrays import Floats
from windowclf.errors import ConfigError, ShapeError
from windowclf.nn import OPTIMIZERS, Optimizer, RowGradient
from windowclf.nn.losses import l2_penalty

RATES = [0.1, 0.1, 0.05]  # the rate may change from step to step
GRADIENTS = [0.5, -2.0, 1.5]


def sgd_by_hand(p: float) -> float:
    for rate, g in zip(RATES, GRADIENTS, strict=True):
        p = p - rate * g
    return p


def momentum_by_hand(p: float) -> float:
    v = 0.0
    for rate, g in zip(RATES, GRADIENTS, strict=True):
        v = 0.9 * v + g
        p = p - rate * v
    return p


def adam_by_hand(p: float) -> float:
    m = v = 0.0
    for t, (rate, g) in enumerate(zip(RATES, GRADIENTS, strict=True), 1):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        p = p - rate * m_hat / (sqrt(v_hat) + 1e-8)
    return p


BY_HAND = {"sgd": sgd_by_hand, "momentum": momentum_by_hand, "adam": adam_by_hand}
each_rule = pytest.mark.parametrize("name", OPTIMIZERS)


def rows(ids: list[int], numbers: Floats, n_rows: int = 5) -> RowGradient:
    return RowGradient.from_places(np.array(ids, np.int64), numbers, n_rows)


def normal(*shape: int) -> Floats:
    return np.random.default_rng(11).standard_normal(shape)


def test_every_rule_is_tested_by_hand() -> None:
    assert BY_HAND.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize(("name", "by_hand"), BY_HAND.items())
def test_steps_are_those_of_the_formula(name: str, by_hand: Callable[[float], float]) -> None:
    p, optimizer = np.array([3.0]), Optimizer(name)
    for rate, g in zip(RATES, GRADIENTS, strict=True):
        optimizer.step({"p": p}, {"p": np.array([g])}, rate)
    assert p[0] == pytest.approx(by_hand(3.0), rel=1e-14)
    assert optimizer.n_steps == 3


def test_hyper_parameters_reach_the_rule() -> None:
    p, optimizer = np.array([1.0]), Optimizer("momentum", mu=0.5)
    for _ in range(2):
        optimizer.step({"p": p}, {"p": np.array([1.0])}, 0.1)
    assert p[0] == pytest.approx(1 - 0.1 * 1 - 0.1 * 1.5)
    assert Optimizer("adam", beta2=0.99).settings == {"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}


@each_rule
def test_a_gradient_of_all_rows_steps_as_a_dense_one(name: str) -> None:
    dense_E, rows_E = normal(5, 3), normal(5, 3)
    dense_optimizer, rows_optimizer = (Optimizer(name, l2={"E": 0.1}) for _ in range(2))
    for step in range(4):
        dE = normal(step + 5, 3)[-5:]
        dense_optimizer.step({"E": dense_E}, {"E": dE}, 0.1)
        rows_optimizer.step({"E": rows_E}, {"E": rows([0, 1, 2, 3, 4], dE)}, 0.1)
    assert np.array_equal(dense_E, rows_E)


@each_rule
def test_rows_that_no_batch_touched_keep_every_bit(name: str) -> None:
    E = normal(5, 3)
    E[1] = [-0.0, 1e-310, np.nan]  # what any arithmetic at all would show itself on
    before = E.copy()
    optimizer = Optimizer(name, l2={"E": 0.1})
    for ids in ([0, 4, 0], [4], [2, 0]):
        optimizer.step({"E": E}, {"E": rows(ids, np.ones((len(ids), 3)))}, 0.1)
    for row in (1, 3):
        assert E[row].tobytes() == before[row].tobytes()
        assert all(not array[row].any() for array in optimizer.memory["E"].values())
    assert (E[[0, 2, 4]] != before[[0, 2, 4]]).all()


@each_rule
def test_a_row_that_is_away_keeps_its_memory_and_place(name: str) -> None:
    E, optimizer = normal(5, 3), Optimizer(name, l2={"E": 0.1})
    optimizer.step({"E": E}, {"E": rows([0, 1], np.ones((2, 3)))}, 0.1)
    row, memory = E[0].copy(), {k: array[0].copy() for k, array in optimizer.memory["E"].items()}
    optimizer.step({"E": E}, {"E": rows([1], np.ones((1, 3)))}, 0.1)
    assert np.array_equal(E[0], row)
    assert all(np.array_equal(optimizer.memory["E"][k][0], kept) for k, kept in memory.items())


def test_the_bias_correction_of_a_late_row_counts_all_steps() -> None:
    E, optimizer = np.zeros((2, 1)), Optimizer("adam")
    for _ in range(3):
        optimizer.step({"E": E}, {"E": rows([0], np.array([[1.0]]), 2)}, 0.1)
    optimizer.step({"E": E}, {"E": rows([1], np.array([[2.0]]), 2)}, 0.1)
    m_hat, v_hat = 0.1 * 2 / (1 - 0.9**4), 0.001 * 2**2 / (1 - 0.999**4)
    assert E[1, 0] == pytest.approx(-0.1 * m_hat / (sqrt(v_hat) + 1e-8), rel=1e-12)


@each_rule
def test_no_rows_change_nothing(name: str) -> None:
    E = normal(5, 3)
    before = E.copy()
    Optimizer(name, l2={"E": 0.1}).step({"E": E}, {"E": rows([], np.empty((0, 3)))}, 0.1)
    assert np.array_equal(E, before)


def test_l2_adds_the_gradient_of_the_penalty() -> None:
    W, dW = normal(2, 3), normal(3, 3)[1:]
    _, penalty_backward = l2_penalty(W, strength=0.3)
    expected = W - 0.1 * (dW + penalty_backward())
    Optimizer("sgd", l2={"W": 0.3, "another": 5.0}).step({"W": W}, {"W": dW}, 0.1)
    np.testing.assert_allclose(W, expected, rtol=1e-15)


def test_an_anchor_adds_the_gradient_of_the_penalty_around_it() -> None:
    W, dW, anchor = normal(2, 3), normal(3, 3)[1:], normal(2, 3) + 1
    _, penalty_backward = l2_penalty(W, strength=0.3, anchor=anchor)
    expected = W - 0.1 * (dW + penalty_backward())
    Optimizer("sgd", anchors={"W": (0.3, anchor)}).step({"W": W}, {"W": dW}, 0.1)
    np.testing.assert_allclose(W, expected, rtol=1e-15)


def test_an_anchor_draws_touched_rows_alone_and_may_end_with_the_last_of_them() -> None:
    E, anchor = np.ones((3, 1)), np.array([[5.0], [3.0]])
    optimizer = Optimizer("sgd", anchors={"E": (0.5, anchor)})
    optimizer.step({"E": E}, {"E": rows([1], np.zeros((1, 1)), 3)}, 0.1)
    assert E.tolist() == [[1.0], [1 - 0.1 * 0.5 * (1 - 3)], [1.0]]
    for _ in range(500):
        optimizer.step({"E": E}, {"E": rows([1], np.zeros((1, 1)), 3)}, 0.1)
    assert E[1, 0] == pytest.approx(3)


@each_rule
def test_a_rate_of_its_own_is_a_factor_on_the_learning_rate(name: str) -> None:
    W, dW = {"fast": normal(2, 3), "slow": normal(2, 3)}, normal(2, 3) + 1
    before = W["fast"].copy()
    Optimizer(name, rates={"slow": 0.25}).step(W, {"fast": dW, "slow": dW}, 0.1)
    np.testing.assert_allclose(W["slow"] - before, 0.25 * (W["fast"] - before), rtol=1e-12)


def test_l2_acts_on_touched_rows_alone() -> None:
    E = np.ones((3, 1))
    Optimizer("sgd", l2={"E": 0.5}).step({"E": E}, {"E": rows([1], np.zeros((1, 1)), 3)}, 0.1)
    assert E.tolist() == [[1.0], [1 - 0.1 * 0.5], [1.0]]


@each_rule
def test_gradients_are_not_changed(name: str) -> None:
    dW, dE = normal(2, 3), rows([1, 3], normal(2, 3))
    before = dW.copy(), dE.rows.copy()
    optimizer = Optimizer(name, l2={"W": 0.1, "E": 0.1})
    optimizer.step({"W": normal(2, 3), "E": normal(5, 3)}, {"W": dW, "E": dE}, 0.1)
    assert np.array_equal(dW, before[0]) and np.array_equal(dE.rows, before[1])


@each_rule
def test_parameters_are_updated_in_place_and_keep_their_dtype(name: str) -> None:
    W: Floats = np.ones((2, 3), np.float32)
    gradient: Floats = np.ones((2, 3), np.float32)
    parameters = {"W": W, "without_gradient": np.ones(2)}
    optimizer = Optimizer(name, l2={"W": np.float64(0.1)})
    optimizer.step(parameters, {"W": gradient}, np.float64(0.1))
    assert parameters["W"] is W and W.dtype == np.float32
    assert (W != 1).all() and (parameters["without_gradient"] == 1).all()
    assert all(array.dtype == np.float32 for array in optimizer.memory["W"].values())
    assert optimizer.memory.keys() == {"W"}


def test_each_rule_finds_the_bottom_of_a_bowl() -> None:
    for name in OPTIMIZERS:
        p, optimizer = np.array([3.0, -2.0]), Optimizer(name)
        for step in range(400):
            optimizer.step({"p": p}, {"p": p * [1.0, 4.0]}, 0.1 * (1 - step / 400))
        assert np.abs(p).max() < 1e-3, name


def test_what_is_not_an_optimizer_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such optimizer; found 'adm'; allowed: sgd, momentum, adam"):
        Optimizer("adm")
    with pytest.raises(ConfigError, match="no such setting of momentum; found 'beta1'; allowed: mu"):
        Optimizer("momentum", beta1=0.9)


@pytest.mark.parametrize(
    ("name", "shape", "allowed"), [("W", (3, 2), r"\(2, 3\)"), ("V", (2, 3), "b, W")], ids=["shape", "name"]
)
def test_a_gradient_that_fits_no_parameter_changes_nothing(
    name: str, shape: tuple[int, ...], allowed: str
) -> None:
    parameters = {"b": np.ones(2), "W": np.ones((2, 3))}
    optimizer = Optimizer("sgd")
    with pytest.raises(
        ShapeError, match=f"{name}: the gradient does not belong to a parameter.*allowed: {allowed}"
    ):
        optimizer.step(parameters, {"b": np.ones(2), name: np.ones(shape)}, 0.1)
    assert (parameters["b"] == 1).all()
    assert optimizer.n_steps == 0
