"""`windowclf evaluate`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from windowclf.corpus import columns, options_of, read_labelled
from windowclf.evaluation import Evaluation, Reliability, check_plot, write_reliability_plot
from windowclf.tagger import WindowTagger
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import (
    columns_options,
    configuration,
    json_option,
    model_argument,
    table_option,
    threads_option,
)
from windowclf_cli.output import percent, print_json, print_table

_CONFUSIONS_SHOWN = 10


@click.command()
@model_argument
@click.argument("file", metavar="FILE")
@columns_options
@click.option(
    "--reliability",
    "plot",
    metavar="PLOT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw a reliability diagram to this .svg or .png file. Needs matplotlib.",
)
@threads_option
@table_option
@json_option
def command(
    model: str,
    file: str,
    plot: Path | None,
    threads: Threads,
    table_mb: float,
    as_json: bool,
    **_: Any,
) -> None:
    """Compare a model's labels with the true ones of FILE.

    Entities are scored by conlleval's rules. Rates are fractions in JSON and per cent in the table. Columns
    are read as for the training data, unless options say otherwise.

    The expected calibration error is the mean distance between the probability of labels and the share of
    them that is right, over 15 bins of probability.

    Example:

        windowclf evaluate runs/mine sample:test --reliability reliability.svg
    """
    if plot is not None:
        check_plot(plot)  # before anything takes time
    tagger = WindowTagger.load(model)
    config = configuration(replace(tagger.config, data=replace(tagger.config.data, format="auto")))
    sentences, labels = columns(read_labelled(file, options_of(config.data, columns=config.features.columns)))
    with limited_threads(threads):
        evaluation = tagger.compile(table_mb=table_mb).evaluate(sentences, labels)
    calibration = evaluation.calibration
    if plot is not None and calibration is not None:
        write_reliability_plot(plot, words=calibration.words, entities=calibration.entities)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        _show(evaluation)
        if plot is not None:
            click.echo(f"\nreliability plot: {plot}")


def _show(e: Evaluation) -> None:
    rows = [("token accuracy", percent(e.token_accuracy), e.n_tokens)]
    rows += [
        (f"on words {name} in training", percent(share.accuracy), share.n_tokens)
        for name, share in (("seen", e.seen), ("unseen", e.unseen))
    ]
    print_table(
        ["", "%", "words"], rows, title=f"{e.n_sentences:,} sentences, {e.tokens_per_second:,.0f} words/s"
    )
    if c := e.calibration:
        entities = "" if c.entities is None else f", entities {_error(c.entities)}"
        click.echo(f"calibration: words {_error(c.words)}{entities}; expected calibration error")
    click.echo()
    scores = [
        (s.label, percent(s.precision), percent(s.recall), percent(s.f1), s.support, s.predicted)
        for s in (e.labels if e.entities is None else e.entities)
    ]
    if e.entities is not None:
        true, found = sum(s[4] for s in scores), sum(s[5] for s in scores)
        scores.append(("all", percent(e.precision), percent(e.recall), percent(e.f1), true, found))
    columns = ["", "precision", "recall", "F1", "true", "found"]
    print_table(columns, scores, title="Labels" if e.entities is None else "Entities")
    if e.confusions:
        click.echo()
        print_table(
            ["true", "given", "words"], e.confusions[:_CONFUSIONS_SHOWN], title="Most frequent confusions"
        )


def _error(reliability: Reliability) -> str:
    error = reliability.expected_calibration_error
    return "–" if error is None else f"{error:.4f} ({reliability.error_by_chance:.4f} by chance alone)"
