"""Cells: what is kept of a training comes back, and what is not finished does not count."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from windowclf.errors import DataError
from windowclf.evaluation import GROUPS
from windowclf.runs.study.cells import Carrying, Cell, CellKey, CellRecord, CellStore

KEY = CellKey("1000", "tuned-carried", 3)


def some_cell(n_sentences: int = 4) -> Cell:
    rng = np.random.default_rng(0)
    slices = {
        group: {name: rng.integers(0, 99, (n_sentences, 3)) for name in names}
        for group, names in GROUPS.items()
    }
    slices["label"] = {name: rng.integers(0, 99, (1, 3)) for name in ("B/C", "a", "é ")}
    record = CellRecord(1003, 50, 4, 60, 0.875, (Carrying("ridge", 0.5, 0.25),), 1.5, 20_000.0)
    return Cell(record, rng.integers(0, 99, (n_sentences, 3)), slices)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    store, cell = CellStore(tmp_path / "cells"), some_cell()
    assert KEY not in store
    store.add(KEY, cell)
    found = CellStore(tmp_path / "cells")[KEY]
    assert KEY in store
    assert asdict(found.record) == asdict(cell.record)
    np.testing.assert_array_equal(found.counts, cell.counts)
    assert {group: [*names] for group, names in found.slices.items()} == {
        group: [*names] for group, names in cell.slices.items()
    }
    for group, names in cell.slices.items():
        for name, counts in names.items():
            np.testing.assert_array_equal(found.slices[group][name], counts)


def test_a_cell_without_its_record_is_not_finished(tmp_path: Path) -> None:
    store = CellStore(tmp_path)
    store.add(KEY, some_cell())
    (tmp_path / f"{KEY}.json").unlink()
    assert KEY not in store


def test_counts_that_are_cut_short_or_of_another_version_are_named(tmp_path: Path) -> None:
    store = CellStore(tmp_path)
    store.add(KEY, some_cell())
    path = tmp_path / f"{KEY}.safetensors"
    whole = path.read_bytes()
    for content, problem in (
        (whole[:-20], "header of this safetensors file is malformed"),
        (b"", "not a safetensors file"),
        (whole.replace(b"vectors/no vector", b"vectors/nn vector"), "no counts of 'vectors/no vector'"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{KEY}.json.*{problem}.*Delete this file"):
            store[KEY]


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    store = CellStore(tmp_path)
    store.add(KEY, some_cell())
    (tmp_path / f"{KEY}.json").write_text("{}")
    with pytest.raises(DataError, match=f"{KEY}.json.*Delete this file"):
        store[KEY]
