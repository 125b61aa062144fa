"""What the benchmarks write into pages, and that the page on performance says what their records say."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import growth
import growth_page
import pages
import start_up

PAGE = pages.PERFORMANCE.read_text(encoding="utf-8")


def record_of(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def test_the_page_has_the_growth_of_its_record() -> None:
    assert pages.marked(PAGE, "growth") == growth_page.tables(record_of(growth.RECORD))


def test_the_plot_shows_the_slopes_of_the_record() -> None:
    plot = growth.PLOT.read_text(encoding="utf-8")
    for series in record_of(growth.RECORD)["series"]:
        for quantity in growth_page.TITLES:
            of_kind = growth_page.medians(series, quantity)
            slope = growth_page.slope(list(of_kind), list(of_kind.values()))
            assert f"{series['task']}, slope {slope:.2f}" in plot


def test_the_page_has_the_start_up_times_of_their_record() -> None:
    assert pages.marked(PAGE, "start-up") == start_up.table(record_of(start_up.RECORD))


def test_the_page_is_true_to_its_aims() -> None:
    record = record_of(start_up.RECORD)
    assert record["vectors"] == start_up.N_VECTORS
    assert {name: median(record["seconds"][name]) <= limit for name, limit in start_up.AT_MOST.items()} == {
        start_up.HELP: True,
        start_up.FIRST_LABEL: True,
    }


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (0.012345, "0.0123"),
        (0.1, "0.100"),
        (1, "1.00"),
        (9.999, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (123.4, "123"),
        (1234.5, "1,230"),
        (1_234_567, "1,230,000"),
    ],
)
def test_three_digits_count(value: float, text: str) -> None:
    assert pages.three_digits(value) == text


def test_a_table_is_markdown_with_its_figures_to_the_right() -> None:
    assert pages.markdown_table(["a", "b"], [["x", 1], ["y", 2]]) == (
        "| a | b |\n| --- | ---: |\n| x | 1 |\n| y | 2 |"
    )


def test_what_stands_between_marks_is_replaced_and_nothing_else() -> None:
    page = "a\n<!-- x -->\nold\n<!-- end of x -->\nold\n<!-- y -->\n<!-- end of y -->\n"
    replaced = pages.replace_marked(page, "x", "new\nlines")
    assert replaced == page.replace("<!-- x -->\nold", "<!-- x -->\nnew\nlines")
    assert pages.marked(replaced, "x") == "new\nlines"
    assert pages.replace_marked(replaced, "x", "old") == page


def test_empty_marks_are_filled() -> None:
    assert pages.replace_marked("<!-- y -->\n<!-- end of y -->\n", "y", "z") == (
        "<!-- y -->\nz\n<!-- end of y -->\n"
    )


@pytest.mark.parametrize("page", ["", "<!-- x -->\n", "<!-- end of x -->", "<!-- y -->\n\n<!-- end of y -->"])
def test_a_page_without_the_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="<!-- x -->"):
        pages.replace_marked(page, "x", "text")
