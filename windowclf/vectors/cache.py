"""Converted vectors, kept as words and a mapped matrix, so that loading takes milliseconds.

V words, D dimensions.
"""

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
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # of a set that was converted under a name


def cached_table(
    name: str, sources: Sequence[Path | str], read: Callable[[], Table], cache_dir: Path | None = None
) -> tuple[Table, str]:
    """Map the converted form of `sources`, and return it with the SHA-256 of its content.

    They are converted first if the form is missing, damaged or stale: the size or the modification time of a
    file has changed. `sources` are the files that `read` reads, or the SHA-256 hashes of the tables that it
    joins. `name` begins the name of the folder. If the cache cannot be written, the table is not mapped.
    """
    stamps = _stamps(sources)  # before reading, so that a change meanwhile makes the conversion stale
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60].strip("._") or "vectors"
    key = hashlib.sha256("\n".join(map(str, sources)).encode("utf-8", "surrogateescape"))
    folder = cache_root(cache_dir) / "vectors" / f"{readable}-{key.hexdigest()[:12]}"
    found = _look_up(folder)
    if found is None or found[1]["sources"] != stamps:
        table = read()
        digest = sha256_of_table(table)
        try:
            _write(folder, table, digest, stamps)
        except (OSError, SafetensorError):
            return table, digest
        found = _look_up(folder) or (table, {"sha256": digest})
    return found[0], found[1]["sha256"]


def is_set_name(name: str) -> bool:
    """Tell whether vectors can be converted under this name."""
    return _NAME.fullmatch(name) is not None


def store_named(
    name: str, source: Path, read: Callable[[], Table], *, force: bool, cache_dir: Path | None
) -> None:
    """Convert `source` under a name, unless that was done; only `force` replaces other vectors."""
    folder, stamps = _named_folder(name, cache_dir), _stamps([source])
    if folder.exists() and not force:
        found = _look_up(folder)
        if found is not None and found[1]["sources"] == stamps:
            return
        raise VectorsError(
            f"there are vectors of the name {name!r} already",
            where=str(folder),
            hint="Choose another name, or give --force to replace them.",
        )
    table = read()
    try:
        _write(folder, table, sha256_of_table(table), stamps)
    except (OSError, SafetensorError) as error:
        raise VectorsError("the vectors cannot be written", where=str(folder), found=str(error)) from error


def load_named(name: str, cache_dir: Path | None) -> tuple[Table, str, str] | None:
    """Map vectors that were converted under a name: table, source and SHA-256; None if there are none."""
    folder = _named_folder(name, cache_dir)
    if not is_set_name(name) or not folder.is_dir():
        return None
    found = _look_up(folder)
    if found is None:
        raise VectorsError(
            f"the converted vectors {name!r} are damaged",
            where=str(folder),
            hint=f"Convert them again with: windowclf vectors convert FILE --name {name} --force",
        )
    table, meta = found
    return table, meta["sources"][0]["path"], meta["sha256"]


def list_named(cache_dir: Path | None = None) -> list[tuple[str, int, int]]:
    """Return name, V and D of all sets that were converted under a name and are whole."""
    folders = sorted(_named_folder("", cache_dir).glob("[!.]*"))
    found = [(folder.name, _look_up(folder)) for folder in folders]
    return [(name, *both[0].matrix.shape) for name, both in found if both is not None]


def _named_folder(name: str, cache_dir: Path | None) -> Path:
    return cache_root(cache_dir) / "vectors" / "named" / name


def _stamps(sources: Sequence[Path | str]) -> list[Any]:
    """Return what tells whether sources have changed."""
    stamps: list[Any] = []
    for source in sources:
        if isinstance(source, Path):
            status = source.stat()
            stamps.append({"path": str(source), "size": status.st_size, "mtime_ns": status.st_mtime_ns})
        else:
            stamps.append(source)
    return stamps


def _write(folder: Path, table: Table, digest: str, stamps: list[Any]) -> None:
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


def _look_up(folder: Path) -> tuple[Table, dict[str, Any]] | None:
    """Map a converted table and read its metadata; None if a file is missing or damaged."""
    try:
        meta: dict[str, Any] = json.loads((folder / _META_FILE).read_text(encoding="utf-8"))
        is_whole = (
            meta["version"] == _FORMAT_VERSION
            and isinstance(meta["sources"], list)
            and isinstance(meta["sha256"], str)
            and sha256_of(folder / WORDS_FILE) == meta["words_sha256"]
        )
        if not is_whole:
            return None
        table = map_table(folder)
        matches = (
            list(table.matrix.shape) == meta["shape"]
            and str(table.matrix.dtype) == meta["dtype"]
            and len(table.words) == len(table.matrix)
        )
        return (table, meta) if matches else None
    except (OSError, ValueError, KeyError, TypeError, VectorsError):
        return None
