"""Formats other than text; gensim is the oracle, and no pickle is ever opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors

from windowclf.errors import VectorsError
from windowclf.files import save_arrays
from windowclf.vectors import Table, write_table
from windowclf.vectors.formats import read_vectors_file, table_of_keyed_vectors
from windowclf.vectors.table import sha256_of_table

WORDS = ["the", "of", "naïve", "中文", "1\u00a01/2"]
MATRIX = np.random.default_rng(1).normal(size=(len(WORDS), 7)).astype(np.float32)


def _keyed_vectors(words: list[str] = WORDS) -> Any:
    vectors = KeyedVectors(vector_size=MATRIX.shape[1])
    vectors.add_vectors(words, MATRIX[: len(words)])
    return vectors


@pytest.mark.parametrize("name", ["v.txt", "v.txt.gz", "v.vec"])
def test_word2vec_text_is_read_as_gensim_reads_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    _keyed_vectors().save_word2vec_format(str(path), binary=False)
    oracle = KeyedVectors.load_word2vec_format(str(path), binary=False)
    table = read_vectors_file(path)
    assert table.words == oracle.index_to_key == WORDS
    np.testing.assert_array_equal(table.matrix, oracle.vectors)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gensim leaves the file open
def test_glove_text_is_read_as_gensim_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    _keyed_vectors().save_word2vec_format(str(path), binary=False, write_header=False)
    oracle = KeyedVectors.load_word2vec_format(str(path), binary=False, no_header=True)
    table = read_vectors_file(path)
    assert table.words == oracle.index_to_key
    np.testing.assert_array_equal(table.matrix, oracle.vectors)


@pytest.mark.parametrize("name", ["v.bin", "v.bin.gz", "v.gz", "v"])
def test_word2vec_binary_is_read_bit_for_bit(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    _keyed_vectors().save_word2vec_format(str(path), binary=True)
    table = read_vectors_file(path)
    assert table.words == WORDS
    assert table.matrix.tobytes() == MATRIX.tobytes()


def test_the_original_word2vec_ends_each_row_with_a_line_end(tmp_path: Path) -> None:
    rows = [word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(WORDS, MATRIX, strict=True)]
    (tmp_path / "v.bin").write_bytes(b"5 7\n" + b"".join(rows))
    table = read_vectors_file(tmp_path / "v.bin")
    assert table.words == WORDS
    assert table.matrix.tobytes() == MATRIX.tobytes()


def _binary(tmp_path: Path, change: Callable[[bytes], bytes]) -> Path:
    path = tmp_path / "v.bin"
    _keyed_vectors().save_word2vec_format(str(path), binary=True)
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda whole: whole[:-3], "cut short"),
        (lambda whole: whole[:60], "cut short"),
        (lambda whole: whole.replace(b"5 7", b"999999999999 300", 1), "the header does not fit the size"),
        (lambda whole: whole.replace(b"5 7", b"0 7", 1), "the header does not fit the size"),
        (
            lambda whole: whole.replace(b"\nof ", b"\nthe ", 1).replace(b"of ", b"the ", 1),
            "words occur twice",
        ),
        (lambda whole: whole.replace("naïve".encode(), b"na\xff\xffve", 1), "a word is not UTF-8"),
        (lambda whole: whole.replace(MATRIX[1].tobytes(), b"\x00\x00\xc0\x7f" * 7, 1), "not finite"),
    ],
    ids=["last bytes missing", "rows missing", "huge header", "no words", "twice", "encoding", "NaN"],
)
def test_a_damaged_binary_file_is_refused(
    tmp_path: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(VectorsError, match=message):
        read_vectors_file(_binary(tmp_path, change))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_directory_is_mapped(tmp_path: Path, dtype: type[np.floating[Any]]) -> None:
    write_table(Table(WORDS, MATRIX.astype(dtype)), tmp_path / "v")
    table = read_vectors_file(tmp_path / "v")
    assert table.words == WORDS
    assert isinstance(table.matrix, np.memmap)
    assert table.matrix.dtype == dtype
    np.testing.assert_array_equal(table.matrix, MATRIX.astype(dtype))


def test_a_directory_in_float64_is_narrowed(tmp_path: Path) -> None:
    write_table(Table(WORDS, MATRIX.astype(np.float64)), tmp_path / "v")
    assert read_vectors_file(tmp_path / "v").matrix.tobytes() == MATRIX.tobytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (b"the\nof\n", r"do not agree; found '2 words, a matrix of shape \(5, 7\)'"),
        (b"the\nof\na b\nc\nd\n", r"words\.txt:3: a word contains a blank; found 'a b'"),
        (b"the\nof\n\nc\nd\n", r"words\.txt:3: a word is empty"),
        (b"the\r\nof\r\na\r\nc\r\nd\r\n", r"words\.txt:1: a word contains a blank; found 'the\\r'"),
        (b"the\nof\nof\nc\nd\n", r"words\.txt:3: a word occurs twice, first as word 2; found 'of'"),
        (b"the\nof\n\xff\nc\nd\n", r"words\.txt:3: not UTF-8"),
    ],
)
def test_a_faulty_list_of_words_is_refused(tmp_path: Path, words: bytes, message: str) -> None:
    write_table(Table(WORDS, MATRIX), tmp_path / "v")
    (tmp_path / "v" / "words.txt").write_bytes(words)
    with pytest.raises(VectorsError, match=message):
        read_vectors_file(tmp_path / "v")


def test_a_number_that_is_not_finite_is_named_by_its_word(tmp_path: Path) -> None:
    matrix = MATRIX.copy()
    matrix[3, 2] = np.nan
    write_table(Table(WORDS, matrix), tmp_path / "v")
    with pytest.raises(VectorsError, match=r"words\.txt:4: .*not finite; found '中文'"):
        read_vectors_file(tmp_path / "v")


@pytest.mark.parametrize("name", ["words.txt", "vectors.safetensors"])
def test_a_directory_without_one_of_its_files_is_refused(tmp_path: Path, name: str) -> None:
    write_table(Table(WORDS, MATRIX), tmp_path / "v")
    (tmp_path / "v" / name).unlink()
    with pytest.raises(VectorsError, match=f"{name}: cannot be read"):
        read_vectors_file(tmp_path / "v")


@pytest.mark.parametrize(
    ("name", "message"),
    [("glove.6B.zip", "an archive"), ("v.tar", "an archive"), ("v.npy", "numbers without words")],
)
def test_files_that_need_a_step_before_say_which(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(VectorsError, match=message):
        read_vectors_file(tmp_path / name)


@pytest.mark.parametrize("text", ["1 1\nthe 3\n", "2 2\nthe 3 0\n中文 1 2\n", "1 9\nthe 0 0 0 0 0 0 0 0 3\n"])
def test_text_is_told_by_its_content_whatever_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "v.bin").write_text(text, encoding="utf-8")
    assert read_vectors_file(tmp_path / "v.bin").matrix[0].sum() == 3


def test_a_fault_of_the_first_number_is_named_as_one_of_text(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("1 2\nthe x 2\n")
    with pytest.raises(VectorsError, match=r":2: number 1 of 'the' is not a number; found b'x'"):
        read_vectors_file(tmp_path / "v.txt")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    with pytest.raises(VectorsError, match=r"not a file of word vectors; .*GloVe or word2vec text"):
        read_vectors_file(tmp_path / "v.txt")


def test_the_hash_is_of_the_content_whatever_the_format(tmp_path: Path) -> None:
    write_table(Table(WORDS, MATRIX), tmp_path / "directory")
    _keyed_vectors().save_word2vec_format(str(tmp_path / "v.bin"), binary=True)
    _keyed_vectors().save_word2vec_format(str(tmp_path / "v.txt"), binary=False)
    tables = [read_vectors_file(path) for path in sorted(tmp_path.iterdir())]
    tables.append(Table(WORDS, np.asfortranarray(MATRIX)))
    assert len({sha256_of_table(table) for table in tables}) == 1


@pytest.mark.parametrize(
    "other",
    [
        Table([*WORDS[1:], WORDS[0]], MATRIX),
        Table(WORDS, -MATRIX),
        Table(WORDS, MATRIX.astype(np.float16)),
    ],
    ids=["order", "numbers", "dtype"],
)
def test_other_content_has_another_hash(other: Table) -> None:
    assert sha256_of_table(other) != sha256_of_table(Table(WORDS, MATRIX))


def test_keyed_vectors_are_copied() -> None:
    keyed = _keyed_vectors()
    table = table_of_keyed_vectors(keyed, "mine")
    assert table.words == WORDS
    assert table.matrix.tobytes() == MATRIX.tobytes()
    assert not np.shares_memory(table.matrix, keyed.vectors)


def test_keyed_vectors_with_a_phrase_are_refused() -> None:
    with pytest.raises(VectorsError, match="mine, word 2: a word contains a blank; found 'new york'"):
        table_of_keyed_vectors(_keyed_vectors(["the", "new york"]), "mine")


def test_keyed_vectors_with_other_keys_are_refused() -> None:
    keyed = KeyedVectors(vector_size=7)
    keyed.add_vectors([3, 4], MATRIX[:2])
    with pytest.raises(VectorsError, match="mine, word 1: a key is not a string; found 3"):
        table_of_keyed_vectors(keyed, "mine")


def test_a_model_in_place_of_its_vectors_says_which_attribute() -> None:
    class Word2Vec:
        wv = None

    with pytest.raises(VectorsError, match=r"not KeyedVectors; found 'Word2Vec'; .*Use its attribute wv"):
        table_of_keyed_vectors(Word2Vec(), "mine")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("dimension", [3, 50])
def test_small_binary_files_are_not_taken_for_text(tmp_path: Path, seed: int, dimension: int) -> None:
    keyed = KeyedVectors(vector_size=dimension)
    keyed.add_vectors(["a", "中"], np.random.default_rng(seed).normal(size=(2, dimension)).astype(np.float32))
    keyed.save_word2vec_format(str(tmp_path / "v"), binary=True)
    np.testing.assert_array_equal(read_vectors_file(tmp_path / "v").matrix, keyed.vectors)


def test_a_directory_with_other_tensors_is_refused(tmp_path: Path) -> None:
    write_table(Table(WORDS, MATRIX), tmp_path / "v")
    save_arrays(tmp_path / "v" / "vectors.safetensors", {"embeddings": MATRIX})
    with pytest.raises(VectorsError, match=r"wrong tensors; found \['embeddings'\]; allowed: one: 'vectors'"):
        read_vectors_file(tmp_path / "v")


def test_a_matrix_of_whole_numbers_is_refused(tmp_path: Path) -> None:
    write_table(Table(WORDS, MATRIX), tmp_path / "v")
    save_arrays(tmp_path / "v" / "vectors.safetensors", {"vectors": np.ones((len(WORDS), 2), np.int32)})
    with pytest.raises(VectorsError, match="wrong dtype; found 'int32'; allowed: float32, float16"):
        read_vectors_file(tmp_path / "v")


def test_words_that_cannot_be_written_as_utf8_are_refused() -> None:
    class Keyed:
        index_to_key = ("the", "\ud800")
        vectors = MATRIX[:2]

    with pytest.raises(VectorsError, match="mine, word 2: a word is not valid Unicode"):
        table_of_keyed_vectors(Keyed(), "mine")
