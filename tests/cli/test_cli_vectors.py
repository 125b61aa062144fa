"""`windowclf vectors`: what a set holds, and the neighbours of a word."""

import json
import tomllib
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
    assert "vectors     one.txt+two.txt × 11.55, 0.1, frozen, sha256" in result.stdout  # 0.5 / the deviation
    stored = WindowTagger.load(tmp_path / "model").model
    assert stored.config.model.vectors == both
    assert stored.info["vectors"]["scale"] == pytest.approx([0.5 / (0.1 * 3**0.5 / 4), 0.1])


def test_converted_vectors_train_by_name(
    tmp_path: Path, wink_package: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "cache"))
    train = ["train", "--train", "sample:train", "--dev", "sample:dev", "--out", str(tmp_path / "run")]
    train += ["--vectors", f"{SMALL}+tiny", "--max-vectors", "1", "--set", "model.hidden=[4]"]
    train += ["--set", "features.buckets=50", "--set", "training.epochs=1"]
    before = CliRunner().invoke(cli, train)
    assert before.exit_code == 2
    assert "no vectors of this name; found 'tiny'" in before.stderr
    assert "windowclf vectors convert FILE --name NAME" in before.stderr

    package = tmp_path / "tiny-1.0.0.tgz"
    package.write_bytes(wink_package)
    result = vectors("convert", package, "--name", "tiny")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 words of 2 dimensions, sha256 ")
    assert result.stdout.endswith("Use them with: --vectors tiny\n")
    assert "tiny" in [status["name"] for status in json.loads(vectors("info", "--json").stdout)]

    after = CliRunner().invoke(cli, train)
    assert after.exit_code == 0, after.output
    assert f"{SMALL}+tiny (52 dimensions" in after.stdout
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert config["model"]["vectors"] == f"{SMALL}+tiny"


def test_vectors_converted_without_a_name_are_given_by_their_path(
    tmp_path: Path, wink_package: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a folder" / "tiny-1.0.0.tgz"
    path.parent.mkdir()
    path.write_bytes(wink_package)
    assert vectors("info", path).exit_code == 2
    assert f"--vectors '{path}'" in vectors("convert", path).stdout
    report = json.loads(vectors("convert", path, "--json").stdout)
    assert (report["name"], report["words"], report["dimension"]) == (str(path), 3, 2)
    measured = vectors("info", path, "--json")
    assert json.loads(measured.stdout)["first_words"] == ["the", "paris", "zyzzyvas"]


def test_convert_replaces_a_name_only_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "cache"))
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"{name} 1 2\n")
    assert vectors("convert", tmp_path / "a.txt", "--name", "mine").exit_code == 0
    refused = vectors("convert", tmp_path / "b.txt", "--name", "mine")
    assert refused.exit_code == 2
    assert "there are vectors of the name 'mine' already" in refused.stderr
    assert vectors("convert", tmp_path / "b.txt", "--name", "mine", "--force").exit_code == 0
    assert json.loads(vectors("info", "mine", "--json").stdout)["first_words"] == ["b"]


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
