"""The records of service.py and service_strain.py as tables."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from pages import ROOT, machine_line, markdown_table, three_digits, update_page
from serving import BATCH, N_TOKENS

SPEED, STRAIN = "service", "service under strain"  # the marks of the page
RECORDS = {
    SPEED: ROOT / "docs" / "data" / "service.json",
    STRAIN: ROOT / "docs" / "data" / "service-strain.json",
}


def spread(values: Sequence[float]) -> str:
    """Write a median, with the least and the greatest."""
    return f"{three_digits(median(values))} ({three_digits(min(values))}–{three_digits(max(values))})"


def of_service(record: dict[str, Any], kind: str, name: str, connections: int, key: str) -> list[float]:
    """Return what was measured of a service, run by run."""
    return [
        run[key]
        for run in record["runs"]
        if (run["kind"], run["service"], run["connections"]) == (kind, name, connections)
    ]


def speed_tables(record: dict[str, Any]) -> str:
    """Return the tables of short requests and of long ones, and what they were measured on."""
    singles = sorted({(r["connections"], r["service"]) for r in record["runs"] if r["kind"] == "single"})
    rows = []
    for n, name in singles:
        rates, p99 = (of_service(record, "single", name, n, key) for key in ("a_second", "p99"))
        idle = [of_service(record, "single", "nothing", n, key) for key in ("a_second", "p99")]
        ratios = [
            f"{median([a / b for a, b in zip(mine, others, strict=True)]):.2f}"
            for mine, others in zip((rates, p99), idle, strict=True)
        ]
        p50 = of_service(record, "single", name, n, "p50")
        rows.append([n, name, spread(rates), spread(p50), spread(p99), *ratios])
    columns = [
        "connections",
        "service",
        "requests/s",
        "p50, ms",
        "p99, ms",
        "rate ÷ nothing's",
        "p99 ÷ nothing's",
    ]
    batches = sorted({(r["service"], r["connections"]) for r in record["runs"] if r["kind"] == "batch"})
    words = [
        [name, spread([BATCH * N_TOKENS * rate for rate in of_service(record, "batch", name, n, "a_second")])]
        for name, n in batches
        if name != "nothing"
    ]
    return "\n\n".join(
        (
            markdown_table(columns, rows),
            markdown_table([f"requests of {BATCH} sentences", "words/s"], words),
            f"Requests of {N_TOKENS} tokens, and of {BATCH} such sentences. Medians with the least and the "
            "greatest; ratios are medians over pairs of runs, to the endpoint that does nothing. "
            f"Measured on: {machine_line(record)}.",
        )
    )


def strain_table(record: dict[str, Any]) -> str:
    """Return a table of what happened under strain, and what it was measured on."""
    rows: list[list[object]] = []
    if start := record.get("start"):
        rows.append(["from the command to ready, s", spread(start["seconds to ready"])])
    if memory := record.get("memory"):
        rows.append(["private memory of a worker, MB", spread(memory["private MB of each worker"])])
    if overload := record.get("overload"):
        outcomes = ", ".join(f"{n:,} × {status}" for status, n in sorted(overload["outcomes"].items()))
        rows.append(["four times as many requests as it can answer", outcomes])
        rows.append(["p99 of those answered ÷ p99 with 64 connections", f"{overload['over normal']:.2f}"])
    for name, found in record.get("slow", {}).items():
        rows.append([f"{name}: slowest health answer, ms", three_digits(found["slowest health answer, ms"])])
        rows.append([f"{name}: other requests", ", ".join(map(str, found["statuses"]))])
    if leak := record.get("leak"):
        n = f"{leak['requests']:,}"
        rows.append([f"growth of a worker in {n} requests, MB", spread(leak["growth of each worker, MB"])])
        rows.append(["the same, with a planted leak, MB", spread(leak["with a planted leak, MB"])])
    return f"{markdown_table(['what', 'found'], rows)}\n\nMeasured on: {machine_line(record)}."


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {SPEED: speed_tables, STRAIN: strain_table}


def write_record(name: str, record: dict[str, Any]) -> Path:
    """Write a record beside the page, and its tables into the page; parts that were not measured stay."""
    path = RECORDS[name]
    if path.exists():
        record = json.loads(path.read_text(encoding="utf-8")) | record
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    update_page(name, TABLES[name](record))
    return path
