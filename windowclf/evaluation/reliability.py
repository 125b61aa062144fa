"""Reliability of probabilities: bins, expected calibration error.

n predictions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from windowclf.arrays import Bools, Floats
from windowclf.errors import DataError, ShapeError

N_BINS = 15  # as in Guo et al. 2017
_ROUNDING = 1e-6  # how far a sum or product of probabilities may lie outside [0, 1]


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of similar confidence, in (start, end]; 0 belongs to the first bin."""

    start: float
    end: float
    count: int
    confidence: float | None  # the mean; None if there are no predictions
    accuracy: float | None  # the share that is right; below `confidence`, they are over-confident


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the confidences of predictions are from the shares that are right, over `count` predictions.

    Attributes
    ----------
    expected_calibration_error : float or None
        Σ_b n_b / n · |accuracy_b - confidence_b|, in [0, 1]; None if there are no predictions.
    error_by_chance : float or None
        About how large that error would be if every confidence were right: with few predictions, the
        accuracy of a bin deviates by chance.
    bins : tuple of Bin
        In order, with the empty ones.
    """

    expected_calibration_error: float | None
    error_by_chance: float | None
    count: int
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class CalibrationErrors:
    """The reliability of the label of each word and, for span labels, of each entity found."""

    words: Reliability
    entities: Reliability | None = None


def reliability(
    confidences: Sequence[float] | Floats, is_right: Sequence[bool] | Bools, n_bins: int = N_BINS
) -> Reliability:
    """Sort predictions into bins by their confidence and compare it with the share that is right.

    Parameters
    ----------
    confidences, is_right : sequences or arrays (n,)
        The probability of each prediction, and whether it is right.
    n_bins : int
        Bins of equal width, at least 1.

    Raises
    ------
    ShapeError
        If lengths are unequal, or `n_bins` is below 1.
    DataError
        If a confidence is not in [0, 1], except for rounding.

    Notes
    -----
    Expected calibration error: Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities
    using Bayesian binning". The bins ((b - 1) / B, b / B] are those of Guo, Pleiss, Sun and Weinberger 2017,
    "On calibration of modern neural networks", section 2. The error by chance: if confidences c are right,
    the number right in a bin is a sum of Bernoulli variables of variance v = Σ c (1 - c), nearly normal
    around Σ c, and the mean distance of a normal variable from its mean is √(2 v / π).
    """
    confidence, right = np.asarray(confidences, np.float64), np.asarray(is_right, np.bool_)
    if confidence.ndim != 1 or confidence.shape != right.shape or n_bins < 1:
        raise ShapeError(
            "confidences and is_right must be vectors of one length",
            where="reliability",
            found=(confidence.shape, right.shape, n_bins),
            allowed="(n,), (n,) and at least 1 bin",
        )
    is_odd = ~((confidence >= -_ROUNDING) & (confidence <= 1 + _ROUNDING))  # NaN is odd too
    if is_odd.any():
        raise DataError(
            "a confidence is not a probability", found=float(confidence[is_odd][0]), allowed="0 to 1"
        )
    confidence = confidence.clip(0, 1)
    edges = np.arange(n_bins + 1) / n_bins
    bin_of = np.searchsorted(edges[1:], confidence)  # edges[bin_of] < confidence <= edges[bin_of + 1]
    counts = np.bincount(bin_of, minlength=n_bins).tolist()
    confidence_sums = np.bincount(bin_of, confidence, n_bins).tolist()
    right_sums = np.bincount(bin_of, right, n_bins).tolist()
    bins = tuple(
        Bin(start, end, n, c / n if n else None, r / n if n else None)
        for start, end, n, c, r in zip(
            edges[:-1].tolist(), edges[1:].tolist(), counts, confidence_sums, right_sums, strict=True
        )
    )
    distance = sum(abs(r - c) for r, c in zip(right_sums, confidence_sums, strict=True))
    variances = np.bincount(bin_of, confidence * (1 - confidence), n_bins)
    by_chance = float(np.sqrt(2 / np.pi * variances).sum())
    n = len(confidence)
    return Reliability(distance / n if n else None, by_chance / n if n else None, n, bins)
