"""What development data say of probabilities: a temperature, Platt scaling of spans, the cost of O."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ROUNDING = 1e-6  # how far from 0 and 1 a probability is taken to be, so that its odds are finite


@dataclass(frozen=True, slots=True)
class PlattScaling:
    """Moves probabilities of spans along a line of log odds.

    log q / (1 - q) = slope · log g / (1 - g) + offset + kinds[kind], where g = p^(1/m) is what the
    probability p of a span of m words comes to for each of them.

    Attributes
    ----------
    slope : float
        Above 0, so that of like spans what is more probable stays so.
    offset : float
    kinds : mapping of str to float
        What is added to the offset for spans of a kind; 0 for one that is not named.
    """

    slope: float
    offset: float
    kinds: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, probability: float, n_words: int, kind: str) -> float:
        """Return the probability of a span from that which the network gives it."""
        offset = self.offset + self.kinds.get(kind, 0.0)
        z = self.slope * span_log_odds(probability, n_words) + offset
        return (1 + math.tanh(z / 2)) / 2  # 1 / (1 + e^-z), without overflow whatever z is


def span_log_odds(probability: float, n_words: int) -> float:
    """Return the log odds of what a probability comes to for each of so many words."""
    g = min(max(probability ** (1 / n_words), _ROUNDING), 1 - _ROUNDING)
    return math.log(g / (1 - g))


_GREATEST = 1e300  # number in a stored correction


@dataclass(frozen=True, slots=True)
class Calibration:
    """What development data say of a model's probabilities, and of when a span is worth naming.

    Attributes
    ----------
    temperature : float
        Scores and transitions are divided by it before they become probabilities.
    spans : PlattScaling or None
        Of the probabilities of spans, afterwards; None: they stay as they are.
    outside_cost : float
        What is taken from the score of ``O`` before the best labels are sought; probabilities are without it.
        Above 0, more spans are found.
    """

    temperature: float = 1.0
    spans: PlattScaling | None = None
    outside_cost: float = 0.0


UNCALIBRATED = Calibration()


def read_calibration(stored: Any) -> Calibration:
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
        return Calibration(temperature, None, cost)
    kinds = {kind: _finite(offset) for kind, offset in spans["kinds"].items()}
    return Calibration(
        temperature, PlattScaling(_finite(spans["slope"]), _finite(spans["offset"]), kinds), cost
    )


def _finite(number: Any) -> float:
    # JSON knows whole numbers that no float can hold
    if type(number) not in (int, float) or not abs(number) <= _GREATEST:
        raise ValueError(f"{number!r} in the correction")
    return float(number)
