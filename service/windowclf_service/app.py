"""The application: put together from its parts, for any WSGI server."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml  # type: ignore[import-untyped]
from flask import Flask, Response, request

from windowclf.tagger import WindowTagger
from windowclf_service import admission, page, security, telemetry
from windowclf_service.api import inference, v1
from windowclf_service.api.requests import JSON, compress
from windowclf_service.api.tag import Tagging
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.edge import Edge
from windowclf_service.errors import register_errors
from windowclf_service.models import Models


class _Application(Flask):
    """Flask, with request ids in its log, for views and hooks that are plain functions."""

    def log_exception(self, exc_info: Any) -> None:
        """Log an uncaught exception."""
        details = telemetry.request_id_of(request.environ), request.method, request.path
        self.logger.error("request %s failed: %s %s", *details, exc_info=exc_info)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is; Flask asks at every request whether it is asynchronous."""
        return func


def create_app(
    config: ServiceConfig, taggers: Mapping[str, WindowTagger] | None = None, *, board: Board | None = None
) -> Flask:
    """Create an application that serves trained taggers.

    - `POST /v1/tag` and `/v1/explain`, `GET /v1/models`;
    - `/v2`: the Open Inference Protocol, including health;
    - `GET /`: a page to try the models;
    - `GET /metrics` for Prometheus, and `GET /openapi.json`, which describes all this.

    Errors are `application/problem+json`, see `windowclf_service.errors`. Any number of threads may use it.
    A WindowClfError says that a model cannot be loaded or is not trained, or that two have one name.

    Parameters
    ----------
    taggers : mapping of str to WindowTagger, optional
        The models by name; the first answers requests that name none. By default, `config.models` are
        loaded, compiled, and reloaded when their files change.
    board : Board, optional
        State shared by the processes of the service. Processes forked after this call share the default.
    """
    board = board or Board(config.limits.in_flight)
    guard = security.Guard(config)
    models = Models(config, board, taggers)
    tagging = Tagging()
    app = _Application("windowclf_service", static_folder=None)
    app.url_map.merge_slashes = False  # //v1/tag is another address, and there is nothing
    app.extensions["windowclf.models"] = models
    register_errors(app)

    @app.before_request
    def start() -> None:
        models.watch()
        if (rule := request.url_rule) is not None:
            request.environ[telemetry.ROUTE] = rule.rule

    security.install(app, guard)
    admission.install(app, board, config.limits.stream_bytes)
    app.after_request(compress)
    app.register_blueprint(v1.make_blueprint(models, tagging, config.limits))
    app.register_blueprint(inference.make_blueprint(models, tagging, config.limits))
    app.register_blueprint(page.blueprint)

    @app.get("/metrics")
    def show_metrics() -> Response:
        accept = request.headers.get("Accept", "")
        body, content_type = telemetry.metrics().page(accept, board, models.versions)
        return Response(body, content_type=content_type)

    @app.get("/openapi.json")
    def describe() -> Response:
        return Response(_openapi(), content_type=JSON)

    app.wsgi_app = Edge(app.wsgi_app, guard, board, config.access_log)  # type: ignore[method-assign]
    return app


@cache
def _openapi() -> bytes:
    """Return openapi.yaml as JSON."""
    text = resources.files("windowclf_service").joinpath("openapi.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C where PyYAML was built so
    return json.dumps(yaml.load(text, loader), ensure_ascii=False).encode()
