"""docs/results.md, docs/data/results.json, README.md: tables of what accuracy.py and ablation.py measured."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from pages import ROOT, machine_line, markdown_table, three_digits, update_page

README = ROOT / "README.md"
PAGE, RECORD = ROOT / "docs" / "results.md", ROOT / "docs" / "data" / "results.json"
_COLUMNS = ("seeds", "p", "training, s", "words a second", "model, MB", "peak memory, MB")
_SIGNIFICANT = 0.05
SPACY_DEFAULT = 20_000  # steps, unless told otherwise


def comparison_tables(record: dict[str, Any]) -> str:
    """Return a table for each corpus, and what an ensemble gains."""
    return "\n\n".join(_comparison(corpus, section) for corpus, section in record.items())


def _comparison(corpus: str, section: dict[str, Any]) -> str:
    score = f"{section['score']}, {section['part']}"
    table = markdown_table([corpus, score, *_COLUMNS], map(_comparison_row, section["rows"]))
    steps = section["spacy_steps"]
    said = [
        f"{section['date']}; {machine_line(section['machine'])}; {section['sentences']:,} sentences.",
        *(f"{row['title']}: {_settings(row['settings'])}." for row in section["rows"] if _is_single(row)),
        *_gains(section["rows"]),
        *_calibrations(section["rows"]),
    ]
    if any(row["title"].startswith("spaCy") for row in section["rows"]):
        said.append(f"spaCy stops after {steps or SPACY_DEFAULT:,} steps at the latest.")
    if section["not_measured"]:
        said.append(f"Not measured: {', '.join(section['not_measured'])}.")
    return f"{table}\n\n{' '.join(said)}"


def _comparison_row(row: dict[str, Any]) -> list[str]:
    measured = ("seconds", "words_per_second", "model_megabytes", "megabytes")
    return [
        row["title"],
        spread(row["scores"]),
        str(row["seeds"]),
        p_text(row["p"]),
        *(three_digits(mean(row[key])) for key in measured),
    ]


def _is_single(row: dict[str, Any]) -> bool:
    return bool(row["kind"] == "single")


def _settings(settings: Sequence[str]) -> str:
    return ", ".join(f"`{setting}`" for setting in settings) or "the defaults"


def _gains(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say what each ensemble gains, and which share of it a network keeps that learns from it."""
    by_kind = {(row["of"], row["kind"]): mean(row["scores"]) for row in rows}
    said = []
    for name, kind in by_kind:
        if kind != "ensemble":
            continue
        gain = by_kind[name, "ensemble"] - by_kind[name, "single"]
        learnt = by_kind[name, "distilled"] - by_kind[name, "single"]
        share = f", {learnt / gain:.0%} of it" if gain > 0 < learnt else ""
        said.append(
            f"{name}: the ensemble gains {100 * gain:+.2f} points over the mean of single networks, "
            f"one that learns from it {100 * learnt:+.2f}{share}."
        )
    return said


def _calibrations(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say how far probabilities are from the shares that are right."""
    said = []
    for row in rows:
        kinds = []
        for kind in ("words", "entities"):
            errors = [error[kind] for error in row.get("calibration", []) if kind in error]
            if errors:
                kinds.append(f"of {kind} {mean(errors):.3f} (at most {max(errors):.3f})")
        if kinds:
            said.append(f"{row['title']}: expected calibration error {', '.join(kinds)}.")
    return said


def summary_table(record: dict[str, Any]) -> str:
    """Return a table with the scores alone: a row a system, a column a corpus."""
    scores = {
        corpus: {_unversioned(row): spread(row["scores"]) for row in section["rows"]}
        for corpus, section in record.items()
    }
    titles = dict.fromkeys(title for of_corpus in scores.values() for title in of_corpus)
    head = [f"{corpus}, {section['score']}, {section['part']}" for corpus, section in record.items()]
    rows = [[title, *(of_corpus.get(title, "") for of_corpus in scores.values())] for title in titles]
    return markdown_table(["", *head], rows) if record else ""


def _unversioned(row: dict[str, Any]) -> str:
    """Return the title of a row; of others without the version, which may be another for each corpus."""
    title = str(row["title"])
    return title.rpartition(" ")[0] if row["kind"] == "peer" else title


def _table_of_rows(record: dict[str, Any], head: str) -> str:
    """Return a table: a row a title, a column a corpus, each against the first row."""
    titles = dict.fromkeys(row["title"] for section in record.values() for row in section["rows"])
    cells = {corpus: _ablation_cells(section) for corpus, section in record.items()}
    columns = [head, *(f"{corpus}, {section['score']}" for corpus, section in record.items())]
    return markdown_table(
        columns, [[title, *(cells[corpus].get(title, "") for corpus in record)] for title in titles]
    )


def ablation_tables(record: dict[str, Any]) -> str:
    """Return one table: a row a change, a column a corpus."""
    said = [
        f"{corpus}, {section['date']}, seeds: {section['rows'][0]['seeds']}; {section['sentences']:,} "
        f"sentences, {section['epochs']} epochs; the configuration: {_settings(section['settings'])}."
        for corpus, section in record.items()
    ]
    machines = dict.fromkeys(machine_line(section["machine"]) for section in record.values())
    table = _table_of_rows(record, "change")
    return "\n\n".join([table, " ".join(said), "; ".join(machines) + "."]) if record else ""


def _ablation_cells(section: dict[str, Any]) -> dict[str, str]:
    base = mean(section["rows"][0]["scores"])
    cells = {}
    for row in section["rows"]:
        cells[row["title"]] = spread(row["scores"])
        if row["p"] is not None:
            mark = " *" if row["p"] < _SIGNIFICANT else ""
            cells[row["title"]] += f" ({100 * (mean(row['scores']) - base):+.2f}{mark})"
    return cells


def self_training_table(record: dict[str, Any]) -> str:
    """Return a table: a row for what is learnt from, a column a corpus."""
    said = [
        f"{corpus}, {section['date']}, seeds: {len(section['added'])}; of {section['sentences']:,} sentences "
        f"of the other corpora {mean(section['added']):,.0f} have an entity and no label below "
        f"{section['least']:g}; the configuration: {_settings(section['settings'])}."
        for corpus, section in record.items()
    ]
    return f"{_table_of_rows(record, 'learnt from')}\n\n{' '.join(said)}" if record else ""


def in_turn_table(record: dict[str, Any]) -> str:
    """Return a table: a row a system and corpus."""
    rows = [
        [
            corpus,
            row["title"],
            spread(row["scores"]),
            str(len(row["scores"])),
            " to ".join(f"{100 * end:.1f}" for end in row["interval"]),
            *(f"{mean(row[key]):.3f}" if key in row else "" for key in ("errors", "by_chance")),
        ]
        for corpus, section in record.items()
        for row in section["rows"]
    ]
    said = [
        f"{corpus}, {section['date']}, {section['turns']} turns; {machine_line(section['machine'])}; "
        f"the configuration: {_settings(section['settings'])}."
        for corpus, section in record.items()
    ]
    head = ["corpus", "", "entity F1", "seeds", "interval", "calibration error", "by chance alone"]
    return f"{markdown_table(head, rows)}\n\n{' '.join(said)}" if record else ""


def spread(scores: Sequence[float]) -> str:
    """Write mean and standard deviation of scores in [0, 1], in percent."""
    percent = [100 * score for score in scores]
    return f"{mean(percent):.2f}" + (f" ± {stdev(percent):.2f}" if len(percent) > 1 else "")


def p_text(p: float | None) -> str:
    """Write a p-value of 10,000 resamples."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "comparison": comparison_tables,
    "ablation": ablation_tables,
    "self-training": self_training_table,
    "in-turn": in_turn_table,
}


def update_results(
    name: str,
    measured: dict[str, Any],
    page: Path = PAGE,
    record: Path = RECORD,
    readme: Path = README,
) -> None:
    """Put sections by corpus into record and pages; corpora that were not measured now stay as they were."""
    kept: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    kept[name] = kept.get(name, {}) | measured
    record.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    update_page(name, TABLES[name](kept[name]), page)
    if name == "comparison":
        update_page("results", summary_table(kept[name]), readme)
