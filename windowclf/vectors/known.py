"""List the vector sets that are known by name, and whether they are on this machine."""

from dataclasses import dataclass

from windowclf.corpus import VectorsEntry, read_catalog
from windowclf.vectors.cache import list_named
from windowclf.vectors.sources import (
    FULL_GLOVE,
    GENSIM_PREFIX,
    SMALL_GLOVE,
    gensim_path,
    has_glove_package,
    shipped_directory,
)
from windowclf.vectors.word_vectors import default_vectors_name


@dataclass(frozen=True, slots=True)
class VectorsStatus:
    """A vector set that is known by name."""

    name: str
    licence: str  #: empty for sets that were converted under a name
    words: int
    dimension: int
    here: bool  #: whether it can be loaded without a download
    is_default: bool
    obtain: str  #: how to get it; empty if it is here


def list_vectors() -> list[VectorsStatus]:
    """Return the sets of the catalogue and those converted under a name; nothing is loaded or fetched."""
    default = default_vectors_name()
    statuses = []
    for entry in read_catalog().vectors:
        here = _is_here(entry)
        size = (entry.words, entry.dimension)
        obtain = "" if here else entry.obtain
        statuses.append(VectorsStatus(entry.name, entry.licence, *size, here, entry.name == default, obtain))
    for name, words, dimension in list_named():
        statuses.append(VectorsStatus(name, "", words, dimension, True, False, ""))
    return statuses


def _is_here(entry: VectorsEntry) -> bool:
    if entry.name == SMALL_GLOVE:
        return shipped_directory().is_dir()
    if entry.name == FULL_GLOVE:
        return has_glove_package()
    return gensim_path(entry.name.removeprefix(GENSIM_PREFIX)).is_file()
