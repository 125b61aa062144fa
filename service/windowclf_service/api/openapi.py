"""The OpenAPI 3.1 document of exactly what is served, and the route that serves it."""

from importlib.metadata import version as version_of
from typing import Any

import msgspec
from flask import Blueprint, Response

from windowclf_service.api.bodies import JSON, NDJSON
from windowclf_service.api.openapi_schemas import Schema, component_schemas, one_of, query_parameters, ref
from windowclf_service.config import ServiceConfig
from windowclf_service.errors import PROBLEM_TYPE
from windowclf_service.models import Models

Operation = dict[str, Any]

_TEXT = {"type": "string"}
_ID = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
_REQUEST_ID = {"description": "What the log calls the request.", "required": True, "schema": _TEXT}
_PROBLEMS: dict[int, str] = {
    400: "The body is not JSON in UTF-8.",
    401: "A key is needed (Authorization: Bearer), or this one opens nothing.",
    404: "There is nothing at this address: no such model, or no such version of it.",
    406: "The client accepts nothing that can be answered.",
    408: "The body came too slowly.",
    413: "The body is too long.",
    415: "The body is of another media type, or compressed.",
    422: "A field cannot be used; `pointer` says which one.",
    429: "As many requests as the service takes at once are being answered.",
    500: "The service failed.",
    503: "The service cannot answer now: it is ending, has no model, or took too long.",
}
_HEADERS: dict[int, dict[str, Schema]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": _TEXT}},
    429: {"Retry-After": {"required": True, "description": "Seconds.", "schema": _TEXT}},
    503: {"Retry-After": {"required": True, "description": "Seconds.", "schema": _TEXT}},
}
_OF_BODIES = (400, 406, 408, 413, 415, 422, 429, 503)
_ABOUT = """Tags words. Offsets count Unicode code points, end exclusive.

Every answer has an X-Request-ID: the one that the request brought (1 to 128 visible ASCII characters), or
a new one. Every error is a problem (RFC 9457). Beside what is described here, GET routes answer HEAD, all
routes answer OPTIONS, another method is 405 with Allow, and another address is 404."""
_NDJSON = """In each line an input (a text, or a list of tokens), or an object of one input and parameters
(LineRequest). In each line of the answer the result for one line, in order; the answer begins before the
whole request has been worked on. What is wrong with one of the first 64 lines is answered by a status; later,
the last line is a LineError. Lines of white space are passed over."""


def make_blueprint(models: Models, config: ServiceConfig) -> Blueprint:
    """Return the route of the document, which is made once."""
    blueprint = Blueprint("openapi", __name__)
    body = msgspec.json.encode(document(models, config))

    @blueprint.get("/openapi.json")
    def describe() -> Response:
        return Response(body, content_type=JSON)

    return blueprint


def document(models: Models, config: ServiceConfig) -> dict[str, Any]:
    """Return the OpenAPI document of a service of the given models."""
    names = list(models)
    paths = _v1(names) | _v2(models) | _others()
    components: dict[str, Any] = {
        "schemas": component_schemas(names, config.limits),
        "headers": {"RequestId": _REQUEST_ID},
    }
    if config.keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, operations in paths.items():
            if path.startswith(("/v1/", "/v2/")) and not path.startswith("/v2/health/"):
                for operation in operations.values():
                    operation["security"] = [{"key": []}]
                    operation["responses"]["401"] = _problem(401)
    return {
        "openapi": "3.1.0",
        "info": {"title": "windowclf", "version": version_of("windowclf"), "description": _ABOUT},
        "paths": paths,
        "components": components,
    }


def _v1(names: list[str]) -> dict[str, dict[str, Operation]]:
    tag = _operation("Tag texts, or sentences that are split into tokens", "v1", *_OF_BODIES)
    tag["parameters"] = query_parameters(names)
    tag["requestBody"] = _body("TagRequest", {"inputs": "museums in Paris are amazing"})
    tag["requestBody"]["content"][NDJSON] = {"schema": _TEXT | {"description": _NDJSON}}
    _answer(tag, "TagAnswer", "DisplacyAnswer")
    tag["responses"]["200"]["content"][NDJSON] = {
        "schema": _TEXT | {"description": "Lines, each a TaggedInput, a DisplacyInput or a LineError."}
    }
    explain = _operation("Explain labels by the words around", "v1", *_OF_BODIES)
    explain["requestBody"] = _body("ExplainRequest", {"inputs": "museums in Paris are amazing"})
    _answer(explain, "ExplainAnswer")
    listed = _operation("List the models", "v1")
    _answer(listed, "ModelList")
    return {"/v1/tag": {"post": tag}, "/v1/explain": {"post": explain}, "/v1/models": {"get": listed}}


def _v2(models: Models) -> dict[str, dict[str, Operation]]:
    paths: dict[str, dict[str, Operation]] = {}
    for path, summary, answer, statuses in (
        ("/v2", "Describe the service; /v2/ is the same", "ServerMetadata", ()),
        ("/v2/health/live", "Say that the service is up", "Live", ()),
        ("/v2/health/ready", "Say whether new clients may come", "Ready", (503,)),
    ):
        operation = _operation(summary, "Open Inference Protocol", *statuses)
        _answer(operation, answer)
        paths[path] = {"get": operation}
    versions = sorted({model.version for model in models.values() if model.version})
    of_model = [_in_path("model", list(models))]
    of_version = [*of_model, _in_path("version", versions)]
    for base, parameters in (
        ("/v2/models/{model}", of_model),
        ("/v2/models/{model}/versions/{version}", of_version),
    ):
        described = _operation("Describe a model", "Open Inference Protocol", 404)
        _answer(described, "ModelMetadata")
        ready = _operation("Say whether a model may be asked", "Open Inference Protocol", 404, 503)
        _answer(ready, "ModelReady")
        infer = _operation("Tag a tensor of texts", "Open Inference Protocol", 404, *_OF_BODIES)
        tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["museums in Paris are amazing"]}
        infer["requestBody"] = _body("InferenceRequest", {"id": "1", "inputs": [tensor]})
        _answer(infer, "InferenceResponse")
        for operation in (described, ready, infer):
            operation["parameters"] = parameters
        paths |= {base: {"get": described}, f"{base}/ready": {"get": ready}, f"{base}/infer": {"post": infer}}
    return paths


def _others() -> dict[str, dict[str, Operation]]:
    unchanged = {"304": {"description": "The client has this version of it (If-None-Match).", "headers": _ID}}
    page = _operation("Show a page to try the models with", "page")
    page["responses"] |= {"200": _ok("text/html")} | unchanged
    asset = _operation("Give a file of the page", "page", 404)
    asset["parameters"] = [_in_path("asset", [])]
    asset["responses"] |= {"200": _ok("text/css", "text/javascript", "image/svg+xml")} | unchanged
    metrics = _operation("Give the metrics that Prometheus reads", "operation")
    metrics["responses"]["200"] = _ok("text/plain", "application/openmetrics-text")
    described = _operation("Give this document", "operation")
    described["responses"]["200"] = _ok(JSON, schema={"type": "object"})
    return {
        "/": {"get": page},
        "/page/{asset}": {"get": asset},
        "/metrics": {"get": metrics},
        "/openapi.json": {"get": described},
    }


def _operation(summary: str, tag: str, *statuses: int) -> Operation:
    """Return an operation that can fail in the given ways, and by a fault of the service."""
    return {
        "summary": summary,
        "tags": [tag],
        "responses": {str(status): _problem(status) for status in sorted((*statuses, 500))},
    }


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _PROBLEMS[status],
        "headers": _ID | _HEADERS.get(status, {}),
        "content": {PROBLEM_TYPE: {"schema": ref("Problem")}},
    }


def _answer(operation: Operation, *names: str) -> None:
    """Let an operation answer with the JSON of a type, or of one of several."""
    schemas = [ref(name) for name in names]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    operation["responses"]["200"] = _ok(JSON, schema=schema)


def _ok(*media_types: str, schema: Schema = _TEXT) -> dict[str, Any]:
    content = {media_type: {"schema": schema} for media_type in media_types}
    return {"description": "Done.", "headers": _ID, "content": content}


def _body(name: str, example: object) -> dict[str, Any]:
    return {"required": True, "content": {JSON: {"schema": ref(name), "example": example}}}


def _in_path(name: str, values: list[str]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": one_of(values)}
