"""Vectors that are fetched: by name as by path, and only the expected file."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from windowclf.corpus.catalog import Catalog, RemoteFile, VectorsEntry, read_catalog
from windowclf.errors import VectorsError
from windowclf.files import cache_root, sha256_of
from windowclf.vectors import sources as fetched_vectors
from windowclf.vectors.sources import find_fetched, read_fetched
from windowclf.vectors.word_vectors import load_vectors

REAL_CACHE = cache_root()  # the tests themselves get another one


@pytest.fixture
def place(tmp_path: Path, wink_package: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the catalogue have a set `tiny` that is fetched; return where its file belongs, in a folder."""
    file = RemoteFile(
        "https://127.0.0.1/tiny-1.0.0.tgz", hashlib.sha256(wink_package).hexdigest(), len(wink_package)
    )
    tiny = VectorsEntry("tiny", "", "", "", "", "", 3, 2, "Fetch it", file)
    bought = VectorsEntry("bought", "", "", "", "", "", 3, 2, "Buy it")
    monkeypatch.setattr(fetched_vectors, "read_catalog", lambda: Catalog((), (tiny, bought)))
    path = tmp_path / "cache" / "vectors" / "tiny" / "tiny-1.0.0.tgz"
    path.parent.mkdir(parents=True)
    return path


def test_by_name_and_by_path_they_are_the_same(place: Path, wink_package: bytes, tmp_path: Path) -> None:
    place.write_bytes(wink_package)
    cache = tmp_path / "cache"
    by_name, by_path = load_vectors("tiny", cache_dir=cache), load_vectors(place, cache_dir=cache)
    assert (by_name.name, by_path.name) == ("tiny", "tiny-1.0.0.tgz")
    assert by_name.source == by_path.source == str(place.resolve())
    assert by_name.words == by_path.words == ["the", "paris", "zyzzyvas"]
    np.testing.assert_array_equal(by_name.matrix, [[3, 4], [0.5, 0], [0, -2]])
    np.testing.assert_array_equal(by_path.matrix, by_name.matrix)
    assert by_name.sha256 == by_path.sha256


def test_they_are_read_once_and_mapped_after(place: Path, wink_package: bytes, tmp_path: Path) -> None:
    place.write_bytes(wink_package)
    load_vectors("tiny", cache_dir=tmp_path / "cache")
    stamp = place.stat()
    place.write_bytes(bytes(len(wink_package)))  # reading it again would fail
    os.utime(place, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    vectors = load_vectors("tiny", cache_dir=tmp_path / "cache")
    assert isinstance(vectors.matrix, np.memmap)
    assert vectors.words == ["the", "paris", "zyzzyvas"]


def test_they_stand_beside_another_set(place: Path, wink_package: bytes, tmp_path: Path) -> None:
    place.write_bytes(wink_package)
    vectors = load_vectors("glove-6b-50d-small+tiny", cache_dir=tmp_path / "cache")
    assert vectors.name == "glove-6b-50d-small+tiny"
    assert [part.name for part in vectors.parts] == ["glove-6b-50d-small", "tiny"]
    assert (len(vectors), vectors.dimension) == (20_648, 52)
    np.testing.assert_array_equal(vectors.matrix[vectors.index["paris"], 50:], [0.5, 0])


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["tiny", "glove-6b-50d-small+tiny"])
def test_a_set_that_is_not_here_says_where_it_belongs_and_how_to_have_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        VectorsError, match=r"tiny-1\.0\.0\.tgz: the vectors 'tiny' are not on this machine\. Fetch it$"
    ):
        load_vectors(name, cache_dir=tmp_path / "cache")


def test_half_a_download_is_no_set(place: Path, wink_package: bytes, tmp_path: Path) -> None:
    place.with_name(place.name + ".part").write_bytes(wink_package)
    with pytest.raises(VectorsError, match="not on this machine"):
        load_vectors("tiny", cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("change", ["cut", "longer", "other", "a whole other package"])
def test_another_file_in_its_place_is_refused(
    place: Path, wink_package: bytes, tmp_path: Path, change: str
) -> None:
    content = {
        "cut": wink_package[:-1],
        "longer": wink_package + b"\0",
        "other": b"the 1 2\n",
        "a whole other package": wink_package[:4] + bytes(4) + wink_package[8:],  # gzip's time of change
    }[change]
    place.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    with pytest.raises(
        VectorsError, match=f"not the file of the vectors 'tiny'; found 'sha256 {found}'; .*tiny --force"
    ):
        load_vectors("tiny", cache_dir=tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache" / "vectors").iterdir()] == ["tiny"]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["bought", "other", "../tiny", ""])
def test_other_names_are_not_looked_for(name: str, tmp_path: Path) -> None:
    assert find_fetched(name, cache_dir=tmp_path / "cache") is None


def test_a_folder_of_that_name_does_not_hide_the_set(
    place: Path, wink_package: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write_bytes(wink_package)
    (tmp_path / "here" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert load_vectors("tiny", cache_dir=tmp_path / "cache").dimension == 2


@pytest.mark.slow
def test_the_real_file_is_as_the_catalogue_says() -> None:
    (entry,) = [entry for entry in read_catalog().vectors if entry.file is not None]
    try:
        found = find_fetched(entry.name, cache_dir=REAL_CACHE)
    except VectorsError:
        pytest.skip(f"{entry.name} is not fetched")
    assert found is not None
    file, path = found
    assert (path.stat().st_size, sha256_of(path)) == (file.size, file.sha256)
    assert read_fetched(entry.name, file, path).matrix.shape == (entry.words, entry.dimension)
