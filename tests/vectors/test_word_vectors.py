"""WordVectors and load_vectors, as a user meets them."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st

from windowclf.corpus import read_catalog
from windowclf.errors import VectorsError
from windowclf.files import sha256_of
from windowclf.vectors import Table, WordVectors, load_vectors, write_table
from windowclf.vectors.sources import has_glove_package, shipped_directory
from windowclf.vectors.table import sha256_of_table
from windowclf.vectors.word_vectors import default_vectors_name, vectors_from_keyed_vectors

needs_full_set = pytest.mark.skipif(not has_glove_package(), reason="needs windowclf[glove]")


@pytest.fixture(scope="module")
def small() -> WordVectors:
    return load_vectors("glove-6b-50d-small")


@pytest.fixture(scope="module")
def full_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def full(full_cache: Path) -> WordVectors:
    return load_vectors("glove-6b-50d", cache_dir=full_cache)


def _vectors(words: list[str], rows: list[list[float]]) -> WordVectors:
    table = Table(words, np.array(rows, np.float32))
    return WordVectors("test", "here", *table, sha256_of_table(table))


def test_the_small_set_is_what_the_catalogue_says(small: WordVectors) -> None:
    (entry,) = [entry for entry in read_catalog().vectors if entry.name == small.name]
    assert (len(small), small.dimension) == (entry.words, entry.dimension)
    assert small.matrix.dtype == np.float16
    assert small.words[:3] == ["the", ",", "."]
    assert "london" in small and "xyzzyx" not in small
    assert small.source == "windowclf_data"


def test_the_index_says_each_word_s_row(small: WordVectors) -> None:
    assert [small.index[word] for word in small.words] == list(range(len(small)))


def test_capitals_are_near_their_kind(small: WordVectors) -> None:
    neighbours = [word for word, _ in small.nearest("london", 20)]
    assert "paris" in neighbours
    assert "london" not in neighbours


def test_the_small_set_has_its_licence_beside_it() -> None:
    assert "Public Domain Dedication" in (shipped_directory() / "LICENSE.txt").read_text(encoding="utf-8")
    assert (shipped_directory() / "README.md").is_file()


@needs_full_set
def test_the_full_set_is_the_default_where_it_is_installed(full: WordVectors, full_cache: Path) -> None:
    assert default_vectors_name() == "glove-6b-50d"
    assert load_vectors(cache_dir=full_cache).sha256 == full.sha256
    assert full.matrix.shape == (400_000, 50)
    assert full.matrix.dtype == np.float32


@needs_full_set
def test_the_small_set_is_the_full_one_rounded(small: WordVectors, full: WordVectors) -> None:
    rows = [full.index[word] for word in small.words]
    assert rows == sorted(rows)
    np.testing.assert_array_equal(small.matrix, full.matrix[rows].astype(np.float16))


@needs_full_set
def test_the_small_set_is_what_its_script_makes(tmp_path: Path, full_cache: Path) -> None:
    script = Path(__file__).parents[2] / "data" / "make_vectors.py"
    names = runpy.run_path(str(script))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINDOWCLF_CACHE", str(full_cache))
        table = names["small_table"](set(names["sample_words"](names["SAMPLE_FILES"])))
    write_table(table, tmp_path / "made")
    for made in (tmp_path / "made").iterdir():
        assert sha256_of(made) == sha256_of(shipped_directory() / made.name), "run data/make_vectors.py again"


def _random_keyed_vectors(seed: int, n_words: int) -> KeyedVectors:
    rng = np.random.default_rng(seed)
    keyed = KeyedVectors(vector_size=4)
    keyed.add_vectors([f"w{i}" for i in range(n_words)], rng.normal(size=(n_words, 4)).astype(np.float32))
    return keyed


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), n_words=st.integers(2, 12))
def test_nearest_agrees_with_gensim(seed: int, n: int, n_words: int) -> None:
    keyed = _random_keyed_vectors(seed, n_words)
    found = vectors_from_keyed_vectors(keyed).nearest("w0", n)
    oracle = keyed.most_similar("w0", topn=n)
    np.testing.assert_allclose([cosine for _, cosine in found], [cosine for _, cosine in oracle], atol=1e-6)
    assert len(found) == min(n, n_words - 1)


def test_nearest_counts_in_float32_and_keeps_cosines_in_range() -> None:
    matrix = np.array([[3, 4], [300, 400], [-6, -8], [0, 0]], np.float16)  # 300² is beyond float16
    vectors = WordVectors("test", "here", ["a", "b", "c", "zero"], matrix, sha256="")
    assert vectors.nearest("a", 3) == [("b", 1.0), ("zero", 0.0), ("c", -1.0)]


def test_of_equally_near_words_the_more_frequent_comes_first() -> None:
    vectors = _vectors(["a", "b", "c", "d"], [[1, 0], [0, 1], [0, 2], [0, 3]])
    assert [word for word, _ in vectors.nearest("a", 2)] == ["b", "c"]


def test_nearest_of_an_unknown_word_hints_at_lower_case(small: WordVectors) -> None:
    with pytest.raises(VectorsError, match=r"found 'London'\. There is one for 'london'"):
        small.nearest("London", 3)
    with pytest.raises(VectorsError, match="wrong number of neighbours; found 0"):
        small.nearest("london", 0)


def test_a_subset_keeps_the_order_and_leaves_out_what_is_unknown(small: WordVectors) -> None:
    part = small.subset(["london", "the", "xyzzyx", "the"])
    assert part.words == ["the", "london"]
    np.testing.assert_array_equal(part.matrix[1], small.matrix[small.index["london"]])
    assert part.sha256 != small.sha256
    assert small.subset(small.words).sha256 == small.sha256
    with pytest.raises(VectorsError, match="none of these words has a vector"):
        small.subset(["xyzzyx"])


def test_a_file_is_loaded_by_its_path_and_cached(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("the 1 2\nof 3 4\n")
    for _ in range(2):
        vectors = load_vectors(path, cache_dir=tmp_path / "cache")
        assert (vectors.name, vectors.source) == ("v.txt", str(path.resolve()))
        assert vectors.words == ["the", "of"]
        assert isinstance(vectors.matrix, np.memmap)
    (folder,) = (tmp_path / "cache" / "vectors").iterdir()
    assert folder.name.startswith("v-")
    # What the cache holds is itself a directory of vectors.
    assert load_vectors(folder, cache_dir=tmp_path / "other").sha256 == vectors.sha256
    assert not (tmp_path / "other").exists()


def test_a_user_s_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v.txt").write_text("the 1 2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_vectors("~/v.txt", cache_dir=tmp_path / "cache").words == ["the"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "glove-6b-50",
            "no vectors of this name; found 'glove-6b-50'; .*Did you mean",
        ),
        ("xyzzy", "no vectors of this name; found 'xyzzy'; allowed: .*, or the path of a file or directory$"),
        ("missing.txt", r"missing\.txt: no such file or directory"),
        ("some/where", "some/where: no such file or directory"),
        ("a\0b", "no vectors of this name"),
        ("x" * 5000, "no vectors of this name"),
        ("", "no vectors of this name"),
        (
            "glove-6b-100d",
            "no vectors of this name; found 'glove-6b-100d'; "
            "allowed: .*with `windowclf vectors convert FILE --name NAME`",
        ),
        ("glove-6b-50d-small+glove-6b-100d", "no vectors of this name; found 'glove-6b-100d'"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(VectorsError, match=message):
        load_vectors(name, cache_dir=tmp_path)


def test_keyed_vectors_become_word_vectors() -> None:
    keyed = _random_keyed_vectors(1, 5)
    vectors = vectors_from_keyed_vectors(keyed, name="mine")
    assert vectors.name == "mine"
    assert vectors.words == keyed.index_to_key
    np.testing.assert_array_equal(vectors.matrix, keyed.vectors)
