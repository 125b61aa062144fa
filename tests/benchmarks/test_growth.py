"""The benchmark of growth: its inputs, its points, its slopes and its plot."""

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import growth
from growth_inputs import SENTENCE, WordSource, label_of, span_label_of, word_source, write_corpus, write_text
from growth_page import draw, medians, slope, table, tables
from windowclf import WindowTagger
from windowclf.corpus import LabelSet, ReadOptions, read_labelled

# a word in ten came once
SOURCE = WordSource({"the": 60, "of": 30, **{f"once{i}": 1 for i in range(10)}})


def test_words_come_as_often_as_in_the_corpus_and_new_ones_as_often_as_words_came_once() -> None:
    n = 50_000
    counts = Counter(SOURCE.draw(n, seed=0))
    new = sum(count for word, count in counts.items() if word.startswith("neologism"))
    assert SOURCE.p_new == pytest.approx(0.1)
    assert new / n == pytest.approx(0.1, abs=0.01)
    assert counts["the"] / n == pytest.approx(0.9 * 0.6, abs=0.01)
    assert counts["of"] / n == pytest.approx(0.9 * 0.3, abs=0.01)
    assert {word for word in counts if not word.startswith("neologism")} == set(SOURCE.words)


def test_text_goes_on_bringing_new_words() -> None:
    distinct = [len(set(SOURCE.draw(n, seed=0))) for n in (1_000, 10_000, 100_000)]
    assert distinct[1] > 3 * distinct[0] and distinct[2] > 3 * distinct[1]


def test_the_same_seed_draws_the_same_words() -> None:
    assert list(SOURCE.draw(500, seed=1)) == list(SOURCE.draw(500, seed=1)) != list(SOURCE.draw(500, seed=2))


@pytest.mark.parametrize("spans", [False, True])
def test_a_corpus_has_the_words_and_labels_asked_for(spans: bool, tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(400)]
    write_corpus(tmp_path / "corpus", iter(words), 9, spans=spans)
    sentences = read_labelled(tmp_path / "corpus", ReadOptions(format="conll"))
    assert list(chain.from_iterable(s.tokens for s in sentences)) == words
    assert {len(s) for s in sentences} == {SENTENCE}
    label = span_label_of if spans else label_of
    given = [s.labels or () for s in sentences]
    assert list(chain.from_iterable(given)) == [label(word, 9) for word in words]
    assert len(LabelSet.of(given)) == 9


def test_a_text_has_a_sentence_a_line(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(2 * SENTENCE + 3)]
    write_text(tmp_path / "text", iter(words))
    lines = (tmp_path / "text").read_text(encoding="utf-8").splitlines()
    assert [line.split() for line in lines] == [words[:SENTENCE], words[SENTENCE : 2 * SENTENCE], words[-3:]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> growth.Workshop:
    return growth.Workshop(tmp_path_factory.mktemp("growth"), word_source("sample:train"))


@pytest.mark.slow
def test_a_point_trains_and_tags_in_processes_of_their_own(shop: growth.Workshop) -> None:
    base = growth.Base(corpus=300, vocabulary=50, window=3, labels=4)
    model = shop.model(base)
    stored = WindowTagger.load(model).model
    assert (len(stored.vocabulary), stored.config.model.window, len(stored.labels)) == (50, 3, 4)
    for task in (
        {"kind": "tag", "model": model, "text": shop.text(100)},
        {"kind": "first label", "model": model},
    ):
        result = growth.measure(task)
        assert result.keys() == {"seconds", "megabytes"}
        assert result["seconds"] > 0
        assert result["megabytes"] > 10  # numpy alone takes more


def test_every_quantity_is_varied_over_at_least_two_sizes() -> None:
    for sizes in (growth.FULL, growth.QUICK):
        for values in (sizes.trained, sizes.tagged, sizes.vocabulary, sizes.window):
            assert len(values) >= 2
        assert sum(n >= growth.FEWEST_SPAN_LABELS for n in sizes.labels) >= 2


@pytest.mark.parametrize("exponent", [0, 0.5, 1, 2])
def test_the_slope_of_a_power_law_is_its_exponent(exponent: float) -> None:
    x = [10, 100, 300, 4000]
    assert slope(x, [3 * n**exponent for n in x]) == pytest.approx(exponent)


def series(task: str, over: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    runs = {n: [{"seconds": s, "megabytes": 100.0} for s in values] for n, values in seconds.items()}
    return {"task": task, "over": over, "runs": runs}


RECORD: dict[str, Any] = {
    "machine": {"machine": "m", "cores": 2, "python": "3", "versions": {"numpy": "2"}},
    "base": {"corpus": 10, "vocabulary": 10, "window": 5, "labels": 2, "tagged_words": 10, "dimension": 50},
    "share_of_new_words": 0.05,
    "series": [
        series("training", "corpus", {"1000": [9, 1, 1], "100": [0.1, 0.1, 7]}),
        series("tagging", "corpus", {"100": [2], "1000": [2], "10000": [20]}),
        series("training", "labels", {"2": [1], "50": [1]}),
    ],
}


def test_a_point_is_the_median_of_its_runs() -> None:
    assert medians(RECORD["series"][0], "seconds") == {100: 0.1, 1000: 1}


def test_a_table_has_medians_gaps_and_slopes() -> None:
    assert table(RECORD, "corpus").splitlines()[2:] == [
        "| 100 | 0.100 | 100 | 2.00 | 100 |",
        "| 1,000 | 1.00 | 100 | 2.00 | 100 |",
        "| 10,000 |  |  | 20.0 | 100 |",
        "| slope | 1.00 | 0.00 | 0.50 | 0.00 |",
        "| slope at the end | 1.00 | 0.00 | 1.00 | 0.00 |",
    ]


def test_there_is_a_table_for_each_quantity_that_was_varied() -> None:
    text = tables(RECORD)
    assert text.count("| slope |") == 2
    assert "5.0 % of the text" in text and "numpy 2" in text


@pytest.mark.slow
def test_the_same_record_is_the_same_plot_byte_for_byte(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw(RECORD, tmp_path / name)
    first = (tmp_path / "a.svg").read_bytes()
    assert first == (tmp_path / "b.svg").read_bytes()
    assert b"training, slope 1.00" in first
    assert not any(line.endswith(b" ") for line in first.splitlines())


def test_what_was_not_measured_again_is_kept() -> None:
    new = RECORD | {"share_of_new_words": 0.06, "series": [series("training", "corpus", {"5": [3]})]}
    merged = growth.merged(RECORD, new)
    assert merged["share_of_new_words"] == 0.06
    assert [(s["task"], s["over"], list(s["runs"])) for s in merged["series"]] == [
        ("training", "corpus", ["5"]),
        ("training", "labels", ["2", "50"]),
    ]


@pytest.mark.slow
def test_a_series_varies_one_thing_and_has_a_task_at_each_value(shop: growth.Workshop) -> None:
    sizes = growth.Sizes(
        growth.Base(corpus=200, vocabulary=50, window=3, labels=5),
        trained=(200, 300),
        tagged=(100, 150),
        vocabulary=(50, 60),
        tagged_words=100,
    )
    found = growth.points(sizes, shop, "vocabulary")
    assert [(series.task, series.over, value, task["kind"]) for series, value, task in found] == [
        ("training", "vocabulary", 50, "train"),
        ("training", "vocabulary", 60, "train"),
        ("tagging", "vocabulary", 50, "tag"),
        ("tagging", "vocabulary", 60, "tag"),
        ("first label", "vocabulary", 50, "first label"),
        ("first label", "vocabulary", 60, "first label"),
    ]
    assert len({id(series) for series, _, _ in found}) == 3
    assert len({task["model"] for _, _, task in found}) == 2
