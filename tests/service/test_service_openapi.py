"""GET /openapi.json: exactly what is served, no more, no less."""

import json
import re
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask
from flask.testing import FlaskClient

from windowclf import WindowTagger
from windowclf_service.api.requests import ExplainRequest, LineRequest, TagRequest
from windowclf_service.api.schemas import DisplacyAnswer, ExplainAnswer, ModelList, TagAnswer
from windowclf_service.api.v1 import MOST_EXPLAINED_CHARACTERS
from windowclf_service.app import create_app
from windowclf_service.config import Limits, ServiceConfig
from windowclf_service.errors import Problem

BODY_STATUSES = {"400", "406", "413", "415", "422", "429", "503"}


def document_of(app: Flask) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(app.test_client().get("/openapi.json").data)
    return document


@pytest.fixture(scope="module")
def document(client: FlaskClient) -> dict[str, Any]:
    return document_of(client.application)


def operations(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (path, method.upper()): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_route_is_described_and_nothing_else(client: FlaskClient, document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == set(operations(document))


def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for (path, _), operation in operations(document).items():
        described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path))


def test_every_operation_says_how_it_fails(document: dict[str, Any]) -> None:
    for (path, method), operation in operations(document).items():
        statuses = set(operation["responses"])
        assert {"200", "500"} <= statuses
        assert (statuses >= BODY_STATUSES) == (method == "POST")
        assert ("404" in statuses) == ("{" in path)
        for status, response in operation["responses"].items():
            if "$ref" in response:
                response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
            assert "X-Request-ID" in response["headers"]
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]


def test_every_reference_leads_somewhere_and_every_schema_is_used(document: dict[str, Any]) -> None:
    found = set(re.findall(r'"\$ref": ?"#/components/schemas/(\w+)"', json.dumps(document)))
    # what stands in lines of text is described in words alone
    assert found | {"LineRequest", "LineError"} == set(document["components"]["schemas"])


def test_every_schema_is_a_schema(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"})


def test_the_document_says_which_routes_need_a_key_where_there_are_keys(
    tagger: WindowTagger, small_limits: ServiceConfig
) -> None:
    app = create_app(replace(small_limits, keys=("secret-key-of-a-client",)), {"places": tagger})
    document = document_of(app)
    assert "secret" not in json.dumps(document)
    assert document["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    client = app.test_client()
    for (path, method), operation in operations(document).items():
        address = path.format(model="places", version="1", asset="page.css")
        refused = client.open(address, method=method).status_code == 401
        assert refused == ("401" in operation["responses"]) == ("security" in operation), path


def test_the_limits_of_the_document_are_the_defaults(document: dict[str, Any]) -> None:
    schemas, limits = document["components"]["schemas"], Limits()
    text, many_texts, many_sentences = schemas["TagRequest"]["properties"]["inputs"]["anyOf"]
    assert text == {"type": "string", "maxLength": limits.characters}
    assert (many_texts["maxItems"], many_sentences["maxItems"]) == (limits.inputs, limits.inputs)
    assert schemas["RequestInput"]["properties"]["data"]["maxItems"] == limits.inputs
    explained = schemas["ExplainRequest"]["properties"]["inputs"]["anyOf"][0]
    assert explained["maxLength"] == MOST_EXPLAINED_CHARACTERS


def test_the_document_that_is_checked_in_is_served(document: dict[str, Any]) -> None:
    text = resources.files("windowclf_service").joinpath("openapi.yaml").read_text(encoding="utf-8")
    assert document == yaml.safe_load(text)


@pytest.mark.parametrize(
    "of",
    [TagRequest, LineRequest, ExplainRequest, TagAnswer, DisplacyAnswer, ExplainAnswer, ModelList, Problem],
)
def test_schemas_have_the_fields_of_the_types(document: dict[str, Any], of: Any) -> None:
    _, of_types = msgspec.json.schema_components([of], ref_template="#/components/schemas/{name}")
    for name, schema in of_types.items():
        described = document["components"]["schemas"][name]
        assert described["properties"].keys() == schema["properties"].keys()
        assert described["required"] == schema["required"]
        assert described.get("additionalProperties") == schema.get("additionalProperties")


def closed(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a schema that allows no field that it does not name."""
    schemas: dict[str, Any] = json.loads(json.dumps(document["components"]["schemas"]))
    for schema in schemas.values():
        schema.setdefault("additionalProperties", False)
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}


TENSOR = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["Rome is old"]}
ANSWERS: dict[str, tuple[str, object, str]] = {
    "tagged": ("/v1/tag", {"inputs": "Rome is old"}, "TagAnswer"),
    "tagged with all": (
        "/v1/tag",
        {"inputs": "Rome", "parameters": {"probabilities": True, "top": 2}},
        "TagAnswer",
    ),
    "tagged without entities": (
        "/v1/tag",
        {"inputs": [["Rome"]], "parameters": {"aggregation": "none"}},
        "TagAnswer",
    ),
    "drawn": ("/v1/tag?format=displacy", {"inputs": "Rome"}, "DisplacyAnswer"),
    "explained": ("/v1/explain", {"inputs": "Rome is old"}, "ExplainAnswer"),
    "inferred": ("/v2/models/places/infer", {"inputs": [TENSOR], "id": "1"}, "InferenceResponse"),
    "refused": ("/v1/tag", {"inputs": 3}, "Problem"),
    "not found": ("/nothing", {}, "Problem"),
}


@pytest.mark.parametrize(("path", "body", "name"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers_have_the_fields_of_the_document_and_no_other(
    client: FlaskClient, document: dict[str, Any], path: str, body: object, name: str
) -> None:
    jsonschema_rs.validate(closed(document, name), client.post(path, json=body).json)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/models", "ModelList"),
        ("/v2", "ServerMetadata"),
        ("/v2/health/live", "Live"),
        ("/v2/health/ready", "Ready"),
        ("/v2/models/places", "ModelMetadata"),
        ("/v2/models/places/ready", "ModelReady"),
    ],
)
def test_what_is_looked_at_has_the_fields_of_the_document_and_no_other(
    client: FlaskClient, document: dict[str, Any], path: str, name: str
) -> None:
    jsonschema_rs.validate(closed(document, name), client.get(path).json)


def test_lines_have_the_fields_of_the_document_and_no_other(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    body = b'"Rome"\n' * 70 + b"no JSON"
    response = client.post("/v1/tag", data=body, content_type="application/x-ndjson")
    *answers, error = [json.loads(line) for line in response.data.splitlines()]
    jsonschema_rs.validate(closed(document, "LineError"), error)
    for answer in answers:
        jsonschema_rs.validate(closed(document, "TaggedText"), answer)
