"""The manifest of a model directory: its format, and the size and hash of each file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from windowclf.errors import ModelFileError
from windowclf.files import TRAIN_AGAIN, read_json, sha256_of, write_json

MANIFEST = "manifest.json"
FORMAT = "windowclf model"
FORMAT_VERSION = 3


def write_manifest(directory: Path, names: Sequence[str]) -> str:
    """Write the manifest of the files that are named, and return its SHA-256."""
    files = {
        name: {"bytes": (directory / name).stat().st_size, "sha256": sha256_of(directory / name)}
        for name in names
    }
    manifest = directory / MANIFEST
    write_json(manifest, {"format": FORMAT, "format_version": FORMAT_VERSION, "files": files})
    return sha256_of(manifest)


def listed_files(directory: Path) -> set[str]:
    """Return the names of a model's files, the manifest's too; none where there is no manifest of a model."""
    try:
        manifest = read_json(directory / MANIFEST)
    except ModelFileError:
        return set()
    files = manifest.get("files")
    return {MANIFEST, *files} if manifest.get("format") == FORMAT and isinstance(files, dict) else set()


@contextmanager
def verified(directory: Path, names: Sequence[str]) -> Iterator[None]:
    """Verify the files of a directory while the block reads them: hashing lets other threads work.

    The block ends without an error only where the files are whole. What it found in damaged ones is of no
    account: the damage is the error then.
    """
    faults: list[Exception] = []

    def verify() -> None:
        try:
            _verify(directory, names)
        except Exception as error:
            faults.append(error)

    hashing = Thread(target=verify, name="verification")
    hashing.start()
    try:
        yield
    finally:
        hashing.join()
        if faults:
            raise faults[0] from None


def _verify(directory: Path, names: Sequence[str]) -> None:
    manifest = read_json(directory / MANIFEST)
    version = manifest.get("format_version")
    if manifest.get("format") != FORMAT or version != FORMAT_VERSION:
        raise ModelFileError(
            "another format, or another version of it",
            where=str(directory / MANIFEST),
            found=f"{manifest.get('format')!r} version {version!r}",
            allowed=f"{FORMAT!r} version {FORMAT_VERSION}",
            hint="Train the model again with this windowclf, or open it with the one that made it.",
        )
    files = manifest.get("files")
    for name in names:
        entry = files.get(name) if isinstance(files, dict) else None
        if not isinstance(entry, dict):
            raise ModelFileError("the manifest does not list a file", where=str(directory), found=name)
        _verify_file(directory / name, entry)


def _verify_file(path: Path, entry: Mapping[str, object]) -> None:
    if not path.is_file():
        raise ModelFileError("a file of the model is missing", where=str(path), hint=TRAIN_AGAIN)
    if (size := path.stat().st_size) != entry.get("bytes"):
        raise ModelFileError(
            "a file of the model has another size than its manifest says",
            where=str(path),
            found=f"{size} bytes",
            allowed=f"{entry.get('bytes')} bytes",
            hint=TRAIN_AGAIN,
        )
    if (digest := sha256_of(path)) != entry.get("sha256"):
        raise ModelFileError(
            "a file of the model was changed or damaged",
            where=str(path),
            found=f"SHA-256 {digest}",
            allowed=f"{entry.get('sha256')}",
            hint=TRAIN_AGAIN,
        )
