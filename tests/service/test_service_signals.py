"""Signals under load: nothing that was sent whole goes without its answer."""

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import http_load

pytestmark = pytest.mark.slow  # processes and a browser

TEXT = {"inputs": "museums in Paris are amazing"}


def under_load(service: Any, act: Callable[[], None], *, close: bool) -> Any:
    """Ask over 16 connections from before a signal until the service has done what it asks for."""
    request = http_load.request_bytes(
        "/v1/tag", json.dumps(TEXT).encode(), *(["Connection: close"] if close else [])
    )

    async def ask() -> Any:
        acting = asyncio.get_running_loop().run_in_executor(None, act)
        outcomes = await http_load.keep_asking(service.address, request, n_connections=16, until=acting.done)
        await acting
        return outcomes

    return asyncio.run(ask())


@pytest.mark.parametrize("close", [False, True], ids=["kept alive", "one request a connection"])
def test_sigterm_loses_no_request(sample_model: Path, start_service: Callable[..., Any], close: bool) -> None:
    service = start_service(sample_model, "--workers", 2, "--grace", 1, "--no-access-log")
    ready: list[int] = []

    def end() -> None:
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        ready.append(service.ask("/v2/health/ready")[0])  # not ready, and still answering
        ready.append(service.ask("/v2/health/live")[0])
        service.process.wait(timeout=40)

    outcomes = under_load(service, end, close=close)
    assert ready == [503, 200]
    assert service.process.returncode == 0
    assert set(outcomes.counts) == {200, http_load.REFUSED}, outcomes.counts
    assert outcomes.counts[200] > 100


def test_an_answer_in_the_making_is_finished_before_the_end(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    service = start_service(sample_model, "--workers", 1, "--grace", 0)
    long = {"inputs": ["Paris is old . " * 15_000] * 4}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(service.ask, "/v1/tag", long)
        while "windowclf_in_flight 1.0" not in service.ask("/metrics")[1].decode():
            assert not asked.done(), "the request was too quick for this test"
        assert service.stop(signal.SIGTERM) == 0
        status, body, _ = asked.result()
    assert status == 200
    assert len(body["results"]) == 4


def test_sighup_changes_models_without_losing_a_request(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    served = shutil.copytree(sample_model / "model", tmp_path / "mine")
    service = start_service(served, "--workers", 2, "--grace", 0, "--no-access-log")
    before = service.ask("/v1/models")[1]["models"][0]

    def reload() -> None:
        time.sleep(0.3)
        change_model(served)
        service.process.send_signal(signal.SIGHUP)
        wait_for_reloads(service, 2)

    outcomes = under_load(service, reload, close=False)
    assert set(outcomes.counts) == {200}, outcomes.counts
    after = service.ask("/v1/models")[1]["models"][0]
    assert after["version"] != before["version"]
    # once before the workers were forked, then once in each
    assert 'windowclf_model_loads_total{model="mine"} 3.0' in service.ask("/metrics")[1].decode()
    assert service.stop() == 0


def test_sighup_keeps_the_old_models_if_a_new_one_is_damaged(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    served = shutil.copytree(sample_model / "model", tmp_path / "mine")
    service = start_service(served, "--workers", 2, "--grace", 0)
    before = service.ask("/v1/models")[1]
    weights = next(served.glob("*.safetensors"))
    # replaced, not overwritten: what is served is mapped from the old file
    damaged = weights.read_bytes()[:-1] + b"?"
    weights.unlink()
    weights.write_bytes(damaged)
    service.process.send_signal(signal.SIGHUP)
    service.wait_for("new version of a model refused")
    event = next(line for line in service.log() if "model refused" in line.get("message", ""))
    assert "safetensors" in event["error"]
    assert service.ask("/v1/models")[1] == before
    assert service.ask("/v1/tag", TEXT)[0] == 200
    assert service.stop() == 0


def test_a_new_model_is_found_without_a_signal(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    served = shutil.copytree(sample_model / "model", tmp_path / "mine")
    service = start_service(served, "--workers", 2, "--grace", 0)
    before = service.ask("/v1/models")[1]
    change_model(served)
    wait_for_reloads(service, 2)
    assert service.ask("/v1/models")[1] != before
    assert service.stop() == 0


def test_a_worker_that_is_replaced_while_the_model_is_damaged_serves_the_old_one(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    served = shutil.copytree(sample_model / "model", tmp_path / "mine")
    service = start_service(served, "--workers", 1, "--grace", 0)
    before = service.ask("/v1/models")[1]
    (served / "manifest.json").unlink()
    (victim,) = service.workers
    os.kill(victim, signal.SIGKILL)
    service.wait_for_workers(1, without={victim})
    assert service.ask("/v1/models")[1] == before
    service.wait_for("new version of a model refused")
    assert service.ask("/v1/tag", TEXT)[0] == 200
    assert 'windowclf_model_refused{model="mine"} 1.0' in service.ask("/metrics")[1].decode()
    assert service.stop() == 0


def wait_for_reloads(service: Any, n: int) -> None:
    """Wait until so many workers have reloaded."""
    end = time.monotonic() + 60
    while sum(line.get("message") == "model reloaded" for line in service.log()) < n:
        assert time.monotonic() < end, service.log()
        time.sleep(0.05)


def change_model(directory: Path) -> None:
    """Replace a model by another that is as good: the same, saved with another record of its making."""
    from windowclf import WindowTagger

    tagger = WindowTagger.load(directory)
    tagger.model.info["note"] = "another version"
    tagger.save(directory)
