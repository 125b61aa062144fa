"""The service behind the nginx of docs/deploy.md: slow clients are nobody's business but nginx's."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

import pytest

import http_load
import nginx

pytestmark = pytest.mark.slow  # processes and a browser

TEXT = {"inputs": "museums in Paris are amazing"}
HEADERS = b"POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = HEADERS + b"Content-Length: 90\r\n\r\n{"


@pytest.fixture(scope="module", autouse=True)
def needs_nginx() -> None:
    """Skip without nginx, or fail where all must run."""
    if nginx.find_nginx() is None:
        message = "NO NGINX, SO THE SERVICE IS NOT TESTED BEHIND IT: apt-get install nginx"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="module")
def service(sample_model: Path, start_service: Callable[..., Any]) -> Any:
    return start_service(sample_model, "--workers", 2)


@pytest.fixture(scope="module")
def proxy(service: Any) -> Iterator[str]:
    """The URL of nginx, before the service."""
    with nginx.nginx(service.address) as url:
        yield url


def ask(url: str, body: object, **headers: str) -> Any:
    data = json.dumps(body).encode()
    request = Request(f"{url}/v1/tag", data, {"Content-Type": "application/json"} | headers)
    with urlopen(request, timeout=30) as answer:
        return json.loads(answer.read()), answer.headers


def test_requests_and_their_ids_pass_through(service: Any, proxy: str) -> None:
    answer, headers = ask(proxy, TEXT, **{"X-Request-Id": "through-nginx"})
    assert answer == service.ask("/v1/tag", TEXT)[1]
    assert headers.get_all("X-Request-ID") == ["through-nginx"]
    assert len(headers.get_all("Date")) == 1
    service.wait_for("through-nginx", "request_id")


@pytest.mark.parametrize("beginning", [HEADERS, BODY], ids=["headers", "bodies"])
def test_hundreds_of_slow_clients_are_in_nobodys_way(service: Any, proxy: str, beginning: bytes) -> None:
    # each from an address of its own, as nginx limits the connections of one
    with http_load.slow_clients(proxy, 600, beginning, from_many_addresses=True):
        seconds = []
        for _ in range(20):
            started = time.perf_counter()
            assert nginx.is_ready(proxy)
            seconds.append(time.perf_counter() - started)
            assert ask(proxy, TEXT)[0]["model"]
        assert "windowclf_in_flight 0.0" in service.ask("/metrics")[1].decode()
    assert median(seconds) < 0.5  # a few milliseconds on a quiet machine, see docs/performance.md


def test_a_body_that_stops_coming_is_refused_and_never_reaches_the_service(service: Any, proxy: str) -> None:
    (seconds,) = re.findall(r"client_body_timeout (\d+)s;", nginx.CONFIG)
    before = len(service.log())
    with http_load.slow_clients(proxy, 1, BODY) as (connection,):
        connection.settimeout(int(seconds) + 30)
        assert connection.recv(1000)[:12] in (b"", b"HTTP/1.1 408")
    assert not [line for line in service.log()[before:] if line.get("route") == "/v1/tag"]


def test_a_stopping_service_is_not_ready_for_nginx_either(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 1, "--grace", 3)
    with nginx.nginx(service.address) as url:
        service.process.terminate()
        end = time.monotonic() + 30
        while nginx.is_ready(url):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert ask(url, TEXT)[0]["model"]  # still answered
        assert service.process.wait(timeout=40) == 0
