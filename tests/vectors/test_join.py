"""Several sets of vectors side by side: a word finds in them together what it finds in each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats
from windowclf.config import ModelConfig
from windowclf.encoding import N_SPECIAL, UNKNOWN, Vocabulary
from windowclf.errors import VectorsError
from windowclf.vectors import Table, choose_vectors, load_vectors
from windowclf.vectors.table import join_tables, sha256_of_table

A = "the 1 2\nparis 3 4\nonly 5 6\n"
B = "paris 0.7\nThe 0.8\nnew 0.9\n"


def _write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")


@pytest.fixture
def both(tmp_path: Path) -> str:
    _write(tmp_path, a=A, b=B)
    return f"{tmp_path / 'a.txt'}+{tmp_path / 'b.txt'}"


def test_words_of_the_first_set_come_first_and_what_a_set_lacks_is_zeros(both: str, tmp_path: Path) -> None:
    vectors = load_vectors(both, cache_dir=tmp_path / "cache")
    assert vectors.name == "a.txt+b.txt"
    assert vectors.source == f"{tmp_path / 'a.txt'} + {tmp_path / 'b.txt'}"
    assert vectors.dimension == 3
    rows = {word: row.tolist() for word, row in zip(vectors.words, vectors.matrix.round(3), strict=True)}
    expected = {
        "the": [1, 2, 0],  # "The" is another word of the second set
        "paris": [3, 4, 0.7],
        "only": [5, 6, 0],
        "The": [1, 2, 0.8],  # the first set has it lower-cased
        "new": [0, 0, 0.9],
    }
    assert list(rows) == list(expected)
    for word, row in expected.items():
        assert rows[word] == pytest.approx(row), word


def test_three_sets_may_stand_side_by_side(tmp_path: Path) -> None:
    _write(tmp_path, a=A, b=B, c="the 9\n")
    name = "+".join(str(tmp_path / f"{c}.txt") for c in "abc")
    vectors = load_vectors(name, cache_dir=tmp_path / "cache")
    assert [part.dimension for part in vectors.parts] == [2, 1, 1]
    assert vectors.matrix[0].tolist() == [1, 2, 0, 9]


def _table(words: list[str], dimension: int, seed: int) -> Table:
    return Table(words, np.random.default_rng(seed).normal(size=(len(words), dimension)).astype(np.float32))


_word = st.text("aAbB01", min_size=1, max_size=3)
_words = st.lists(_word, min_size=1, max_size=8, unique=True)


def _look_up(table: Table, token: str) -> Floats:
    """Return what a text's word finds in a table by itself; zeros where that is nothing."""
    found = Vocabulary(table.words, {}).find(token)[0]
    return table.matrix[found - N_SPECIAL] if found != UNKNOWN else np.zeros_like(table.matrix[0])


@given(first=_words, second=_words, token=_word)
def test_a_word_finds_in_the_joined_sets_what_it_finds_in_each(
    first: list[str], second: list[str], token: str
) -> None:
    a, b = _table(first, 2, seed=1), _table(second, 3, seed=2)
    joined = join_tables([a, b])
    assert joined.words[: len(first)] == first
    assert sorted(joined.words) == sorted({*first, *second})
    np.testing.assert_array_equal(_look_up(joined, token), np.append(_look_up(a, token), _look_up(b, token)))


def test_more_words_than_are_copied_at_a_time_are_joined() -> None:
    n = 20_000
    a, b = _table([f"w{i}" for i in range(n)], 2, seed=1), _table(["w19999", "other"], 1, seed=2)
    joined = join_tables([a, b])
    assert joined.words == [*a.words, "other"]
    np.testing.assert_array_equal(joined.matrix[:n, :2], a.matrix)
    np.testing.assert_array_equal(joined.matrix[-2:, 2:], b.matrix)
    assert not joined.matrix[: n - 1, 2:].any()


def test_the_wider_number_type_is_kept() -> None:
    half = Table(["a"], np.ones((1, 2), np.float16))
    assert join_tables([half, half]).matrix.dtype == np.float16
    assert join_tables([half, Table(["a"], np.ones((1, 1), np.float32))]).matrix.dtype == np.float32


def test_the_joined_matrix_is_made_once_and_mapped_wherever_its_parts_lie(both: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = load_vectors(both, cache_dir=cache)
    folders = sorted(path.name for path in (cache / "vectors").iterdir())
    assert len(folders) == 3 and folders[1].startswith("a.txt_b.txt-")
    (tmp_path / "moved").mkdir()
    _write(tmp_path / "moved", a=A, b=B)
    again = load_vectors(both.replace(str(tmp_path), str(tmp_path / "moved")), cache_dir=cache)
    assert sum(path.name.startswith("a.txt_b.txt") for path in (cache / "vectors").iterdir()) == 1
    for vectors in (first, again):
        assert isinstance(vectors.matrix, np.memmap)
        assert vectors.sha256 == sha256_of_table(Table(vectors.words, vectors.matrix))


def test_the_hash_is_of_both_sets_and_their_order(tmp_path: Path) -> None:
    _write(tmp_path, a=A, b=B, c=B.replace("0.9", "0.5"))
    names = [f"{tmp_path / one}.txt+{tmp_path / other}.txt" for one, other in ("ab", "ba", "ac")]
    assert len({load_vectors(name, cache_dir=tmp_path / "cache").sha256 for name in names}) == 3


def test_a_part_that_changes_is_joined_anew(both: str, tmp_path: Path) -> None:
    load_vectors(both, cache_dir=tmp_path / "cache")
    _write(tmp_path, b="paris 0.25\nmore 1\n")
    vectors = load_vectors(both, cache_dir=tmp_path / "cache")
    assert vectors.matrix[vectors.index["paris"]].tolist() == [3, 4, 0.25]


def test_a_file_of_the_whole_name_is_taken_literally(tmp_path: Path) -> None:
    _write(tmp_path, **{"a+b": "odd 1\n"})
    vectors = load_vectors(tmp_path / "a+b.txt", cache_dir=tmp_path / "cache")
    assert (vectors.name, vectors.words, vectors.parts) == ("a+b.txt", ["odd"], ())


def test_a_named_set_may_stand_beside_a_file(tmp_path: Path) -> None:
    _write(tmp_path, a="paris 7\n")
    vectors = load_vectors(f"glove-6b-50d-small+{tmp_path / 'a.txt'}", cache_dir=tmp_path / "cache")
    assert vectors.matrix.shape == (20_647, 51)
    assert vectors.matrix[vectors.index["paris"], -1] == 7


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("glove-6b-50d-small+xyzzy", "no vectors of this name; found 'xyzzy'"),
        ("glove-6b-50d-small+missing.txt", r"missing\.txt: no such file"),
        ("glove-6b-50d-small+", "no vectors of this name; found ''"),
        ("glove-6b-50d-small+glove-6b-50d-small", "is joined with itself; .*allowed: each set once"),
    ],
)
def test_what_cannot_be_joined_is_said(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(VectorsError, match=message):
        load_vectors(name, cache_dir=tmp_path)


def test_each_set_is_scaled_as_it_would_be_by_itself(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a = "".join(f"w{i:c<{i + 2}} {x:.4f} {y:.4f}\n" for i, (x, y) in enumerate(rng.normal(0, 3, (40, 2))))
    b = "".join(f"w{i:c<{i + 2}} {x:.4f}\n" for i, x in enumerate(rng.normal(0, 0.1, 10)))
    _write(tmp_path, a=a, b=b)
    names = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    config = replace(ModelConfig(), max_vectors=0)
    alone = [choose_vectors(load_vectors(n, cache_dir=tmp_path / "cache"), {}, config) for n in names]
    joined = load_vectors("+".join(names), cache_dir=tmp_path / "cache")
    vocabulary, matrix, scales = choose_vectors(joined, {}, config)
    assert scales == (*alone[0][2], *alone[1][2])
    assert scales[1] / scales[0] > 10
    np.testing.assert_array_equal(matrix[:, :2], alone[0][1])
    np.testing.assert_array_equal(matrix[:10, 2:], alone[1][1])
    assert not matrix[10:, 2:].any()
    assert vocabulary.words == joined.words


def test_a_subset_of_joined_sets_keeps_its_parts_even_one_without_a_word(both: str, tmp_path: Path) -> None:
    subset = load_vectors(both, cache_dir=tmp_path / "cache").subset(["only", "the"])
    assert subset.words == ["the", "only"]
    assert [part.words for part in subset.parts] == [["the", "only"], []]
    _, matrix, scales = choose_vectors(subset, {}, ModelConfig())
    assert scales[1] == 1
    np.testing.assert_array_equal(matrix[:, 2], [0, 0])
