"""What the service tells of a request: its id, and its line in the access log."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, Response

from windowclf import WindowTagger
from windowclf_service import telemetry
from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig

PIPE_TAKES_AT_ONCE = 4096  # bytes, PIPE_BUF of Linux


@pytest.fixture(autouse=True)
def own_log(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Leave no line of this test to the next one."""
    yield
    telemetry.flush_log()


@pytest.fixture
def app(tagger: WindowTagger) -> Flask:
    return create_app(ServiceConfig(keys=("a key that nobody logs",)), {"places": tagger})


def written(capfd: pytest.CaptureFixture[str]) -> str:
    """Return what the log has written so far."""
    telemetry.flush_log()
    return capfd.readouterr().err


def logged(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(capfd).splitlines()]


# -- ids ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["a", "!", "~" * 128, "0af7651916cd43dd-8448:eb/211c,80319c"])
def test_a_usable_id_is_kept_on_answers_and_in_error_bodies(app: Flask, given: str) -> None:
    client = app.test_client()
    headers = {"X-Request-ID": given}
    assert client.get("/v2/health/live", headers=headers).headers["X-Request-ID"] == given
    refused = client.get("/nothing", headers=headers)
    assert (refused.headers["X-Request-ID"], refused.json["request_id"]) == (given, given)  # type: ignore[index]


@pytest.mark.parametrize("given", [None, "", "a b", "~" * 129, "é", "a\tb", "\x7f"])
def test_otherwise_a_request_gets_an_id_of_its_own(app: Flask, given: str | None) -> None:
    client = app.test_client()
    headers = {} if given is None else {"X-Request-ID": given}
    ids = {client.get("/nothing", headers=headers).headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3
    assert given not in ids
    assert all(len(name) == 32 and name.isalnum() for name in ids)


def test_an_id_stays_the_same_for_all_who_ask() -> None:
    environ: dict[str, Any] = {}
    assert telemetry.request_id_of(environ) == telemetry.request_id_of(environ)


def test_an_id_that_the_request_has_already_wins() -> None:
    environ = {"windowclf.request_id": "its own", "HTTP_X_REQUEST_ID": "another"}
    assert telemetry.request_id_of(environ) == "its own"


# -- the access log -------------------------------------------------------------------------------------


def test_a_request_is_one_line_of_json(app: Flask, capfd: pytest.CaptureFixture[str]) -> None:
    body = {"inputs": "a secret in Paris"}
    key = "a key that nobody logs"
    answer = app.test_client().post(
        "/v1/tag?format=displacy",
        json=body,
        headers={"X-Request-ID": "mine", "Authorization": f"Bearer {key}"},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )
    assert answer.status_code == 200
    text = written(capfd)
    assert text.endswith("}\n") and text.count("\n") == 1
    assert not any(part in text for part in ("secret", "Paris", "displacy", "nobody"))
    line = json.loads(text)
    age = datetime.now(UTC) - datetime.fromisoformat(line.pop("time"))
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert 0 < line.pop("seconds") < 60
    assert line == {
        "level": "info",
        "request_id": "mine",
        "client": "192.0.2.7",
        "method": "POST",
        "path": "/v1/tag",
        "route": "/v1/tag",
        "status": 200,
        "received": len(json.dumps(body)),
        "sent": len(answer.data),
    }


def test_the_level_follows_the_status(app: Flask, capfd: pytest.CaptureFixture[str]) -> None:
    @app.get("/broken")
    def broken() -> Response:
        raise ZeroDivisionError

    client = app.test_client()
    for path in ("/v2/health/live", "/nothing", "/v1/models", "/broken"):
        client.get(path)
    lines = [json.loads(line) for line in written(capfd).splitlines() if '"route"' in line]
    assert [(line["status"], line["level"], line["route"]) for line in lines] == [
        (200, "info", "/v2/health/live"),
        (404, "warning", "(none)"),
        (401, "warning", "/v1/models"),
        (500, "error", "/broken"),
    ]


def test_a_head_request_is_sent_nothing(app: Flask, capfd: pytest.CaptureFixture[str]) -> None:
    app.test_client().head("/v2/health/live")
    (line,) = logged(capfd)
    assert (line["method"], line["sent"]) == ("HEAD", 0)


def test_a_streamed_answer_is_counted_and_logged_when_it_has_ended(
    app: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    closed = []

    def blocks() -> Iterator[bytes]:
        try:
            for size in (10, 20, 30):
                yield b"x" * size
        finally:
            closed.append(True)

    @app.get("/stream")
    def stream() -> Response:
        return Response(blocks())

    client = app.test_client()
    answer = client.get("/stream", buffered=False)
    assert next(iter(answer.response)) == b"x" * 10
    assert logged(capfd) == []
    answer.close()  # the client has gone
    assert [line["sent"] for line in logged(capfd)] == [10]
    assert len(client.get("/stream", buffered=True).data) == 60
    assert [line["sent"] for line in logged(capfd)] == [60]
    assert closed == [True, True]


@pytest.mark.parametrize("character", ["a", "é", "\x01", "\U0001f600", "\\"])
def test_no_path_makes_a_line_longer_than_a_pipe_takes_at_once(
    capfd: pytest.CaptureFixture[str], character: str
) -> None:
    path = "/" + 10_000 * character
    telemetry.observe(
        "(none)", "X" * 5_000, 404, 1e6 / 3, "~" * 128, client="f" * 45, received=10**9, sent=10**9, path=path
    )
    text = written(capfd)
    assert len(text.encode()) <= PIPE_TAKES_AT_ONCE
    assert json.loads(text)["path"] == path[:499] + "…"


@pytest.mark.parametrize("path", ["/%ff%0a{}", "/%F0%9F%98%80", "/%ed%a0%80", '/"'])
def test_strange_paths_are_one_line_too(app: Flask, capfd: pytest.CaptureFixture[str], path: str) -> None:
    assert app.test_client().get(path).status_code == 404
    (line,) = logged(capfd)
    assert line["path"].startswith("/") and line["route"] == "(none)"


def test_the_access_log_can_be_left_out(tagger: WindowTagger, capfd: pytest.CaptureFixture[str]) -> None:
    app = create_app(ServiceConfig(access_log=False), {"places": tagger})
    assert app.test_client().get("/v2/health/live").status_code == 200
    assert written(capfd) == ""


STALLED = """
import os, sys
from windowclf_service import telemetry

def ask(n):
    for i in range(n):
        telemetry.observe("/r", "GET", 200, 0.001, str(i), client=None, received=0, sent=0)

ask(50_000)  # more than the pipe and the queue hold; nobody reads
print("asked", flush=True)
sys.stdin.readline()
telemetry.flush_log(30)
ask(1)
telemetry.flush_log(30)
"""


def test_a_reader_of_the_log_that_stalls_stops_no_request_and_is_told_what_was_lost() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STALLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        _, log = process.communicate("go on\n", timeout=60)
    lines = [json.loads(line) for line in log.splitlines()]
    ids = [int(line["request_id"]) for line in lines if "request_id" in line]
    assert len(ids) < 50_000
    assert ids == [*range(len(ids) - 1), 0]
    (lost,) = [line["message"] for line in lines if "message" in line]
    assert lost == f"{50_001 - len(ids)} lines of the log were lost: its reader stalled"
