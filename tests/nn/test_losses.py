import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats
from windowclf.errors import ShapeError
from windowclf.nn import check_gradients, softmax, softmax_cross_entropy
from windowclf.nn.losses import l2_penalty

SCORES = st.lists(st.floats(-50, 50), min_size=1, max_size=6)
EXTREME_SCORES = st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6)


@given(SCORES)
def test_probabilities_sum_to_one(scores: list[float]) -> None:
    probs = softmax(np.array(scores))
    assert (probs >= 0).all()
    assert probs.sum() == pytest.approx(1, abs=1e-12)


@given(SCORES, st.floats(-1000, 1000))
def test_what_is_added_to_all_scores_changes_nothing(scores: list[float], shift: float) -> None:
    here, there = np.array([scores]), np.array([scores]) + shift
    # Rounding `there` may change a score by 1050 · 2^-53.
    np.testing.assert_allclose(softmax(there), softmax(here), rtol=1e-11, atol=1e-12)
    target = np.array([0])
    loss_here, loss_there = (softmax_cross_entropy(s, targets=target)[0] for s in (here, there))
    assert loss_there == pytest.approx(loss_here, abs=1e-11)


@given(EXTREME_SCORES)
def test_extreme_scores_give_finite_results(scores: list[float]) -> None:
    array = np.array([scores])
    loss, backward = softmax_cross_entropy(array, targets=np.array([len(scores) - 1]))
    assert np.isfinite(softmax(array)).all()
    assert np.isfinite(loss) and loss >= 0
    assert np.isfinite(backward()).all()


def test_softmax_is_taken_along_the_last_axis() -> None:
    scores: Floats = np.log(np.array([[[1.0, 3.0]], [[2.0, 2.0]]]))
    np.testing.assert_allclose(softmax(scores), [[[0.25, 0.75]], [[0.5, 0.5]]])


def test_the_loss_of_equal_scores_is_the_log_of_the_number_of_classes() -> None:
    loss, _ = softmax_cross_entropy(np.zeros((3, 4)), targets=np.array([0, 1, 3]))
    assert loss == pytest.approx(np.log(4))


def test_the_correct_class_gets_p_minus_one_and_the_others_p() -> None:
    scores: Floats = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))
    _, backward = softmax_cross_entropy(scores, targets=np.array([0, 1]))
    np.testing.assert_allclose(backward() * 2, [[0.25 - 1, 0.75], [0.5, 0.5 - 1]])
    np.testing.assert_allclose(backward(10.0), backward() * 10)


def test_an_upstream_gradient_reaches_the_scores() -> None:
    targets = np.array([1, 0])

    def scaled(scores: Floats) -> tuple[float, object]:
        loss, backward = softmax_cross_entropy(scores, targets=targets)
        return 2.5 * loss, lambda upstream: backward(2.5 * upstream)

    check_gradients(scaled, {"scores": np.array([[0.3, -1.0], [2.0, 0.1]])}).raise_if_failed()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "targets"),
    [((0, 3), []), ((2, 3), [0]), ((3,), [0, 0, 0]), ((2, 3), [[0], [0]]), ((1, 3), [3]), ((1, 3), [-1])],
)
def test_targets_that_do_not_fit_are_refused(shape: tuple[int, ...], targets: list[int]) -> None:
    with pytest.raises(ShapeError):
        softmax_cross_entropy(np.zeros(shape), targets=np.array(targets, np.int64))


def test_the_l2_penalty_is_half_the_strength_times_the_squares() -> None:
    penalty, backward = l2_penalty(np.array([[1.0, 2.0]]), strength=0.5)
    assert penalty == 0.25 * 5
    assert backward().tolist() == [[0.5, 1.0]]
    assert backward(2.0).tolist() == [[1.0, 2.0]]
