"""The numbers of the tuning study as tables of text; scores and differences are in per cent."""

from collections.abc import Iterable

from windowclf.evaluation.significance import LEVEL
from windowclf.inspection.drift import WordDrift
from windowclf.runs.report import SCORE_NAMES, Table
from windowclf.runs.study.figures import size_name
from windowclf.runs.study.results import Gap, Point, SizeDrift, Slice, StudyResults

_NEIGHBOURS = 5  # of a word's that are named


def score_table(results: StudyResults) -> Table:
    """Return the mean over seeds with its interval, a row a mode and a column a size."""
    title = f"{score_name(results)} in per cent on {results.test.name}, by words of training"
    if results.seeds > 1:
        title += f"; mean of {results.seeds} seeds ± half of its {100 * LEVEL:g} % interval"

    def cell(point: Point) -> str:
        mean = f"{100 * point.mean:.2f}"
        if point.low is None or point.high is None:
            return mean
        return f"{mean} ± {100 * (point.high - point.low) / 2:.2f}"

    rows = ((mode, *(cell(results.point(size, mode)) for size in results.sizes)) for mode in results.modes)
    return Table(title, ("mode", *_size_names(results)), tuple(rows))


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


def test_table(results: StudyResults) -> Table:
    """Return the family of comparisons, one a row."""
    title = f"Difference from {_baseline(results)} on all of {results.test.name}, in percentage points"
    columns = ("training data", "mode", "difference", f"{100 * LEVEL:g} % from", "to")
    rows = (
        (
            size_name(results, test.size),
            test.mode,
            *(f"{100 * value:+.2f}" for value in (test.gap.difference, test.gap.low, test.gap.high)),
            f"{test.p_value:.4f}",
            f"{test.corrected:.4f}",
            "–" if test.seeds_p_value is None else f"{test.seeds_p_value:.4f}",
            "yes" if test.is_clear else "no",
        )
        for test in results.tests
    )
    return Table(title, (*columns, "p", "p (Holm)", "p of seeds", "clear"), tuple(rows))


def gap_tables(results: StudyResults, group: str) -> list[Table]:
    """Return scores and differences from the baseline on slices: a table a size, a row a mode."""
    tables = []
    for size in results.sizes:
        points = [results.point(size, mode) for mode in results.modes]
        names = _filled(points, group)
        columns = [
            title
            for name, count in names.items()
            for title in (f"{name} ({count:,.0f})", f"against {_baseline(results)}")
        ]
        rows = tuple(
            (p.mode, *(cell for name in names for cell in _slice_cells(p.slices[group].get(name))))
            for p in points
        )
        tables.append(Table(size_name(results, size), ("mode", *columns), rows))
    return tables


def slice_tables(results: StudyResults, group: str) -> list[Table]:
    """Return scores on slices: a table a size, a row a slice and a column a mode."""
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
    """Return the words that moved furthest, and those most stranded, as `windowclf vectors drift` does."""
    columns = ("word", "read", "moved", "cosine", "stranded", "nearest before (cosine now)", "nearest now")
    lists = {"Moved furthest": drift.furthest, "Stranded, worst first": drift.most_stranded}
    return [Table(title, columns, tuple(map(_drift_row, words))) for title, words in lists.items() if words]


def carrying_table(results: StudyResults) -> Table:
    """Return what was tried on dev to carry movement over."""
    rows = tuple(
        (
            size_name(results, trial.size),
            trial.method,
            f"{trial.strength:g}",
            f"{100 * trial.dev_score:.2f}",
            str(trial.chosen),
        )
        for trial in results.carrying
    )
    title = f"{score_name(results)} in per cent on {results.dev.name}, mean over seeds"
    return Table(title, ("training data", "method", "strength", "score", "best for seeds"), rows)


def score_name(results: StudyResults) -> str:
    """Return what scores are, as a sentence begins."""
    name = SCORE_NAMES[results.score]
    return name[0].upper() + name[1:]


def _size_names(results: StudyResults) -> list[str]:
    return [size_name(results, size) for size in results.sizes]


def _baseline(results: StudyResults) -> str:
    return next(iter(results.modes))


def _filled(points: Iterable[Point], group: str) -> dict[str, float]:
    """Return the slices of a group that anything is in, and how many true ones, in the order of the first."""
    counts: dict[str, float] = {}
    for point in points:
        for name, part in point.slices.get(group, {}).items():
            counts[name] = max(counts.get(name, 0), part.count)
    return {name: count for name, count in counts.items() if count}


def _slice_cells(part: Slice | None) -> tuple[str, str]:
    if part is None or not part.count:
        return "–", "–"
    return f"{100 * part.score:.2f}", _gap(part.gap)


def _gap(gap: Gap | None) -> str:
    if gap is None:
        return "–"
    difference, low, high = (f"{100 * value:+.2f}" for value in (gap.difference, gap.low, gap.high))
    return f"{difference} ({low} to {high})"


def _drift_row(word: WordDrift) -> tuple[str, ...]:
    return (
        word.word,
        f"{word.count:,}",
        f"{word.relative:.3f}",
        f"{word.cosine:.3f}",
        f"{word.stranded:+.3f}",
        ", ".join(f"{n.word} {n.before:.2f} ({n.after:.2f})" for n in word.nearest_before[:_NEIGHBOURS]),
        ", ".join(f"{n.word} {n.after:.2f}" for n in word.nearest_after[:_NEIGHBOURS]),
    )
