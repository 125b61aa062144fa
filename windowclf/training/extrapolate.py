"""Carry the movement of tuned vectors over to words that are not in the training data.

Tuning moves the vectors b_i of the training words to a_i and leaves all others where they were, even close
neighbours. A map from points to displacements is fitted on the pairs (b_i, Δ_i = a_i - b_i), and every other
vector x becomes

    x + strength · Δ(x),    strength in [0, 1].

M vectors that moved, R others, D dimensions.
"""

from collections.abc import Callable, Mapping

import numpy as np

from windowclf.arrays import Floats
from windowclf.vectors import nearest_rows, unit_rows

Displacement = Callable[[Floats], Floats]  # x (R, D) -> Δ(x) (R, D), fitted to b and Δ, both (M, D), M ≥ 1

N_NEIGHBOURS = 10
_PENALTIES = 10.0 ** np.arange(-6, 4)  # tried; in units of the mean eigenvalue of the points' scatter matrix
_ROWS_AT_ONCE = 8192  # rows that are displaced at a time; bounds memory


def fit_ridge(points: Floats, displacements: Floats) -> Displacement:
    """Fit a linear map with an intercept by ridge regression.

    Δ(x) = d̄ + (x - b̄) W, with b̄ and d̄ the means of points and displacements, and W (D, D) at the minimum of

        Σ_i ‖Δ_i - d̄ - (b_i - b̄) W‖² + λ ‖W‖²,    W = (XᵀX + λ I)⁻¹ Xᵀ Y

    with X and Y the centred points and displacements (Hoerl and Kennard 1970; Hastie, Tibshirani and Friedman
    2009, section 3.4.1). Of ten λ, the one with the smallest leave-one-out error is taken, without refitting:
    the error at point i is its residual divided by 1 - h_i, where h_i = 1/M + x_i (XᵀX + λ I)⁻¹ x_iᵀ is the
    i-th diagonal element of the hat matrix (Allen 1974, PRESS).
    With one point, the map is its displacement everywhere. Δ(x) is in float64.
    """
    b, d = points.astype(np.float64), displacements.astype(np.float64)
    b_mean, d_mean = b.mean(axis=0), d.mean(axis=0)
    b -= b_mean
    d -= d_mean
    eigenvalues, Q = np.linalg.eigh(b.T @ b)
    eigenvalues = np.maximum(eigenvalues, 0)
    Z = b @ Q
    projected = Z.T @ d
    best, W = np.inf, np.zeros((b.shape[1], d.shape[1]))
    if len(b) > 1 and eigenvalues.any():
        for penalty in _PENALTIES * eigenvalues.mean():
            share = 1 / (eigenvalues + penalty)
            h = 1 / len(b) + np.square(Z) @ share
            coefficients = share[:, None] * projected
            error = float(np.square((d - Z @ coefficients) / (1 - h)[:, None]).sum())
            if error < best:
                best, W = error, Q @ coefficients

    def displacement(x: Floats) -> Floats:
        moved: Floats = d_mean + (x - b_mean) @ W
        return moved

    return displacement


def fit_neighbours(points: Floats, displacements: Floats, k: int = N_NEIGHBOURS) -> Displacement:
    """Average the displacements of the k nearest points, weighted by cosine.

    Δ(x) = Σ_{i in N(x)} w_i Δ_i / Σ_{i in N(x)} w_i,    w_i = max(0, cos(x, b_i))

    with N(x) the k points of highest cosine (Nadaraya 1964 and Watson 1964, with the cosine as kernel). Where
    no point is within a right angle of x, it stays where it is.
    """
    units = unit_rows(points)

    def displacement(x: Floats) -> Floats:
        ids, cosines = nearest_rows(unit_rows(x), units, k)
        weights = np.maximum(cosines, 0)
        total = weights.sum(axis=1, keepdims=True)
        weights /= np.where(total > 0, total, 1)
        moved: Floats = np.einsum("rk,rkd->rd", weights, displacements[ids])
        return moved

    return displacement


FITS: Mapping[str, Callable[[Floats, Floats], Displacement]] = {
    "ridge": fit_ridge,
    "neighbours": fit_neighbours,
}
"""The methods that `training.carry` can name."""


def carry_over(before: Floats, after: Floats, others: Floats, *, method: str, strength: float) -> int:
    """Move `others` (R, D), in place, like the vectors that training moved from `before` to `after` (M, D).

    Returns the number of vectors that the map was fitted on; 0 if nothing was carried over.
    """
    has_moved = (before != after).any(axis=1)
    if not has_moved.any() or not strength:
        return 0
    points = before[has_moved]
    displacement = FITS[method](points, after[has_moved] - points)
    for first in range(0, len(others), _ROWS_AT_ONCE):
        part = others[first : first + _ROWS_AT_ONCE]
        part += (strength * displacement(part)).astype(part.dtype)
    return len(points)
