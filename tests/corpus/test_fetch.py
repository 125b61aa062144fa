"""Downloads, from a real server on this machine: whole and right under the final name, or absent."""

import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from windowclf.corpus import CorpusEntry, fetch, fetch_named, read_catalog
from windowclf.corpus.catalog import Catalog, CorpusFile
from windowclf.corpus.download import download
from windowclf.errors import DataError, FetchError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """A server that serves `content` under every path, and misbehaves as it is told."""

    address: str
    content: bytes = CONTENT
    ranges: bool = True
    drop_after: int | None = None  # bytes sent before the connection is closed
    status: int | None = None
    redirect_to: str | None = None
    lie_about_range: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    plan: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        plan = self.plan
        wanted = self.headers.get("Range")
        plan.requests.append((self.path, wanted))
        if plan.redirect_to is not None:
            self.send_response(302)
            self.send_header("Location", plan.redirect_to)
            self.end_headers()
            return
        if plan.status is not None:
            self.send_error(plan.status)
            return
        body = plan.content
        if wanted is not None and plan.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.end_headers()
                return
            self.send_response(206)
            said = 0 if plan.lie_about_range else start
            self.send_header("Content-Range", f"bytes {said}-{len(body) - 1}/{len(body)}")
            body = body[said:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if plan.drop_after is None else body[: plan.drop_after])


@pytest.fixture
def server() -> Iterator[Server]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    plan = Server(f"http://127.0.0.1:{httpd.server_port}")
    httpd.RequestHandlerClass = type("Handler", (_Handler,), {"plan": plan})
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield plan
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def _straight_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("WINDOWCLF_CORPORA", raising=False)


def _listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_downloaded_and_its_progress_told(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    target = tmp_path / "new" / "a.txt"
    download(f"{server.address}/a.txt", target, SHA256, progress=lambda *state: told.append(state))
    assert target.read_bytes() == CONTENT
    assert _listing(target.parent) == ["a.txt"]
    assert told[0] == ("a.txt", 0, len(CONTENT))
    assert told[-1] == ("a.txt", len(CONTENT), len(CONTENT))
    assert [state[1] for state in told] == sorted(state[1] for state in told)


def test_a_file_that_is_there_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(CONTENT)
    download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert server.requests == []


def test_another_file_of_that_name_is_left_alone_and_said(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"mine")
    mine = hashlib.sha256(b"mine").hexdigest()
    with pytest.raises(
        FetchError, match=rf"is not the expected one; found 'sha256 {mine}'; .*{SHA256}.*force"
    ):
        download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert (tmp_path / "a.txt").read_bytes() == b"mine"
    assert server.requests == []


def test_force_replaces_another_file_of_that_name(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"mine")
    download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256, force=True)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_force_keeps_the_old_file_where_the_download_fails(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"mine")
    server.content = b"something else"
    with pytest.raises(FetchError):
        download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256, force=True)
    assert (tmp_path / "a.txt").read_bytes() == b"mine"


def test_a_connection_that_breaks_off_is_resumed(server: Server, tmp_path: Path) -> None:
    server.drop_after = 1000
    url, target = f"{server.address}/a.txt", tmp_path / "a.txt"
    with pytest.raises(FetchError, match=r"was interrupted; found '1000 of 256000 bytes'.*again to resume"):
        download(url, target, SHA256)
    assert _listing(tmp_path) == ["a.txt.part"]
    assert (tmp_path / "a.txt.part").read_bytes() == CONTENT[:1000]
    server.drop_after = None
    told: list[int] = []
    download(url, target, SHA256, progress=lambda name, done, total: told.append(done))
    assert target.read_bytes() == CONTENT
    assert _listing(tmp_path) == ["a.txt"]
    assert server.requests[-1] == ("/a.txt", "bytes=1000-")
    assert told[0] == 1000


def test_a_server_without_ranges_sends_everything_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "a.txt.part").write_bytes(CONTENT[:1000])
    download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_a_server_that_sends_another_range_is_not_appended(server: Server, tmp_path: Path) -> None:
    server.lie_about_range = True
    (tmp_path / "a.txt.part").write_bytes(CONTENT[:1000])
    download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


def test_a_whole_part_is_only_verified(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt.part").write_bytes(CONTENT)
    download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    assert server.requests == [("/a.txt", f"bytes={len(CONTENT)}-")]


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt.part").write_bytes(CONTENT + b"more")
    download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_wrong_hash_names_both_and_removes_the_part(server: Server, tmp_path: Path) -> None:
    server.content = b"something else"
    wrong = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(
        FetchError, match=rf"not the expected one; found 'sha256 {wrong}'; allowed: sha256 {SHA256}"
    ):
        download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert _listing(tmp_path) == []


def test_a_stale_part_costs_one_failure_and_no_wrong_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt.part").write_bytes(b"of another version")
    with pytest.raises(FetchError, match="not the expected one"):
        download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert _listing(tmp_path) == []
    download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert (tmp_path / "a.txt").read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "reason"), [(404, "Not Found"), (503, "Service Unavailable")])
def test_a_refusal_says_how_to_place_the_file_by_hand(
    server: Server, tmp_path: Path, status: int, reason: str
) -> None:
    server.status = status
    url, target = f"{server.address}/a.txt", tmp_path / "a.txt"
    message = (
        f"{url}: the server refused: {status} {reason}. To install it by hand, download {url} to {target}; "
    )
    with pytest.raises(FetchError, match=re.escape(message) + f".*{SHA256}"):
        download(url, target, SHA256)
    assert _listing(tmp_path) == []


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_no_connection_says_how_to_place_the_file_by_hand(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{_closed_port()}/a.txt"
    with pytest.raises(FetchError, match=rf"{url}: the download failed; .*refused.*by hand.* to .*{SHA256}"):
        download(url, tmp_path / "a.txt", SHA256)


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.txt"
        with pytest.raises(FetchError, match="the download failed; found 'timed out'"):
            download(url, tmp_path / "a.txt", SHA256, timeout=0.1)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/a", "a.txt", "HTTP:a"])
def test_only_http_is_downloaded(tmp_path: Path, url: str) -> None:
    with pytest.raises(FetchError, match="not an address to download from"):
        download(url, tmp_path / "a.txt", SHA256)


@pytest.mark.parametrize("scheme", ["file", "ftp"])
def test_a_redirection_leads_nowhere_but_to_http(server: Server, tmp_path: Path, scheme: str) -> None:
    planted = tmp_path / "planted"
    planted.write_bytes(CONTENT)
    server.redirect_to = f"{scheme}://{planted}"
    with pytest.raises(FetchError):
        download(f"{server.address}/a.txt", tmp_path / "a.txt", SHA256)
    assert _listing(tmp_path) == ["planted"]


def test_a_folder_that_cannot_be_made_is_said(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match="cannot be read or written"):
        download(f"{server.address}/a.txt", tmp_path / "file" / "a.txt", SHA256)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, len(CONTENT) - 1), max_size=3), ranges=st.booleans())
def test_however_often_it_breaks_off_the_file_is_right_in_the_end(
    server: Server, tmp_path_factory: pytest.TempPathFactory, cuts: list[int], ranges: bool
) -> None:
    target = tmp_path_factory.mktemp("cuts") / "a.txt"
    server.ranges = ranges
    for cut in cuts:
        server.drop_after = cut
        try:
            download(f"{server.address}/a.txt", target, SHA256)
        except FetchError:
            assert not target.exists()
    server.drop_after = None
    download(f"{server.address}/a.txt", target, SHA256)
    assert target.read_bytes() == CONTENT
    assert _listing(target.parent) == ["a.txt"]


@pytest.fixture
def two_files(monkeypatch: pytest.MonkeyPatch) -> CorpusEntry:
    """Let the catalogue have one corpus of two files of CONTENT."""
    files = tuple(
        CorpusFile(f"https://127.0.0.1/{name}", SHA256, len(CONTENT), role, 1, 1)
        for name, role in [("one.conll", "train"), ("two words.conll", "dev")]
    )
    entry = CorpusEntry("two", "", "", "", "", "", "", "conll", (), "", "tab", "IOB2", files)
    known = Catalog((entry,), ())
    monkeypatch.setattr(fetch, "read_catalog", lambda: known)
    return entry


@pytest.mark.usefixtures("two_files")
def test_a_corpus_is_fetched_from_a_mirror(server: Server, tmp_path: Path) -> None:
    paths = fetch_named("two", target_dir=tmp_path, base_url=server.address + "/mirror/")
    assert paths == [tmp_path / "one.conll", tmp_path / "two words.conll"]
    assert [path.read_bytes() == CONTENT for path in paths] == [True, True]
    assert [path for path, _ in server.requests] == ["/mirror/one.conll", "/mirror/two%20words.conll"]


@pytest.mark.usefixtures("two_files")
def test_only_what_is_missing_of_a_corpus_is_fetched(server: Server, tmp_path: Path) -> None:
    (tmp_path / "one.conll").write_bytes(CONTENT)
    fetch_named("two", target_dir=tmp_path, base_url=server.address)
    assert [path for path, _ in server.requests] == ["/two%20words.conll"]


def test_a_real_corpus_goes_to_the_cache_and_a_wrong_file_does_not(server: Server, tmp_path: Path) -> None:
    expected = read_catalog().corpus("wikigold").files[0].sha256
    with pytest.raises(FetchError, match=expected):
        fetch_named("wikigold", cache_dir=tmp_path, base_url=server.address)
    assert _listing(tmp_path / "corpora" / "wikigold") == []


def test_an_unknown_corpus_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no corpus of this name"):
        fetch_named("nothing", target_dir=tmp_path)
