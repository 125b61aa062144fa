"""Corpora of many documents: the files of a directory, or of an archive, in the order of their names.

Nothing of an archive is unpacked to disk, so names and links in it are harmless.
"""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

from windowclf.corpus.blocks import Block, Source
from windowclf.corpus.catalog import ModuloSplit
from windowclf.corpus.readers import ReadOptions, read_sentences
from windowclf.corpus.sentence import Sentence
from windowclf.errors import DataError

T = TypeVar("T")

ARCHIVE_SUFFIXES = (".tgz", ".tar.gz")
SPLIT = ModuloSplit(20, dev=(18,), test=(19,))
"""How a corpus without parts of its own is split, by document or by sentence."""
_LARGEST = 1 << 30  # bytes of all documents of an archive, which are in memory at once
_READ = 1 << 20  # bytes read at once


def has_documents(path: str) -> bool:
    """Return whether a path is a directory or is named like an archive."""
    return os.path.isdir(path) or path.lower().endswith(ARCHIVE_SUFFIXES)


def documents(path: str, pattern: str = "*") -> list[Source]:
    """Return the documents of a directory or of a gzipped tar archive, each to be read as a file is.

    These are the regular files at any depth whose names match a pattern (as in a shell: ``*``, ``?``,
    ``[a-r]``; letter case counts) and do not begin with a dot, sorted by path, folder by folder and character
    by character. The documents of an archive are held in memory.

    Raises
    ------
    DataError
        If there is none, the directory or archive cannot be read, or the documents of the archive take more
        than 1 GiB.
    """
    import tarfile  # only archives need it

    try:
        found, n_files = (_of_directory if os.path.isdir(path) else _of_archive)(path, pattern)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise DataError(
            "a damaged archive, or no gzipped tar archive",
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


def read_part(
    source: str, options: ReadOptions, *, pattern: str | None = None, part: str | None = None
) -> Iterator[Sentence]:
    """Return the sentences of a corpus, of many documents or of one, as they are read.

    Parameters
    ----------
    source : str
        A directory or an archive, as `documents` takes it, or one corpus, as `read_sentences` takes it.
    pattern : str, optional
        Names of the documents of a directory or an archive; by default, all.
    part : {"train", "dev", "test"}, optional
        Only the documents, or sentences of one corpus, that belong to this part by `SPLIT`.

    Raises
    ------
    DataError
        As `documents`, at once; and as `read_sentences`.
    """
    if not has_documents(source):
        return part_of(read_sentences(source, options), part)
    chosen = part_of(documents(source, "*" if pattern is None else pattern), part)
    return _sentences_of(chosen, options, are_named=pattern is not None)


def part_of(items: Iterable[T], part: str | None) -> Iterator[T]:
    """Yield the items of a part by `SPLIT`; all if it is None."""
    return (item for i, item in enumerate(items) if part is None or SPLIT.role(i) == part)


def _sentences_of(chosen: Iterable[Source], options: ReadOptions, *, are_named: bool) -> Iterator[Sentence]:
    try:
        for document in chosen:
            yield from read_sentences(document, options)
    except DataError as error:
        if are_named:
            raise
        parts = {name: getattr(error, name) for name in ("where", "line", "found", "allowed")}
        hint = "If this file is not part of the corpus, choose those that are with --files."
        raise DataError(error.problem, **parts, hint=hint) from error


def _of_directory(path: str, pattern: str) -> tuple[dict[PurePath, Source], int]:
    """Return the documents by their paths, and the number of all files."""
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
    """Return the documents by their paths, and the number of all files."""
    import tarfile

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
                    "the documents of this archive do not fit into memory",
                    where=path,
                    allowed=f"at most {_LARGEST:,} bytes",
                    hint="Unpack it and give the directory.",
                )
            content = archive.extractfile(member)
            assert content is not None  # it is a regular file
            shown = repr(member.name)[1:-1]  # control characters and lone surrogates escaped
            found[name] = Block(content.read(), f"{path}, {shown}")
        while unpacked.read(_READ):
            pass  # so that the checksum at its end is verified
    return found, n_files


def _is_chosen(name: str, pattern: str) -> bool:
    return not name.startswith(".") and fnmatchcase(name, pattern)


def _raise(error: OSError) -> None:
    raise error
