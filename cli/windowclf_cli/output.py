"""Output of commands: tables and JSON on stdout; progress on stderr, only on a terminal."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # commands that only print start without what trains
    from windowclf.corpus import LabelSet
    from windowclf.runs import TrialEvent
    from windowclf.training import Event


def print_json(value: object) -> None:
    """Print a value as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table: text is left-aligned, numbers right-aligned; cells are never cut."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, [name, *(row[i] for row in cells)])) for i, name in enumerate(columns)]
    justify = [
        str.rjust if all(_is_number(row[i]) for row in cells) else str.ljust for i in range(len(columns))
    ]

    def line(values: Sequence[str]) -> str:
        padded = (put(value, width) for put, value, width in zip(justify, values, widths, strict=True))
        return "  ".join(padded).rstrip()

    if title:
        click.secho(title, bold=True)
    click.echo(line(columns))
    click.echo("  ".join("-" * width for width in widths))
    for row in cells:
        click.echo(line(row))


def describe_labels(labels: "LabelSet") -> str:
    """Return the number of labels and their scheme."""
    if labels.scheme is None:
        return f"{len(labels)}, no span scheme"
    learnt = "" if labels.scheme == labels.internal_scheme else f", learnt as {labels.internal_scheme}"
    return f"{len(labels)} ({labels.scheme}{learnt})"


def score_name(labels: "LabelSet") -> str:
    """Return the name of `Evaluation.main_score` for these labels."""
    return "token accuracy" if labels.scheme is None else "entity F1"


def percent(value: float | None) -> str:
    """Format a rate in percent, with two decimals."""
    return "–" if value is None else f"{100 * value:.2f}"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_number(text: str) -> bool:
    return text == "–" or text.replace(",", "").replace(".", "").lstrip("+-").isdigit()


@contextmanager
def progress(unit: str) -> Iterator[Any]:
    """Yield a progress bar on stderr that counts in `unit`, or None if stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        yield display


def follow_training(events: Iterable["Event"], description: str, score_name: str) -> None:
    """Run a training by its events, and show its progress."""
    from windowclf.training import EpochDone, MemberDone, StepDone

    with progress("steps") as display:
        task = None if display is None else display.add_task(description, total=None, note="")
        for event in events:
            if display is None:
                continue
            if isinstance(event, StepDone):
                display.update(task, completed=event.step, total=event.n_steps, note=f"loss {event.loss:.3f}")
            elif isinstance(event, EpochDone):
                dev = "" if event.dev_score is None else f"  dev {score_name} {percent(event.dev_score)}"
                line = (
                    f"epoch {event.epoch:>3}/{event.n_epochs}  loss {event.loss:.4f}{dev}"
                    f"{' *' if event.is_best and dev else ''}  {event.words_per_second:,.0f} words/s"
                )
                display.console.print(line, highlight=False)
            elif isinstance(event, MemberDone):
                line = f"network {event.member}/{event.n_members} done"
                if event.ensemble_score is not None:
                    scores = f"{percent(event.dev_score)}, together {percent(event.ensemble_score)}"
                    line += f"  dev {score_name} {scores}"
                display.console.print(line, highlight=False)


def follow_trial(events: Iterable["TrialEvent"]) -> None:
    """Run a trial by its events, and show its progress."""
    from windowclf.training import StepDone

    with progress("steps") as display:
        task = None if display is None else display.add_task("trial", total=None, note="")
        for trial in events:
            step = trial.event
            if display is not None and isinstance(step, StepDone):
                note = f"training {trial.training} of {trial.n_trainings}: {trial.tuning}"
                display.update(task, completed=step.step, total=step.n_steps, note=note)
