"""The service behind the nginx of docs/deploy.md: slow clients are nobody's business but nginx's."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

import pytest

import http_load

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
(CONFIG,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
TEXT = {"inputs": "museums in Paris are amazing"}
HEADERS = b"POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = HEADERS + b"Content-Length: 90\r\n\r\n{"
# round the configuration of the page, what a distribution's nginx.conf has
MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    {temporary}
    {config}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find_nginx() -> str:
    """Return the program; without it, skip, or fail where all must run."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        message = "NO NGINX, SO THE SERVICE IS NOT TESTED BEHIND IT: apt-get install nginx"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return program


def configuration(folder: Path, port: int, service_port: int) -> str:
    """Return the page's configuration for this machine: another port, and no certificate."""
    config = re.sub(r"^server \{\n    listen 80;.*?^\}\n", "", CONFIG, flags=re.DOTALL | re.MULTILINE)
    config = re.sub(r"^ *(ssl_|add_header Strict).*\n", "", config, flags=re.MULTILINE)
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{service_port};"),
        ("/var/log/nginx/windowclf.log", f"{folder}/access.log"),
    ):
        assert config.count(old) == 1
        config = config.replace(old, new)
    temporary = "\n    ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    return MAIN.format(folder=folder, temporary=temporary, config=config)


@pytest.fixture(scope="module")
def service(sample_model: Path, start_service: Callable[..., Any]) -> Any:
    return start_service(sample_model, "--workers", 2)


@pytest.fixture(scope="module")
def nginx(service: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of nginx, before the service."""
    program, folder = find_nginx(), tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file = folder / "nginx.conf"
    file.write_text(configuration(folder, port, int(service.address.rpartition(":")[2])))
    with subprocess.Popen([program, "-p", str(folder), "-c", str(file)], stderr=subprocess.PIPE) as process:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 30
        while not health_is_ready(url):
            assert process.poll() is None and time.monotonic() < end, process.stderr.read()  # type: ignore[union-attr]
            time.sleep(0.05)
        yield url
        process.terminate()


def health_is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/v2/health/ready", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(url: str, body: object, **headers: str) -> Any:
    data = json.dumps(body).encode()
    request = Request(f"{url}/v1/tag", data, {"Content-Type": "application/json"} | headers)
    with urlopen(request, timeout=30) as answer:
        return json.loads(answer.read()), answer.headers


def test_requests_and_their_ids_pass_through(service: Any, nginx: str) -> None:
    answer, headers = ask(nginx, TEXT, **{"X-Request-Id": "through-nginx"})
    assert answer == service.ask("/v1/tag", TEXT)[1]
    assert headers.get_all("X-Request-ID") == ["through-nginx"]
    assert len(headers.get_all("Date")) == 1
    service.wait_for("through-nginx", "request_id")


@pytest.mark.parametrize("beginning", [HEADERS, BODY], ids=["headers", "bodies"])
def test_hundreds_of_slow_clients_are_in_nobodys_way(service: Any, nginx: str, beginning: bytes) -> None:
    # each from an address of its own, as nginx limits the connections of one
    with http_load.slow_clients(nginx, 600, beginning, from_many_addresses=True):
        seconds = []
        for _ in range(20):
            started = time.perf_counter()
            assert health_is_ready(nginx)
            seconds.append(time.perf_counter() - started)
            assert ask(nginx, TEXT)[0]["model"]
        assert "windowclf_in_flight 0.0" in service.ask("/metrics")[1].decode()
    assert median(seconds) < 0.5  # a few milliseconds on a quiet machine, see docs/performance.md


def test_a_body_that_stops_coming_is_refused_and_never_reaches_the_service(service: Any, nginx: str) -> None:
    (seconds,) = re.findall(r"client_body_timeout (\d+)s;", CONFIG)
    before = len(service.log())
    with http_load.slow_clients(nginx, 1, BODY) as (connection,):
        connection.settimeout(int(seconds) + 30)
        assert connection.recv(1000)[:12] in (b"", b"HTTP/1.1 408")
    assert not [line for line in service.log()[before:] if line.get("route") == "/v1/tag"]


def test_a_stopping_service_is_not_ready_for_nginx_either(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    service = start_service(sample_model, "--workers", 1, "--grace", 3)
    program = find_nginx()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file = tmp_path / "nginx.conf"
    file.write_text(configuration(tmp_path, port, int(service.address.rpartition(":")[2])))
    with subprocess.Popen(
        [program, "-p", str(tmp_path), "-c", str(file)], stderr=subprocess.DEVNULL
    ) as proxy:
        try:
            url, end = f"http://127.0.0.1:{port}", time.monotonic() + 30
            while not health_is_ready(url):
                assert time.monotonic() < end
                time.sleep(0.05)
            service.process.terminate()
            while health_is_ready(url):
                assert time.monotonic() < end
                time.sleep(0.05)
            assert ask(url, TEXT)[0]["model"]  # still answered
            assert service.process.wait(timeout=40) == 0
        finally:
            proxy.terminate()
