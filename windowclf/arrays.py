"""Names for array types, whose shapes are said where they are used; and sentences in one array."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]


def spread_apart(lengths: Ints, gap: int) -> tuple[Ints, int]:
    """Lay sentences of `lengths` (S,) in a row with `gap` places free before each and after the last.

    Returns the place of each token (N,), and how many places there are: N + (S + 1) · gap.
    """
    shift = np.repeat(np.arange(1, len(lengths) + 1) * gap, lengths)
    return np.arange(len(shift)) + shift, len(shift) + (len(lengths) + 1) * gap
