"""Write the tables and figures of docs/tuning-study.md from results of `windowclf experiment tuning`.

    python docs/make_tuning_study.py ewt=DIR wnut17=DIR brown=DIR   # copies results, writes the page
    python docs/make_tuning_study.py                                # writes the page

The text between `<!-- NAME -->` and `<!-- /NAME -->` is replaced; the rest of the page is written by hand.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from windowclf.errors import DataError
from windowclf.files import read_json, write_text
from windowclf.runs import (
    RESULTS,
    TIMINGS,
    TUNED,
    StudyResults,
    Table,
    comparison_table,
    draw_carrying,
    draw_differences,
    draw_drift,
    draw_learning_curves,
    gap_tables,
    read_results,
    score_table,
)

PAGE = Path(__file__).with_name("tuning-study.md")
SLICES = {
    "training": "Words that occur in training, and others",
    "vectors": "Words whose vector training read in any spelling, and others",
}
FOLDER = Path(__file__).with_name("data") / "tuning-study"


def copy_results(name: str, directory: Path) -> None:
    """Copy the results of a study to docs/data, and draw its figures."""
    results = read_results(directory / RESULTS)
    write_text(FOLDER / f"{name}.json", msgspec.json.encode(results).decode() + "\n")
    timings = read_json(directory / TIMINGS)
    hours = {"training_hours": round(timings["training_seconds"] / 3600, 2)}
    write_text(FOLDER / f"{name}-timings.json", msgspec.json.encode(hours).decode() + "\n")
    for kind, figure in figures(results).items():
        write_text(FOLDER / f"{name}-{kind}.svg", figure)


def figures(results: StudyResults) -> dict[str, str]:
    """Return the figures of a study by their kind."""
    found = {"curves": draw_learning_curves(results), "differences": draw_differences(results)}
    if results.drift:
        found["drift"] = draw_drift(results.drift[-1])
    if results.carrying:
        found["carrying"] = draw_carrying(results)
    return found


def page(text: str) -> str:
    """Return the page with the text between its markers replaced."""
    for path in sorted(FOLDER.glob("*.json")):
        if path.stem.endswith("-timings"):
            continue
        begin, end = f"<!-- {path.stem} -->\n", f"<!-- /{path.stem} -->"
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise DataError("the page has no place for this study", where=str(PAGE), allowed=begin + end)
        text = before + begin + "\n".join(section(path.stem)) + "\n" + end + after
    return text


def section(name: str) -> Iterable[str]:
    """Yield the text about a study."""
    results = read_results(FOLDER / f"{name}.json")
    hours = read_json(FOLDER / f"{name}-timings.json")["training_hours"]
    yield (
        f"{results.train.name}: {results.train.sentences:,} sentences, {results.train.words:,} words; "
        f"{results.test.name}: {results.test.words:,} words. Vectors: {results.vectors.name}. "
        f"{results.seeds} seeds; {hours:.1f} hours of training on one core.\n"
    )
    yield from (f"- {sentence}" for sentence in results.verdict)
    yield ""
    yield from markdown(score_table(results))
    yield f"![Learning curves](data/tuning-study/{name}-curves.svg)\n"
    yield from markdown(comparison_table(results))
    yield f"![Differences from frozen](data/tuning-study/{name}-differences.svg)\n"
    for group, title in SLICES.items():
        yield f"**{title}**; in brackets the number of test words, on average\n"
        for table in gap_tables(results, group):
            yield from markdown(table)
    for drift in results.drift:
        counts = "; ".join(
            f"{replaced.mode}: {replaced.changed:,} of {replaced.places:,} labels change, "
            f"{replaced.right_before:,} were correct before and {replaced.right_after:,} after"
            for replaced in drift.replaced
        )
        words = results.point(drift.size, TUNED).words
        yield (
            f"Drift at {words:,} words: {drift.moved:,} words moved, half of them "
            f"by {drift.median_relative:.2f} of the mean length of a vector or more; {drift.stranded:,} "
            f"words were stranded. Words replaced by stranded neighbours: {counts or 'none'}.\n"
        )
    for kind, title in (("drift", "Chosen words before and after"), ("carrying", "Carrying over, on dev")):
        if (FOLDER / f"{name}-{kind}.svg").is_file():
            yield f"![{title}](data/tuning-study/{name}-{kind}.svg)\n"


def markdown(table: Table) -> Iterable[str]:
    """Yield the lines of a table."""
    yield f"**{table.title}**\n"
    yield f"| {' | '.join(table.columns)} |"
    yield "|---" + "|---:" * (len(table.columns) - 1) + "|"
    yield from (f"| {' | '.join(row)} |" for row in table.rows)
    yield ""


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        name, _, directory = argument.partition("=")
        copy_results(name, Path(directory))
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8")))
