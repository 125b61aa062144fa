"""`windowclf compare`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from windowclf.corpus import columns, options_of, read_labelled
from windowclf.files import write_text
from windowclf.runs import compare_runs, html_of, notes_of, read_run, tables_of
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import columns_options, configuration, json_option, table_option, threads_option
from windowclf_cli.output import print_json, print_table


@click.command()
@click.argument("runs", metavar="RUN RUN…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data", metavar="FILE", help="Labelled corpus to test differences on.")
@columns_options
@click.option(
    "--report",
    metavar="FILE.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the tables to this HTML page.",
)
@threads_option
@table_option
@json_option
def command(
    runs: tuple[Path, ...],
    data: str | None,
    report: Path | None,
    threads: Threads,
    table_mb: float,
    as_json: bool,
    **_: Any,
) -> None:
    """Compare RUNs: scores, settings that differ, and tests of the differences.

    Runs that differ only in the seed are one system, with means and standard deviations. Dev scores are those
    recorded in training. With --data, every other system is tested against that of the first RUN: by
    approximate randomisation over sentences with Holm's correction, and by an interval for seeds and
    sentences together. Columns of FILE are read as in the training of the first RUN.

    Example:

        windowclf compare runs/frozen runs/tuned --data sample:test --report comparison.html
    """
    records = [read_run(directory) for directory in runs]
    with limited_threads(threads):
        if data is None:
            comparison = compare_runs(records)
        else:
            first = records[0].config
            config = configuration(replace(first, data=replace(first.data, format="auto")))
            names = dict.fromkeys(name for record in records for name in record.config.features.columns)
            labelled = columns(read_labelled(data, options_of(config.data, columns=[*names])))
            comparison = compare_runs(records, labelled, table_mb=table_mb)
    if report is not None:
        write_text(report, html_of(comparison))
    if as_json:
        print_json(comparison.to_dict())
        return
    for i, table in enumerate(tables_of(comparison)):
        if i:
            click.echo()
        print_table(table.columns, table.rows, title=table.title)
    if notes := notes_of(comparison):
        click.echo("\n" + "\n".join(notes))
    if report is not None:
        click.echo(f"\nreport: {report}")
