"""From the trainings of the tuning study to its figures: means, intervals, one family of tests, slices."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import sqrt
from statistics import fmean, stdev

import numpy as np

from windowclf.arrays import Ints
from windowclf.evaluation.counts import score_of
from windowclf.evaluation.significance import LEVEL, compare_family, interval_of
from windowclf.runs.study.cells import Cell, CellKey
from windowclf.runs.study.modes import BASELINE, CARRIED
from windowclf.runs.study.results import GROUPS, CarryingTrial, Gap, ModeTest, Point, Slice

_WITH_GAPS = ("training", "vectors", "ambiguity")  # groups of slices that are compared with the baseline
_RESAMPLES_OF_SLICES = 2000
_NO_COUNTS = np.zeros((1, 3), np.int64)

Cells = Mapping[CellKey, Cell]


def points_of(cells: Cells, sizes: Sequence[str], modes: Sequence[str], n_seeds: int) -> tuple[Point, ...]:
    """Return every mode at every size: its scores, their mean with its interval, and its slices."""
    points = []
    for size, mode in product(sizes, modes):
        runs = _runs(cells, size, mode, n_seeds)
        base = None if mode == BASELINE else _runs(cells, size, BASELINE, n_seeds)
        scores = [_score(run.counts) for run in runs]
        mean, low, high = mean_interval(scores)
        points.append(
            Point(
                size,
                round(fmean(run.record.words for run in runs)),
                mode,
                tuple(scores),
                tuple(run.record.dev_score for run in runs),
                mean,
                low,
                high,
                {group: _slices(group, runs, base) for group in GROUPS},
            )
        )
    return tuple(points)


def compare_modes(
    cells: Cells, sizes: Sequence[str], modes: Sequence[str], n_seeds: int
) -> tuple[ModeTest, ...]:
    """Test every mode against the baseline at every size; all of these are one family."""
    family = {f"{size} {mode}": (size, mode) for size, mode in product(sizes, modes) if mode != BASELINE}

    def counts(size: str, mode: str) -> list[Ints]:
        return [run.counts for run in _runs(cells, size, mode, n_seeds)]

    pairs = {name: (counts(*cell), counts(cell[0], BASELINE), True) for name, cell in family.items()}
    return tuple(
        ModeTest(
            *family[name],
            Gap(found.interval.difference, found.interval.low, found.interval.high),
            found.p_value,
            found.corrected,
            found.seeds_p_value,
            found.is_clear,
        )
        for name, found in compare_family(pairs).items()
    )


def carrying_of(cells: Cells, sizes: Sequence[str], n_seeds: int) -> tuple[CarryingTrial, ...]:
    """Return what each way of carrying movement over gives on dev, the mean over seeds."""
    trials = []
    for size in sizes:
        per_seed = [cell.record.carrying for cell in _runs(cells, size, CARRIED, n_seeds)]
        best = [max(tried, key=lambda way: way.dev_score) for tried in per_seed]
        for ways in zip(*per_seed, strict=False):  # where nothing moved, there is the first one alone
            way = ways[0]
            chosen = sum((b.method, b.strength) == (way.method, way.strength) for b in best)
            score = fmean(way.dev_score for way in ways)
            trials.append(CarryingTrial(size, way.method, way.strength, score, chosen))
    return tuple(trials)


def mean_interval(scores: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Return the mean of scores and the interval of Student's t; None for its ends with one score."""
    mean = fmean(scores)
    if len(scores) < 2:
        return mean, None, None
    from scipy.special import stdtrit

    reach = float(stdtrit(len(scores) - 1, (1 + LEVEL) / 2)) * stdev(scores) / sqrt(len(scores))
    return mean, mean - reach, mean + reach


def _runs(cells: Cells, size: str, mode: str, n_seeds: int) -> list[Cell]:
    return [cells[CellKey(size, mode, seed)] for seed in range(n_seeds)]


def _score(counts: Ints) -> float:
    return float(score_of(counts.sum(axis=0)))


def _slices(group: str, runs: Sequence[Cell], base: Sequence[Cell] | None) -> dict[str, Slice]:
    """Return the slices of a group that have something in them."""
    names = dict.fromkeys(name for run in runs for name in run.slices[group])
    slices = {}
    for name in names:
        counts = [run.slices[group].get(name, _NO_COUNTS) for run in runs]
        count = fmean(int(of[:, 1].sum()) for of in counts)
        if not count:
            continue
        gap = None
        if base is not None and group in _WITH_GAPS:
            others = [run.slices[group][name] for run in base]
            gap = _gap(counts, others)
        slices[name] = Slice(count, *mean_interval([_score(of) for of in counts]), gap)
    return slices


def _gap(first: Sequence[Ints], second: Sequence[Ints]) -> Gap:
    interval = interval_of(first, second, level=LEVEL, n_resamples=_RESAMPLES_OF_SLICES)
    return Gap(interval.difference, interval.low, interval.high)
