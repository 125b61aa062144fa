"""Who may ask the service, from where, and what browsers are told."""

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from windowclf import WindowTagger
from windowclf.errors import ConfigError
from windowclf_service.app import create_app
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig

KEYS = ("the-first-of-two-keys", "the-second-of-two-keys")
ORIGIN = "https://example.org"


def make_client(tagger: WindowTagger, **config: tuple[str, ...]) -> FlaskClient:
    return create_app(ServiceConfig(access_log=False, **config), {"places": tagger}).test_client()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def client(tagger: WindowTagger) -> FlaskClient:
    """A service with keys, for pages of one origin."""
    return make_client(tagger, keys=KEYS, origins=(ORIGIN, "http://localhost:3000"))


@pytest.fixture(scope="module")
def open_client(tagger: WindowTagger) -> FlaskClient:
    """A service without keys, for no other origin."""
    return make_client(tagger)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# -- keys -----------------------------------------------------------------------------------------------

OPEN = [
    "/",
    "/page/page.css",
    "/openapi.json",
    "/metrics",
    "/v2",
    "/v2/",
    "/v2/health/live",
    "/v2/health/ready",
]
CLOSED = {
    "/v1/models": 200,
    "/v1/tag": 405,
    "/v2/models/places": 200,
    "/v2/models/places/ready": 200,
    "/v2/models/places/infer": 405,
    "/v1": 404,
    "/v1/": 404,
    "/v1/nothing": 404,
    "/v1//tag": 404,
    "//v1/models": 404,
    "///v2/models/places": 404,
    "/v2/healthy": 404,
}


@pytest.mark.parametrize("path", OPEN)
def test_what_needs_no_key(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.get(path, headers=bearer("wrong")).status_code == 200


@pytest.mark.parametrize(("path", "status"), CLOSED.items())
def test_what_needs_a_key_even_if_it_is_not_there(client: FlaskClient, path: str, status: int) -> None:
    assert ask(client, path).status_code == 401
    assert ask(client, path, KEYS[0]).status_code == status


def ask(client: FlaskClient, path: str, key: str | None = None) -> TestResponse:
    """Ask for a path as it stands; the client would take what follows two slashes for a host."""
    return client.get(environ_overrides={"PATH_INFO": path}, headers={} if key is None else bearer(key))


@pytest.mark.parametrize("path", ["/v1%2Fmodels", "/%76%31/models", "/v2/models%2Fplaces"])
def test_escapes_hide_no_path(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer(KEYS[0])).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {KEYS[0]}",
        f"Bearer {KEYS[1]}",
        f"bearer {KEYS[1]}",
        f"BEARER  {KEYS[1]} ",
    ],
)
def test_each_key_opens(client: FlaskClient, authorization: str) -> None:
    body = {"inputs": "Rome is old"}
    assert client.post("/v1/tag", json=body, headers={"Authorization": authorization}).status_code == 200


MISSING = 'Bearer realm="windowclf"'
WRONG = 'Bearer realm="windowclf", error="invalid_token"'


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, MISSING),
        ("", MISSING),
        ("Bearer", MISSING),
        ("Bearer ", MISSING),
        (KEYS[0], MISSING),
        (f"Basic {KEYS[0]}", MISSING),
        (f"Token {KEYS[0]}", MISSING),
        ("Bearer wrong", WRONG),
        (f"Bearer {KEYS[0][:-1]}", WRONG),
        (f"Bearer {KEYS[0]}{KEYS[1]}", WRONG),
        (f"Bearer {KEYS[0]},Bearer {KEYS[1]}", WRONG),
        ("Bearer é\xff", WRONG),
    ],
)
def test_anything_else_is_refused_and_told_how(
    client: FlaskClient, authorization: str | None, challenge: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.post("/v1/tag", json={"inputs": "Rome"}, headers=headers)
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers.getlist("WWW-Authenticate") == [challenge]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]  # type: ignore[index]
    assert not any(key in answer.text for key in KEYS)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_no_method_passes_without_a_key(client: FlaskClient, method: str) -> None:
    assert client.open("/v1/models", method=method).status_code == 401


def test_a_key_comes_before_the_body_and_before_a_place_in_flight(tagger: WindowTagger) -> None:
    config = ServiceConfig(keys=KEYS, access_log=False)
    app = create_app(config, {"places": tagger}, board=Board(in_flight_limit=0))
    looked_at: list[int] = []

    @app.teardown_request
    def look(_: BaseException | None) -> None:
        looked_at.append(request.environ["wsgi.input"].tell())

    client = app.test_client()
    malformed = {"data": "{", "content_type": "application/json"}
    assert client.post("/v1/tag", **malformed).status_code == 401
    assert looked_at == [0]
    full = client.post("/v1/tag", headers=bearer(KEYS[0]), **malformed)
    assert full.status_code == 429


def test_without_keys_the_service_is_open(open_client: FlaskClient) -> None:
    assert open_client.get("/v1/models").status_code == 200
    assert open_client.get("/v1/models", headers=bearer("any")).status_code == 200


# -- other origins --------------------------------------------------------------------------------------


def preflight(client: FlaskClient, origin: str, path: str = "/v1/tag") -> TestResponse:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.options(path, headers=headers)


def allowed(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name.startswith("Access-Control")}


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
def test_a_page_of_an_allowed_origin_may_ask(client: FlaskClient, origin: str) -> None:
    answer = preflight(client, origin)
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert allowed(answer) == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Request-ID",
        "Access-Control-Max-Age": "600",
        "Access-Control-Expose-Headers": "X-Request-ID, Retry-After",
    }
    answer = client.post("/v1/tag", json={"inputs": "Rome"}, headers={"Origin": origin} | bearer(KEYS[0]))
    assert answer.status_code == 200
    assert allowed(answer) == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "X-Request-ID, Retry-After",
    }


@pytest.mark.parametrize("path", ["/v1/models", "/v1/nothing", "/nothing"])
def test_it_may_read_errors_too(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Origin": ORIGIN})
    assert answer.status_code in (401, 404)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.org",
        "null",
        "",
        "https://example.org.evil.org",
        "http://example.org",
        f"{ORIGIN}:444",
        "*",
    ],
)
def test_no_other_origin_may(client: FlaskClient, origin: str) -> None:
    refused = preflight(client, origin)
    assert refused.status_code == 401
    assert allowed(refused) == {}
    answer = client.get("/v1/models", headers={"Origin": origin} | bearer(KEYS[0]))
    assert (answer.status_code, allowed(answer)) == (200, {})


def test_caches_are_told_that_answers_depend_on_the_origin(
    client: FlaskClient, open_client: FlaskClient
) -> None:
    for headers in ({}, {"Origin": ORIGIN}, {"Origin": "https://evil.org"}):
        assert "Origin" in client.get("/openapi.json", headers=headers).headers.getlist("Vary")
        assert "Origin" not in open_client.get("/openapi.json", headers=headers).headers.getlist("Vary")


def test_unless_origins_are_named_no_page_may(open_client: FlaskClient) -> None:
    assert allowed(preflight(open_client, ORIGIN)) == {}
    assert allowed(open_client.get("/v1/models", headers={"Origin": ORIGIN})) == {}


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "",
        "example.org",
        "https://",
        "https://example.org/",
        "https://Example.org",
        "https://*.org",
    ],
)
def test_what_is_no_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ConfigError, match=r"origins: not an origin; found .*; allowed: scheme://host or"):
        create_app(ServiceConfig(origins=(origin,)), {})


# -- headers --------------------------------------------------------------------------------------------

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def test_the_page_may_load_its_own_files_alone_and_stand_in_no_frame(open_client: FlaskClient) -> None:
    headers = open_client.get("/").headers
    assert headers.getlist("Content-Security-Policy") == [POLICY]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/page/page.css", "/page/page.js", "/page/icon.svg"])
def test_a_file_of_the_page_can_do_nothing_by_itself(open_client: FlaskClient, path: str) -> None:
    headers = open_client.get(path).headers
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/v1/models", "/v2/health/live", "/nothing", "/openapi.json", "/metrics"])
def test_answers_are_kept_by_no_cache_and_are_what_they_say(open_client: FlaskClient, path: str) -> None:
    headers = open_client.get(path).headers
    assert headers.getlist("Cache-Control") == ["no-store"]
    assert headers.getlist("X-Content-Type-Options") == ["nosniff"]


def test_a_route_that_says_how_it_may_be_kept_is_left_alone(tagger: WindowTagger) -> None:
    app: Flask = create_app(ServiceConfig(access_log=False), {"places": tagger})

    @app.get("/kept")
    def kept() -> tuple[str, dict[str, str]]:
        return "", {"Cache-Control": "max-age=60"}

    assert app.test_client().get("/kept").headers.getlist("Cache-Control") == ["max-age=60"]
