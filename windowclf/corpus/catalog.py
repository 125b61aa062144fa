"""Known corpora and vector sets, as ``windowclf_data/catalog.toml`` lists them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from windowclf.errors import DataError, FetchError, did_you_mean
from windowclf.files import cache_root

T = TypeVar("T")


@dataclass(frozen=True)
class CorpusFile:
    """One file of a corpus.

    Parameters
    ----------
    name : str
        File name.
    role : str
        ``train``, ``dev``, ``test``, or ``all`` where a rule splits the file.
    url : str
        Address of one fixed version.
    sha256 : str
        Hash of its content, hexadecimal.
    size : int
        In bytes.
    sentences, tokens : int
        Their number in this file.
    """

    name: str
    role: str
    url: str
    sha256: str
    size: int
    sentences: int
    tokens: int


@dataclass(frozen=True)
class ModuloSplit:
    """A split by sentence number i, from 0: i mod `period` decides.

    Parameters
    ----------
    period : int
        The divisor.
    dev, test : tuple of int
        Remainders that belong to dev and test; all others are train.
    """

    period: int
    dev: tuple[int, ...]
    test: tuple[int, ...]

    def role(self, i: int) -> str:
        """Return ``train``, ``dev`` or ``test`` for sentence number `i`."""
        remainder = i % self.period
        return "dev" if remainder in self.dev else "test" if remainder in self.test else "train"


@dataclass(frozen=True)
class CorpusEntry:
    """A labelled corpus.

    Parameters
    ----------
    name : str
        What commands call it, and its folder.
    title, task, licence, licence_url, homepage, citation : str
        For people.
    format : str
        ``conll`` or ``conllu``.
    columns : tuple of str
        Names of the columns, in order.
    label_column : str
        Which of them has the labels.
    separator : str
        Between columns: ``tab`` or ``space``.
    scheme : str
        ``IOB1``, ``IOB2``, or ``none`` where each label is of one word.
    split : ModuloSplit or None
        How a file of role ``all`` is split.
    files : tuple of CorpusFile
        In the order train, dev, test.
    """

    name: str
    title: str
    task: str
    licence: str
    licence_url: str
    homepage: str
    citation: str
    format: str
    columns: tuple[str, ...]
    label_column: str
    separator: str
    scheme: str
    split: ModuloSplit | None
    files: tuple[CorpusFile, ...]


@dataclass(frozen=True)
class VectorsEntry:
    """A set of word vectors.

    Parameters
    ----------
    name : str
        What `load_vectors` takes, where it can be loaded by name.
    title, licence, licence_url, homepage, citation : str
        For people.
    words : int
        V, their number.
    dimension : int
        D.
    obtain : str
        What to do to have it.
    """

    name: str
    title: str
    licence: str
    licence_url: str
    homepage: str
    citation: str
    words: int
    dimension: int
    obtain: str


@dataclass(frozen=True)
class Catalog:
    """All that is known.

    Parameters
    ----------
    corpora : tuple of CorpusEntry
        In the order of the file.
    vectors : tuple of VectorsEntry
        In the order of the file.
    """

    corpora: tuple[CorpusEntry, ...]
    vectors: tuple[VectorsEntry, ...]

    def corpus(self, name: str) -> CorpusEntry:
        """Return the corpus called `name`.

        Raises
        ------
        DataError
            If there is none; the message names those there are.
        """
        entries = {entry.name: entry for entry in self.corpora}
        if name in entries:
            return entries[name]
        raise DataError(
            "no corpus of this name",
            found=name,
            allowed=", ".join(entries),
            hint=did_you_mean(name, entries, cutoff=0.4),
        )


@cache
def catalog() -> Catalog:
    """Return the catalogue; it is read once."""
    import tomllib  # here: whoever reads a file of their own needs no catalogue
    from importlib import resources

    text = resources.files("windowclf_data").joinpath("catalog.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return Catalog(
        corpora=tuple(_corpus(name, entry) for name, entry in content["corpora"].items()),
        vectors=tuple(VectorsEntry(name=name, **entry) for name, entry in content["vectors"].items()),
    )


def _corpus(name: str, entry: dict[str, Any]) -> CorpusEntry:
    files = tuple(
        CorpusFile(**{**file, "url": entry["base_url"] + file["name"]}) for file in entry.pop("files")
    )
    entry.pop("base_url")
    split = entry.pop("split", None)
    rule = ModuloSplit(split["period"], tuple(split["dev"]), tuple(split["test"])) if split else None
    return CorpusEntry(name=name, columns=tuple(entry.pop("columns")), split=rule, files=files, **entry)


def corpus_dir(name: str, *, cache_dir: Path | None = None) -> Path:
    """Return the folder of a corpus.

    In ``WINDOWCLF_CORPORA`` where that has a folder of its name, else in the cache.

    Parameters
    ----------
    name : str
        A corpus of the catalogue.
    cache_dir : Path, optional
        As in `cache_root`.

    Returns
    -------
    Path
        The folder; it need not exist.

    Raises
    ------
    DataError
        If the catalogue has no such corpus.
    """
    entry = catalog().corpus(name)
    given = os.environ.get("WINDOWCLF_CORPORA")
    if given and (Path(given) / entry.name).is_dir():
        return Path(given) / entry.name
    return cache_root(cache_dir) / "corpora" / entry.name


def find_corpus(name: str, *, cache_dir: Path | None = None) -> dict[str, Path]:
    """Return the files of a corpus that is on this machine, by role.

    Their hashes were verified when they were fetched and are not verified again.

    Raises
    ------
    DataError
        If the catalogue has no such corpus.
    FetchError
        If a file is missing; the message says how to get it.
    """
    entry = catalog().corpus(name)
    folder = corpus_dir(name, cache_dir=cache_dir)
    missing = [file.name for file in entry.files if not (folder / file.name).is_file()]
    if missing:
        raise FetchError(
            f"the corpus {name!r} is not on this machine, or not whole",
            where=str(folder),
            found=f"missing: {', '.join(missing)}",
            hint=f"Fetch it with: windowclf data fetch {name}",
        )
    return {file.role: folder / file.name for file in entry.files}


def split_modulo(items: Iterable[T], rule: ModuloSplit) -> dict[str, list[T]]:
    """Split sentences, or whatever is counted, by their number.

    Parameters
    ----------
    items : iterable
        Counted from 0.
    rule : ModuloSplit
        For instance ``catalog().corpus("wikigold").split``.

    Returns
    -------
    dict of str to list
        ``train``, ``dev`` and ``test``, each in the order of `items`; together all of them.
    """
    parts: dict[str, list[T]] = {"train": [], "dev": [], "test": []}
    for i, item in enumerate(items):
        parts[rule.role(i)].append(item)
    return parts
