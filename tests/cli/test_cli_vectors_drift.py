"""`windowclf vectors drift`: what tuning moved, and what it left behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from windowclf import WindowTagger
from windowclf_cli.main import cli

SMALL = "glove-6b-50d-small"


def drift(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["vectors", "drift", *map(str, arguments)])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with tuned vectors on the sample corpus."""
    out = tmp_path_factory.mktemp("runs") / "tuned"
    arguments = ["--train", "sample:train", "--dev", "sample:dev", "--out", str(out), "--vectors", SMALL]
    arguments += ["--tuning", "tuned", "--set", "model.hidden=[32]", "--set", "training.epochs=4"]
    result = CliRunner().invoke(cli, ["train", *arguments])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def printed(model: Path) -> dict[str, Any]:
    result = drift(
        model, "--words", "TV,Paris", "--top", 3, "--neighbours", 5, "--sentences", "sample:test", "--json"
    )
    assert result.exit_code == 0, result.output
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def test_it_lists_what_moved_and_what_is_stranded(printed: dict[str, Any]) -> None:
    assert printed["vectors"] == SMALL
    assert printed["words"] == 20_647
    assert printed["moved"] == printed["seen"] > 1000
    distances = [word["distance"] for word in printed["furthest"]]
    assert len(distances) == 3 and distances == sorted(distances, reverse=True) and distances[-1] > 0
    scores = [word["stranded"] for word in printed["most_stranded"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True) and scores[-1] > 0
    assert {word["count"] for word in printed["most_stranded"]} == {0}


def test_the_words_asked_for_are_looked_up_as_in_a_text(printed: dict[str, Any]) -> None:
    assert [word["word"] for word in printed["chosen"]] == ["tv", "paris"]
    assert [len(word["nearest_before"]) for word in printed["chosen"]] == [5, 5]
    tv = printed["chosen"][0]
    assert tv["nearest_before"][0]["word"] == "television"


def test_the_replacements_in_labelled_sentences_are_counted(printed: dict[str, Any]) -> None:
    replaced = printed["replacements"]
    assert 0 < replaced["changed"] < replaced["places"]
    assert replaced["right_after"] < replaced["right_before"] <= replaced["places"]


@pytest.mark.slow
def test_it_prints_tables(model: Path, printed: dict[str, Any]) -> None:
    result = drift(model, "--words", "TV", "--top", 3, "--neighbours", 5, "--sentences", "sample:test")
    assert result.exit_code == 0, result.output
    for title in ("Moved furthest", "Stranded, worst first", "Asked for"):
        assert title in result.stdout
    for word in (*printed["furthest"], *printed["most_stranded"]):
        assert f"\n{word['word']} " in result.stdout
    replaced = printed["replacements"]
    assert f"Replaced at {replaced['places']:,} positions: {replaced['changed']:,} got" in result.stdout
    assert f"Right labels: {replaced['right_before']:,} before" in result.stdout


@pytest.mark.slow
def test_raw_text_has_no_right_labels(model: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("We saw it in the city. He was in London.\n", encoding="utf-8")
    result = drift(model, "--sentences", tmp_path / "text.txt", "--json")
    assert result.exit_code == 0, result.output
    replaced = json.loads(result.stdout)["replacements"]
    assert replaced["places"] > 0 and replaced["right_before"] is None
    assert "Right labels" not in drift(model, "--sentences", tmp_path / "text.txt").stdout


@pytest.mark.slow
def test_text_without_any_such_word(model: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("zyzzyva xyzzy\n", encoding="utf-8")
    result = drift(model, "--sentences", tmp_path / "text.txt")
    assert result.exit_code == 0, result.output
    assert "No word of the sentences has a stranded neighbour." in result.stdout


def test_fewer_words_can_be_looked_at(model: Path) -> None:
    rare = WindowTagger.load(model).model.vocabulary.words[-1]
    found = json.loads(drift(model, "--most", 5000, "--words", rare, "--json").stdout)
    assert found["words"] == 5001
    assert found["chosen"][0]["word"] == rare


@pytest.mark.slow
def test_a_movement_that_was_carried_over_is_reported_and_shown(tmp_path: Path) -> None:
    arguments = ["--train", "sample:dev", "--out", str(tmp_path / "run"), "--vectors", SMALL]
    arguments += ["--tuning", "tuned", "--set", "model.hidden=[64]", "--set", "training.epochs=1"]
    arguments += ["--set", "training.carry=ridge", "--set", "training.carry_strength=0.5"]
    result = CliRunner().invoke(cli, ["train", *arguments])
    assert result.exit_code == 0, result.output
    found = json.loads(drift(tmp_path / "run", "--words", "zurich", "--json").stdout)
    n_others = found["words"] - found["seen"]
    assert (
        f"carried   ridge × 0.5: {n_others:,} other vectors moved like {found['seen']:,} tuned ones"
        in result.stdout
    )
    assert found["moved"] == found["words"]
    (zurich,) = found["chosen"]
    assert zurich["count"] == 0 < zurich["distance"]


def test_frozen_vectors_are_an_error(tagger: WindowTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path / "model")
    result = drift(tmp_path / "model")
    assert result.exit_code == 2
    assert "the vectors of this model are frozen, so none of them moved" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--words", "zyzzyva"], "this word has no vector in the model; found 'zyzzyva'"),
        (["--vectors", "nowhere.txt"], "cannot be loaded: no such file or directory"),
        (["--member", 2], "the model has no such network; found 2; allowed: 1 to 1"),
        (["--sentences", "nowhere.conll"], "nowhere.conll"),
        (["--top", -1], "-1"),
    ],
)
def test_what_is_wrong_is_named(arguments: list[object], message: str, model: Path) -> None:
    result = drift(model, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_another_vector_set_is_an_error(model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("dog 1 0\ncat 0 2\n", encoding="utf-8")
    result = drift(model, "--vectors", tmp_path / "mine.txt")
    assert result.exit_code == 2
    assert "these are not the vectors that the model was trained from" in result.stderr
