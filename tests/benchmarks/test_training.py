"""The benchmark of training: its tables and its profile."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pages
import training_page
import training_profile
import training_speed
from training_peers import Setting


def record(**more: Any) -> dict[str, Any]:
    speeds = {"fused": [300.0, 30.0, 3.0], "plain": [200.0, 20.0, 2.0], "torch": [100.0, 10.0, 1.0]}
    row = {"tuned": True, "D": 100, "H": 300, "sentences": 64, "windows_per_second": speeds}
    row |= {"over_torch": [3.0, 2.0, 4.0], "over_plain": [1.5, 1.4, 1.6], "gflops": 25.0, "gathered_gb": 1.0}
    machine = {"machine": "m", "cores": 2, "python": "3", "versions": {}}
    rates = {"sgemm_gflops": 100.0, "copy_gb": 10.0}
    return machine | {"threads": 2, "rates": rates, "rows": [row]} | more


def test_the_page_says_what_the_record_says() -> None:
    found = json.loads(training_speed.RECORD.read_text(encoding="utf-8"))
    page = pages.PERFORMANCE.read_text(encoding="utf-8")
    assert pages.marked(page, "training") == training_page.tables(found)


def test_a_row_has_medians_the_target_and_the_shares_of_the_machine() -> None:
    row = training_page.tables(record()).splitlines()[2]
    assert row == (
        "| tuned | 100 | 300 | 64 | 30.0 | 20.0 | 10.0 | 3.00 (2.00–4.00) | 1.6, 2.5 | 1.50 | 25% | 10% |"
    )


def test_what_was_not_measured_is_left_out() -> None:
    accuracy = {"accuracy": 0.945, "shares": [0.3, 0.2, 0.4]}
    profile = {"frozen": {"a": 3e-6, "b": 1e-6}}
    assert "of the time" not in training_page.tables(record()) and "MB" not in training_page.tables(record())
    text = training_page.tables(record(accuracy=accuracy, peak_memory_mb=211.6, profile=profile))
    assert "| EWT to 94.5% on dev: wall time ÷ PyTorch's | 0.300 (0.200–0.400) | 0.6 | 0.35 |" in text
    assert "| peak memory, EWT, 400,000 × 50 vectors frozen, MB | 212 | 350 | 250 |" in text
    assert "| a | 3,000 | 75 |" in text


@pytest.mark.parametrize("tuned", [False, True])
def test_the_profile_finds_all_parts_of_training(tuned: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part in ("train", "dev"):
        arrays |= {
            f"{part}.words": np.arange(50)[:, None],
            f"{part}.windows": rng.integers(0, 50, (400, 5)),
            f"{part}.targets": rng.integers(0, 4, 400),
            f"{part}.starts": np.arange(0, 401, 10),
        }
    np.savez(tmp_path / "arrays.npz", **arrays)
    setting = Setting(str(tmp_path / "arrays.npz"), 50, tuned, 6, 8, 8, 1)
    spent = training_profile.profile(setting)
    assert list(spent) == [
        *dict.fromkeys(title for *_, title in training_profile.PARTS),
        training_profile.REST,
    ]
    assert {title for title, seconds in spent.items() if seconds <= 0} == set()
