"""What the page copies: answers as JSON, requests as commands that are run here."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow  # processes and a browser

TEXT = "museums in Paris are amazing\n\n  Rome is old ,  New  York too"

OpenPage = Callable[..., Page]
Tag = Callable[[Page, str], None]


def copied(page: Page, button: str) -> str:
    page.locator("#announcement").evaluate("element => element.textContent = ''")
    page.get_by_role("button", name=button).click()
    expect(page.locator("#announcement")).to_have_text(re.compile("^Copied as (JSON|curl command)$"))
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_an_answer_is_copied_as_json(open_page: OpenPage, service: Any, tag: Tag) -> None:
    page = open_page(service)
    tag(page, TEXT)
    assert json.loads(copied(page, "Copy as JSON")) == {
        "model": "frozen",
        "results": [service.ask("/v1/tag", TEXT)],
    }


@pytest.fixture
def quoted_texts() -> Iterator[str]:
    """Texts that a shell or a terminal could take for something else."""
    return iter(
        [
            TEXT,
            "it's $HOME `id` $(id) \"Paris\" \\' ! # & ; | > /dev/null\n'\nEND\n\\",
            "👩‍👩‍👧 \x7f \x9b31m \u202e \u2028 \x1b[0m Paris",
            "in Paris 'END' " * 3000,
        ]
    )


def test_a_copied_curl_command_gets_the_same_answer(
    open_page: OpenPage, service: Any, tag: Tag, quoted_texts: Iterator[str]
) -> None:
    page = open_page(service)
    page.get_by_role("radio", name="tuned").check()
    for text in quoted_texts:
        tag(page, text)
        command = copied(page, "Copy as curl")
        assert command.startswith(f"curl -sS '{service.url}/v1/tag'")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", command)
        assert "Authorization" not in command
        # from standard input, as if pasted: a command of a program's own would have to be shorter
        ran = subprocess.run(["sh"], input=command.encode(), capture_output=True, check=True)
        answer = json.loads(ran.stdout)
        assert answer == {"model": "tuned", "results": [service.ask("/v1/tag", text, model="tuned")]}, (
            ran.stderr
        )


def test_without_a_clipboard_interface_copying_works_as_by_hand(
    open_page: OpenPage, service: Any, tag: Tag
) -> None:
    page = open_page(service)
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.reload()
    tag(page, TEXT)
    page.get_by_role("button", name="Copy as JSON").click()
    expect(page.locator("#announcement")).to_have_text("Copied as JSON")
    expect(page.get_by_role("button", name="Copy as JSON")).to_be_focused()
    page.locator("#text").press("Control+A")
    page.keyboard.press("Control+V")
    assert json.loads(page.locator("#text").input_value())["results"][0]["text"] == TEXT
