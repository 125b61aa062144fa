"""Requests in flight: how many there may be, and that each gives its place back."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from windowclf import WindowTagger
from windowclf_service.app import create_app
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig

BODIES = {
    "answered": ("/v1/tag", {"inputs": "Rome"}),
    "refused": ("/v1/tag", {"inputs": 3}),
    "explained": ("/v1/explain", {"inputs": "Rome"}),
    "not found": ("/v2/models/x/infer", {}),
}


@pytest.fixture
def board() -> Board:
    return Board(1)


@pytest.fixture
def client(board: Board, tagger: WindowTagger) -> FlaskClient:
    return create_app(ServiceConfig(access_log=False), {"places": tagger}, board=board).test_client()


@pytest.mark.parametrize(("path", "body"), BODIES.values(), ids=BODIES.keys())
def test_every_request_gives_its_place_back(client: FlaskClient, board: Board, path: str, body: Any) -> None:
    for _ in range(3):
        assert client.post(path, json=body).status_code != 429
        assert board.in_flight == 0


@pytest.mark.parametrize(("path", "body"), BODIES.values(), ids=BODIES.keys())
def test_without_a_place_a_request_is_told_to_come_again(
    client: FlaskClient, board: Board, check_problem: Any, path: str, body: Any
) -> None:
    assert board.enter()
    response = client.post(path, json=body)
    check_problem(response, 429, "as many requests as it takes at once")
    assert response.headers["Retry-After"] == "1"
    assert board.in_flight == 1


@pytest.mark.parametrize("path", ["/v1/models", "/v2/health/live", "/v2/health/ready", "/metrics", "/"])
def test_what_only_looks_needs_no_place(client: FlaskClient, board: Board, path: str) -> None:
    assert board.enter()
    assert client.get(path).status_code == 200


def test_a_stream_keeps_its_place_until_it_is_complete(client: FlaskClient, board: Board) -> None:
    body = b'"Rome"\n' * 200
    for _ in range(3):
        response = client.post("/v1/tag", data=body, content_type="application/x-ndjson", buffered=False)
        blocks = iter(response.iter_encoded())
        next(blocks)
        assert board.in_flight == 1
        assert len(list(blocks)) == 3
        assert board.in_flight == 0
        response.close()
        assert board.in_flight == 0


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_stream_gives_its_place_back_when_the_client_goes(
    client: FlaskClient, board: Board, is_begun: bool
) -> None:
    body = b'"Rome"\n' * 200
    response = client.post("/v1/tag", data=body, content_type="application/x-ndjson", buffered=False)
    if is_begun:
        next(iter(response.iter_encoded()))
    assert board.in_flight == 1
    response.close()  # as a server does
    assert board.in_flight == 0
