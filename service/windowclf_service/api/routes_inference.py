"""/v2: the Open Inference Protocol, for clients that speak its JSON form."""

from importlib.metadata import version as version_of

import msgspec
from flask import Blueprint, Response, request
from msgspec import UNSET
from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable

from windowclf_service.api.answers import tag_inputs
from windowclf_service.api.bodies import JSON, check_media_type, decode, json_response, read_body
from windowclf_service.api.inference import (
    INPUT,
    NO_BINARY,
    OUTPUTS,
    InferenceRequest,
    InferenceResponse,
    Live,
    ModelMetadata,
    ModelReady,
    Ready,
    ServerMetadata,
    TensorMetadata,
    outputs_of,
    tensor_of,
    texts_of,
)
from windowclf_service.config import Limits
from windowclf_service.models import Models, ServedModel
from windowclf_service.monitoring import telemetry

_INFER = msgspec.json.Decoder(InferenceRequest)
_MODEL = "/v2/models/<model>"
_VERSION = "/v2/models/<model>/versions/<version>"


def make_blueprint(models: Models, limits: Limits) -> Blueprint:
    """Return the routes of /v2 over the given models."""
    blueprint = Blueprint("inference", __name__)
    server = ServerMetadata("windowclf", version_of("windowclf"), [])

    @blueprint.get("/v2", strict_slashes=False)  # the protocol writes it in both ways
    def describe_server() -> Response:
        return json_response(server)

    @blueprint.get("/v2/health/live")
    def live() -> Response:
        return json_response(Live(True))

    @blueprint.get("/v2/health/ready")
    def ready() -> Response:
        _check_ready(models)
        return json_response(Ready(True))

    @blueprint.get(_MODEL)
    @blueprint.get(_VERSION)
    def describe_model(model: str, version: str | None = None) -> Response:
        found = _find(models, model, version)
        versions = [found.version] if found.version else []
        outputs = [TensorMetadata(name) for name in OUTPUTS]
        return json_response(
            ModelMetadata(found.name, versions, "windowclf", [TensorMetadata(INPUT)], outputs)
        )

    @blueprint.get(f"{_MODEL}/ready")
    @blueprint.get(f"{_VERSION}/ready")
    def model_ready(model: str, version: str | None = None) -> Response:
        found = _find(models, model, version)
        _check_ready(models)
        return json_response(ModelReady(found.name, True))

    @blueprint.post(f"{_MODEL}/infer")
    @blueprint.post(f"{_VERSION}/infer")
    def infer(model: str, version: str | None = None) -> Response:
        found = _find(models, model, version)
        if "HTTP_INFERENCE_HEADER_CONTENT_LENGTH" in request.environ:
            raise BadRequest(NO_BINARY)
        check_media_type(request.environ, JSON, "")  # not all clients name one
        wanted = decode(_INFER, read_body(request.environ, limits.body_bytes))
        texts = texts_of(wanted, limits)
        names = outputs_of(wanted)
        results = tag_inputs(found.tagger, texts)
        telemetry.count_tokens(found.name, sum(len(result.tokens) for result in results))
        tensors = [tensor_of(name, results) for name in names]
        echoed = UNSET if wanted.id is None else wanted.id
        return json_response(InferenceResponse(found.name, found.version, tensors, echoed))

    return blueprint


def _find(models: Models, name: str, version: str | None) -> ServedModel:
    """Return the model that an address names."""
    model = models.get(name)
    if model is None:
        raise NotFound(f"There is no model {name!r} here; GET /v1/models lists all.")
    if version is not None and version != model.version:
        raise NotFound(f"There is no version {version!r} of the model {name!r}; it is {model.version!r}.")
    return model


def _check_ready(models: Models) -> None:
    if not models:
        raise ServiceUnavailable("There is no model.", retry_after=1)
    if not models.ready:
        raise ServiceUnavailable("The service is ending; others take its place.", retry_after=1)
