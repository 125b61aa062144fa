"""Fetch a corpus of the catalogue."""

import urllib.parse
from pathlib import Path

from windowclf.text.catalog import catalog, corpus_dir
from windowclf.text.download import Progress, download


def fetch_corpus(
    name: str,
    *,
    target_dir: Path | None = None,
    cache_dir: Path | None = None,
    base_url: str | None = None,
    force: bool = False,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> list[Path]:
    """Download the files of a corpus that are not there yet, and verify each.

    A download that broke off is resumed; a file gets its final name only once its hash is right.

    Parameters
    ----------
    name : str
        A corpus of the catalogue.
    target_dir : Path, optional
        Where to; by default `corpus_dir`.
    cache_dir : Path, optional
        As in `corpus_dir`, where `target_dir` is not given.
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
        The files, in the order train, dev, test.

    Raises
    ------
    DataError
        If the catalogue has no such corpus.
    FetchError
        If a file cannot be had, or is not the expected one.
    """
    entry = catalog().corpus(name)
    folder = target_dir if target_dir is not None else corpus_dir(name, cache_dir=cache_dir)
    paths = []
    for file in entry.files:
        path = folder / file.name
        url = file.url if base_url is None else f"{base_url.rstrip('/')}/{urllib.parse.quote(file.name)}"
        download(url, path, file.sha256, force=force, timeout=timeout, progress=progress)
        paths.append(path)
    return paths
