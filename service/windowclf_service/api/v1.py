"""/v1: tag, explain, list the models."""

from itertools import chain

import msgspec
from flask import Blueprint, Response, current_app, request

from windowclf.errors import WindowClfError
from windowclf_service import admission
from windowclf_service.api.requests import (
    JSON,
    NDJSON,
    ExplainRequest,
    Query,
    TagRequest,
    check_inputs,
    check_length,
    check_media_type,
    decode,
    json_response,
    length_of,
    read_body,
    read_query,
    resolve,
)
from windowclf_service.api.schemas import ExplainAnswer, ModelCard, ModelList
from windowclf_service.api.stream import TagStream
from windowclf_service.api.tag import Tagging, answer_of
from windowclf_service.batching import Deadline
from windowclf_service.config import Limits
from windowclf_service.errors import WrongField
from windowclf_service.models import Models, ServedModel
from windowclf_service.telemetry import request_id_of

MOST_EXPLAINED_CHARACTERS = 10_000  # of a request: a word is scored with dozens of windows

_TAG = msgspec.json.Decoder(TagRequest)
_EXPLAIN = msgspec.json.Decoder(ExplainRequest)


def make_blueprint(models: Models, tagging: Tagging, limits: Limits) -> Blueprint:
    """Return the routes of /v1."""
    blueprint = Blueprint("v1", __name__)

    @blueprint.post("/v1/tag")
    def tag() -> Response:
        deadline = Deadline(limits.timeout)
        environ = request.environ
        media_type = check_media_type(environ, JSON, NDJSON)
        query = read_query(environ, models)
        if media_type == NDJSON:
            return stream(query)
        wanted = decode(_TAG, read_body(environ, limits))
        options = resolve(wanted.parameters, query, models)
        results = tagging.results(options, check_inputs(wanted.inputs, limits), deadline)
        return json_response(answer_of(options, results))

    def stream(query: Query) -> Response:
        body = read_body(request.environ, limits, streams=True)
        request_id = request_id_of(request.environ)
        blocks = iter(TagStream(body, models, tagging, query, limits, request_id, current_app.logger))
        first = next(blocks)  # raises a fault in it, while the status can still tell
        return admission.stream(chain([first], blocks), NDJSON)

    @blueprint.post("/v1/explain")
    def explain() -> Response:
        deadline = Deadline(limits.timeout)
        check_media_type(request.environ, JSON)
        wanted = decode(_EXPLAIN, read_body(request.environ, limits))
        inputs = check_inputs(wanted.inputs, limits)
        for i, value in enumerate(inputs):
            pointer = "/inputs" if isinstance(wanted.inputs, str) else f"/inputs/{i}"
            check_length(value, MOST_EXPLAINED_CHARACTERS, pointer)
        if (length := sum(map(length_of, inputs))) > MOST_EXPLAINED_CHARACTERS:
            raise WrongField(
                "/inputs", f"{length} characters; allowed: at most {MOST_EXPLAINED_CHARACTERS} in all inputs"
            )
        model = models.choose(wanted.parameters.model)
        try:
            results = tagging.explanations(model.tagger, inputs, wanted.parameters.top, deadline)
        except WindowClfError as error:  # its window is too wide
            raise WrongField("/parameters/model", str(error)) from None
        return json_response(ExplainAnswer(model.name, results))

    @blueprint.get("/v1/models")
    def list_models() -> Response:
        return json_response(ModelList([_card(model) for model in models.values()]))

    return blueprint


def _card(model: ServedModel) -> ModelCard:
    config = model.tagger.config.model
    metrics = dict(model.card.get("training", {}))
    if "coverage" in model.card:
        metrics["coverage"] = model.card["coverage"]
    return ModelCard(model.name, list(model.labels), model.version, config.window, config.tuning, metrics)
