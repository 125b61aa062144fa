"""Fetch a corpus or a set of word vectors of the catalogue."""

import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from windowclf.errors import DataError, did_you_mean
from windowclf.text.catalog import (
    CorpusEntry,
    CorpusFile,
    VectorsEntry,
    VectorsFile,
    catalog,
    corpus_dir,
)
from windowclf.text.download import Progress, download
from windowclf.text.fetched_vectors import fetched_dir


def fetchable(name: str) -> CorpusEntry | VectorsEntry:
    """Return the corpus or set of vectors of the catalogue that `fetch_named` fetches.

    Raises
    ------
    DataError
        If there is none; the message names those there are, or how else to have these vectors.
    """
    known = catalog()
    entries: dict[str, CorpusEntry | VectorsEntry] = {entry.name: entry for entry in known.corpora}
    entries |= {entry.name: entry for entry in known.vectors if entry.file is not None}
    if name in entries:
        return entries[name]
    otherwise = {entry.name: entry.obtain for entry in known.vectors}
    if name in otherwise:
        raise DataError("these vectors come in another way", found=name, hint=otherwise[name])
    raise DataError(
        "no corpus of this name, and no vectors that are fetched",
        found=name,
        allowed=", ".join(entries),
        hint=did_you_mean(name, entries, cutoff=0.4),
    )


def fetch_named(
    name: str,
    *,
    target_dir: Path | None = None,
    cache_dir: Path | None = None,
    base_url: str | None = None,
    force: bool = False,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> list[Path]:
    """Download the files of a corpus or set of vectors that are not there yet, and verify each.

    A download that broke off is resumed; a file gets its final name only once its hash is right.

    Parameters
    ----------
    name : str
        A corpus of the catalogue, or a set of vectors that has a file there.
    target_dir : Path, optional
        Where to; by default `corpus_dir`, or `fetched_dir`.
    cache_dir : Path, optional
        As in `cache_root`, where `target_dir` is not given.
    base_url : str, optional
        A mirror: the address of a folder that holds the files under their names.
    force : bool
        Whether to replace files that are there but have another hash.
    timeout : float
        Seconds without a byte after which to give up.
    progress : callable, optional
        Called with a file's name, its bytes so far, and its bytes in all where known.

    Returns
    -------
    list of Path
        The files: of a corpus in the order train, dev, test; of vectors the one.

    Raises
    ------
    DataError
        As `fetchable`.
    FetchError
        If a file cannot be had, or is not the expected one.
    """
    entry = fetchable(name)
    folder = _folder(entry, cache_dir) if target_dir is None else target_dir
    paths = []
    for file in _files(entry):
        path = folder / file.name
        url = file.url if base_url is None else f"{base_url.rstrip('/')}/{urllib.parse.quote(file.name)}"
        download(url, path, file.sha256, force=force, timeout=timeout, progress=progress)
        paths.append(path)
    return paths


def _folder(entry: CorpusEntry | VectorsEntry, cache_dir: Path | None) -> Path:
    if isinstance(entry, CorpusEntry):
        return corpus_dir(entry.name, cache_dir=cache_dir)
    return fetched_dir(entry.name, cache_dir=cache_dir)


def _files(entry: CorpusEntry | VectorsEntry) -> Sequence[CorpusFile | VectorsFile]:
    if isinstance(entry, CorpusEntry):
        return entry.files
    assert entry.file is not None  # it is fetchable
    return [entry.file]
