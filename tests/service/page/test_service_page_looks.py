"""How the page looks: contrast, small screens, motion; and the screenshots in docs/."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from windowclf import WindowTagger
from windowclf.corpus import ReadOptions, read_labelled
from windowclf_service.config import ServiceConfig

pytestmark = pytest.mark.slow  # processes and a browser

ROOT = Path(__file__).parents[3]
TEXT = "museums in Paris are amazing\nRome is old ,  New  York too"

OpenPage = Callable[..., Page]
Tag = Callable[[Page, str], None]
Scheme = Literal["light", "dark"]

# Each text that is shown, with its contrast to what is behind it (WCAG 2.2, "contrast ratio" and "relative
# luminance"). A canvas resolves every way to write a colour; backgrounds are laid over one another.
CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (rgb) => {
    const [r, g, b] = [...rgb].slice(0, 3).map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("option, script, noscript, .announcement")) continue;
    const behind = [];
    for (let e = element; e; e = e.parentElement) behind.unshift(getComputedStyle(e).backgroundColor);
    const background = luminance(paint(behind));
    const ink = luminance(paint([...behind, getComputedStyle(element).color]));
    const ratio = (Math.max(ink, background) + 0.05) / (Math.min(ink, background) + 0.05);
    found.push({ text: node.data.trim(), of: element.className, ratio });
  }
  return found;
}"""


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_against_what_is_behind_it(
    open_page: OpenPage, service: Any, tag: Tag, scheme: Scheme
) -> None:
    page = open_page(service, color_scheme=scheme, reduced_motion="reduce")
    tag(page, TEXT)
    page.get_by_text("About the models").click()
    page.get_by_role("switch").check()
    expect(page.locator(".differs").first).to_be_visible()
    page.locator(".token").nth(2).click()
    expect(page.locator(".explanation")).to_have_count(2)
    found = page.evaluate(CONTRASTS)
    page.locator("#other").select_option("classes")
    expect(page.locator(".tag").first).to_be_visible()
    found += page.evaluate(CONTRASTS)
    assert {"Paris", "LOC", "B-LOC", "≠", "C7", "PUNCT", "museums"} <= {text["text"] for text in found}
    assert [text for text in found if text["ratio"] < 4.5] == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", paper))
    assert (min(red, green, blue) > 200) if scheme == "light" else (max(red, green, blue) < 60)


def test_a_text_that_is_too_pale_would_be_found(open_page: OpenPage, service: Any, tag: Tag) -> None:
    page = open_page(service)
    tag(page, "Paris")
    page.locator(".word").evaluate("word => word.style.setProperty('color', 'rgb(130 120 110 / 90%)')")
    assert [text["text"] for text in page.evaluate(CONTRASTS) if text["ratio"] < 4.5] == ["Paris"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_errors_and_the_hint_can_be_read_too(
    open_page: OpenPage, service: Any, tag: Tag, scheme: Scheme
) -> None:
    page = open_page(service, refusals=True, color_scheme=scheme)
    tag(page, TEXT)
    page.route("**/v1/tag", lambda route: route.fulfill(status=401, json={"detail": "A key, please."}))
    page.evaluate("sessionStorage.setItem('windowclf.key', 'old')")
    page.locator("#text").fill("another")
    expect(page.locator("#key-form")).to_be_visible()
    found = page.evaluate(CONTRASTS)
    texts = " ".join(text["text"] for text in found)
    assert "A key, please." in texts and "Why this label?" in texts and "forgotten" in texts
    assert [text for text in found if text["ratio"] < 4.5] == []


def test_kinds_differ_by_hue_and_where_hues_repeat_by_underline(open_page: OpenPage, service: Any) -> None:
    page = open_page(service)
    expect(page.locator(".token").first).to_be_visible()
    styles = page.evaluate(
        """async () => {
          const { huesOf } = await import("/page/elements.js");
          const labels = Array.from({ length: 21 }, (_, i) => `L${i}`);
          return [...huesOf([{ labels }]).values()].map((names) => {
            const tag = document.createElement("span");
            tag.className = `tag ${names}`;
            document.querySelector(".tagged").append(tag);
            const { borderBottomColor, borderBottomStyle } = getComputedStyle(tag);
            return `${borderBottomColor} ${borderBottomStyle}`;
          });
        }"""
    )
    assert len(styles) == len(set(styles)) == 21
    assert len({style.rpartition(" ")[0] for style in styles}) == 7


def test_nothing_is_wider_than_a_screen_of_360_pixels(open_page: OpenPage, service: Any, tag: Tag) -> None:
    page = open_page(service, viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    tag(page, TEXT + " " + "W" * 400 + " in " + "_" * 200)
    assert overflow(page) <= 0
    page.get_by_text("About the models").click()
    page.get_by_role("switch").check()
    page.locator(".token").nth(2).click()
    expect(page.locator(".explanation")).to_have_count(2)
    assert overflow(page) <= 0
    page.locator(".tagged").first.locator(".token").last.click()
    expect(page.locator(".explanation .word").first).to_contain_text("___")
    assert overflow(page) <= 0
    page.locator("#other").select_option("classes")
    expect(page.locator(".tag").first).to_be_visible()
    assert overflow(page) <= 0


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_those_who_want_it_still(
    open_page: OpenPage, service: Any, tag: Tag, motion: Literal["reduce", "no-preference"]
) -> None:
    page = open_page(service, reduced_motion=motion)
    tag(page, TEXT)
    page.locator(".token").nth(2).click()
    expect(page.locator(".explanation")).to_be_visible()
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")]
          .flatMap((element) => [getComputedStyle(element), getComputedStyle(element, "::before")])
          .filter(({ transitionDuration, animationName, scrollBehavior }) =>
            parseFloat(transitionDuration) > 0 || animationName !== "none" || scrollBehavior === "smooth")
          .length"""
    )
    assert (moving == 0) == (motion == "reduce")


# -- docs/ ----------------------------------------------------------------------------------------------


def train_on_the_sample(tuning: Literal["frozen", "tuned"]) -> WindowTagger:
    """Train as `windowclf quickstart` does."""
    parts = []
    for part in ("train", "dev"):
        file = ROOT / "data" / "windowclf_data" / "sample" / f"{part}.conll"
        corpus = list(read_labelled(file, ReadOptions()))
        parts.append(([s.tokens for s in corpus], [s.labels or () for s in corpus]))
    return WindowTagger(vectors="glove-6b-50d-small", tuning=tuning).fit(*parts[0], dev=parts[1])


@pytest.mark.skipif(
    os.environ.get("WINDOWCLF_SCREENSHOTS") != "1",
    reason="writes docs/data/page-*.png if WINDOWCLF_SCREENSHOTS=1",
)
def test_screenshots_for_the_documentation(open_page: OpenPage, serve: Callable[..., Any]) -> None:
    models = {name: train_on_the_sample(name) for name in ("frozen", "tuned")}
    with serve(models, ServiceConfig(access_log=False)) as service:
        for name, width, height, scheme in [
            ("light", 1280, 860, "light"),
            ("dark", 1280, 860, "dark"),
            ("narrow", 360, 740, "light"),
            ("compare", 1280, 860, "light"),
        ]:
            page = open_page(
                service,
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            expect(page.locator(".entity").first).to_be_visible()
            if name == "compare":
                page.get_by_role("switch").check()
                expect(page.locator(".differs").first).to_be_visible()
            else:
                page.get_by_role("radio", name="tuned").check()
                expect(page.locator("h2").first).to_have_text("tuned")
                expect(page.locator(".token").first).to_be_visible()
            page.locator(".token").filter(has_text="Paris").first.click()
            expect(page.locator(".explanation").last).to_be_visible()
            page.locator("#text").evaluate("() => document.activeElement.blur()")
            page.evaluate("scrollTo(0, 0)")
            file = ROOT / "docs" / "data" / f"page-{name}.png"
            page.screenshot(path=file, full_page=name in ("narrow", "compare"))
            assert file.stat().st_size < 300_000
