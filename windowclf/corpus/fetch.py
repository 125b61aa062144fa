"""Fetch a corpus of the catalogue."""

from collections.abc import Callable
from pathlib import Path

from windowclf.corpus.catalog import CorpusEntry, read_catalog
from windowclf.errors import DataError

Progress = Callable[[str, int, int | None], None]


def fetchable(name: str) -> CorpusEntry:
    """Return the corpus of the catalogue that `fetch_named` fetches.

    The DataError for an unknown name names the known ones, or says how to get vectors of this name.
    """
    for vectors in read_catalog().vectors:
        if vectors.name == name:
            raise DataError("these vectors are not fetched", found=name, hint=vectors.obtain)
    return read_catalog().corpus(name)


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
    """Download the missing files of a corpus, verify all, and return their paths.

    An interrupted download is resumed; a file gets its final name only once its hash is right.

    Parameters
    ----------
    name : str
        A corpus of the catalogue.
    target_dir, cache_dir : Path, optional
        Where to; by default the entry's `folder`, with `cache_dir` as in `cache_root`.
    base_url : str, optional
        A mirror: the address of a folder that has the files under their names.
    force : bool
        Whether to replace existing files that have another hash.
    timeout : float
        Seconds without a byte after which to give up.
    progress : callable, optional
        Called with a file's name, its bytes so far, and its total bytes where known.

    Raises
    ------
    DataError
        As `fetchable`.
    FetchError
        If a file cannot be downloaded, or is not the expected one.
    """
    from urllib.parse import quote  # with ssl and http, so only where something is fetched

    from windowclf.corpus.download import download

    entry = fetchable(name)
    folder = target_dir or entry.folder(cache_dir)
    paths = []
    for file in entry.files:
        url = file.url if base_url is None else f"{base_url.rstrip('/')}/{quote(file.name)}"
        path = folder / file.name
        download(url, path, file.sha256, force=force, timeout=timeout, progress=progress)
        paths.append(path)
    return paths
