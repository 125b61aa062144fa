"""`windowclf data fetch`, from a real server on this machine."""

import functools
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf.corpus import CorpusEntry, VectorsEntry
from windowclf.corpus import catalog as catalog_module
from windowclf.corpus import fetch as fetch_module
from windowclf.corpus.catalog import Catalog, CorpusFile, ModuloSplit
from windowclf_cli.main import cli

CONTENT = b"in\tO\nRome\tB-LOC\n\n" * 10
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name in ("train.conll", "dev.conll", "all.conll"):
        (folder / name).write_bytes(CONTENT)
    handler = functools.partial(_Quiet, directory=str(folder))
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def _entry(name: str, roles: dict[str, str], split: ModuloSplit | None) -> CorpusEntry:
    files = tuple(
        CorpusFile(f"https://127.0.0.1/{file}", SHA256, len(CONTENT), role, 10, 20)
        for role, file in roles.items()
    )
    address = "https://example.org/licence"
    return CorpusEntry(
        name, "", "CC0", address, "", "", "", "conll", ("word", "label"), "label", "tab", "IOB2", files, split
    )


@pytest.fixture(autouse=True)
def _two_known_corpora_and_vectors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts = _entry("parts", {"train": "train.conll", "dev": "dev.conll"}, None)
    whole = _entry("whole", {"all": "all.conll"}, ModuloSplit(10, (8,), (9,)))
    bought = VectorsEntry("bought", "", "", "", "", "", 3, 2, "Buy it")
    known = Catalog((parts, whole), (bought,))
    for module in (catalog_module, fetch_module):
        monkeypatch.setattr(module, "read_catalog", lambda: known)
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("WINDOWCLF_CORPORA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def fetch(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["data", "fetch", *map(str, arguments)])


def test_a_corpus_goes_to_the_cache_and_is_then_known_by_name(mirror: str, tmp_path: Path) -> None:
    result = fetch("parts", "--mirror", mirror)
    assert result.exit_code == 0, result.output
    folder = tmp_path / "cache" / "corpora" / "parts"
    assert result.stdout.splitlines()[:2] == [str(folder / "train.conll"), str(folder / "dev.conll")]
    assert "Licence: CC0 (https://example.org/licence)" in result.stdout
    assert "windowclf train --train parts:train --dev parts:dev --out runs/parts" in result.stdout
    assert (folder / "train.conll").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "to", "then"),
    [
        ("whole", "whole", "WINDOWCLF_CORPORA={here} windowclf train --train whole:train"),
        ("parts", "other", "windowclf train --train {here}/other/train.conll --dev {here}/other/dev.conll"),
        ("whole", "other", "mv {here}/other {here}/whole; WINDOWCLF_CORPORA={here} windowclf train"),
    ],
)
def test_elsewhere_it_says_how_to_use_it_from_there(
    mirror: str, tmp_path: Path, name: str, to: str, then: str
) -> None:
    result = fetch(name, "--to", tmp_path / to, "--mirror", mirror, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert Path(report["files"][0]).parent == tmp_path / to
    assert report["next"].startswith(then.format(here=tmp_path))


def test_another_file_of_the_name_is_replaced_only_by_force(mirror: str, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "all.conll").write_bytes(b"mine")
    result = fetch("whole", "--to", tmp_path / "to", "--mirror", mirror)
    assert result.exit_code == 2
    assert "is not the expected one" in result.stderr
    assert (tmp_path / "to" / "all.conll").read_bytes() == b"mine"
    assert fetch("whole", "--to", tmp_path / "to", "--mirror", mirror, "--force").exit_code == 0
    assert (tmp_path / "to" / "all.conll").read_bytes() == CONTENT


def test_a_file_of_another_hash_is_not_taken(mirror: str, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "all.conll").write_bytes(b"changed")
    result = fetch("whole", "--to", tmp_path / "to", "--mirror", mirror)
    assert result.exit_code == 2
    assert SHA256 in result.stderr
    assert list((tmp_path / "to").iterdir()) == []


def test_offline_it_says_how_to_place_the_file_by_hand(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = fetch("whole", "--to", tmp_path / "to", "--mirror", f"http://127.0.0.1:{port}")
    assert result.exit_code == 2
    assert f"download http://127.0.0.1:{port}/all.conll to {tmp_path / 'to' / 'all.conll'}" in result.stderr
    assert SHA256 in result.stderr


def test_an_unknown_corpus_names_those_there_are() -> None:
    result = fetch("part")
    assert result.exit_code == 2
    assert "allowed: parts, whole. Did you mean 'parts'?" in result.stderr


def test_vectors_that_come_in_another_way_say_in_which() -> None:
    result = fetch("bought")
    assert result.exit_code == 2
    assert "these vectors are not fetched; found 'bought'. Buy it" in result.stderr
