"""/v2: the Open Inference Protocol, version 2; tensors of text in, tensors of JSON documents out."""

from collections.abc import Callable, Sequence
from importlib.metadata import version as version_of
from math import prod
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, request
from msgspec import UNSET, Meta, UnsetType
from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable

from windowclf.model import TaggedText
from windowclf_service.api.requests import (
    JSON,
    Options,
    check_length,
    check_media_type,
    check_number,
    decode,
    encode,
    json_response,
    read_body,
)
from windowclf_service.api.tag import Tagging
from windowclf_service.batching import Deadline
from windowclf_service.config import Limits
from windowclf_service.errors import WrongField
from windowclf_service.models import Models, ServedModel

INPUT = "text"
NO_BINARY = (
    "The binary tensor extension is not supported; send tensors as JSON, without the header "
    "Inference-Header-Content-Length and without binary_data, binary_data_size and binary_data_output."
)
_BINARY = ("binary_data", "binary_data_size", "binary_data_output")

# One JSON document for each text
OUTPUTS: dict[str, Callable[[TaggedText], Any]] = {
    "labels": lambda result: [token.label for token in result.tokens],
    "tokens": lambda result: result.tokens,
    "entities": lambda result: result.entities,
}

# -- types, described in openapi.yaml --------------------------------------------------------------------

_Row = Annotated[list[str], Meta(min_length=1, max_length=1)]


class RequestInput(msgspec.Struct):
    """The input tensor."""

    name: str
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1)]
    datatype: str
    data: list[str | _Row] | UnsetType = UNSET  # missing where it comes as a binary tensor
    parameters: dict[str, Any] | None = None


class RequestOutput(msgspec.Struct):
    """An output that the client wants."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(msgspec.Struct):
    """The body of POST /v2/models/{model}/infer; unknown fields are ignored."""

    inputs: list[RequestInput]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestOutput] | None = None


_INFER = msgspec.json.Decoder(InferenceRequest)
_MODEL = "/v2/models/<model>"
_VERSION = "/v2/models/<model>/versions/<version>"

# -- routes ---------------------------------------------------------------------------------------------


def make_blueprint(models: Models, tagging: Tagging, limits: Limits) -> Blueprint:
    """Return the routes of /v2."""
    blueprint = Blueprint("inference", __name__)
    server = {"name": "windowclf", "version": version_of("windowclf"), "extensions": []}

    @blueprint.get("/v2", strict_slashes=False)  # the protocol writes it in both ways
    def describe_server() -> Response:
        return json_response(server)

    @blueprint.get("/v2/health/live")
    def live() -> Response:
        return json_response({"live": True})

    @blueprint.get("/v2/health/ready")
    def ready() -> Response:
        _check_ready(models)
        return json_response({"ready": True})

    @blueprint.get(_MODEL)
    @blueprint.get(_VERSION)
    def describe_model(model: str, version: str | None = None) -> Response:
        found = _find(models, model, version)
        versions = [found.version] if found.version else []
        # -1: any length
        texts, *outputs = [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in (INPUT, *OUTPUTS)]
        described = {"name": found.name, "versions": versions, "platform": "windowclf"}
        return json_response({**described, "inputs": [texts], "outputs": outputs})

    @blueprint.get(f"{_MODEL}/ready")
    @blueprint.get(f"{_VERSION}/ready")
    def model_ready(model: str, version: str | None = None) -> Response:
        found = _find(models, model, version)
        _check_ready(models)
        return json_response({"name": found.name, "ready": True})

    @blueprint.post(f"{_MODEL}/infer")
    @blueprint.post(f"{_VERSION}/infer")
    def infer(model: str, version: str | None = None) -> Response:
        deadline = Deadline(limits.timeout)
        found = _find(models, model, version)
        if "HTTP_INFERENCE_HEADER_CONTENT_LENGTH" in request.environ:
            raise BadRequest(NO_BINARY)
        check_media_type(request.environ, JSON, "")  # not all clients send one
        wanted = decode(_INFER, read_body(request.environ, limits))
        texts = _texts_of(wanted, limits)
        names = _outputs_of(wanted)
        options = Options(found, entities=True, probabilities=False, top=None, displacy=False)
        results = tagging.results(options, texts, deadline)
        tensors = []
        for name in names:
            data = [encode(OUTPUTS[name](result)).decode() for result in results]
            tensors.append({"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data})
        answer = {"model_name": found.name, "model_version": found.version, "outputs": tensors}
        return json_response(answer if wanted.id is None else {**answer, "id": wanted.id})

    return blueprint


def _find(models: Models, name: str, version: str | None) -> ServedModel:
    """Return the model that an address names."""
    model = models.get(name)
    if model is None:
        raise NotFound(f"There is no model {name!r}; GET /v1/models lists all.")
    if version is not None and version != model.version:
        raise NotFound(f"There is no version {version!r} of the model {name!r}; it is {model.version!r}.")
    return model


def _check_ready(models: Models) -> None:
    if not models:
        raise ServiceUnavailable("No model is served.", retry_after=1)
    if not models.ready:
        raise ServiceUnavailable("The service is stopping; ask another instance.", retry_after=1)


def _texts_of(wanted: InferenceRequest, limits: Limits) -> list[str]:
    """Return the texts to tag, or refuse tensors that are binary, not texts, too many or too long."""
    tensors: Sequence[RequestInput | RequestOutput] = [*wanted.inputs, *(wanted.outputs or [])]
    for parameters in (wanted.parameters, *(tensor.parameters for tensor in tensors)):
        if parameters and any(parameters.get(name, False) is not False for name in _BINARY):
            raise BadRequest(NO_BINARY)
    if len(wanted.inputs) != 1:
        raise WrongField("/inputs", f"{len(wanted.inputs)} tensors; allowed: one, named {INPUT!r}")
    (tensor,) = wanted.inputs
    if tensor.name != INPUT:
        raise WrongField("/inputs/0/name", f"{tensor.name!r}; allowed: {INPUT!r}")
    if tensor.datatype != "BYTES":
        raise WrongField("/inputs/0/datatype", f"{tensor.datatype!r}; allowed: 'BYTES'")
    if tensor.data is UNSET:
        raise WrongField("/inputs/0/data", "missing; allowed: the texts")
    texts = [value if isinstance(value, str) else value[0] for value in tensor.data]
    if prod(tensor.shape) != len(texts):
        raise WrongField("/inputs/0/shape", f"{tensor.shape} for {len(texts)} texts; allowed: [{len(texts)}]")
    check_number(len(texts), "texts", limits, "/inputs/0/data")
    for i, (text, value) in enumerate(zip(texts, tensor.data, strict=True)):
        pointer = f"/inputs/0/data/{i}"
        check_length(text, limits.characters, pointer if isinstance(value, str) else f"{pointer}/0")
    return texts


def _outputs_of(wanted: InferenceRequest) -> list[str]:
    """Return the names of the outputs that the client wants."""
    if not wanted.outputs:
        return list(OUTPUTS)
    for i, output in enumerate(wanted.outputs):
        if output.name not in OUTPUTS:
            raise WrongField(f"/outputs/{i}/name", f"{output.name!r}; allowed: {', '.join(OUTPUTS)}")
    return [output.name for output in wanted.outputs]
