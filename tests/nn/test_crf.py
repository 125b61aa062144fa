"""The sentence-level loss: what it is by the labellings' probabilities, planted bugs, bad input.

Its gradients at every coordinate and its values by a naive loop are in test_operations.py.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from windowclf.arrays import Bools, Floats, Ints
from windowclf.errors import DataError, ShapeError
from windowclf.nn import (
    CrfBackward,
    GradientError,
    check_gradients,
    crf_cross_entropy,
    crf_loss,
    expected_pairs,
)

LENGTHS: Ints = np.array([3, 0, 1, 2])
TARGETS: Ints = np.array([0, 1, 1, 1, 2, 0])
# Label 2 may not begin a sentence, nor follow 0; as I in IOB2.
LEGAL: Bools = np.array([[1, 1, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]], bool)


def normal(*shape: int) -> Floats:
    return np.random.default_rng(3).standard_normal(shape)


def arguments() -> dict[str, Floats]:
    return {"scores": normal(6, 3), "A": normal(4, 4)}


def loss(scores: Floats, A: Floats, **changes: Any) -> tuple[float, CrfBackward]:
    return crf_loss(scores, A, **{"targets": TARGETS, "lengths": LENGTHS, **changes})


# --- planted bugs -----------------------------------------------------------------------------------


def planted(change: Callable[[Floats, Floats], tuple[Floats, Floats]]) -> Callable[..., Any]:
    """Return the loss with a backward whose gradients are changed."""

    def wrong_loss(scores: Floats, A: Floats) -> tuple[float, Callable[..., Any]]:
        value, backward = loss(scores, A)
        return value, lambda upstream: change(*backward(upstream))

    return wrong_loss


def without(row: int | slice, column: int | slice) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    def change(dscores: Floats, dA: Floats) -> tuple[Floats, Floats]:
        dA[row, column] = 0
        return dscores, dA

    return change


def targets_alone(scores: Floats, A: Floats) -> tuple[float, Callable[..., Any]]:
    """Forget log Z: only the correct labelling has a gradient."""
    value, backward = loss(scores, A)
    dscores = np.zeros_like(scores)
    dscores[np.arange(6), TARGETS] = -1 / 6
    return value, lambda upstream: (dscores * upstream, backward(upstream)[1])


def one_long_sentence(scores: Floats, A: Floats) -> tuple[float, Callable[..., Any]]:
    """Forget where sentences end."""
    _, backward = crf_loss(scores, A, targets=TARGETS, lengths=np.array([6]))
    return loss(scores, A)[0], backward


PLANTED = {
    "a transposed dA": planted(lambda dscores, dA: (dscores, dA.T)),
    "a lost start score": planted(without(3, slice(None))),
    "a lost end score": planted(without(slice(None), 3)),
    "a lost pair": planted(without(1, 2)),
    "a thousandth off": planted(lambda dscores, dA: (dscores, dA * 1.001)),
    "a sum for a mean": planted(lambda dscores, dA: (dscores * 6, dA * 6)),
    "words in another order": planted(lambda dscores, dA: (dscores[::-1], dA)),
    "no partition": targets_alone,
    "a forgotten boundary": one_long_sentence,
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_gradient_is_found(name: str) -> None:
    report = check_gradients(PLANTED[name], arguments())
    assert report.failures
    with pytest.raises(GradientError):
        report.raise_if_failed()


# --- what it is -------------------------------------------------------------------------------------


def test_without_transitions_it_is_the_loss_of_words_by_themselves() -> None:
    scores = normal(6, 3)
    log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    value, _ = loss(scores, np.zeros((4, 4)))
    assert value == pytest.approx(-log_probs[np.arange(6), TARGETS].mean(), abs=1e-12)


def test_what_is_forbidden_has_no_influence_and_no_gradient() -> None:
    scores, A = arguments().values()
    targets = np.array([0, 1, 1, 1, 1, 0])
    value, backward = loss(scores, A, legal=LEGAL, targets=targets)
    dA = backward()[1]
    assert (dA[~LEGAL] == 0).all() and dA[3, 3] == 0
    assert (dA[LEGAL & ~np.eye(4, dtype=bool)] != 0).all()
    A[~LEGAL] = 1e6
    A[3, 3] = 1e6
    assert loss(scores, A, legal=LEGAL, targets=targets)[0] == value


def test_if_no_label_is_known_there_is_nothing_to_learn() -> None:
    value, backward = loss(**arguments(), targets=np.full(6, -1), legal=LEGAL)
    assert value == pytest.approx(0, abs=1e-12)
    assert all(np.abs(gradient).max() < 1e-12 for gradient in backward())


def test_an_unknown_label_is_summed_over() -> None:
    """P(of the known labels) is the sum over the three labels that word 2 can have."""
    unknown = TARGETS.copy()
    unknown[2] = -1
    total = 0.0
    for label in range(3):
        filled = TARGETS.copy()
        filled[2] = label
        total += np.exp(-6 * loss(**arguments(), targets=filled)[0])
    assert loss(**arguments(), targets=unknown)[0] == pytest.approx(-np.log(total) / 6, abs=1e-12)


def test_a_label_that_must_be_is_known_without_being_said() -> None:
    """Where only label 1 leads to label 2, a word before label 2 can be nothing else."""
    legal = LEGAL.copy()
    legal[2, 2] = False
    partly = np.array([0, -1, 2, 1, 2, 0])
    filled = np.array([0, 1, 2, 1, 2, 0])
    lengths = np.array([3, 3])
    values = [loss(**arguments(), targets=t, lengths=lengths, legal=legal)[0] for t in (partly, filled)]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_a_teacher_that_thinks_as_we_do_teaches_nothing() -> None:
    scores, A = arguments().values()
    unary, pairs = expected_pairs(scores, A, lengths=LENGTHS, legal=LEGAL)
    _, backward = crf_cross_entropy(scores, A, unary=unary, pairs=pairs, lengths=LENGTHS, legal=LEGAL)
    assert all(np.abs(gradient).max() < 1e-12 for gradient in backward())


def test_a_student_comes_to_think_as_its_teacher() -> None:
    unary, pairs = expected_pairs(normal(6, 3), normal(4, 4), lengths=LENGTHS)
    scores, A = np.zeros((6, 3)), np.zeros((4, 4))
    for _ in range(1000):
        _, backward = crf_cross_entropy(scores, A, unary=unary, pairs=pairs, lengths=LENGTHS)
        dscores, dA = backward()
        scores, A = scores - 4 * dscores, A - 4 * dA
    difference = expected_pairs(scores, A, lengths=LENGTHS)[0] - unary
    assert np.abs(difference).max() < 1e-3


@pytest.mark.parametrize("legal", [None, LEGAL], ids=["all pairs", "some pairs"])
def test_extreme_scores_give_finite_results(legal: Bools | None) -> None:
    value, backward = loss(1e4 * normal(6, 3), 1e4 * normal(4, 4), legal=legal, targets=np.array([0] * 6))
    assert np.isfinite(value) and value >= 0
    assert all(np.isfinite(gradient).all() for gradient in backward())


# --- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": TARGETS[:5]},
        {"targets": TARGETS - 2},
        {"targets": TARGETS + 1},
        {"lengths": np.array([3, 2])},
        {"lengths": np.array([7, -1])},
        {"lengths": np.array([[6]])},
        {"legal": np.ones((3, 3), bool)},
        {"A": np.zeros((3, 3))},
        {"scores": np.zeros((0, 3)), "targets": TARGETS[:0], "lengths": np.array([0])},
        {"scores": np.zeros(6)},
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        loss(**{**arguments(), **changes})


@pytest.mark.parametrize("shapes", [((5, 3), (4, 4)), ((6, 3), (3, 3))])
def test_a_teacher_that_does_not_fit_is_refused(shapes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    unary, pairs = (np.zeros(shape) for shape in shapes)
    with pytest.raises(ShapeError, match="the shapes of the teacher's counts do not agree"):
        crf_cross_entropy(normal(6, 3), normal(4, 4), unary=unary, pairs=pairs, lengths=LENGTHS)


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        ([0, 2, 1, 1, 2, 0], "label 0, then label 2"),
        ([2, 1, 1, 1, 2, 0], "the sentence's end, then label 2"),
    ],
)
def test_correct_labels_that_are_forbidden_are_refused(targets: list[int], found: str) -> None:
    with pytest.raises(DataError, match=f"an illegal transition; found .{found}"):
        loss(**arguments(), targets=np.array(targets), legal=LEGAL)


def test_known_labels_that_no_legal_labelling_has_are_refused() -> None:
    no_way = LEGAL.copy()
    no_way[:, 2] = False
    with pytest.raises(DataError, match="found 'none for sentence 3"):
        loss(
            **arguments(),
            targets=np.array([0, 1, 1, -1, 2, -1]),
            lengths=np.array([1, 2, 0, 3]),
            legal=no_way,
        )
