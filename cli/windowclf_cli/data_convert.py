"""`windowclf data convert`."""

import gzip
import io
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, cast

import click

from windowclf.corpus import (
    PARTS,
    OutputFormat,
    Scheme,
    Sentence,
    format_of,
    has_documents,
    options_of,
    read_part,
    write_sentences,
)
from windowclf.corpus import convert as convert_labels
from windowclf.errors import DataError
from windowclf.files import atomic_path
from windowclf_cli.options import columns_options, configuration, json_option
from windowclf_cli.output import print_json

_STDOUT = "-"


@click.command()
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@columns_options
@click.option("--ignore-label", help="Label to leave unchanged. [default: _]")
@click.option(
    "--to",
    "to_format",
    type=click.Choice(["conll", "conllu", "jsonl"]),
    help="Format of OUT. [default: by its ending, else conll]",
)
@click.option(
    "--to-scheme",
    type=click.Choice([scheme.value for scheme in Scheme], case_sensitive=False),
    help="Label scheme of OUT; the spans stay the same.",
)
@click.option(
    "--files", metavar="GLOB", help="Names of the files to read in a directory or an archive. [default: *]"
)
@click.option(
    "--part",
    type=click.Choice(PARTS),
    help="Convert only this part. Of every 20 documents (of one file, sentences), number 19 is dev, "
    "number 20 is test, and the others are train.",
)
@click.option(
    "--base-tags",
    is_flag=True,
    help="Remove from tags of the Brown corpus the marks of titles (-tl), headlines (-hl), cited words (-nc) "
    "and foreign words (fw-).",
)
@json_option
def convert(
    source: str,
    out: str,
    to_format: str | None,
    to_scheme: str | None,
    files: str | None,
    part: str | None,
    base_tags: bool,
    as_json: bool,
    **_: Any,
) -> None:
    """Convert the labelled corpus IN to another format or label scheme.

    IN is a file, - (standard input), a part of a known corpus, or a directory or .tgz archive, whose files
    are read in the order of their names. OUT is a file or - (standard output). An existing file is replaced
    once everything is converted; with the ending .gz, OUT is compressed.

    Example:

        windowclf data convert sample:train train.jsonl --to-scheme IOBES

        windowclf data convert texts.tgz dev.conll --format tagged --files '*.txt' --part dev
    """
    if as_json and out == _STDOUT:
        raise click.UsageError("--json prints to standard output; give a file as OUT.")
    data = configuration().data
    if base_tags and data.format != "tagged":
        raise click.UsageError("--base-tags needs --format tagged.")
    if files is not None and not has_documents(source):
        raise click.UsageError(f"--files needs a directory or a .tgz archive, which {source} is not.")
    options = replace(options_of(data), base_tags=base_tags)
    counts: Counter[str] = Counter()
    sentences = read_part(source, options, pattern=files, part=part)
    if to_scheme is not None:
        sentences = _in_scheme(sentences, Scheme(to_scheme), data.ignore_label or None)
    format = cast(OutputFormat, to_format or format_of(out))
    with _opened(out) as stream:
        write_sentences(_counted(sentences, counts), stream, format, label_field=data.label_field)
        if not counts:
            whose = "this corpus" if part is None else f"the part {part} of this corpus"
            raise DataError(f"no sentence in {whose}", where=source, hint="Is it empty, or too small?")
    n_sentences, n_tokens = counts["sentences"], counts["tokens"]
    if as_json:
        print_json({"out": out, "format": format, "sentences": n_sentences, "tokens": n_tokens})
    elif out != _STDOUT:
        click.echo(f"{out}: {n_sentences:,} sentences, {n_tokens:,} words, as {format}")


def _counted(sentences: Iterator[Sentence], counts: Counter[str]) -> Iterator[Sentence]:
    for sentence in sentences:
        counts["sentences"] += 1
        counts["tokens"] += len(sentence)
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
    """Yield a UTF-8 text stream; a file is replaced only once the block succeeds."""
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
