"""Converted vectors: mapped from the second time on, rebuilt when stale or damaged, never in the way."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from windowclf.errors import VectorsError
from windowclf.files import cache_root, write_text
from windowclf.vectors import Table
from windowclf.vectors import cache as vector_cache
from windowclf.vectors.cache import cached_table
from windowclf.vectors.text_format import read_text


class Source:
    """A small file of vectors, and how often it was read."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "v.txt"
        self.cache = folder / "cache"
        self.n_reads = 0
        self.write("the 1 2\nof 3 4\n")

    def write(self, text: str) -> None:
        write_text(self.path, text)

    def read(self) -> Table:
        self.n_reads += 1
        return read_text(self.path)

    def load(self) -> tuple[Table, str]:
        return cached_table("v", [self.path], self.read, self.cache)

    @property
    def folder(self) -> Path:
        (folder,) = (self.cache / "vectors").iterdir()
        return folder


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def test_the_first_time_converts_and_the_second_maps(source: Source) -> None:
    first, first_hash = source.load()
    second, second_hash = source.load()
    assert source.n_reads == 1
    assert first.words == second.words == ["the", "of"]
    assert first_hash == second_hash
    for table in (first, second):
        assert isinstance(table.matrix, np.memmap)
        assert table.matrix.tolist() == [[1, 2], [3, 4]]


def test_the_folder_is_named_after_the_source(source: Source) -> None:
    source.load()
    stem, _, place = source.folder.name.rpartition("-")
    assert stem == "v"
    assert len(place) == 12 and set(place) <= set("0123456789abcdef")
    assert sorted(path.name for path in source.folder.iterdir()) == [
        "meta.json",
        "vectors.safetensors",
        "words.txt",
    ]


def test_two_files_of_one_name_do_not_share_a_folder(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name, word in [("a", "one"), ("b", "two")]:
        (tmp_path / name).mkdir()
        path = tmp_path / name / "v.txt"
        path.write_text(f"{word} 1 2\n")
        table, _ = cached_table("v", [path], lambda path=path: read_text(path), cache)  # type: ignore[misc]
        assert table.words == [word]
    assert len(list((cache / "vectors").iterdir())) == 2


def test_a_name_with_unusual_characters_makes_a_plain_folder(source: Source) -> None:
    cached_table("../ü/..", [source.path], source.read, source.cache)
    assert source.folder.name.startswith("vectors-")


def test_a_changed_source_is_read_again(source: Source) -> None:
    _, before = source.load()
    source.write("the 1 2\nof 3 5\n")  # of the same size
    now = time.time_ns() + 10**9
    os.utime(source.path, ns=(now, now))
    table, after = source.load()
    assert table.matrix.tolist() == [[1, 2], [3, 5]]
    assert after != before
    assert source.n_reads == 2


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _swap(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"the", b"eht"))


_DAMAGES: dict[str, Callable[[Path], None]] = {
    "matrix cut short": lambda folder: _cut(folder / "vectors.safetensors"),
    "matrix missing": lambda folder: (folder / "vectors.safetensors").unlink(),
    "matrix empty": lambda folder: write_text(folder / "vectors.safetensors", ""),
    "words cut short": lambda folder: _cut(folder / "words.txt"),
    "words changed": lambda folder: _swap(folder / "words.txt"),
    "words missing": lambda folder: (folder / "words.txt").unlink(),
    "meta cut short": lambda folder: write_text(folder / "meta.json", "{"),
    "meta of another version": lambda folder: write_text(folder / "meta.json", '{"version": 0}'),
    "meta is a list": lambda folder: write_text(folder / "meta.json", "[]"),
    "meta missing": lambda folder: (folder / "meta.json").unlink(),
}


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES.keys())
def test_a_damaged_cache_is_made_again(source: Source, damage: Callable[[Path], None]) -> None:
    _, before = source.load()
    damage(source.folder)
    table, after = source.load()
    assert source.n_reads == 2
    assert table.matrix.tolist() == [[1, 2], [3, 4]]
    assert after == before
    source.load()
    assert source.n_reads == 2


def test_a_cache_of_another_format_version_is_made_again(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.load()
    monkeypatch.setattr(vector_cache, "_FORMAT_VERSION", 2)
    source.load()
    assert source.n_reads == 2


def test_a_cache_that_cannot_be_written_is_done_without(source: Source) -> None:
    source.cache.write_text("a file where the folder should be")
    for n_reads in (1, 2):
        table, digest = source.load()
        assert table.matrix.tolist() == [[1, 2], [3, 4]]
        assert len(digest) == 64
        assert source.n_reads == n_reads


def test_a_source_with_a_fault_leaves_no_cache(source: Source) -> None:
    source.write("the 1 2\nof 3\n")
    with pytest.raises(VectorsError, match=":2: wrong dimension"):
        source.load()
    assert not (source.cache / "vectors").exists()


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "a"))
    assert cache_root() == tmp_path / "a"
    assert cache_root(tmp_path / "b") == tmp_path / "b"
    monkeypatch.delenv("WINDOWCLF_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert cache_root().name == "windowclf"
