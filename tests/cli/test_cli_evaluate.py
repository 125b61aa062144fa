"""`windowclf evaluate` and `windowclf info`, and what they say of damaged models."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from windowclf import Config, WindowTagger
from windowclf.model import Calibration, PlattScaling, save_model
from windowclf.vectors import WordVectors
from windowclf_cli.main import cli

Labelled = tuple[list[list[str]], list[list[str]]]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)))


def test_json_has_the_figures_that_the_documentation_promises(sample_model: Path) -> None:
    result = run("evaluate", sample_model, "sample:test", "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert (figures["n_sentences"], figures["n_tokens"]) == (100, 1750)
    assert 0 < figures["f1"] < 1
    assert figures["f1"] == pytest.approx(
        2 * figures["precision"] * figures["recall"] / (figures["precision"] + figures["recall"])
    )
    assert figures["tokens_per_second"] > 0
    assert figures["seen"]["n_tokens"] + figures["unseen"]["n_tokens"] == 1750
    assert {row["label"] for row in figures["entities"]} == {"PER", "LOC", "ORG", "MISC"}
    assert sum(row["support"] for row in figures["labels"]) == 1750


def test_the_size_of_the_tables_changes_no_figure(sample_model: Path) -> None:
    figures = [
        json.loads(run("evaluate", sample_model, "sample:test", "--json", *arguments).stdout)
        for arguments in ([], ["--table-mb", "0.5"])
    ]
    for figure in figures:
        del figure["tokens_per_second"]
    # probabilities may be rounded otherwise
    assert _leaves(figures[0].pop("calibration")) == pytest.approx(_leaves(figures[1].pop("calibration")))
    assert figures[0] == figures[1]


def _leaves(value: Any) -> list[Any]:
    """Return the values of nested JSON in order."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [leaf for item in items for leaf in _leaves(item)]
    return [value]


def test_the_table_shows_entities_and_confusions(sample_model: Path) -> None:
    result = run("evaluate", sample_model, "sample:test")
    for expected in ("token accuracy", "unseen in training", "Entities", "MISC", "Most frequent confusions"):
        assert expected in result.stdout


def test_calibration_is_a_line_of_the_table_and_bins_of_the_json(sample_model: Path) -> None:
    figures = json.loads(run("evaluate", sample_model, "sample:test", "--json").stdout)
    n_found = sum(row["predicted"] for row in figures["entities"])
    errors: list[float] = []
    for part, count in (("words", 1750), ("entities", n_found)):
        found = figures["calibration"][part]
        assert found["count"] == sum(row["count"] for row in found["bins"]) == count
        assert len(found["bins"]) == 15
        filled = [row for row in found["bins"] if row["count"]]
        distances = (row["count"] * abs(row["accuracy"] - row["confidence"]) for row in filled)
        errors.append(found["expected_calibration_error"])
        assert 0 < errors[-1] == pytest.approx(sum(distances) / count)
        errors.append(found["error_by_chance"])
        assert 0 < errors[-1] < errors[-2]
        # a model's confidences tell something
        shares = []
        for some in (
            [row for row in filled if row["end"] < 0.7],
            [row for row in filled if row["end"] > 0.7],
        ):
            n_right = sum(row["count"] * row["accuracy"] for row in some)
            shares.append(n_right / sum(row["count"] for row in some))
        assert shares[0] < shares[1]
    line = (
        "calibration: words {:.4f} ({:.4f} by chance alone), entities {:.4f} ({:.4f} by chance alone); "
        "expected calibration error"
    ).format(*errors)
    assert line in run("evaluate", sample_model, "sample:test").stdout.splitlines()


def test_what_is_right_in_the_bins_is_what_the_scores_count(sample_model: Path) -> None:
    figures = json.loads(run("evaluate", sample_model, "sample:test", "--json").stdout)
    for part, score in (("words", "token_accuracy"), ("entities", "precision")):
        found = figures["calibration"][part]
        n_right = sum(row["count"] * row["accuracy"] for row in found["bins"] if row["count"])
        assert n_right / found["count"] == pytest.approx(figures[score])


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_reliability_plot_is_drawn(sample_model: Path, tmp_path: Path, arguments: list[str]) -> None:
    plots = [tmp_path / "first.svg", tmp_path / "new" / "second.svg"]
    for plot in plots:
        result = run("evaluate", sample_model, "sample:test", "--reliability", plot, *arguments)
        assert result.exit_code == 0, result.stderr
        assert bool(arguments) != (str(plot) in result.stdout)
    text = " ".join(ElementTree.parse(plots[0]).getroot().itertext())
    assert "1,750 words" in text
    assert " entities" in text
    assert plots[0].read_bytes() == plots[1].read_bytes()


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        ("plot.pdf", "found '.pdf'; allowed: .svg or .png"),
        ("plot", "allowed: .svg or .png"),
        ("folder.svg", "is a directory"),
    ],
)
def test_a_plot_that_cannot_be_is_refused_before_anything_is_done(
    tmp_path: Path, plot: str, message: str
) -> None:
    (tmp_path / "folder.svg").mkdir()
    result = run("evaluate", tmp_path / "no-model", "sample:test", "--reliability", tmp_path / plot)
    assert result.exit_code == 2
    assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


def test_no_plot_is_left_where_the_file_is_not_usable(sample_model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "tags.conll"
    corpus.write_text("dogs NOUN\nbark VERB\n\n")
    result = run("evaluate", sample_model, corpus, "--reliability", tmp_path / "plot.svg")
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == [corpus]


def test_entity_scores_are_null_where_labels_are_no_span_scheme(tmp_path: Path) -> None:
    corpus = tmp_path / "tags.conll"
    corpus.write_text("dogs NOUN\nbark VERB\n\ncats NOUN\nsleep VERB\n\n")
    WindowTagger(vectors="glove-6b-50d-small").fit(
        [["dogs", "bark"], ["cats", "sleep"]], [["NOUN", "VERB"], ["NOUN", "VERB"]]
    ).save(tmp_path / "model")
    result = run("evaluate", tmp_path / "model", corpus, "--json")
    figures = json.loads(result.stdout)
    assert (figures["precision"], figures["recall"], figures["f1"], figures["entities"]) == (None,) * 4
    assert figures["token_accuracy"] == 1.0
    assert "Labels" in run("evaluate", tmp_path / "model", corpus).stdout


def test_a_file_with_other_columns_is_read_as_options_say(sample_model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "columns.txt"
    corpus.write_text("1|B-LOC|Paris\n2|O|sleeps\n\n")
    arguments = ["--token-column", 2, "--label-column", 1, "--separator", "|", "--json"]
    figures = json.loads(run("evaluate", sample_model, corpus, *arguments).stdout)
    assert figures["n_tokens"] == 2
    assert {row["label"] for row in figures["labels"]} >= {"B-LOC", "O"}


def test_labels_that_the_model_does_not_know_are_an_error(sample_model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "tags.conll"
    corpus.write_text("dogs NOUN\nbark VERB\n\n")
    result = run("evaluate", sample_model, corpus)
    assert result.exit_code == 2
    assert "NOUN" in result.stderr
    assert "B-LOC" in result.stderr


@pytest.mark.parametrize(
    "command", [["evaluate", "{}", "sample:test"], ["tag", "{}", "--text", "x"], ["info", "{}"]]
)
@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("model.safetensors", "flip", "changed or damaged"),
        ("vocabulary.txt", "cut", "another size"),
        ("labels.json", "remove", "missing"),
        ("manifest.json", "version", "another version"),
    ],
)
def test_a_damaged_model_is_refused_by_every_command(
    sample_model: Path, tmp_path: Path, command: list[str], file: str, damage: str, message: str
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for source in (sample_model / "model").iterdir():
        (model / source.name).write_bytes(source.read_bytes())
    content = bytearray((model / file).read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    elif damage == "cut":
        del content[-10:]
    elif damage == "version":
        content = content.replace(b'"format_version": ', b'"format_version": 9')
    (model / file).write_bytes(content)
    if damage == "remove":
        (model / file).unlink()
    result = run(*(part.format(model) for part in command))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert file in result.stderr


def test_info_shows_configuration_vectors_and_scores(sample_model: Path) -> None:
    text = run("info", sample_model).stdout
    for expected in ("glove-6b-50d-small", "hidden1.W", "[training]", "entity F1"):
        assert expected in text
    figures = json.loads(run("info", sample_model, "--json").stdout)
    assert figures["scheme"] == "IOB2"
    assert figures["info"]["training"]["sentences"] == 400


def test_info_shows_members_loss_correction_and_lists(
    quick: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    (tmp_path / "places.txt").write_text("Paris\nNew York\n")
    config = replace(
        quick,
        model=replace(quick.model, loss="crf"),
        features=replace(quick.features, gazetteers=(str(tmp_path / "places.txt"),)),
        training=replace(quick.training, ensemble=2),
    )
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus)
    calibration = Calibration(1.25, PlattScaling(0.9, -0.2, {"LOC": 0.5}), 1.75)
    save_model(replace(tagger.model, calibration=calibration), tmp_path / "model")
    text = run("info", tmp_path / "model").stdout
    scores = [100 * member["dev_score"] for member in tagger.model.info["members"]]
    for expected in (
        f"member 1    entity F1 {scores[0]:.2f} (epoch ",
        f"member 2    entity F1 {scores[1]:.2f} (epoch ",
        "loss        of whole sentences (crf)",
        "calibration temperature 1.250, Platt scaling of spans × 0.900 -0.200 (LOC +0.500), O penalty 1.75",
        f"gazetteer   {tmp_path}/places.txt, 2 phrases",
    ):
        assert expected in text
    figures = json.loads(run("info", tmp_path / "model", "--json").stdout)
    assert figures["loss"] == "crf"
    assert figures["correction"] == asdict(calibration)
    assert len(figures["info"]["members"]) == 2


def test_info_says_that_probabilities_are_as_they_come(tagger: WindowTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path / "model")
    assert "calibration none\n" in run("info", tmp_path / "model").stdout


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("info", tmp_path / "nothing")
    assert result.exit_code == 2
    assert "no such model" in result.stderr


def test_a_digit_can_be_the_separator(sample_model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "columns.conll"
    corpus.write_text("Paris1B-LOC\nsleeps1O\n\n")
    figures = json.loads(run("evaluate", sample_model, corpus, "--separator", "1", "--json").stdout)
    assert figures["n_tokens"] == 2
