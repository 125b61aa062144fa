"""The benchmark of tagging: its clocks, its peers and its tables."""

import json
from pathlib import Path
from typing import Any

import pytest

import pages
import tagging_page
import tagging_profile
import tagging_speed
from clocks import clocks, shares
from tagging_bench import Bench
from tagging_peers import OURS, features

LINES = ["We live in Paris.", "Angela Merkel flew from Berlin to New York."] * 50


def record_of(form_rates: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    return {
        "machine": {"machine": "m", "cores": 2, "python": "3", "versions": {}},
        "machine_rates": {"copy_gb": 10.0, "sgemm_gflops": 50.0},
        "corpus": "c",
        "words": 1000,
        "learnt": 10,
        "repetitions": 3,
        "marks_spans": False,
        "network": {"loss": "softmax", "window": 5, "hidden": [300], "labels": 17},
        "taggers": {
            form: {"score": 0.5, "rates": rates, "peak_mb": 100.0} for form, rates in form_rates.items()
        },
        "not_measured": ["spaCy"],
        "profile": {tagging_profile.GATHER: 1e-6, tagging_profile.OUTPUT: 5.1e-7},
    }


def same(*rates: float) -> dict[str, list[float]]:
    return {f"{kind} {n}": list(rates) for kind, n in tagging_page.KINDS}


def test_the_page_says_what_the_record_says() -> None:
    record = json.loads(tagging_speed.RECORD.read_text(encoding="utf-8"))
    page = pages.PERFORMANCE.read_text(encoding="utf-8")
    assert pages.marked(page, "tagging") == tagging_page.tables(record)


def test_ratios_are_medians_of_turns() -> None:
    ours = same(1000, 100, 10) | {"raw 1": [500, 40, 7], "raw 2": [600, 80, 14]}
    record = record_of({OURS: ours, "CRFsuite": same(100, 5, 2)})
    assert tagging_page.targets(record) == [
        ("pre-split, over CRFsuite", 10, (12, 25)),
        ("raw text over pre-split", 0.5, (0.4, 0.8)),
        ("raw text, two processes over one", 2, (1.7, 1.95)),
    ]


def test_the_rates_of_the_profile_are_of_what_is_done() -> None:
    text = tagging_page.tables(record_of({OURS: same(1, 1, 1)}))
    # 5 · 300 numbers of 4 bytes, read and written, a microsecond; 300 · 17 multiplications and additions
    assert "Gathering moves 12.0 GB/s" in text
    assert "do 20.0 GFLOP/s" in text
    assert "Not measured: spaCy." in text


def test_crfsuite_learns_from_words_around() -> None:
    first, last = features(["New", "york"])
    assert first == [
        *("bias", "w=new", "s3=New", "s2=ew", "p2=Ne", "upper=False", "title=True", "digit=False"),
        *("-2none", "-1none", "1w=york", "1title=False", "2none"),
    ]
    assert last[-5:] == ["-2none", "-1w=new", "-1title=True", "1none", "2none"]


@pytest.mark.slow
def test_the_profile_finds_all_parts_of_tagging(sample_model: Path) -> None:
    spent = tagging_profile.profile(str(sample_model), LINES)
    assert list(spent) == [*(title for *_, title in tagging_profile.PARTS), tagging_profile.REST]
    strangers = "computing words that have no row"  # there is none here
    assert all(seconds > 0 for title, seconds in spent.items() if title != strangers)


@pytest.mark.parametrize("form", [OURS, "windowclf, plain"])
def test_a_tagger_answers_all_questions(form: str, sample_model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.conll"
    corpus.write_text("We\tO\nlive\tO\nin\tO\nParis\tB-LOC\n\n" * 20)
    bench = Bench(form, str(sample_model), str(corpus), [str(corpus)] * 2, 0.01, str(tmp_path))
    assert bench.score() == 1
    for ask in (bench.split, bench.raw):
        assert ask(1) > 0 and ask(2) > 0
    assert 10 < bench.peak() < 10_000


def test_a_part_s_time_is_without_that_of_the_parts_it_calls() -> None:
    class Work:
        def outer(self) -> tuple[int, Any]:
            self.inner()
            return 1, self.inner

        def inner(self) -> None:
            sum(range(300_000))

    plain = Work.outer
    with clocks([(Work, "outer", "outer"), (Work, "inner", "inner")]) as spent:
        _, backward = Work().outer()
        before = dict(spent)
        backward()
    assert before["outer"] < before["inner"]
    assert spent["inner"] > before["inner"]
    assert Work.outer is plain
    parts = [(Work, "inner", "inner"), (Work, "outer", "outer")]
    found = shares(spent, parts, sum(spent.values()) + 1, "rest")
    assert list(found) == ["inner", "outer", "rest"]
    assert found["rest"] == pytest.approx(1)
