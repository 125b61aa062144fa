"""/v1: tag, explain, and what is served."""

from itertools import chain

import msgspec
from flask import Blueprint, Response, current_app, request

from windowclf.errors import WindowClfError
from windowclf_service import admission
from windowclf_service.api.bodies import (
    JSON,
    NDJSON,
    check_media_type,
    decode,
    json_response,
    read_body,
)
from windowclf_service.api.explanations import MOST_CHARACTERS, explain_inputs
from windowclf_service.api.request_schemas import ExplainRequest, Query, TagRequest
from windowclf_service.api.requests import check_inputs, check_length, length_of, read_query, resolve
from windowclf_service.api.schemas import ExplainAnswer, ModelCard, ModelList
from windowclf_service.api.streaming import TagStream
from windowclf_service.api.tagging import tag
from windowclf_service.config import Limits
from windowclf_service.errors import WrongField
from windowclf_service.models import Models, ServedModel
from windowclf_service.monitoring.telemetry import request_id_of

_TAG = msgspec.json.Decoder(TagRequest)
_EXPLAIN = msgspec.json.Decoder(ExplainRequest)


def make_blueprint(models: Models, limits: Limits) -> Blueprint:
    """Return the routes of /v1 over the given models."""
    blueprint = Blueprint("v1", __name__)
    listed = json_response(ModelList([_card(model) for model in models.values()])).data

    @blueprint.post("/v1/tag")
    def tag_texts() -> Response:
        environ = request.environ
        media_type = check_media_type(environ, JSON, NDJSON)
        query = read_query(environ, models)
        if media_type == NDJSON:
            return _stream(models, limits, query)
        wanted = decode(_TAG, read_body(environ, limits.body_bytes))
        options = resolve(wanted.parameters, query, models)
        return json_response(tag(options, check_inputs(wanted.inputs, limits)))

    @blueprint.post("/v1/explain")
    def explain_texts() -> Response:
        check_media_type(request.environ, JSON)
        wanted = decode(_EXPLAIN, read_body(request.environ, limits.body_bytes))
        inputs = check_inputs(wanted.inputs, limits)
        for i, value in enumerate(inputs):
            pointer = "/inputs" if isinstance(wanted.inputs, str) else f"/inputs/{i}"
            check_length(value, MOST_CHARACTERS, pointer)
        if (length := sum(map(length_of, inputs))) > MOST_CHARACTERS:
            raise WrongField(
                "/inputs", f"{length} characters; allowed: at most {MOST_CHARACTERS} in all inputs"
            )
        model = models.choose(wanted.parameters.model)
        try:
            results = explain_inputs(model.tagger, inputs, top=wanted.parameters.top)
        except WindowClfError as error:  # its window is too wide
            raise WrongField("/parameters/model", str(error)) from None
        return json_response(ExplainAnswer(model.name, results))

    @blueprint.get("/v1/models")
    def list_models() -> Response:
        return Response(listed, content_type=JSON)

    return blueprint


def _stream(models: Models, limits: Limits, query: Query) -> Response:
    body = read_body(request.environ, limits.stream_bytes)
    request_id = request_id_of(request.environ)
    blocks = iter(TagStream(body, models, query, limits, request_id, current_app.logger))
    first = next(blocks)  # raises what is wrong with it, while the status can still say so
    return admission.stream(chain([first], blocks), NDJSON)


def _card(model: ServedModel) -> ModelCard:
    config = model.tagger.config.model
    metrics = dict(model.card.get("training", {}))
    if "coverage" in model.card:
        metrics["coverage"] = model.card["coverage"]
    return ModelCard(model.name, list(model.labels), model.version, config.window, config.tuning, metrics)
