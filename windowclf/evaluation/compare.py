"""Several comparisons that are tested together, as one family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from windowclf.arrays import Ints
from windowclf.evaluation.bootstrap import Interval, interval_of
from windowclf.evaluation.significance import ALPHA, LEVEL, compare, compare_seeds, holm, score_of

Pair = tuple[Sequence[Ints], Sequence[Ints], bool]
"""The runs of two systems, arrays (S, 3), and whether run i of both share what chance decides."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How the first system of a pair compares with the second.

    Attributes
    ----------
    interval : Interval
        As of `interval_of`.
    p_value, corrected : float
        As of `compare`, and after Holm's correction over the family.
    seeds_p_value : float or None
        As of `compare_seeds`; None with too few runs, or where they are not paired.
    is_clear : bool
        Whether both say so: the corrected p-value is below `ALPHA`, and zero is outside the interval.
    """

    interval: Interval
    p_value: float
    corrected: float
    seeds_p_value: float | None
    is_clear: bool


def compare_family(pairs: Mapping[str, Pair], *, n_resamples: int = 10_000) -> dict[str, Compared]:
    """Test all pairs of a family, by name.

    Raises
    ------
    DataError
        As `compare` does.
    """
    p_values = {
        name: compare(first, second, n_resamples=n_resamples).p_value
        for name, (first, second, _) in pairs.items()
    }
    corrected = holm(p_values)
    found = {}
    for name, (first, second, is_paired) in pairs.items():
        interval = interval_of(first, second, paired=is_paired, level=LEVEL, n_resamples=n_resamples)
        scores = [[float(score_of(run.sum(axis=0))) for run in runs] for runs in (first, second)]
        found[name] = Compared(
            interval,
            p_values[name],
            corrected[name],
            compare_seeds(*scores) if is_paired else None,
            corrected[name] < ALPHA and not interval.holds_zero,
        )
    return found
