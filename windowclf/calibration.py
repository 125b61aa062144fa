"""Do probabilities mean what they say: reliability by bins, expected calibration error, temperature.

Dimensions: n predictions, N words, C labels.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.errors import DataError, ShapeError
from windowclf.nn.losses import softmax_cross_entropy
from windowclf.scaling import Scaling

N_BINS = 15  # as Guo et al. 2017 have it
_GREATEST = 1e300  # number in a stored correction
_TEMPERATURES = (0.1, 10.0)  # the least and the greatest that are looked at
_ROUNDING = 1e-6  # how far beyond 0 or 1 a probability may come out that is a sum or a product


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of about the same confidence.

    Attributes
    ----------
    start, end : float
        Confidences above `start`, up to and with `end`; 0 belongs to the first bin.
    count : int
        How many predictions there are.
    confidence : float or None
        The mean of their confidences; None where there are none.
    accuracy : float or None
        The share of them that is right; where it is below `confidence`, they are too confident.
    """

    start: float
    end: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the confidences of predictions are from the shares that are right.

    Attributes
    ----------
    expected_calibration_error : float or None
        In [0, 1]; None where there are no predictions.
    error_by_chance : float or None
        About how great that error would be if every confidence were right: with few predictions, the share
        of a bin that is right is off by chance.
    count : int
        Of all predictions.
    bins : tuple of Bin
        In order, the empty ones too.
    """

    expected_calibration_error: float | None
    error_by_chance: float | None
    count: int
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability of the label of each word and, where it was measured, of each entity found."""

    words: Reliability
    entities: Reliability | None = None


def expected_calibration_error(
    confidences: Sequence[float] | Floats, is_right: Sequence[bool] | Bools, n_bins: int = N_BINS
) -> float | None:
    """Return the mean distance between confidence and accuracy, Σ_b n_b / n · |accuracy_b - confidence_b|.

    Parameters and errors are those of `reliability`; None where there are no predictions.
    """
    return reliability(confidences, is_right, n_bins).expected_calibration_error


def reliability(
    confidences: Sequence[float] | Floats, is_right: Sequence[bool] | Bools, n_bins: int = N_BINS
) -> Reliability:
    """Sort predictions into bins by their confidence and compare it with the share that is right.

    Parameters
    ----------
    confidences : sequence or array (n,)
        The probability that each prediction is said to be right with.
    is_right : sequence or array (n,)
        Whether it is.
    n_bins : int
        Bins of equal width, at least 1.

    Raises
    ------
    ShapeError
        If lengths are unequal, or there is no bin.
    DataError
        If a confidence is not in [0, 1], but for rounding.

    Notes
    -----
    Expected calibration error: Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities
    using Bayesian binning". The bins ((b - 1) / B, b / B] are those of Guo, Pleiss, Sun and Weinberger 2017,
    "On calibration of modern neural networks", section 2. Of the error by chance: if confidences c are right,
    what is right in a bin is a sum of Bernoulli variables of variance v = Σ c (1 - c), nearly normal around
    Σ c, and the mean distance of a normal variable from its mean is √(2 v / π).
    """
    confidence, right = np.asarray(confidences, np.float64), np.asarray(is_right, np.bool_)
    if confidence.ndim != 1 or confidence.shape != right.shape or n_bins < 1:
        raise ShapeError(
            "confidences and what is right do not fit",
            where="reliability",
            found=(confidence.shape, right.shape, n_bins),
            allowed="(n,), (n,), at least 1 bin",
        )
    is_odd = ~((confidence >= -_ROUNDING) & (confidence <= 1 + _ROUNDING))  # not a number is odd too
    if is_odd.any():
        raise DataError(
            "a confidence is no probability", found=float(confidence[is_odd][0]), allowed="0 to 1"
        )
    confidence = confidence.clip(0, 1)
    edges = np.arange(n_bins + 1) / n_bins
    place = np.searchsorted(edges[1:], confidence)  # edges[place] < confidence <= edges[place + 1]
    counts = np.bincount(place, minlength=n_bins).tolist()
    confidence_sums = np.bincount(place, confidence, n_bins).tolist()
    right_sums = np.bincount(place, right, n_bins).tolist()
    bins = tuple(
        Bin(start, end, n, c / n if n else None, r / n if n else None)
        for start, end, n, c, r in zip(
            edges[:-1].tolist(), edges[1:].tolist(), counts, confidence_sums, right_sums, strict=True
        )
    )
    distance = sum(abs(r - c) for r, c in zip(right_sums, confidence_sums, strict=True))
    variances = np.bincount(place, confidence * (1 - confidence), n_bins)
    by_chance = float(np.sqrt(2 / np.pi * variances).sum())
    n = len(confidence)
    return Reliability(distance / n if n else None, by_chance / n if n else None, n, bins)


@dataclass(frozen=True, slots=True)
class Correction:
    """What development data say of a model's probabilities, and of when a span is worth naming.

    Attributes
    ----------
    temperature : float
        Scores and transitions are divided by it before they become probabilities.
    spans : Scaling or None
        Of the probabilities of spans, afterwards; None: they stay as they are.
    outside_cost : float
        What is taken from the score of ``O`` before the best labels are sought; probabilities are without it.
        Above 0, more spans are found.
    """

    temperature: float = 1.0
    spans: Scaling | None = None
    outside_cost: float = 0.0


UNCORRECTED = Correction()


def read_correction(stored: Any) -> Correction:
    """Return a correction from its fields as JSON has them.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        If these are no fields of a correction.
    """
    temperature, cost = _finite(stored["temperature"]), _finite(stored["outside_cost"])
    if temperature <= 0:
        raise ValueError(f"temperature {temperature}")
    spans = stored["spans"]
    if spans is None:
        return Correction(temperature, None, cost)
    kinds = {kind: _finite(offset) for kind, offset in spans["kinds"].items()}
    return Correction(temperature, Scaling(_finite(spans["slope"]), _finite(spans["offset"]), kinds), cost)


def _finite(number: Any) -> float:
    # JSON knows whole numbers that no float can hold
    if type(number) not in (int, float) or not abs(number) <= _GREATEST:
        raise ValueError(f"{number!r} in the correction")
    return float(number)


def fit_temperature(loss: Callable[[float], float]) -> float:
    """Return the temperature T, from 0.1 to 10, at which a loss is least.

    Probabilities of scores / T are less extreme the greater T is; the most probable label stays the same.

    Parameters
    ----------
    loss : callable
        T -> mean negative log probability of the true labels of development data, with all scores (of a CRF:
        and transitions) divided by T. `softmax_loss` makes one.

    Raises
    ------
    DataError
        If the loss is not finite.

    Notes
    -----
    Guo et al. 2017, section 4.2. The loss is convex in 1/T, for softmax and CRF are log-linear, so that it
    has one minimum; Brent's method finds it on log T. It is at 0 where the true label of every word has the
    greatest score, and at infinity where scores tell nothing: hence the bounds.
    """
    from scipy.optimize import minimize_scalar  # here: what only tags or evaluates starts without

    def checked(log_temperature: float) -> float:
        value = float(loss(math.exp(log_temperature)))
        if not math.isfinite(value):
            raise DataError(
                "the loss is not finite", where=f"temperature {math.exp(log_temperature):.3g}", found=value
            )
        return value

    lowest, highest = map(math.log, _TEMPERATURES)
    return math.exp(minimize_scalar(checked, bounds=(lowest, highest), method="bounded").x)


def softmax_loss(scores: Floats, targets: Ints) -> Callable[[float], float]:
    """Return what `fit_temperature` minimises for words that are labelled independently.

    Parameters
    ----------
    scores : array (N, C)
    targets : array (N,)
        The true label of each word; negative where there is none, which is left out.

    Raises
    ------
    DataError
        If no word has a true label.
    ShapeError
        If shapes do not agree or a target is not a label; raised by the loss itself.
    """
    is_labelled = targets >= 0
    if not is_labelled.any():
        raise DataError("no word has a label to fit a temperature to", found=f"{len(targets)} words")
    scores, targets = scores[is_labelled].astype(np.float64), targets[is_labelled]
    return lambda temperature: softmax_cross_entropy(scores / temperature, targets=targets)[0]
