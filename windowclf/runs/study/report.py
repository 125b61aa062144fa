"""The tuning study for readers: its tables, and one HTML file that needs no network and no script.

Scores and differences are in per cent.
"""

import json
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain
from typing import Any

from windowclf.evaluation import LEVEL, check_matplotlib
from windowclf.inspection import DRIFT_COLUMNS, WordDrift, drift_row
from windowclf.runs.report import CLEAR, SCORE_NAMES, TEST_COLUMNS, Table, page_of, paragraph, table_html
from windowclf.runs.study.figures import (
    draw_carrying,
    draw_differences,
    draw_drift,
    draw_learning_curves,
    size_name,
)
from windowclf.runs.study.results import Gap, Point, SizeDrift, Slice, StudyResults

_NEIGHBOURS = 5  # of a word that are named
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
    """Raise WindowClfError if matplotlib, which draws the report, is not installed."""
    check_matplotlib("the report")


def study_html(results: StudyResults) -> str:
    """Return the report as an HTML page, the same for the same results and version of matplotlib."""
    check_report()
    title = f"Frozen or tuned vectors? {score_name(results)} after training on {results.train.name}"
    return page_of(title, _parts(results), style=_STYLE)


def study_tables(results: StudyResults) -> list[Table]:
    """Return the scores by mode and size, and the tests."""
    return [score_table(results), comparison_table(results)]


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
        draw_learning_curves(r),
        f"Learning curves: {SCORE_NAMES[r.score]} by words of training for each mode; the numbers are in the "
        "tables of scores and of slices",
        f"{bars if r.seeds > 1 else ''}Modes are shifted a little sideways to tell them apart.",
    )
    yield table_html(score_table(r))
    yield from _folded("Scores of each seed", seed_tables(r))


def _tests(r: StudyResults) -> Iterator[str]:
    baseline = next(iter(r.modes))
    yield f"<h2>Differences from {escape(baseline)}</h2>"
    yield _figure(
        draw_differences(r),
        f"Differences from {baseline} with intervals by mode and size; the numbers are in the tables of "
        "tests and of slices",
        f"Right of zero a mode is better than {baseline}. Lines are {100 * LEVEL:g} % intervals. On the "
        "whole test data, filled markers are clear differences and hollow ones are not; differences on "
        "slices were not tested.",
    )
    yield table_html(comparison_table(r))
    yield paragraph(CLEAR)
    yield paragraph(
        "p: approximate randomisation over sentences with the seeds pooled; p of seeds: Wilcoxon's signed "
        "ranks over 10 seeds or more; the interval is for seeds and sentences together."
    )


def _slices(r: StudyResults) -> Iterator[str]:
    yield "<h2>Slices of the test data</h2>"
    yield paragraph(
        "Scores in per cent, means over seeds; in brackets and under “true ones”, how many true labels or "
        "entities of the test data are in the slice. An entity is in the slice of its least known word."
    )
    headings = {
        "training": "Words that training read, and others",
        "vectors": "Words whose vector training read, in any spelling, and others",
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
            draw_drift(drift),
            f"Scatter of {len(drift.projected)} words before and after training on {size}",
            "Vectors on the first two principal components of those shown. Labels in italics are at the old "
            "position, the others at the new one; words that hardly moved have one label.",
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
        draw_carrying(r),
        f"{SCORE_NAMES[r.score]} on dev by strength, for each way of carrying; the numbers are in the table",
        f"Mean over seeds on {r.dev.name}. With nothing carried, it is the tuned model.",
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
    """Return an SVG file as a part of the page: without its metadata, with a label for screen readers."""
    opening, rest = svg[svg.index("<svg") :].split(">", 1)
    box = opening.split('viewBox="')[1].split('"')[0]
    metadata_end = rest.index("</metadata>") + len("</metadata>")
    drawn = rest[metadata_end:].replace(' xlink:href="#', ' href="#')
    return (
        f'<figure><svg viewBox="{box}" role="img" aria-label="{escape(label)}">{drawn}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


# -- tables ------------------------------------------------------------------------------------------


def score_table(results: StudyResults) -> Table:
    """Return the mean over seeds with its interval, a row per mode and a column per size."""
    title = f"{score_name(results)} in per cent on {results.test.name}, by words of training"
    if results.seeds > 1:
        title += f"; mean of {results.seeds} seeds ± half of its {100 * LEVEL:g} % interval"

    def cell(point: Point) -> str:
        mean = f"{100 * point.mean:.2f}"
        if point.low is None or point.high is None:
            return mean
        return f"{mean} ± {100 * (point.high - point.low) / 2:.2f}"

    rows = ((mode, *(cell(results.point(size, mode)) for size in results.sizes)) for mode in results.modes)
    return Table(title, ("mode", *(size_name(results, size) for size in results.sizes)), tuple(rows))


def seed_tables(results: StudyResults) -> list[Table]:
    """Return the scores of each seed, on test and on dev."""
    parts = [(results.test.name, "scores"), (results.dev.name, "dev_scores")]
    return [
        Table(
            f"{score_name(results)} in per cent on {name}, seed by seed",
            ("training data", "mode", *(str(seed) for seed in range(results.seeds))),
            tuple(
                (size_name(results, p.size), p.mode, *(f"{100 * score:.2f}" for score in getattr(p, which)))
                for p in results.points
            ),
        )
        for name, which in parts
    ]


def comparison_table(results: StudyResults) -> Table:
    """Return the family of comparisons, one per row."""
    title = f"Difference from {_baseline(results)} on all of {results.test.name}, in percentage points"
    columns = ("training data", "mode", "difference", *TEST_COLUMNS)
    rows = (
        (
            size_name(results, test.size),
            test.mode,
            *_per_cent(test.gap),
            f"{test.p_value:.4f}",
            f"{test.corrected:.4f}",
            "–" if test.seeds_p_value is None else f"{test.seeds_p_value:.4f}",
            "yes" if test.is_clear else "no",
        )
        for test in results.tests
    )
    return Table(title, columns, tuple(rows))


def gap_tables(results: StudyResults, group: str) -> list[Table]:
    """Return scores and differences from the baseline on slices: a table per size, a row per mode."""
    tables = []
    for size in results.sizes:
        points = [results.point(size, mode) for mode in results.modes]
        names = _filled(points, group)
        against = f"against {_baseline(results)}"
        columns = chain.from_iterable((f"{name} ({count:,.0f})", against) for name, count in names.items())
        rows = tuple(
            (p.mode, *chain.from_iterable(_slice_cells(p.slices[group].get(name)) for name in names))
            for p in points
        )
        tables.append(Table(size_name(results, size), ("mode", *columns), rows))
    return tables


def slice_tables(results: StudyResults, group: str) -> list[Table]:
    """Return scores on slices: a table per size, a row per slice and a column per mode."""
    tables = []
    for size in results.sizes:
        points = [results.point(size, mode) for mode in results.modes]
        rows = tuple(
            (name, f"{count:,.0f}", *(_slice_cells(p.slices[group].get(name))[0] for p in points))
            for name, count in _filled(points, group).items()
        )
        tables.append(Table(size_name(results, size), (group, "true ones", *results.modes), rows))
    return tables


def drift_tables(drift: SizeDrift) -> list[Table]:
    """Return the words that moved furthest and those most stranded, as `windowclf vectors drift` does."""
    lists = {"Moved furthest": drift.furthest, "Stranded, worst first": drift.most_stranded}

    def row(word: WordDrift) -> tuple[str, ...]:
        now = ", ".join(f"{n.word} {n.after:.2f}" for n in word.nearest_after[:_NEIGHBOURS])
        return *drift_row(word, _NEIGHBOURS), now

    return [Table(title, DRIFT_COLUMNS, tuple(map(row, words))) for title, words in lists.items() if words]


def carrying_table(results: StudyResults) -> Table:
    """Return what was tried on dev to carry movement over."""
    rows = tuple(
        (size_name(results, t.size), t.method, f"{t.strength:g}", f"{100 * t.dev_score:.2f}", str(t.chosen))
        for t in results.carrying
    )
    title = f"{score_name(results)} in per cent on {results.dev.name}, mean over seeds"
    return Table(title, ("training data", "method", "strength", "score", "best for seeds"), rows)


def score_name(results: StudyResults) -> str:
    """Return the name of the score, capitalised."""
    name = SCORE_NAMES[results.score]
    return name[0].upper() + name[1:]


def _baseline(results: StudyResults) -> str:
    return next(iter(results.modes))


def _filled(points: Iterable[Point], group: str) -> dict[str, float]:
    """Return the non-empty slices of a group and how many true ones they have."""
    counts: dict[str, float] = {}
    for point in points:
        for name, part in point.slices.get(group, {}).items():
            counts[name] = max(counts.get(name, 0), part.count)
    return {name: count for name, count in counts.items() if count}


def _slice_cells(part: Slice | None) -> tuple[str, str]:
    if part is None or not part.count:
        return "–", "–"
    score, gap = f"{100 * part.score:.2f}", part.gap
    if gap is None:
        return score, "–"
    difference, low, high = _per_cent(gap)
    return score, f"{difference} ({low} to {high})"


def _per_cent(gap: Gap) -> tuple[str, ...]:
    return tuple(f"{100 * value:+.2f}" for value in (gap.difference, gap.low, gap.high))
