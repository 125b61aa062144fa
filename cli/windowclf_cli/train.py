"""`windowclf train`."""

import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import click

from windowclf.encoding import describe_coverage
from windowclf.errors import WindowClfError
from windowclf.runs import TrainingRun
from windowclf.threads import Threads, describe_threads, limited_threads
from windowclf_cli.options import configuration, json_option, threads_option, training_options
from windowclf_cli.output import (
    describe_labels,
    follow_training,
    follow_trial,
    percent,
    print_json,
    score_name,
)


@click.command()
@click.option("--train", "train_file", metavar="FILE", required=True, help="Labelled corpus to train on.")
@click.option("--dev", "dev_file", metavar="FILE", help="Labelled corpus to choose the best epoch with.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Run directory to write.")
@training_options
@click.option(
    "--ensemble", type=click.IntRange(1, 100), help="Number of networks, which label together. [default: 1]"
)
@click.option(
    "--distil", metavar="MODEL", help="Also learn the probabilities of this model, such as an ensemble."
)
@click.option("--force", is_flag=True, help="Replace the run in --out.")
@threads_option
@json_option
def command(
    train_file: str,
    dev_file: str | None,
    out: Path,
    tuning: str | None,
    distil: str | None,
    force: bool,
    threads: Threads,
    as_json: bool,
    **_: Any,
) -> None:
    """Train a tagger on a labelled corpus.

    FILE is a CoNLL, CoNLL-U or JSONL file (.gz too), or a part of a known corpus such as sample:train
    (see `windowclf data list`). The best epoch on dev is kept; Ctrl-C keeps the best so far. All values of
    the configuration have defaults: see docs/configuration.md. --tuning auto chooses frozen vectors, tuned
    vectors or both side by side by the size of FILE and a short trial on dev, and says why.

    Example:

        windowclf train --train sample:train --dev sample:dev --tuning tuned --out runs/mine
    """
    run = TrainingRun(
        configuration(),
        train_file,
        dev_file,
        out,
        teacher=distil,
        force=force,
        settings={"threads": describe_threads(threads)},
    )
    with limited_threads(threads):
        events = run.events()
        try:
            if tuning == "auto":
                follow_trial(run.advise())
            follow_training(events, "training", "score")
        except KeyboardInterrupt:
            events.close()
            _report(run, as_json)
            kept = _kept(run) or "no epoch was completed; nothing is saved"
            click.echo(f"interrupted: {kept}", err=True)
            sys.exit(130)
        except WindowClfError:
            events.close()
            if kept := _kept(run):
                click.echo(kept, err=True)
            raise
    _report(run, as_json)


def _kept(run: TrainingRun) -> str:
    return f"the model of epoch {run.best.epoch} is in {run.out}" if run.best else ""


def _report(run: TrainingRun, as_json: bool) -> None:
    if run.best is None:
        return
    record = run.record
    if as_json:
        print_json(record | {"out": str(run.out)})
        return
    info = record["model"]
    labels = run.tagger.model.labels
    click.echo(
        f"vectors   {info['vectors']['name']} ({info['vectors']['dimension']} dimensions, "
        f"sha256 {info['vectors']['sha256'][:12]})"
    )
    click.echo(f"coverage  {describe_coverage(info['coverage'], words='training words')}")
    if run.advice:
        click.echo(f"tuning    {run.advice.tuning}: {run.advice.reason}")
    click.echo(f"labels    {describe_labels(labels)}")
    click.echo(f"ended     {record['finished'] or 'interrupted'}")
    score = f"{score_name(labels)} on dev"
    if run.members:
        last = run.members[-1]
        scores = [member.dev_score for member in run.members if member.dev_score is not None]
        if scores:
            alone = f"{', '.join(map(percent, scores))}; mean {percent(fmean(scores))}"
            click.echo(f"members   {last.member}: {score} {alone}")
            click.echo(f"together  {score} {percent(last.ensemble_score)}")
        else:
            click.echo(f"members   {last.member}")
    elif run.best.dev_score is not None:
        click.echo(f"best      epoch {run.best.epoch}: {score} {percent(run.best.dev_score)}")
    if run.corrected and (cost := run.corrected.calibration.outside_cost):
        click.echo(f"spans     O penalty {cost:g} (tuned on dev): {score} {percent(run.corrected.dev_score)}")
    if carried := info.get("carried"):
        click.echo(
            f"carried   {carried['method']} × {carried['strength']:g}: {carried['moved']:,} other vectors "
            f"moved like {carried['fitted']:,} tuned ones"
        )
    click.echo(f"model     {run.out / 'model'}")
