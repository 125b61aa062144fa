"""Calibration on development data: a temperature, Platt scaling of spans, the O penalty."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ROUNDING = 1e-6  # least distance of a probability from 0 and 1, so that its log odds are finite


@dataclass(frozen=True, slots=True)
class PlattScaling:
    """A linear map of the log odds of span probabilities (Platt 1999).

    log q / (1 - q) = slope · log g / (1 - g) + offset + kinds[kind], where g = p^(1/m) is the geometric mean
    per word of the probability p of a span of m words.
    """

    slope: float  #: above 0, so that the order of similar spans stays
    offset: float  #: for every entity type
    kinds: Mapping[str, float] = field(default_factory=dict)  #: added to it by entity type; 0 for others

    def __call__(self, probability: float, n_words: int, kind: str) -> float:
        """Return the calibrated probability of a span."""
        offset = self.offset + self.kinds.get(kind, 0.0)
        z = self.slope * span_log_odds(probability, n_words) + offset
        return (1 + math.tanh(z / 2)) / 2  # 1 / (1 + e^-z), without overflow whatever z is


def span_log_odds(probability: float, n_words: int) -> float:
    """Return the log odds of the geometric mean per word of a probability."""
    g = min(max(probability ** (1 / n_words), _ROUNDING), 1 - _ROUNDING)
    return math.log(g / (1 - g))


_GREATEST = 1e300  # number in a stored calibration


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrects a model's probabilities, and how readily it predicts spans.

    The O penalty `outside_cost` is subtracted from the score of ``O`` before the best labels are chosen:
    above 0, more spans are found. Probabilities are without it.
    """

    temperature: float = 1.0  #: scores and transitions are divided by it before they become probabilities
    spans: PlattScaling | None = None  #: applied to the probabilities of spans afterwards
    outside_cost: float = 0.0  #: the O penalty


UNCALIBRATED = Calibration()


def read_calibration(stored: Any) -> Calibration:
    """Return a calibration from its JSON fields; malformed ones raise what Python raises on them."""
    temperature, cost = _finite(stored["temperature"]), _finite(stored["outside_cost"])
    if temperature <= 0:
        raise ValueError(f"temperature {temperature}")
    scaling = None
    if (spans := stored["spans"]) is not None:
        kinds = {kind: _finite(offset) for kind, offset in spans["kinds"].items()}
        scaling = PlattScaling(_finite(spans["slope"]), _finite(spans["offset"]), kinds)
    return Calibration(temperature, scaling, cost)


def _finite(number: Any) -> float:
    # JSON has integers that no float can hold
    if type(number) not in (int, float) or not abs(number) <= _GREATEST:
        raise ValueError(f"{number!r} in the calibration")
    return float(number)
