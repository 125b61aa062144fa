"""`windowclf tag`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import click

from windowclf.tagger import WindowTagger
from windowclf.tagging import MOST_SENTENCES, TagFormat, tag_stream
from windowclf.text.corpora import options_of
from windowclf.text.corpus import InputFormat, ReadOptions, read_sentences
from windowclf.text.plain import sentences_of_text
from windowclf_cli.options import limited_threads, model_argument, table_option, threads_option

_FORMATS = {
    ".conll": "conll",
    ".tsv": "conll",
    ".iob": "conll",
    ".conllu": "conllu",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@click.command()
@model_argument
@click.argument("file", metavar="[FILE|-]", required=False)
@click.option("--text", help="Tag this text instead of a file.")
@click.option(
    "--input-format",
    type=click.Choice(["text", "tokens", "conll", "conllu", "jsonl"]),
    help="tokens: a sentence a line, tokens parted by spaces. [default: by the file's ending, else text]",
)
@click.option(
    "--output-format",
    type=click.Choice(["inline", "conll", "jsonl"]),
    help="[default: inline; with --json jsonl]",
)
@click.option("--token-column", type=int, help="Column of the word in CoNLL input, from 0.")
@click.option("--separator", help="Between columns of CoNLL input.")
@click.option(
    "--probabilities",
    is_flag=True,
    help="Add the probability of each label as it is spelled (conll and jsonl).",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --output-format jsonl.")
@threads_option
@table_option
def command(
    model: str,
    file: str | None,
    text: str | None,
    input_format: str | None,
    output_format: TagFormat | None,
    token_column: int | None,
    separator: str | None,
    probabilities: bool,
    as_json: bool,
    threads: int | None,
    table_mb: float,
) -> None:
    """Label text from --text, a FILE or standard input (-).

    Sentences stream: memory stays flat whatever the size of the input, and as many come out as went in.
    inline is one sentence a line, `[PER Angela Merkel] flew from [LOC Berlin]` or `dog/NOUN`; conll is one
    token a line; jsonl one sentence a line.

    Example:

        windowclf tag runs/mine --text "Angela Merkel flew from Berlin to New York."
    """
    if (text is None) == (file is None):
        raise click.UsageError('Give either --text "…" or a FILE (- for standard input).')
    if as_json and output_format not in (None, "jsonl"):
        raise click.UsageError("--json is --output-format jsonl; do not give another one beside it.")
    chosen: TagFormat = output_format or ("jsonl" if as_json else "inline")
    if probabilities and chosen == "inline":
        raise click.UsageError("--probabilities needs --output-format conll or jsonl.")
    tagger = WindowTagger.load(model)
    if text is not None:
        sentences = sentences_of_text(text)
    else:
        assert file is not None
        sentences = read_sentences(file, _options(tagger, file, input_format, token_column, separator))
    with limited_threads(threads):
        tag_stream(
            tagger.compile(table_mb=table_mb),
            sentences,
            sys.stdout,
            chosen,
            probabilities=probabilities,
            at_once=1 if file == "-" and sys.stdin.isatty() else MOST_SENTENCES,
        )


def _options(
    tagger: WindowTagger, file: str, input_format: str | None, token_column: int | None, separator: str | None
) -> ReadOptions:
    format = input_format or _FORMATS.get(Path(file.removesuffix(".gz")).suffix.lower(), "text")
    options = replace(options_of(tagger.config.data, labelled=False), format=cast(InputFormat, format))
    if token_column is not None:
        options = replace(options, token_column=token_column)
    return replace(options, separator=separator) if separator else options
