"""Converted vectors kept as words and a mapped matrix, so that the second start takes milliseconds."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from windowclf.errors import VectorsError
from windowclf.files import atomic_path, cache_root, sha256_of
from windowclf.vectors.table import MATRIX_FILE, WORDS_FILE, Table, map_table, sha256_of_table, write_table

_META_FILE = "meta.json"
_FORMAT_VERSION = 1


def cached_table(
    name: str, sources: Sequence[Path], read: Callable[[], Table], cache_dir: Path | None = None
) -> tuple[Table, str]:
    """Map the converted form of `sources`, making it first where it is missing, stale or damaged.

    It is stale where a source's size or time of change is not what it was. Where the cache cannot be
    written, the table is returned all the same.

    Parameters
    ----------
    name : str
        For the name of the folder, so that a reader of the cache knows what it is.
    sources : sequence of Path
        The files that `read` reads.
    read : callable
        Reads and checks them.
    cache_dir : Path, optional
        As in `cache_root`.

    Returns
    -------
    table : Table
        matrix (V, D), mapped read-only, or in memory where it could not be cached.
    sha256 : str
        Hash of the table's content.
    """
    stamps = [_stamp(source) for source in sources]  # before reading: a change meanwhile makes it stale
    return _cached(name, [str(source) for source in sources], stamps, read, cache_dir)


def cached_join(
    name: str, digests: Sequence[str], join: Callable[[], Table], cache_dir: Path | None = None
) -> tuple[Table, str]:
    """Map the table that `join` makes of tables with these SHA-256 hashes; the rest is as in `cached_table`.

    What it is made of is known by content, so wherever the parts come from, it is made once.
    """
    return _cached(name, digests, list(digests), join, cache_dir)


def _cached(
    name: str,
    places: Sequence[str],
    stamps: list[Any],
    read: Callable[[], Table],
    cache_dir: Path | None,
) -> tuple[Table, str]:
    folder = cache_root(cache_dir) / "vectors" / _folder_name(name, places)
    found = _look_up(folder, stamps)
    if found is not None:
        return found
    table = read()
    digest = sha256_of_table(table)
    try:
        with atomic_path(folder, owned=(WORDS_FILE, MATRIX_FILE, _META_FILE)) as temporary:
            write_table(table, temporary)
            meta = {
                "version": _FORMAT_VERSION,
                "sources": stamps,
                "sha256": digest,
                "words_sha256": sha256_of(temporary / WORDS_FILE),
                "shape": list(table.matrix.shape),
                "dtype": str(table.matrix.dtype),
            }
            (temporary / _META_FILE).write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
    except (OSError, SafetensorError):
        return table, digest
    return _look_up(folder, stamps) or (table, digest)


def _folder_name(name: str, places: Sequence[str]) -> str:
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60].strip("._") or "vectors"
    place = hashlib.sha256("\n".join(places).encode("utf-8", "surrogateescape"))
    return f"{readable}-{place.hexdigest()[:12]}"


def _stamp(source: Path) -> dict[str, Any]:
    status = source.stat()
    return {"path": str(source), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _look_up(folder: Path, stamps: list[Any]) -> tuple[Table, str] | None:
    try:
        meta = json.loads((folder / _META_FILE).read_text(encoding="utf-8"))
        if meta["version"] != _FORMAT_VERSION or meta["sources"] != stamps:
            return None
        if sha256_of(folder / WORDS_FILE) != meta["words_sha256"]:
            return None
        table = map_table(folder)
        whole = (
            list(table.matrix.shape) == meta["shape"]
            and str(table.matrix.dtype) == meta["dtype"]
            and len(table.words) == len(table.matrix)
        )
        return (table, str(meta["sha256"])) if whole else None
    except (OSError, ValueError, KeyError, TypeError, VectorsError):
        return None
