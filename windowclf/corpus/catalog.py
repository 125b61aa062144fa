"""Known corpora and vector sets, as ``windowclf_data/catalog.toml`` lists them."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from windowclf.errors import DataError, FetchError, did_you_mean
from windowclf.files import cache_root

SAMPLE = "sample"  # the corpus that ships
PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class CorpusFile:
    """A file of a corpus."""

    url: str  # of one fixed version
    sha256: str  # of its content, hexadecimal
    size: int  # in bytes
    role: str  # train, dev, test, or all where a rule splits the file
    sentences: int
    tokens: int

    @property
    def name(self) -> str:
        """File name, as in the address."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class ModuloSplit:
    """A split by sentence number i, from 0: i mod `period` decides."""

    period: int
    dev: tuple[int, ...]  # remainders; those of neither dev nor test are train
    test: tuple[int, ...]

    def role(self, i: int) -> str:
        """Return ``train``, ``dev`` or ``test`` for sentence number `i`."""
        remainder = i % self.period
        return "dev" if remainder in self.dev else "test" if remainder in self.test else "train"


@dataclass(frozen=True)
class _Entry:
    """What corpora and sets of vectors have in common: the name in commands, and texts for people."""

    name: str
    title: str
    licence: str
    licence_url: str
    homepage: str
    citation: str


@dataclass(frozen=True)
class CorpusEntry(_Entry):
    """A labelled corpus."""

    task: str
    format: str  # conll or conllu
    columns: tuple[str, ...]  # their names, in order
    label_column: str  # one of these
    separator: str  # between columns: tab or space
    scheme: str  # IOB1, IOB2, or none
    files: tuple[CorpusFile, ...]  # in the order train, dev, test
    split: ModuloSplit | None = None  # of a file of role all

    def folder(self, cache_dir: Path | None = None) -> Path:
        """Return its folder, which need not exist: in ``WINDOWCLF_CORPORA`` if there, else in the cache."""
        given = os.environ.get("WINDOWCLF_CORPORA")
        if given and (Path(given) / self.name).is_dir():
            return Path(given) / self.name
        return cache_root(cache_dir) / "corpora" / self.name

    def find(self, cache_dir: Path | None = None) -> dict[str, Path]:
        """Return its files by role; a FetchError that says how to get them if one is missing.

        Their hashes were verified when they were fetched.
        """
        folder = self.folder(cache_dir)
        missing = [file.name for file in self.files if not (folder / file.name).is_file()]
        if missing:
            raise FetchError(
                f"the corpus {self.name!r} is not on this machine, or not complete",
                where=str(folder),
                found=f"missing: {', '.join(missing)}",
                hint=f"Fetch it with: windowclf data fetch {self.name}",
            )
        return {file.role: folder / file.name for file in self.files}


@dataclass(frozen=True)
class VectorsEntry(_Entry):
    """A set of word vectors."""

    words: int  # V
    dimension: int  # D
    obtain: str  # how to get it


@dataclass(frozen=True)
class Catalog:
    """All known corpora and sets of vectors, in the order of the file."""

    corpora: tuple[CorpusEntry, ...]
    vectors: tuple[VectorsEntry, ...]

    def corpus(self, name: str) -> CorpusEntry:
        """Return the corpus called `name`; a DataError that names those there are if there is none."""
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
def read_catalog() -> Catalog:
    """Return the catalogue; it is read once."""
    import tomllib  # only known corpora and vectors need it
    from importlib import resources

    content = tomllib.loads(resources.files("windowclf_data").joinpath("catalog.toml").read_text("utf-8"))
    for entry in content["corpora"].values():
        for file in entry["files"]:
            file["url"] = entry["base_url"] + file["name"]
    named = {
        section: [{"name": name} | entry for name, entry in entries.items()]
        for section, entries in content.items()
    }
    return msgspec.convert(named, Catalog)
