"""The tuning study from end to end: planted effects are found, planted nulls are not, nothing is lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from windowclf.errors import DataError
from windowclf.runs import MODES, StudyResults, read_results
from windowclf.runs.study.cells import CellKey, CellStore
from windowclf.runs.study.data import StudyData

Run = Callable[..., StudyResults]


def clear(results: StudyResults) -> dict[str, float]:
    """Return the modes that are clearly better or worse than the baseline, and by how much."""
    return {test.mode: test.gap.difference for test in results.tests if test.is_clear}


@pytest.mark.slow
def test_a_planted_effect_is_found(meaning: StudyData, run_study: Run) -> None:
    found = run_study(meaning, modes=("frozen", "two-channel", "random"))
    assert clear(found)["random"] < -0.2  # labels of unseen words can only be guessed
    (test,) = (test for test in found.tests if test.mode == "random")
    assert test.gap.high < -0.1
    assert test.corrected < 0.01
    unseen = found.point("all", "random").slices["training"]["unseen with a vector"]
    assert unseen.count == 1000
    assert unseen.gap is not None
    assert unseen.gap.high < -0.1


@pytest.mark.slow
def test_an_effect_of_tuning_is_found(names: StudyData, run_study: Run) -> None:
    found = run_study(names, modes=("frozen", "tuned", "random"))
    assert clear(found)["tuned"] > 0.05
    assert "helps at 1,000 words" in found.verdict[0]
    assert found.point("all", "tuned").slices["training"]["seen"].count == 1000


@pytest.mark.slow
def test_a_planted_null_is_not_found(chance: StudyData, run_study: Run) -> None:
    found = run_study(chance, modes=("frozen", "tuned", "tuned-slow", "two-channel"))
    assert clear(found) == {}
    assert all(test.gap.low <= 0 <= test.gap.high for test in found.tests)
    assert "no clear difference" in found.verdict[0]


def test_a_mode_that_changes_nothing_is_no_different(meaning: StudyData, run_study: Run) -> None:
    # of words that training reads once, none is tuned from five times on
    found = run_study(meaning, modes=("frozen", "tuned-frequent"), sizes=("30",), n_seeds=3)
    (test,) = found.tests
    assert (test.gap.difference, test.gap.low, test.gap.high) == (0, 0, 0)
    assert test.p_value == 1


@pytest.mark.slow
def test_all_modes_and_sizes_have_their_figures(meaning: StudyData, run_study: Run, tmp_path: Path) -> None:
    found = run_study(meaning, modes=tuple(MODES), sizes=("100", "all"), n_seeds=2, with_report=True)
    assert [(point.size, point.mode) for point in found.points] == [
        (size, mode) for size in ("100", "all") for mode in MODES
    ]
    assert len(found.tests) == 2 * (len(MODES) - 1)
    assert [drift.size for drift in found.drift] == ["100", "all"]
    for drift in found.drift:
        assert (tmp_path / "study" / drift.model / "manifest.json").is_file()
    for point in found.points:
        assert len(point.scores) == len(point.dev_scores) == 2
        whole = sum(part.count for part in point.slices["training"].values())
        assert whole == sum(part.count for part in point.slices["label"].values()) == 1000
        assert point.low is not None
        assert point.high is not None
        assert point.low <= point.mean <= point.high
    at_most = {trial.chosen for trial in found.carrying}
    assert at_most <= {0, 1, 2}
    assert sum(trial.chosen for trial in found.carrying) == 2 * 2  # a seed chooses once at each size
    assert read_results(tmp_path / "study" / "results.json") == found
    assert "<svg" in (tmp_path / "study" / "report.html").read_text()


def test_figures_are_of_the_predictions(meaning: StudyData, run_study: Run, tmp_path: Path) -> None:
    found = run_study(meaning, modes=("frozen", "tuned"), n_seeds=1)
    from windowclf import WindowTagger

    for mode in ("frozen", "tuned"):
        tagger = WindowTagger.load(tmp_path / "study" / "models" / f"all-{mode}")
        evaluation = tagger.evaluate(meaning.test.sentences, meaning.test.labels)
        assert found.point("all", mode).scores == (evaluation.main_score,)
        (dev_score,) = found.point("all", mode).dev_scores
        assert dev_score == tagger.evaluate(meaning.dev.sentences, meaning.dev.labels).main_score


@pytest.mark.slow
def test_results_are_the_same_however_many_processes(
    meaning: StudyData, run_study: Run, tmp_path: Path
) -> None:
    modes = ("frozen", "tuned", "tuned-carried")
    for name, n_processes in (("one", 1), ("two", 2)):
        run_study(
            meaning,
            out=tmp_path / name,
            modes=modes,
            n_processes=n_processes,
            n_seeds=2,
            with_report=True,
        )
    one, two = (tmp_path / name for name in ("one", "two"))
    assert (one / "results.json").read_bytes() == (two / "results.json").read_bytes()
    assert (one / "report.html").read_bytes() == (two / "report.html").read_bytes()
    assert json.loads((one / "timings.json").read_text())["training_seconds"] > 0


@pytest.mark.slow
def test_a_study_grows_and_finished_trainings_are_kept(
    meaning: StudyData, run_study: Run, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    run_study(meaning, out=out, modes=("frozen", "tuned"), n_seeds=1)
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    grown = run_study(meaning, out=out, modes=("frozen", "tuned", "random"), sizes=("100", "all"), n_seeds=2)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    whole = run_study(
        meaning, out=tmp_path / "other", modes=("frozen", "tuned", "random"), sizes=("100", "all"), n_seeds=2
    )
    assert grown == whole


def test_one_seed_has_no_interval_of_the_mean(meaning: StudyData, run_study: Run) -> None:
    found = run_study(meaning, modes=("frozen", "tuned"), n_seeds=1)
    assert {(point.low, point.high) for point in found.points} == {(None, None)}


def test_what_is_carried_over_is_chosen_on_dev(meaning: StudyData, run_study: Run, tmp_path: Path) -> None:
    found = run_study(meaning, modes=("frozen", "tuned-carried"), n_seeds=2)
    cells = CellStore(tmp_path / "study" / "cells")
    for seed in range(2):
        record = cells[CellKey("all", "tuned-carried", seed)].record
        assert record.dev_score == max(way.dev_score for way in record.carrying)
        assert [way.strength for way in record.carrying] == [0, 0.25, 0.5, 0.75, 1, 0.25, 0.5, 0.75, 1]
        tuned = cells[CellKey("all", "tuned", seed)].record  # trained for it
        assert record.carrying[0].dev_score == tuned.dev_score
    assert found.modes.keys() == {"frozen", "tuned-carried"}


def test_a_study_of_something_else_is_not_continued(
    meaning: StudyData, names: StudyData, run_study: Run, tmp_path: Path
) -> None:
    run_study(meaning, out=tmp_path / "study", modes=("frozen", "tuned"), n_seeds=1)
    with pytest.raises(DataError, match=r"another value of 'train'.*another --out"):
        run_study(names, out=tmp_path / "study", modes=("frozen", "tuned"), n_seeds=1)
    with pytest.raises(DataError, match="threads"):
        run_study(meaning, out=tmp_path / "study", modes=("frozen", "tuned"), n_seeds=1, threads=3)


def test_a_directory_of_something_else_is_left_alone(
    meaning: StudyData, run_study: Run, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(DataError, match="not empty"):
        run_study(meaning, out=tmp_path, modes=("frozen", "tuned"))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
