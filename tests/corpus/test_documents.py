"""The documents of a directory and of a packed archive."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from windowclf.corpus import Block, ReadOptions, has_documents, read_sentences
from windowclf.corpus import documents as module
from windowclf.corpus.blocks import source_name
from windowclf.corpus.documents import documents, part_of
from windowclf.errors import DataError

FILES = {"p/c02": "b/x", "p/README": "No tags.", "p/c01": "a/x", "p/c0/c10": "c/x", "p/.c03": "d/x"}


def add(archive: tarfile.TarFile, name: str, text: str = "", **attributes: object) -> None:
    member = tarfile.TarInfo(name)
    content = text.encode()
    member.size = len(content)
    for key, value in attributes.items():
        setattr(member, key, value)
    archive.addfile(member, io.BytesIO(content))


def pack(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            add(archive, name, text)
    return path


def packed(folder: Path) -> Path:
    return pack(folder / "a.tgz", FILES)


def unpacked(folder: Path) -> Path:
    for name, text in FILES.items():
        path = folder / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "unpacked"


def words(path: Path, pattern: str = "*") -> list[str]:
    options = ReadOptions(format="tagged")
    return [
        word
        for document in documents(str(path), pattern)
        for s in read_sentences(document, options)
        for word in s
    ]


def names(path: Path, pattern: str = "*") -> list[str]:
    return [source_name(document).rpartition("/")[2] for document in documents(str(path), pattern)]


@pytest.mark.parametrize("make", [packed, unpacked])
def test_documents_are_chosen_by_their_own_names_in_the_order_of_their_paths(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    assert has_documents(str(path))
    assert names(path) == ["README", "c10", "c01", "c02"]
    assert words(path, "c[0-9][0-9]") == ["c", "a", "b"]
    assert words(path, "c0?") == ["a", "b"]


def test_the_order_is_folder_by_folder(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar.gz", {"b/a": "3/n", "a.x": "2/n", "a/z": "1/n"})
    assert words(path) == ["1", "2", "3"]


def test_a_document_of_an_archive_is_named_with_it(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tgz", {"p/é\x1b[31m": "fox"})
    with pytest.raises(DataError) as error:
        words(path)
    assert str(error.value).startswith(f"{path}, p/é\\x1b[31m:1: a token without a slash")


def test_the_later_of_two_members_of_one_name_counts(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        add(archive, "./a", "old/n")
        add(archive, "b", "other/n")
        add(archive, "a", "new/n")
    assert words(tmp_path / "a.tgz") == ["new", "other"]


def test_links_devices_and_folders_are_no_documents_and_names_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret/n\n")
    path = tmp_path / "in" / "a.tgz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "../evil", "evil/n")
        add(archive, str(tmp_path / "absolute"), "absolute/n")
        add(archive, "symbolic", type=tarfile.SYMTYPE, linkname="../secret")
        add(archive, "hard", type=tarfile.LNKTYPE, linkname=str(tmp_path / "secret"))
        add(archive, "pipe", type=tarfile.FIFOTYPE)
        add(archive, "folder", type=tarfile.DIRTYPE)
    assert sorted(words(path)) == ["absolute", "evil"]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tgz", "in", "secret"]


def test_a_directory_has_regular_files_alone(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    os.mkfifo(folder / "c50")
    (folder / "c51").symlink_to("nowhere")
    assert words(folder, "c??") == ["c", "a", "b"]


def test_a_document_called_minus_is_not_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "-").write_text("a/x")
    monkeypatch.chdir(tmp_path)
    assert words(Path(".")) == ["a"]


def test_no_document_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    expected = "no document among the 5 files in it; allowed: regular files whose names match 'd*'"
    for path in (packed(tmp_path), unpacked(tmp_path)):
        with pytest.raises(DataError) as error:
            documents(str(path), "d*")
        assert str(error.value) == f"{path}: {expected}"
    for empty in (pack(tmp_path / "empty.tgz", {}), tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(DataError, match="no document among the 0 files in it"):
            documents(str(empty))


def test_what_is_no_whole_archive_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    whole = packed(tmp_path).read_bytes()
    unpacked_bytes = gzip.decompress(whole)
    wrong_sum = whole[:-8] + bytes(4) + whole[-4:]
    for content in (
        b"",
        b"fox/nn\n",
        gzip.compress(b"fox/nn\n"),
        whole[:-30],
        wrong_sum,
        gzip.compress(unpacked_bytes[:700]),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match="a damaged archive, or no gzipped tar archive"):
            documents(str(path))


def test_documents_that_memory_may_not_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "a.tgz", {"a": "a/x\n" * 10, "b": "b/x\n" * 10, "README": "c" * 100})
    monkeypatch.setattr(module, "_LARGEST", 80)
    assert words(path, "[ab]") == ["a"] * 10 + ["b"] * 10
    monkeypatch.setattr(module, "_LARGEST", 79)
    with pytest.raises(DataError, match="do not fit into memory; allowed: at most 79 bytes"):
        documents(str(path), "[ab]")


def test_a_missing_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.tgz: no such file"):
        documents(str(tmp_path / "a.tgz"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    (folder / "p").chmod(0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        documents(str(folder))


def test_only_directories_and_names_of_archives_have_documents(tmp_path: Path) -> None:
    assert has_documents("missing.TGZ")
    assert has_documents("a.tar.gz")
    assert not any(map(has_documents, ["-", "a.conll.gz", "a.tgz.conll", "sample:train"]))


def test_of_twenty_the_last_but_one_is_dev_and_the_last_is_test() -> None:
    assert list(part_of(range(41), "dev")) == [18, 38]
    assert list(part_of(range(41), "test")) == [19, 39]
    assert list(part_of(range(22), "train")) == [*range(18), 20, 21]
    assert list(part_of(range(12), None)) == list(range(12))


def test_documents_of_an_archive_are_read_from_memory(tmp_path: Path) -> None:
    path = packed(tmp_path)
    found = documents(str(path), "c0?")
    path.unlink()
    assert [document.content for document in found if isinstance(document, Block)] == [b"a/x", b"b/x"]
