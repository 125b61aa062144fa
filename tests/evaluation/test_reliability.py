"""Expected calibration error and temperature: by hand, by another computation, on data of known truth."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats, Ints
from windowclf.errors import DataError, ShapeError
from windowclf.evaluation import reliability
from windowclf.evaluation.reliability import Bin
from windowclf.nn import softmax
from windowclf.training.calibrate import fit_temperature, softmax_loss

PREDICTIONS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def drawn(n: int = 40_000, C: int = 5, seed: int = 0) -> tuple[Floats, Ints]:
    """Return scores, and targets that are drawn from just the probabilities that they stand for."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.standard_normal((n, C))
    # the greatest of scores with Gumbel noise is a class drawn from their softmax
    return scores, (scores + rng.gumbel(size=(n, C))).argmax(axis=1)


def error_of(scores: Floats, targets: Ints) -> float:
    probs = softmax(scores)
    error = reliability(probs.max(axis=1), probs.argmax(axis=1) == targets).expected_calibration_error
    assert error is not None
    return error


# -- expected calibration error ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "confidences, is_right, error",
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [True, False], 0.5),
        ([1.0], [False], 1.0),
        ([0.0], [True], 1.0),
        ([0.75, 0.75, 0.75, 0.75], [True, True, True, False], 0.0),
        # in one bin of two, faults of single predictions cancel out; in two bins they do not
        ([0.6, 0.9], [True, False], 0.25),
        ([0.25, 0.75], [True, False], 0.75),
        # three quarters of them are 0.1 off, one quarter 0.4
        ([0.9, 0.9, 0.9, 0.4], [True, True, True, False], 0.75 * 0.1 + 0.25 * 0.4),
    ],
)
def test_errors_worked_out_by_hand_with_two_bins(
    confidences: list[float], is_right: list[bool], error: float
) -> None:
    assert reliability(confidences, is_right, n_bins=2).expected_calibration_error == pytest.approx(error)


def test_a_bin_has_its_upper_end_and_the_first_its_lower_too() -> None:
    found = reliability([0.0, 0.25, 0.2500001, 1.0], [False, True, True, True], n_bins=4)
    assert found.bins == (
        Bin(0.0, 0.25, 2, 0.125, 0.5),
        Bin(0.25, 0.5, 1, 0.2500001, 1.0),
        Bin(0.5, 0.75, 0, None, None),
        Bin(0.75, 1.0, 1, 1.0, 1.0),
    )
    assert found.count == 4


@given(PREDICTIONS, st.integers(1, 30))
def test_the_error_agrees_with_exact_sums_over_bins(
    predictions: list[tuple[float, bool]], n_bins: int
) -> None:
    edges = [i / n_bins for i in range(n_bins + 1)]
    distance = Fraction(0)
    for b in range(n_bins):
        inside = [
            Fraction(right) - Fraction(confidence)
            for confidence, right in predictions
            if edges[b] < confidence <= edges[b + 1] or (b == 0 and confidence == 0)
        ]
        distance += abs(sum(inside, start=Fraction(0)))
    found = reliability(
        [c for c, _ in predictions], [r for _, r in predictions], n_bins
    ).expected_calibration_error
    assert found == pytest.approx(float(distance / len(predictions)), abs=1e-12)


@given(PREDICTIONS)
def test_laws_of_reliability(predictions: list[tuple[float, bool]]) -> None:
    confidences, is_right = [c for c, _ in predictions], [r for _, r in predictions]
    found = reliability(confidences, is_right)
    assert len(found.bins) == 15
    assert sum(b.count for b in found.bins) == found.count == len(predictions)
    assert (found.bins[0].start, found.bins[-1].end) == (0, 1)
    for before, after in zip(found.bins, found.bins[1:], strict=False):
        assert before.end == after.start
    error = found.expected_calibration_error
    assert error is not None
    # a mean of distances is at least the distance of the means
    assert abs(sum(is_right) - sum(confidences)) / len(predictions) - 1e-12 <= error <= 1
    backwards = reliability(confidences[::-1], is_right[::-1]).expected_calibration_error
    assert backwards == pytest.approx(error, abs=1e-12)


def test_predictions_that_are_right_as_often_as_they_say_have_nearly_no_error() -> None:
    # a bin of 40,000 / 15 predictions is off by about 0.01 by chance
    assert error_of(*drawn()) < 0.01


@pytest.mark.parametrize("n, tolerance", [(60, 0.12), (350, 0.05), (5000, 0.03)])
def test_the_error_by_chance_is_that_of_predictions_that_are_right_as_often_as_they_say(
    n: int, tolerance: float
) -> None:
    rng = np.random.default_rng(n)
    confidences = rng.beta(4, 1, n)
    errors = [
        reliability(confidences, rng.random(n) < confidences).expected_calibration_error for _ in range(400)
    ]
    by_chance = reliability(confidences, rng.random(n) < confidences).error_by_chance
    assert by_chance == pytest.approx(
        np.mean([error for error in errors if error is not None]), rel=tolerance
    )


def test_there_is_no_error_by_chance_where_all_is_certain() -> None:
    assert reliability([0, 1, 1], [True, True, False]).error_by_chance == 0


def test_too_confident_predictions_have_a_greater_error() -> None:
    scores, targets = drawn()
    assert error_of(2.5 * scores, targets) > 0.1
    assert error_of(scores / 2.5, targets) > 0.1


def test_without_predictions_there_is_no_error() -> None:
    found = reliability([], [])
    assert (found.expected_calibration_error, found.error_by_chance, found.count) == (None, None, 0)
    assert all((b.count, b.confidence, b.accuracy) == (0, None, None) for b in found.bins)


def test_rounding_makes_no_probability_another() -> None:
    rounded = reliability(np.array([np.nextafter(1, 2), -1e-9]), [True, False])
    assert rounded == reliability([1.0, 0.0], [True, False])


@pytest.mark.parametrize("confidence", [-0.1, 1.1, 1.00001, math.nan, math.inf])
def test_what_is_no_probability_is_refused(confidence: float) -> None:
    with pytest.raises(DataError, match=r"not a probability; found .*; allowed: 0 to 1"):
        reliability([0.5, confidence], [True, True])


@pytest.mark.parametrize(
    "confidences, is_right, n_bins", [([0.5], [], 15), ([[0.5]], [[True]], 15), ([], [], 0)]
)
def test_arrays_that_do_not_fit_are_refused(
    confidences: list[float], is_right: list[bool], n_bins: int
) -> None:
    with pytest.raises(ShapeError, match="must be vectors of one length"):
        reliability(confidences, is_right, n_bins)


# -- temperature -------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found_and_mends_the_error(temperature: float) -> None:
    scores, targets = drawn()
    distorted = scores * temperature
    found = fit_temperature(softmax_loss(distorted, targets))
    # with n words, one standard error of log T is about 1 / sqrt(n) here; five of them
    assert math.log(found) == pytest.approx(math.log(temperature), abs=5 / math.sqrt(len(targets)))
    assert error_of(distorted / found, targets) < 0.01


def test_the_minimum_of_a_loss_is_found() -> None:
    assert fit_temperature(lambda T: (math.log(T) - math.log(3)) ** 2) == pytest.approx(3, rel=1e-4)


def test_no_temperature_nearby_has_a_smaller_loss() -> None:
    scores, targets = drawn(500)
    loss = softmax_loss(scores.astype(np.float32), targets)
    best = fit_temperature(loss)
    assert loss(best) < min(loss(best * 0.99), loss(best * 1.01))


def test_the_loss_is_the_mean_negative_log_probability_of_labelled_words() -> None:
    scores = np.array([[1.0, 3.0], [0.0, 0.0], [5.0, 1.0]])
    loss = softmax_loss(scores, np.array([0, -1, 0]))
    expected = (math.log(1 + math.exp(2 / 4)) + math.log(1 + math.exp(-4 / 4))) / 2
    assert loss(4) == pytest.approx(expected)


@pytest.mark.parametrize("sign, expected", [(1, 0.1), (0, None), (-1, 10.0)])
def test_the_temperature_stays_within_bounds(sign: int, expected: float | None) -> None:
    """All right: the surer the better; all wrong: the less sure; scores that are all equal: anything."""
    found = fit_temperature(softmax_loss(sign * np.eye(3), np.arange(3)))
    assert 0.1 <= found <= 10
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("loss", [lambda T: math.nan, lambda T: math.inf, lambda T: -math.inf])
def test_a_loss_that_is_not_finite_is_refused(loss: Callable[[float], float]) -> None:
    with pytest.raises(DataError, match=r"temperature .*: the loss is not finite"):
        fit_temperature(loss)


def test_words_without_labels_fit_no_temperature() -> None:
    with pytest.raises(DataError, match=r"no word has a label.*found '2 words'"):
        softmax_loss(np.zeros((2, 3)), np.array([-1, -1]))
