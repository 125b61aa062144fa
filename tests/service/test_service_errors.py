"""How the service refuses."""

import gzip
import io
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from flask.testing import FlaskClient

from windowclf import WindowTagger
from windowclf_service.app import create_app
from windowclf_service.config import Limits, ServiceConfig

JSON = "application/json"
ROUTES = ("/v1/tag", "/v1/explain", "/v2/models/places/infer")

MALFORMED = {
    "nothing": b"",
    "no JSON": b"inputs=x",
    "cut short": b'{"inputs": "x"',
    "cut short after a wrong field": b'{"inputs": 3',
    "malformed after an unknown field": b'{"input": "x", nonsense}',
    "two values": b'{"inputs": "x"} {}',
    "not a number": b'{"inputs": NaN}',
    "infinity": b'{"inputs": -Infinity}',
    "a NUL": b'{"inputs": "a\x00b"}',
    "Latin-1": '{"inputs": "é"}'.encode("latin-1"),
    "Latin-1 in an unknown field": '{"inputs": "", "x": "é"}'.encode("latin-1"),
    "UTF-16": '{"inputs": "x"}'.encode("utf-16"),
    "a byte order mark": '\ufeff{"inputs": "x"}'.encode(),
    "a surrogate in UTF-8": b'{"inputs": "\xed\xa0\x80"}',
    "nested": b'{"inputs": ' + b"[" * 1500,
    "nested, after a wrong field": b'{"inputs": 3, "parameters": ' + b"[" * 1500,
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_json_is_400(client: FlaskClient, check_problem: Any, route: str, body: bytes) -> None:
    check_problem(client.post(route, data=body, content_type=JSON), 400, "not JSON in UTF-8")


def test_a_body_that_is_nested_very_deeply_is_400_where_anything_may_stand(
    client: FlaskClient, check_problem: Any
) -> None:
    deep = b'{"inputs": [], "parameters": {"x": ' + b"[" * 980 + b"]" * 980 + b"}}"
    response = client.post("/v2/models/places/infer", data=deep, content_type=JSON)
    check_problem(response, 400, "nested too deeply")


@pytest.mark.parametrize("escape", [r"\ud800", r"\uDFFF in Paris", r"\ude00\ud83d", r"\ud83dx"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_lone_surrogate_is_malformed_and_the_answer_says_so(
    client: FlaskClient, check_problem: Any, route: str, escape: str
) -> None:
    body = f'{{"inputs": "Rome {escape}"}}'.encode()
    check_problem(client.post(route, data=body, content_type=JSON), 400, "surrogate")


WRONG_FIELDS: dict[str, tuple[object, str, str]] = {
    "no object": (["x"], "", "Expected `object`"),
    "null": (None, "", "Expected `object`"),
    "no inputs": ({}, "/inputs", "missing"),
    "inputs of a wrong type": ({"inputs": 3}, "/inputs", "Expected `str | array`, got `int`"),
    "an input of a wrong type": ({"inputs": ["x", None]}, "/inputs/1", "got `null`"),
    "a token of a wrong type": ({"inputs": [["x"], ["y", 3]]}, "/inputs/1/1", "Expected `str`, got `int`"),
    "an empty token": ({"inputs": [["x", ""]]}, "/inputs/0/1", "length >= 1"),
    "texts and tokens mixed": ({"inputs": ["x", ["y"]]}, "/inputs/1", "mixed"),
    "too many inputs": (
        {"inputs": ["x"] * 4},
        "/inputs",
        "4 inputs; allowed: at most 3 a request; send more as newline-delimited JSON (application/x-ndjson)",
    ),
    "a long text": ({"inputs": "x" * 1501}, "/inputs", "1501 characters; allowed: at most 1500"),
    "a long text among others": ({"inputs": ["x", "y" * 1501]}, "/inputs/1", "1501 characters"),
    "many tokens": ({"inputs": [["x", "y" * 1499]]}, "/inputs/0", "1501 characters"),
    "an unknown field": ({"inputs": "x", "a/b~": 1}, "/a~1b~0", "unknown"),
    "an unknown parameter": ({"inputs": "x", "parameters": {"k": 3}}, "/parameters/k", "unknown"),
    "parameters of a wrong type": ({"inputs": "x", "parameters": []}, "/parameters", "Expected `object`"),
    "parameters that are null": ({"inputs": "x", "parameters": None}, "/parameters", "got `null`"),
    "no labels at the top": ({"inputs": "x", "parameters": {"top": 0}}, "/parameters/top", ">= 1"),
    "negative": ({"inputs": "x", "parameters": {"top": -1}}, "/parameters/top", ">= 1"),
    "too many": ({"inputs": "x", "parameters": {"top": 101}}, "/parameters/top", "<= 100"),
    "huge": ({"inputs": "x", "parameters": {"top": 10**400}}, "/parameters/top", "<= 100"),
    "a model that is no string": ({"inputs": "x", "parameters": {"model": 1}}, "/parameters/model", "`int`"),
}
OF_TAG: dict[str, tuple[object, str, str]] = {
    "no bool": (
        {"inputs": "x", "parameters": {"probabilities": 1}},
        "/parameters/probabilities",
        "Expected `bool`, got `int`",
    ),
    "an unknown aggregation": (
        {"inputs": "x", "parameters": {"aggregation": "simple"}},
        "/parameters/aggregation",
        "'simple'; allowed: none, entities",
    ),
}


@pytest.mark.parametrize("route", ["/v1/tag", "/v1/explain"])
@pytest.mark.parametrize(("body", "pointer", "detail"), WRONG_FIELDS.values(), ids=WRONG_FIELDS.keys())
def test_a_wrong_field_is_422_with_its_pointer(
    client: FlaskClient, check_problem: Any, route: str, body: object, pointer: str, detail: str
) -> None:
    response = client.post(route, data=json.dumps(body), content_type=JSON)
    check_problem(response, 422, detail, pointer)


@pytest.mark.parametrize(("body", "pointer", "detail"), OF_TAG.values(), ids=OF_TAG.keys())
def test_a_wrong_field_of_tag(
    client: FlaskClient, check_problem: Any, body: object, pointer: str, detail: str
) -> None:
    check_problem(client.post("/v1/tag", json=body), 422, detail, pointer)


@pytest.mark.parametrize("route", ["/v1/tag", "/v1/explain"])
def test_an_unknown_model_is_422_and_the_known_ones_are_named(
    client: FlaskClient, check_problem: Any, route: str
) -> None:
    response = client.post(route, json={"inputs": "x", "parameters": {"model": "mine"}})
    check_problem(response, 422, "allowed: places, classes", "/parameters/model")


def test_more_probabilities_than_an_answer_may_hold_are_refused(
    tagger: WindowTagger, check_problem: Any
) -> None:
    client = create_app(ServiceConfig(access_log=False), {"places": tagger}).test_client()
    body = {"inputs": "x " * 300_000, "parameters": {"probabilities": True, "top": 1}}
    check_problem(client.post("/v1/tag", json=body), 422, "300000 tokens with 4 probabilities", "/inputs")


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/tag/", "//v1/models", "/v1//models", "/v2/models"])
def test_an_unknown_address_is_404(client: FlaskClient, check_problem: Any, path: str) -> None:
    check_problem(client.open(path), 404, "/openapi.json")


def test_a_wrong_method_is_405_and_the_right_one_is_named(client: FlaskClient, check_problem: Any) -> None:
    response = client.get("/v1/tag")
    check_problem(response, 405, "does not allow the method")
    assert {"OPTIONS", "POST"} == set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize("route", ["/v1/tag", "/v1/explain"])
def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_read(
    client: FlaskClient, check_problem: Any, route: str
) -> None:
    frame = len(b'{"inputs": ["", ""]}')
    for size, status in ((2000, 200), (2001, 413)):
        half = b"x" * ((size - frame) // 2)
        body = b'{"inputs": ["' + half + b'", "' + half + b'"]}' + b" " * (size % 2)
        assert len(body) == size
        response = client.post(route, data=body, content_type=JSON)
        assert response.status_code == status
    check_problem(
        response, 413, "at most 2000 bytes; send more as newline-delimited JSON (application/x-ndjson)"
    )


@pytest.mark.parametrize(("size", "status"), [(2000, 200), (2001, 413)])
def test_a_body_of_undeclared_length_is_bounded_too(client: FlaskClient, size: int, status: int) -> None:
    body = b'{"inputs": "x"}'.ljust(size)
    stream = io.BytesIO(body + b" " * 10_000)
    stream = io.BytesIO(body) if status == 200 else stream
    environ = {"wsgi.input_terminated": True, "wsgi.input": stream, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = client.post("/v1/tag", content_type=JSON, environ_overrides=environ)
    assert response.status_code == status
    assert stream.tell() == size  # no more than it takes to know


def test_a_body_that_ends_before_its_length_is_400(client: FlaskClient, check_problem: Any) -> None:
    environ = {"CONTENT_LENGTH": "100", "wsgi.input": io.BytesIO(b'{"inputs": "x"}')}
    response = client.post("/v1/tag", content_type=JSON, environ_overrides=environ)
    check_problem(response, 400, "15 bytes; its Content-Length is 100")


@pytest.mark.parametrize("route", ["/v1/tag", "/v1/explain"])
@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_another_content_type_is_415(
    client: FlaskClient, check_problem: Any, route: str, kind: str | None
) -> None:
    check_problem(client.post(route, data=b'{"inputs": "x"}', content_type=kind), 415, JSON)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity"])
def test_a_body_in_gzip_is_read(client: FlaskClient, encoding: str) -> None:
    body = b'{"inputs": "Rome is old"}'
    sent = body if encoding == "identity" else gzip.compress(body)
    headers = {"Content-Encoding": encoding}
    response = client.post("/v1/tag", data=sent, content_type=JSON, headers=headers)
    assert response.json == client.post("/v1/tag", data=body, content_type=JSON).json


def test_a_body_is_never_decompressed_beyond_the_limit(client: FlaskClient, check_problem: Any) -> None:
    headers = {"Content-Encoding": "gzip"}
    for size, status in ((2000, 200), (2001, 413)):
        body = gzip.compress(b'{"inputs": "x"}'.ljust(size))
        response = client.post("/v1/tag", data=body, content_type=JSON, headers=headers)
        assert response.status_code == status
    bomb = zlib.compressobj(level=9, wbits=31)
    # a gigabyte of blanks, which this process could not hold many times
    body = b"".join(bomb.compress(b" " * 10**6) for _ in range(1000)) + bomb.flush()
    app = create_app(ServiceConfig(limits=Limits(body_bytes=2 * len(body)), access_log=False), {})
    tracemalloc.start()
    response = app.test_client().post("/v1/explain", data=body, content_type=JSON, headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    check_problem(response, 413, f"at most {2 * len(body)} bytes")
    assert peak < 20 * len(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": "x"}',
        gzip.compress(b'{"inputs": "x"}')[:-1],
        gzip.compress(b'{"inputs": "x"}') + b"more",
        zlib.compress(b'{"inputs": "x"}'),
        b"",
    ],
    ids=["plain", "cut short", "followed by more", "zlib", "nothing"],
)
def test_what_is_not_gzip_is_400(client: FlaskClient, check_problem: Any, body: bytes) -> None:
    headers = {"Content-Encoding": "gzip"}
    check_problem(client.post("/v1/tag", data=body, content_type=JSON, headers=headers), 400, "gzip")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_another_compression_is_415(client: FlaskClient, check_problem: Any, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    response = client.post("/v1/tag", data=b'{"inputs": "x"}', content_type=JSON, headers=headers)
    check_problem(response, 415, "may be gzip")


class FaultyTagger(WindowTagger):
    """A tagger with a bug that shows when the service is up already."""

    def tag(self, sentences: Any, every: bool = False) -> Any:
        if sentences != [["warm"]]:
            raise RuntimeError("secret")
        return super().tag(sentences, every)


@pytest.fixture(scope="module")
def faulty(tagger: WindowTagger, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    saved = tmp_path_factory.mktemp("models") / "saved"
    tagger.save(saved)
    return create_app(ServiceConfig(access_log=False), {"x": FaultyTagger.load(saved)}).test_client()


@pytest.mark.parametrize("kind", [JSON, "application/x-ndjson"])
def test_a_bug_is_500_and_tells_nothing_of_the_inside(
    faulty: FlaskClient, check_problem: Any, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    response = faulty.post("/v1/tag", data=b'{"inputs": "x"}', content_type=kind)
    check_problem(response, 500, "its log has more")
    assert "secret" not in response.text and "Traceback" not in response.text
    assert "secret" in caplog.text
    assert response.headers["X-Request-ID"] in caplog.text


def test_the_id_that_a_request_brings_is_in_its_error(client: FlaskClient, check_problem: Any) -> None:
    response = client.get("/nothing", headers={"X-Request-ID": "my-id"})
    check_problem(response, 404, "")
    assert response.headers["X-Request-ID"] == "my-id"
