"""The page when the service refuses: keys, limits, busy times, failures; each said in words."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from windowclf_service.config import Limits, ServiceConfig

pytestmark = pytest.mark.slow  # processes and a browser

OpenPage = Callable[..., Page]


def test_a_key_is_asked_for_kept_in_the_tab_and_never_copied(
    open_page: OpenPage, serve: Callable[..., Any], taggers: Any
) -> None:
    config = ServiceConfig(keys=("open-sesame",), access_log=False)
    with serve(taggers, config) as service:
        page = open_page(service, refusals=True)
        expect(page.get_by_label("This service asks for a key")).to_be_focused()
        expect(page.locator("#problem")).to_be_hidden()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("status 401")
        page.locator("#key").fill("open-sesame")
        page.get_by_role("button", name="Use key").click()
        expect(page.locator(".token").first).to_be_visible()
        expect(page.locator("#key-form")).to_be_hidden()
        expect(page.locator("#problem")).to_be_hidden()

        page.reload()
        expect(page.locator(".token").first).to_be_visible()
        page.locator(".token").first.click()
        expect(page.locator(".explanation")).to_be_visible()
        page.get_by_role("button", name="Copy as curl").click()
        expect(page.locator("#announcement")).to_have_text("Copied as curl command")
        command = page.evaluate("navigator.clipboard.readText()")
        assert "-H 'Authorization: Bearer YOUR_KEY'" in command
        assert "sesame" not in command
        assert page.evaluate("localStorage.length + document.cookie.length") == 0


def test_a_text_over_the_limit_is_refused_in_words_with_the_request_id(
    open_page: OpenPage, serve: Callable[..., Any], taggers: Any
) -> None:
    config = ServiceConfig(limits=Limits(characters=500), access_log=False)
    with serve(taggers, config) as service:
        page = open_page(service, refusals=True)
        expect(page.locator(".token").first).to_be_visible()
        with page.expect_response(lambda response: response.status == 422) as refused:
            page.locator("#text").fill("x" * 501)
        problem = refused.value.json()
        expect(page.get_by_role("alert")).to_have_text(
            re.compile(
                rf"{re.escape(problem['detail'])} \(status 422 at .*, request {problem['request_id']}\)"
            )
        )
        page.locator("#text").fill("Paris is old")
        expect(page.locator("#problem")).to_be_hidden()
        expect(page.locator(".word")).to_have_text(["Paris", "is", "old"])


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(open_page: OpenPage, service: Any, status: int) -> None:
    page = open_page(service, refusals=True)
    expect(page.locator(".token").first).to_be_visible()
    asked: list[str] = []

    def refuse_once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=status, headers={"Retry-After": "1"}, json={"detail": "Too many."})
        else:
            route.continue_()

    page.route("**/v1/tag", refuse_once)
    page.locator("#text").fill("museums in Rome")
    expect(page.locator("#status")).to_have_text("The service is busy; asking again in 1 second.")
    expect(page.locator(".word")).to_have_text(["museums", "in", "Rome"])
    assert len(asked) == 2


def test_a_service_that_cannot_be_reached_is_tried_again_on_request(
    open_page: OpenPage, service: Any
) -> None:
    page = open_page(service, refusals=True)
    expect(page.locator(".token").first).to_be_visible()
    page.route("**/v1/tag", lambda route: route.abort())
    page.locator("#text").fill("museums in Rome")
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    page.unroute("**/v1/tag")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".word")).to_have_text(["museums", "in", "Rome"])
    expect(page.locator("#problem")).to_be_hidden()


def test_an_error_page_of_a_proxy_is_reported_by_its_status(open_page: OpenPage, service: Any) -> None:
    page = open_page(service, refusals=True)
    expect(page.locator(".token").first).to_be_visible()
    page.route("**/v1/explain", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    page.locator(".token").first.click()
    expect(page.get_by_role("alert")).to_contain_text("The service gave no reason. (status 502)")
