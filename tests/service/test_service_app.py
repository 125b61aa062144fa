"""The service: what it answers, where offsets point, and how it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from windowclf import Config, WindowTagger
from windowclf.errors import WindowClfError
from windowclf.text.vectors import WordVectors
from windowclf_service.app import create_app

# emoji of several code points, combining marks, right-to-left, a NUL, an odd space, characters beyond 16 bits
STRANGE = {
    "👩‍👩‍👧 museums in Paris 🇫🇷 are amazing": "Paris",
    "Cafe\u0301 in Paris , e\u0301te\u0301 in Rome": "Paris",
    "שלום museums in Paris are amazing مرحبا بالعالم": "Paris",
    "Hi \x00 Paris\u00a0is \U0001d4d0 \ufeff﷽": "Paris",
    "Rome is old.\r\n\r\n  New  York , Paris , Rome  ": "New  York",
}


@pytest.fixture(scope="module")
def classes(quick: Config, vectors: WordVectors) -> WindowTagger:
    """A tagger whose labels mark no spans."""
    return WindowTagger(quick, vectors=vectors).fit([["in", "Paris"]], [["ADP", "PROPN"]])


@pytest.fixture(scope="module")
def client(tagger: WindowTagger, classes: WindowTagger) -> FlaskClient:
    return create_app({"places": tagger, "classes": classes}, max_body_bytes=2000, max_inputs=3).test_client()


def post(client: FlaskClient, body: object) -> TestResponse:
    return client.post("/v1/tag", json=body)


def results(client: FlaskClient, inputs: object, **parameters: str) -> list[dict[str, Any]]:
    response = post(client, {"inputs": inputs, "parameters": parameters})
    assert (response.status_code, response.content_type) == (200, "application/json"), response.text
    found: list[dict[str, Any]] = response.json["results"]  # type: ignore[index]
    return found


def check_offsets(result: dict[str, Any]) -> None:
    text = result["text"]
    for token in result["tokens"]:
        assert text[token["start"] : token["end"]] == token["text"]
    for entity in result["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["word"]
    sentences = [text[sentence["start"] : sentence["end"]] for sentence in result["sentences"]]
    assert "".join("".join(sentences).split()) == "".join(text.split())


# -- answers --------------------------------------------------------------------------------------------


def test_a_text_gets_its_sentences_tokens_and_entities(client: FlaskClient, tagger: WindowTagger) -> None:
    text = "New York , Paris , Rome\nRome is old"
    response = post(client, {"inputs": text})
    words = [["New", "York", ",", "Paris", ",", "Rome"], ["Rome", "is", "old"]]
    scores = [p for tagged in tagger.tag(words) for p in tagged.probabilities]
    places = [(0, 3), (4, 8), (9, 10), (11, 16), (17, 18), (19, 23), (24, 28), (29, 31), (32, 35)]
    labels = "B-LOC I-LOC O B-LOC O B-LOC B-LOC O O".split()
    expected = {
        "text": text,
        "sentences": [{"start": 0, "end": 23}, {"start": 24, "end": 35}],
        "tokens": [
            {"text": text[start:end], "start": start, "end": end, "label": label, "score": score}
            for (start, end), label, score in zip(places, labels, scores, strict=True)
        ],
        "entities": [
            {"entity_group": "LOC", "score": score, "word": text[start:end], "start": start, "end": end}
            for start, end, score in [
                (0, 8, pytest.approx((scores[0] + scores[1]) / 2)),
                (11, 16, scores[3]),
                (19, 23, scores[5]),
                (24, 28, scores[6]),
            ]
        ],
    }
    assert response.json == {"model": "places", "results": [expected]}


def test_several_texts_get_as_many_results_and_each_is_as_if_alone(client: FlaskClient) -> None:
    texts = ["we watched TV in London", "", "Rome is old"]
    together = results(client, texts)
    assert [result["text"] for result in together] == texts
    for text, result in zip(texts, together, strict=True):
        (alone,) = results(client, text)
        assert [t["label"] for t in alone["tokens"]] == [t["label"] for t in result["tokens"]]
        assert [t["score"] for t in alone["tokens"]] == pytest.approx([t["score"] for t in result["tokens"]])
    assert results(client, []) == []


def test_tokens_that_are_given_stay_and_are_joined_by_single_spaces(client: FlaskClient) -> None:
    spoken = [["we", "watched", "TV", "in", "London"], ["New York", "don't", "", "👩‍👩‍👧", "Paris"], []]
    found = results(client, spoken)
    assert [result["text"] for result in found] == [" ".join(tokens) for tokens in spoken]
    assert [[token["text"] for token in result["tokens"]] for result in found] == spoken
    assert [len(result["sentences"]) for result in found] == [1, 1, 0]
    for result in found:
        check_offsets(result)
    assert found[0]["entities"][0]["word"] == "London"


@pytest.mark.parametrize(("text", "word"), STRANGE.items())
def test_offsets_count_code_points_of_the_text_as_it_came(client: FlaskClient, text: str, word: str) -> None:
    (result,) = results(client, text)
    assert result["text"] == text
    check_offsets(result)
    assert word in [entity["word"] for entity in result["entities"]]


@given(text=st.text(max_size=60))
def test_offsets_hold_for_any_text(client: FlaskClient, text: str) -> None:
    (result,) = results(client, text)
    assert result["text"] == text
    check_offsets(result)


def test_an_escaped_surrogate_pair_is_one_character(client: FlaskClient) -> None:
    body = rb'{"inputs": "\ud83d\ude00 in Paris"}'
    response = client.post("/v1/tag", data=body, content_type="application/json; charset=utf-8")
    assert [token["start"] for token in response.json["results"][0]["tokens"]] == [0, 2, 5]  # type: ignore[index]


def test_without_aggregation_there_are_no_entities(client: FlaskClient) -> None:
    (result,) = results(client, "Rome is old", aggregation="none")
    assert result.keys() == {"text", "sentences", "tokens"}


def test_a_model_of_plain_classes_finds_no_entities(client: FlaskClient) -> None:
    (result,) = results(client, "in Paris", model="classes")
    assert [token["label"] for token in result["tokens"]] == ["ADP", "PROPN"]
    assert result["entities"] == []


def test_models_are_listed_with_the_labels_of_answers_and_their_version(
    tagger: WindowTagger, tmp_path: Path
) -> None:
    version = tagger.save(tmp_path / "saved")
    client = create_app({"saved": WindowTagger.load(tmp_path / "saved")}).test_client()
    listed = {"name": "saved", "labels": ["O", "B-LOC", "I-LOC"], "version": version}
    assert client.get("/v1/models").json == {"models": [listed]}


def test_labels_follow_the_training_data_not_the_scheme_they_are_learnt_in(vectors: WordVectors) -> None:
    config = Config()
    assert config.model.inner_scheme == "IOBES"
    tagger = WindowTagger(config, vectors=vectors).fit([["in", "Paris", "Rome"]], [["O", "I-LOC", "B-LOC"]])
    client = create_app({"iob1": tagger}).test_client()
    assert client.get("/v1/models").json["models"][0]["labels"] == ["O", "B-LOC", "I-LOC"]  # type: ignore[index]


def test_health(client: FlaskClient) -> None:
    assert (client.get("/v2/health/live").status_code, client.get("/v2/health/live").json) == (
        200,
        {"live": True},
    )
    assert client.get("/v2/health/ready").json == {"ready": True}


def test_without_a_model_the_service_lives_and_is_never_ready() -> None:
    client = create_app({}).test_client()
    assert client.get("/v2/health/live").status_code == 200
    check_problem(client.get("/v2/health/ready"), 503, "no model")
    check_problem(post(client, {"inputs": "x"}), 503, "no model")


def test_a_tagger_that_is_not_trained_is_refused_at_once() -> None:
    with pytest.raises(WindowClfError, match="not trained"):
        create_app({"new": WindowTagger()})


# -- errors ---------------------------------------------------------------------------------------------

TITLES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def check_problem(response: TestResponse, status: int, detail: str, pointer: str | None = None) -> None:
    """Compare an error's status, and the whole of its body."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = json.loads(response.data)
    assert detail in body.pop("detail")
    expected = {"type": "about:blank", "title": TITLES[status], "status": status}
    assert body == (expected if pointer is None else expected | {"pointer": pointer})


MALFORMED = {
    "nothing": b"",
    "no JSON": b"inputs=x",
    "cut short": b'{"inputs": "x"',
    "cut short after a wrong field": b'{"inputs": 3',
    "malformed after an unknown field": b'{"input": "x", nonsense}',
    "two values": b'{"inputs": "x"} {}',
    "not a number": b'{"inputs": NaN}',
    "a NUL": b'{"inputs": "a\x00b"}',
    "Latin-1": '{"inputs": "é"}'.encode("latin-1"),
    "UTF-16": '{"inputs": "x"}'.encode("utf-16"),
    "a surrogate in UTF-8": b'{"inputs": "\xed\xa0\x80"}',
    "nested": b'{"inputs": ' + b"[" * 1500,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_json_is_400(client: FlaskClient, body: bytes) -> None:
    response = client.post("/v1/tag", data=body, content_type="application/json")
    check_problem(response, 400, "not JSON in UTF-8")


@pytest.mark.parametrize("escape", [r"\ud800", r"\uDFFF in Paris", r"\ude00\ud83d", r"\ud83dx"])
def test_a_lone_surrogate_is_malformed_and_the_answer_says_so(client: FlaskClient, escape: str) -> None:
    body = f'{{"inputs": "Rome {escape}"}}'.encode()
    check_problem(client.post("/v1/tag", data=body, content_type="application/json"), 400, "surrogate")


WRONG_FIELDS: dict[str, tuple[object, str, str]] = {
    "no object": (["x"], "", "Expected `object`"),
    "no inputs": ({}, "/inputs", "missing"),
    "inputs of a wrong type": ({"inputs": 3}, "/inputs", "Expected `str | array`, got `int`"),
    "an input of a wrong type": ({"inputs": ["x", None]}, "/inputs/1", "got `null`"),
    "a token of a wrong type": ({"inputs": [["x"], ["y", 3]]}, "/inputs/1/1", "Expected `str`, got `int`"),
    "texts and tokens mixed": ({"inputs": ["x", ["y"]]}, "/inputs/1", "mixed"),
    "too many inputs": ({"inputs": ["x"] * 4}, "/inputs", "4 inputs; allowed: at most 3"),
    "an unknown field": ({"inputs": "x", "a/b~": 1}, "/a~1b~0", "unknown"),
    "an unknown parameter": ({"inputs": "x", "parameters": {"top": 3}}, "/parameters/top", "unknown"),
    "parameters of a wrong type": ({"inputs": "x", "parameters": []}, "/parameters", "Expected `object`"),
    "an unknown aggregation": (
        {"inputs": "x", "parameters": {"aggregation": "simple"}},
        "/parameters/aggregation",
        "'simple'",
    ),
    "an unknown model": (
        {"inputs": "x", "parameters": {"model": "mine"}},
        "/parameters/model",
        "places, classes",
    ),
}


@pytest.mark.parametrize(("body", "pointer", "detail"), WRONG_FIELDS.values(), ids=WRONG_FIELDS.keys())
def test_a_wrong_field_is_422_with_its_pointer(
    client: FlaskClient, body: object, pointer: str, detail: str
) -> None:
    check_problem(post(client, body), 422, detail, pointer)


def test_an_unknown_address_is_404(client: FlaskClient) -> None:
    check_problem(client.get("/v1/explain"), 404, "not found")


def test_a_wrong_method_is_405_and_the_right_one_is_named(client: FlaskClient) -> None:
    response = client.get("/v1/tag")
    check_problem(response, 405, "not allowed")
    assert {"OPTIONS", "POST"} == set(response.headers["Allow"].split(", "))


def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_read(client: FlaskClient) -> None:
    frame = len(b'{"inputs": ""}')
    for size, status in ((2000, 200), (2001, 413)):
        body = b'{"inputs": "' + b"x" * (size - frame) + b'"}'
        response = client.post("/v1/tag", data=body, content_type="application/json")
        assert response.status_code == status
    check_problem(response, 413, "at most 2000 bytes")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_415(client: FlaskClient, content_type: str | None) -> None:
    response = client.post("/v1/tag", data=b'{"inputs": "x"}', content_type=content_type)
    check_problem(response, 415, "application/json")


class FaultyTagger(WindowTagger):
    """A tagger with a bug that shows when the service is up already."""

    def tag(self, sentences: Any) -> Any:
        if sentences != [["warm"]]:
            raise RuntimeError("secret")
        return super().tag(sentences)


def test_a_bug_is_500_and_tells_nothing_of_the_inside(
    tagger: WindowTagger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tagger.save(tmp_path / "saved")
    response = post(create_app({"x": FaultyTagger.load(tmp_path / "saved")}).test_client(), {"inputs": "x"})
    check_problem(response, 500, "")
    assert "secret" not in response.text and "Traceback" not in response.text
    assert "secret" in caplog.text
