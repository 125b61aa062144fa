"""The application: routes, and nothing that lives longer than a request beside the models it is given."""

from collections.abc import Mapping

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import ServiceUnavailable, UnsupportedMediaType

from windowclf.tagger import WindowTagger
from windowclf_service.answers import labels_of, tag_inputs
from windowclf_service.errors import WrongField, register_errors
from windowclf_service.schemas import TagAnswer, read_tag_request

MAX_BODY_BYTES = 1_000_000
MAX_INPUTS = 64


def create_app(
    taggers: Mapping[str, WindowTagger],
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_inputs: int = MAX_INPUTS,
) -> Flask:
    """Make an application that serves trained taggers.

    - `POST /v1/tag` tags texts, or sentences that are split into tokens already.
    - `GET /v1/models` lists the models: name, labels, version.
    - `GET /v2/health/live` and `GET /v2/health/ready` are those of the Open Inference Protocol.

    Errors are `application/problem+json`, see `windowclf_service.errors`.

    Parameters
    ----------
    taggers : mapping of str to WindowTagger
        The models by name; the first is the one that is used where a request names none. Each tags a word
        before this function returns, so that the first request finds it warm.
    max_body_bytes : int
        Longest body of a request.
    max_inputs : int
        Most inputs of a request.

    Returns
    -------
    Flask
        A WSGI application; safe for threads, as taggers are not changed.

    Raises
    ------
    WindowClfError
        If one of the taggers is not trained.
    """
    models = dict(taggers)
    for tagger in models.values():
        tagger.tag([["warm"]])
    app = Flask("windowclf_service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    register_errors(app)
    listed = [
        {"name": name, "labels": labels_of(tagger), "version": tagger.stored.version}
        for name, tagger in models.items()
    ]

    @app.post("/v1/tag")
    def tag() -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("The body must be JSON, with Content-Type: application/json.")
        wanted = read_tag_request(request.get_data(cache=False), max_inputs=max_inputs)
        name = _choose(models, wanted.parameters.model)
        inputs = [wanted.inputs] if isinstance(wanted.inputs, str) else wanted.inputs
        entities = wanted.parameters.aggregation == "entities"
        return _json(TagAnswer(name, tag_inputs(models[name], inputs, entities=entities)))

    @app.get("/v1/models")
    def list_models() -> Response:
        return _json({"models": listed})

    @app.get("/v2/health/live")
    def live() -> Response:
        return _json({"live": True})

    @app.get("/v2/health/ready")
    def ready() -> Response:
        _check_ready(models)
        return _json({"ready": True})

    return app


def _choose(models: Mapping[str, WindowTagger], name: str | None) -> str:
    """Return the name of the model to use."""
    _check_ready(models)
    if name is None:
        return next(iter(models))
    if name not in models:
        raise WrongField("/parameters/model", f"no such model; allowed: {', '.join(models)}")
    return name


def _check_ready(models: Mapping[str, WindowTagger]) -> None:
    if not models:
        raise ServiceUnavailable("There is no model.")


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), content_type="application/json")
