"""The schemas of the OpenAPI document, made from the types that bodies are read and written as."""

import inspect
import re
from typing import Any

import msgspec

from windowclf_service.api import inference, request_schemas, schemas
from windowclf_service.api.explanations import MOST_CHARACTERS
from windowclf_service.config import Limits
from windowclf_service.errors import Problem

Schema = dict[str, Any]

TYPES = (
    request_schemas.TagRequest,
    request_schemas.LineRequest,
    request_schemas.ExplainRequest,
    schemas.TagAnswer,
    schemas.DisplacyAnswer,
    schemas.LineError,
    schemas.ExplainAnswer,
    schemas.ModelList,
    inference.InferenceRequest,
    inference.InferenceResponse,
    inference.ServerMetadata,
    inference.ModelMetadata,
    inference.ModelReady,
    inference.Live,
    inference.Ready,
    Problem,
)
_ATTRIBUTES = re.compile(r"\n\nAttributes\n-+\n")
_FIELD = re.compile(r"^(\w[\w, ]*) : .*\n((?:    .*\n?)*)", re.MULTILINE)


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(values: list[str]) -> Schema:
    """Return the schema of one of the values; of any string where there is none."""
    return {"type": "string", "enum": values} if values else {"type": "string"}


def component_schemas(names: list[str], limits: Limits) -> dict[str, Schema]:
    """Return the schemas of all types.

    Parameters
    ----------
    names : list of str
        Of the served models.
    limits : Limits
    """
    _, found = msgspec.json.schema_components(TYPES, ref_template="#/components/schemas/{name}")
    for schema in found.values():
        _use_docstring(schema)
    # what types cannot say
    _set_inputs(found["TagRequest"], limits, limits.characters)
    _set_inputs(found["ExplainRequest"], limits, min(MOST_CHARACTERS, limits.characters))
    for name in ("Parameters", "ExplainParameters"):
        _set(found[name], "model", {"enum": [*names, None]} if names else {"type": ["string", "null"]})
    for name in ("LineRequest", "TagRequest", "ExplainRequest"):
        found[name]["properties"]["parameters"].pop("default", None)
    tensor = found["RequestInput"]
    tensor["required"].append("data")
    tensor["properties"]["data"]["maxItems"] = limits.inputs
    return found


def query_parameters(names: list[str]) -> list[Schema]:
    """Return the query parameters of POST /v1/tag."""
    schema = msgspec.json.schema_components([request_schemas.Query])[1]["Query"]
    _use_docstring(schema)
    _set(schema, "model", one_of(names))
    return [
        {"name": name, "in": "query", "description": field.pop("description"), "schema": field}
        for name, field in schema["properties"].items()
    ]


def inputs_schema(limits: Limits, characters: int) -> Schema:
    """Return the schema of `inputs`: a text, texts, or sentences of tokens."""
    text = {"type": "string", "maxLength": characters}
    tokens = {"type": "array", "items": {"type": "string", "minLength": 1}}
    return {
        "anyOf": [
            text,
            {"type": "array", "items": text, "maxItems": limits.inputs},
            {"type": "array", "items": tokens, "maxItems": limits.inputs},
        ]
    }


def _set_inputs(schema: Schema, limits: Limits, characters: int) -> None:
    _set(schema, "inputs", inputs_schema(limits, characters))


def _set(schema: Schema, field: str, value: Schema) -> None:
    """Replace the schema of a field, but for its description."""
    described = {"description": schema["properties"][field]["description"]}
    schema["properties"][field] = described | value


def _use_docstring(schema: Schema) -> None:
    """Spread a numpydoc docstring over a schema and its fields."""
    summary, *fields = _ATTRIBUTES.split(inspect.cleandoc(schema.get("description", "")))
    schema["description"] = " ".join(summary.split())
    schema.pop("title")
    for name, text in _FIELD.findall(fields[0] + "\n" if fields else ""):
        for field in name.split(", ") if text else ():
            described = {"description": " ".join(text.split())}
            schema["properties"][field] = described | schema["properties"][field]
