"""What the tuning study found: every number of its report, as JSON, and how it is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import msgspec
import numpy as np

from windowclf.arrays import Ints
from windowclf.errors import DataError
from windowclf.evaluation import LEVEL, Compared, Interval, compare_family, interval_of, score_of
from windowclf.inspection import WordDrift
from windowclf.runs.study.cells import Cell, CellKey
from windowclf.runs.study.modes import BASELINE, CARRIED

GROUPS = ("training", "vectors", "ambiguity", "frequency", "label")  # of slices, as in `slice_counts`
_WITH_GAPS = ("training", "vectors", "ambiguity")  # groups of slices that are compared with the baseline
_RESAMPLES_OF_SLICES = 2000
_NO_COUNTS = np.zeros((1, 3), np.int64)

Cells = Mapping[CellKey, Cell]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A labelled corpus: its name, the SHA-256 of its sentences and labels, and its size."""

    name: str
    sha256: str
    sentences: int
    words: int


@dataclass(frozen=True, slots=True)
class Vectors:
    """The pretrained set: name, SHA-256, number of words V, dimension D."""

    name: str
    sha256: str
    words: int
    dimension: int


@dataclass(frozen=True, slots=True)
class Gap:
    """By how much a mode is better than the baseline, with its interval over seeds and sentences."""

    difference: float
    low: float
    high: float

    @classmethod
    def of(cls, found: Interval | Compared) -> "Gap":
        """Take it from an interval or a comparison."""
        return cls(found.difference, found.low, found.high)


@dataclass(frozen=True, slots=True)
class Slice:
    """A mode on a part of the test words or entities.

    `gap` is against the baseline on the same slice; None for the baseline itself, and for the groups
    "frequency" and "label".
    """

    count: float  # true ones in the slice, the mean over seeds, whose training data differ
    score: float  # accuracy or F1, the mean over seeds, in [0, 1]
    low: float | None  # its interval by Student's t; None with one seed
    high: float | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class Point:
    """A mode at a size."""

    size: str  # as given: "1000", or "all"
    words: int  # of training, the mean over seeds, rounded
    mode: str
    scores: tuple[float, ...]  # of each seed on test, in [0, 1]
    dev_scores: tuple[float, ...]
    mean: float  # of `scores`
    low: float | None  # its interval by Student's t; None with one seed
    high: float | None
    slices: dict[str, dict[str, Slice]]  # those of each of `GROUPS`

    def part(self, name: str) -> Slice | None:
        """Return a slice of the groups "training" and "vectors"; None if nothing is in it."""
        return self.slices["training"].get(name) or self.slices["vectors"].get(name)


@dataclass(frozen=True, slots=True)
class ModeTest:
    """A mode against the baseline at a size, on all of the test data; the last four as of `Compared`."""

    size: str
    mode: str
    gap: Gap
    p_value: float
    corrected: float
    seeds_p_value: float | None
    is_clear: bool


@dataclass(frozen=True, slots=True)
class CarryingTrial:
    """A way of carrying movement over, on dev: the mean over seeds of the score."""

    size: str
    method: str
    strength: float
    dev_score: float
    chosen: int  # for how many seeds it was the best


@dataclass(frozen=True, slots=True)
class ProjectedWord:
    """A word in the plane of the drift scatter, before training and after it."""

    word: str
    count: int  # how often training read it
    before: tuple[float, float]
    after: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Replaced:
    """How a model labels stranded words in place of seen ones, as of `Replacements`."""

    mode: str
    places: int
    changed: int
    right_before: int
    right_after: int


@dataclass(frozen=True, slots=True)
class SizeDrift:
    """How tuning changed the vectors at a size, in the model of the first seed."""

    size: str
    model: str  # where the model is, within the directory of the study
    looked_at: int  # words; `seen` to `most_stranded` as of `Drift`
    seen: int
    moved: int
    stranded: int
    median_relative: float
    furthest: tuple[WordDrift, ...]
    most_stranded: tuple[WordDrift, ...]
    projected: tuple[ProjectedWord, ...]  # chosen words on the first two principal components
    replaced: tuple[
        Replaced, ...
    ]  # the same in the tuned and the baseline's model; empty if none is stranded


@dataclass(frozen=True, slots=True)
class StudyResults:
    """The whole study.

    Attributes
    ----------
    score : {"f1", "token_accuracy"}
        What all scores are.
    config : dict
        The configuration that the modes change, by section.
    threads : int
        Of linear algebra, in each process.
    sizes : tuple of str
        Smallest first. Points, tests and drift are ordered by size, then mode.
    modes : dict of str to str
        Their names and what they do, the baseline first.
    seeds : int
        How many, from 0.
    tests : tuple of ModeTest
        One family.
    carrying, drift : tuple
        Empty without the mode that carries over, and without the tuned mode.
    verdict : tuple of str
        What the evidence says, a sentence or two each, the most important first.
    """

    score: str
    train: Corpus
    dev: Corpus
    test: Corpus
    vectors: Vectors
    config: dict[str, Any]
    versions: dict[str, str]
    threads: int
    sizes: tuple[str, ...]
    modes: dict[str, str]
    seeds: int
    points: tuple[Point, ...]
    tests: tuple[ModeTest, ...]
    carrying: tuple[CarryingTrial, ...]
    drift: tuple[SizeDrift, ...]
    verdict: tuple[str, ...]

    def point(self, size: str, mode: str) -> Point:
        """Return a mode at a size."""
        return next(point for point in self.points if (point.size, point.mode) == (size, mode))


def read_results(path: Path) -> StudyResults:
    """Read the results of a study; DataError if they are not there, or of another form."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=StudyResults)
    except (OSError, msgspec.DecodeError) as error:
        raise DataError("no results of a study", where=str(path), found=str(error)) from error


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
        ModeTest(*family[name], Gap.of(f), f.p_value, f.corrected, f.seeds_p_value, f.is_clear)
        for name, f in compare_family(pairs).items()
    )


def carrying_of(cells: Cells, sizes: Sequence[str], n_seeds: int) -> tuple[CarryingTrial, ...]:
    """Return the dev score of each way of carrying movement over, the mean over seeds."""
    trials = []
    for size in sizes:
        per_seed = [cell.record.carrying for cell in _runs(cells, size, CARRIED, n_seeds)]
        best = [max(tried, key=lambda way: way.dev_score) for tried in per_seed]
        for ways in zip(*per_seed, strict=False):  # where nothing moved, there is only the first one
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
    """Return the slices of a group that are not empty."""
    slices = {}
    for name in dict.fromkeys(name for run in runs for name in run.slices[group]):
        counts = [run.slices[group].get(name, _NO_COUNTS) for run in runs]
        count = fmean(int(of[:, 1].sum()) for of in counts)
        if not count:
            continue
        gap = None
        if base is not None and group in _WITH_GAPS:
            others = [run.slices[group][name] for run in base]
            gap = Gap.of(interval_of(counts, others, n_resamples=_RESAMPLES_OF_SLICES))
        slices[name] = Slice(count, *mean_interval([_score(of) for of in counts]), gap)
    return slices
