"""Every sentence is test once: turns, rows and the table."""

import argparse
from pathlib import Path
from typing import Any

import pytest

import in_turn
import results_page
from accuracy_cell import N_TURNS, turned
from accuracy_peers import OURS, Labelled
from cells import Cells
from windowclf.evaluation import sentence_counts


def numbered(numbers: list[int]) -> Labelled:
    return Labelled([[str(i)] for i in numbers], [["O"] for _ in numbers])


def wikigold(n: int) -> dict[str, Labelled]:
    """Return the usual split of n sentences, each of which is its number."""
    parts = {"train": range(8), "dev": [8], "test": [9]}
    return {
        part: numbered([i for i in range(n) if i % 10 in remainders]) for part, remainders in parts.items()
    }


@pytest.mark.parametrize("n", [40, 96, 99])
def test_each_tenth_of_the_sentences_is_test_once_and_dev_once(n: int) -> None:
    turns = [turned("wikigold", wikigold(n), turn) for turn in range(N_TURNS["wikigold"])]
    for t, parts in enumerate(turns):
        assert {int(s[0]) % 10 for s in parts["test"].tokens} == {t}
        assert {int(s[0]) % 10 for s in parts["dev"].tokens} == {(t - 1) % 10}
    for part in ("dev", "test"):
        assert sorted(int(s[0]) for parts in turns for s in parts[part].tokens) == list(range(n))
    for parts in turns:
        assert sorted(int(s[0]) for part in parts.values() for s in part.tokens) == list(range(n))


def test_the_last_tenth_is_the_usual_split() -> None:
    usual, last = wikigold(96), turned("wikigold", wikigold(96), 9)
    assert (last["dev"], last["test"]) == (usual["dev"], usual["test"])
    assert sorted(map(list, last["train"].tokens)) == sorted(map(list, usual["train"].tokens))


def test_dev_and_test_of_another_genre_are_dealt_out_together() -> None:
    usual = {"train": numbered([0, 1]), "dev": numbered([2, 3, 4]), "test": numbered([5, 6, 7, 8])}
    first, second = (turned("wnut17", usual, turn) for turn in range(N_TURNS["wnut17"]))
    assert first["train"] == second["train"] == usual["train"]
    assert (first["dev"], first["test"]) == (second["test"], second["dev"])
    for parts in (first, second):
        assert sorted(int(s[0]) for part in ("dev", "test") for s in parts[part].tokens) == [*range(2, 9)]
        assert {int(s[0]) for s in parts["test"].tokens} & {2, 3, 4}
        assert {int(s[0]) for s in parts["test"].tokens} & {5, 6, 7, 8}


def test_a_row_is_of_all_turns_together(tmp_path: Path) -> None:
    cells = Cells(tmp_path / "cells.jsonl")
    options = argparse.Namespace(seeds=2, ensemble=2, config=[], set=[], quick=False, vectors="random:3")
    rows = in_turn.systems("wnut17", options)
    assert [len(rows[OURS]), len(rows[f"{OURS}, ensemble of 2"])] == [2, 1]
    gold, some, none = [["B-LOC", "O"]] * 10, [["B-LOC", "O"]] * 10, [["O", "O"]] * 10
    for run in rows[OURS]:
        for task, predicted in zip(run, (some, none), strict=True):
            counts = sentence_counts(gold, predicted, span_labels=True).tolist()
            cells.add(task, {"counts": {"test": counts}, "judged": [[0.75, True], [0.25, False]]})
    row = in_turn.row_of(OURS, rows[OURS], cells)
    # of twenty entities ten are found, and nothing else
    assert row["scores"] == [pytest.approx(2 / 3, abs=1e-6)] * 2
    assert 0.4 < row["interval"][0] < 2 / 3 < row["interval"][1] < 0.9
    assert (row["entities"], row["errors"]) == ([4, 4], [pytest.approx(0.25)] * 2)


def test_the_table_has_no_calibration_of_others() -> None:
    ours: dict[str, Any] = {"title": OURS, "scores": [0.8, 0.9], "interval": [0.7812, 0.9249]}
    ours |= {"entities": [9, 9], "errors": [0.02, 0.03], "by_chance": [0.01, 0.03]}
    other = {"title": "CRFsuite", "scores": [0.5], "interval": [0.4, 0.6]}
    machine = {"machine": "m", "cores": 2, "python": "3", "versions": {"numpy": "2"}}
    section = {"date": "2026-01-02", "turns": 10, "settings": [], "machine": machine, "rows": [ours, other]}
    lines = results_page.in_turn_table({"wikigold": section}).splitlines()
    assert lines[2] == "| wikigold | windowclf | 85.00 ± 7.07 | 2 | 78.1 to 92.5 | 0.025 | 0.020 |"
    assert lines[3] == "| wikigold | CRFsuite | 50.00 | 1 | 40.0 to 60.0 |  |  |"
    assert results_page.in_turn_table({}) == ""
