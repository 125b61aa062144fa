"""The report of a gradient check: what was compared, and what did not agree."""

from dataclasses import dataclass

from windowclf.errors import WindowClfError

Index = tuple[int, ...]


class GradientError(WindowClfError):
    """A backward pass does not agree with its forward pass, or breaks the contract of an operation."""


@dataclass(frozen=True)
class Coordinate:
    """One number of one argument, with its gradient found in two ways.

    Attributes
    ----------
    name : str
        The argument.
    index : tuple of int
        Where in the argument.
    analytic : float
        What backward says.
    numeric : float
        The central difference.
    error : float
        |analytic - numeric| in units of the tolerance: above 1 is wrong. Infinite if not a number.
    moved : bool
        Whether it was checked a few steps away, because of a kink.
    """

    name: str
    index: Index
    analytic: float
    numeric: float
    error: float
    moved: bool = False

    def __str__(self) -> str:
        where = f"{self.name}[{', '.join(map(str, self.index))}]"
        return f"d{where}: backward says {self.analytic:.9g}, numerically {self.numeric:.9g}"


@dataclass(frozen=True)
class GradientReport:
    """The outcome of `check_gradients`.

    Attributes
    ----------
    coordinates : tuple of Coordinate
        All that were checked.
    untrained : tuple of str
        Arguments for which backward gave None; not checked.
    violations : tuple of str
        Broken clauses of an operation's contract: wrong shapes, changed arguments, results of chance. Where
        there are any, no coordinate was checked.
    """

    coordinates: tuple[Coordinate, ...]
    untrained: tuple[str, ...]
    violations: tuple[str, ...]

    @property
    def n_coordinates(self) -> int:
        """How many coordinates were checked."""
        return len(self.coordinates)

    @property
    def moved(self) -> int:
        """How many of them were checked a few steps away from where they stood, because of a kink."""
        return sum(coordinate.moved for coordinate in self.coordinates)

    @property
    def worst(self) -> Coordinate | None:
        """The coordinate with the greatest error; None if there were none."""
        return max(self.coordinates, key=lambda coordinate: coordinate.error, default=None)

    @property
    def failures(self) -> tuple[Coordinate, ...]:
        """All coordinates whose error is above the tolerance."""
        return tuple(coordinate for coordinate in self.coordinates if coordinate.error > 1)

    @property
    def ok(self) -> bool:
        """Whether everything agreed."""
        return not self.failures and not self.violations

    def raise_if_failed(self) -> None:
        """Raise GradientError with this report as its message, unless everything agreed."""
        if not self.ok:
            raise GradientError(str(self))

    def __str__(self) -> str:
        if self.ok:
            text = f"gradients agree: {self.n_coordinates} coordinates, {self.moved} moved off a kink"
            return text + (f"; not trained: {', '.join(self.untrained)}" if self.untrained else "")
        if self.violations:
            return "no gradients compared: " + "; ".join(self.violations)
        worst_first = sorted(self.failures, key=lambda failure: -failure.error)
        lines = [f"gradients wrong: {len(worst_first)} of {self.n_coordinates} coordinates", *worst_first[:5]]
        return "\n  ".join(map(str, lines))
