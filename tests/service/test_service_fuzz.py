"""A few hundred of the requests that the OpenAPI document allows and forbids; the benchmark asks more."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, Response

SCRIPT = "benchmarks/fuzz_service.py"


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def taggers(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return script.make_taggers(tmp_path_factory.mktemp("models"))


@pytest.mark.slow
def test_no_answer_is_outside_the_document(script: ModuleType, taggers: Any) -> None:
    report = script.fuzz(taggers, cases=500, examples=10)
    assert report.failures == {}
    assert report.cases >= 500
    assert set(report.statuses) == {200, 400, 404, 405, 415, 422}


def _fault(app: Flask, change: Callable[[Response], Response]) -> Any:
    app.after_request_funcs.setdefault(None, []).insert(0, change)
    return app


def _lose_a_field(response: Response) -> Response:
    """Return the answers of tag without the model's name."""
    if response.content_type == "application/json" and response.get_json().keys() == {"model", "results"}:
        response.data = json.dumps({"results": response.get_json()["results"]})
    return response


def _another_status(response: Response) -> Response:
    if response.status_code == 422:
        response.status_code = 418
    return response


def _accept_all(response: Response) -> Response:
    if response.status_code in (400, 422):
        response.status_code, response.data = 200, b'{"model": "", "results": []}'
        response.content_type = "application/json"
    return response


@pytest.mark.slow
@pytest.mark.parametrize("fault", [_lose_a_field, _another_status, _accept_all])
def test_a_planted_fault_is_found(
    script: ModuleType, taggers: Any, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    create_app = script.create_app
    monkeypatch.setattr(script, "create_app", lambda *given: _fault(create_app(*given), fault))
    assert script.fuzz(taggers, cases=1, examples=2).failures
