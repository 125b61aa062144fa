"""`windowclf quickstart`."""

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from windowclf.config import Config, Tuning
from windowclf.corpus import columns, inline, options_of, read_labelled, sentences_of_text
from windowclf.runs import TrainingRun
from windowclf.tagger import WindowTagger
from windowclf.threads import Threads, describe_threads, limited_threads
from windowclf.vectors import SMALL_GLOVE
from windowclf_cli.options import json_option, threads_option
from windowclf_cli.output import follow_training, percent, print_json, print_table

EXAMPLE = "museums in Paris are amazing"
_TUNINGS: tuple[Tuning, ...] = ("frozen", "tuned")


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/quickstart"),
    show_default=True,
    help="Directory for both runs.",
)
@click.option("--text", help="Another sentence to tag.")
@click.option("--force", is_flag=True, help="Replace the runs in --out.")
@threads_option
@json_option
def command(out: Path, text: str | None, force: bool, threads: Threads, as_json: bool) -> None:
    """Train a named-entity tagger on the sample corpus, with frozen and with tuned vectors.

    Both are scored on dev and test, saved, and used to tag a sentence. Takes less than a minute.

    Example:

        windowclf quickstart --text "Anna Schmidt left Siemens for a job in Oslo."
    """
    runs, settings = [], {"threads": describe_threads(threads)}
    for tuning in _TUNINGS:
        config = Config()
        config = replace(config, model=replace(config.model, vectors=SMALL_GLOVE, tuning=tuning))
        run = TrainingRun(config, "sample:train", "sample:dev", out / tuning, force=force, settings=settings)
        runs.append((tuning, run))
    if not as_json:
        click.echo(
            f"Training on the sample corpus ({len(runs[0][1].train)} sentences) with {SMALL_GLOVE} …\n"
        )
    with limited_threads(threads):
        results = [_train(tuning, run) for tuning, run in runs]
        tagged = [
            {"text": sentence, "tagged": _tag(runs[-1][1].tagger, sentence)}
            for sentence in (EXAMPLE, text)
            if sentence
        ]
    if as_json:
        print_json({"runs": results, "tagged": tagged})
        return
    columns = ["vectors", "dev F1", "test F1", "test accuracy", "seconds"]
    rates = ("dev_f1", "test_f1", "test_token_accuracy")
    rows = [(r["tuning"], *(percent(r[rate]) for rate in rates), f"{r['seconds']:.1f}") for r in results]
    print_table(columns, rows, title="Entities in the sample corpus, in percent")
    click.echo()
    for item in tagged:
        click.echo(f"  {item['text']}\n→ {item['tagged']}\n")
    model = out / "tuned"
    click.secho("What next", bold=True)
    for what, how in (
        ("tag a text of yours", f'tag {model} --text "Anna Schmidt left Siemens for a job in Oslo."'),
        ("see why", f'explain {model} "{EXAMPLE}"'),
        ("see the gradients", f'graph {model} --text "{EXAMPLE}" --word Paris'),
        ("serve it over HTTP", f"serve {model}"),
        ("train on your own file", "train --train my.conll --dev my-dev.conll --out runs/mine"),
    ):
        click.echo(f"  {what.ljust(24)}windowclf {how}")


def _train(tuning: str, run: TrainingRun) -> dict[str, Any]:
    started = perf_counter()
    follow_training(run.events(), tuning, "F1")
    seconds = perf_counter() - started
    test = read_labelled("sample:test", options_of(run.tagger.config.data))
    evaluation = run.tagger.evaluate(*columns(test))
    return {
        "tuning": tuning,
        "model": str(run.out / "model"),
        "dev_f1": run.corrected.dev_score if run.corrected else None,
        "test_f1": evaluation.f1,
        "test_token_accuracy": evaluation.token_accuracy,
        "seconds": seconds,
    }


def _tag(tagger: WindowTagger, text: str) -> str:
    sentences = [sentence.tokens for sentence in sentences_of_text(text)]
    marks_spans = tagger.model.labels.scheme is not None
    lines = inline(sentences, tagger.predict(sentences), marks_spans=marks_spans)
    return "  ".join(lines.splitlines())
