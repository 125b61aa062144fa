"""The report of the tuning study: whole, the same each time, and nothing in it but what the results say."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from study_example import made_up_study
from windowclf.errors import WindowClfError
from windowclf.runs import (
    StudyResults,
    check_report,
    draw_carrying,
    draw_differences,
    draw_drift,
    draw_learning_curves,
    study_tables,
)
from windowclf.runs.study.report import study_html
from windowclf.runs.study.results import ProjectedWord

pytestmark = pytest.mark.slow  # most figures are drawn by each of the tests

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta"}
ODD_WORDS = ("<b>", "a&b", '"quoted"', "$x$", "]]>", "--", "電視", "long" * 30)


class Page(HTMLParser):
    """A page that was read: every element's name and attributes, all text, and the text of table cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.cells: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.add(data)

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.elements}


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return made_up_study()


@pytest.fixture(scope="module")
def page(results: StudyResults) -> str:
    return study_html(results)


def texts(svg: str) -> list[str]:
    """Return what stands in a figure."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_every_element_is_closed_and_nothing_is_loaded_or_run(page: str) -> None:
    read = Page(page)
    assert read.open == []
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
    assert not read.names & {"script", "link", "img", "iframe", "image", "object", "base"}
    assert "//" not in page and "@import" not in page
    for name, attributes in read.elements:
        assert not {"src", "onload", "onclick", "data"} & set(attributes), name


def test_ids_are_unique_and_each_reference_has_one(page: str) -> None:
    found = [attributes["id"] for _, attributes in Page(page).elements if "id" in attributes]
    assert len(found) == len(set(found)) > 100
    references = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', page)
    assert references and {a or b for a, b in references} <= set(found)


def test_every_figure_has_a_label_for_those_who_do_not_see_it(page: str, results: StudyResults) -> None:
    figures = [attributes for name, attributes in Page(page).elements if name == "svg"]
    assert len(figures) == 3 + len(results.sizes)
    assert all(figure["role"] == "img" and figure["aria-label"] for figure in figures)


def test_the_verdict_comes_first_and_nothing_is_shown_as_markup() -> None:
    verdict = ("Tuning <b>harms</b> & strands.", "Frozen > tuned.")
    page = study_html(made_up_study(corpus='<i>&"odd"', words=ODD_WORDS, verdict=verdict, sizes=("1000",)))
    read = Page(page)
    assert not read.names & {"b", "i"}
    places = [read.text.index(part) for part in ("Verdict", *verdict, "What was compared")]
    assert places == sorted(places)
    for shown in ('<i>&"odd":a', '<i>&"odd"-vectors', *ODD_WORDS[:-1]):
        assert shown in read.cells or shown in read.text
    assert set(ODD_WORDS) <= read.cells


def test_the_same_results_make_the_same_bytes_in_every_process() -> None:
    page = study_html(made_up_study(sizes=("1000",)))
    code = (
        "import sys; from study_example import made_up_study\n"
        "from windowclf.runs.study.report import study_html\n"
        "sys.stdout.buffer.write(study_html(made_up_study(sizes=('1000',))).encode())"
    )
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(Path(__file__).parent),
            "SOURCE_DATE_EPOCH": seed,
        }
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        assert done.stdout.decode() == page


def test_the_tables_of_the_terminal_are_of_the_results(results: StudyResults) -> None:
    scores, tests = study_tables(results)
    assert [row[0] for row in scores.rows] == list(results.modes)
    tuned, point = scores.rows[1], results.point("10000", "tuned")
    assert point.low is not None
    assert scores.columns[2] == "10,012 words" and scores.columns[4] == "204,607 words (all)"
    assert tuned[2] == f"{100 * point.mean:.2f} ± {100 * (point.mean - point.low):.2f}"
    assert len(tests.rows) == len(results.tests) == 32
    for row, test in zip(tests.rows, results.tests, strict=True):
        rates = [f"{100 * value:+.2f}" for value in (test.gap.difference, test.gap.low, test.gap.high)]
        p_values = [f"{p:.4f}" for p in (test.p_value, test.corrected, test.seeds_p_value) if p is not None]
        assert [*row[1:]] == [test.mode, *rates, *p_values, "yes" if test.is_clear else "no"]
    assert {row[-1] for row in tests.rows} == {"yes", "no"}


def test_the_page_says_what_the_results_say(page: str, results: StudyResults) -> None:
    read = Page(page)
    for table in study_tables(results):
        assert {table.title, *table.columns} <= read.cells | {table.title}
        assert table.title in read.text
        assert {cell for row in table.rows for cell in row} <= read.cells
    for point in results.points:
        assert {f"{100 * score:.2f}" for score in (*point.scores, *point.dev_scores)} <= read.cells
        for group, slices in point.slices.items():
            for part in slices.values():
                if part.count:
                    assert f"{100 * part.score:.2f}" in read.cells
                if part.count and part.gap:
                    gap = [100 * value for value in (part.gap.difference, part.gap.low, part.gap.high)]
                    assert "{:+.2f} ({:+.2f} to {:+.2f})".format(*gap) in read.cells, group
    for trial in results.carrying:
        assert {trial.method, f"{trial.strength:g}", f"{100 * trial.dev_score:.2f}"} <= read.cells
    for known in (results.train, results.dev, results.test, results.vectors):
        assert {known.name, known.sha256} <= read.cells
    assert {*results.versions, *results.versions.values(), *results.modes.values()} <= read.cells
    for said in (
        "Of 40,000 words, training read 20,123. 20,001 moved, the median by 0.27 of a",
        "12,345 that training never read were stranded",
        "tuned: of 612 labels 187 change, and 430 are right where 560 were; frozen: of 612 labels 101",
        'model.hidden = [128]\nmodel.window = 5\ntraining.learning_rate = 0.01\ntraining.note = "ewt"',
        "Sizes of the training data: 1,003 words, 10,012 words, 100,004 words, 204,607 words (all). At each",
        "every mode has a model of each of the seeds 0 to 9",
    ):
        assert said in read.text


def test_with_one_seed_there_are_no_intervals_of_the_mean() -> None:
    results = made_up_study(score="f1", seeds=1, modes=("frozen", "random"), sizes=("1000", "all"))
    scores, tests = study_tables(results)
    assert scores.title == "Entity F1 in per cent on ewt:c, by words of training"
    assert scores.rows[0][1] == f"{100 * results.points[0].mean:.2f}"
    assert {row[7] for row in tests.rows} == {"–"}
    read = Page(study_html(results))
    assert "a model of seed 0." in read.text and "of the mean over" not in read.text


def test_without_the_tuned_modes_there_is_neither_drift_nor_carrying() -> None:
    read = Page(study_html(made_up_study(modes=("frozen", "two-channel"), sizes=("1000",))))
    assert "What tuning did" not in read.text and "Carrying" not in read.text
    assert [name for name, _ in read.elements].count("svg") == 2


def test_a_drift_of_no_words_has_no_figure_and_no_tables() -> None:
    read = Page(study_html(made_up_study(words=(), sizes=("1000",))))
    assert "12,345 that training never read" in read.text
    assert not {"Moved furthest", "Stranded, worst first"} & {*read.text.splitlines()}
    assert "each replaced by" not in read.text and "drift-1000" not in str(read.elements)


def test_the_curves_have_a_panel_for_each_slice_that_has_words(results: StudyResults) -> None:
    panels = ["all words", "seen", "vector never read", "unseen with a vector"]
    shown = texts(draw_learning_curves(results))
    assert [text for text in shown if text in panels] == panels
    assert set(results.modes) <= set(shown)
    of_all = texts(draw_learning_curves(made_up_study(sizes=("all",), score="f1")))
    assert [text for text in of_all if text in {"all entities", *panels}] == ["all entities", *panels[1:]]


def test_in_the_figure_of_differences_clear_ones_are_filled() -> None:
    results = made_up_study(sizes=("1000",), modes=("frozen", "tuned"))
    (test,) = results.tests
    filled, hollow = (
        draw_differences(replace(results, tests=(replace(test, is_clear=is_clear),)))
        for is_clear in (True, False)
    )
    assert "fill: #d55e00" in filled and "fill: #d55e00" not in hollow


def test_differences_of_every_size_are_within_the_figure() -> None:
    results = made_up_study(sizes=("1000", "all"), modes=("frozen", "tuned"))
    small, large = results.tests
    large = replace(large, gap=replace(large.gap, difference=0.35, low=0.32, high=0.38))
    shown, without = (
        texts(draw_differences(replace(results, tests=(small, last)))) for last in (large, small)
    )
    assert {"0", "+1", "+10"} <= {*shown} and not {"+100", "−10"} & {*shown}
    assert "+10" not in without


def test_carrying_is_drawn_beside_what_nothing_carried_gives(results: StudyResults) -> None:
    shown = texts(draw_carrying(results))
    assert shown.count("strength") == len(results.sizes)
    assert {"ridge", "neighbours", "nothing carried"} <= set(shown) and "none" not in shown


def test_words_have_a_label_at_both_ends_of_their_way_and_one_if_they_stayed() -> None:
    (drift,) = made_up_study(sizes=("all",)).drift
    shown = texts(draw_drift(drift))
    for word in drift.projected:
        assert shown.count(word.word) == (2 if word.before != word.after else 1)


def test_odd_words_are_drawn_as_they_are_and_long_ones_shortened() -> None:
    (drift,) = made_up_study(sizes=("all",), words=ODD_WORDS).drift
    shown = texts(draw_drift(drift))
    assert {*ODD_WORDS[:-1], ODD_WORDS[-1][:23] + "…"} <= {*shown}


def boxes(svg: str, words: set[str]) -> list[tuple[float, float, float, float]]:
    """Return boxes inside those of the words in a figure: narrow ones, as fonts differ."""
    found = []
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        text = element.text or ""
        if text in words:
            middle, base, half = float(element.attrib["x"]), float(element.attrib["y"]), 1.5 * len(text)
            found.append((middle - half, base - 4, middle + half, base))
    return found


def test_labels_of_crowded_words_do_not_cover_each_other() -> None:
    (drift,) = made_up_study(sizes=("all",)).drift
    names = [f"word{i}" for i in range(12)]
    crowded = tuple(ProjectedWord(name, 0, (0.01 * i, 0.0), (0.01 * i, 0.0)) for i, name in enumerate(names))
    far = ProjectedWord("far", 3, (5.0, 5.0), (6.0, 5.0))
    found = boxes(draw_drift(replace(drift, projected=(*crowded, far))), set(names))
    assert len(found) == 12
    for i, a in enumerate(found):
        for b in found[:i]:
            assert min(a[2], b[2]) <= max(a[0], b[0]) or min(a[3], b[3]) <= max(a[1], b[1])


def test_words_all_in_one_place_can_be_drawn() -> None:
    (drift,) = made_up_study(sizes=("all",)).drift
    same = tuple(ProjectedWord(name, 0, (0.0, 0.0), (0.0, 0.0)) for name in ("a", "b"))
    assert {"a", "b"} <= set(texts(draw_drift(replace(drift, projected=same))))


def test_without_matplotlib_the_report_is_refused_at_once(
    results: StudyResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_report()
    monkeypatch.setattr(sys, "path", [])
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    for refused in (check_report, lambda: study_html(results)):
        with pytest.raises(WindowClfError, match=r"the report: plots need matplotlib\. Install it: .*plots"):
            refused()
