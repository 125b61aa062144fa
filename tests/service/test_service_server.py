"""The service as real processes: clients of all kinds, limits that all workers share, workers that die."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import http_load
from windowclf_service.board import Board

pytestmark = pytest.mark.slow  # processes and a browser

TEXT = {"inputs": "museums in Paris are amazing"}
POST = b"POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LONG = {"inputs": ["Paris is old . " * 15_000] * 4}


@pytest.fixture(scope="module")
def service(sample_model: Path, start_service: Callable[..., Any]) -> Any:
    """Two workers."""
    return start_service(sample_model, "--workers", 2, "--max-body", 100_000, "--grace", 0)


def exchange(service: Any, data: bytes, *, wait: float = 10.0) -> bytes:
    """Send bytes as they are, and return all that comes back until the service closes."""
    url = urlsplit(service.address)
    with socket.create_connection((url.hostname, url.port), timeout=wait) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def tag_lines(service: Any) -> list[dict[str, Any]]:
    """Return the lines of the access log for /v1/tag."""
    return [line for line in service.log() if line.get("route") == "/v1/tag"]


def problem_in(answer: bytes) -> dict[str, Any]:
    head, body = answer.split(b"\r\n\r\n", 1)
    problem: dict[str, Any] = json.loads(body)
    assert problem["status"] == int(head[9:12])
    assert b"application/problem+json" in head
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return problem


# -- clients ----------------------------------------------------------------------------------------------


def test_what_is_not_http_is_400(service: Any) -> None:
    assert exchange(service, b"hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_headers_that_are_too_long_are_refused(service: Any) -> None:
    endless = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 700_000
    assert exchange(service, endless).startswith(b"HTTP/1.1 431 ")


def test_a_body_over_the_limit_is_refused_before_it_is_sent(service: Any) -> None:
    begun = POST + b"Content-Length: 100001\r\nConnection: close\r\n\r\n"
    assert problem_in(exchange(service, begun))["status"] == 413


def test_a_body_of_unknown_length_is_refused_where_it_passes_the_limit(service: Any) -> None:
    begun = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    body = b"18000\r\n" + b"a" * 0x18000 + b"\r\n10000\r\n" + b"a" * 0x10000 + b"\r\n0\r\n\r\n"
    assert problem_in(exchange(service, begun + body))["status"] == 413


@pytest.mark.parametrize("path", ["/v1/tag", "/v1/models", "/nothing"])
def test_there_is_one_date(service: Any, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    head = exchange(service, request).split(b"\r\n\r\n")[0].lower()
    assert head.count(b"\r\ndate: ") == 1


def test_an_answer_to_http_1_0_is_not_chunked(service: Any) -> None:
    lines = b'"Rome"\n' * 100
    head = b"POST /v1/tag HTTP/1.0\r\nContent-Type: application/x-ndjson\r\n"
    answer = exchange(service, head + b"Content-Length: %d\r\n\r\n" % len(lines) + lines)
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.0 200") or b"connection: close" in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert [json.loads(line)["text"] for line in body.splitlines()] == ["Rome"] * 100


def test_the_connection_lives_on_after_an_error(service: Any) -> None:
    async def ask() -> list[int | str]:
        outcomes = http_load.Outcomes()
        client = http_load.Client(service.address, outcomes)
        await client.ask(http_load.request_bytes("/v1/tag", b"{"))
        await client.ask(http_load.request_bytes("/v1/nothing", b""))
        await client.ask(http_load.request_bytes("/v1/tag", json.dumps(TEXT).encode()))
        connections = client.connections
        await client.close()
        return [*outcomes.counts, connections]

    assert asyncio.run(ask()) == [400, 404, 200, 1]


def test_requests_may_come_in_pieces_and_several_at_once(service: Any) -> None:
    body = json.dumps(TEXT).encode()
    head = POST + f"Content-Length: {len(body)}\r\n".encode()
    request = head + b"\r\n" + body
    last = head + b"Connection: close\r\n\r\n" + body
    url = urlsplit(service.address)
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        connection.sendall(request[:20])
        time.sleep(0.05)
        connection.sendall(request[20:-5])
        time.sleep(0.05)
        connection.sendall(request[-5:] + request + last)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_without_a_key_no_body_is_waited_for(sample_model: Path, start_service: Callable[..., Any]) -> None:
    service = start_service(sample_model, "--workers", 1, WINDOWCLF_KEYS="a-key-for-this-one-test")
    begun = POST + b"Connection: close\r\nContent-Length: 50\r\n\r\n{"
    assert problem_in(exchange(service, begun))["status"] == 401
    assert service.stop(signal.SIGINT) == 0


def test_work_on_a_stream_stops_when_its_client_has_left(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 1)
    body = (json.dumps("Paris is old . " * 20).encode() + b"\n") * 20_000
    head = b"POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
    url = urlsplit(service.address)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        connection.recv(1000)  # the answer has begun
    service.wait_for("/v1/tag", "route")
    assert in_flight(service) == 0
    (line,) = tag_lines(service)
    (tokens,) = [
        float(line.split()[1])
        for line in service.ask("/metrics")[1].decode().splitlines()
        if line.startswith("windowclf_tokens_total")
    ]
    assert tokens < 20_000 * 80  # not all of it was tagged
    assert (line["status"], line["received"]) == (200, len(body))
    assert service.stop(signal.SIGINT) == 0


# -- limits that all workers share ---------------------------------------------------------------------------


def in_flight(service: Any) -> int:
    (line,) = [
        line
        for line in service.ask("/metrics")[1].decode().splitlines()
        if line.startswith("windowclf_in_flight ")
    ]
    return int(float(line.split()[1]))


def test_processes_and_threads_together_never_let_in_more_than_the_limit() -> None:
    board, counter = Board(10, n_slots=4), Board(1000, n_slots=4)
    readable, writable = os.pipe()
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            with ThreadPoolExecutor(4) as threads:  # in each process
                list(threads.map(lambda _: enter_and_leave(board, counter, writable), range(400)))
            os._exit(0)
        children.append(pid)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        seen = pipe.read()
    assert {os.waitpid(pid, 0)[1] for pid in children} == {0}
    assert set(seen) <= set(range(1, 11)), "more were let in than may be"
    assert len(seen) < 4 * 400, "nobody was turned away: this test has shown nothing"
    assert board.in_flight == 0


def enter_and_leave(board: Board, counter: Board, writable: int) -> None:
    """Tell how many are inside, if let in."""
    if board.enter():
        counter.enter()
        time.sleep(0.0005)
        os.write(writable, bytes([counter.in_flight]))
        counter.leave()
        board.leave()


def test_the_requests_of_a_process_that_died_are_forgotten_by_the_next() -> None:
    board = Board(10, n_slots=1)
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            board.enter()
            os._exit(0)
        os.waitpid(pid, 0)
        assert board.in_flight == 1
    assert board.enter()
    assert board.in_flight == 1


def test_too_many_requests_at_once_are_told_to_come_again(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 2, "--max-in-flight", 3, "--no-access-log")
    long = http_load.request_bytes("/v1/tag", json.dumps({"inputs": ["Paris is old . " * 3000] * 4}).encode())
    stop_at = time.monotonic() + 3
    outcomes = asyncio.run(
        http_load.keep_asking(
            service.address, long, n_connections=12, until=lambda: time.monotonic() > stop_at
        )
    )
    assert set(outcomes.counts) == {200, 429}
    # a refusal takes less than the work that it is refused
    assert http_load.percentile(outcomes.seconds[429], 0.5) < http_load.percentile(outcomes.seconds[200], 0.5)
    assert in_flight(service) == 0
    assert service.log_file.read_text() == ""
    assert service.stop(signal.SIGINT) == 0


def test_a_request_that_takes_too_long_is_503_counted_once_and_its_work_stops(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 1, "--timeout", 0.1, "--max-characters", 10**7)
    status, problem, headers = service.ask("/v1/tag", LONG)
    assert (status, headers["Retry-After"]) == (503, "1")
    assert problem["detail"] == "There was no answer within 0.1 seconds."
    assert in_flight(service) == 0
    time.sleep(0.5)  # long enough for a second line, were there one
    assert [line["status"] for line in tag_lines(service)] == [503]
    counted = [
        line
        for line in service.ask("/metrics")[1].decode().splitlines()
        if line.startswith("windowclf_requests_total") and "/v1/tag" in line
    ]
    assert counted == ['windowclf_requests_total{method="POST",route="/v1/tag",status="503"} 1.0']
    assert service.stop(signal.SIGINT) == 0


# -- workers ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_a_worker_that_dies_is_replaced_and_the_counts_stay(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 2)
    for _ in range(20):
        assert service.ask("/v1/tag", TEXT)[0] == 200
    before = service.workers
    assert len(before) == 2
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    service.wait_for("Unexpected exit from worker")
    service.wait_for_workers(2, without={victim})
    for _ in range(20):
        assert service.ask("/v1/tag", TEXT)[0] == 200
    assert 'windowclf_requests_total{method="POST",route="/v1/tag",status="200"} 40.0' in (
        service.ask("/metrics")[1].decode()
    )
    assert service.stop(signal.SIGINT) == 0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_workers_end_with_a_first_process_that_is_killed(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 2)
    workers = service.workers
    service.stop(signal.SIGKILL)
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_answers_are_made_while_others_are_long_in_the_making(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 1)
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(service.ask("/v1/tag", LONG)[0]))
    thread.start()
    quick = 0
    while thread.is_alive():
        assert service.ask("/v1/tag", TEXT)[0] == 200
        quick += not done
    thread.join()
    assert done == [200]
    assert quick > 1
    assert service.stop(signal.SIGINT) == 0
