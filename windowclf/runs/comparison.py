"""What a comparison of runs holds: systems, their scores, and the differences between them."""

from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the runs of a system: its mean and, of several runs, its standard deviation."""

    mean: float
    deviation: float | None


@dataclass(frozen=True, slots=True)
class System:
    """Runs that differ in the seed alone.

    Attributes
    ----------
    name : str
        The directory of its first run.
    runs : tuple of str
        Directories.
    seeds : tuple of int
        Those of the runs.
    settings : dict
        The values of the configuration, the training corpus and the teacher, where systems differ in them.
    dev : Spread or None
        The score that runs have recorded; None where one of them has none.
    scores : dict of str to Spread
        On the data that were given: what an `Evaluation` calls so, the main score first; empty without data.
    """

    name: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: dict[str, Any]
    dev: Spread | None
    scores: dict[str, Spread]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a system compares with the baseline on the data that were given; scores in [0, 1].

    Attributes
    ----------
    system : str
        Its name.
    n_runs : int
        How many runs of each were compared.
    is_paired : bool
        Whether runs of the same seed were compared.
    difference, low, high : float
        By how much the system is better, and the interval of `bootstrap.interval_of`.
    p_value, corrected : float
        Of `significance.compare`, and that after Holm's correction over all the differences.
    seeds_p_value : float or None
        Of `significance.compare_seeds`; None with too few seeds, or of others.
    is_clear : bool
        Whether both say so: the corrected p-value is below `ALPHA`, and zero is outside the interval.
    """

    system: str
    n_runs: int
    is_paired: bool
    difference: float
    low: float
    high: float
    p_value: float
    corrected: float
    seeds_p_value: float | None
    is_clear: bool


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Several systems side by side.

    Attributes
    ----------
    score : {"f1", "token_accuracy"}
        The main score, which `dev` and the differences are of.
    systems : tuple of System
        Best first: by the data that were given, else by dev.
    dev : str or None
        The name of the corpus that dev scores are of.
    n_sentences : int or None
        Of the data that were given.
    baseline : str
        The system of the run that was named first.
    differences : tuple of Difference
        Of every other system, best first; empty without data.
    interrupted : tuple of str
        The directories of runs whose training did not come to its end.
    """

    score: str
    systems: tuple[System, ...]
    dev: str | None
    n_sentences: int | None
    baseline: str
    differences: tuple[Difference, ...]
    interrupted: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values for JSON."""
        return dict(msgspec.to_builtins(self))
