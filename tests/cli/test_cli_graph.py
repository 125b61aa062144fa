"""`windowclf graph`: one window, from the word vectors to the loss and back."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf import WindowTagger
from windowclf_cli.main import cli

TEXT = ["--text", "museums in Paris are amazing"]


@pytest.fixture(scope="module")
def model(tagger: WindowTagger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "model"
    tagger.save(path)
    return path


def graph(model: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["graph", str(model), *arguments])


def test_the_window_its_operations_and_its_gradients_are_printed(model: Path) -> None:
    result = graph(model, *TEXT, "--word", "Paris")
    assert result.exit_code == 0, result.output
    assert "museums | in | Paris | are | amazing" in result.stdout
    assert "predicted  B-LOC" in result.stdout
    for part in ("1  word vectors = word_embedding", "hidden1.relu = relu", "loss = softmax_cross_entropy"):
        assert part in result.stdout
    assert result.stdout.count("it stops here: the vectors are frozen") == 5


def test_json_has_every_number(model: Path) -> None:
    result = graph(model, *TEXT, "--word", "Paris", "--target", "O", "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert (data["target"], data["predicted"], data["index"]) == ("O", "B-LOC", 2)
    assert [word["token"] for word in data["words"]] == ["museums", "in", "Paris", "are", "amazing"]
    assert len(data["words"][0]["gradient"]) == 6


def test_equal_words_are_told_apart_by_their_occurrence(model: Path) -> None:
    result = graph(
        model, "--text", "Paris in Paris", "--word", "Paris", "--occurrence", "2", "--threads", "1"
    )
    assert "sentence   Paris in [Paris]" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--word", "Rome"],
            "not a word of the text; found 'Rome'; allowed: museums, in, Paris, are, amazing",
        ),
        (["--word", "Paris", "--occurrence", "2"], "no such occurrence of 'Paris'"),
        (["--word", "Paris", "--target", "NOUN"], "the model has no such label; found 'NOUN'; allowed: "),
    ],
)
def test_what_cannot_be_shown_is_an_error(model: Path, arguments: list[str], message: str) -> None:
    result = graph(model, *TEXT, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
