"""A comparison of runs as tables of text, and as one self-contained HTML file."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from windowclf.evaluation import ALPHA, LEVEL
from windowclf.runs.compare import Difference, RunComparison, Spread, System

SCORE_NAMES = {
    "f1": "entity F1",
    "precision": "precision",
    "recall": "recall",
    "token_accuracy": "token accuracy",
    "seen": "on seen words",
    "unseen": "on unseen words",
}
TEST_COLUMNS = (f"{100 * LEVEL:g} % from", "to", "p", "p (Holm)", "p of seeds", "clear")
CLEAR = (
    f"clear: p is below {ALPHA} after Holm's correction over this table, and zero is outside the interval."
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(comparison: RunComparison) -> list[Table]:
    """Return the tables of a comparison: scores, settings, differences from the baseline (per cent), runs."""
    c = comparison
    tables = [_score_table(c)]
    if names := list(c.systems[0].settings):
        rows = tuple((s.name, *(_setting(s.settings[name]) for name in names)) for s in c.systems)
        tables.append(Table("What differs", ("system", *names), rows))
    if c.differences:
        columns = ("system", "difference", *TEST_COLUMNS, "runs")
        title = f"{SCORE_NAMES[c.score]} against {c.baseline}, on {c.n_sentences:,} sentences"
        tables.append(Table(title, columns, tuple(map(_difference_row, c.differences))))
    if any(len(system.runs) > 1 for system in c.systems):
        rows = tuple(
            (system.name, str(seed), run)
            for system in c.systems
            for seed, run in zip(system.seeds, system.runs, strict=True)
        )
        tables.append(Table("Runs", ("system", "seed", "run"), rows))
    return tables


def notes_of(comparison: RunComparison) -> list[str]:
    """Return notes on the tables, a sentence or two each."""
    c = comparison
    notes = [f"{run}: this training was interrupted." for run in c.interrupted]
    if any(len(system.runs) > 1 for system in c.systems):
        notes.append("±: the standard deviation over seeds.")
    if c.differences:
        notes.append(CLEAR)
        notes.append("p: approximate randomisation over sentences; the interval is for seeds and sentences.")
    if any(difference.n_runs == 1 for difference in c.differences):
        notes.append(
            "With one run of each, the interval covers sentences only: another seed may give another result."
        )
    return notes


def html_of(comparison: RunComparison) -> str:
    """Return the comparison as an HTML page, the same for the same comparison."""
    parts = [*map(table_html, tables_of(comparison)), *map(paragraph, notes_of(comparison))]
    return page_of("Comparison of runs", parts)


def _score_table(c: RunComparison) -> Table:
    names = list(dict.fromkeys(name for system in c.systems for name in system.scores))
    dev = () if c.dev is None else (f"dev {SCORE_NAMES[c.score]}",)
    on = f", on {c.n_sentences:,} sentences" if c.n_sentences is not None else ""
    of_dev = f"; dev: {c.dev}" if c.dev is not None else ""

    def row(system: System) -> tuple[str, ...]:
        of_data = (_spread(system.scores.get(name)) for name in names)
        return system.name, str(len(system.runs)), *(_spread(system.dev) for _ in dev), *of_data

    return Table(
        f"Scores in per cent{on}, best first{of_dev}",
        ("system", "runs", *dev, *(SCORE_NAMES[name] for name in names)),
        tuple(map(row, c.systems)),
    )


def _difference_row(d: Difference) -> tuple[str, ...]:
    seeds = "–" if d.seeds_p_value is None else f"{d.seeds_p_value:.4f}"
    rates = (f"{100 * value:+.2f}" for value in (d.difference, d.low, d.high))
    runs = f"{d.n_runs} paired by seed" if d.is_paired else f"{d.n_runs} each"
    clear = "yes" if d.is_clear else "no"
    return d.system, *rates, f"{d.p_value:.4f}", f"{d.corrected:.4f}", seeds, clear, runs


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "–"
    mean = f"{100 * spread.mean:.2f}"
    return mean if spread.deviation is None else f"{mean} ± {100 * spread.deviation:.2f}"


def _setting(value: object) -> str:
    if value is None or value == "":
        return "–"
    return str(list(value) if isinstance(value, tuple) else value)


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:0 0 2em}"
    "caption{text-align:left;font-weight:bold;padding:.3em 0}"
    "th,td{text-align:left;padding:.3em .8em;border-bottom:1px solid #8888;vertical-align:top}"
    "div{overflow-x:auto}"
)


def page_of(title: str, parts: Iterable[str], *, style: str = "") -> str:
    """Return a page: its title, as its first heading too, and parts of HTML; `style` adds to the CSS."""
    head = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head>",
        f"<body><h1>{escape(title)}</h1>",
    ]
    return "\n".join([*head, *parts, "</body></html>", ""])


def table_html(table: Table) -> str:
    """Return a table as HTML, which scrolls where it is wider than the page."""
    parts = [
        f"<div><table><caption>{escape(table.title)}</caption>",
        f"<thead>{_row(table.columns, 'th')}</thead><tbody>",
        *(_row(row, "td") for row in table.rows),
        "</tbody></table></div>",
    ]
    return "\n".join(parts)


def paragraph(text: str) -> str:
    """Return text as a paragraph of HTML."""
    return f"<p>{escape(text)}</p>"


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
