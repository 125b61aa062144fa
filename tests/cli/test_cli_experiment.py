"""`windowclf experiment tuning`: from files to a report; killed and interrupted, it loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf_cli.main import cli

SMALL = ["--vectors", "glove-6b-50d-small", "--set", "model.hidden=[16]", "--set", "training.epochs=3"]
CORPORA = ["--train", "sample:train", "--dev", "sample:dev", "--test", "sample:test"]
CHOSEN = ["--sizes", "500", "--seeds", "3", "--modes", "frozen,tuned,random,tuned-carried"]
TRAININGS = 9
RUN = "from windowclf_cli.main import cli; cli(prog_name='windowclf')"


def study(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["experiment", "tuning", *CORPORA, *SMALL, "--out", str(out), *arguments])


def start(out: Path) -> subprocess.Popen[str]:
    command = ["experiment", "tuning", *CORPORA, *SMALL, *CHOSEN, "--jobs", "2", "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_cells(out: Path, n: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many trainings are finished, and see that the study is not."""
    end = time.monotonic() + 120
    while len(list((out / "cells").glob("*.json"))) < n:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that nothing disturbed."""
    out = tmp_path_factory.mktemp("studies") / "whole"
    result = study(out, *CHOSEN)
    assert result.exit_code == 0, result.output
    assert "Tuning the vectors, against leaving them frozen" in result.stdout
    assert f"report   {out / 'report.html'}" in result.stdout
    return out


@pytest.mark.slow
def test_a_study_ends_with_results_timings_and_a_report(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    assert results["score"] == "f1"
    assert [point["mode"] for point in results["points"]] == ["frozen", "tuned", "random", "tuned-carried"]
    assert all(len(point["scores"]) == 3 for point in results["points"])
    assert {point["words"] >= 500 for point in results["points"]} == {True}
    timings = json.loads((finished / "timings.json").read_text())
    assert len(timings["trainings"]) == 12
    assert "<html" in (finished / "report.html").read_text()


@pytest.mark.slow
def test_killed_twice_a_study_ends_with_the_same_results(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    for n in (1, 4):
        process = start(out)
        wait_for_cells(out, n, process)
        process.kill()
        process.communicate()
        assert not (out / "results.json").exists()
    assert study(out, *CHOSEN, "--jobs", "2").exit_code == 0
    for name in ("results.json", "report.html"):
        assert (out / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.slow
def test_interrupted_a_study_says_how_it_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "study"
    process = start(out)
    wait_for_cells(out, 1, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.startswith(f"interrupted: finished trainings are kept in {out}, ")
    assert "the same command continues" in errors
    assert "Traceback" not in errors
    left = int(errors.split(" are left")[0].rpartition(" ")[2])
    assert 0 < left < TRAININGS


@pytest.mark.slow
def test_processes_end_with_a_study_that_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path / "study")
    wait_for_cells(tmp_path / "study", 1, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not tell the children of a process")
    workers = [int(pid) for pid in children.read_text().split()]
    assert len(workers) == 2
    process.kill()
    process.communicate()
    end = time.monotonic() + 30
    while any(is_running(pid) for pid in workers):
        assert time.monotonic() < end
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]


@pytest.mark.slow
def test_without_a_report_results_are_the_same(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = (finished / "results.json").read_bytes()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # as if it were not installed
    result = study(finished, *CHOSEN, "--no-report")
    assert result.exit_code == 0, result.output
    assert "report   " not in result.stdout
    before, now = json.loads(kept), json.loads((finished / "results.json").read_text())
    (finished / "results.json").write_bytes(kept)
    del before["versions"]["matplotlib"]
    assert now == before


@pytest.mark.slow
def test_json_is_the_results(finished: Path) -> None:
    result = study(finished, *CHOSEN, "--json")  # everything is there already
    assert json.loads(result.stdout) == json.loads((finished / "results.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "many"], "a number of words below"),
        (["--sizes", "500,999999"], "999999"),
        (["--modes", "frozen,tunde"], "tuned"),
        (["--modes", "tuned"], "frozen and at least one more"),
        (["--seeds", "0"], "1<=x<=1000"),
        (["--vectors", "nowhere.txt"], "nowhere.txt"),
        (["--set", "training.epochs=-1"], "training.epochs"),
        (["--test", "sample:train"], "training and test data are the same"),
        (["--dev", "sample:dve"], "dve"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_trained(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = study(tmp_path / "study", *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "study").exists()


@pytest.mark.slow
def test_other_data_are_not_mixed_in(finished: Path) -> None:
    result = study(finished, *CHOSEN, "--test", "sample:dev")
    assert result.exit_code == 2
    assert "another value of 'test'" in result.output
