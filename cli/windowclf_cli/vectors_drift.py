"""`windowclf vectors drift`."""

from dataclasses import asdict, replace
from typing import Any

import click

from windowclf.corpus import columns, locate, read_sentences
from windowclf.inspection import (
    DRIFT_COLUMNS,
    MOST_PLACES,
    N_NEIGHBOURS,
    Drift,
    Replacements,
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
    member_option,
    model_argument,
    number_option,
    reading_options,
    threads_option,
)
from windowclf_cli.output import percent, print_json, print_table

_NEIGHBOURS_SHOWN = 3


@click.command()
@model_argument
@click.option("--words", metavar="WORD,…", help="Also show these words.")
@number_option("--top", 10, "Words of each list.", click.IntRange(min=0))
@number_option("--neighbours", N_NEIGHBOURS, "Nearest neighbours of each word.")
@number_option(
    "--most",
    30_000,
    "Words to look at: those of training, then the most frequent; 0: all, which takes longer.",
    click.IntRange(min=0),
)
@click.option("--vectors", metavar="NAME", help="Location of the pretrained vectors, if not as in training.")
@member_option
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
    threads: Threads,
    as_json: bool,
    **given: Any,
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
        located = locate(file)
        options = reading_options(trained.config, located.path, **given)
        has_labels = located.format != "auto" or options.format not in ("text", "tokens")
        sentences = list(read_sentences(file, replace(options, labelled=has_labels)))
        labels = columns(sentences)[1] if has_labels else None
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
            rows = [
                (
                    *drift_row(word, _NEIGHBOURS_SHOWN),
                    " ".join(n.word for n in word.nearest_after[:_NEIGHBOURS_SHOWN]),
                )
                for word in words
            ]
            print_table(DRIFT_COLUMNS, rows, title=title)
            click.echo()


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
    if changed := [(r.word, r.by, r.places, r.changed) for r in replaced.words if r.changed][:top]:
        click.echo()
        print_table(["word", "replaced by", "positions", "other label"], changed)
