"""`windowclf compare`: real runs on the sample corpus, as a table, as JSON and as a page."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf import WindowTagger
from windowclf.corpus import ReadOptions, columns, read_labelled
from windowclf_cli.main import cli

SMALL = ["--vectors", "glove-6b-50d-small", "--set", "model.hidden=[64]", "--set", "features.buckets=2000"]
SMALL += ["--set", "features.affix_dimension=24", "--set", "training.learning_rate=0.01"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Runs of one epoch and of five, with two seeds each."""
    folder = tmp_path_factory.mktemp("runs")
    directories = []
    for epochs in (1, 5):
        for seed in (0, 1):
            out = folder / f"{epochs}-epochs-seed-{seed}"
            arguments = ["--train", "sample:train", "--dev", "sample:dev", *SMALL, "--out", out]
            result = run("train", *arguments, "--seed", seed, "--set", f"training.epochs={epochs}")
            assert result.exit_code == 0, result.output
            directories.append(out)
    return directories


def test_json_groups_seeds_and_finds_what_training_longer_brings(runs: list[Path]) -> None:
    result = run("compare", *runs, "--data", "sample:test", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    best, other = found["systems"]
    assert (best["runs"], other["runs"]) == (list(map(str, runs[2:])), list(map(str, runs[:2])))
    assert (best["settings"], other["settings"]) == ({"training.epochs": 5}, {"training.epochs": 1})
    assert (found["score"], found["dev"], found["n_sentences"]) == ("f1", "sample:dev", 100)
    assert found["baseline"] == str(runs[0])
    (difference,) = found["differences"]
    assert difference["difference"] == pytest.approx(
        best["scores"]["f1"]["mean"] - other["scores"]["f1"]["mean"]
    )
    assert 0 < difference["low"] < difference["difference"] < difference["high"]
    assert difference["corrected"] < 0.05 and difference["is_clear"]
    test = columns(read_labelled("sample:test", ReadOptions()))
    scores = [WindowTagger.load(directory).evaluate(*test).main_score for directory in runs[2:]]
    assert best["scores"]["f1"]["mean"] == pytest.approx(sum(scores) / 2)


def test_tables_and_the_page_say_the_same(runs: list[Path], tmp_path: Path) -> None:
    page = tmp_path / "new" / "comparison.html"
    result = run("compare", *runs, "--data", "sample:test", "--report", page)
    assert result.exit_code == 0, result.stderr
    text = page.read_text(encoding="utf-8")
    found = json.loads(run("compare", *runs, "--data", "sample:test", "--json").stdout)
    (difference,) = found["differences"]
    for expected in (
        f"{100 * found['systems'][0]['scores']['unseen']['mean']:.2f} ± ",
        f"{100 * difference['difference']:+.2f}",
        f"{100 * difference['high']:+.2f}",
        "training.epochs",
        "2 paired by seed",
        "zero is outside the interval",
    ):
        assert expected in result.stdout
        assert expected in text
    assert f"report: {page}" in result.stdout


def test_without_data_dev_scores_are_compared_and_nothing_is_tested(runs: list[Path]) -> None:
    result = run("compare", runs[0], runs[2])
    assert result.exit_code == 0, result.stderr
    assert "best first; dev: sample:dev" in result.stdout
    assert "dev entity F1" in result.stdout
    assert "interval" not in result.stdout
    scores = [
        json.loads((directory / "run.json").read_text())["corrected"]["dev_score"] for directory in runs
    ]
    assert f"{100 * scores[2]:.2f}" in result.stdout


def test_a_file_with_other_columns_is_read_as_options_say(runs: list[Path], tmp_path: Path) -> None:
    corpus = tmp_path / "columns.txt"
    corpus.write_text("1|B-LOC|Paris\n2|O|sleeps\n\n")
    arguments = ["--token-column", 2, "--label-column", 1, "--separator", "|", "--json"]
    found = json.loads(run("compare", *runs[:2], "--data", corpus, *arguments).stdout)
    assert found["n_sentences"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument"),
        (["{run}"], "at least two runs"),
        (["{run}", "{run}"], "each given once"),
        (["{run}", "{run}/model"], "not a run; found 'a model'"),
        (["{run}", "nowhere"], "nowhere: not a run; found 'nothing'"),
        (["{run}", "{other}", "--data", "nowhere.conll"], "nowhere.conll"),
    ],
)
def test_what_cannot_be_compared_is_said(runs: list[Path], arguments: list[str], message: str) -> None:
    result = run("compare", *(argument.format(run=runs[0], other=runs[1]) for argument in arguments))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
