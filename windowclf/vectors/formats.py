"""Detect the format of a file of word vectors; read the formats other than text."""

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from windowclf.errors import VectorsError
from windowclf.vectors.table import MATRIX_FILE, WORDS_FILE, Table, check_table, map_table
from windowclf.vectors.text_format import header_of, open_unpacked, read_text

_PICKLES = (".model", ".kv", ".wordvectors", ".pkl", ".pickle", ".joblib", ".pt", ".pth")
_ARCHIVES = (".zip", ".tar")
_ARRAYS = (".npy", ".npz", ".safetensors", ".parquet")
JSON_SUFFIXES = (".json",)  # wink embeddings: read by `windowclf vectors convert` alone
PACKAGE_SUFFIXES = (".tgz", ".tar.gz")
_FORMATS = (
    "GloVe or word2vec text (.txt, .vec, .gz), word2vec binary (.bin, .bin.gz), "
    f"a directory with {WORDS_FILE} and {MATRIX_FILE}"
)
_HEAD = 1 << 16  # bytes that tell text from binary
_ASCII = frozenset(b"\t\r\n" + bytes(range(0x20, 0x7F)))
_TWO_NUMBERS = re.compile(rb"[-+.\deE]+(?: [-+.\deE]+| *\r?\n)")  # or one, in one dimension
_LARGEST_RATIO = 1100  # deflate compresses by a factor of 1032 at most


def read_vectors_file(path: Path) -> Table:
    """Read an existing file or directory of word vectors; text and binary are told apart by content."""
    if path.is_dir():
        return read_directory(path)
    name = path.name.lower()
    _refuse(path, name)
    return read_word2vec_binary(path) if _is_binary(path, name) else read_text(path)


def is_vectors_suffix(name: str) -> bool:
    """Tell whether a name ends like that of a file of vectors."""
    others = (*JSON_SUFFIXES, *PACKAGE_SUFFIXES, *_PICKLES, *_ARCHIVES, *_ARRAYS)
    return name.lower().endswith((".txt", ".vec", ".gz", ".bin", *others))


def _refuse(path: Path, name: str) -> None:
    refused = [
        (
            _PICKLES,
            "this is a pickle, which is not read because opening it can run any code",
            "If you trust it, convert it with gensim: "
            "KeyedVectors.load(FILE).save_word2vec_format('vectors.bin', binary=True)",
        ),
        (
            (*JSON_SUFFIXES, *PACKAGE_SUFFIXES),
            "this format must be converted before it can be loaded",
            f"Convert it once with: windowclf vectors convert {path.name}",
        ),
        (_ARCHIVES, "this is an archive", "Unpack it and give one file of it"),
        (
            _ARRAYS,
            "an array of numbers without words",
            f"Save it as {MATRIX_FILE} beside {WORDS_FILE} and give the directory",
        ),
    ]
    for suffixes, problem, hint in refused:
        if name.endswith(suffixes):
            raise VectorsError(problem, where=str(path), allowed=_FORMATS, hint=hint)


def _is_binary(path: Path, name: str) -> bool:
    """Tell whether a file has word2vec's binary form: a header, then bytes that are no numbers as text."""
    try:
        with open_unpacked(path) as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise VectorsError("cannot be read", where=str(path), found=str(error)) from error
    first, _, rest = head.partition(b"\n")
    header = header_of(first)
    if header is None:
        if name.endswith((".bin", ".bin.gz")) or any(byte < 9 for byte in head):
            raise VectorsError(
                "not a file of word vectors", where=str(path), found=head[:20], allowed=_FORMATS
            )
        return False
    vector = rest.partition(b" ")[2]
    # Text may still have a fault, which the reader of text names, or a next word beyond ASCII.
    is_ascii = all(byte in _ASCII for byte in vector[: 4 * header[1]])
    return not is_ascii and _TWO_NUMBERS.match(vector) is None


def read_directory(path: Path) -> Table:
    """Map a directory with ``words.txt`` and ``vectors.safetensors`` and check it."""
    table = map_table(path)
    check_table(table, str(path / WORDS_FILE), words_are_lines=True)
    return table


def read_word2vec_binary(path: Path) -> Table:
    """Read word2vec's binary form, compressed by gzip (``.gz``) or not.

    The header is checked against the size of the file before gensim allocates memory for it.
    """
    where = str(path)
    with open_unpacked(path) as file:
        header = header_of(file.readline(64).rstrip(b"\n"))
    assert header is not None  # _is_binary has seen it
    n_words, dimension = header
    largest = path.stat().st_size * (_LARGEST_RATIO if path.suffix.lower() == ".gz" else 1)
    if n_words * (4 * dimension + 2) > largest or not n_words or not dimension:
        raise VectorsError(
            "the header does not fit the size of the file; it may be cut short",
            where=where,
            line=1,
            found=f"{n_words} words of {dimension} dimensions in {path.stat().st_size} bytes",
        )
    from gensim.models import KeyedVectors  # takes a second; needed here alone

    try:
        found = KeyedVectors.load_word2vec_format(where, binary=True)
    except UnicodeDecodeError as error:
        raise VectorsError("a word is not UTF-8", where=where, found=error.object[:20]) from error
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise VectorsError("the file is damaged or cut short", where=where, found=str(error)) from error
    n_distinct = len(found.key_to_index)  # gensim keeps the first of two equal words
    if n_distinct != n_words:
        raise VectorsError(
            "words occur twice",
            where=where,
            found=f"{n_distinct} distinct words of {n_words}",
            allowed="each word once",
        )
    return table_of_keyed_vectors(found, where)


def table_of_keyed_vectors(keyed_vectors: Any, where: str) -> Table:
    """Copy words and numbers of gensim's KeyedVectors, in float32; `where` is for messages."""
    words = getattr(keyed_vectors, "index_to_key", None)
    vectors = getattr(keyed_vectors, "vectors", None)
    if words is None or vectors is None:
        hint = "Use its attribute wv" if hasattr(keyed_vectors, "wv") else None
        raise VectorsError(
            "not KeyedVectors",
            where=where,
            found=type(keyed_vectors).__name__,
            allowed="gensim KeyedVectors",
            hint=hint,
        )
    words = list(words)
    for row, word in enumerate(words):
        if not isinstance(word, str):
            raise VectorsError(
                "a key is not a string", where=f"{where}, word {row + 1}", found=word, allowed="text"
            )
    with np.errstate(over="ignore"):
        table = Table(words, np.array(vectors, dtype=np.float32, order="C"))
    check_table(table, where)
    return table
