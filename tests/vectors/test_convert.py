"""Vectors that are converted once: by name as by path, whole or not at all, and replaced only by force."""

import os
from pathlib import Path

import numpy as np
import pytest

from windowclf.errors import VectorsError
from windowclf.files import cache_root
from windowclf.vectors import convert_vectors, load_vectors
from windowclf.vectors.cache import list_named, load_named

REAL_CACHE = cache_root()  # the tests themselves get another one
WORDS = ["the", "paris", "zyzzyvas"]


@pytest.fixture
def package(tmp_path: Path, wink_package: bytes) -> Path:
    path = tmp_path / "tiny-1.0.0.tgz"
    path.write_bytes(wink_package)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_by_name_and_by_path_they_are_the_same(package: Path, cache: Path) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    convert_vectors(package, cache_dir=cache)
    by_name, by_path = load_vectors("tiny", cache_dir=cache), load_vectors(package, cache_dir=cache)
    assert (by_name.name, by_path.name) == ("tiny", "tiny-1.0.0.tgz")
    assert by_name.source == by_path.source == str(package.resolve())
    assert by_name.words == by_path.words == WORDS
    np.testing.assert_array_equal(by_name.matrix, [[3, 4], [0.5, 0], [0, -2]])
    np.testing.assert_array_equal(by_path.matrix, by_name.matrix)
    assert by_name.sha256 == by_path.sha256


def test_they_are_read_once_and_mapped_after(package: Path, cache: Path) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    stamp = package.stat()
    package.write_bytes(bytes(stamp.st_size))  # reading it again would fail
    os.utime(package, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    for vectors in (
        convert_vectors(package, name="tiny", cache_dir=cache),
        load_vectors("tiny", cache_dir=cache),
    ):
        assert isinstance(vectors.matrix, np.memmap)
        assert vectors.words == WORDS


def test_under_a_name_the_file_is_no_longer_needed(package: Path, cache: Path) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    package.unlink()
    assert load_vectors("tiny", cache_dir=cache).words == WORDS


def test_they_stand_beside_another_set(package: Path, cache: Path) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    vectors = load_vectors("glove-6b-50d-small+tiny", cache_dir=cache)
    assert vectors.name == "glove-6b-50d-small+tiny"
    assert [part.name for part in vectors.parts] == ["glove-6b-50d-small", "tiny"]
    assert (len(vectors), vectors.dimension) == (20_648, 52)
    np.testing.assert_array_equal(vectors.matrix[vectors.index["paris"], 50:], [0.5, 0])


@pytest.mark.parametrize("name", ["v.txt", "v.vec", "V.JSON", "v"])
def test_every_readable_format_is_converted(tmp_path: Path, wink_package: bytes, name: str) -> None:
    cache, path = tmp_path / "cache", tmp_path / name
    if name == "V.JSON":
        path.write_text('{"dimensions": 2, "words": ["the"], "vectors": {"the": [1, 2, 2.2, 0]}}')
    elif name == "v":
        text = tmp_path / "other.txt"
        text.write_text("the 1 2\n")
        convert_vectors(text, cache_dir=tmp_path / "first")
        (path,) = (tmp_path / "first" / "vectors").iterdir()  # a directory
    else:
        path.write_text("1 2\nthe 1 2\n" if name == "v.vec" else "the 1 2\n")
    vectors = convert_vectors(path, name="mine", cache_dir=cache)
    assert (vectors.name, vectors.words, vectors.matrix.tolist()) == ("mine", ["the"], [[1, 2]])
    assert list_named(cache) == [("mine", 1, 2)]


@pytest.mark.parametrize("name", ["tiny", "glove-6b-50d-small+tiny"])
def test_a_name_that_is_not_here_says_how_to_give_it(cache: Path, name: str) -> None:
    with pytest.raises(
        VectorsError, match=r"found 'tiny'; .*with `windowclf vectors convert FILE --name NAME`"
    ):
        load_vectors(name, cache_dir=cache)


@pytest.mark.parametrize("name", ["tiny.tgz", "tiny.tar.gz", "tiny.json"])
def test_a_file_that_is_not_converted_yet_says_how_to(tmp_path: Path, wink_package: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(wink_package)
    with pytest.raises(VectorsError, match=f"{name}: .*once with: windowclf vectors convert {name}"):
        load_vectors(tmp_path / name, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"the 1 2\n", "cut"], ids=["empty", "text", "cut short"])
def test_a_file_with_a_fault_leaves_nothing(
    package: Path, wink_package: bytes, cache: Path, content: bytes | str
) -> None:
    package.write_bytes(wink_package[:-1] if isinstance(content, str) else content)
    for name in ("tiny", None):
        with pytest.raises(VectorsError, match=r"tiny-1\.0\.0\.tgz: the archive is damaged"):
            convert_vectors(package, name=name, cache_dir=cache)
    assert not cache.exists()


def test_other_vectors_of_the_name_are_replaced_only_by_force(
    package: Path, tmp_path: Path, cache: Path
) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    other = tmp_path / "other.txt"
    other.write_text("mine 1\n")
    with pytest.raises(VectorsError, match=r"named/tiny: there are vectors of the name .*--force"):
        convert_vectors(other, name="tiny", cache_dir=cache)
    assert load_vectors("tiny", cache_dir=cache).words == WORDS
    assert convert_vectors(other, name="tiny", force=True, cache_dir=cache).words == ["mine"]
    assert [path.name for path in (cache / "vectors" / "named").iterdir()] == ["tiny"]


def test_if_the_new_file_has_a_fault_force_keeps_the_old_ones(package: Path, cache: Path) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    package.write_bytes(b"")
    with pytest.raises(VectorsError, match="damaged"):
        convert_vectors(package, name="tiny", force=True, cache_dir=cache)
    assert load_vectors("tiny", cache_dir=cache).words == WORDS


@pytest.mark.parametrize("file", ["words.txt", "vectors.safetensors", "meta.json"])
def test_damaged_ones_are_named_and_made_again_by_force(package: Path, cache: Path, file: str) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    path = cache / "vectors" / "named" / "tiny" / file
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(VectorsError, match=r"named/tiny: .* 'tiny' are damaged.*tiny --force"):
        load_vectors("tiny", cache_dir=cache)
    assert list_named(cache) == []
    assert convert_vectors(package, name="tiny", force=True, cache_dir=cache).words == WORDS


def test_a_cache_that_cannot_be_written_is_an_error(package: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(VectorsError, match="named/tiny: the vectors cannot be written"):
        convert_vectors(package, name="tiny", cache_dir=cache)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../tiny", "a/b", "a+b", "gensim:a", "a b", "v.txt", "x" * 65, "glove-6b-50d"]
)
def test_other_names_are_refused(package: Path, cache: Path, name: str) -> None:
    with pytest.raises(VectorsError, match="not a name for converted vectors; found"):
        convert_vectors(package, name=name, cache_dir=cache)
    assert not cache.exists()


def test_what_is_not_there_is_said(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(VectorsError, match=r"missing\.txt: no such file or directory"):
        convert_vectors(tmp_path / "missing.txt", name="tiny", cache_dir=cache)


def test_a_folder_of_that_name_does_not_hide_the_set(
    package: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert_vectors(package, name="tiny", cache_dir=cache)
    (tmp_path / "here" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert load_vectors("tiny", cache_dir=cache).dimension == 2


@pytest.mark.slow
def test_the_real_package_has_the_words_that_it_should() -> None:
    found = load_named("glove-6b-100d", REAL_CACHE)
    if found is None:
        pytest.skip("glove-6b-100d is not converted")
    assert found[0].matrix.shape == (341_479, 100)
