"""The record of growth.py as tables and as a log-log plot."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from pages import machine_line, markdown_table, three_digits

OVER = {
    "corpus": "words of text",
    "vocabulary": "vectors of the model",
    "window": "words of the window",
    "labels": "labels",
}
TITLES = {"seconds": "time", "megabytes": "peak memory"}
UNITS = {"seconds": "s", "megabytes": "MB"}


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the exponent b of y = a x^b that fits best: least squares of the logarithms."""
    u, v = [math.log(value) for value in x], [math.log(value) for value in y]
    u_mean, v_mean = sum(u) / len(u), sum(v) / len(v)
    covariance = sum((a - u_mean) * (b - v_mean) for a, b in zip(u, v, strict=True))
    return covariance / sum((a - u_mean) ** 2 for a in u)


def medians(series: dict[str, Any], quantity: str) -> dict[int, float]:
    """Return the median of the runs at each value, ascending."""
    values = {int(n): median(run[quantity] for run in runs) for n, runs in series["runs"].items()}
    return dict(sorted(values.items()))


def series_over(record: dict[str, Any], over: str) -> list[dict[str, Any]]:
    """Return the series of a record that vary the same."""
    return [series for series in record["series"] if series["over"] == over]


def table(record: dict[str, Any], over: str) -> str:
    """Return a table: a line for each value, and two last lines with the slopes."""
    found = series_over(record, over)
    values = sorted({n for series in found for n in medians(series, "seconds")})
    kinds = [(series, quantity) for series in found for quantity in TITLES]
    titles = [OVER[over], *(f"{series['task']}, {UNITS[quantity]}" for series, quantity in kinds)]
    rows: list[list[str]] = [[f"{n:,}"] for n in values]
    slopes, ends = ["slope"], ["slope at the end"]
    for series, quantity in kinds:
        of_kind = medians(series, quantity)
        for row, n in zip(rows, values, strict=True):
            row.append(three_digits(of_kind[n]) if n in of_kind else "")
        x, y = list(of_kind), list(of_kind.values())
        slopes.append(f"{slope(x, y):.2f}")
        ends.append(f"{slope(x[-2:], y[-2:]):.2f}")
    return markdown_table(titles, [*rows, slopes, ends])


def tables(record: dict[str, Any]) -> str:
    """Return the tables of all that is varied, and what they were measured on."""
    base = record["base"]
    n_runs = len(next(iter(record["series"][0]["runs"].values())))
    parts = [table(record, over) for over in OVER if series_over(record, over)]
    parts.append(
        f"Where it is not varied: training on {base['corpus']:,} words, tagging {base['tagged_words']:,}, "
        f"{base['vocabulary']:,} vectors of {base['dimension']} numbers, a window of {base['window']}, "
        f"{base['labels']} labels. {100 * record['share_of_new_words']:.1f} % of the text is words that the "
        f"corpus does not have. Medians of {n_runs}, one thread. "
        f"Measured on: {machine_line(record['machine'])}."
    )
    return "\n\n".join(parts)


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw the record log-log, time above and memory below, as SVG; the same bytes for the same record."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    settings: dict[Any, Any] = {
        "svg.hashsalt": "windowclf",
        "svg.fonttype": "none",
        "font.size": 8.0,
        "legend.fontsize": 7.0,
    }
    colours = {
        "training": "#0072b2",
        "tagging": "#d55e00",
        "tagging spans": "#009e73",
        "first label": "#cc79a7",
    }
    markers = {"training": "o", "tagging": "s", "tagging spans": "^", "first label": "D"}
    overs = [over for over in OVER if series_over(record, over)]
    size = (3 * len(overs), 5.6)
    with pyplot.rc_context(settings):
        figure, axes = pyplot.subplots(
            len(TITLES), len(overs), figsize=size, sharey="row", squeeze=False, layout="constrained"
        )
        for row, quantity in zip(axes, TITLES, strict=True):
            for axis, over in zip(row, overs, strict=True):
                values: set[int] = set()
                for series in series_over(record, over):
                    of_kind, task = medians(series, quantity), series["task"]
                    values |= of_kind.keys()
                    x, y = list(of_kind), list(of_kind.values())
                    label = f"{task}, slope {slope(x, y):.2f}"
                    look = {"marker": markers[task], "markersize": 3, "color": colours[task]}
                    axis.loglog(x, y, label=label, **look)
                axis.set_xlabel(OVER[over])
                axis.minorticks_off()
                if max(values) < 1000:  # too few powers of ten to tell sizes by
                    axis.set_xticks(sorted(values), [str(n) for n in sorted(values)])
                axis.grid(True, which="major", linewidth=0.3)
            low, high = row[0].get_ylim()
            row[0].set_ylim(low, high * (high / low) ** 0.3)  # room for the legends
            row[0].set_ylabel(f"{TITLES[quantity]}, {UNITS[quantity]}")
            for axis in row:
                axis.legend(loc="upper left", frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    # matplotlib ends lines with blanks
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(f"{line.rstrip()}\n" for line in lines), encoding="utf-8")
