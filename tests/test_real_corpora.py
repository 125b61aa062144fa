"""One seed on each real corpus: the figures of docs/corpora-table.json still hold.

The table over many seeds is `make results`; here a score may be four standard deviations below its mean.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from types import ModuleType

import pytest


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.skipif(
    "WINDOWCLF_CORPORA" not in os.environ, reason="WINDOWCLF_CORPORA names no folder of corpora"
)
@pytest.mark.parametrize(
    ("corpus", "tuning"), [("ud-english-ewt", "tuned"), ("wnut17", "frozen"), ("wikigold", "frozen")]
)
def test_one_seed_is_within_the_spread_of_the_table(
    corpus: str, tuning: str, tmp_path: Path, load_script: Callable[[str], ModuleType]
) -> None:
    benchmark = load_script("tests/benchmarks/corpora_table.py")
    record = json.loads(benchmark.RECORD.read_text(encoding="utf-8"))
    cells = [cell for cell in record["cells"] if (cell["corpus"], cell["tuning"]) == (corpus, tuning)]
    assert record["configurations"] == benchmark.CONFIGURATIONS
    known = [cell["test"] for cell in cells]
    measured = benchmark.train_cell(corpus, tuning, len(cells), os.cpu_count() or 1, tmp_path)
    assert measured.test >= mean(known) - 4 * stdev(known)
