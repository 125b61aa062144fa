"""/v2: the Open Inference Protocol, compared with the shapes that its specification gives."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

from windowclf import WindowTagger
from windowclf_service.app import create_app
from windowclf_service.config import Limits, ServiceConfig

# The objects of the specification's inference_rest.md, with the fields that are not optional as required
STRING, STRINGS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
PARAMETERS = {"type": "object"}
SHAPE = {"type": "array", "items": {"type": "integer"}}
DATATYPES = "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES".split()


def object_of(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "properties": required | optional, "required": list(required)}


TENSOR = {"name": STRING, "datatype": {"enum": DATATYPES}, "shape": SHAPE}
SPECIFIED = {
    "server": object_of({"name": STRING, "version": STRING, "extensions": STRINGS}),
    "live": object_of({"live": {"type": "boolean"}}),
    "ready": object_of({"ready": {"type": "boolean"}}),
    "model ready": object_of({"name": STRING, "ready": {"type": "boolean"}}),
    "model": object_of(
        {
            "name": STRING,
            "platform": STRING,
            "inputs": {"type": "array", "items": object_of(TENSOR)},
            "outputs": {"type": "array", "items": object_of(TENSOR)},
        },
        versions=STRINGS,
    ),
    "inference": object_of(
        {
            "model_name": STRING,
            "outputs": {
                "type": "array",
                "items": object_of(TENSOR | {"data": {"type": "array"}}, parameters=PARAMETERS),
            },
        },
        model_version=STRING,
        id=STRING,
        parameters=PARAMETERS,
    ),
    "error": object_of({"error": STRING}),
}
TEXTS = ["Rome is old", "", "we watched TV in London"]


@pytest.fixture(scope="module")
def saved(tagger: WindowTagger, tmp_path_factory: pytest.TempPathFactory) -> WindowTagger:
    """A tagger with a version."""
    directory: Path = tmp_path_factory.mktemp("models") / "saved"
    tagger.save(directory)
    return WindowTagger.load(directory)


@pytest.fixture(scope="module")
def client(saved: WindowTagger) -> FlaskClient:
    config = ServiceConfig(limits=Limits(inputs=3, characters=100), access_log=False)
    return create_app(config, {"places": saved}).test_client()


def request_of(texts: Any, **changes: Any) -> dict[str, Any]:
    """Return a request, the fields of its tensor changed."""
    tensor = {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": texts} | changes
    return {"inputs": [tensor]}


def infer(client: FlaskClient, body: object, path: str = "/v2/models/places/infer") -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json  # type: ignore[assignment]
    jsonschema_rs.validate(SPECIFIED["inference"], answer)
    return answer


def test_what_only_looks_has_the_shapes_of_the_specification(
    client: FlaskClient, saved: WindowTagger
) -> None:
    version = f"/v2/models/places/versions/{saved.model.version}"
    for path, name in (
        ("/v2", "server"),
        ("/v2/", "server"),
        ("/v2/health/live", "live"),
        ("/v2/health/ready", "ready"),
        ("/v2/models/places", "model"),
        ("/v2/models/places/ready", "model ready"),
        (version, "model"),
        (f"{version}/ready", "model ready"),
    ):
        response = client.get(path)
        assert (response.status_code, response.content_type) == (200, "application/json")
        jsonschema_rs.validate(SPECIFIED[name], response.json)
    described: Any = client.get(version).json
    assert described["versions"] == [saved.model.version]
    assert described["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]


def test_outputs_are_what_tag_says_a_json_document_for_each_text(
    client: FlaskClient, saved: WindowTagger
) -> None:
    answer = infer(client, request_of(TEXTS) | {"id": "42"})
    assert (answer["id"], answer["model_name"]) == ("42", "places")
    assert answer["model_version"] == saved.model.version
    tagged: Any = client.post("/v1/tag", json={"inputs": TEXTS}).json
    described: Any = client.get("/v2/models/places").json
    assert [output["name"] for output in answer["outputs"]] == [o["name"] for o in described["outputs"]]
    found = {output["name"]: [json.loads(text) for text in output["data"]] for output in answer["outputs"]}
    assert found["tokens"] == [result["tokens"] for result in tagged["results"]]
    assert found["entities"] == [result["entities"] for result in tagged["results"]]
    assert found["labels"] == [[token["label"] for token in tokens] for tokens in found["tokens"]]
    assert all(output["shape"] == [3] and output["datatype"] == "BYTES" for output in answer["outputs"])


def test_only_the_outputs_that_are_wanted_come_in_their_order(client: FlaskClient) -> None:
    wanted = [{"name": "entities"}, {"name": "labels", "parameters": {"binary_data": False}}]
    answer = infer(client, request_of(TEXTS) | {"outputs": wanted})
    assert [output["name"] for output in answer["outputs"]] == ["entities", "labels"]
    assert len(infer(client, request_of(TEXTS) | {"outputs": []})["outputs"]) == 3


@pytest.mark.parametrize(
    "body",
    [
        request_of([["Rome"], ["old"]], shape=[2, 1]),
        request_of(["Rome", "old"], shape=[2, 1], parameters={"content_type": "str"}),
        request_of(["Rome", "old"], parameters=None) | {"id": None, "outputs": None, "parameters": None},
        request_of(["Rome", "old"]) | {"model_name": "places", "parameters": {"x": [1]}},
        request_of(["Rome", "old"]) | {"parameters": {"binary_data_output": False}},
    ],
    ids=["rows", "as MLServer writes it", "nulls", "as KServe writes it", "as tritonclient writes it"],
)
def test_other_ways_to_say_the_same_are_understood(client: FlaskClient, body: Any) -> None:
    assert infer(client, body) == infer(client, request_of(["Rome", "old"]))
    assert "id" not in infer(client, body)


def test_a_version_can_be_named_and_the_content_type_left_out(
    client: FlaskClient, saved: WindowTagger
) -> None:
    path = f"/v2/models/places/versions/{saved.model.version}/infer"
    assert infer(client, request_of(TEXTS), path) == infer(client, request_of(TEXTS))
    assert client.post(path, data=json.dumps(request_of(TEXTS))).status_code == 200


def test_no_texts_are_empty_tensors(client: FlaskClient) -> None:
    assert {tuple(output["shape"]) for output in infer(client, request_of([]))["outputs"]} == {(0,)}


@pytest.mark.parametrize("path", ["", "/ready", "/infer"])
@pytest.mark.parametrize("model", ["other", "places/versions/1"])
def test_an_unknown_model_or_version_is_404(
    client: FlaskClient, check_problem: Any, path: str, model: str
) -> None:
    method = "POST" if path == "/infer" else "GET"
    response = client.open(f"/v2/models/{model}{path}", method=method, json=request_of([]))
    check_problem(response, 404, "There is no")
    jsonschema_rs.validate(SPECIFIED["error"], response.json)


BINARY: dict[str, Any] = {
    "an input": {
        "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 8}}]
    },
    "an output": request_of(["x"]) | {"outputs": [{"name": "labels", "parameters": {"binary_data": True}}]},
    "all outputs": request_of(["x"]) | {"parameters": {"binary_data_output": True}},
}


@pytest.mark.parametrize("body", BINARY.values(), ids=BINARY.keys())
def test_binary_tensors_are_refused(client: FlaskClient, check_problem: Any, body: Any) -> None:
    check_problem(client.post("/v2/models/places/infer", json=body), 400, "binary tensor extension")


def test_a_body_of_json_and_binary_tensors_is_refused_by_its_header(
    client: FlaskClient, check_problem: Any
) -> None:
    headers = {"Inference-Header-Content-Length": "2"}
    data, kind = b"{}\x01\x00\x00\x00x", "application/octet-stream"
    response = client.post("/v2/models/places/infer", data=data, content_type=kind, headers=headers)
    check_problem(response, 400, "binary tensor extension")


WRONG: dict[str, tuple[Any, str, str]] = {
    "no inputs": ({}, "/inputs", "missing"),
    "no tensor": ({"inputs": []}, "/inputs", "0 tensors"),
    "two tensors": ({"inputs": request_of([])["inputs"] * 2}, "/inputs", "2 tensors"),
    "another name": (request_of([], name="words"), "/inputs/0/name", "'words'; allowed: 'text'"),
    "another type": (request_of([1], datatype="INT8", data=["1"]), "/inputs/0/datatype", "allowed: 'BYTES'"),
    "numbers": (request_of([1]), "/inputs/0/data/0", "got `int`"),
    "numbers in rows": (request_of([[1]]), "/inputs/0/data/0/0", "got `int`"),
    "two in a row": (request_of([["x", "y"]], shape=[1, 2]), "/inputs/0/data/0", "length <= 1"),
    "no data": (
        {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES"}]},
        "/inputs/0/data",
        "missing",
    ),
    "another shape": (request_of(["x"], shape=[2]), "/inputs/0/shape", "[2] for 1 texts; allowed: [1]"),
    "no shape": (request_of(["x"], shape=[]), "/inputs/0/shape", "length >= 1"),
    "a negative shape": (request_of(["x"], shape=[-1]), "/inputs/0/shape/0", ">= 0"),
    "an unknown output": (request_of([]) | {"outputs": [{"name": "x"}]}, "/outputs/0/name", "labels, tokens"),
    "too many": (request_of(["x"] * 4), "/inputs/0/data", "4 texts; allowed: at most 3"),
    "too long": (request_of(["", "x" * 101]), "/inputs/0/data/1", "101 characters"),
    "too long in a row": (
        request_of([[""], ["x" * 101]], shape=[2, 1]),
        "/inputs/0/data/1/0",
        "101 characters",
    ),
    "an id that is no string": (request_of([]) | {"id": 1}, "/id", "Expected `str | null`, got `int`"),
}


@pytest.mark.parametrize(("body", "pointer", "detail"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_field_is_422_with_its_pointer(
    client: FlaskClient, check_problem: Any, body: Any, pointer: str, detail: str
) -> None:
    check_problem(client.post("/v2/models/places/infer", json=body), 422, detail, pointer)


def test_another_content_type_is_415(client: FlaskClient, check_problem: Any) -> None:
    response = client.post("/v2/models/places/infer", data=b"{}", content_type="text/plain")
    check_problem(response, 415, "The Content-Type of the body must be application/json.")
