"""The server: slow and broken clients, limits that all workers share, workers that die."""

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

TEXT = {"inputs": "museums in Paris are amazing"}
POST = b"POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def service(sample_model: Path, start_service: Callable[..., Any]) -> Any:
    """Two workers, and little patience."""
    return start_service(sample_model, "--workers", 2, "--timeout", 3, "--max-body", 100_000, "--grace", 0)


def exchange(service: Any, data: bytes, *, wait: float = 10.0) -> bytes:
    """Send bytes as they are, and return all that comes back until the service closes."""
    url = urlsplit(service.address)
    with socket.create_connection((url.hostname, url.port), timeout=wait) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def problem_in(answer: bytes) -> dict[str, Any]:
    head, body = answer.split(b"\r\n\r\n", 1)
    problem: dict[str, Any] = json.loads(body)
    assert problem["status"] == int(head[9:12])
    assert b"application/problem+json" in head
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return problem


# -- clients ----------------------------------------------------------------------------------------------


def test_what_is_not_http_gets_the_same_error_body_as_all_else(service: Any) -> None:
    assert problem_in(exchange(service, b"hello\r\n\r\n"))["status"] == 400


def test_headers_that_are_too_long_are_refused(service: Any) -> None:
    endless = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 700_000
    assert problem_in(exchange(service, endless))["status"] == 431


def test_a_body_that_stops_coming_is_refused_after_the_time_limit(service: Any) -> None:
    begun = (
        b"POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    problem = problem_in(exchange(service, begun))
    assert (problem["status"], "1 bytes" in problem["detail"]) == (408, True)


def test_a_body_over_the_limit_is_refused_before_it_is_sent(service: Any) -> None:
    begun = POST + b"Content-Length: 100001\r\nConnection: close\r\n\r\n"
    assert problem_in(exchange(service, begun))["status"] == 413


def test_a_body_of_unknown_length_is_refused_where_it_passes_the_limit(service: Any) -> None:
    begun = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    body = b"20000\r\n" + b"a" * 0x20000 + b"\r\n"
    assert problem_in(exchange(service, begun + body * 5 + b"0\r\n\r\n"))["status"] == 413


def test_the_connection_lives_on_after_an_error(service: Any) -> None:
    async def ask() -> list[int | str]:
        outcomes = http_load.Outcomes()
        client = http_load.Client(service.address, outcomes)
        await client.ask(http_load.request_bytes("/v1/tag", b"{"))
        await client.ask(http_load.request_bytes("/v1/nothing", b"{"))
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "beginning",
    [
        b"POST /v1/tag HTTP/1.1\r\nHost: x\r\n",
        b"POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{",
    ],
    ids=["headers", "body"],
)
def test_hundreds_of_slow_clients_are_in_nobodys_way(
    sample_model: Path, start_service: Callable[..., Any], beginning: bytes
) -> None:
    service = start_service(sample_model, "--workers", 2)
    with http_load.slow_clients(service.address, 600, beginning):
        for _ in range(20):
            assert service.ask("/v2/health/ready")[0] == 200
            assert service.ask("/v1/tag", TEXT)[0] == 200
        assert in_flight(service) == 0
    assert service.stop(signal.SIGINT) == 0


def test_without_a_key_no_body_is_waited_for(sample_model: Path, start_service: Callable[..., Any]) -> None:
    service = start_service(sample_model, "--workers", 1, WINDOWCLF_KEYS="a-key-for-this-one-test")
    begun = POST + b"Connection: close\r\nContent-Length: 50\r\n\r\n{"
    assert problem_in(exchange(service, begun))["status"] == 401
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
    for slot in range(4):
        pid = os.fork()
        if pid == 0:
            board.attach(slot)
            counter.attach(slot)
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
    assert in_flight(service) == 0
    assert service.log_file.read_text() == ""
    assert service.stop(signal.SIGINT) == 0


# -- workers ----------------------------------------------------------------------------------------------


def workers_of(service: Any) -> set[int]:
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
    return set(map(int, children.split()))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_a_worker_that_dies_is_replaced_and_the_counts_stay(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 2)
    time.sleep(1.1)  # one that dies younger is replaced more slowly
    for _ in range(20):
        assert service.ask("/v1/tag", TEXT)[0] == 200
    before = workers_of(service)
    assert len(before) == 2
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    service.wait_for("a worker died")
    for _ in range(20):
        assert service.ask("/v1/tag", TEXT)[0] == 200
    assert 'windowclf_requests_total{method="POST",route="/v1/tag",status="200"} 40.0' in (
        service.ask("/metrics")[1].decode()
    )
    after = workers_of(service)
    assert len(after) == 2
    assert victim not in after
    assert service.stop(signal.SIGINT) == 0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_workers_end_with_a_supervisor_that_is_killed(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 2)
    workers = workers_of(service)
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
    long = {"inputs": ["Paris is old . " * 15_000] * 4}
    thread = threading.Thread(target=lambda: done.append(service.ask("/v1/tag", long)[0]))
    thread.start()
    quick = 0
    while thread.is_alive():
        assert service.ask("/v1/tag", TEXT)[0] == 200
        quick += not done
    thread.join()
    assert done == [200]
    assert quick > 1
    assert service.stop(signal.SIGINT) == 0
