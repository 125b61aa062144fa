"""From cells to figures: means, intervals, the family of tests, slices, and what is said of them."""

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from windowclf.arrays import Bools, Ints
from windowclf.evaluation import GROUPS, score_of
from windowclf.runs.study.cells import Carrying, Cell, CellKey, CellRecord
from windowclf.runs.study.results import (
    CarryingTrial,
    Gap,
    ModeTest,
    Point,
    Slice,
    carrying_of,
    compare_modes,
    mean_interval,
    points_of,
)
from windowclf.runs.study.verdict import verdict_of

N_SENTENCES, N_WORDS = 300, 12
RECORD = CellRecord(1003, 50, 4, 60, 0.875, (), 1.5, 20_000.0)


def some_cell(rng: np.random.Generator, accuracy: float, *, unseen: float | None = None) -> Cell:
    """Return a cell that is right with a probability, and another one on words that are not seen."""
    is_seen = rng.random((N_SENTENCES, N_WORDS)) < 0.8
    chance = np.where(is_seen, accuracy, accuracy if unseen is None else unseen)
    right = rng.random((N_SENTENCES, N_WORDS)) < chance

    def counts(of: Bools) -> Ints:
        n = of.sum(axis=1)
        return np.stack([(right & of).sum(axis=1), n, n], axis=1)

    nothing: Ints = np.zeros((N_SENTENCES, 3), np.int64)
    slices = {group: dict.fromkeys(names, nothing) for group, names in GROUPS.items()}
    slices["training"] |= {"seen": counts(is_seen), "unseen with a vector": counts(~is_seen)}
    slices["vectors"] |= {"vector read": counts(is_seen), "vector never read": counts(~is_seen)}
    slices["label"] = {"X": counts(is_seen | True).sum(axis=0, keepdims=True)}
    return Cell(RECORD, counts(is_seen | True), slices)


def some_cells(accuracies: dict[tuple[str, str], float], n_seeds: int) -> dict[CellKey, Cell]:
    """Return cells by size and mode; those of one seed are of the same words."""
    return {
        CellKey(size, mode, seed): some_cell(np.random.default_rng([seed, i]), accuracy)
        for seed in range(n_seeds)
        for i, ((size, mode), accuracy) in enumerate(accuracies.items())
    }


def shared(cells: dict[CellKey, Cell]) -> dict[CellKey, Cell]:
    """Make seen words the same in all modes of a seed, as they are in a study."""
    return {key: replace(cell, slices={**cell.slices, **_whole(cell)}) for key, cell in cells.items()}


def _whole(cell: Cell) -> dict[str, dict[str, Ints]]:
    nothing = np.zeros_like(cell.counts)
    groups = ("training", "vectors")
    return {
        group: {GROUPS[group][0]: cell.counts} | dict.fromkeys(GROUPS[group][1:], nothing) for group in groups
    }


def test_a_planted_effect_is_clear_and_a_planted_null_is_not() -> None:
    accuracies = {("all", "frozen"): 0.9, ("all", "tuned"): 0.9, ("all", "random"): 0.86}
    cells = some_cells(accuracies, 5)
    null, effect = compare_modes(cells, ["all"], ["frozen", "tuned", "random"], 5)
    assert (effect.mode, effect.is_clear, null.is_clear) == ("random", True, False)
    assert effect.gap.low < -0.04 < effect.gap.high < 0
    assert null.gap.low < 0 < null.gap.high


def test_all_sizes_and_modes_are_one_family() -> None:
    sizes, modes = ["100", "all"], ["frozen", "tuned", "random"]
    accuracies = {(size, mode): 0.9 for size in sizes for mode in modes} | {("all", "random"): 0.91}
    found = compare_modes(some_cells(accuracies, 3), sizes, modes, 3)
    assert [(test.size, test.mode) for test in found] == [
        (size, mode) for size in sizes for mode in modes[1:]
    ]
    smallest = min(found, key=lambda test: test.p_value)
    assert smallest.corrected == min(1.0, 4 * smallest.p_value)
    assert all(test.seeds_p_value is None for test in found)


def test_with_ten_seeds_there_are_ranks() -> None:
    cells = some_cells({("all", "frozen"): 0.9, ("all", "tuned"): 0.93}, 10)
    (test,) = compare_modes(cells, ["all"], ["frozen", "tuned"], 10)
    assert test.seeds_p_value == pytest.approx(2 / 2**10)  # all ten differences point the same way


def test_points_have_scores_means_and_slices() -> None:
    cells = shared(some_cells({("all", "frozen"): 0.9, ("all", "tuned"): 0.8}, 3))
    frozen, tuned = points_of(cells, ["all"], ["frozen", "tuned"], 3)
    expected = [float(score_of(cells[CellKey("all", "tuned", s)].counts.sum(axis=0))) for s in range(3)]
    assert tuned.scores == tuple(expected)
    assert tuned.mean == fmean(expected)
    assert (tuned.words, tuned.dev_scores) == (1003, (0.875,) * 3)
    assert list(tuned.slices["training"]) == ["seen"]  # what is empty is left out
    seen = tuned.slices["training"]["seen"]
    assert seen.count == N_SENTENCES * N_WORDS
    assert seen.score == pytest.approx(tuned.mean)
    assert seen.gap is not None
    assert seen.gap.difference == pytest.approx(tuned.mean - frozen.mean)
    assert seen.gap.low < seen.gap.difference < seen.gap.high
    assert frozen.slices["training"]["seen"].gap is None
    assert tuned.slices["label"]["X"].gap is None


def test_slices_of_other_words_with_each_seed_are_compared() -> None:
    cells = {}
    for seed in range(2):
        for mode, accuracy in (("frozen", 0.9), ("tuned", 0.5)):
            cells[CellKey("all", mode, seed)] = some_cell(np.random.default_rng(seed), 0.9, unseen=accuracy)
    _, tuned = points_of(cells, ["all"], ["frozen", "tuned"], 2)
    unseen = tuned.slices["training"]["unseen with a vector"]
    runs = [cells[CellKey("all", "tuned", s)].slices["training"]["unseen with a vector"] for s in range(2)]
    assert unseen.count == fmean(float(of[:, 1].sum()) for of in runs)
    assert unseen.gap is not None
    assert unseen.gap.high < -0.3
    assert tuned.slices["training"]["seen"].gap == Gap(0.0, 0.0, 0.0)


def test_the_interval_of_the_mean_is_students() -> None:
    mean, low, high = mean_interval([0.8, 0.82, 0.84])
    assert (mean, low, high) == pytest.approx((0.82, 0.82 - 4.302653 * 0.02 / 3**0.5, 0.82 + 0.049682760))
    assert mean_interval([0.5]) == (0.5, None, None)


def test_carrying_is_told_by_way_with_how_many_seeds_chose_it() -> None:
    def cell(*scores: float) -> Cell:
        ways = [("none", 0.0), ("ridge", 0.5), ("ridge", 1.0)]
        carrying = tuple(Carrying(*way, score) for way, score in zip(ways, scores, strict=False))
        return replace(some_cell(np.random.default_rng(0), 0.9), record=replace(RECORD, carrying=carrying))

    cells = {
        CellKey("all", "tuned-carried", 0): cell(0.5, 0.6, 0.4),
        CellKey("all", "tuned-carried", 1): cell(0.5, 0.3, 0.5),  # of equal ones, the first
    }
    found = carrying_of(cells, ["all"], 2)
    assert [(trial.size, trial.method, trial.strength, trial.chosen) for trial in found] == [
        ("all", "none", 0.0, 1),
        ("all", "ridge", 0.5, 1),
        ("all", "ridge", 1.0, 0),
    ]
    assert [trial.dev_score for trial in found] == pytest.approx([0.5, 0.45, 0.45])


# -- the verdict -------------------------------------------------------------------------------------


def made_up(*effects: tuple[int, float, bool]) -> tuple[list[Point], list[ModeTest]]:
    """Return points and tests of `tuned` at sizes: words, difference, whether it is clear."""
    points, tests = [], []
    for words, difference, is_clear in effects:
        reach = abs(difference) / 2 if is_clear else abs(difference) * 2
        gap = Gap(difference, difference - reach, difference + reach)
        for mode, mean, of in (("frozen", 0.9, None), ("tuned", 0.9 + difference, gap)):
            part = Slice(10, mean, None, None, of)
            slices = {"training": {"seen": part}, "vectors": {"vector never read": part}}
            points.append(Point(str(words), words, mode, (mean,), (mean,), mean, None, None, slices))
        tests.append(ModeTest(str(words), "tuned", gap, 0.01, 0.02 if is_clear else 0.3, None, is_clear))
    return points, tests


def test_the_verdict_on_the_rule() -> None:
    effects = (1_000, 0.02, True), (50_000, -0.01, True), (99_999, 0.001, False), (1_000_000, 0.004, True)
    said = verdict_of(*made_up(*effects), carrying=(), of_spans=False)
    assert said[0] == (
        "Tuning the vectors, against leaving them frozen: helps at 1,000 words (+2.00, +1.00 to +3.00); "
        "harms at 50,000 words (-1.00, -1.50 to -0.50); "
        "no clear difference at 99,999 words (+0.10, -0.10 to +0.30); "
        "helps at 1,000,000 words (+0.40, +0.20 to +0.60)."
    )
    below, above = said[1:3]
    assert "of 3 sizes" in below
    assert "for it at 1, against it at 1, and for neither at 1" in below
    assert "of 1 size under" in above
    assert "for it at 1, against it at 0, and for neither at 0" in above


def test_the_verdict_says_what_was_not_tried() -> None:
    said = verdict_of(*made_up((200_000, 0.02, True)), carrying=(), of_spans=False)
    assert "“Below 100,000 words keep them frozen” was not tried" in said[1]
    assert "“From 1,000,000 words tune them” was not tried" in said[2]


def test_the_verdict_names_what_is_clearly_better_or_worse() -> None:
    said = verdict_of(
        *made_up((1_000, 0.02, True), (2_000, -0.02, True), (3_000, 0.02, False)), carrying=(), of_spans=False
    )
    of_sizes = [sentence for sentence in said if sentence.startswith("At ")]
    assert "tuned has the highest mean (92.00 %)" in of_sizes[0]
    assert of_sizes[0].endswith("Clearly better than frozen: tuned; clearly worse: none.")
    assert of_sizes[1].endswith("Clearly better than frozen: none; clearly worse: tuned.")
    assert of_sizes[2].endswith("Clearly better than frozen: none; clearly worse: none.")
    of_slices = [sentence for sentence in said if sentence.startswith("On words ")]
    assert all("harms at 2,000" in s and "is inconclusive at 3,000" in s for s in of_slices)
    assert len(of_slices) == 2


def test_the_verdict_on_entities_says_so() -> None:
    said = verdict_of(*made_up((1_000, 0.0, False), (2_000, 0.02, True)), carrying=(), of_spans=True)
    seen, left = said[-2:]
    assert seen.startswith("On entities of words seen in training, tuning by words of training: ")
    assert left.startswith("On entities with words whose vector training never read, tuning")
    assert "changes nothing at 1,000 (+0.00, +0.00 to +0.00); helps at 2,000" in seen


def test_the_verdict_on_carrying() -> None:
    points, tests = made_up((1_000, -0.02, True))
    tuned = points[1]
    gap = Gap(-0.005, -0.01, 0.001)
    slices = {"training": {}, "vectors": {"vector never read": Slice(10, 0.895, None, None, gap)}}
    carried = replace(tuned, mode="tuned-carried", slices=slices)
    trials = [CarryingTrial("1000", "none", 0.0, 0.9, 1), CarryingTrial("1000", "ridge", 0.5, 0.91, 4)]
    said = verdict_of([*points, carried], tests, trials, of_spans=False)
    assert said[-1] == (
        "Carrying the movement over to words never read changes their difference from frozen at 1,000 words "
        "from -2.00 to -0.50, -1.00 to +0.10; dev chose to carry nothing for 1 of 5 seeds."
    )
