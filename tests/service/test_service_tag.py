"""POST /v1/tag: what it answers."""

import gzip
import zlib
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from windowclf import Config, WindowTagger
from windowclf.vectors import WordVectors
from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig


def post(client: FlaskClient, body: object, query: str = "") -> TestResponse:
    return client.post(f"/v1/tag{query}", json=body)


def results(client: FlaskClient, inputs: object, query: str = "", **parameters: object) -> Any:
    response = post(client, {"inputs": inputs, "parameters": parameters}, query)
    assert (response.status_code, response.content_type) == (200, "application/json"), response.text
    return response.json["results"]  # type: ignore[index]


def test_a_text_gets_its_sentences_tokens_and_entities(client: FlaskClient, tagger: WindowTagger) -> None:
    text = "New York , Paris , Rome\nRome is old"
    response = post(client, {"inputs": text})
    words = [["New", "York", ",", "Paris", ",", "Rome"], ["Rome", "is", "old"]]
    tagged = tagger.tag(words)
    scores = [p for sentence in tagged for p in sentence.probabilities]
    of_spans = [span.probability for sentence in tagged for span in sentence.spans]
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
            for (start, end), score in zip([(0, 8), (11, 16), (19, 23), (24, 28)], of_spans, strict=True)
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


@pytest.mark.parametrize("inputs", ["", [""], [[]]])
def test_nothing_to_tag_is_a_result_without_tokens(client: FlaskClient, inputs: object) -> None:
    assert results(client, inputs) == [{"text": "", "sentences": [], "tokens": [], "entities": []}]


def test_no_inputs_are_no_results(client: FlaskClient) -> None:
    assert results(client, []) == []


def test_tokens_that_are_given_stay_and_are_joined_by_single_spaces(client: FlaskClient) -> None:
    spoken = [["we", "watched", "TV", "in", "London"], ["New York", "don't", " ", "👩‍👩‍👧", "Paris"], []]
    found = results(client, spoken)
    assert [result["text"] for result in found] == [" ".join(tokens) for tokens in spoken]
    assert [[token["text"] for token in result["tokens"]] for result in found] == spoken
    assert [len(result["sentences"]) for result in found] == [1, 1, 0]
    assert found[0]["entities"][0]["word"] == "London"


def test_without_aggregation_there_are_no_entities(client: FlaskClient) -> None:
    (result,) = results(client, "Rome is old", aggregation="none")
    assert result.keys() == {"text", "sentences", "tokens"}


def test_a_model_of_plain_classes_finds_no_entities(client: FlaskClient) -> None:
    (result,) = results(client, "in Paris", model="classes")
    assert [token["label"] for token in result["tokens"]] == ["ADP", "PROPN"]
    assert result["entities"] == []


# -- probabilities --------------------------------------------------------------------------------------


def test_probabilities_are_those_of_all_labels_as_they_are_spelled(
    client: FlaskClient, tagger: WindowTagger
) -> None:
    (result,) = results(client, "Rome is old", probabilities=True)
    (tagged,) = tagger.tag([["Rome", "is", "old"]], every=True)
    assert tagged.every is not None
    for token, row in zip(result["tokens"], tagged.every.tolist(), strict=True):
        assert token["probabilities"] == dict(zip(tagger.model.labels.output_names, row, strict=True))
        assert token["probabilities"][token["label"]] == token["score"]
        assert "top" not in token


@pytest.mark.parametrize("top", [1, 2, 100])
def test_top_gives_the_most_probable_labels_first(client: FlaskClient, top: int) -> None:
    (result,) = results(client, "Rome is old", top=top, probabilities=True)
    for token in result["tokens"]:
        best = sorted(token["probabilities"].items(), key=lambda pair: -pair[1])[:top]
        assert token["top"] == [{"label": label, "score": score} for label, score in best]


def test_probabilities_are_given_only_when_asked_for(client: FlaskClient) -> None:
    (result,) = results(client, "Rome", top=None, probabilities=False)
    assert result["tokens"][0].keys() == {"text", "start", "end", "label", "score"}


# -- displaCy -------------------------------------------------------------------------------------------


def test_displacy_gets_the_entities(client: FlaskClient) -> None:
    (result,) = results(client, "Rome is old", "?format=displacy")
    ents = [{"start": 0, "end": 4, "label": "LOC"}]
    assert result == {"text": "Rome is old", "ents": ents, "title": None, "settings": {}}


@pytest.mark.parametrize(
    "parameters",
    [{"model": "classes"}, {"aggregation": "none"}],
    ids=["labels that mark no spans", "without aggregation"],
)
def test_displacy_gets_every_token_where_there_are_no_entities(
    client: FlaskClient, parameters: dict[str, str]
) -> None:
    (tagged,) = results(client, "in Paris .", **parameters)
    (result,) = results(client, "in Paris .", "?format=displacy", **parameters)
    assert result["ents"] == [
        {"start": token["start"], "end": token["end"], "label": token["label"]} for token in tagged["tokens"]
    ]


# -- the query ------------------------------------------------------------------------------------------


def test_the_query_says_what_the_body_does_not(client: FlaskClient) -> None:
    query = "?model=classes&aggregation=none&probabilities=true&top=1"
    assert post(client, {"inputs": "in Rome"}, query).json["model"] == "classes"  # type: ignore[index]
    (by_query,) = results(client, "in Rome", query)
    (by_body,) = results(client, "in Rome", model="classes", aggregation="none", probabilities=True, top=1)
    assert by_query == by_body
    (said,) = results(client, "in Rome", query, aggregation="entities", top=None, probabilities=False)
    assert said["entities"] == []
    assert said["tokens"][0].keys() == {"text", "start", "end", "label", "score"}
    assert post(client, {"inputs": "", "parameters": {"model": None}}, query).json["model"] == "places"  # type: ignore[index]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?format=spacy", "format: Invalid enum value 'spacy'; allowed: displacy"),
        ("?format=", "format: Invalid enum value ''; allowed: displacy"),
        ("?aggregation=first", "aggregation: Invalid enum value 'first'; allowed: none, entities"),
        ("?model=mine", "model: no such model; allowed: places, classes"),
        ("?probabilities=1", "probabilities: Expected `bool`"),
        ("?top=many", "top: Expected `int`"),
        ("?top=٣", "top: Expected `int`"),
        ("?top=0", "top: Expected `int` >= 1"),
        ("?top=999999999999999999999999", "top: Expected `int` <= 100"),
        ("?top=1&top=2", "top is given 2 times"),
        ("?fromat=displacy", "fromat: Object contains unknown field `fromat`"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_a_wrong_query_is_refused(
    client: FlaskClient, check_problem: Any, query: str, detail: str, content_type: str
) -> None:
    response = client.post(f"/v1/tag{query}", data=b'{"inputs": "x"}', content_type=content_type)
    check_problem(response, 422, f"query: {detail}", "")


# -- headers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept", [None, "", "*/*", "application/*", "application/json;q=0.1, text/html", "text/html, */*;q=0.1"]
)
def test_who_accepts_json_in_any_way_is_answered(client: FlaskClient, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    assert client.post("/v1/tag", json={"inputs": "x"}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "application/json;q=0, */*", "application/x-ndjson"]
)
def test_who_accepts_no_json_is_told_so(client: FlaskClient, check_problem: Any, accept: str) -> None:
    response = client.post("/v1/tag", json={"inputs": "x"}, headers={"Accept": accept})
    check_problem(response, 406, "application/json")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
def test_parameters_of_the_content_type_do_not_matter(client: FlaskClient, kind: str) -> None:
    assert client.post("/v1/tag", data=b'{"inputs": "x"}', content_type=kind).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_long_answers_are_compressed_for_who_accepts_gzip(
    client: FlaskClient, accepted: str, is_compressed: bool
) -> None:
    headers = {"Accept-Encoding": accepted}
    answer = client.post("/v1/tag", json={"inputs": "Rome is old . " * 20}, headers=headers)
    assert answer.headers.get("Content-Encoding") == ("gzip" if is_compressed else None)
    plain = gzip.decompress(answer.data) if is_compressed else answer.data
    assert plain == client.post("/v1/tag", json={"inputs": "Rome is old . " * 20}).data
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert ("Accept-Encoding" in answer.headers.getlist("Vary")) == is_compressed
    assert "Content-Encoding" not in client.post("/v1/tag", json={"inputs": "Rome"}, headers=headers).headers


def test_streams_are_compressed_block_by_block(client: FlaskClient) -> None:
    body = b'"Rome is old"\n' * 130
    kind, headers = "application/x-ndjson", {"Accept-Encoding": "gzip"}
    answer = client.post("/v1/tag", data=body, content_type=kind, headers=headers, buffered=False)
    unzip = zlib.decompressobj(wbits=31)
    blocks = [unzip.decompress(block) for block in answer.iter_encoded()]
    assert [block.count(b"\n") for block in blocks if block] == [64, 64, 2]
    assert b"".join(blocks) == client.post("/v1/tag", data=body, content_type=kind).data


def test_methods_and_heads(client: FlaskClient) -> None:
    options = client.options("/v1/tag")
    assert (options.status_code, options.data) == (200, b"")
    assert set(options.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    head, get = client.head("/v1/models"), client.get("/v1/models")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.data))


def test_an_ensemble_of_sentence_level_networks_is_served_as_any_model(
    config: Config, vectors: WordVectors, corpus: tuple[list[list[str]], list[list[str]]]
) -> None:
    chain = replace(
        config,
        model=replace(config.model, loss="crf"),
        training=replace(config.training, ensemble=2, epochs=4),
    )
    tagger = WindowTagger(chain, vectors=vectors).fit(*corpus, dev=corpus)
    client = create_app(ServiceConfig(access_log=False), {"pair": tagger}).test_client()
    for answer, sentence in zip(results(client, corpus[0], probabilities=True), corpus[0], strict=True):
        (tagged,) = tagger.tag([sentence], every=True)
        assert tagged.every is not None
        assert [token["label"] for token in answer["tokens"]] == tagged.labels
        assert [token["score"] for token in answer["tokens"]] == pytest.approx(tagged.probabilities, abs=1e-5)
        for token, row in zip(answer["tokens"], tagged.every.tolist(), strict=True):
            expected = dict(zip(tagger.model.labels.output_names, row, strict=True))
            assert token["probabilities"] == pytest.approx(expected, abs=1e-5)
        scores = [entity["score"] for entity in answer["entities"]]
        assert scores == pytest.approx([span.probability for span in tagged.spans], abs=1e-5)
        explained = client.post("/v1/explain", json={"inputs": [sentence]}).json["results"]  # type: ignore[index]
        assert [token["label"] for token in explained[0]["tokens"]] == tagged.labels
