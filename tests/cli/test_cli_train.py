"""`windowclf train`: a run directory that is whole, and clear refusals."""

import json
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf_cli.main import cli

QUICK = ["--vectors", "glove-6b-50d-small", "--max-vectors", "1", "--set", "model.hidden=[20]"]
QUICK += ["--set", "features.buckets=500", "--set", "training.epochs=2"]
SAMPLE = ["--train", "sample:train", "--dev", "sample:dev"]


def train(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["train", *map(str, arguments)])


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_a_run_directory_holds_configuration_hashes_versions_metrics_and_the_model(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = train(*SAMPLE, *QUICK, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert tomllib.loads((out / "config.toml").read_text())["training"]["epochs"] == 2
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in metrics] == [1, 2]
    record = json.loads((out / "run.json").read_text())
    assert record["corpora"]["train"]["sentences"] == 400
    assert len(record["corpora"]["dev"]["sha256"]) == 64
    assert {"python", "numpy", "windowclf"} <= record["versions"].keys()
    assert printed["best"] == record["best"]
    assert (out / "model" / "manifest.json").exists()


def test_a_run_is_repeated_from_its_own_configuration(tmp_path: Path) -> None:
    assert train(*SAMPLE, *QUICK, "--threads", 1, "--out", tmp_path / "a").exit_code == 0
    config = tmp_path / "a" / "config.toml"
    assert train(*SAMPLE, "--config", config, "--threads", 1, "--out", tmp_path / "b").exit_code == 0
    assert files_of(tmp_path / "a" / "model") == files_of(tmp_path / "b" / "model")


@pytest.mark.slow
def test_without_vectors_named_the_run_says_which_it_took(tmp_path: Path) -> None:
    result = train(*SAMPLE, *QUICK[2:], "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "glove-6b-50d (50 dimensions, sha256" in result.stdout
    assert "have a vector" in result.stdout


@pytest.mark.parametrize("arguments, requested, used", [([], "auto", 1), (["--threads", 2], 2, 2)])
def test_the_record_says_how_many_threads_were_used_and_why(
    arguments: list[object], requested: object, used: int, tmp_path: Path
) -> None:
    assert train(*SAMPLE, *QUICK, *arguments, "--out", tmp_path / "run").exit_code == 0
    threads = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]["threads"]
    assert (threads["requested"], threads["used"]) == (requested, used)
    assert threads["why"]


def test_a_number_of_threads_below_one_is_refused(tmp_path: Path) -> None:
    result = train(*SAMPLE, *QUICK, "--threads", 0, "--out", tmp_path / "run")
    assert (result.exit_code, "--threads" in result.stderr) == (2, True)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train(*SAMPLE, *QUICK, "--out", out).exit_code == 0
    before = files_of(out)
    refused = train(*SAMPLE, *QUICK, "--seed", 1, "--out", out)
    assert (refused.exit_code, "--force" in refused.stderr) == (2, True)
    assert files_of(out) == before
    assert train(*SAMPLE, *QUICK, "--seed", 1, "--out", out, "--force").exit_code == 0
    assert files_of(out) != before


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


FAULTY_CORPORA = {
    "missing": (None, "no such file"),
    "empty": (b"", "no sentence"),
    "white space alone": (b"\n \t\n\n", "no sentence"),
    "binary": (b"\x7fELF\x02\x01\x00\xff\xfe\x00\x00", "UTF-8"),
    "NUL": (b"a\x00b O\n", "NUL"),
    "too few columns": (b"Rome B-LOC\nis\n\n", "corpus.conll:2: too few columns"),
    "labels that are no scheme": (b"Rome B-LOC\nis O\nold JJ\n\n", "found 'JJ'"),
    "one label alone": (b"Rome O\nis O\n\n", "at least two different labels"),
}


@pytest.mark.parametrize(("content", "message"), FAULTY_CORPORA.values(), ids=FAULTY_CORPORA.keys())
def test_a_faulty_corpus_is_named_and_nothing_is_written(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    corpus = tmp_path / "corpus.conll"
    if content is not None:
        corpus.write_bytes(content)
    result = train("--train", corpus, *QUICK, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert str(corpus) in result.stderr or "label" in result.stderr
    assert not (tmp_path / "run").exists()


FAULTY_ARGUMENTS = {
    "unknown key": (["--set", "model.hiden=[3]"], "Did you mean 'hidden'?"),
    "wrong type": (["--set", "training.epochs=many"], "a whole number"),
    "no assignment": (["--set", "epochs"], "section.key=value"),
    "even window": (["--set", "model.window=4"], "window must be odd"),
    "vectors": (["--vectors", "glove-6b-50d-smal"], "glove-6b-50d-small"),
    "config file": (["--config", "missing.toml"], "missing.toml"),
    "max vectors": (["--max-vectors", "few"], "a whole number"),
}


@pytest.mark.parametrize(("arguments", "message"), FAULTY_ARGUMENTS.values(), ids=FAULTY_ARGUMENTS.keys())
def test_a_faulty_argument_is_named_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = train(*SAMPLE, *arguments, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_names_step_rate_and_the_last_good_weights(tmp_path: Path) -> None:
    settings = ["--set", "training.optimizer=sgd", "--set", "training.learning_rate=1e30"]
    settings += ["--set", "training.clip_norm=0"]
    result = train(*SAMPLE, *QUICK, *settings, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "not finite at step" in result.stderr
    assert "learning rate 9.8e+29" in result.stderr  # of step 2 of 50, falling linearly
    assert "No epoch was completed." in result.stderr
    assert not (tmp_path / "run").exists()


def test_interrupting_keeps_the_best_model_so_far(tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-c", "from windowclf_cli.main import cli; cli()", "train", *SAMPLE, *QUICK]
    command += ["--set", "training.epochs=10000", "--set", "training.patience=0", "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / "run.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted: the model of epoch" in stderr
    result = CliRunner().invoke(cli, ["evaluate", str(out), "sample:dev", "--json"])
    assert result.exit_code == 0
    best = json.loads((out / "run.json").read_text())["best"]
    assert json.loads(result.stdout)["f1"] == pytest.approx(best["dev_score"])
