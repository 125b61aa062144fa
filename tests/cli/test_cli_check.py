"""`windowclf check`: every figure and verdict, and the status that a script can rely on."""

import json

import numpy as np
import pytest
from click.testing import CliRunner, Result

from windowclf.nn import ACTIVATIONS
from windowclf_cli.main import cli

SMALL = ["--vectors", "glove-6b-50d-small", "--set", "model.hidden=[20]", "--set", "features.buckets=50"]
SMALL += ["--set", "training.learning_rate=0.01", "--threads", "1"]
NAMES = ["gradients of a narrow copy", "gradients of the network", "first loss", "over-fitting"]


def check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", *SMALL, *arguments])


def test_each_figure_is_printed_with_what_is_allowed_and_a_verdict() -> None:
    result = check("--tuning", "tuned")
    assert result.exit_code == 0, result.output
    heads = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split("  ")[:2] for line in heads] == [["pass", name] for name in NAMES]
    assert all("(allowed: " in line for line in heads)
    assert "guessing among 17 labels loses 2.8332 per word" in result.stdout


@pytest.mark.slow
def test_json_has_the_numbers() -> None:
    result = check("--json", "--train", "sample:dev")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["passed"] is True
    assert [verdict["name"] for verdict in report["checks"]] == NAMES
    for verdict in report["checks"]:
        low, high = verdict["allowed"]
        assert verdict["passed"] and low <= verdict["figure"] <= high


@pytest.mark.slow
def test_a_wrong_backward_ends_in_fail_and_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "relu", lambda z: (np.maximum(z, 0), lambda da: 1.001 * da * (z > 0)))
    result = check()
    assert result.exit_code == 1
    assert "FAIL  gradients of a narrow copy" in result.stdout
    assert "backward says" in result.stdout
    assert "pass  first loss" in result.stdout
    as_json = check("--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)["passed"]) == (1, False)


def test_a_corpus_that_is_not_there_is_an_error() -> None:
    result = check("--train", "nowhere.conll")
    assert result.exit_code == 2
    assert "nowhere.conll: no such file" in result.stderr
