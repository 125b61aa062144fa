"""What the tuning study found: all numbers of its report, in one value that is read and written as JSON."""

from dataclasses import dataclass
from typing import Any

from windowclf.inspection.drift import WordDrift

GROUPS = (
    "training",
    "vectors",
    "ambiguity",
    "frequency",
    "label",
)  # of slices, as `windowclf.evaluation.slices` names them


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
    """By how much a mode is better than the baseline, with an interval for seeds and sentences together."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Slice:
    """A mode on a part of the test words or entities.

    Attributes
    ----------
    count : float
        How many true ones are in the slice, the mean over seeds: other training data, other unseen words.
    score : float
        Accuracy or F1, the mean over seeds, in [0, 1].
    low, high : float or None
        The interval of the mean over seeds, by Student's t; None with one seed.
    gap : Gap or None
        Against the baseline on the same slice; None for the baseline itself, and for groups where none is
        computed ("frequency" and "label").
    """

    count: float
    score: float
    low: float | None
    high: float | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class Point:
    """A mode at a size.

    Attributes
    ----------
    size : str
        As it was asked for: "1000", or "all".
    words : int
        Words of training, the mean over seeds, rounded.
    mode : str
    scores, dev_scores : tuple of float
        Of each seed, on test and on dev, in [0, 1].
    mean : float
        Of `scores`.
    low, high : float or None
        The interval of the mean over seeds, by Student's t; None with one seed.
    slices : dict of str to dict of str to Slice
        Of each of `GROUPS` the slices.
    """

    size: str
    words: int
    mode: str
    scores: tuple[float, ...]
    dev_scores: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None
    slices: dict[str, dict[str, Slice]]

    def part(self, name: str) -> Slice | None:
        """Return a slice of the groups "training" and "vectors"; None if nothing is in it."""
        return self.slices["training"].get(name) or self.slices["vectors"].get(name)


@dataclass(frozen=True, slots=True)
class ModeTest:
    """One comparison of the family: a mode against the baseline at a size, on all of the test data.

    Attributes
    ----------
    size, mode : str
    gap : Gap
    p_value, corrected : float
        Of approximate randomisation over sentences with the seeds pooled, and after Holm's correction over
        the whole family.
    seeds_p_value : float or None
        Of Wilcoxon's signed ranks over seeds; None with fewer than 10.
    is_clear : bool
        Whether the corrected p-value is below 0.05 and zero is outside the interval.
    """

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
    chosen: int
    """For how many seeds it was the best."""


@dataclass(frozen=True, slots=True)
class ProjectedWord:
    """A word in the plane of the drift scatter, before training and after it.

    Attributes
    ----------
    word : str
    count : int
        How often training read it.
    before, after : (float, float)
    """

    word: str
    count: int
    before: tuple[float, float]
    after: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a model makes of stranded words put for seen ones, as `windowclf.inspection.replacing` counts."""

    mode: str
    places: int
    changed: int
    right_before: int
    right_after: int


@dataclass(frozen=True, slots=True)
class SizeDrift:
    """What tuning did to the vectors at a size, in the model of the first seed.

    Attributes
    ----------
    size : str
    model : str
        Where the model is, within the directory of the study.
    looked_at, seen, moved, stranded : int
        Words.
    median_relative : float
        Median over the words that moved of how far, by the mean length of a vector.
    furthest, most_stranded : tuple of WordDrift
    projected : tuple of ProjectedWord
        Chosen words on the first two principal components of their vectors before and after.
    replaced : tuple of Replaced
        The same replacements in the tuned model and in that of the baseline; empty if nothing was stranded.
    """

    size: str
    model: str
    looked_at: int
    seen: int
    moved: int
    stranded: int
    median_relative: float
    furthest: tuple[WordDrift, ...]
    most_stranded: tuple[WordDrift, ...]
    projected: tuple[ProjectedWord, ...]
    replaced: tuple[Replaced, ...]


@dataclass(frozen=True, slots=True)
class StudyResults:
    """The whole study.

    Attributes
    ----------
    score : {"f1", "token_accuracy"}
        What all scores are.
    train, dev, test : Corpus
    vectors : Vectors
    config : dict
        The configuration that the modes change, by section.
    versions : dict of str to str
    threads : int
        Of linear algebra, in each process.
    sizes : tuple of str
        Smallest first.
    modes : dict of str to str
        Those compared, the baseline first, and what they are.
    seeds : int
        Seeds 0 to n - 1.
    points : tuple of Point
        By size, then mode.
    tests : tuple of ModeTest
        The family, by size, then mode.
    carrying : tuple of CarryingTrial
        Empty without the mode that carries over.
    drift : tuple of SizeDrift
        By size; empty without the tuned mode.
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
