"""`windowclf experiment`: the group, and the tuning study."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from windowclf.runs import (
    ALL,
    BASELINE,
    DEFAULT_SIZES,
    MODES,
    REPORT,
    RESULTS,
    TIMINGS,
    Progress,
    TuningStudy,
    check_report,
    read_study_data,
    study_tables,
)
from windowclf.threads import limited_threads
from windowclf_cli.options import configuration, json_option, number_option, study_options
from windowclf_cli.output import print_json, print_table, progress


@click.group()
def command() -> None:
    """Experiments that train and compare many models.

    Example:

        windowclf experiment tuning --train sample:train --dev sample:dev --test sample:test --out study
    """


@command.command()
@click.option("--train", "train_file", metavar="FILE", required=True, help="Labelled corpus to learn from.")
@click.option("--dev", "dev_file", metavar="FILE", required=True, help="Labelled corpus that chooses epochs.")
@click.option("--test", "test_file", metavar="FILE", required=True, help="Labelled corpus to compare on.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Directory of the study.")
@click.option(
    "--sizes",
    metavar="N,…",
    help=f"Words of training, or {ALL}. [default: those of {','.join(DEFAULT_SIZES)} that fit]",
)
@number_option("--seeds", 10, "How many.", click.IntRange(1, 1000))
@click.option("--modes", metavar="MODE,…", help=f"{BASELINE} and others. [default: all: {', '.join(MODES)}]")
@number_option("--jobs", 1, "Trainings at the same time.")
@number_option(
    "--threads", 1, "Threads of linear algebra in each training; another number may change the last digits."
)
@click.option("--no-report", is_flag=True, help="Write results only, without matplotlib.")
@study_options
@json_option
def tuning(
    train_file: str,
    dev_file: str,
    test_file: str,
    out: Path,
    sizes: str | None,
    seeds: int,
    modes: str | None,
    jobs: int,
    threads: int,
    no_report: bool,
    as_json: bool,
    **_: Any,
) -> None:
    """Find out whether pretrained vectors are better frozen or tuned, on your data.

    Trains every mode at every size with every seed, and tests each mode against frozen vectors: on all test
    words, on those that training saw and on those it did not. Finished trainings are kept in --out: after
    Ctrl-C or a crash, the same command continues. You can add sizes, modes or seeds later.

    Example:

        windowclf experiment tuning --train sample:train --dev sample:dev --test sample:test --out study
    """
    if not no_report:
        check_report()  # before corpora are read
    config = configuration()
    study = TuningStudy(
        read_study_data(config, train_file, dev_file, test_file),
        config,
        out,
        sizes=_parted(sizes),
        modes=_parted(modes) or tuple(MODES),
        n_seeds=seeds,
        threads=threads,
        with_report=not no_report,
    )
    with limited_threads(threads):
        try:
            results = _follow(study, jobs)
        except KeyboardInterrupt:
            left = f"finished trainings are kept in {out}, {len(study.jobs()):,} are left"
            click.echo(f"interrupted: {left}; the same command continues", err=True)
            sys.exit(130)
    if as_json:
        print_json(msgspec.to_builtins(results))
        return
    for table in study_tables(results):
        print_table(table.columns, table.rows, title=table.title)
        click.echo()
    for sentence in results.verdict:
        click.echo(sentence)
    report = "" if no_report else f"report   {out / REPORT}\n"
    click.echo(f"\n{report}results  {out / RESULTS}\ntimings  {out / TIMINGS}")


def _parted(names: str | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(name.strip() for name in names.split(",") if name.strip())


def _follow(study: TuningStudy, jobs: int) -> Any:
    """Run a study, showing how far it is."""
    running = study.run(jobs)
    with progress("trainings") as display:
        task = None if display is None else display.add_task("study", total=None, note="")
        try:
            while True:
                part: Progress = next(running)
                if display is not None:
                    display.update(task, completed=part.done, total=part.total, note=part.title)
        except StopIteration as end:
            return end.value
        finally:
            running.close()
