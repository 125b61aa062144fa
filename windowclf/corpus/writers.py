"""Labelled sentences out: every format is a function of sentences to text."""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Literal, TextIO, get_args

from windowclf.corpus.blocks import is_utf8
from windowclf.corpus.conll import conll_lines
from windowclf.corpus.conllu import LabelField, conllu_lines
from windowclf.corpus.jsonl import jsonl_lines
from windowclf.corpus.plain import inline
from windowclf.corpus.sentence import Sentence
from windowclf.errors import ConfigError, DataError

OutputFormat = Literal["conll", "conllu", "jsonl", "inline"]
Formatter = Callable[
    [
        Sequence[Sequence[str]],
        Sequence[Sequence[str]] | None,
        Iterable[str | None],
        Iterable[Sequence[tuple[int, int]] | None],
    ],
    str,
]
"""Tokens, labels, texts and offsets of sentences to what is written of them."""


def formatter(
    format: OutputFormat, *, label_field: LabelField = "upos", marks_spans: bool = False
) -> Formatter:
    """Return the function that writes sentences in a format; parameters are those of `write_sentences`.

    It raises a DataError, which does not say where, if one of the sentences does not fit the format.
    """
    formatters: dict[OutputFormat, Formatter] = {
        "conll": lambda tokens, labels, *_: conll_lines(tokens, labels),
        "conllu": lambda *parts: conllu_lines(*parts, label_field=label_field),
        "jsonl": lambda tokens, labels, *texts: jsonl_lines(tokens, labels or repeat(None), *texts),
        "inline": lambda tokens, labels, *_: inline(tokens, labels, marks_spans=marks_spans),
    }
    if format not in formatters:
        allowed = ", ".join(get_args(OutputFormat))
        raise ConfigError("no such format", where="format", found=format, allowed=allowed)
    return formatters[format]


def write_sentences(
    sentences: Iterable[Sentence],
    stream: TextIO,
    format: OutputFormat,
    *,
    label_field: LabelField = "upos",
    marks_spans: bool = False,
) -> None:
    """Write sentences to a text stream as they come.

    Parameters
    ----------
    sentences : iterable of Sentence
        With or without labels.
    stream : text stream
        Must be UTF-8 with unix line ends; it is neither flushed nor closed.
    format : {"conll", "conllu", "jsonl", "inline"}
        "conll" is two columns with a tab between; "inline" is for people to read, all others are read back by
        `read_sentences`.
    label_field : {"upos", "xpos"}
        Of "conllu": the column that the labels go to.
    marks_spans : bool
        Of "inline": whether labels mark spans, which are put in brackets; if not, each token has its label.

    Raises
    ------
    DataError
        If a sentence does not fit the format: see `conll_lines`, `conllu_lines`, `jsonl_lines`, `inline`.
    ConfigError
        If there is no such format.
    """
    write = formatter(format, label_field=label_field, marks_spans=marks_spans)
    for sentence in sentences:
        try:
            labels = None if sentence.labels is None else [sentence.labels]
            written = write([sentence.tokens], labels, [sentence.text], [sentence.offsets])
        except DataError as error:
            raise sentence.error(error.problem, found=error.found, allowed=error.allowed) from error
        if not written.isascii() and not is_utf8(written):
            raise sentence.error("a lone surrogate cannot be written", found=written)
        stream.write(written)
