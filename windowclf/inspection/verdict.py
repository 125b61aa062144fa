"""The outcome of one check of a network."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured, what is allowed, and whether that is kept.

    Attributes
    ----------
    name : str
        What was checked.
    figure : float or None
        The measured number; None where there is none, because what was measured broke or is not finite.
    allowed : tuple of (float, float)
        The lowest and the highest figure that pass.
    passed : bool
        Whether the figure is allowed, and nothing else was wrong.
    detail : str
        How the figure came about, why this much is allowed and, if it failed, what went wrong.
    """

    name: str
    figure: float | None
    allowed: tuple[float, float]
    passed: bool
    detail: str


def judge(
    name: str, figure: float, allowed: tuple[float, float], detail: str, *, faults: tuple[str, ...] = ()
) -> Verdict:
    """Make a verdict: passed if the figure is finite and allowed, and there are no other faults."""
    low, high = allowed
    passed = isfinite(figure) and low <= figure <= high and not faults
    return Verdict(name, figure if isfinite(figure) else None, allowed, passed, "; ".join((*faults, detail)))
