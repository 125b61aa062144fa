"""`windowclf benchmark`."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import click

from windowclf_cli.options import (
    POSITIVE,
    input_options,
    json_option,
    model_argument,
    number_option,
    reading_options,
    table_option,
)
from windowclf_cli.output import print_json, print_table


@click.command()
@model_argument
@click.argument("file", metavar="FILE")
@input_options
@click.option(
    "--jobs",
    type=POSITIVE,
    help="Number of processes of the third measurement. [default: one per core]",
)
@number_option("--repetitions", 5, "Of each measurement.")
@number_option("--seconds", 0.5, "Seconds of a repetition.", click.FloatRange(min=0))
@table_option
@json_option
def command(
    model: str,
    file: str,
    jobs: int | None,
    repetitions: int,
    seconds: float,
    table_mb: float,
    as_json: bool,
    **given: Any,
) -> None:
    """Measure how many words of FILE MODEL tags a second on this machine.

    The time is that from the bytes of the file, raw text or labelled, to the bytes of tagged sentences. The
    plain network, the compiled one (which `tag` uses) and the compiled one in several processes are measured
    in turns. Spread is the greatest rate less the smallest, in per cent of the median; memory is the peak of
    the largest process.

    Example:

        windowclf benchmark runs/mine sample:test
    """
    from windowclf.corpus import locate
    from windowclf.streaming import Way, measure_speed
    from windowclf.tagger import WindowTagger

    if file == "-":
        raise click.UsageError("FILE is read several times, so it cannot be standard input.")
    path, format, _, _ = locate(file)
    if format != "auto":  # the catalogue's
        given["input_format"] = given["input_format"] or format
    options = reading_options(WindowTagger.load(model).config, path, **given)
    n_processes = jobs or os.cpu_count() or 1
    ways = [Way(False, 1), Way(True, 1), *([Way(True, n_processes)] if n_processes > 1 else [])]
    speeds = measure_speed(
        model, path, options, ways, table_mb=table_mb, repetitions=repetitions, seconds=seconds
    )
    rows = [
        {
            "network": "compiled" if speed.way.is_compiled else "plain",
            "processes": speed.way.n_processes,
            "words_per_second": round(median(rates := speed.words_per_second)),
            "spread_percent": round(100 * (max(rates) - min(rates)) / median(rates), 1),
            "peak_mb": None if speed.peak_mb is None else round(speed.peak_mb),
            "repetitions": [round(rate) for rate in rates],
        }
        for speed in speeds
    ]
    machine = {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("windowclf", "numpy")},
    }
    n_words = speeds[0].n_words
    if as_json:
        print_json({"model": model, "file": file, "words": n_words, "speeds": rows, "machine": machine})
        return
    columns = ["network", "processes", "words/s", "spread, %", "memory, MB"]
    print_table(
        columns,
        [list(row.values())[: len(columns)] for row in rows],
        title=f"{Path(path).name}: {n_words:,} words, {repetitions} repetitions",
    )
    click.echo("\nMeasured on: " + ", ".join(f"{name} {value}" for name, value in machine.items()))
