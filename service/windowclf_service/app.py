"""The application: put together from its parts, for any WSGI server."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, request

from windowclf.tagger import WindowTagger
from windowclf_service import admission, page, security
from windowclf_service.api import openapi, routes_inference, routes_v1
from windowclf_service.api.batches import Batcher
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.errors import register_errors
from windowclf_service.models import Models, load_models
from windowclf_service.monitoring import telemetry

BATCHER = "windowclf.batcher"  # among the extensions of an application: what a gateway may answer by itself


class _Application(Flask):
    """Flask, with request ids in its log, for views and hooks that are plain functions."""

    def log_exception(self, exc_info: Any) -> None:
        """Log an exception that nobody caught."""
        request_id = telemetry.request_id_of(request.environ)
        self.logger.error(
            "request %s failed: %s %s", request_id, request.method, request.path, exc_info=exc_info
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is; Flask looks at each, at every request, whether it is asynchronous."""
        return func


def create_app(
    config: ServiceConfig, taggers: Mapping[str, WindowTagger] | None = None, *, board: Board | None = None
) -> Flask:
    """Make an application that serves trained taggers.

    - `POST /v1/tag` and `/v1/explain`, `GET /v1/models`;
    - `/v2`: the Open Inference Protocol, health too;
    - `GET /`: a page that shows what the taggers see;
    - `GET /metrics` for Prometheus, and `GET /openapi.json`, which describes all this.

    Errors are `application/problem+json`, see `windowclf_service.errors`.

    Parameters
    ----------
    config : ServiceConfig
    taggers : mapping of str to WindowTagger, optional
        The models by name; the first is the one that is used where a request names none. Each tags a word
        before this function returns, so that the first request finds it warm. Without it, `config.models`
        are loaded.
    board : Board, optional
        What the processes of the service share; by default this one is alone.

    Returns
    -------
    Flask
        A WSGI application; safe for threads, as taggers are not changed.

    Raises
    ------
    WindowClfError
        If a model cannot be loaded, two would have one name, or one is not trained.
    """
    board = Board(config.limits.in_flight) if board is None else board
    models = Models(load_models(config.models) if taggers is None else taggers, board)
    app = _Application("windowclf_service", static_folder=None)
    app.url_map.merge_slashes = False  # //v1/tag is another address, and is not there
    register_errors(app)
    app.extensions[BATCHER] = Batcher(models, config.limits)
    telemetry.install(app, board, models, access_log=config.access_log)
    for name in models:
        telemetry.count_load(name)
    security.install(app, config)
    admission.install(app, board)
    app.register_blueprint(routes_v1.make_blueprint(models, config.limits))
    app.register_blueprint(routes_inference.make_blueprint(models, config.limits))
    app.register_blueprint(openapi.make_blueprint(models, config))
    app.register_blueprint(page.blueprint)
    return app
