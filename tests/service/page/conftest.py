"""A real browser, and a real server with three small models for it."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from windowclf import Config, WindowTagger
from windowclf.vectors import WordVectors
from windowclf_service.app import create_app
from windowclf_service.config import Limits, ServiceConfig

Labelled = tuple[list[list[str]], list[list[str]]]

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
# what is shown of a text: without the labels that stand in it
PLAIN = """element => {
  const copy = element.cloneNode(true);
  for (const label of copy.querySelectorAll(".kind, .tag, .unequal")) label.remove();
  return copy.textContent;
}"""

expect.set_options(timeout=15_000)  # milliseconds: the machine may be busy


def _find_chromium() -> str:
    """Return the browser's program; without one, skip, or fail where all must run."""
    candidates = [os.environ.get("WINDOWCLF_CHROMIUM"), *map(shutil.which, PROGRAMS)]
    for program in candidates:
        if program:
            return program
    message = (
        "NO BROWSER, SO THE PAGE IS NOT TESTED: apt-get install chromium, or name the program in "
        "WINDOWCLF_CHROMIUM (`playwright install` is not needed)"
    )
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; a module's own, as the event loop behind it must be gone before other tests run."""
    program = _find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Service:
    """A service that runs, and a client that asks its application directly."""

    url: str
    client: FlaskClient

    def ask(self, path: str, inputs: object, **parameters: object) -> dict[str, Any]:
        """Return what the service answers to one input."""
        body = {"inputs": inputs, "parameters": parameters}
        response = self.client.post(path, json=body)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json["results"][0]  # type: ignore[index]
        return found


@contextmanager
def _serve(taggers: Mapping[str, WindowTagger], config: ServiceConfig) -> Iterator[Service]:
    """Serve on a free port of this machine."""
    app = create_app(config, taggers)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Service(f"http://127.0.0.1:{server.server_port}", app.test_client())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Service]]:
    """Return what serves models, under a configuration of the test's own."""
    return _serve


@pytest.fixture(scope="session")
def taggers(
    tagger: WindowTagger, config: Config, vectors: WordVectors, corpus: Labelled
) -> dict[str, WindowTagger]:
    """Two that mark places, of which the second knows no Rome, and one that labels every word."""
    sentences, labels = corpus
    other = [
        ["O" if word == "Rome" else label for word, label in zip(words, names, strict=True)]
        for words, names in zip(sentences, labels, strict=True)
    ]
    classes = [["PUNCT" if word in ",." else f"C{len(word)}" for word in words] for words in sentences]
    return {
        "frozen": tagger,
        "tuned": WindowTagger(config, vectors=vectors, tuning="tuned").fit(sentences, other),
        "classes": WindowTagger(config, vectors=vectors).fit(sentences, classes),
    }


@pytest.fixture(scope="module")
def service(taggers: dict[str, WindowTagger]) -> Iterator[Service]:
    config = ServiceConfig(limits=Limits(characters=100_000), access_log=False)
    with _serve(taggers, config) as service:
        yield service


@dataclass
class _Seen:
    """What a page did that it should not have."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Return what opens the page; at the end no script, policy or foreign request may have gone wrong.

    Chromium reports every refused request as an error; a test that wants some says `refusals=True`.
    """
    opened: list[tuple[Page, str, bool, _Seen]] = []

    def open_page(service: Service, *, refusals: bool = False, **options: Any) -> Page:
        context = browser.new_context(**options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        seen = _Seen()
        page.on("console", lambda m: seen.errors.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        opened.append((page, service.url, refusals, seen))
        page.goto(service.url)
        return page

    yield open_page
    for page, url, refusals, seen in opened:
        page.unroute_all(behavior="ignoreErrors")
        page.context.close()
        errors = [e for e in seen.errors if not (refusals and e.startswith("Failed to load resource"))]
        assert errors == []
        assert [request for request in seen.requests if not request.startswith(url)] == []


def _shown(page: Page, pane: int = 0) -> str:
    text: str = page.locator(".tagged").nth(pane).evaluate(PLAIN)
    return text


@pytest.fixture
def shown() -> Callable[..., str]:
    """Return what reads the text of a pane, without the labels in it."""
    return _shown


@pytest.fixture
def tag() -> Callable[[Page, str], None]:
    """Return what puts a text into the page, and waits until the first pane shows it."""

    def tag(page: Page, text: str) -> None:
        page.locator("#text").fill(text)
        for _ in range(300):
            if _shown(page) == text:
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"not shown: {text[:200]!r}, but {_shown(page)[:200]!r}")

    return tag
