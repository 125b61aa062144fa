"""Sets of word vectors that `windowclf data fetch` fetches: where they are, and what they hold."""

from pathlib import Path

from windowclf.errors import VectorsError
from windowclf.files import sha256_of
from windowclf.text.catalog import VectorsFile, catalog
from windowclf.text.user_cache import cache_root
from windowclf.text.vector_formats import read_vectors_file
from windowclf.text.vector_table import Table


def fetched_dir(name: str, *, cache_dir: Path | None = None) -> Path:
    """Return the folder of a set that is fetched; it need not exist.

    Parameters
    ----------
    name : str
        A set of the catalogue.
    cache_dir : Path, optional
        As in `cache_root`.
    """
    return cache_root(cache_dir) / "vectors" / name


def find_fetched(name: str, *, cache_dir: Path | None = None) -> tuple[VectorsFile, Path] | None:
    """Find the file of a set; None where the catalogue has no set of this name that is fetched.

    Raises
    ------
    VectorsError
        If it has, but the file is not on this machine; the message says how to get it.
    """
    for entry in catalog().vectors:
        if entry.name == name and entry.file is not None:
            path = fetched_dir(name, cache_dir=cache_dir) / entry.file.name
            if path.is_file():
                return entry.file, path
            problem = f"the vectors {name!r} are not on this machine"
            raise VectorsError(problem, where=str(path), hint=entry.obtain)
    return None


def read_fetched(name: str, file: VectorsFile, path: Path) -> Table:
    """Read the file of the set `name`, after a look whether it is the expected one: it may be placed by hand.

    Raises
    ------
    VectorsError
        If it is another file, or cannot be read.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        raise VectorsError("cannot be read", where=str(path), found=error.strerror) from error
    if found != file.sha256:
        raise VectorsError(
            f"this is not the file of the vectors {name!r}",
            where=str(path),
            found=f"sha256 {found}",
            allowed=f"sha256 {file.sha256}",
            hint=f"Fetch it again with: windowclf data fetch {name} --force",
        )
    return read_vectors_file(path)
