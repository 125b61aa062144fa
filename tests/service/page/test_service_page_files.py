"""The files of the page, as they are served."""

from importlib.resources import files

import pytest
from flask.testing import FlaskClient

pytestmark = pytest.mark.slow  # processes and a browser

ASSETS = sorted(
    f.name for f in files("windowclf_service").joinpath("page").iterdir() if f.name != "page.html"
)


def test_the_page_is_html_and_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    response = client.get("/")
    assert (response.status_code, response.content_type) == (200, "text/html; charset=utf-8")
    assert "//" not in response.text.replace("<!doctype html>", "")
    assert "style=" not in response.text


def test_every_file_beside_the_page_is_served_as_what_it_is(client: FlaskClient) -> None:
    types = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert len(ASSETS) >= 3
    for name in ASSETS:
        response = client.get(f"/page/{name}")
        assert response.status_code == 200, name
        assert response.content_type == f"{types[name.rpartition('.')[2]]}; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/page/page.css", "/page/page.js"])
def test_a_browser_that_has_a_file_is_told_so(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    changed = client.get(path, headers={"If-None-Match": '"another"'})
    assert (changed.status_code, changed.data) == (200, first.data)


@pytest.mark.parametrize(
    "path",
    ["page.html", "", "other.js", "../page.py", "..%2Fpage.py", "%2e%2e/app.py", "page.js/", "PAGE.JS"],
)
def test_nothing_else_is_served(client: FlaskClient, path: str) -> None:
    response = client.get(f"/page/{path}")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


def test_the_page_can_only_be_got(client: FlaskClient) -> None:
    response = client.post("/")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
