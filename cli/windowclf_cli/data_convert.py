"""`windowclf data convert`."""

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, cast

import click

from windowclf.errors import DataError
from windowclf.files import atomic_path
from windowclf.text.corpora import options_of, read_named
from windowclf.text.corpus import OutputFormat, Sentence, format_of, write_sentences
from windowclf.text.labels import Scheme
from windowclf.text.labels import convert as convert_labels
from windowclf_cli.options import columns_options, configuration, json_option
from windowclf_cli.output import print_json

_STDOUT = "-"


@click.command()
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@columns_options
@click.option("--ignore-label", help="Label that stays as it is. [default: _]")
@click.option(
    "--to",
    "to_format",
    type=click.Choice(["conll", "conllu", "jsonl"]),
    help="Format of OUT. [default: by its ending, else conll]",
)
@click.option(
    "--to-scheme",
    type=click.Choice([scheme.value for scheme in Scheme], case_sensitive=False),
    help="Mark the same spans in this label scheme.",
)
@json_option
def convert(
    source: str, out: str, to_format: str | None, to_scheme: str | None, as_json: bool, **_: Any
) -> None:
    """Convert the labelled corpus IN to another format or label scheme.

    IN is a file, - (standard input) or a part of a known corpus. OUT is a file, which is replaced if it is
    there once all is converted, or - (standard output); with the ending .gz it is packed.

    Example:

        windowclf data convert sample:train train.jsonl --to-scheme IOBES
    """
    if as_json and out == _STDOUT:
        raise click.UsageError("--json reports on standard output; give OUT a file.")
    data = configuration().data
    sentences = _Counted(read_named(source, options_of(data)))
    written: Iterator[Sentence] = iter(sentences)
    if to_scheme is not None:
        written = _in_scheme(written, Scheme(to_scheme), data.ignore_label or None)
    format = cast(OutputFormat, to_format or format_of(out))
    with _opened(out) as stream:
        write_sentences(written, stream, format, label_field=data.label_field)
        if not sentences.n_sentences:
            raise DataError("no sentence in this corpus", where=source, hint="Is the file empty?")
    if as_json:
        print_json(
            {
                "out": out,
                "format": format,
                "sentences": sentences.n_sentences,
                "tokens": sentences.n_tokens,
            }
        )
    elif out != _STDOUT:
        click.echo(f"{out}: {sentences.n_sentences:,} sentences, {sentences.n_tokens:,} words, as {format}")


class _Counted:
    """Sentences that are counted as they pass."""

    def __init__(self, sentences: Iterator[Sentence]) -> None:
        self.sentences = sentences
        self.n_sentences = 0
        self.n_tokens = 0

    def __iter__(self) -> Iterator[Sentence]:
        for sentence in self.sentences:
            self.n_sentences += 1
            self.n_tokens += len(sentence)
            yield sentence


def _in_scheme(sentences: Iterator[Sentence], scheme: Scheme, ignore: str | None) -> Iterator[Sentence]:
    for sentence in sentences:
        try:
            labels = tuple(convert_labels(sentence.labels or (), scheme, ignore=ignore))
        except DataError as error:
            raise sentence.error(error.problem, found=error.found, allowed=error.allowed) from error
        yield replace(sentence, labels=labels)


@contextmanager
def _opened(out: str) -> Iterator[TextIO]:
    """Yield a UTF-8 text stream; a file is there, whole, only once the block succeeds."""
    if out == _STDOUT:
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
        try:
            yield stream
        finally:
            stream.detach()  # which flushes; closing it would close standard output
        return
    with atomic_path(Path(out)) as temporary:
        with (
            gzip.open(temporary, "wb") if out.lower().endswith(".gz") else open(temporary, "wb") as file,
            io.TextIOWrapper(cast(io.BufferedWriter, file), encoding="utf-8", newline="\n") as text,
        ):
            yield text
