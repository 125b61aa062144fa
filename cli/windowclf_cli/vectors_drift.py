"""`windowclf vectors drift`."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import click

from windowclf.config import Config
from windowclf.corpus import Sentence, columns, locate, read_sentences
from windowclf.inspection import (
    DRIFT_COLUMNS,
    MOST_PLACES,
    N_NEIGHBOURS,
    Drift,
    Replacements,
    WordDrift,
    describe_drift,
    drift_row,
    find_stranded,
    pair_stranded,
    replace_words,
    row_of,
    trace_movement,
)
from windowclf.tagger import WindowTagger
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import (
    input_options,
    json_option,
    model_argument,
    reading_options,
    threads_option,
)
from windowclf_cli.output import percent, print_json, print_table

_MOST = 30_000
_NEIGHBOURS_SHOWN = 3


@click.command()
@model_argument
@click.option("--words", metavar="WORD,…", help="Also show these words.")
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="Words of each list.")
@click.option(
    "--neighbours",
    type=click.IntRange(min=1),
    default=N_NEIGHBOURS,
    show_default=True,
    help="Nearest neighbours of each word.",
)
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=_MOST,
    show_default=True,
    help="Words to look at: those of training, then the most frequent; 0: all, which takes longer.",
)
@click.option("--vectors", metavar="NAME", help="Location of the pretrained vectors, if not as in training.")
@click.option(
    "--member", type=click.IntRange(min=1), default=1, show_default=True, help="Which network of an ensemble."
)
@click.option("--sentences", "file", metavar="FILE", help="Replace seen words by stranded ones in these.")
@input_options
@threads_option
@json_option
def drift(
    model: str,
    words: str | None,
    top: int,
    neighbours: int,
    most: int,
    vectors: str | None,
    member: int,
    file: str | None,
    input_format: str | None,
    token_column: int | None,
    separator: str | None,
    threads: Threads,
    as_json: bool,
) -> None:
    """Show how far tuning moved the vectors of MODEL, and which words it left behind.

    Moved: the distance that a vector moved in training, divided by the mean length of a vector. Stranded: the
    mean fall of the cosine of a word to the neighbours that it had before training; the worst of those that
    training never read are listed.

    With --sentences (a corpus, such as sample:test, or raw text in a .txt file), each word that moved is
    replaced by the stranded word that it was nearest to, one position at a time, and changed labels are
    counted.

    Example:

        windowclf vectors drift runs/mine --words TV,television --sentences sample:test
    """
    trained = WindowTagger.load(model).model
    asked = [word for word in (words or "").split(",") if word]
    sentences = labels = None
    if file is not None:
        sentences, labels = _read(file, trained.config, input_format, token_column, separator)
    with limited_threads(threads):
        movement = trace_movement(trained, vectors=vectors, member=member, most=most, include=asked)
        stranded = find_stranded(movement, k=neighbours)
        found = describe_drift(
            movement,
            n=top,
            k=neighbours,
            words=[trained.vocabulary.words[row_of(trained, word)] for word in asked],
            stranded=stranded,
        )
        replaced = None
        if sentences is not None:
            replaced = replace_words(trained, pair_stranded(movement, stranded), sentences, labels)
    if as_json:
        print_json(asdict(found) | ({} if replaced is None else {"replacements": asdict(replaced)}))
        return
    _show(found)
    if replaced is not None:
        _show_replacements(replaced, top)


def _read(
    file: str,
    config: Config,
    input_format: str | None,
    token_column: int | None,
    separator: str | None,
) -> tuple[Sequence[Sentence], Sequence[Sequence[str]] | None]:
    """Return sentences, and their labels where the format has some."""
    located = locate(file)
    options = reading_options(config, located.path, input_format, token_column, separator)
    has_labels = located.format != "auto" or options.format not in ("text", "tokens")
    sentences = list(read_sentences(file, replace(options, labelled=has_labels)))
    return sentences, columns(sentences)[1] if has_labels else None


def _show(found: Drift) -> None:
    click.echo(f"vectors   {found.vectors}, of mean length {found.mean_norm:.3f}")
    click.echo(
        f"words     {found.words:,} looked at; training read {found.seen:,}; {found.moved:,} moved, "
        f"half of them by {found.median_relative:.3f} or more of that length"
    )
    click.echo(f"stranded  {found.stranded:,} that training never read, whose neighbours moved away\n")
    for title, words in (
        ("Moved furthest", found.furthest),
        ("Stranded, worst first", found.most_stranded),
        ("Asked for", found.chosen),
    ):
        if words:
            print_table(DRIFT_COLUMNS, map(_row, words), title=title)
            click.echo()


def _row(word: WordDrift) -> tuple[object, ...]:
    now = " ".join(neighbour.word for neighbour in word.nearest_after[:_NEIGHBOURS_SHOWN])
    return *drift_row(word, _NEIGHBOURS_SHOWN), now


def _show_replacements(replaced: Replacements, top: int) -> None:
    if not replaced.places:
        click.echo("No word of the sentences has a stranded neighbour.")
        return
    limit = " (the first)" if replaced.places == MOST_PLACES else ""
    click.echo(
        f"Replaced at {replaced.places:,} positions{limit}: {replaced.changed:,} got another label "
        f"({percent(replaced.share)} %), and {replaced.changed_around:,} of {replaced.around:,} other words."
    )
    if replaced.right_before is not None and replaced.right_after is not None:
        click.echo(f"Right labels: {replaced.right_before:,} before, {replaced.right_after:,} after.")
    changed = [r for r in replaced.words if r.changed][:top]
    if changed:
        click.echo()
        print_table(
            ["word", "replaced by", "positions", "other label"],
            [(r.word, r.by, r.places, r.changed) for r in changed],
        )
