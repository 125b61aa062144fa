"""The figures of the tuning study's report, as SVG files: the same bytes for the same results."""

from collections.abc import Iterable, Sequence
from itertools import product
from math import cos, hypot, nan, pi, sin
from typing import TYPE_CHECKING, Any

from windowclf.evaluation import draw_svg
from windowclf.runs.report import SCORE_NAMES
from windowclf.runs.study.modes import MODES
from windowclf.runs.study.results import Gap, Point, ProjectedWord, SizeDrift, StudyResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WIDTH = 9.0  # inches: a page of text
FONT_SIZE = 9.0
# after Okabe and Ito, for readers with any colour vision; brown replaces yellow, which is hard to see
_COLOURS = "#000000 #d55e00 #e69f00 #a6611a #56b4e9 #0072b2 #009e73 #888888 #cc79a7".split()
_MARKERS = "os^vDPXd*"
_LINES = "- - -- -. -- -. - : -".split()
_SLICES = ("seen", "vector never read", "unseen with a vector")
_TICKS = (0, 1, -1, 10, -10, 100, -100, 0.5, -0.5, 3, -3, 30, -30)  # of differences; the first ones first
_APART = 0.13  # of a panel's width, that labels of ticks are at least

_Point = tuple[float, float]
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


def draw_learning_curves(results: StudyResults) -> str:
    """Draw scores by the words of training, a line a mode, on all of the test data and on slices of it."""
    panels = [None, *_slices(results, _SLICES)]

    def draw(figure: "Figure") -> None:
        axes = list(figure.subplots(2, 2, sharex=True).flat)
        for axis, name in zip(axes, panels, strict=False):
            _draw_curves(axis, results, name)
        handles, labels = axes[0].get_legend_handles_labels()
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        if len(panels) < len(axes):
            axes[-1].legend(handles, labels, loc="center", frameon=False, handlelength=4)
        else:
            figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, handlelength=4)

    return draw_svg(draw, name="curves", width=WIDTH, height=7.5)


def draw_differences(results: StudyResults) -> str:
    """Draw the differences from the baseline with their intervals, a row of panels a size.

    On all of the test data, filled markers are clear differences; slices are not tested.
    """
    baseline, *modes = results.modes
    panels = [None, *_slices(results, _SLICES[:2])]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(len(results.sizes), len(panels), sharex=True, sharey=True, squeeze=False)
        for size, row in zip(results.sizes, axes, strict=True):
            row[0].set_ylabel(size_name(results, size), fontweight="bold")
            for axis, name in zip(row, panels, strict=True):
                _draw_gaps(axis, results, size, name)
        for axis, name in zip(axes[0], panels, strict=True):
            axis.set_title(_panel_title(results, name))
        axes[0, 0].set_yticks(range(len(modes)), modes)
        axes[0, 0].set_ylim(len(modes) - 0.5, -0.5)
        cells = product(results.sizes, panels)
        gaps = [gap for size, name in cells for gap in _gaps(results, size, name).values()]
        _scale_differences(axes[0, 0], 100 * min(g.low for g in gaps), 100 * max(g.high for g in gaps))
        unit = f"percentage points of {SCORE_NAMES[results.score]}"
        figure.supxlabel(f"difference from {baseline} ({unit}; logarithmic beyond ±1)", fontsize=FONT_SIZE)

    height = 0.9 + len(results.sizes) * (0.3 + 0.2 * len(modes))
    return draw_svg(draw, name="differences", width=WIDTH, height=height)


def draw_carrying(results: StudyResults) -> str:
    """Draw the dev score by the strength with which movement is carried over, a panel a size."""
    sizes = [size for size in results.sizes if any(trial.size == size for trial in results.carrying)]
    methods = list(dict.fromkeys(trial.method for trial in results.carrying if trial.strength))
    n_rows = -(-len(sizes) // 2)

    def draw(figure: "Figure") -> None:
        axes = list(figure.subplots(n_rows, 2, squeeze=False).flat)
        for axis, size in zip(axes, sizes, strict=False):
            for trial in results.carrying:
                if trial.size == size and not trial.strength:
                    axis.axhline(100 * trial.dev_score, color="black", linewidth=1, label="nothing carried")
            for i, method in enumerate(methods):
                trials = [t for t in results.carrying if (t.size, t.method) == (size, method)]
                axis.plot(
                    [trial.strength for trial in trials],
                    [100 * trial.dev_score for trial in trials],
                    color=_COLOURS[i + 5],
                    marker=_MARKERS[i],
                    linestyle=_LINES[i + 1],
                    label=method,
                )
            axis.set(title=size_name(results, size), xlabel="strength")
            axis.set_ylabel(f"{SCORE_NAMES[results.score]} on dev (%)")
            axis.set_xlim(0, 1.04)
            axis.ticklabel_format(axis="y", useOffset=False)
            axis.grid(True, linewidth=0.3)
        for axis in axes[len(sizes) :]:
            axis.set_axis_off()
        # at a size where nothing moved there may be nothing to carry
        handles, labels = max((axis.get_legend_handles_labels() for axis in axes), key=lambda of: len(of[1]))
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)

    return draw_svg(draw, name="carrying", width=WIDTH, height=0.4 + 2.6 * n_rows)


def size_name(results: StudyResults, size: str) -> str:
    """Return a size as the number of training words."""
    words = next(point.words for point in results.points if point.size == size)
    return f"{words:,} words" + (" (all)" if size == "all" else "")


def _slices(results: StudyResults, names: Iterable[str]) -> list[str]:
    """Return those slices that are not empty."""
    parts = {name: [point.part(name) for point in results.points] for name in names}
    return [name for name, found in parts.items() if any(part and part.count for part in found)]


def _panel_title(results: StudyResults, name: str | None) -> str:
    return name or {"f1": "all entities", "token_accuracy": "all words"}[results.score]


def _draw_curves(axis: "Axes", results: StudyResults, name: str | None) -> None:
    """Draw a slice of the test data, or all of them (None)."""
    for i, mode in enumerate(results.modes):
        dodge = 1.025 ** (i - (len(results.modes) - 1) / 2)  # so that intervals stand side by side
        found = [
            (dodge * point.words, *_scores(point, name)) for point in results.points if point.mode == mode
        ]
        style = _style(mode)
        axis.plot(
            [x for x, *_ in found], [mean for _, mean, *_ in found], markersize=4.5, label=mode, **style
        )
        for x, _, low, high in found:
            axis.plot([x, x], [low, high], color=style["color"], linewidth=1)
    names = [size_name(results, size).replace(" words", "") for size in results.sizes]
    ticks = [next(p.words for p in results.points if p.size == size) for size in results.sizes]
    axis.set_xscale("log")
    axis.set_xticks(ticks, names, rotation=20, ha="right", rotation_mode="anchor")
    axis.minorticks_off()
    axis.set_xlim(min(ticks) / 1.5, 1.5 * max(ticks))
    bottom, top = axis.get_ylim()  # where few seeds differ much, intervals reach beyond all scores
    axis.set_ylim(max(bottom, 0), min(top, 100))
    axis.xaxis.set_tick_params(labelbottom=True)
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.set(title=_panel_title(results, name), xlabel="words of training (logarithmic)")
    axis.set_ylabel(f"{SCORE_NAMES[results.score]} (%)")
    axis.grid(True, linewidth=0.3)


def _scores(point: Point, name: str | None) -> tuple[float, float, float]:
    """Return score, low and high in per cent; NaN, which is not drawn, where there is none."""
    values: tuple[float | None, ...] = point.mean, point.low, point.high
    if name is not None:
        part = point.part(name)
        values = (part.score, part.low, part.high) if part and part.count else (None, None, None)
    mean, low, high = (nan if value is None else 100 * value for value in values)
    return mean, low, high


def _gaps(results: StudyResults, size: str, name: str | None) -> dict[str, Gap]:
    """Return the differences at a size by mode: of a slice, or of all test data (None)."""
    if name is None:
        return {test.mode: test.gap for test in results.tests if test.size == size}
    parts = {p.mode: p.part(name) for p in results.points if p.size == size}
    return {mode: part.gap for mode, part in parts.items() if part and part.count and part.gap}


def _draw_gaps(axis: "Axes", results: StudyResults, size: str, name: str | None) -> None:
    clear = {test.mode for test in results.tests if test.size == size and test.is_clear}
    modes = list(results.modes)[1:]
    for mode, gap in _gaps(results, size, name).items():
        y, style = modes.index(mode), _style(mode)
        colour, marker = style["color"], style["marker"] if name is None else "|"
        face = colour if mode in clear else "white"
        axis.plot([100 * gap.low, 100 * gap.high], [y, y], color=colour, linewidth=1.5)
        axis.plot(100 * gap.difference, y, marker, color=colour, markerfacecolor=face, markersize=6)
    axis.axvline(0, color="0.3", linewidth=0.8, zorder=1)
    axis.grid(True, axis="x", which="both", linewidth=0.3)
    axis.set_axisbelow(True)


def _scale_differences(axis: "Axes", lowest: float, highest: float) -> None:
    """Show small differences beside the large one of vectors drawn at random."""
    low, high = min(-1.1, 1.3 * lowest), max(1.1, 1.3 * highest)
    axis.set_xscale("symlog", linthresh=1, linscale=1.5)
    left, right, *positions = axis.xaxis.get_transform().transform([low, high, *_TICKS])
    ticks: dict[float, float] = {}
    for n, x in zip(_TICKS, positions, strict=True):
        is_free = all(abs(x - other) >= _APART * (right - left) for other in ticks.values())
        if low <= n <= high and is_free:
            ticks[n] = x
    axis.set_xticks(list(ticks), [f"{n:+g}".replace("-", "−") if n else "0" for n in ticks])
    axis.set_xticks([n for n in _TICKS if n not in ticks], minor=True)  # lines without labels
    axis.set_xlim(low, high)


def _style(mode: str) -> dict[str, Any]:
    """Return colour, marker and line style: the same in all studies."""
    i = list(MODES).index(mode)
    return {"color": _COLOURS[i], "marker": _MARKERS[i], "linestyle": _LINES[i]}


def draw_drift(drift: SizeDrift) -> str:
    """Draw words before training (hollow) and after it (filled), with an arrow where they moved."""

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        words = drift.projected
        points = [point for word in words for point in (word.before, word.after)]
        axis.plot(*zip(*points, strict=True), linestyle="")  # draws nothing, sets the limits
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
    """Label each word at both ends of its arrow, over as few points, arrows and labels as possible."""
    labels: list[tuple[str, _Point, dict[str, Any]]] = []
    taken: list[_Box] = []
    for word in words:
        before, after = (_in_points(axis, point) for point in (word.before, word.after))
        distance = hypot(after[0] - before[0], after[1] - before[1])
        labels.append((word.word, after, {"color": "black"}))
        if distance > _NEAR:
            labels.append((word.word, before, {"color": "0.4", "fontstyle": "italic"}))
        steps = int(distance / _STEP) + 1
        for i in range(steps + 1):  # along the arrow, the points at its ends larger
            x, y = (b + (a - b) * i / steps for b, a in zip(before, after, strict=True))
            half = 3 if i in (0, steps) else 1
            taken.append((x - half, y - half, x + half, y + half))
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


def _in_points(axis: "Axes", point: _Point) -> _Point:
    """Return a point of the axes in 1/72 inch from the lower left corner of the figure."""
    x, y = axis.transData.transform(point)
    return float(x) * 72 / axis.figure.dpi, float(y) * 72 / axis.figure.dpi


def _find_room(
    x: float, y: float, width: float, height: float, taken: Sequence[_Box], frame: tuple[_Point, _Point]
) -> tuple[_Point, _Box]:
    """Return the offset of a label from (x, y), and its box: the least overlap first, then the nearest."""

    def cost(box: _Box) -> float:
        covered = sum(_overlap(box, other) for other in taken)
        outside = width * height - _overlap(box, (*frame[0], *frame[1]))
        return round(covered + outside, 1)  # rounding noise must not decide between equals

    candidates = []
    for distance, turn in product(_DISTANCES, _TURNS):
        dx, dy = cos(turn) * (distance + width / 2), sin(turn) * (distance + height / 2)
        left, bottom = x + dx - width / 2, y + dy - height / 2
        candidates.append(((dx, dy), (left, bottom, left + width, bottom + height)))
    return min(candidates, key=lambda candidate: cost(candidate[1]))  # the first of equals


def _overlap(a: _Box, b: _Box) -> float:
    """Return the area that two boxes share."""
    across = min(a[2], b[2]) - max(a[0], b[0])
    along = min(a[3], b[3]) - max(a[1], b[1])
    return max(across, 0.0) * max(along, 0.0)
