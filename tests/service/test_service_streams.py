"""Newline-delimited JSON in and out of POST /v1/tag."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from windowclf import WindowTagger
from windowclf_service.api.stream import LINES_AT_ONCE
from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig

NDJSON = "application/x-ndjson"


def post(client: FlaskClient, body: bytes, query: str = "", **headers: str) -> TestResponse:
    return client.post(f"/v1/tag{query}", data=body, content_type=NDJSON, headers=headers)


def lines(client: FlaskClient, values: list[Any], query: str = "") -> list[Any]:
    """Send a line for each value, and return the lines of the answer."""
    response = post(client, "".join(f"{json.dumps(value)}\n" for value in values).encode(), query)
    assert (response.status_code, response.content_type) == (200, NDJSON)
    assert response.data.endswith(b"\n")
    return [json.loads(line) for line in response.data.splitlines()]


def single(client: FlaskClient, value: Any, query: str = "", **parameters: object) -> Any:
    """Return the result for one input that is sent as usual."""
    inputs = value if isinstance(value, str) else [value]
    response = client.post(f"/v1/tag{query}", json={"inputs": inputs, "parameters": parameters})
    return response.json["results"][0]  # type: ignore[index]


def close_to(result: Any) -> Any:
    """Let scores differ by what batches of other sizes come to."""
    if isinstance(result, dict):
        return {key: close_to(value) for key, value in result.items()}
    if isinstance(result, list):
        return [close_to(value) for value in result]
    return pytest.approx(result, abs=1e-6) if isinstance(result, float) else result


def test_each_line_is_answered_by_a_line_in_order(client: FlaskClient) -> None:
    values = ["Rome is old", ["New", "York"], "", [], "Paris\n is old"] * 40
    assert len(values) > 3 * LINES_AT_ONCE  # more than a request could hold, and several blocks
    expected = [close_to(single(client, value)) for value in values[:5]] * 40
    assert lines(client, values) == expected


def test_a_line_can_bring_its_parameters_and_the_query_says_the_rest(client: FlaskClient) -> None:
    values = [
        "in Paris",
        {"inputs": "in Paris", "parameters": {"model": "places"}},
        {"inputs": ["in", "Paris"], "parameters": {"aggregation": "entities", "top": 1}},
        {"inputs": "in Paris"},
    ]
    plain, of_places, with_top, last = lines(client, values, "?model=classes&aggregation=none")
    assert [token["label"] for token in plain["tokens"]] == ["ADP", "PROPN"]
    assert "entities" not in plain
    assert of_places["tokens"][0]["label"] == "O"
    assert with_top["entities"] == []
    assert [token["top"][0]["label"] for token in with_top["tokens"]] == ["ADP", "PROPN"]
    assert last == plain


def test_lines_come_in_the_shape_of_displacy_too(client: FlaskClient) -> None:
    found = lines(client, ["Rome", "old"], "?format=displacy")
    assert found == [single(client, text, "?format=displacy") for text in ("Rome", "old")]


def test_blank_lines_and_carriage_returns_are_passed_over_and_the_last_line_needs_no_end(
    client: FlaskClient,
) -> None:
    response = post(client, b'\n"a"\r\n \t\r\n"b"')
    assert [json.loads(line)["text"] for line in response.data.splitlines()] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "status", "detail", "pointer"),
    [
        (b"", 400, "no line", None),
        (b"\n \r\n", 400, "no line", None),
        (b'"a"\n"b', 400, "line 2: It is not JSON in UTF-8", None),
        (b'"a"\n\n"\xff"\n', 400, "line 3: It is not JSON in UTF-8", None),
        (b'"a"\n3\n', 422, "line 2: Expected `str | object | array`, got `int`", ""),
        (b'["a", 3]\n', 422, "line 1: Expected `str`, got `int`", "/1"),
        (b'["a", ""]\n', 422, "line 1: Expected `str` of length >= 1", "/1"),
        (b'{"inputs": ["a", 3]}\n', 422, "line 1: Expected `str`", "/inputs/1"),
        (b'{"inputs": "a", "parameters": {"top": 0}}', 422, "line 1: ", "/parameters/top"),
        (b'{"inputs": "a", "parameters": {"model": "x"}}', 422, "no such model", "/parameters/model"),
        (b'"a"\n"' + b"x" * 1501 + b'"', 422, "line 2: 1501 characters", ""),
        (b'{"inputs": "' + b"x" * 1501 + b'"}', 422, "line 1: 1501 characters", "/inputs"),
        (b" " * 20_001, 413, "at most 20000 bytes", None),
    ],
)
def test_a_fault_in_the_first_block_is_the_status_of_the_answer(
    client: FlaskClient, check_problem: Any, body: bytes, status: int, detail: str, pointer: str | None
) -> None:
    check_problem(post(client, body), status, detail, pointer)


@pytest.mark.parametrize(
    ("fault", "status", "detail"),
    [(b'"x', 400, "not JSON"), (b'{"inputs": 3}', 422, "Expected `str | array`")],
)
def test_a_later_fault_is_the_last_line(client: FlaskClient, fault: bytes, status: int, detail: str) -> None:
    good = LINES_AT_ONCE + 3
    response = post(client, b'"Rome"\n' * good + fault + b'\n"Rome"\n' * 3)
    assert response.status_code == 200
    *answers, last = [json.loads(line) for line in response.data.splitlines()]
    assert [answer["text"] for answer in answers] == ["Rome"] * good
    assert detail in last.pop("error")
    request_id = response.headers["X-Request-ID"]
    assert last == {"status": status, "request_id": request_id, "line": good + 1}


class LateFault(WindowTagger):
    """A tagger with a bug that not every text shows."""

    def tag(self, sentences: Any, every: bool = False) -> Any:
        if ["faulty"] in sentences:
            raise RuntimeError("secret")
        return super().tag(sentences, every)


def test_a_bug_that_shows_late_is_the_last_line_and_is_logged(
    tagger: WindowTagger, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tagger.save(tmp_path / "saved")
    faulty = create_app(
        ServiceConfig(access_log=False), {"x": LateFault.load(tmp_path / "saved")}
    ).test_client()
    response = post(faulty, b'"Rome"\n' * LINES_AT_ONCE + b'"old"\n"faulty"\n')
    *answers, last = [json.loads(line) for line in response.data.splitlines()]
    assert len(answers) == LINES_AT_ONCE
    assert (last["status"], last["line"]) == (500, LINES_AT_ONCE + 1)
    assert "secret" not in response.text
    assert "secret" in caplog.text and last["request_id"] in caplog.text


def test_blocks_are_sent_as_they_are_made(client: FlaskClient) -> None:
    body = b'"Rome"\n' * (2 * LINES_AT_ONCE) + b"no JSON"
    response = client.post("/v1/tag", data=body, content_type=NDJSON, buffered=False)
    sizes = [block.count(b"\n") for block in response.iter_encoded()]
    assert sizes == [LINES_AT_ONCE, LINES_AT_ONCE, 1]
    assert "Content-Length" not in response.headers


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json", "*/*", "application/*"])
def test_who_accepts_either_kind_of_json_is_answered(client: FlaskClient, accept: str) -> None:
    assert post(client, b'"a"', Accept=accept).status_code == 200


def test_who_accepts_neither_is_told_so(client: FlaskClient, check_problem: Any) -> None:
    check_problem(post(client, b'"a"', Accept="text/html"), 406, "application/json or application/x-ndjson")
