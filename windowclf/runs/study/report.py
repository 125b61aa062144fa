"""The tuning study for readers: one HTML file, which needs no network and no script."""

import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from windowclf.evaluation.plots import check_matplotlib
from windowclf.evaluation.significance import ALPHA, LEVEL
from windowclf.runs.report import SCORE_NAMES, Table, page_of, paragraph, table_html
from windowclf.runs.study.drift_figure import drift_scatter
from windowclf.runs.study.figures import carrying, differences, learning_curves, size_name
from windowclf.runs.study.results import SizeDrift, StudyResults
from windowclf.runs.study.tables import (
    carrying_table,
    drift_tables,
    gap_tables,
    score_name,
    score_table,
    seed_tables,
    slice_tables,
    test_table,
)

_STYLE = (
    ":root{color-scheme:light dark}"
    "table{font-size:.9em}"
    "td{font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".drift td{white-space:normal;min-width:4em}"
    "h2{margin-top:2em;border-bottom:2px solid #8888}"
    ".verdict{border-left:.4em solid #0072b2;padding:.1em 1.2em;background:#0072b21a;font-size:1.1em}"
    ".verdict h2{margin-top:.5em;border:0}"
    "figure{margin:1em 0 2em;padding:.8em;border:1px solid #8886;border-radius:.4em}"
    "figure{background:#fff;color:#000}"
    "figure svg{display:block;width:100%;height:auto}"
    "figcaption{padding:.8em .4em 0}"
    "summary{cursor:pointer;padding:.3em 0}"
    "pre,code{overflow-wrap:anywhere;white-space:pre-wrap}"
)


def check_report() -> None:
    """Refuse, before anything is computed, a report that could not be drawn.

    Raises
    ------
    WindowClfError
        If matplotlib is not installed.
    """
    check_matplotlib("the report")


def html_of(results: StudyResults) -> str:
    """Return the report as an HTML page, the same for the same results and version of matplotlib.

    Raises
    ------
    WindowClfError
        As `check_report` does.
    """
    check_report()
    title = f"Frozen or tuned vectors? {score_name(results)} after training on {results.train.name}"
    return page_of(title, _parts(results), style=_STYLE)


def tables_of(results: StudyResults) -> list[Table]:
    """Return the scores by mode and size, and the tests; in per cent."""
    return [score_table(results), test_table(results)]


def _parts(r: StudyResults) -> Iterator[str]:
    yield '<section class="verdict"><h2>Verdict</h2>'
    yield from map(paragraph, r.verdict)
    yield "</section>"
    yield from _compared(r)
    yield from _curves(r)
    yield from _tests(r)
    yield from _slices(r)
    if r.drift:
        yield "<h2>What tuning did to the vectors</h2>"
        for drift in r.drift:
            yield from _drift(r, drift)
    if r.carrying:
        yield from _carrying(r)
    yield from _provenance(r)


def _compared(r: StudyResults) -> Iterator[str]:
    yield "<h2>What was compared</h2>"
    yield table_html(Table("Modes", ("mode", "what it does"), tuple(r.modes.items())))
    corpora = {"training": r.train, "dev": r.dev, "test": r.test}
    rows = tuple((part, c.name, f"{c.sentences:,}", f"{c.words:,}") for part, c in corpora.items())
    yield table_html(Table("Data", ("part", "corpus", "sentences", "words"), rows))
    sizes = ", ".join(size_name(r, size) for size in r.sizes)
    seeds = "seed 0" if r.seeds == 1 else f"each of the seeds 0 to {r.seeds - 1}"
    yield paragraph(
        f"Sizes of the training data: {sizes}. At each of them every mode has a model of {seeds}. Pretrained "
        f"vectors: {r.vectors.name}, {r.vectors.words:,} words of {r.vectors.dimension} dimensions."
    )


def _curves(r: StudyResults) -> Iterator[str]:
    yield "<h2>Scores by the size of the training data</h2>"
    bars = f"Bars: {100 * LEVEL:g} % intervals of the mean over {r.seeds} seeds. "
    yield _figure(
        learning_curves(r),
        f"Learning curves: {SCORE_NAMES[r.score]} by words of training for each mode; the numbers are in the "
        "tables of scores and of slices",
        f"{bars if r.seeds > 1 else ''}Modes stand a little apart sideways, to be told from each other.",
    )
    yield table_html(score_table(r))
    yield from _folded("Scores of each seed", seed_tables(r))


def _tests(r: StudyResults) -> Iterator[str]:
    baseline = next(iter(r.modes))
    yield f"<h2>Differences from {escape(baseline)}</h2>"
    yield _figure(
        differences(r),
        f"Differences from {baseline} with intervals by mode and size; the numbers are in the tables of "
        "tests and of slices",
        f"Right of zero a mode is better than {baseline}. Lines are {100 * LEVEL:g} % intervals. On the "
        "whole test data, filled markers are clear differences and hollow ones are not; differences on "
        "slices were not tested.",
    )
    yield table_html(test_table(r))
    yield paragraph(
        f"clear: p is below {ALPHA} after Holm's correction over this table, and zero is outside the "
        "interval."
    )
    yield paragraph(
        "p is of approximate randomisation over sentences with the seeds pooled, p of seeds of Wilcoxon's "
        "signed ranks over 10 seeds or more; the interval holds for seeds and sentences together."
    )


def _slices(r: StudyResults) -> Iterator[str]:
    yield "<h2>Slices of the test data</h2>"
    yield paragraph(
        "Scores in per cent, means over seeds; in brackets and under “true ones” how many true labels or "
        "entities of the test data are in the slice. An entity is where the least known of its words is."
    )
    headings = {
        "training": "Words that training read, and others",
        "vectors": "Words whose vector training read, in whatever spelling, and others",
        "ambiguity": "Words that had one label in training, and words that had several",
    }
    for group, heading in headings.items():
        yield from _folded(heading, gap_tables(r, group), is_open=group == "training")
    yield from _folded("How often training read the word", slice_tables(r, "frequency"))
    yield from _folded("F1 of each label", slice_tables(r, "label"))


def _drift(r: StudyResults, drift: SizeDrift) -> Iterator[str]:
    size = size_name(r, drift.size)
    yield f"<h3>{escape(size)}</h3>"
    yield paragraph(
        f"Of {drift.looked_at:,} words, training read {drift.seen:,}. {drift.moved:,} moved, the median by "
        f"{drift.median_relative:.2f} of a vector's mean length. {drift.stranded:,} that training never read "
        f"were stranded: their neighbours moved away from them. The model is that of seed 0, {drift.model}."
    )
    if drift.projected:
        yield _figure(
            drift_scatter(drift),
            f"Scatter of {len(drift.projected)} words before and after training on {size}",
            "Vectors on the first two principal components of those shown. Labels in italics are where words "
            "were, the others where they are; words that hardly moved have one label.",
        )
    yield '<section class="drift">'
    yield from map(table_html, drift_tables(drift))
    yield "</section>"
    if drift.replaced:
        found = "; ".join(
            f"{of.mode}: of {of.places:,} labels {of.changed:,} change, and {of.right_after:,} are right "
            f"where {of.right_before:,} were"
            for of in drift.replaced
        )
        yield paragraph(
            f"Words of {r.test.name} that training read, each replaced by its stranded neighbour: {found}."
        )


def _carrying(r: StudyResults) -> Iterator[str]:
    yield "<h2>Carrying the movement over to words never read</h2>"
    yield _figure(
        carrying(r),
        f"{SCORE_NAMES[r.score]} on dev by strength, for each way of carrying; the numbers are in the table",
        f"Mean over seeds on {r.dev.name}. With nothing carried it is the tuned model.",
    )
    yield from _folded("What was tried", [carrying_table(r)])


def _provenance(r: StudyResults) -> Iterator[str]:
    yield "<h2>Configuration, hashes and versions</h2>"
    hashes = [(c.name, c.sha256) for c in (r.train, r.dev, r.test, r.vectors)]
    yield table_html(Table("SHA-256", ("corpus or vectors", "hash"), tuple(hashes)))
    yield table_html(Table("Versions", ("package", "version"), tuple(r.versions.items())))
    threads = "1 thread" if r.threads == 1 else f"{r.threads} threads"
    yield paragraph(f"Linear algebra had {threads} in each process.")
    settings = escape("\n".join(_settings(r.config)))
    yield f"<details><summary>Configuration that the modes change</summary><pre>{settings}</pre></details>"


def _settings(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name} = {json.dumps(value, ensure_ascii=False)}"


def _folded(summary: str, tables: Iterable[Table], *, is_open: bool = False) -> Iterator[str]:
    yield f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>"
    yield from map(table_html, tables)
    yield "</details>"


def _figure(svg: str, label: str, caption: str) -> str:
    """Return an SVG file as a part of the page: what only files need goes, and a label for readers comes."""
    opening, rest = svg[svg.index("<svg") :].split(">", 1)
    box = opening.split('viewBox="')[1].split('"')[0]
    metadata_end = rest.index("</metadata>") + len("</metadata>")
    drawn = rest[metadata_end:].replace(' xlink:href="#', ' href="#')
    return (
        f'<figure><svg viewBox="{box}" role="img" aria-label="{escape(label)}">{drawn}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
