"""Corpora in: files of any format, and parts of known corpora by name, a sentence at a time."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from windowclf.config import DataConfig
from windowclf.corpus.blocks import Source, source_name
from windowclf.corpus.catalog import PARTS, SAMPLE, ModuloSplit, read_catalog
from windowclf.corpus.conll import read_conll
from windowclf.corpus.conllu import LabelField, read_conllu
from windowclf.corpus.jsonl import read_jsonl
from windowclf.corpus.plain import read_tagged, read_text, read_tokens
from windowclf.corpus.sentence import Sentence
from windowclf.errors import ConfigError, DataError, did_you_mean

InputFormat = Literal["auto", "conll", "conllu", "jsonl", "tagged", "text", "tokens"]
_BY_ENDING: dict[str, InputFormat] = {".conllu": "conllu", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a corpus is read.

    Parameters
    ----------
    format : {"auto", "conll", "conllu", "jsonl", "tagged", "text", "tokens"}
        "auto" goes by the file's ending, with or without .gz: .conllu, .jsonl or .ndjson; all others are
        "conll". "tagged" is a sentence a line, each token as ``word/tag``. "text" is raw text, "tokens" is a
        sentence a line with spaces between tokens: neither has labels.
    token_column, label_column : int
        Of "conll": from 0; negative: from the end.
    separator : str, optional
        Of "conll": between columns; None: a tab in a line that has one, otherwise runs of spaces.
    label_field : {"upos", "xpos"}
        Of "conllu": the column of the labels.
    labelled : bool
        Whether labels are required. If not, none are read, even where there are some.
    columns : tuple of str
        Other columns to read into `Sentence.columns`: of "conll" their numbers, of "conllu" "upos" or "xpos",
        of "jsonl" the keys of lists beside the tokens.
    base_tags : bool
        Of "tagged": whether tags of the Brown corpus lose what they say of the context (`base_tag`).

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
    base_tags: bool = False

    def __post_init__(self) -> None:
        for field, choices in (("format", InputFormat), ("label_field", LabelField)):
            if (found := getattr(self, field)) not in get_args(choices):
                allowed = ", ".join(get_args(choices))
                raise ConfigError(f"no such {field}", where=field, found=found, allowed=allowed)
        if self.separator == "":
            raise ConfigError("an empty separator", where="separator", allowed="None, or a character or more")


def options_of(config: DataConfig, *, labelled: bool = True, columns: Sequence[str] = ()) -> ReadOptions:
    """Return how corpus files are read under a configuration; `columns` are those of its features."""
    return ReadOptions(
        format=config.format,
        token_column=config.token_column,
        label_column=config.label_column,
        separator=config.separator or None,
        label_field=config.label_field,
        labelled=labelled,
        columns=tuple(columns),
    )


def read_sentences(source: Source, options: ReadOptions | None = None) -> Iterator[Sentence]:
    """Yield the sentences of a corpus as they are read; nothing is opened before the first.

    Parameters
    ----------
    source : str, Path or Block
        A file (UTF-8, with or without a byte order mark; ``-`` is standard input, ``.gz`` is unpacked), or a
        string that `locate` knows, such as "wikigold:train". A known corpus has its own format and columns.
    options : ReadOptions, optional
        The format and its details; by default, everything by the file's ending, with labels.

    Raises
    ------
    DataError
        If the file cannot be read or does not keep to its format, with the line; or if labels or columns are
        required of a format that has none.
    FetchError
        If the corpus is known, but not on this machine.
    """
    options = options or ReadOptions()
    if not isinstance(source, str):
        yield from _read(source, options)
        return
    located = locate(source)
    if located.format == "conll":
        options = replace(options, format="conll", token_column=0, label_column=-1, separator=None)
    elif located.format == "conllu":
        options = replace(options, format="conllu")
    for i, sentence in enumerate(_read(located.path, options)):
        if located.split is None or located.split.role(i) == located.part:
            yield sentence


def read_labelled(source: Source, options: ReadOptions | None = None) -> list[Sentence]:
    """Return all sentences of a corpus; without any it raises a DataError, else as `read_sentences`."""
    sentences = list(read_sentences(source, options))
    if not any(sentences):
        raise DataError("no sentence in this corpus", where=source_name(source), hint="Is the file empty?")
    return sentences


def _read(source: Source, options: ReadOptions) -> Iterator[Sentence]:
    """Return the sentences of a file or block."""
    where, labelled, columns = source_name(source), options.labelled, options.columns
    format = format_of(where) if options.format == "auto" else options.format
    if format in ("text", "tokens") and labelled:
        raise DataError(f"the format {format!r} has no labels", where=where)
    if format in ("tagged", "text", "tokens") and columns:
        raise DataError(
            f"the format {format!r} has no columns, and the model needs some beside the words",
            where=where,
            found=", ".join(columns),
            hint="Give a CoNLL, CoNLL-U or JSONL file that has them.",
        )
    if format == "text":
        return read_text(source)
    if format == "tokens":
        return read_tokens(source)
    if format == "tagged":
        return read_tagged(source, labelled=labelled, base_tags=options.base_tags)
    if format == "conllu":
        return read_conllu(source, label_field=options.label_field, labelled=labelled, columns=columns)
    if format == "jsonl":
        return read_jsonl(source, labelled=labelled, columns=columns)
    return read_conll(
        source,
        token_column=options.token_column,
        label_column=options.label_column,
        separator=options.separator,
        labelled=labelled,
        columns=columns,
    )


def format_of(path: str | Path) -> InputFormat:
    """Return the format of a corpus file by its ending, with or without .gz; "conll" for any other."""
    name = Path(path).name.lower().removesuffix(".gz")
    return _BY_ENDING.get(Path(name).suffix, "conll")


class Located(NamedTuple):
    """Where a corpus is, and how it is read."""

    path: str  # - is standard input
    format: str = "auto"  # "auto": by the user's options
    split: ModuloSplit | None = None  # which sentences of the file are meant; None: all
    part: str = ""


def locate(name: str) -> Located:
    """Find a corpus by a path, by ``NAME:part`` with a name of the catalogue, or by ``sample:part``.

    A file of that very name comes first.

    Raises
    ------
    DataError
        If the catalogue has no such corpus, or the corpus no such part.
    FetchError
        If the corpus is known, but not on this machine.
    """
    corpus, colon, part = name.partition(":")
    known = [SAMPLE, *(entry.name for entry in read_catalog().corpora)] if colon else []
    if (corpus not in known and ("/" in name or part not in PARTS)) or os.path.exists(name):
        return Located(name)
    if corpus not in known:
        raise DataError(
            "no corpus of this name, and no such file",
            found=name,
            allowed=", ".join(known),
            hint=did_you_mean(corpus, known, cutoff=0.4),
        )
    if part not in PARTS:
        raise DataError(f"{corpus} has no such part", found=part, allowed=", ".join(PARTS))
    if corpus == SAMPLE:
        from importlib import resources  # a path needs no such search

        folder = resources.files("windowclf_data").joinpath("sample")
        return Located(str(folder.joinpath(f"{part}.conll")), "conll")
    entry = read_catalog().corpus(corpus)
    files = entry.find()
    if part in files:
        return Located(str(files[part]), entry.format)
    return Located(str(files["all"]), entry.format, entry.split, part)
