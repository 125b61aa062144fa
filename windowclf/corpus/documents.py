"""Corpora of many documents: the files of a directory, or of a packed archive, in the order of their names.

An archive is read as data: nothing of it is unpacked to disk, so no name or link in it leads anywhere.
"""

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

from windowclf.corpus.blocks import Block, Source
from windowclf.corpus.catalog import ModuloSplit
from windowclf.errors import DataError

T = TypeVar("T")

ARCHIVE_SUFFIXES = (".tgz", ".tar.gz")
SPLIT = ModuloSplit(20, dev=(18,), test=(19,))
"""How a corpus without parts of its own is split, by document or by sentence."""
_LARGEST = 1 << 30  # bytes of all documents of an archive, which are in memory at once
_READ = 1 << 20  # bytes read at once


def has_documents(path: str) -> bool:
    """Return whether a path is a directory or is named like a packed archive."""
    return os.path.isdir(path) or path.lower().endswith(ARCHIVE_SUFFIXES)


def documents(path: str, pattern: str = "*") -> list[Source]:
    """Return the documents of a directory or of an archive, each to be read as a file is.

    These are the regular files at any depth whose own names match a pattern; names that begin with a dot
    never do. Their order is that of their paths, folder by folder and character by character.

    Parameters
    ----------
    path : str
        A directory, or a gzipped tar archive; the documents of the latter are held in memory.
    pattern : str
        As of a shell: ``*``, ``?``, ``[a-r]``. Letter case counts.

    Raises
    ------
    DataError
        If there is none; or the directory cannot be read; or the archive is no such archive, is damaged, or
        its documents take more than 1 GiB.
    """
    try:
        found, n_files = (_of_directory if os.path.isdir(path) else _of_archive)(path, pattern)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise DataError(
            "the archive is damaged, cut short, or no gzipped tar archive",
            where=path,
            found=str(error),
            hint="Fetch or pack it again.",
        ) from error
    except FileNotFoundError as error:
        raise DataError("no such file", where=path) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=path) from error
    if not found:
        raise DataError(
            f"no document among the {n_files} files in it",
            where=path,
            allowed=f"regular files whose names match {pattern!r}",
        )
    return [found[name] for name in sorted(found, key=lambda name: name.parts)]


def part_of(items: Iterable[T], part: str | None) -> Iterator[T]:
    """Yield those of some documents or sentences that belong to a part by `SPLIT`; all if it is None."""
    return (item for i, item in enumerate(items) if part is None or SPLIT.role(i) == part)


def _of_directory(path: str, pattern: str) -> tuple[dict[PurePath, Source], int]:
    """Return the documents by their paths, and how many files there are."""
    found: dict[PurePath, Source] = {}
    n_files = 0
    for folder, _, names in os.walk(path, onerror=_raise):
        n_files += len(names)
        for name in names:
            file = os.path.join(folder, name)
            if _is_chosen(name, pattern) and os.path.isfile(file):
                found[Path(file)] = file
    return found, n_files


def _of_archive(path: str, pattern: str) -> tuple[dict[PurePath, Source], int]:
    """Return the documents by their paths, and how many files there are."""
    found: dict[PurePath, Source] = {}
    n_files = total = 0
    with gzip.open(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            n_files += not member.isdir()
            if not (member.isreg() and _is_chosen(name.name, pattern)):
                continue
            total += member.size
            if total > _LARGEST:
                raise DataError(
                    "the documents of this archive are too large to be held in memory",
                    where=path,
                    allowed=f"at most {_LARGEST:,} bytes",
                    hint="Unpack it and name the directory.",
                )
            content = archive.extractfile(member)
            assert content is not None  # it is a regular file
            shown = repr(member.name)[1:-1]  # it may hold what a terminal obeys, or no UTF-8 can
            found[name] = Block(content.read(), f"{path}, {shown}")
        while unpacked.read(_READ):
            pass  # the checksum of the whole stands at its end
    return found, n_files


def _is_chosen(name: str, pattern: str) -> bool:
    return not name.startswith(".") and fnmatchcase(name, pattern)


def _raise(error: OSError) -> None:
    raise error
