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

from windowclf.corpus.blocks import Source
from windowclf.corpus.catalog import PARTS
from windowclf.corpus.documents import documents, has_documents, part_of
from windowclf.corpus.label_schemes import Scheme
from windowclf.corpus.label_schemes import convert as convert_labels
from windowclf.corpus.plain import base_tag
from windowclf.corpus.readers import ReadOptions, format_of, options_of, read_sentences
from windowclf.corpus.sentence import Sentence
from windowclf.corpus.writers import OutputFormat, write_sentences
from windowclf.errors import DataError
from windowclf.files import atomic_path
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
@click.option(
    "--files", metavar="GLOB", help="Names of the documents in a directory or an archive. [default: *]"
)
@click.option(
    "--part",
    type=click.Choice(PARTS),
    help="Convert only these: of twenty documents, or sentences if IN is one file, the last but one is "
    "dev, the last test, all others train.",
)
@click.option(
    "--base-tags",
    is_flag=True,
    help="Leave out what tags of the Brown corpus say of titles (-tl), headlines (-hl), cited (-nc) and "
    "foreign words (fw-).",
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

    IN is a file, - (standard input), a part of a known corpus, or a directory or .tgz archive of documents,
    which are read in the order of their names. OUT is a file, which is replaced if it is there once all is
    converted, or - (standard output); with the ending .gz it is packed.

    Example:

        windowclf data convert sample:train train.jsonl --to-scheme IOBES

        windowclf data convert texts.tgz dev.conll --format tagged --files '*.txt' --part dev
    """
    if as_json and out == _STDOUT:
        raise click.UsageError("--json reports on standard output; give OUT a file.")
    data = configuration().data
    if base_tags and data.format != "tagged":
        raise click.UsageError("--base-tags is of --format tagged.")
    sentences = _Counted(_read(source, options_of(data), files, part))
    written: Iterator[Sentence] = iter(sentences)
    if base_tags:
        written = (replace(s, labels=tuple(map(base_tag, s.labels or ()))) for s in written)
    if to_scheme is not None:
        written = _in_scheme(written, Scheme(to_scheme), data.ignore_label or None)
    format = cast(OutputFormat, to_format or format_of(out))
    with _opened(out) as stream:
        write_sentences(written, stream, format, label_field=data.label_field)
        if not sentences.n_sentences:
            whose = "this corpus" if part is None else f"the part {part} of this corpus"
            raise DataError(f"no sentence in {whose}", where=source, hint="Is it empty, or too small?")
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


def _read(source: str, options: ReadOptions, files: str | None, part: str | None) -> Iterator[Sentence]:
    """Find out what is there to be read, and return its sentences, which are read as they are asked for."""
    if not has_documents(source):
        if files is not None:
            raise click.UsageError(f"--files is of a directory or a .tgz archive, which {source} is not.")
        return part_of(read_sentences(source, options), part)
    all_documents = documents(source, "*" if files is None else files)
    return _of_documents(part_of(all_documents, part), options, are_named=files is not None)


def _of_documents(chosen: Iterator[Source], options: ReadOptions, *, are_named: bool) -> Iterator[Sentence]:
    try:
        for document in chosen:
            yield from read_sentences(document, options)
    except DataError as error:
        if are_named:
            raise
        parts = {name: getattr(error, name) for name in ("where", "line", "found", "allowed")}
        hint = "If this file is no document, say by --files which are."
        raise DataError(error.problem, **parts, hint=hint) from error


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
