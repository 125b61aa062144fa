"""Plots with matplotlib: what all share, and the reliability diagram."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from windowclf.errors import WindowClfError
from windowclf.evaluation.reliability import Reliability
from windowclf.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_METADATA: dict[str, dict[str, Any]] = {  # the same bytes on any day, in any version
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
}
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "windowclf",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a word may have dollars
    "font.size": 8.0,
    "figure.dpi": 150.0,
}
_COLOURS = {"words": "#0072b2", "entities": "#d55e00"}


def check_plot(path: Path) -> None:
    """Check, before anything is computed, that a plot can be written.

    Raises WindowClfError if the name ends in neither .svg nor .png, or matplotlib is not installed.
    """
    if path.suffix.lower() not in _METADATA:
        allowed = " or ".join(_METADATA)
        raise WindowClfError("unknown plot format", where=str(path), found=path.suffix, allowed=allowed)
    check_matplotlib(str(path))


def check_matplotlib(where: str) -> None:
    """Raise WindowClfError if matplotlib is not installed; `where` says what needs it."""
    if find_spec("matplotlib") is None:
        raise WindowClfError(
            "plots need matplotlib", where=where, hint="Install it: pip install 'windowclf[plots]'"
        )


def draw_svg(draw: "Callable[[Figure], None]", *, name: str, width: float, height: float) -> str:
    """Draw a figure and return it as an SVG file, the same for the same figure and version of matplotlib.

    `draw` draws on the figure it is given. `name` begins every id in the file, so that a page can hold
    figures of different names. Width and height are in inches, of 72 units of the file each.
    """
    from matplotlib.figure import Figure  # not pyplot, which is for windows on a screen

    buffer = io.StringIO()
    with _own_settings():
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        figure.savefig(buffer, format="svg", metadata=_METADATA[".svg"])
    lines = "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
    return re.sub(r"<[^<>]*>", lambda tag: re.sub(r'( id="|href="#|url\(#)', rf"\1{name}-", tag[0]), lines)


@contextmanager
def _own_settings() -> Iterator[None]:
    """Use the settings of all plots, whatever the user has configured."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # such a character is written as text, and the reader's fonts draw it
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def write_reliability_plot(path: Path, *, words: Reliability, entities: Reliability | None = None) -> None:
    """Draw accuracy against confidence, and how many predictions each bin has; replaces `path` atomically.

    The same numbers give the same bytes with the same version of matplotlib. Words and entities have a panel
    each. Raises WindowClfError as `check_plot` does.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    panels = {"words": words} | ({"entities": entities} if entities else {})
    with _own_settings():
        figure = Figure(figsize=(3.2 * len(panels), 4.2), layout="constrained")
        axes = figure.subplots(2, len(panels), sharex=True, squeeze=False, height_ratios=[3, 1])
        for (upper, lower), (name, panel) in zip(axes.T, panels.items(), strict=True):
            _draw(upper, lower, panel, name)
        axes[0, 0].set_ylabel("share that is right")
        axes[1, 0].set_ylabel("how many")
        ending = path.suffix.lower()
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=ending[1:], metadata=_METADATA[ending])


def _draw(upper: "Axes", lower: "Axes", panel: Reliability, name: str) -> None:
    colour = _COLOURS[name]
    error = panel.expected_calibration_error
    said = "" if error is None else f"\nexpected calibration error {error:.4f}"
    upper.set_title(f"{panel.count:,} {name}{said}")
    upper.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle="--")
    bins = [b for b in panel.bins if b.count]
    points = [(b.confidence, b.accuracy) for b in bins]
    upper.plot(*np.array(points).reshape(-1, 2).T, color=colour, linewidth=0.8, marker="o", markersize=3)
    upper.set(xlim=(0, 1), ylim=(-0.02, 1.02))
    lower.set_yscale("log")  # nearly all are in the last bin
    lower.bar(
        [b.start for b in bins],
        [b.count for b in bins],
        [b.end - b.start for b in bins],
        align="edge",
        color=colour,
        edgecolor="white",
        linewidth=0.5,
    )
    most = max(b.count for b in panel.bins)
    powers = [10**i for i in range(len(str(most)))]
    lower.set_ylim(0.5, 2 * max(most, 1))
    lower.set_yticks(powers, [f"{n:,}" for n in powers])
    lower.minorticks_off()
    lower.set_xlabel("confidence")
    for axis in (upper, lower):
        axis.grid(True, linewidth=0.3)
        axis.set_axisbelow(True)
