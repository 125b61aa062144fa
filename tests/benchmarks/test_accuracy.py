"""The comparison and the ablation: trainings that are kept, rows, switches, tables and pages."""

import argparse
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ablation
import accuracy
import pages
import results_page
from ablation import SWITCHES, variants
from accuracy_cell import first_words
from accuracy_peers import LEARNERS, OURS, Labelled
from accuracy_tasks import assignments, assignments_for, configurations, counts_of, ours, scores_of
from cells import Cells, Task, missing_tasks, run_tasks
from tagging_peers import MODULES
from windowclf import Config, WindowTagger
from windowclf.config_io import override
from windowclf.corpus import ReadOptions, columns, read_labelled, spans

SMALL = override(Config(), ["training.epochs=2", "model.hidden=[16]", 'model.vectors="glove-6b-50d-small"'])
COUNTS = [[1, 2, 2], [3, 3, 4]]


def peer(form: str, corpus: str = "sample", **settings: object) -> Task:
    return {"corpus": corpus, "form": form, "seed": 0, "settings": settings, "teacher": None}


def result_of(counts: list[list[int]], **measured: Any) -> dict[str, Any]:
    figures: dict[str, Any] = {"seconds": 1.0, "words_per_second": 1000.0, "model_megabytes": 2.0}
    return figures | {"megabytes": 100.0} | measured | {"counts": {"dev": counts, "test": counts}}


# -- cells --------------------------------------------------------------------------------------------------


def test_what_is_done_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "cells.jsonl"
    Cells(path).add(peer("spaCy"), {"seconds": 2})
    Cells(path).add(peer("CRFsuite"), {"seconds": 3})
    again = Cells(path)
    assert (again[peer("spaCy")], again[peer("CRFsuite")]) == ({"seconds": 2}, {"seconds": 3})
    assert peer("spaCy", max_steps=5) not in again


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    Cells(path).add(peer("spaCy"), {"seconds": 2})
    with path.open("a") as file:
        file.write('{"task": {"cor')
    cells = Cells(path)
    assert peer("spaCy") in cells
    cells.add(peer("CRFsuite"), {"seconds": 3})
    assert len(path.read_text().splitlines()) == 2


def test_a_teacher_is_trained_again_if_its_model_is_gone_and_wanted(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.jsonl")
    teacher = ours("sample", SMALL, 0)
    student = ours("sample", SMALL, 0, teacher)
    cells.add(teacher, {})
    tasks = [teacher, student, student]
    assert missing_tasks(tasks, cells) == [teacher, student]
    cells.model(teacher).mkdir(parents=True)
    assert missing_tasks(tasks, cells) == [student]
    cells.add(student, {})
    cells.model(teacher).rmdir()
    assert missing_tasks(tasks, cells) == []


@pytest.mark.slow
def test_a_network_its_ensemble_and_what_learns_from_it_are_trained_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = Cells(tmp_path / "cells.jsonl")
    options = argparse.Namespace(seeds=1, ensemble=2, ensemble_seeds=1)
    systems = accuracy.our_systems("sample", OURS, SMALL, options)
    tasks = [task for system in systems for task in system.tasks]
    run_tasks(tasks, cells)
    monkeypatch.setattr("cells.subprocess", None)  # whatever were trained now would fail
    run_tasks(tasks, Cells(tmp_path / "cells.jsonl"))

    single, ensemble, _ = systems
    result = cells[single.tasks[0]]
    assert result["marks_spans"]
    assert result["seconds"] > 0 and result["words_per_second"] > 0
    assert 20 < result["megabytes"] < 2000
    assert cells[ensemble.tasks[0]]["model_megabytes"] > result["model_megabytes"] > 0
    train, dev, test = (
        columns(read_labelled(f"sample:{part}", ReadOptions())) for part in ("train", "dev", "test")
    )
    tagger = WindowTagger(SMALL).fit(*train, dev=dev)
    [on_test] = scores_of(counts_of(cells, single.tasks, "test"))
    assert on_test == pytest.approx(tagger.evaluate(*test).main_score, abs=1e-6)
    assert WindowTagger.load(cells.model(ensemble.tasks[0])).config.training.ensemble == 2


@pytest.mark.slow
@pytest.mark.parametrize("form", [form for form in LEARNERS if form != OURS])
def test_the_others_learn(form: str, tmp_path: Path) -> None:
    if not find_spec(MODULES[form]):
        pytest.skip(f"{MODULES[form]} is not installed")
    cells = Cells(tmp_path / "cells.jsonl")
    settings = {"vectors": "glove-6b-50d-small", "max_steps": 200} if form == "spaCy" else {}
    task = peer(form) | {"settings": settings}
    run_tasks([task], cells)
    [on_test] = scores_of(counts_of(cells, [task], "test"))
    assert on_test > 0.2
    assert cells[task]["model_megabytes"] > 0


def test_peers_learn_spans_in_iob2() -> None:
    iob1 = Labelled([["New", "York", "Rome"]], [["I-LOC", "I-LOC", "B-LOC"]])
    assert list(iob1.in_iob2().labels[0]) == ["B-LOC", "I-LOC", "B-LOC"]
    assert spans(iob1.labels[0]) == spans(iob1.in_iob2().labels[0])


# -- rows ---------------------------------------------------------------------------------------------------


def test_the_networks_of_the_ensemble_are_the_single_ones() -> None:
    options = argparse.Namespace(seeds=5, ensemble=5, ensemble_seeds=2)
    single, ensemble, distilled = accuracy.our_systems("wnut17", "a", SMALL, options)
    assert [task["seed"] for task in single.tasks] == [0, 1, 2, 3, 4]
    assert [task["seed"] for task in ensemble.tasks] == [0, 5]
    assert all(task["teacher"] == ensemble.tasks[0] for task in distilled.tasks)
    assert [task["settings"] for task in distilled.tasks] == [task["settings"] for task in single.tasks]


def test_a_task_is_the_same_whatever_seed_its_configuration_names() -> None:
    other = replace(SMALL, training=replace(SMALL.training, seed=7))
    assert ours("wnut17", other, 1) == ours("wnut17", SMALL, 1)


def test_assignments_can_be_for_one_corpus() -> None:
    given = ["training.epochs=3", "wnut17:model.window=7", "wikigold:model.window=3", "data.separator=:"]
    assert assignments_for("wnut17", given) == ["training.epochs=3", "model.window=7", "data.separator=:"]


def test_a_configuration_is_told_by_what_is_not_default_and_without_folders() -> None:
    config = override(
        Config(), ['model.vectors="/a/b/x.tgz+glove"', 'features.gazetteers=["/c/d.txt"]', "model.window=3"]
    )
    assert assignments(config) == [
        "model.window=3",
        'model.vectors="x.tgz+glove"',
        'features.gazetteers=["d.txt"]',
    ]


@pytest.mark.parametrize(("n_first", "n_second"), [(5, 3), (3, 5), (5, 1), (1, 5), (1, 1)])
def test_runs_are_compared_as_far_as_both_have_them(n_first: int, n_second: int) -> None:
    runs = [np.array(COUNTS)] * 5
    assert accuracy.p_value(runs[:n_first], runs[:n_second]) == 1


# -- switches -----------------------------------------------------------------------------------------------


def changes(base: Config, corpus: str = "wnut17") -> dict[str, Config]:
    return dict(variants(base, corpus))


def test_what_is_on_is_turned_off_and_what_is_off_is_turned_on() -> None:
    found = changes(Config())
    assert found["without letter case"].features.case_dimension == 0
    assert "with letter case" not in found
    assert found["with letter shape"].features.shape
    shaped = changes(override(Config(), ["features.shape=true", "features.case_dimension=0"]))
    assert not shaped["without letter shape"].features.shape
    assert shaped["with letter case"].features.case_dimension == 10


def test_what_a_configuration_does_not_allow_is_left_out() -> None:
    words, sentences = changes(Config()), changes(override(Config(), ['model.loss="crf"']))
    assert "with label smoothing" in words and "with label smoothing" not in sentences
    assert "without sentence-level loss" in sentences
    assert "with L2 to pretrained" in words
    frozen = changes(override(Config(), ['model.tuning="frozen"']))
    assert "with L2 to pretrained" not in frozen  # vectors stay there anyway


def test_what_is_of_spans_is_not_tried_on_plain_labels() -> None:
    assert "without IOBES inside" in changes(Config())
    assert "without IOBES inside" not in changes(Config(), "ud-english-ewt")


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: str(switch.title))
def test_every_switch_can_be_turned(switch: ablation.Switch) -> None:
    bases = [["model.window=3"], ['model.tuning="frozen"'], ['features.gazetteers=["places.txt"]']]
    corpus = switch.corpora[0]
    assert any(list(variants(override(Config(), base), corpus, [switch])) for base in bases)


def test_half_and_twice_the_epochs_follow_from_the_number_of_sentences() -> None:
    found = dict(ablation.with_other_epochs(Config(), 10_000))
    assert {title: config.training.epochs for title, config in found.items()} == {
        "half the epochs": 5,
        "twice the epochs": 20,
    }


def test_only_the_first_words_are_learnt_from() -> None:
    part = Labelled([["a", "b"], ["c"], ["d", "e"]], [["O", "O"], ["O"], ["O", "O"]])
    assert [len(first_words(part, n).tokens) for n in (1, 2, 3, 4, 99, 0)] == [1, 1, 2, 3, 3, 3]
    assert ours("wnut17", SMALL, 1, words=10)["words"] == 10
    assert "words" not in ours("wnut17", SMALL, 1)  # as before there was a choice


# -- tables -------------------------------------------------------------------------------------------------


def comparison(tmp_path: Path) -> dict[str, Any]:
    cells = Cells(tmp_path / "cells.jsonl")
    options = argparse.Namespace(seeds=2, ensemble=2, ensemble_seeds=1)
    systems = accuracy.our_systems("wnut17", OURS, Config(), options)
    systems.append(accuracy.System("spaCy 3", accuracy.PEER, [peer("spaCy", "wnut17")], []))
    right = {"windowclf": (50, 60), "windowclf, ensemble of 2": (65,), "spaCy 3": (20,)}
    right["windowclf, distilled from it"] = (60, 60)
    for system in systems:
        for task, n in zip(system.tasks, right[system.title], strict=True):
            errors = {"test": {"words": n / 10_000, "entities": n / 1000}}
            known = {} if task["form"] == "spaCy" else {"calibration": errors}
            cells.add(task, result_of([[n, 100, 100]] * 20, **known))
    return accuracy.section("wnut17", systems, cells, "test", steps=5000)


def test_the_table_compares_all_with_the_first_row(tmp_path: Path) -> None:
    text = results_page.comparison_tables({"wnut17": comparison(tmp_path)})
    lines = text.splitlines()
    assert lines[2] == "| windowclf | 55.00 ± 7.07 | 2 |  | 1.00 | 1,000 | 2.00 | 100 |"
    assert lines[5] == "| spaCy 3 | 20.00 | 1 | < 0.001 | 1.00 | 1,000 | 2.00 | 100 |"
    assert "gains +10.00 points over the mean of single networks" in text
    assert "one that learns from it +5.00, 50% of it" in text
    assert "windowclf: the defaults." in text
    assert (
        "windowclf: expected calibration error of words 0.005 (at most 0.006), "
        "of entities 0.055 (at most 0.060)." in text
    )
    assert "spaCy stops after 5,000 steps at the latest. Not measured: NLTK's perceptron, CRFsuite." in text


def test_changes_are_told_by_their_difference_and_marked_where_significant(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.jsonl")
    rows = {title: [peer(title)] for title in (ablation.BASE, "without letter case", "with clipping")}
    for title, n in zip(rows, (50, 40, 51), strict=True):
        counts = [[n, 100, 100]] * 20 if n != 51 else [[70, 100, 100], [50, 100, 100]] + [[50, 100, 100]] * 18
        cells.add(rows[title][0], result_of(counts))
    text = results_page.ablation_tables({"wnut17": ablation.section("wnut17", Config(), rows, cells, 100)})
    assert "100 sentences, 60 epochs; the configuration: the defaults." in text
    assert "| without letter case | 40.00 (-10.00 *) |" in text
    assert "| with clipping | 51.00 (+1.00) |" in text


def test_corpora_that_were_not_measured_again_stay(tmp_path: Path) -> None:
    page, record, readme = (tmp_path / name for name in ("results.md", "results.json", "README.md"))
    page.write_text("a\n<!-- comparison -->\n<!-- end of comparison -->\nb\n")
    readme.write_text("<!-- results -->\n<!-- end of results -->\n")
    record.write_text("{}")
    section = comparison(tmp_path)
    for corpus in ("wnut17", "wikigold"):
        results_page.update_results("comparison", {corpus: section}, page, record, readme)
    kept = json.loads(record.read_text())["comparison"]
    assert list(kept) == ["wnut17", "wikigold"]
    inside = pages.marked(page.read_text(), "comparison")
    assert inside == results_page.comparison_tables(kept)
    assert "| windowclf, ensemble of 2 | 65.00 | 65.00 |\n" in pages.marked(readme.read_text(), "results")
    assert "| spaCy | 20.00 | 20.00 |" in pages.marked(readme.read_text(), "results")


@pytest.mark.parametrize("name", results_page.TABLES)
def test_the_page_says_what_the_record_says(name: str) -> None:
    record = json.loads(results_page.RECORD.read_text(encoding="utf-8"))
    page = results_page.PAGE.read_text(encoding="utf-8")
    assert pages.marked(page, name) == results_page.TABLES[name](record.get(name, {}))


def test_the_readme_says_what_the_record_says() -> None:
    record = json.loads(results_page.RECORD.read_text(encoding="utf-8"))
    readme = results_page.README.read_text(encoding="utf-8")
    assert pages.marked(readme, "results") == results_page.summary_table(record.get("comparison", {}))


def test_single_networks_stand_with_the_vectors_that_pip_installs_too() -> None:
    options = argparse.Namespace(config=[], set=["wikigold:model.window=3"], seeds=2, quick=False)
    options.vectors = "glove-6b-50d+glove-6b-100d"
    [system] = accuracy.installed_system("wnut17", options)
    [config] = configurations("wnut17", options).values()
    known = {task["settings"]["config"]["model"]["vectors"] for task in system.tasks}
    assert known == {"glove-6b-50d"} != {config.model.vectors}
    assert [task["seed"] for task in system.tasks] == [0, 1]
    options.vectors = "glove-6b-50d"
    assert accuracy.installed_system("wnut17", options) == []


def test_large_p_values_have_three_digits() -> None:
    assert [results_page.p_text(p) for p in (None, 1e-4, 0.0312, 1.0)] == ["", "< 0.001", "0.031", "1.000"]
