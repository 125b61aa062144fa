"""Corpora in and out: the public face of the readers and writers, one module a format.

Reading and writing stream: a sentence at a time, whatever the size of the file.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO, get_args

from windowclf.corpus.blocks import Source, is_utf8, source_name
from windowclf.corpus.conll import conll_lines, read_conll
from windowclf.corpus.conllu import LabelField, conllu_lines, read_conllu
from windowclf.corpus.jsonl import jsonl_line, read_jsonl
from windowclf.corpus.label_schemes import Scheme
from windowclf.corpus.plain import inline, read_text, read_tokens
from windowclf.corpus.sentence import Sentence
from windowclf.corpus.tagged import read_tagged
from windowclf.errors import ConfigError, DataError

InputFormat = Literal["auto", "conll", "conllu", "jsonl", "tagged", "text", "tokens"]
OutputFormat = Literal["conll", "conllu", "jsonl", "inline"]
_BY_ENDING: dict[str, InputFormat] = {".conllu": "conllu", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a corpus is read.

    Parameters
    ----------
    format : {"auto", "conll", "conllu", "jsonl", "tagged", "text", "tokens"}
        "auto" goes by the file's ending, with or without .gz: .conllu, .jsonl or .ndjson; all others are
        "conll". "tagged" is a sentence a line of tokens ``word/tag``. "text" is raw text, "tokens" is a
        sentence a line with spaces between tokens: both have no labels.
    token_column, label_column : int
        Of "conll": from 0; negative: from the end.
    separator : str, optional
        Of "conll": between columns; None: a tab in a line that holds one, otherwise runs of spaces.
    label_field : {"upos", "xpos"}
        Of "conllu": the column that is the label.
    labelled : bool
        Whether labels are required. If not, none are read, even where there are some.
    columns : tuple of str
        Other columns that are read too, `Sentence.columns`: of "conll" their numbers, of "conllu" "upos" or
        "xpos", of "jsonl" the keys of lists beside the tokens.

    Raises
    ------
    ConfigError
        If a value is not one of these.
    """

    format: InputFormat = "auto"
    token_column: int = 0
    label_column: int = -1
    separator: str | None = None
    label_field: LabelField = "upos"
    labelled: bool = True
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_choice("format", self.format, get_args(InputFormat))
        _check_choice("label_field", self.label_field, get_args(LabelField))
        if self.separator == "":
            raise ConfigError(
                "an empty separator", where="separator", allowed="None, or one character or more"
            )


def read_sentences(path: Source, options: ReadOptions | None = None) -> Iterator[Sentence]:
    """Yield the sentences of a file, reading no further than asked; nothing is opened before the first.

    Parameters
    ----------
    path : str or Path
        The file, UTF-8, with or without a byte order mark; ``-`` is standard input, ``.gz`` is unpacked.
    options : ReadOptions, optional
        The format and its details; by default, everything by the file's ending, with labels.

    Raises
    ------
    DataError
        If the file cannot be read or does not keep to its format, with the line; or if labels or columns are
        required of a format without any.
    """
    options = options or ReadOptions()
    kind = options.format if options.format != "auto" else format_of(source_name(path))
    if kind in ("text", "tokens") and options.labelled:
        raise DataError(f"the format {kind!r} has no labels", where=source_name(path))
    if kind in ("tagged", "text", "tokens") and options.columns:
        raise DataError(
            f"the format {kind!r} has no columns, and the model takes some beside the words",
            where=source_name(path),
            found=", ".join(options.columns),
            hint="Give a CoNLL, CoNLL-U or JSONL file that has them.",
        )
    if kind == "tagged":
        yield from read_tagged(path, labelled=options.labelled)
    elif kind in ("text", "tokens"):
        yield from read_text(path) if kind == "text" else read_tokens(path)
    elif kind == "conllu":
        yield from read_conllu(
            path, label_field=options.label_field, labelled=options.labelled, columns=options.columns
        )
    elif kind == "jsonl":
        yield from read_jsonl(path, labelled=options.labelled, columns=options.columns)
    else:
        yield from read_conll(
            path,
            token_column=options.token_column,
            label_column=options.label_column,
            separator=options.separator,
            labelled=options.labelled,
            columns=options.columns,
        )


def read_corpus(path: str | Path, options: ReadOptions | None = None) -> list[Sentence]:
    """Return all sentences of a file: `read_sentences` for what must not be empty.

    Raises
    ------
    DataError
        As `read_sentences`; and if there is no sentence.
    """
    corpus = list(read_sentences(path, options))
    if not any(corpus):
        raise DataError("no sentence in this file", where=source_name(path))
    return corpus


def write_sentences(
    sentences: Iterable[Sentence],
    stream: TextIO,
    format: OutputFormat,
    *,
    label_field: LabelField = "upos",
    scheme: Scheme | None = None,
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
    scheme : Scheme, optional
        Of "inline": labels mark spans, which are put in brackets; None: each token has its label.

    Raises
    ------
    DataError
        If a sentence does not fit the format: see `conll_lines`, `conllu_lines`, `jsonl_line`, `inline`.
    ConfigError
        If there is no such format.
    """
    _check_choice("format", format, get_args(OutputFormat))
    writers: dict[str, Callable[[Sentence], str]] = {
        "conll": conll_lines,
        "conllu": lambda sentence: conllu_lines(sentence, label_field=label_field),
        "jsonl": jsonl_line,
        "inline": lambda sentence: inline(sentence, scheme=scheme),
    }
    write = writers[format]
    for sentence in sentences:
        written = write(sentence)
        if not written.isascii() and not is_utf8(written):
            raise sentence.error("a lone surrogate cannot be written", found=written)
        stream.write(written)


def format_of(path: str | Path) -> InputFormat:
    """Return the format of a corpus file by its ending, with or without .gz; "conll" for any other."""
    name = Path(path).name.lower().removesuffix(".gz")
    return _BY_ENDING.get(Path(name).suffix, "conll")


def _check_choice(field: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"no such {field}", where=field, found=value, allowed=", ".join(choices))
