"""Vectors in text form: read as gensim reads them, and every fault named with its line."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.errors import VectorsError
from windowclf.vectors import text_format as vector_text
from windowclf.vectors.text_format import read_text

GOOD = b"the 0.1 -0.2 3\nof 1e-3 0 -4.5\n"


def _write(folder: Path, content: bytes, name: str = "v.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.removesuffix(b"\n"),
        b"2 3\n" + GOOD,
        b"2 3 \n" + GOOD,
        b"\xef\xbb\xbf" + GOOD,
        b"\xef\xbb\xbf2 3\n" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"\n", b" \n"),
        b"the +.1 -.2 3.\nof 0.001 -0 -4.5\n",
    ],
    ids=[
        "GloVe",
        "no end of the last line",
        "word2vec",
        "word2vec, space after the header",
        "byte order mark",
        "byte order mark before a header",
        "line ends of Windows",
        "space at line ends",
        "numbers that JSON does not have",
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_the_same_table_in_every_spelling(tmp_path: Path, content: bytes, packed: bool) -> None:
    words, matrix = read_text(_write(tmp_path, gzip.compress(content) if packed else content))
    assert words == ["the", "of"]
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, np.array([[0.1, -0.2, 3], [0.001, 0, -4.5]], np.float32))


@pytest.mark.parametrize(
    "word", ["\u00a0", "1\u00a01/2", "\u2028", "\x85", "\ufeff", '"', "-0.5", "中文", "\x1c"]
)
def test_words_that_are_easily_broken_stay_whole(tmp_path: Path, word: str) -> None:
    words, _ = read_text(_write(tmp_path, f"the 1 2\n{word} 3 4\n".encode()))
    assert words == ["the", word]


_FAULTS = [
    (b"", ": there are no vectors in this file"),
    (b"2 3\n", ": there are no vectors in this file"),
    (b"2 0\nthe\n", ":1: not a line of word vectors; found b'2 0'; allowed: a word and its numbers"),
    (b"the\n", ":1: not a line of word vectors; found b'the'"),
    (b"\nthe 1 2\n", ":1: not a line of word vectors"),
    (GOOD + b"\nto 1 2 3\n", ":3: the line is empty; allowed: a word and its numbers"),
    (GOOD + b" 1 2 3\n", ":3: the word is empty or contains a blank; found b''"),
    (
        GOOD + b"to 1 2\n",
        ":3: wrong dimension; found \"2 numbers after 'to'\"; allowed: 3, as on the first line",
    ),
    (b"9 3\nto 1 2\n", ":2: wrong dimension; found \"2 numbers after 'to'\"; allowed: 3, as in the header"),
    (GOOD + b"to 1 2 x 4\n", ":3: wrong dimension; found \"4 numbers after 'to'\""),
    (
        GOOD + b". . . 1 2 3\n",
        ":3: the word contains a space; found b'. . .'; allowed: one word and 3 numbers, "
        "separated by single spaces. Drop such lines, for instance with: awk 'NF == 4'",
    ),
    (GOOD + b"to 1 2 3 4\n", ":3: the word contains a space; found b'to 1'"),
    (GOOD + b"to  1 2 3\n", ":3: the word contains a space; found b'to '"),
    (GOOD + b"to\t1\t2\t3\n", ":3: the word is empty or contains a blank; found b'to\\t1\\t2\\t3'"),
    (GOOD + b"a\tb 1 2 3\n", ":3: the word is empty or contains a blank; found b'a\\tb'"),
    (
        GOOD + b"to 1 two 3\n",
        ":3: number 2 of 'to' is not a number; found b'two'; allowed: finite",
    ),
    (GOOD + b"to 1 1_0 3\n", ":3: number 2 of 'to' is not a number; found b'1_0'"),
    (GOOD + b"to 1 0x1 3\n", ":3: number 2 of 'to' is not a number; found b'0x1'"),
    (GOOD + b"to 1 2,3\n", ":3: wrong dimension"),
    (GOOD + b"to 1 true 3\n", ":3: number 2 of 'to' is not a number"),
    (GOOD + b"to 1 nan 3\n", ":3: number 2 of 'to' is not finite; found b'nan'"),
    (GOOD + b"to 1 2 -inf\n", ":3: number 3 of 'to' is not finite; found b'-inf'"),
    (GOOD + b"to 1 2 1e39\n", ":3: number 3 of 'to' is not finite; found b'1e39'"),
    (GOOD + b"to 1 2 1e999\n", ":3: number 3 of 'to' is not finite; found b'1e999'"),
    (GOOD + b"of 1 2 3\n", ":3: the word occurs twice, first on line 2; found 'of'; allowed: each word once"),
    (b"3 3\n" + GOOD + b"of 1 2 3\n", ":4: the word occurs twice, first on line 3; found 'of'"),
    (GOOD + b"caf\xe9 1 2 3\n", ":3: the word is not UTF-8; found b'caf\\xe9'; allowed: UTF-8"),
    (
        b"3 3\n" + GOOD,
        ":1: the header does not agree with the file; found '3 words'; allowed: 2, the number of lines",
    ),
    (
        b"1 3\n" + GOOD,
        ":1: the header does not agree with the file; found '1 words'; allowed: 2, the number of lines",
    ),
]


@pytest.mark.parametrize(("content", "message"), _FAULTS, ids=[message for _, message in _FAULTS])
def test_a_fault_is_named_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(VectorsError, match=r"v\.txt" + re.escape(message)):
        read_text(_write(tmp_path, content))


def test_faults_that_make_up_for_each_other_are_found(tmp_path: Path) -> None:
    with pytest.raises(VectorsError, match=r":1: .*dimension|:2: wrong dimension"):
        read_text(_write(tmp_path, b"a 1 2 3\nb 1 2\nc 1 2 3 4\n"))


def test_lines_are_numbered_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_text, "_BLOCK", 64)
    lines = [f"w{i} {i} {i}.5" for i in range(1000)]
    path = _write(tmp_path, "\n".join(lines).encode())
    words, matrix = read_text(path)
    assert words == [f"w{i}" for i in range(1000)]
    np.testing.assert_array_equal(matrix, [[i, i + 0.5] for i in range(1000)])
    lines[777] = "w3 1 2"
    with pytest.raises(VectorsError, match=":778: the word occurs twice, first on line 4;"):
        read_text(_write(tmp_path, "\n".join(lines).encode()))


def test_a_file_without_line_ends_is_not_read_into_memory(tmp_path: Path) -> None:
    with pytest.raises(VectorsError, match=r":1: not vectors in text form: the line is too long"):
        read_text(_write(tmp_path, b"1 " * (1 << 22)))


def test_a_gzip_file_that_is_cut_short_is_named(tmp_path: Path) -> None:
    packed = gzip.compress(GOOD)
    with pytest.raises(VectorsError, match="damaged or cut short"):
        read_text(_write(tmp_path, packed[:-10], "v.gz"))
    with pytest.raises(VectorsError, match="damaged or cut short"):
        read_text(_write(tmp_path, packed[:-6] + b"??????", "v.gz"))


_WORDS = st.text(st.characters(codec="utf-8", exclude_characters=" \t\r\n\v\f\ufeff"), min_size=1, max_size=6)


@given(
    words=st.lists(_WORDS, min_size=1, max_size=8, unique=True),
    seed=st.integers(0, 2**32 - 1),
    dimension=st.integers(1, 5),
    header=st.booleans(),
)
def test_what_is_written_is_read_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], seed: int, dimension: int, header: bool
) -> None:
    matrix = np.random.default_rng(seed).normal(size=(len(words), dimension)).astype(np.float32)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, matrix.tolist(), strict=True)]
    # A first line of two whole numbers is a header; these numbers have a decimal point.
    lines = [f"{len(words)} {dimension}", *lines] if header else lines
    path = _write(tmp_path_factory.mktemp("text"), ("\n".join(lines) + "\n").encode())
    table = read_text(path)
    assert table.words == words
    assert table.matrix.tobytes() == matrix.tobytes()
