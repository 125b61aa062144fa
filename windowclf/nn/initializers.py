"""How parameters begin.

All have one signature, `(n_in, n_out, rng, dtype)`, so that a configuration can name any of them.
"""

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Floats

Initializer = Callable[[int, int, np.random.Generator, npt.DTypeLike], Floats]


def xavier_uniform(n_in: int, n_out: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> Floats:
    """Draw weights that keep the variance alike from layer to layer, forwards and backwards.

    W ~ U[-√6 / √(n_in + n_out), √6 / √(n_in + n_out)] (Glorot and Bengio 2010, equation 16).

    Parameters
    ----------
    n_in, n_out : int
        Numbers into and out of the layer.
    rng : numpy.random.Generator
    dtype : dtype

    Returns
    -------
    Floats of shape (n_in, n_out)
    """
    return _uniform(n_in, n_out, rng, dtype, limit=sqrt(6 / (n_in + n_out)))


def uniform_rows(
    n: int, d: int, rng: np.random.Generator, dtype: npt.DTypeLike, scale: float | None = None
) -> Floats:
    """Draw the rows of an embedding, by default each of expected squared length 1.

    Parameters
    ----------
    n : int
        Rows.
    d : int
        Numbers a row.
    rng : numpy.random.Generator
    dtype : dtype
    scale : float, optional
        The numbers are from [-scale, scale). Default √(3 / d) (Ma and Hovy 2016, "End-to-end sequence
        labeling", section 3.1): a uniform number's variance is scale² / 3, here 1 / d.

    Returns
    -------
    Floats of shape (n, d)
    """
    return _uniform(n, d, rng, dtype, limit=sqrt(3 / d) if scale is None else scale)


def zeros(n_in: int, n_out: int, rng: np.random.Generator, dtype: npt.DTypeLike) -> Floats:
    """Begin at nothing, for rows or weights that need not differ from one another.

    Parameters
    ----------
    n_in, n_out : int
    rng : numpy.random.Generator
        Not used.
    dtype : dtype

    Returns
    -------
    Floats of shape (n_in, n_out)
    """
    array: Floats = np.zeros((n_in, n_out), dtype)
    return array


def _uniform(
    n_in: int, n_out: int, rng: np.random.Generator, dtype: npt.DTypeLike, *, limit: float
) -> Floats:
    # Drawn in float64 and rounded, so that every dtype begins at the same place.
    array: Floats = rng.uniform(-limit, limit, (n_in, n_out)).astype(dtype)
    return array


INITIALIZERS: Mapping[str, Initializer] = {
    "xavier_uniform": xavier_uniform,
    "uniform_rows": uniform_rows,
    "zeros": zeros,
}
"""The initializers a configuration can name."""
