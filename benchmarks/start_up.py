"""How long a command takes to start: `windowclf --help`, and the first label of a large model.

    python benchmarks/start_up.py [MODEL] [--runs 15] [--json FILE] [--update-docs]

Without MODEL, one with 400,000 random vectors is made. Every run is a process of its own; the commands take
turns with a Python that does nothing and one that only imports numpy, so that a busy machine slows all alike.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from growth_inputs import write_vectors
from pages import ROOT, machine_line, markdown_table, update_page
from serving import describe_machine
from windowclf import Config, WindowTagger
from windowclf.config_io import override
from windowclf.corpus import ReadOptions, columns, read_labelled

RECORD = ROOT / "docs" / "data" / "start-up.json"
TEXT = "Angela Merkel flew from Berlin to New York."
N_VECTORS, DIMENSION = 400_000, 50
_CLI = "from windowclf_cli.main import cli; cli(prog_name='windowclf')"
NOTHING, NUMPY = "python -c pass", "python -c 'import numpy'"
HELP, FIRST_LABEL, INFO = "windowclf --help", "windowclf tag, first label", "windowclf info"
AT_MOST = {HELP: 0.15, FIRST_LABEL: 0.5}  # seconds, on a machine with nothing else to do


def commands(model: Path) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    windowclf = [sys.executable, "-c", _CLI]
    return {
        NOTHING: [sys.executable, "-c", "pass"],
        NUMPY: [sys.executable, "-c", "import numpy"],
        HELP: [*windowclf, "--help"],
        FIRST_LABEL: [*windowclf, "tag", str(model), "--text", TEXT],
        INFO: [*windowclf, "info", str(model)],
    }


def seconds_to_output(command: list[str]) -> float:
    """Run a command and return the seconds until it writes or, if it never does, ends."""
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        seconds = perf_counter() - started
        process.stdout.read()
    if process.returncode != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return seconds


def make_model(directory: Path) -> Path:
    """Train for one epoch on 400,000 random vectors, and return where the model is."""
    write_vectors(directory / "vectors", N_VECTORS, DIMENSION)
    config = override(Config(), ["training.epochs=1", "model.max_vectors=0"])
    sentences, labels = columns(read_labelled("sample:train", ReadOptions()))
    WindowTagger(config, vectors=directory / "vectors").fit(sentences, labels).save(directory / "model")
    return directory / "model"


def table(record: dict[str, Any]) -> str:
    """Return the record as a Markdown table with what it was measured on."""
    rows = []
    for name, seconds in record["seconds"].items():
        limit = f"{1000 * AT_MOST[name]:.0f}" if name in AT_MOST else ""
        times = [f"{1000 * value:.0f}" for value in (median(seconds), min(seconds), max(seconds))]
        rows.append((f"`{name}`", *times, f"{median(seconds) / median(record['seconds'][NUMPY]):.2f}", limit))
    titles = ("command", "median, ms", "least", "most", "times `import numpy`", "aim, at most")
    return (
        f"{markdown_table(titles, rows)}\n\n"
        f"The model holds {record['vectors']:,} vectors; {len(record['seconds'][HELP])} runs of each. "
        f"Measured on: {machine_line(record['machine'])}."
    )


def main() -> None:
    """Measure and print a table and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, help="a model or run directory")
    parser.add_argument("--runs", type=int, default=15, help="of each command (default: 15)")
    parser.add_argument("--json", type=Path, help="write the record here")
    parser.add_argument("--update-docs", action="store_true", help="write record and table into docs/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        model = options.model or make_model(Path(directory))
        measured = commands(model)
        for command in measured.values():
            seconds_to_output(command)  # files are in the page cache from here on
        turns = [
            {name: seconds_to_output(command) for name, command in measured.items()}
            for _ in range(options.runs)
        ]
        n_vectors = len(WindowTagger.load(model).model.vocabulary)
    record = {
        "machine": describe_machine("windowclf", "numpy", "click", "msgspec"),
        "vectors": n_vectors,
        "seconds": {name: [round(turn[name], 4) for turn in turns] for name in measured},
    }
    text = json.dumps(record, indent=1)
    print(f"{table(record)}\n{text}")
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    if options.update_docs:
        RECORD.write_text(text + "\n", encoding="utf-8")
        update_page("start-up", table(record))


if __name__ == "__main__":
    main()
