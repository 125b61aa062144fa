"""The models that are served: explained, listed, loaded, ready."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from windowclf import Config, ModelConfig, Sentence, TrainingConfig, WindowTagger
from windowclf.errors import ModelFileError, WindowClfError
from windowclf.vectors import WordVectors
from windowclf_service import telemetry
from windowclf_service.app import create_app
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig

QUIET = ServiceConfig(access_log=False)

# -- POST /v1/explain -----------------------------------------------------------------------------------


def test_explanations_are_those_of_the_library(client: FlaskClient, tagger: WindowTagger) -> None:
    text = "Rome is old"
    response = client.post("/v1/explain", json={"inputs": text, "parameters": {"top": 2}})
    (result,) = response.json["results"]  # type: ignore[index]
    assert response.json["model"] == "places"  # type: ignore[index]
    assert (result["text"], result["sentences"]) == (text, [{"start": 0, "end": 11}])
    for token, expected in zip(result["tokens"], tagger.explain(text.split()), strict=True):
        assert text[token["start"] : token["end"]] == token["text"] == expected.token
        assert token["label"] == expected.label
        assert token["learnt_as"] == expected.learnt_as
        assert token["top"] == [{"label": label, "score": p} for label, p in expected.probabilities[:2]]
        assert token["window"] == [
            {"text": word, "contribution": value}
            for word, value in zip(expected.window, expected.contributions, strict=True)
        ]
        assert (token["score"], token["empty_score"]) == (expected.score, expected.empty_score)
        total = sum(part["contribution"] for part in token["window"])
        assert total == pytest.approx(token["score"] - token["empty_score"], abs=1e-4)
    assert [part["text"] for part in result["tokens"][0]["window"]] == [None, None, "Rome", "is", "old"]


def test_tokens_and_empty_inputs_are_explained_too(client: FlaskClient) -> None:
    response = client.post("/v1/explain", json={"inputs": [["New York", "is"], []]})
    first, second = response.json["results"]  # type: ignore[index]
    assert first["text"] == "New York is"
    assert [token["text"] for token in first["tokens"]] == ["New York", "is"]
    assert len(first["tokens"][0]["top"]) == 3
    assert second == {"text": "", "sentences": [], "tokens": []}


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [("x" * 10_001, "/inputs"), (["", "x" * 10_001], "/inputs/1"), (["x" * 6_000] * 2, "/inputs")],
)
def test_long_texts_are_not_explained(
    tagger: WindowTagger, check_problem: Any, inputs: Any, pointer: str
) -> None:
    client = create_app(QUIET, {"places": tagger}).test_client()
    check_problem(client.post("/v1/explain", json={"inputs": inputs}), 422, "at most 10000", pointer)


def test_a_window_that_is_too_wide_to_explain_is_said_so(vectors: WordVectors, check_problem: Any) -> None:
    wide = WindowTagger(Config(model=ModelConfig(window=15)), vectors=vectors)
    wide.fit([["in", "Paris"]], [["ADP", "PROPN"]])
    client = create_app(QUIET, {"wide": wide}).test_client()
    check_problem(client.post("/v1/explain", json={"inputs": "x"}), 422, "13", "/parameters/model")


# -- GET /v1/models -------------------------------------------------------------------------------------


def test_models_are_listed_with_what_is_known_of_them(sample_model: Path) -> None:
    client = create_app(ServiceConfig(models=(str(sample_model),), access_log=False)).test_client()
    (listed,) = client.get("/v1/models").json["models"]  # type: ignore[index]
    tagger = WindowTagger.load(sample_model)
    training = tagger.model.info["training"]
    assert training["dev_score"] > 0
    assert listed == {
        "name": sample_model.name,
        "labels": list(tagger.model.labels.output_names),
        "version": tagger.model.version,
        "window": 5,
        "tuning": tagger.config.model.tuning,
        "metrics": training | {"coverage": tagger.model.info["coverage"]},
    }
    response = client.post("/v1/tag", json={"inputs": "museums in Paris are amazing"})
    (entity,) = response.json["results"][0]["entities"]  # type: ignore[index]
    assert (entity["entity_group"], entity["word"], entity["start"]) == ("LOC", "Paris", 11)


@pytest.mark.parametrize(
    ("training", "listed"),
    [
        (["O", "I-LOC", "B-LOC"], ["O", "B-LOC", "I-LOC"]),  # IOB1
        (["O", "B-LOC", "I-LOC"], ["O", "B-LOC", "I-LOC"]),
        (["O", "S-LOC", "S-LOC"], ["O", "B-LOC", "I-LOC", "E-LOC", "S-LOC"]),
        (["Y", "B-LOC", "N"], ["B-LOC", "N", "Y"]),
    ],
)
def test_listed_labels_are_those_of_answers(
    vectors: WordVectors, training: list[str], listed: list[str]
) -> None:
    config = Config()
    assert config.model.inner_scheme == "IOBES"
    tagger = WindowTagger(config, vectors=vectors).fit([["in", "Paris", "Rome"]], [training])
    client = create_app(QUIET, {"x": tagger}).test_client()
    assert client.get("/v1/models").json["models"][0]["labels"] == listed  # type: ignore[index]


# -- new versions ---------------------------------------------------------------------------------------


@pytest.fixture
def served(tagger: WindowTagger, tmp_path: Path) -> Path:
    tagger.save(tmp_path / "mine")
    return tmp_path / "mine"


def save_another(directory: Path) -> str:
    """Save a model in its own place with another record of its training, and return the new version."""
    tagger = WindowTagger.load(directory)
    tagger.model.info["note"] = "another version"
    return tagger.save(directory)


def test_a_new_version_takes_the_place_of_the_old(served: Path) -> None:
    app = create_app(ServiceConfig(models=(str(served),), access_log=False))
    models, before = app.extensions["windowclf.models"], listed(app.test_client())
    models.look()
    assert listed(app.test_client()) == before
    version = save_another(served)
    models.look()
    assert listed(app.test_client())["version"] == version != before["version"]
    assert app.test_client().post("/v1/tag", json={"inputs": "Rome"}).status_code == 200


def test_a_stream_goes_on_while_a_model_is_replaced(served: Path) -> None:
    app = create_app(ServiceConfig(models=(str(served),), access_log=False))
    client = app.test_client()
    body = b'"Rome"\n' * 200
    answer = client.post("/v1/tag", data=body, content_type="application/x-ndjson", buffered=False)
    blocks = iter(answer.iter_encoded())
    next(blocks)
    save_another(served)
    app.extensions["windowclf.models"].look()
    assert sum(block.count(b"\n") for block in blocks) == 200 - 64


def test_a_version_that_cannot_be_loaded_is_refused_told_and_the_old_one_stays(
    served: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = create_app(ServiceConfig(models=(str(served),), access_log=False))
    client, models = app.test_client(), app.extensions["windowclf.models"]
    before, labels = listed(client), (served / "labels.json").read_bytes()
    (served / "labels.json").write_bytes(labels + b" ")
    for _ in range(3):
        models.look()
    telemetry.flush_log()
    (event,) = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (event["level"], event["model"]) == ("error", "mine")
    assert "labels.json" in event["error"]
    assert listed(client) == before
    assert 'windowclf_model_refused{model="mine"} 1.0' in client.get("/metrics").text
    (served / "labels.json").write_bytes(labels)
    models.look()
    assert 'windowclf_model_refused{model="mine"} 0.0' in client.get("/metrics").text
    version = save_another(served)
    models.look()
    assert listed(client)["version"] == version


def test_a_model_that_is_away_for_a_moment_is_served_on(served: Path) -> None:
    app = create_app(ServiceConfig(models=(str(served),), access_log=False))
    models, before = app.extensions["windowclf.models"], listed(app.test_client())
    served.rename(served.with_name("previous"))
    models.look()
    assert listed(app.test_client()) == before
    assert models.refused == {"mine"}
    served.with_name("previous").rename(served)
    models.look()
    assert models.refused == frozenset()


def test_a_process_that_answers_looks_by_itself(served: Path) -> None:
    config = ServiceConfig(models=(str(served),), access_log=False, reload_seconds=0.05)
    client = create_app(config).test_client()
    assert client.get("/v2/health/ready").status_code == 200
    version = save_another(served)
    end = time.monotonic() + 60
    while listed(client)["version"] != version:
        assert time.monotonic() < end
        time.sleep(0.02)


def listed(client: FlaskClient) -> Any:
    return client.get("/v1/models").json["models"][0]  # type: ignore[index]


def test_an_application_tags_with_compiled_models(served: Path, tagger: WindowTagger) -> None:
    app = create_app(ServiceConfig(models=(str(served),), access_log=False))
    assert app.extensions["windowclf.models"]["mine"].tagger.model.is_compiled
    assert not tagger.model.is_compiled


# -- loading and readiness ------------------------------------------------------------------------------


def test_models_go_by_the_names_of_their_directories_and_the_first_is_the_default(
    tagger: WindowTagger, tmp_path: Path
) -> None:
    tagger.save(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    config = ServiceConfig(models=(str(tmp_path / "two"), f"{tmp_path / 'one'}/"), access_log=False)
    client = create_app(config).test_client()
    assert [model["name"] for model in client.get("/v1/models").json["models"]] == ["two", "one"]  # type: ignore[index]
    assert client.post("/v1/tag", json={"inputs": ""}).json["model"] == "two"  # type: ignore[index]


def test_two_models_of_one_name_are_refused_and_both_are_named(tmp_path: Path) -> None:
    models = (str(tmp_path / "a" / "mine"), str(tmp_path / "b" / "mine"))
    with pytest.raises(WindowClfError) as caught:
        create_app(ServiceConfig(models=models))
    assert f"'mine': {models[0]} and {models[1]}" in str(caught.value)


@pytest.mark.parametrize("name", ["a\nb", "\udcff", "/"])
def test_a_name_that_cannot_be_said_is_refused(name: str) -> None:
    with pytest.raises(WindowClfError, match="a model cannot have this name"):
        create_app(ServiceConfig(models=(name,)))


def test_a_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such model"):
        create_app(ServiceConfig(models=(str(tmp_path / "none"),)))


def test_a_tagger_that_is_not_trained_is_refused_at_once() -> None:
    with pytest.raises(WindowClfError, match="not trained"):
        create_app(QUIET, {"new": WindowTagger()})


def test_a_model_that_takes_more_than_words_is_refused_at_once(config: Config, vectors: WordVectors) -> None:
    config = replace(
        config, features=replace(config.features, columns=("pos",)), training=TrainingConfig(epochs=1)
    )
    sentences = [Sentence(("in", "Paris"), columns={"pos": ("IN", "NNP")})]
    tagger = WindowTagger(config, vectors=vectors).fit(sentences, [["O", "B-LOC"]])
    with pytest.raises(WindowClfError, match="places: this model takes columns beside the words, which req"):
        create_app(QUIET, {"places": tagger})


def test_without_a_model_the_service_lives_and_is_never_ready(check_problem: Any) -> None:
    client = create_app(QUIET, {}).test_client()
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v1/models").json == {"models": []}
    assert client.get("/openapi.json").status_code == 200
    for response in (client.get("/v2/health/ready"), client.post("/v1/tag", json={"inputs": "x"})):
        check_problem(response, 503, "model")
        assert response.headers["Retry-After"] == "1"


def test_a_service_that_ends_is_not_ready_but_still_answers(tagger: WindowTagger, check_problem: Any) -> None:
    board = Board(1)
    client = create_app(QUIET, {"places": tagger}, board=board).test_client()
    for path, body in (
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/places/ready", {"name": "places", "ready": True}),
    ):
        assert client.get(path).json == body
    board.drain()
    for path in ("/v2/health/ready", "/v2/models/places/ready"):
        check_problem(client.get(path), 503, "stopping")
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.post("/v1/tag", json={"inputs": "Rome"}).status_code == 200
