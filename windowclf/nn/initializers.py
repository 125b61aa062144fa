"""Initial values of parameters."""

from math import sqrt

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Floats


def xavier_uniform(n_in: int, n_out: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> Floats:
    """Draw weights (n_in, n_out) that keep the variance equal from layer to layer, forward and backward.

    W ~ U[-√6 / √(n_in + n_out), √6 / √(n_in + n_out)] (Glorot and Bengio 2010, equation 16).
    """
    return _uniform(n_in, n_out, rng, dtype, limit=sqrt(6 / (n_in + n_out)))


def uniform_rows(
    n: int, d: int, rng: np.random.Generator, dtype: npt.DTypeLike, scale: float | None = None
) -> Floats:
    """Draw the rows of an embedding (n, d) from [-scale, scale), by default with expected squared length 1.

    The default scale is √(3 / d) (Ma and Hovy 2016, "End-to-end sequence labeling", section 3.1): a uniform
    number's variance is scale² / 3, here 1 / d.
    """
    return _uniform(n, d, rng, dtype, limit=sqrt(3 / d) if scale is None else scale)


def _uniform(
    n_in: int, n_out: int, rng: np.random.Generator, dtype: npt.DTypeLike, *, limit: float
) -> Floats:
    # drawn in float64 and rounded, so that all dtypes start with the same numbers
    array: Floats = rng.uniform(-limit, limit, (n_in, n_out)).astype(dtype)
    return array
