"""Check a hand-derived backward pass against numerical gradients, coordinate by coordinate.

Every number of every argument is moved a little up and down, and the change of the value is compared with the
gradient that backward returns. Use it for operations of your own:

>>> import numpy as np
>>> from windowclf.nn import check_gradients
>>> def square(x):
...     return x * x, lambda dy: 2 * x * dy
>>> print(check_gradients(square, {"x": np.array([1.0, 2.0, 3.0])}))
gradients agree: 3 coordinates, 0 moved off a kink

Arguments have any shape; a coordinate is a number of one of them, given by its index.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.errors import ShapeError, WindowClfError
from windowclf.nn.gradients import Gradient, RowGradient

Function = Callable[..., tuple[Any, Callable[..., Any]]]
Index = tuple[int, ...]

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-9
MOVES = (4, -4, 12, -12, 36, -36)
"""How many steps a coordinate is moved, in turn, if it is at a kink."""


class GradientError(WindowClfError):
    """A backward pass does not agree with its forward pass, or violates the contract of an operation."""


@dataclass(frozen=True)
class Coordinate:
    """One number of one argument, with its gradient found in two ways."""

    name: str  #: of the argument
    index: Index  #: where in the argument
    analytic: float  #: the gradient that backward returns
    numeric: float  #: the central difference
    error: float  #: |analytic - numeric| in units of the tolerance: above 1 is wrong; infinite for NaN
    moved: bool = False  #: whether it was checked a few steps away because of a kink

    def __str__(self) -> str:
        where = f"{self.name}[{', '.join(map(str, self.index))}]"
        return f"d{where}: backward says {self.analytic:.9g}, numerically {self.numeric:.9g}"


@dataclass(frozen=True)
class GradientReport:
    """The outcome of `check_gradients`."""

    coordinates: tuple[Coordinate, ...]  #: all that were checked
    untrained: tuple[str, ...]  #: arguments for which backward returned None; not checked
    #: of the contract of an operation (wrong shapes, changed arguments, random results); if there are any, no
    #: coordinate was checked
    violations: tuple[str, ...]

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates checked."""
        return len(self.coordinates)

    @property
    def moved(self) -> int:
        """Number of coordinates checked a few steps away because of a kink."""
        return sum(coordinate.moved for coordinate in self.coordinates)

    @property
    def worst(self) -> Coordinate | None:
        """The coordinate with the greatest error, or None."""
        return max(self.coordinates, key=lambda coordinate: coordinate.error, default=None)

    @property
    def failures(self) -> tuple[Coordinate, ...]:
        """All coordinates whose error is above the tolerance."""
        return tuple(coordinate for coordinate in self.coordinates if coordinate.error > 1)

    @property
    def ok(self) -> bool:
        """Whether all coordinates agree and nothing violates the contract."""
        return not self.failures and not self.violations

    def raise_if_failed(self) -> None:
        """Raise GradientError with this report as its message, unless `ok`."""
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


def check_gradients(
    function: Function,
    arguments: Mapping[str, Floats],
    *,
    step: float = 1e-5,
    coordinates: int | None = None,
    rng: np.random.Generator | None = None,
) -> GradientReport:
    """Compare what `function`'s backward returns with central differences of its value.

    With h the step and L the loss as a function of one coordinate,

        numeric = (L(here + h) - L(here - h)) / 2h = L' + h²/6 · L''' + …

    must be within 1e-6 · max(|analytic|, |numeric|) + 1e-9 · max(1, |L|) of the analytic gradient. If the
    value is an array, L = Σ upstream · value with a random upstream, drawn once: a gradient that is wrong for
    any number of the value is wrong for this sum with probability 1.

    Parameters
    ----------
    function : callable
        `function(**arguments)` returns (value, backward). `backward(upstream)`, with an upstream of the
        value's shape (1.0 if the value is a number), returns the gradients in the order of `arguments`:
        arrays, RowGradients, or None for what is not trained; for a single argument just its gradient.
    arguments : mapping of str to Floats
        Float64 arrays. They are changed in place during the check, so the function may also hold them itself,
        and restored bit for bit, even if an error is raised.
    step : float
        h, in the unit of the arguments.
    coordinates : int, optional
        Size of a random sample of the coordinates of *each* argument. Default: all.
    rng : numpy.random.Generator, optional
        Draws upstream and sample. Default: one with a fixed seed.

    Raises
    ------
    ShapeError
        If an argument is not float64 or cannot be written to, or `backward` does not return one gradient
        for each argument.

    Notes
    -----
    At a kink, such as that of ReLU at 0, the slopes on the left and the right differ, and a central
    difference is neither. So a coordinate that disagrees and has two different slopes is moved a few steps
    and checked there, against what backward returns there. None is skipped.
    """
    for name, argument in arguments.items():
        if argument.dtype != np.float64 or not argument.flags.writeable:
            found = f"{argument.dtype}, {'' if argument.flags.writeable else 'not '}writeable"
            raise ShapeError("cannot be checked", where=name, found=found, allowed="writeable float64 arrays")
    rng = np.random.default_rng(0) if rng is None else rng
    before = {name: argument.copy() for name, argument in arguments.items()}
    try:
        checker = _Checker(function, arguments, step, rng)
        _restore(arguments, before)  # in case forward changes them, which the next call detects
        violations = checker.violations()
        _restore(arguments, before)
        gradients = checker.gradients()
        checked = [
            checker.check(name, index, float(gradient[index]))
            for name, gradient in gradients.items()
            if gradient is not None and not violations
            for index in _indices(gradient.shape, coordinates, rng)
        ]
    finally:
        _restore(arguments, before)
    untrained = tuple(name for name, gradient in gradients.items() if gradient is None)
    return GradientReport(tuple(checked), untrained, tuple(violations))


class _Checker:
    """The function under test, its arguments, and the loss computed from its value."""

    def __init__(
        self, function: Function, arguments: Mapping[str, Floats], step: float, rng: np.random.Generator
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.step = step
        value = self.value()
        self.upstream = rng.standard_normal(value.shape) if value.ndim else np.ones(())
        self.loss = float(np.sum(self.upstream * value))

    def value(self) -> Floats:
        """Return a copy of the value at the current arguments."""
        return np.array(self.function(**self.arguments)[0])

    def gradients(self) -> dict[str, Floats | None]:
        """Return the gradients that backward returns at the current arguments, as dense arrays."""
        return self._call(self.function(**self.arguments)[1], self.upstream.copy())

    def check(self, name: str, index: Index, analytic: float) -> Coordinate:
        """Check one coordinate as it is or, at a kink, a few steps away."""
        result, is_kink = self._compare(name, index, analytic)
        if is_kink:
            argument, original = self.arguments[name], self.arguments[name][index]
            for move in MOVES:
                argument[index] = original + move * self.step
                moved_gradient = self.gradients()[name]
                assert moved_gradient is not None, "an argument is trained or not, whatever its values"
                result, is_kink = self._compare(name, index, float(moved_gradient[index]), moved=True)
                if not is_kink:
                    break
            argument[index] = original
        return result  # a kink at all of them counts as a failure

    def _compare(
        self, name: str, index: Index, analytic: float, *, moved: bool = False
    ) -> tuple[Coordinate, bool]:
        """Return the coordinate with its current error, and whether a kink explains the error."""
        argument, here = self.arguments[name], self.arguments[name][index]
        argument[index] = here + self.step
        above = self.value()
        argument[index] = here - self.step
        below = self.value()
        argument[index] = here

        numeric = self._slope(above, below, 2 * self.step)
        difference = abs(analytic - numeric)
        tolerance = RELATIVE_TOLERANCE * max(abs(analytic), abs(numeric))
        tolerance += ABSOLUTE_TOLERANCE * max(1.0, abs(self.loss))
        error = difference / tolerance if np.isfinite(difference) else float("inf")
        is_kink = False
        if error > 1:
            # If L is smooth, its left and right slopes differ by h · L'', which is tiny. (To take a wrong
            # gradient for a kink does no harm: a few steps away it is wrong, too.)
            middle = self.value()
            left, right = self._slope(middle, below, self.step), self._slope(above, middle, self.step)
            is_kink = abs(right - left) > difference / 100
        return Coordinate(name, index, analytic, numeric, error, moved), is_kink

    def _slope(self, to: Floats, start: Floats, distance: float) -> float:
        # subtracted before summing, so that numbers that did not change cancel exactly
        return float(np.sum(self.upstream * (to - start))) / distance

    def violations(self) -> list[str]:
        """Describe violations of the contract of an operation, other than wrong numbers."""
        found = []
        before = {name: argument.copy() for name, argument in self.arguments.items()}
        value, backward = self.function(**self.arguments)
        found += [f"forward changes {name}" for name in _changed(before, self.arguments)]
        _restore(self.arguments, before)
        if not np.array_equal(value, self.value(), equal_nan=True):
            found.append("two forward passes of the same arguments differ")

        upstream = self.upstream.copy()
        first = self._call(backward, upstream)
        if not np.array_equal(upstream, self.upstream):
            found.append("backward changes the upstream gradient")
        found += [f"backward changes {name}" for name in _changed(before, self.arguments)]
        _restore(self.arguments, before)

        second = self._call(backward, self.upstream.copy())
        for name, gradient in first.items():
            again = second[name]
            if gradient is None or again is None:
                continue
            if gradient.shape != before[name].shape:
                found.append(f"d{name} has shape {gradient.shape}, {name} has {before[name].shape}")
            elif not np.array_equal(gradient, again, equal_nan=True):
                found.append(f"a second call of backward gives another d{name}")
        return found

    def _call(self, backward: Callable[..., Any], upstream: Floats) -> dict[str, Floats | None]:
        """Call backward and return the gradients by argument."""
        returned = backward(upstream if upstream.ndim else float(upstream))
        gradients = returned if isinstance(returned, tuple | list) else (returned,)
        if len(gradients) != len(self.arguments):
            allowed = "one for each of " + ", ".join(self.arguments)
            raise ShapeError(
                "backward returns too few or too many gradients", found=len(gradients), allowed=allowed
            )
        return {name: _dense(gradient) for name, gradient in zip(self.arguments, gradients, strict=True)}


def _dense(gradient: Gradient | None) -> Floats | None:
    """Return a gradient as a dense copy: backward may return its upstream itself."""
    if gradient is None:
        return None
    return gradient.to_dense() if isinstance(gradient, RowGradient) else np.array(gradient)


def _indices(shape: Index, limit: int | None, rng: np.random.Generator) -> Iterable[Index]:
    """Return all indices of an array, or a random sample of `limit` of them."""
    size = int(np.prod(shape))
    if limit is None or limit >= size:
        return np.ndindex(*shape)
    chosen = np.sort(rng.choice(size, limit, replace=False))
    return [tuple(int(i) for i in np.unravel_index(i, shape)) for i in chosen]


def _changed(before: Mapping[str, Floats], after: Mapping[str, Floats]) -> list[str]:
    return [name for name in before if before[name].tobytes() != after[name].tobytes()]


def _restore(arguments: Mapping[str, Floats], before: Mapping[str, Floats]) -> None:
    for name, argument in arguments.items():
        argument[...] = before[name]
