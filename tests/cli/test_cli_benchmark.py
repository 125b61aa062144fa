"""`windowclf benchmark`: what it measures, not how fast that is."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf_cli.main import cli

SHORT = ["--repetitions", "2", "--seconds", "0"]


def benchmark(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["benchmark", *map(str, arguments)])


@pytest.mark.slow
def test_plain_and_compiled_and_several_processes_are_measured(sample_model: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("We saw Paris. Then Angela Merkel flew from Berlin to New York!\n" * 50)
    result = benchmark(sample_model, text, "--jobs", 2, *SHORT, "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["words"] == 14 * 50
    ways = [(way["network"], way["processes"]) for way in record["speeds"]]
    assert ways == [("plain", 1), ("compiled", 1), ("compiled", 2)]
    for way in record["speeds"]:
        assert len(way["repetitions"]) == 2
        assert min(way["repetitions"]) <= way["words_per_second"] <= max(way["repetitions"])
        assert way["words_per_second"] > 0
        assert (way["peak_mb"] is None) == (sys.platform != "linux")
    assert {"machine", "cores", "python", "windowclf", "numpy"} <= record["machine"].keys()


def test_one_job_is_measured_once(sample_model: Path) -> None:
    result = benchmark(sample_model, "sample:test", "--jobs", 1, *SHORT)
    assert result.exit_code == 0, result.output
    rows = [line.split()[:2] for line in result.stdout.splitlines()]
    assert ["plain", "1"] in rows
    assert rows.count(["compiled", "1"]) == 1
    assert "2 repetitions" in result.stdout


FAULTY = {
    "missing": (["missing.txt"], "no such file"),
    "standard input": (["-"], "several times"),
    "not UTF-8": (["latin.txt"], "latin.txt:1: not UTF-8"),
    "no word": (["empty.txt"], "no word in this file"),
}


@pytest.mark.parametrize(("arguments", "message"), FAULTY.values(), ids=FAULTY.keys())
def test_faulty_files_are_named(
    sample_model: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latin.txt").write_bytes(b"Z\xfcrich\n")
    Path("empty.txt").write_bytes(b"\n\n")
    result = benchmark(sample_model, *arguments, *SHORT)
    assert result.exit_code == 2
    assert message in result.stderr
