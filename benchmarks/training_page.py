"""The record of training_speed.py as tables."""

from statistics import median
from typing import Any

from pages import machine_line, markdown_table, three_digits
from service_page import spread
from training_peers import FORMS

# (tuned, D, H, sentences): the rows that the project sets itself targets for, windows a second over PyTorch's
TARGETS = {
    (True, 100, 300, 64): (1.6, 2.5),
    (True, 100, 300, 256): (2.0, 3.5),
    (False, 100, 300, 64): (1.3, 1.6),
    (False, 100, 300, 256): (1.5, 2.5),
}
ACCURACY_TARGET, MEMORY_TARGET = (0.6, 0.35), (350, 250)  # at most, and the aim


def rows_table(rows: list[dict[str, Any]], rates: dict[str, float]) -> str:
    """Return the table of speeds."""
    titles = [
        "vectors",
        "D",
        "H",
        "sentences",
        "fused, windows/s",
        "plain",
        "PyTorch",
        "fused ÷ PyTorch",
        "at least, aim",
        "fused ÷ plain",
        "of sgemm",
        "of copying",
    ]
    lines = []
    for row in rows:
        key = (row["tuned"], row["D"], row["H"], row["sentences"])
        lines.append(
            (
                "tuned" if row["tuned"] else "frozen",
                *key[1:],
                *(three_digits(median(row["windows_per_second"][form])) for form in FORMS),
                spread(row["over_torch"]),
                "{}, {}".format(*TARGETS[key]) if key in TARGETS else "",
                f"{median(row['over_plain']):.2f}",
                f"{row['gflops'] / rates['sgemm_gflops']:.0%}",
                f"{row['gathered_gb'] / rates['copy_gb']:.0%}",
            )
        )
    return markdown_table(titles, lines)


def tables(record: dict[str, Any]) -> str:
    """Return the tables of speeds and of where the time goes, and what they were measured on."""
    rates, n_turns = record["rates"], len(record["rows"][0]["over_torch"])
    parts = [
        rows_table(record["rows"], rates),
        f"Medians; the ratio to PyTorch with the least and the greatest of {n_turns} turns. "
        f"{record['threads']} threads. The product of large float32 matrices does "
        f"{rates['sgemm_gflops']:.0f} GFLOP/s, copying large arrays moves {rates['copy_gb']:.1f} GB/s. "
        f"Measured on: {machine_line(record)}.",
    ]
    if rest := _rest(record):
        parts.append(rest)
    if "profile" in record:
        parts.append(_profile(record["profile"]))
    return "\n\n".join(parts)


def _rest(record: dict[str, Any]) -> str:
    rows = []
    if accuracy := record.get("accuracy"):
        title = f"EWT to {accuracy['accuracy']:.1%} on dev: wall time ÷ PyTorch's"
        rows.append((title, spread(accuracy["shares"]), *ACCURACY_TARGET))
    if memory := record.get("peak_memory_mb"):
        rows.append(("peak memory, EWT, 400,000 × 50 vectors frozen, MB", f"{memory:.0f}", *MEMORY_TARGET))
    return markdown_table(("what", "found", "at most", "aim"), rows) if rows else ""


def _profile(profile: dict[str, dict[str, float]]) -> str:
    rows = []
    for title in next(iter(profile.values())):
        row = [title]
        for spent in profile.values():
            share = spent[title] / sum(spent.values())
            row += [f"{1e9 * spent[title]:,.0f}", f"{100 * share:.0f}"]
        rows.append(row)
    titles = [cell for name in profile for cell in (f"{name}, ns a window", "% of the time")]
    return markdown_table(("fused, forward and backward", *titles), rows)
