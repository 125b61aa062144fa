"""`windowclf check`."""

import sys
import textwrap
from dataclasses import asdict
from typing import Any

import click

from windowclf.corpus import columns, options_of, read_labelled
from windowclf.inspection import Verdict, check_network
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import configuration, configuration_options, json_option, threads_option
from windowclf_cli.output import print_json

_WIDTH = 100


@click.command()
@click.option(
    "--train",
    "train_file",
    metavar="FILE",
    default="sample:train",
    show_default=True,
    help="Labelled corpus to take sentences from.",
)
@configuration_options
@threads_option
@json_option
def command(train_file: str, threads: Threads, as_json: bool, **_: Any) -> None:
    """Check an untrained network: gradients, first loss, over-fitting.

    Compares the backward pass of the configured network with numerical gradients and its first loss with that
    of guessing, and trains it to learn 20 sentences by heart. Prints each figure, its allowed range and a
    verdict; the exit status is 1 if a check fails.

    Example:

        windowclf check --tuning tuned --set model.hidden=[300,100]
    """
    config = configuration()
    sentences, labels = columns(
        read_labelled(train_file, options_of(config.data, columns=config.features.columns))
    )
    with limited_threads(threads):
        verdicts = check_network(
            config, sentences, labels, seed=config.training.seed, on_verdict=None if as_json else _show
        )
    passed = all(verdict.passed for verdict in verdicts)
    if as_json:
        print_json({"passed": passed, "checks": [asdict(verdict) for verdict in verdicts]})
    sys.exit(0 if passed else 1)


def _show(verdict: Verdict) -> None:
    word = click.style("pass", fg="green") if verdict.passed else click.style("FAIL", fg="red", bold=True)
    figure = "no figure" if verdict.figure is None else f"{verdict.figure:.4g}"
    low, high = verdict.allowed
    allowed = f"{low:.4g} to {high:.4g}" if low < high else f"{low:.4g}"
    click.echo(f"{word}  {click.style(verdict.name, bold=True)}  {figure}  (allowed: {allowed})")
    for part in verdict.detail.split("; "):
        click.echo(textwrap.fill(part, _WIDTH, initial_indent="      ", subsequent_indent="        "))
