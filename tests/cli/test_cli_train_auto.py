"""`windowclf train --tuning auto`: the choice is said, recorded and trained; nothing else takes `auto`."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from windowclf_cli.main import cli

SMALL = ["--vectors", "glove-6b-50d-small", "--max-vectors", "1", "--set", "model.hidden=[20]"]
SMALL += ["--set", "features.buckets=500"]
QUICK = [*SMALL, "--set", "training.epochs=2"]
FIXED = ["--seed", "3", "--threads", "1"]
TRAIN = ["train", "--train", "sample:train", "--tuning", "auto"]
SAMPLE = [*TRAIN, "--dev", "sample:dev"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.mark.slow
def test_the_choice_is_told_recorded_and_trained(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run(*SAMPLE, *QUICK, "--out", out)
    assert result.exit_code == 0, result.output
    record = json.loads((out / "run.json").read_text())
    advice = record["advice"]
    assert f"tuning    {advice['tuning']}: 400 training sentences (6,975 words). In a trial" in result.stdout
    assert advice["reason"] in result.stdout
    assert [trial["tuning"] for trial in advice["trials"]] == ["frozen", "two-channel", "tuned"]
    assert [len(trial["scores"]) for trial in advice["trials"]] == [2, 2, 2]
    assert tomllib.loads((out / "config.toml").read_text())["model"]["tuning"] == advice["tuning"]
    printed = run("info", out, "--json")
    assert json.loads(printed.stdout)["config"]["model"]["tuning"] == advice["tuning"]


@pytest.fixture(scope="module")
def advised(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run says that chose its tuning."""
    out = tmp_path_factory.mktemp("runs") / "advised"
    result = run(*SAMPLE, *QUICK, *FIXED, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    record: dict[str, Any] = json.loads(result.stdout)
    return record


@pytest.mark.slow
def test_the_model_is_the_one_that_the_choice_itself_trains(advised: dict[str, Any], tmp_path: Path) -> None:
    tuning = ["--tuning", advised["advice"]["tuning"]]
    again = run(*SAMPLE, *tuning, *QUICK, *FIXED, "--out", tmp_path / "b", "--json")
    assert json.loads(again.stdout)["model_version"] == advised["model_version"]
    assert "advice" not in json.loads(again.stdout)


def test_it_stands_above_a_configuration_file_that_names_a_tuning(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[model]\ntuning = "frozen"\n')
    settings = ["--config", config, *QUICK, "--set", "training.carry=ridge"]
    result = run(*SAMPLE, *settings, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "tuning    tuned: 400 training sentences" in result.stdout
    assert "Frozen was left out: training.carry = 'ridge' needs model.tuning = 'tuned'." in result.stdout


def test_without_dev_the_size_decides(tmp_path: Path) -> None:
    result = run(*TRAIN, *QUICK, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "without dev data there was no trial" in result.stdout
    assert json.loads((tmp_path / "run" / "run.json").read_text())["advice"]["trials"] == []


@pytest.mark.slow
@pytest.mark.parametrize("extra", [["--ensemble", "2"], ["--distil", "TEACHER"]], ids=["ensemble", "distil"])
def test_the_trial_is_of_single_networks_without_a_teacher(
    extra: list[str], advised: dict[str, Any], tmp_path: Path
) -> None:
    if extra[1] == "TEACHER":
        taught = run("train", "--train", "sample:train", *QUICK, "--out", tmp_path / "teacher")
        assert taught.exit_code == 0, taught.output
        extra = [extra[0], str(tmp_path / "teacher")]
    result = run(*SAMPLE, *QUICK, *extra, *FIXED, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["advice"] == advised["advice"]


@pytest.mark.parametrize("where", ["set", "file"])
def test_a_configuration_does_not_hold_auto_and_the_option_is_named(where: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[model]\ntuning = "auto"\n')
    arguments = ["--set", 'model.tuning="auto"'] if where == "set" else ["--config", config]
    result = run("train", "--train", "sample:train", *arguments, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "allowed: frozen, tuned, two-channel" in result.stderr
    assert "--tuning auto" in result.stderr
    assert not (tmp_path / "run").exists()


def test_other_commands_do_not_take_auto() -> None:
    result = run("check", "--train", "sample:train", "--tuning", "auto")
    assert result.exit_code == 2
    assert "'auto' is not one of 'frozen', 'tuned', 'two-channel'" in result.stderr


def test_faulty_data_are_named_before_the_trial_and_nothing_is_written(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.conll"
    corpus.write_text("Rome O\nis O\n\n")
    result = run("train", "--train", corpus, "--tuning", "auto", *QUICK, "--out", tmp_path / "run")
    assert (result.exit_code, "at least two different labels" in result.stderr) == (2, True)
    assert not (tmp_path / "run").exists()


# Ctrl-C comes while the second training of the trial is under way
_INTERRUPTED = """
import os, signal
from windowclf.runs import tuning_advice
from windowclf_cli.main import cli
try_all = tuning_advice._try
def interrupted(*arguments):
    events = try_all(*arguments)
    for event in events:
        if event.training == 2:
            os.kill(os.getpid(), signal.SIGINT)
        yield event
tuning_advice._try = interrupted
cli()
"""


def test_interrupting_the_trial_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, *SAMPLE, *QUICK, "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 130
    assert "interrupted: no epoch was completed; nothing is saved" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not out.exists()
