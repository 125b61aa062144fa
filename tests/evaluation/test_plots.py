"""The reliability diagram: whole, the same each time, or an error before anything is written."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from windowclf.errors import WindowClfError
from windowclf.evaluation import Reliability, check_plot, reliability, write_reliability_plot

NOTHING = reliability([], [])


@pytest.fixture(scope="module")
def words() -> Reliability:
    rng = np.random.default_rng(0)
    confidences = rng.random(1234) ** 0.2
    return reliability(confidences, rng.random(1234) < confidences)


@pytest.fixture(scope="module")
def entities() -> Reliability:
    return reliability([0.9, 0.8, 1.0, 0.31], [True, False, True, False])


def test_an_svg_names_what_it_shows(tmp_path: Path, words: Reliability, entities: Reliability) -> None:
    write_reliability_plot(tmp_path / "plot.svg", words=words, entities=entities)
    root = ElementTree.parse(tmp_path / "plot.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = " ".join(root.itertext())
    assert "1,234 words" in text
    assert "4 entities" in text
    for panel in (words, entities):
        assert f"expected calibration error {panel.expected_calibration_error:.4f}" in text


def test_without_entities_there_is_one_panel(tmp_path: Path, words: Reliability) -> None:
    write_reliability_plot(tmp_path / "plot.svg", words=words)
    assert "entities" not in (tmp_path / "plot.svg").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".svg", ".png", ".SVG"])
def test_the_same_figures_make_the_same_bytes_whatever_the_settings(
    ending: str, tmp_path: Path, words: Reliability, entities: Reliability
) -> None:
    first, second = tmp_path / f"first{ending}", tmp_path / f"second{ending}"
    write_reliability_plot(first, words=words, entities=entities)
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "savefig.transparent": True}):
        write_reliability_plot(second, words=words, entities=entities)
        assert matplotlib.rcParams["font.size"] == 20  # as the user has it
    assert first.read_bytes() == second.read_bytes()
    write_reliability_plot(second, words=words, entities=words)
    assert first.read_bytes() != second.read_bytes()


def test_a_png_is_one(tmp_path: Path, words: Reliability) -> None:
    write_reliability_plot(tmp_path / "plot.png", words=words)
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("panel", [NOTHING, reliability([1.0], [True]), reliability([0.0], [False])])
def test_little_and_nothing_can_be_drawn(tmp_path: Path, panel: Reliability) -> None:
    write_reliability_plot(tmp_path / "plot.svg", words=panel, entities=NOTHING)
    assert f"{panel.count} words" in (tmp_path / "plot.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["plot", "plot.pdf", "plot.svg.gz"])
def test_another_ending_is_refused(tmp_path: Path, words: Reliability, name: str) -> None:
    with pytest.raises(WindowClfError, match=r"unknown plot format; found .*; allowed: \.svg or \.png"):
        write_reliability_plot(tmp_path / name, words=words)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "matplotlib")
    with pytest.raises(WindowClfError, match=r"plots need matplotlib\. Install it: .*windowclf\[plots\]"):
        check_plot(tmp_path / "plot.svg")


def test_a_plot_that_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, words: Reliability, monkeypatch: pytest.MonkeyPatch
) -> None:
    plot = tmp_path / "plot.svg"
    plot.write_text("before")
    broken = Reliability(0.0, 0.0, 1, ("no bin",))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        write_reliability_plot(plot, words=broken)
    assert plot.read_text() == "before"
    assert list(tmp_path.iterdir()) == [plot]
