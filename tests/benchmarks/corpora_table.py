"""The accuracy table of README.md: train and evaluate on real corpora, over several seeds.

Each cell is a fresh `windowclf train` and `windowclf evaluate` in processes of their own, so that time and
peak memory are those of a user. Configurations (CONFIGURATIONS) were chosen on dev; test is only reported.

    python tests/benchmarks/corpora_table.py --seeds 5 --update-readme
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RECORD = ROOT / "docs" / "corpora-table.json"
BEGIN, END = "<!-- corpora table -->", "<!-- end of corpora table -->"
TUNINGS = ("frozen", "tuned")

# What differs from the defaults, chosen on dev.
CONFIGURATIONS: dict[str, list[str]] = {
    "ud-english-ewt": ["training.batch_sentences=32", "training.epochs=8"],
    "wnut17": [],
    "wikigold": ["training.epochs=20", "training.patience=20"],
}
SCORES = {"ud-english-ewt": "UPOS accuracy", "wnut17": "entity F1", "wikigold": "entity F1"}


@dataclass(frozen=True)
class Cell:
    """One training: scores in [0, 1], seconds of the training process, its peak memory in MB."""

    corpus: str
    tuning: str
    seed: int
    dev: float
    test: float
    seconds: float
    megabytes: float


# A process's peak memory counts what it is forked from, so that is next to nothing.
_SMALL_PARENT = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, flush=True)
sys.exit(status)
"""


def run(arguments: list[str]) -> tuple[dict[str, Any], float, float]:
    """Run windowclf; return its JSON, the seconds it took and its peak memory in MB."""
    command = [sys.executable, "-c", "from windowclf_cli.main import cli; cli()", *arguments, "--json"]
    started = perf_counter()
    done = subprocess.run([sys.executable, "-c", _SMALL_PARENT, *command], stdout=subprocess.PIPE)
    seconds = perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"failed: windowclf {' '.join(arguments)}")
    output, _, peak = done.stdout.rstrip().rpartition(b"\n")
    return json.loads(output), seconds, int(peak) / 1024


def train_cell(corpus: str, tuning: str, seed: int, threads: int, directory: Path) -> Cell:
    """Train and evaluate once."""
    out = directory / f"{corpus}-{tuning}-{seed}"
    settings = [part for assignment in CONFIGURATIONS[corpus] for part in ("--set", assignment)]
    arguments = ["train", "--train", f"{corpus}:train", "--dev", f"{corpus}:dev", "--out", str(out)]
    arguments += [
        "--vectors",
        "glove-6b-50d",
        "--max-vectors",
        "all",
        "--tuning",
        tuning,
        "--seed",
        str(seed),
    ]
    trained, seconds, megabytes = run([*arguments, "--threads", str(threads), *settings])
    evaluation, _, _ = run(["evaluate", str(out), f"{corpus}:test", "--threads", str(threads)])
    test = evaluation["token_accuracy"] if evaluation["f1"] is None else evaluation["f1"]
    return Cell(corpus, tuning, seed, trained["best"]["dev_score"], test, seconds, megabytes)


def table(cells: list[Cell]) -> str:
    """Return the cells as a Markdown table."""
    lines = [
        "| corpus | score | vectors | dev | test | seeds | training, s | peak memory, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for corpus, tuning in dict.fromkeys((cell.corpus, cell.tuning) for cell in cells):
        rows = [cell for cell in cells if (cell.corpus, cell.tuning) == (corpus, tuning)]
        dev, test = ([100 * getattr(cell, part) for cell in rows] for part in ("dev", "test"))
        lines.append(
            f"| {corpus} | {SCORES[corpus]} | {tuning} | {spread(dev)} | {spread(test)} | {len(rows)} "
            f"| {mean(cell.seconds for cell in rows):.0f} | {mean(cell.megabytes for cell in rows):.0f} |"
        )
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """Write the mean and the standard deviation over seeds."""
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


def machine(threads: int) -> str:
    """Say what it was measured on."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("windowclf", "numpy"))
    python = platform.python_version()
    return f"{platform.machine()}, {os.cpu_count()} cores, {threads} threads, Python {python}, {versions}"


def update_readme(text: str) -> None:
    """Put the table between its marks in README.md."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"README.md has no place marked {BEGIN} … {END}")
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Run the cells that are asked for and print the table and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--corpora", nargs="+", default=list(CONFIGURATIONS), choices=list(CONFIGURATIONS))
    parser.add_argument("--tunings", nargs="+", default=list(TUNINGS), choices=TUNINGS)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--update-readme", action="store_true", help="write the table into README.md and docs/"
    )
    options = parser.parse_args()
    cells = []
    with tempfile.TemporaryDirectory() as directory:
        for corpus in options.corpora:
            for seed in range(options.seeds):
                for tuning in options.tunings:
                    cells.append(train_cell(corpus, tuning, seed, options.threads, Path(directory)))
                    print(cells[-1], file=sys.stderr, flush=True)
    text = f"{table(cells)}\n\nMeasured on: {machine(options.threads)}."
    record = {"machine": machine(options.threads), "configurations": CONFIGURATIONS}
    record_json = json.dumps(record | {"cells": [asdict(cell) for cell in cells]}, indent=1)
    print(text)
    print(record_json)
    if options.update_readme:
        RECORD.write_text(record_json + "\n", encoding="utf-8")
        update_readme(text)


if __name__ == "__main__":
    main()
