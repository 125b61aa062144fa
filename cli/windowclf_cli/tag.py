"""`windowclf tag`."""

import io
import sys
from itertools import groupby
from typing import Any

import click

from windowclf.corpus import STDIN, read_blocks, sentences_of_text
from windowclf.streaming import BlockTagger, TagFormat, tag_blocks
from windowclf.tagger import WindowTagger
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import (
    POSITIVE,
    input_options,
    jobs_option,
    model_argument,
    reading_options,
    table_option,
    threads_option,
)


@click.command()
@model_argument
@click.argument("files", metavar="[FILE|-]...", nargs=-1)
@click.option("--text", help="Tag this text instead of a file.")
@input_options
@click.option(
    "--output-format",
    type=click.Choice(["inline", "conll", "jsonl"]),
    help="[default: inline; with --json jsonl]",
)
@click.option(
    "--probabilities",
    is_flag=True,
    help="Add the probability of each label (conll and jsonl) and of each span (jsonl).",
)
@click.option(
    "--n-best",
    metavar="N",
    type=POSITIVE,
    help="Add the N most probable tag sequences of each sentence, best first (jsonl).",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --output-format jsonl.")
@threads_option
@jobs_option
@table_option
def command(
    model: str,
    files: tuple[str, ...],
    text: str | None,
    output_format: TagFormat | None,
    probabilities: bool,
    n_best: int | None,
    as_json: bool,
    threads: Threads,
    jobs: int,
    table_mb: float,
    **given: Any,
) -> None:
    """Tag text from --text, FILEs or standard input (-).

    Input of any size is read, tagged and written piece by piece, in flat memory. Output formats: inline, a
    sentence a line, as `[PER Angela Merkel] flew from [LOC Berlin]` or `dog/NOUN`; conll, a token and its
    label a line; jsonl, a sentence a line.

    Example:

        windowclf tag runs/mine --text "Angela Merkel flew from Berlin to New York."
    """
    if (text is None) == (not files):
        raise click.UsageError('Give either --text "…" or a FILE (- for standard input).')
    if as_json and output_format not in (None, "jsonl"):
        raise click.UsageError("--json is short for --output-format jsonl; give only one of them.")
    chosen: TagFormat = output_format or ("jsonl" if as_json else "inline")
    if probabilities and chosen == "inline":
        raise click.UsageError("--probabilities needs --output-format conll or jsonl.")
    if n_best is not None and chosen != "jsonl":
        raise click.UsageError("--n-best needs --output-format jsonl (or --json).")
    tagger = WindowTagger.load(model)
    with limited_threads(threads):
        # the processes share what is in the tables when they start
        tagger.compile(table_mb=table_mb, prefill=jobs > 1)
        block_tagger = BlockTagger(tagger, chosen, probabilities=probabilities, n_best=n_best)
        if text is not None:
            labelled = block_tagger.tag(sentences_of_text(text))
            sys.stdout.buffer.write(labelled.content)
            if labelled.fault is not None:
                raise labelled.fault
            return
        options = [reading_options(tagger.config, file, **given) for file in files]
        # standard input is a group of its own: results must not wait for it
        for is_stdin, group in groupby(zip(files, options, strict=True), lambda pair: pair[0] == STDIN):
            blocks = ((block, how) for file, how in group for block in read_blocks(file, how.format))
            source = _descriptor_of_stdin() if is_stdin else None
            tag_blocks(block_tagger, blocks, sys.stdout.buffer, n_processes=jobs, source=source)


def _descriptor_of_stdin() -> int | None:
    try:
        return sys.stdin.fileno()
    except io.UnsupportedOperation:  # a stream in memory, as in tests
        return None
