"""One seed on each real corpus: the figures of docs/data/results.json still hold.

The tables over many seeds are `make results`; here a score may be four standard deviations below its mean.
"""

import json
import os
from pathlib import Path
from statistics import mean, stdev

import pytest

from accuracy_tasks import CORPORA, INSTALLED, assignments, counts_of, ours, scores_of
from cells import Cells, run_tasks
from results_page import RECORD
from windowclf import Config
from windowclf.config_io import override


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.skipif(
    "WINDOWCLF_CORPORA" not in os.environ, reason="WINDOWCLF_CORPORA names no folder of corpora"
)
@pytest.mark.parametrize("corpus", CORPORA)
def test_one_seed_is_within_the_spread_of_the_table(corpus: str, tmp_path: Path) -> None:
    section = json.loads(RECORD.read_text(encoding="utf-8"))["comparison"][corpus]
    config = override(Config(), [f'model.vectors="{INSTALLED}"'])
    [row] = [row for row in section["rows"] if row["settings"] == assignments(config)]
    cells = Cells(tmp_path / "cells.jsonl")
    task = ours(corpus, config, seed=len(row["scores"]))
    run_tasks([task], cells, threads=1)
    [measured] = scores_of(counts_of(cells, [task], "test"))
    assert measured >= mean(row["scores"]) - 4 * stdev(row["scores"])
