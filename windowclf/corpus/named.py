"""Corpora by what a user calls them: a file, or `NAME:part` of the catalogue or of what ships."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from windowclf.config import DataConfig
from windowclf.corpus.catalog import ModuloSplit, catalog, find_corpus
from windowclf.corpus.readers import ReadOptions, read_sentences
from windowclf.corpus.sentence import Sentence
from windowclf.errors import DataError, did_you_mean

SAMPLE = "sample"
PARTS = ("train", "dev", "test")


class Located(NamedTuple):
    """Where a corpus is, and how it is read.

    Attributes
    ----------
    path : str
        The file; `-` is standard input.
    format : str
        "auto" where the user's options decide.
    split, part : ModuloSplit or None, str
        Which sentences of the file are meant; all without a split.
    """

    path: str
    format: str = "auto"
    split: ModuloSplit | None = None
    part: str = ""


def locate(name: str) -> Located:
    """Find a corpus by a path, by `NAME:part` with a name of the catalogue, or by `sample:part`.

    A file of that very name comes first.

    Raises
    ------
    DataError
        If the catalogue has no such corpus, or the corpus no such part.
    FetchError
        If the corpus is known, but not on this machine.
    """
    corpus, colon, part = name.partition(":")
    known = [SAMPLE, *(entry.name for entry in catalog().corpora)]
    if name == "-" or os.path.exists(name) or not colon or (corpus not in known and "/" in name):
        return Located(name)
    if corpus not in known:
        if part not in PARTS:
            return Located(name)
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
    entry, files = catalog().corpus(corpus), find_corpus(corpus)
    if part in files:
        return Located(str(files[part]), entry.format)
    return Located(str(files["all"]), entry.format, entry.split, part)


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


def read_named(name: str, options: ReadOptions) -> Iterator[Sentence]:
    """Yield the sentences of a corpus that `locate` finds; its catalogue entry, if any, knows its format."""
    located = locate(name)
    if located.format == "conll":
        options = replace(options, format="conll", token_column=0, label_column=-1, separator=None)
    elif located.format == "conllu":
        options = replace(options, format="conllu")
    for i, sentence in enumerate(read_sentences(located.path, options)):
        if located.split is None or located.split.role(i) == located.part:
            yield sentence


def read_labelled(name: str, options: ReadOptions) -> list[Sentence]:
    """Return all sentences of a labelled corpus.

    Raises
    ------
    DataError
        As `read_sentences`; and if there is none.
    """
    sentences = list(read_named(name, options))
    if not any(sentences):
        raise DataError("no sentence in this corpus", where=name, hint="Is the file empty?")
    return sentences
