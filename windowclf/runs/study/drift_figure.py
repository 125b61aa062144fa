"""The drift scatter: where chosen words were before training and where they are after it."""

from collections.abc import Iterator, Sequence
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING, Any

from windowclf.evaluation.plots import draw_svg
from windowclf.runs.study.figures import FONT_SIZE, WIDTH
from windowclf.runs.study.results import ProjectedWord, SizeDrift

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_Place = tuple[float, float]
_Box = tuple[float, float, float, float]  # left, bottom, right, top

_READ, _NEVER_READ = "#0072b2", "#d55e00"
_LABEL_SIZE = 8.5
_LONGEST = 24  # letters of a label
# in points, 72 to the inch:
_NEAR = 4.0  # what moved less has one label
_STEP = 6.0  # along arrows, which labels avoid
_FAR = 9.0  # labels further away have a line to their point
_DISTANCES = (5.0, 8.0, 12.0, 18.0, 26.0, 36.0)  # of labels from their points, as tried
_TURNS = [pi * n / 4 for n in (0, 4, 2, 6, 1, 3, 5, 7)]
_LEADER = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 4, "shrinkB": 3}


def drift_scatter(drift: SizeDrift) -> str:
    """Draw words before training (hollow) and after it (filled), with an arrow where they moved."""

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        words = drift.projected
        places = [place for word in words for place in (word.before, word.after)]
        axis.plot(*zip(*places, strict=True), linestyle="")  # nothing: for the limits
        axis.margins(0.08)
        axis.set(xlabel="first principal component", ylabel="second principal component")
        axis.grid(True, linewidth=0.3)
        axis.set_axisbelow(True)
        for word in words:
            colour, marker = (_READ, "o") if word.count else (_NEVER_READ, "s")
            if word.before != word.after:
                arrow = {"arrowstyle": "-|>", "color": colour, "alpha": 0.5, "shrinkA": 3, "shrinkB": 3}
                axis.annotate("", word.after, word.before, arrowprops=arrow)
            axis.plot(*word.before, marker, color=colour, markerfacecolor="white", markersize=5)
            axis.plot(*word.after, marker, color=colour, markersize=5)
        _add_legend(figure, axis)
        figure.draw_without_rendering()  # so that the layout is known
        _label(axis, words)

    return draw_svg(draw, name=f"drift-{drift.size}", width=WIDTH, height=6.5)


def _add_legend(figure: "Figure", axis: "Axes") -> None:
    kinds = {
        "read in training: before it": ("o", _READ, "white"),
        "after it": ("o", _READ, _READ),
        "never read in training": ("s", _NEVER_READ, _NEVER_READ),
    }
    handles = [
        axis.plot([], [], marker, color=colour, markerfacecolor=face, label=name)[0]
        for name, (marker, colour, face) in kinds.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=FONT_SIZE)


def _label(axis: "Axes", words: Sequence[ProjectedWord]) -> None:
    """Write each word where it is and where it was, beside as many points, arrows and words as may be."""
    labels: list[tuple[str, _Place, dict[str, Any]]] = []
    taken: list[_Box] = []
    for word in words:
        before, after = (_in_points(axis, place) for place in (word.before, word.after))
        distance = hypot(after[0] - before[0], after[1] - before[1])
        labels.append((word.word, after, {"color": "black"}))
        if distance > _NEAR:
            labels.append((word.word, before, {"color": "0.4", "fontstyle": "italic"}))
        steps = int(distance / _STEP) + 1
        for i in range(steps + 1):  # along the arrow, the points at its ends larger
            x, y = (b + (a - b) * i / steps for b, a in zip(before, after, strict=True))
            taken.append(_box(x, y, 3 if i in (0, steps) else 1))
    frame = _in_points(axis, axis.viewLim.min), _in_points(axis, axis.viewLim.max)
    for name, (x, y), style in labels:
        name = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
        text = axis.annotate(
            name, (x, y), xycoords="figure points", fontsize=_LABEL_SIZE, ha="center", va="center", **style
        )
        text.set_in_layout(False)  # the layout is done
        extent = text.get_window_extent()
        width, height = (side * 72 / axis.figure.dpi for side in (extent.width, extent.height))
        offset, box = _find_room(x, y, width, height, taken, frame)
        taken.append(box)
        text.xyann = (x + offset[0], y + offset[1])
        if hypot(*offset) - width / 2 > _FAR:
            line = axis.annotate("", (x, y), text.xyann, xycoords="figure points", arrowprops=_LEADER)
            line.set_in_layout(False)


def _in_points(axis: "Axes", place: _Place) -> _Place:
    """Return where a place of the axes is, in points from the figure's lower left corner."""
    x, y = axis.transData.transform(place)
    return float(x) * 72 / axis.figure.dpi, float(y) * 72 / axis.figure.dpi


def _find_room(
    x: float, y: float, width: float, height: float, taken: Sequence[_Box], frame: tuple[_Place, _Place]
) -> tuple[_Place, _Box]:
    """Return where, from (x, y), the middle of a label goes, and its box: over least, then nearest."""

    def cost(box: _Box) -> float:
        covered = sum(_overlap(box, other) for other in taken)
        outside = width * height - _overlap(box, (*frame[0], *frame[1]))
        return round(covered + outside, 1)  # without the noise, by which none is the first of equals

    def candidates() -> Iterator[tuple[_Place, _Box]]:
        for distance in _DISTANCES:
            for turn in _TURNS:
                dx = cos(turn) * (distance + width / 2)
                dy = sin(turn) * (distance + height / 2)
                left, bottom = x + dx - width / 2, y + dy - height / 2
                yield (dx, dy), (left, bottom, left + width, bottom + height)

    tried = []
    for offset, box in candidates():
        tried.append((cost(box), offset, box))
        if tried[-1][0] == 0:
            break
    _, offset, box = min(tried, key=lambda candidate: candidate[0])  # the first of equals
    return offset, box


def _box(x: float, y: float, half: float) -> _Box:
    return x - half, y - half, x + half, y + half


def _overlap(a: _Box, b: _Box) -> float:
    """Return the area that two boxes share."""
    across = min(a[2], b[2]) - max(a[0], b[0])
    along = min(a[3], b[3]) - max(a[1], b[1])
    return max(across, 0.0) * max(along, 0.0)
