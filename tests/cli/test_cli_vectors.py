"""`windowclf vectors`: what a set holds, and the neighbours of a word."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf import Config, WindowTagger
from windowclf_cli.main import cli

SMALL = "glove-6b-50d-small"
Labelled = tuple[list[list[str]], list[list[str]]]


def vectors(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["vectors", *map(str, arguments)])


def test_info_measures_a_set() -> None:
    result = vectors("info", SMALL)
    assert result.exit_code == 0, result.output
    printed = dict(line.split("  ", 1) for line in result.stdout.splitlines())
    assert printed["words"].strip() == "20,647"
    assert printed["first words"].split()[:3] == ["the", ",", "."]
    measured = json.loads(vectors("info", SMALL, "--json").stdout)
    assert (measured["dimension"], measured["dtype"], len(measured["sha256"])) == (50, "float16", 64)


def test_info_without_a_name_lists_the_sets_and_the_default() -> None:
    result = vectors("info")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("yes, the default") == 1
    assert SMALL in [status["name"] for status in json.loads(vectors("info", "--json").stdout)]


def test_info_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("dog 1 0\ncat 0 2\n")
    assert json.loads(vectors("info", path, "--json").stdout)["mean_norm"] == 1.5


def test_info_of_two_sets_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "mine.txt"
    path.write_text("dog 1 0\nxyzzyx 0 2\n")
    measured = json.loads(vectors("info", f"{SMALL}+{path}", "--json").stdout)
    assert (measured["name"], measured["words"], measured["dimension"]) == (f"{SMALL}+mine.txt", 20_648, 52)


def test_a_model_of_two_sets_says_what_each_was_multiplied_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: Config, corpus: Labelled
) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "one.txt").write_text("the 0 0.1\npairs 0 0\n")
    (tmp_path / "two.txt").write_text("the -5\nTV 5\n")
    both = f"{tmp_path / 'one.txt'}+{tmp_path / 'two.txt'}"
    config = replace(quick, model=replace(quick.model, vectors=both))
    WindowTagger(config).fit(*corpus).save(tmp_path / "model")
    result = CliRunner().invoke(cli, ["info", str(tmp_path / "model")])
    assert result.exit_code == 0, result.output
    assert "vectors   one.txt+two.txt × 11.55, 0.1, frozen, sha256" in result.stdout  # 0.5 / the deviation
    stored = WindowTagger.load(tmp_path / "model").model
    assert stored.config.model.vectors == both
    assert stored.info["vectors"]["scale"] == pytest.approx([0.5 / (0.1 * 3**0.5 / 4), 0.1])


def test_info_of_unknown_vectors_is_an_error() -> None:
    result = vectors("info", "glove-6b-50d-smal")
    assert result.exit_code == 2
    assert f"Did you mean '{SMALL}'?" in result.stderr


def test_nearest_shows_as_many_neighbours_of_each_word_as_asked() -> None:
    result = vectors("nearest", "paris", "amazing", "--vectors", SMALL, "-n", 3)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("0.") == 6
    found = json.loads(vectors("nearest", "paris", "amazing", "--vectors", SMALL, "-n", 3, "--json").stdout)[
        "nearest"
    ]
    assert list(found) == ["paris", "amazing"]
    assert found["amazing"][0]["word"] == "incredible"
    cosines = [row["cosine"] for row in found["paris"]]
    assert cosines == sorted(cosines, reverse=True) and len(cosines) == 3


def test_nearest_by_the_vectors_of_a_model(tagger: WindowTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path / "model")
    result = vectors("nearest", "tv", "--model", tmp_path / "model", "--json")
    assert result.exit_code == 0, result.output
    assert {row["word"] for row in json.loads(result.stdout)["nearest"]["tv"]} <= set(
        tagger.model.vocabulary.words
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Paris", "--vectors", SMALL], "There is one for 'paris'"),
        (["zyzzyvaz", "--vectors", SMALL], "no vector for this word"),
        (["paris", "--vectors", SMALL, "--model", "x"], "Give either --vectors or --model"),
        ([], "Missing argument"),
    ],
)
def test_nearest_of_what_is_not_there_is_an_error(arguments: list[str], message: str) -> None:
    result = vectors("nearest", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
