"""Files that are whole or absent: atomic writes, hashes, and arrays that are mapped instead of read."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from windowclf.arrays import Array
from windowclf.errors import ModelFileError, WindowClfError

# The part of the safetensors format that is used here; everything else is refused.
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
_LARGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors library


@contextmanager
def atomic_path(target: Path, *, owned: Collection[str] = ()) -> Iterator[Path]:
    """Yield a temporary path beside `target` that replaces it when the block succeeds.

    The block may write a file or make a directory there. After an error `target` is as it was. Where `target`
    is a symbolic link, what it points to is replaced.

    A directory is replaced in one step if it holds nothing but files named in `owned`, which may be
    overwritten or deleted. Otherwise the new
    files are moved into it one by one, and all files that are not `owned` are left alone; so too in the
    working directory and at a mount point, which cannot be moved.
    WindowClfError if the directory holds something else under the name of a new file.
    """
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    holder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield holder / target.name
        if (holder / target.name).is_dir() and target.is_dir():
            _replace_directory(holder / target.name, target, holder / "replaced", owned)
        else:
            os.replace(holder / target.name, target)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _replace_directory(new: Path, target: Path, aside: Path, owned: Collection[str]) -> None:
    entries = {entry.name: entry for entry in os.scandir(target)}
    old = {name for name in entries if name in owned and not entries[name].is_dir(follow_symlinks=False)}
    if entries.keys() == old and not os.path.samefile(target, ".") and not os.path.ismount(target):
        os.replace(target, aside)  # a directory cannot be replaced by one that is not empty
        try:
            os.replace(new, target)
        except OSError:
            os.replace(aside, target)
            raise
        return
    if taken := sorted((entries.keys() - old) & {path.name for path in new.iterdir()}):
        raise WindowClfError("this is in the way of a file to write", where=str(target / taken[0]))
    for name in old:
        (target / name).unlink()
    for path in new.iterdir():
        os.replace(path, target / path.name)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with unix line ends, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as a hexadecimal string."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name to a safetensors file; the caller sees to atomicity."""
    path.touch()
    mode = path.stat().st_mode  # as the umask has it; safetensors puts a file of its owner alone in place
    # not np.ascontiguousarray, which gives a number without dimensions one
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
    path.chmod(mode)


def map_arrays(path: Path) -> dict[str, Array]:
    """Map the arrays of a safetensors file into memory, read-only, without reading them.

    The header is checked against the file's size before anything is allocated. ModelFileError if the file is
    not a safetensors file of the dtypes used here, or is cut short.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        if size < 8 or header_size > min(size - 8, _LARGEST_HEADER):
            problem = "not a safetensors file, or cut short"
            raise ModelFileError(problem, where=str(path), found=f"{size} bytes")
        try:
            header = json.loads(file.read(header_size))
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            return {name: _map_entry(path, entry, 8 + header_size, size) for name, entry in entries.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelFileError(
                "the header of this safetensors file is malformed", where=str(path), found=str(error)
            ) from error


def _map_entry(path: Path, entry: dict[str, object], data_start: int, file_size: int) -> Array:
    dtype = np.dtype(_DTYPES[str(entry["dtype"])])
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not (isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)):
        raise ValueError(f"shape {shape}")
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(n) is int for n in offsets)):
        raise ValueError(f"data_offsets {offsets}")
    begin, end = offsets
    n_bytes = dtype.itemsize * prod(shape)
    if begin < 0 or end - begin != n_bytes or data_start + end > file_size:
        raise ValueError(f"{n_bytes} bytes at {begin} to {end} of a file of {file_size}")
    if n_bytes == 0:
        return np.zeros(tuple(shape), dtype)
    mapped = np.memmap(path, dtype=dtype, mode="r", offset=data_start + begin, shape=tuple(shape))
    return mapped.reshape(tuple(shape))  # memmap gives a number without dimensions one


def cache_root(cache_dir: Path | None = None) -> Path:
    """Return the folder, which need not exist, for files that can be made or fetched again.

    It is `cache_dir` where given; else the environment variable ``WINDOWCLF_CACHE``; else the platform's
    folder for caches (``~/.cache/windowclf`` on Linux).
    """
    if cache_dir is not None:
        return cache_dir
    if chosen := os.environ.get("WINDOWCLF_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs  # here: most commands keep nothing

    return Path(platformdirs.user_cache_dir("windowclf", appauthor=False))


TRAIN_AGAIN = "Copy the model again from where it was trained, or train it again."


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, the same bytes for the same value."""
    path.write_bytes((json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a model; ModelFileError if the file is missing or something else."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelFileError("a file of the model is missing", where=str(path), hint=TRAIN_AGAIN) from error
    except (OSError, ValueError, RecursionError) as error:
        problem = "not a JSON file"
        raise ModelFileError(problem, where=str(path), found=str(error), hint=TRAIN_AGAIN) from error
    if not isinstance(value, dict):
        raise ModelFileError("not a JSON object", where=str(path), hint=TRAIN_AGAIN)
    return value


RUN_RECORD = "run.json"


def is_run(directory: Path) -> bool:
    """Return whether a directory holds a training run: its record names the version of windowclf."""
    try:
        return "windowclf" in read_json(directory / RUN_RECORD)["versions"]
    except (ModelFileError, KeyError, TypeError):
        return False


def check_free(out: Path, force: bool) -> None:
    """Refuse a run directory that cannot be written, better now than after an hour of training.

    So too a file, and a directory that is not empty: without `force`, and with it where it holds no run.
    """
    if out.exists() and not out.is_dir():
        raise WindowClfError("this is a file; a run needs a directory", where=str(out))
    if out.is_dir() and any(out.iterdir()):
        if not is_run(out):
            hint = "Give another --out."
            raise WindowClfError("this directory is not empty and holds no run", where=str(out), hint=hint)
        if not force:
            hint = "Give --force to replace the run in it, or another --out."
            raise WindowClfError("this directory is not empty", where=str(out), hint=hint)
    parent = next(path for path in (out, *out.absolute().parents) if path.is_dir())
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".windowclf", dir=parent))
    except OSError as error:
        raise WindowClfError("cannot write here", where=str(parent), found=error.strerror) from error
