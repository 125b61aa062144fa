"""The gateway: plain requests that it answers in batches are answered as the application answers them."""

import asyncio
import json
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf import WindowTagger
from windowclf_service.api import batches, tagging
from windowclf_service.app import BATCHER, create_app
from windowclf_service.board import Board
from windowclf_service.config import Limits, ServiceConfig
from windowclf_service.server.gateway import Gateway

CONFIG = ServiceConfig(
    limits=Limits(inputs=3, characters=100), origins=("https://example.org",), access_log=False
)
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


@pytest.fixture(scope="module")
def gateways(tagger: WindowTagger, classes: WindowTagger) -> Iterator[tuple[Gateway, Gateway]]:
    """One application behind two gateways: with batches, and without."""
    board = Board(CONFIG.limits.in_flight)
    app = create_app(CONFIG, {"places": tagger, "classes": classes}, board=board)
    both = Gateway(app, board, CONFIG, app.extensions[BATCHER]), Gateway(app, board, CONFIG)
    yield both
    for gateway in both:
        gateway.threads.shutdown()
    assert board.in_flight == 0


def ask(gateway: Gateway, body: bytes, *headers: tuple[str, str], query: str = "") -> Awaitable[Answer]:
    """Send a request as an ASGI server does."""
    given = {"content-type": "application/json", "x-request-id": "the-same", **dict(headers)}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "raw_path": b"/v1/tag",
        "query_string": query.encode(),
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1234),
        "headers": [
            *((name.encode(), value.encode()) for name, value in given.items()),
            (b"content-length", str(len(body)).encode()),
        ],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> Answer:
        await gateway(scope, receive, send)
        start, *rest = sent
        # the order of headers means nothing
        return start["status"], sorted(start["headers"]), b"".join(part.get("body", b"") for part in rest)

    return run()


def compare(gateways: tuple[Gateway, Gateway], requests: list[tuple[Any, ...]]) -> list[Answer]:
    """Send requests to both gateways, to each all at once."""

    async def run(gateway: Gateway) -> list[Answer]:
        return await asyncio.gather(*(ask(gateway, *request) for request in requests))

    batched, single = (asyncio.run(run(gateway)) for gateway in gateways)
    for one, other in zip(batched, single, strict=True):
        assert (one[0], without_length(one)) == (other[0], without_length(other))
        (shape, numbers), (other_shape, other_numbers) = taken_apart(one[2]), taken_apart(other[2])
        assert shape == other_shape
        # products of several rows at once differ in the last digits of float32
        assert numbers == pytest.approx(other_numbers, abs=1e-5)
    return batched


def without_length(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Return the headers but for the length, which is right and depends on how many digits a number has."""
    _, headers, body = answer
    assert (b"content-length", str(len(body)).encode()) in headers
    return [header for header in headers if header[0] != b"content-length"]


def taken_apart(body: bytes) -> tuple[Any, list[float]]:
    """Return JSON without its fractions, and these."""
    numbers: list[float] = []
    return json.loads(body, parse_float=lambda text: numbers.append(float(text))), numbers


def test_all_kinds_of_requests_are_answered_alike(gateways: tuple[Gateway, Gateway]) -> None:
    plain = [
        {"inputs": "museums in Paris are amazing"},
        {"inputs": ["Rome is old.", ""]},
        {"inputs": [["we", "watched", "TV"], []]},
        {"inputs": "Rome", "parameters": {"model": "classes"}},
        {"inputs": "Rome", "parameters": {"aggregation": "none", "top": 2}},
        {"inputs": "Rome", "parameters": {"probabilities": True}},
        {"inputs": []},
        {"inputs": ["a", "b", "c", "d"]},
        {"inputs": "x" * 101},
        {"inputs": "Rome", "parameters": {"model": "none of them"}},
        {"inputs": "Rome", "unknown": 1},
        {"inputs": 3},
    ]
    bodies = [json.dumps(body).encode() for body in plain] + [b"", b"{", b'"\\ud800"', b"\xff", b"nul"]
    answers = compare(gateways, [(body,) for body in bodies])
    assert [status for status, _, _ in answers] == [200] * 7 + [422] * 5 + [400] * 5


def test_headers_are_alike_too(gateways: tuple[Gateway, Gateway]) -> None:
    body = b'{"inputs": "Rome"}'
    headers = [
        ("origin", "https://example.org"),
        ("origin", "https://example.com"),
        ("accept", "*/*"),
        ("accept", "text/html"),
        ("content-encoding", "gzip"),
        ("content-type", "text/plain"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-request-id", "my-own"),
    ]
    answers = compare(gateways, [(body, header) for header in headers])
    assert [status for status, _, _ in answers] == [200, 200, 200, 406, 415, 415, 200, 200]
    assert (b"access-control-allow-origin", b"https://example.org") in answers[0][1]
    assert (b"x-request-id", b"my-own") in answers[-1][1]


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), min_size=1, max_size=40))
def test_texts_are_answered_alike_however_many_come_at_once(
    gateways: tuple[Gateway, Gateway], texts: list[str]
) -> None:
    compare(gateways, [(json.dumps({"inputs": text}).encode(),) for text in texts])


def test_what_comes_together_is_tagged_together(
    gateways: tuple[Gateway, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    tag = tagging.tag_results

    def counted(options: Any, inputs: Any) -> Any:
        sizes.append(len(inputs))
        return tag(options, inputs)

    monkeypatch.setattr(batches, "tag_results", counted)
    compare(gateways, [(b'{"inputs": "Rome"}',)] * 40)
    assert sizes == [16, 16, 8]


def test_one_request_that_fails_does_not_fail_the_others(
    gateways: tuple[Gateway, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: Any, inputs: Any) -> Any:
        raise RuntimeError("planted")

    monkeypatch.setattr(batches, "tag_results", fail)
    answers = compare(gateways, [(b'{"inputs": "Rome"}',)] * 3)
    assert [status for status, _, _ in answers] == [200] * 3
