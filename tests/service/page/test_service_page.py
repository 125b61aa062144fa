"""The page in a real browser: tagging as one types, explaining, comparing."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.slow  # processes and a browser

TEXT = "museums in Paris are amazing\n\n  Rome is old ,  New  York too"
STRANGE = [
    "👩‍👩‍👧 museums in Paris 🇫🇷 are amazing",
    "Cafe\u0301 in Paris , e\u0301te\u0301 in Rome",
    "שלום museums in Paris are amazing مرحبا بالعالم",
    "Paris\u00a0is \U0001d4d0 \ufeff﷽ \t tab in  Rome \n\n\n",
    "museums in Paris are http://a.org/?a=1&copy=2&lt=3 one word, which HTML would read as another",
    "<script>window.hacked = 1</script> <img src=x onerror='window.hacked=1'> &amp; Paris",
]

Shown = Callable[..., str]
Tag = Callable[[Page, str], None]
OpenPage = Callable[..., Page]


def word(page: Page, text: str, pane: int = 0) -> Locator:
    token = page.locator(".tagged").nth(pane).locator(".token")
    return token.filter(has=page.locator(".word", has_text=re.compile(f"^{re.escape(text)}≠?$"))).first


def entities(page: Page, pane: int = 0) -> list[str]:
    return page.locator(".tagged").nth(pane).locator(".entity").all_inner_texts()


# -- tagging --------------------------------------------------------------------------------------------


def test_entities_are_highlighted_while_one_types(open_page: OpenPage, service: Any, shown: Shown) -> None:
    page = open_page(service)
    page.locator("#text").fill("")
    expect(page.locator(".tagged")).to_be_empty()
    page.locator("#text").press_sequentially("museums in Paris", delay=30)
    expect(page.locator(".entity")).to_have_count(1)
    page.locator("#text").press_sequentially(" are amazing\n\n  Rome is old ,  New  York", delay=10)
    expect(page.locator(".entity")).to_have_count(3)
    found = service.ask("/v1/tag", page.locator("#text").input_value())["entities"]
    assert [text.replace("\n", "") for text in entities(page)] == [
        f"{e['word']}{e['entity_group']}" for e in found
    ]
    assert shown(page) == page.locator("#text").input_value()
    expect(page.locator("#status")).to_have_text("11 words, 3 entities")


def test_the_last_text_wins_whatever_is_answered_last(
    open_page: OpenPage, service: Any, tag: Tag, shown: Shown
) -> None:
    page = open_page(service)
    expect(page.locator(".token").first).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "slow" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/v1/tag", hold)
    with page.expect_event("requestfailed") as ended:
        with page.expect_request("**/v1/tag"):
            page.locator("#text").fill("slow Paris")
        tag(page, "quick Rome")
    assert ended.value.failure == "net::ERR_ABORTED"
    answer = {"model": "frozen", "results": [service.ask("/v1/tag", "slow Paris")]}
    held[0].fulfill(json=answer)
    page.wait_for_timeout(300)
    assert shown(page) == "quick Rome"


@pytest.mark.parametrize("text", STRANGE)
def test_words_stand_where_the_service_counts_them(
    open_page: OpenPage, service: Any, tag: Tag, shown: Shown, text: str
) -> None:
    page = open_page(service)
    tag(page, text)
    result = service.ask("/v1/tag", text)
    assert page.locator(".word").all_text_contents() == [token["text"] for token in result["tokens"]]
    assert page.locator(".entity").count() == len(result["entities"]) > 0
    assert shown(page) == text
    assert page.locator(".tagged script, .tagged img").count() == 0
    word(page, "Paris").click()
    expect(page.locator(".explanation .word")).to_have_text("Paris")
    assert page.evaluate("window.hacked") is None


def test_half_a_surrogate_pair_becomes_a_replacement_character(
    open_page: OpenPage, service: Any, shown: Shown
) -> None:
    page = open_page(service)
    page.locator("#text").evaluate(
        "area => { area.value = 'Paris \\ud83d'; area.dispatchEvent(new Event('input')); }"
    )
    expect(page.locator(".tagged")).to_contain_text("Paris")
    expect(page.locator(".tagged")).to_contain_text("\ufffd")
    assert shown(page) == "Paris \ufffd"


def test_twenty_thousand_characters_stay_usable(open_page: OpenPage, service: Any, shown: Shown) -> None:
    page = open_page(service)
    expect(page.locator(".token").first).to_be_visible()
    text = (TEXT.replace("\n", " ") + " . ") * 400
    text = text[:20_000]
    page.evaluate(
        """() => {
          window.longest = 0;
          new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
          }).observe({ entryTypes: ["longtask"] });
        }"""
    )
    page.locator("#text").fill(text)
    expect(page.locator(".token").nth(4000)).to_be_attached()
    assert shown(page) == text
    page.locator("#text").press("Control+End")
    page.locator("#text").press_sequentially("xyzzy Paris", delay=20)
    expect(page.locator(".token").last).to_have_text("Paris")
    word(page, "Paris").click()
    expect(page.locator(".explanation .word")).to_have_text("Paris")
    # About 150 ms in a quiet moment, of 2 cores. Time that grows with the square of the length would be over.
    assert page.evaluate("window.longest") < 2000


# -- explaining -----------------------------------------------------------------------------------------


def check_explanation(page: Page, expected: dict[str, Any], nth: int = 0) -> None:
    """Compare what is shown of a word with the service's explanation of it, the lengths of bars too."""
    article = page.locator(".explanation").nth(nth)
    names = ["(boundary)" if place["text"] is None else place["text"] for place in expected["window"]]
    assert article.locator(".window li").all_inner_texts() == names
    labels = article.locator(".labels tbody tr")
    assert labels.locator("th").all_inner_texts() == [top["label"] for top in expected["top"]]
    assert labels.locator("data").evaluate_all("all => all.map((d) => Number(d.value))") == [
        top["score"] for top in expected["top"]
    ]
    assert labels.locator("data").all_inner_texts() == [
        f"{100 * top['score']:.1f} %" for top in expected["top"]
    ]
    pushes = article.locator(".pushes tbody tr")
    assert pushes.locator("th").all_inner_texts() == names
    values = [place["contribution"] for place in expected["window"]]
    assert pushes.locator("data").evaluate_all("all => all.map((d) => Number(d.value))") == values
    assert [t[0] for t in pushes.locator("data").all_inner_texts() if t != "0.00"] == [
        "−" if v < 0 else "+" for v in values if f"{abs(v):.2f}" != "0.00"
    ]
    boxes = pushes.locator(".bar").evaluate_all(
        """bars => bars.map((bar) => {
          const [track, filled] = [bar.getBoundingClientRect(), bar.firstChild.getBoundingClientRect()];
          const middle = (track.left + track.right) / 2;
          return [(filled.left - middle) / track.width * 2, (filled.right - middle) / track.width * 2];
        })"""
    )
    largest = max(map(abs, values))
    for (left, right), value in zip(boxes, values, strict=True):
        assert (left, right) == pytest.approx((min(value, 0) / largest, max(value, 0) / largest), abs=0.03)
    gain = expected["score"] - expected["empty_score"]
    assert f"{abs(gain):.2f}" in article.locator(".sum").inner_text()


def test_a_clicked_word_shows_its_window_runners_up_and_contributions(
    open_page: OpenPage, service: Any, tag: Tag
) -> None:
    page = open_page(service, reduced_motion="reduce")
    tag(page, TEXT)
    for name, sentence in [("Paris", "museums in Paris are amazing"), ("Rome", "Rome is old , New York too")]:
        word(page, name).click()
        expect(page.locator(".explanation .word")).to_have_text(name)
        explained = service.ask("/v1/explain", [sentence.split()], top=4)["tokens"]
        (expected,) = [token for token in explained if token["text"] == name]
        check_explanation(page, expected)
        expect(word(page, name)).to_have_attribute("aria-current", "true")
    assert page.locator(".window .boundary").all_inner_texts() == ["(boundary)", "(boundary)"]


def test_an_explanation_follows_the_text_and_goes_with_its_word(
    open_page: OpenPage, service: Any, tag: Tag
) -> None:
    page = open_page(service)
    tag(page, "museums in Paris are amazing")
    word(page, "Paris").click()
    expect(page.locator(".window li").nth(3)).to_have_text("are")
    tag(page, "museums in Paris were old")
    expect(page.locator(".window li").nth(3)).to_have_text("were")
    tag(page, "museums in Rome were old")
    expect(page.locator(".explanation")).to_have_count(0)


def test_everything_can_be_done_with_the_keyboard(open_page: OpenPage, service: Any, tag: Tag) -> None:
    page = open_page(service)
    tag(page, TEXT)
    page.locator("#text").focus()

    def focused() -> str:
        text: str = page.evaluate(
            "(document.activeElement.dataset.index ?? '') + document.activeElement.textContent"
        )
        return text

    stops = []
    while not focused().startswith("0museums"):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
        assert len(stops) < 10, stops
    assert stops[:3] == ["frozen", "compare", "other"]
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert focused() == "2Paris"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.locator('.token[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    expect(page.locator(".explanation .word")).to_have_text("Paris")
    expect(page.locator("#announcement")).to_contain_text("Paris: B-LOC")
    page.keyboard.press("ArrowDown")
    assert focused() in {"7old", "6is", "8,"}  # what is below Paris
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    assert focused() == "11too"
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    expect(page.locator(".explanation .word")).to_have_text("museums")
    page.keyboard.press("Escape")
    expect(page.locator(".explanation")).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#announcement")).to_have_text("Copied as JSON")


# -- models ---------------------------------------------------------------------------------------------


def test_a_switch_between_models_tags_the_text_anew(open_page: OpenPage, service: Any, tag: Tag) -> None:
    page = open_page(service)
    tag(page, TEXT)
    expect(page.locator(".entity")).to_have_count(3)
    page.get_by_role("radio", name="tuned").check()
    expect(page.locator(".entity")).to_have_count(2)
    page.get_by_role("radio", name="classes").check()
    tokens = service.ask("/v1/tag", TEXT, model="classes")["tokens"]
    expect(page.locator(".tag")).to_have_text([token["label"] for token in tokens])
    expect(page.locator(".entity")).to_have_count(0)


def test_two_models_stand_side_by_side_and_differing_words_are_marked(
    open_page: OpenPage, service: Any, tag: Tag, shown: Shown
) -> None:
    page = open_page(service, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    tag(page, TEXT)
    page.get_by_role("switch").check()
    expect(page.locator(".pane h2")).to_have_text(["frozen", "tuned"])
    answers = [service.ask("/v1/tag", TEXT, model=model)["tokens"] for model in ("frozen", "tuned")]
    differing = [one["text"] for one, other in zip(*answers, strict=True) if one["label"] != other["label"]]
    assert "Rome" in differing and "Paris" not in differing
    for pane in (0, 1):
        expect(page.locator(".tagged").nth(pane).locator(".differs")).to_have_text(
            [f"{w}≠" for w in differing]
        )
        assert shown(page, pane) == TEXT
    left, right = (page.locator(".pane").nth(i).bounding_box() for i in (0, 1))
    assert left and right and left["y"] == right["y"] and left["x"] + left["width"] < right["x"]
    expect(page.locator("#status")).to_have_text(f"{len(differing)} of 12 words differ, marked ≠")
    expect(word(page, "Rome")).to_have_attribute("aria-label", re.compile("the other model says O$"))

    word(page, "Rome", pane=1).click()
    expect(page.locator(".explanation .of-model")).to_have_text(["frozen", "tuned"])
    for i, model in enumerate(("frozen", "tuned")):
        explained = service.ask("/v1/explain", ["Rome is old , New York too".split()], model=model, top=4)
        check_explanation(page, explained["tokens"][0], nth=i)

    page.locator("#other").select_option("classes")
    expect(page.locator(".tag")).to_have_count(12)
    expect(page.locator(".differs")).to_have_count(0)
    expect(page.locator("#status")).to_contain_text("different labels")
    page.get_by_role("switch").uncheck()
    expect(page.locator(".pane")).to_have_count(1)


def test_the_models_are_described(open_page: OpenPage, service: Any) -> None:
    page = open_page(service)
    page.get_by_text("About the models").click()
    for model in service.client.get("/v1/models").json["models"]:
        account = page.locator("#about section").filter(has=page.get_by_role("heading", name=model["name"]))
        expect(account).to_contain_text(model["version"])
        expect(account).to_contain_text(", ".join(model["labels"]))
    link = page.get_by_role("link", name="OpenAPI").get_attribute("href")
    assert service.client.get(f"/{link}").json["openapi"].startswith("3.1")
