"""What the service's tests stand on: an application over two small models, and how an error looks."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from windowclf import Config, WindowTagger
from windowclf.vectors import WordVectors
from windowclf_service.app import create_app
from windowclf_service.config import Limits, ServiceConfig

CheckProblem = Callable[..., None]

TITLES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@pytest.fixture(scope="session")
def classes(config: Config, vectors: WordVectors) -> WindowTagger:
    """A tagger whose labels mark no spans."""
    return WindowTagger(config, vectors=vectors).fit([["in", "Paris"]], [["ADP", "PROPN"]])


@pytest.fixture(scope="session")
def small_limits() -> ServiceConfig:
    """Limits that a test can reach."""
    limits = Limits(body_bytes=2000, stream_bytes=20_000, inputs=3, characters=1500)
    return ServiceConfig(limits=limits, access_log=False)


@pytest.fixture(scope="module")
def client(small_limits: ServiceConfig, tagger: WindowTagger, classes: WindowTagger) -> FlaskClient:
    """Two models, `places` and `classes`, under small limits."""
    return create_app(small_limits, {"places": tagger, "classes": classes}).test_client()


@pytest.fixture(scope="session")
def check_problem() -> CheckProblem:
    """Return what compares an error's status and the whole of its body."""

    def check(response: TestResponse, status: int, detail: str, pointer: str | None = None) -> None:
        assert response.status_code == status, response.text
        assert response.content_type == "application/problem+json"
        body: dict[str, Any] = json.loads(response.data)
        assert detail in body["detail"]
        expected = {
            "type": "about:blank",
            "title": TITLES[status],
            "status": status,
            "detail": body["detail"],
            "error": body["detail"],
            "request_id": response.headers["X-Request-ID"],
        }
        assert body == (expected if pointer is None else expected | {"pointer": pointer})

    return check
