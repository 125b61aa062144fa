"""What Prometheus is told, by one process and by several."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from windowclf import WindowTagger
from windowclf_service import telemetry
from windowclf_service.app import create_app
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def board() -> Board:
    return Board(in_flight_limit=8)


@pytest.fixture
def client(tagger: WindowTagger, board: Board) -> FlaskClient:
    return create_app(ServiceConfig(access_log=False), {"places": tagger}, board=board).test_client()


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: object) -> float:
    """Return a sample's value; 0 where there is none yet."""
    return found.get((name, frozenset((k, str(v)) for k, v in labels.items())), 0.0)


def ask(client: FlaskClient) -> Samples:
    return samples(client.get("/metrics").text)


# -- one process ----------------------------------------------------------------------------------------


def test_requests_are_counted_by_route_method_and_status(client: FlaskClient) -> None:
    before = ask(client)
    client.get("/v2/health/live")
    client.get("/v2/health/live")
    client.post("/v1/tag", data="{", content_type="application/json")
    after = ask(client)
    for expected, labels in (
        (2, {"route": "/v2/health/live", "method": "GET", "status": 200}),
        (1, {"route": "/v1/tag", "method": "POST", "status": 400}),
        (1, {"route": "/metrics", "method": "GET", "status": 200}),  # the one before
    ):
        name = "windowclf_requests_total"
        assert value(after, name, **labels) - value(before, name, **labels) == expected


def test_strangers_cannot_make_series(client: FlaskClient) -> None:
    client.get("/nothing"), client.open("/nothing", method="BREW")
    before = ask(client)
    for i in range(20):
        client.get(f"/nothing/{i}")
        client.open(f"/nothing/{i}", method=f"BREW{i}")
    after = ask(client)
    assert len(after) <= len(before) + 2  # /metrics itself, asked before for the first time, has two lines
    name = "windowclf_requests_total"
    for method in ("GET", "(other)"):
        labels = {"route": "(none)", "method": method, "status": 404}
        assert value(after, name, **labels) - value(before, name, **labels) == 20


def test_times_fall_into_buckets(client: FlaskClient) -> None:
    before = ask(client)
    for seconds in (0.0004, 0.003, 20.0):
        telemetry.observe("/slow", "GET", 200, seconds, "id", client=None, received=0, sent=0)
    after = ask(client)

    def grown(name: str, **labels: object) -> float:
        return value(after, name, route="/slow", **labels) - value(before, name, route="/slow", **labels)

    bounds = [0.0005, 0.001, 0.0025, 0.005, 10.0, "+Inf"]
    assert [grown("windowclf_request_seconds_bucket", le=le) for le in bounds] == [1, 1, 1, 2, 2, 3]
    assert grown("windowclf_request_seconds_count") == 3
    assert grown("windowclf_request_seconds_sum") == pytest.approx(20.0034)


def test_tokens_are_counted_where_texts_are_tagged(client: FlaskClient) -> None:
    before = ask(client)
    assert client.post("/v1/tag", json={"inputs": ["Rome is old", "in Paris"]}).status_code == 200
    tokens = value(ask(client), "windowclf_tokens_total", model="places")
    assert tokens - value(before, "windowclf_tokens_total", model="places") == 5


def test_loads_are_counted_by_model(client: FlaskClient) -> None:
    before = value(ask(client), "windowclf_model_loads_total", model="m")
    telemetry.metrics().count_load("m")
    telemetry.metrics().count_load("m")
    assert value(ask(client), "windowclf_model_loads_total", model="m") - before == 2


def test_the_board_is_read_when_asked(client: FlaskClient, board: Board) -> None:
    assert value(ask(client), "windowclf_in_flight") == 0
    assert board.enter() and board.enter()
    board.drain()
    found = ask(client)
    assert (value(found, "windowclf_in_flight"), value(found, "windowclf_draining")) == (2, 1)
    board.leave()
    assert value(ask(client), "windowclf_in_flight") == 1


def test_models_are_told_with_their_version(tagger: WindowTagger, tmp_path: Path) -> None:
    version = tagger.save(tmp_path / "saved")
    taggers = {"saved": WindowTagger.load(tmp_path / "saved")}
    found = ask(create_app(ServiceConfig(access_log=False), taggers).test_client())
    assert value(found, "windowclf_model_info", model="saved", version=version) == 1


# -- the format -----------------------------------------------------------------------------------------


def test_openmetrics_is_answered_where_it_is_asked_for(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in parse_openmetrics(answer.text)}
    assert {"windowclf_requests", "windowclf_in_flight", "windowclf_model_info"} <= names


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "text/plain; version=abc", "application/openmetrics-text; version=1.x", "é", "a\tb", ";,;=,"],
)
def test_whatever_else_is_asked_for_plain_text_is_answered(client: FlaskClient, accept: str) -> None:
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert samples(answer.text)


# -- several processes ----------------------------------------------------------------------------------

# Each script runs in a process of its own, as prometheus-client decides once, when it is imported, whether
# it counts for one process or for several.
PREAMBLE = """
import os, sys, signal
from prometheus_client.parser import text_string_to_metric_families as parse
from windowclf_service import telemetry
from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig

app = create_app(ServiceConfig(access_log=False), {})
folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]

def count(n):
    for _ in range(n):
        telemetry.observe("/r", "GET", 200, 0.001, "id", client=None, received=0, sent=0, access_log=False)
    telemetry.metrics().count_tokens("m", n)

def worker(n, end=lambda: os._exit(0)):
    pid = os.fork()
    if pid == 0:
        count(n)
        end()
    return pid

def ask():
    text = app.test_client().get("/metrics").text
    found = {s.name + str(sorted(s.labels.items())): s.value for f in parse(text) for s in f.samples}
    return {k: v for k, v in found.items() if "('route', '/r')" in k and "sum" not in k or "tokens" in k}
"""


def run(script: str, folder: Path) -> str:
    """Run a script after the preamble; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_any_process_tells_the_sums_of_all(tmp_path: Path) -> None:
    script = """
for pid in [worker(n) for n in (100, 20, 3)]:
    os.waitpid(pid, 0)
count(1000)
print(sorted(set(ask().values())), flush=True)
pid = os.fork()
if pid == 0:
    count(10_000)
    print(sorted(set(ask().values())), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""
    # the buckets below 1 ms are empty; all else, requests, buckets, tokens, is the same number
    assert run(script, tmp_path) == "[0.0, 1123.0]\n[0.0, 11123.0]\n"


def test_the_counts_of_ended_processes_stay_however_they_ended(tmp_path: Path) -> None:
    script = """
count(5)
pids = [worker(100), worker(20, end=lambda: os.kill(os.getpid(), signal.SIGKILL)), worker(3)]
print(sorted(os.waitpid(pid, 0)[1] for pid in pids))
print(sorted(set(ask().values())))
"""
    assert run(script, tmp_path) == "[0, 0, 9]\n[0.0, 128.0]\n"


def test_a_process_that_has_only_just_begun_to_count_is_in_nobodys_way(tmp_path: Path) -> None:
    script = """
count(1)
open(f"{folder}/counter_1.db", "wb").close()  # between two system calls of a process that makes its file
print(sorted(set(ask().values())))
"""
    assert run(script, tmp_path) == "[0.0, 1.0]\n"


def test_a_variable_that_is_set_too_late_is_an_error(tmp_path: Path) -> None:
    script = """
import os, prometheus_client
os.environ["PROMETHEUS_MULTIPROC_DIR"] = "."
from windowclf_service import telemetry
telemetry.metrics()
"""
    environment = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert "PROMETHEUS_MULTIPROC_DIR must be set before prometheus_client is imported" in done.stderr


def test_the_sums_of_the_service_stay_when_a_worker_is_killed(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 2, "--grace", 0)

    def told() -> Samples:
        return samples(service.ask("/metrics")[1].decode())

    labels = {"route": "/v2/health/live", "method": "GET", "status": 200}
    for _ in range(20):
        assert service.ask("/v2/health/live")[0] == 200
    assert value(told(), "windowclf_requests_total", **labels) == 20
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    for pid in children.read_text().split():
        os.kill(int(pid), 9)
        service.wait_for_workers(2, without={int(pid)})
    assert value(told(), "windowclf_requests_total", **labels) == 20
    assert service.stop() == 0
