"""Find the rows of a matrix that are nearest to others by cosine, in bounded memory.

Q queries, V rows to search, D dimensions, k neighbours.
"""

import numpy as np

from windowclf.arrays import Floats, Ints

_COSINES_AT_ONCE = 1 << 24  # cosines of some queries with all rows; bounds memory (64 MB)
_GROUP = 32  # rows that are represented by their greatest cosine


def unit_rows(matrix: Floats) -> Floats:
    """Scale each row of a matrix (V, D) to length 1, in float32; zeros stay zeros, with cosines of 0."""
    rows = matrix.astype(np.float32)
    norms = np.sqrt(np.einsum("vd,vd->v", rows, rows))
    norms[norms == 0] = 1
    rows /= norms[:, None]
    return rows


def nearest_rows(queries: Floats, rows: Floats, k: int, *, own: Ints | None = None) -> tuple[Ints, Floats]:
    """Find the `k` rows with the highest cosine to each query, highest first.

    The k greatest of V numbers are in the k groups of greatest maxima, so only k · 32 numbers of each query
    are sorted.

    Parameters
    ----------
    queries, rows : arrays (Q, D) and (V, D)
        Rows of length 1, from `unit_rows`.
    k : int
        At least 1; fewer are found if there are fewer rows.
    own : array (Q,), optional
        For each query, a row that does not count as its neighbour: the query itself.

    Returns
    -------
    ids : array (Q, k)
        Numbers of rows; of equal cosines, the first rows.
    cosines : array (Q, k) of float32
        In [-1, 1], up to rounding.
    """
    Q, V = len(queries), len(rows)
    k = min(k, V - (own is not None))
    ids, cosines = np.zeros((Q, max(k, 0)), np.int64), np.zeros((Q, max(k, 0)), np.float32)
    if k < 1:
        return ids, cosines
    n_groups = -(-V // _GROUP)
    n_at_once = max(1, _COSINES_AT_ONCE // V)
    every = np.full((min(n_at_once, Q), n_groups * _GROUP), -np.inf, np.float32)
    for first in range(0, Q, n_at_once):
        part = slice(first, min(first + n_at_once, Q))
        found = every[: part.stop - first]  # group g has the columns g, g + n_groups, g + 2 n_groups …
        np.matmul(queries[part], rows.T, out=found[:, :V])
        if own is not None:
            found[np.arange(len(found)), own[part]] = -np.inf
        maxima = found.reshape(len(found), _GROUP, n_groups).max(axis=1)
        n_best = min(k, n_groups)
        groups = np.argpartition(-maxima, n_best - 1, axis=1)[:, :n_best]
        columns = (groups[:, :, None] + n_groups * np.arange(_GROUP)).reshape(len(found), -1)
        columns.sort(axis=1)  # so that of equal cosines the first rows are taken
        candidates = np.take_along_axis(found, columns, axis=1)
        order = np.argsort(-candidates, axis=1, kind="stable")[:, :k]
        ids[part] = np.take_along_axis(columns, order, axis=1)
        cosines[part] = np.take_along_axis(candidates, order, axis=1)
    return ids, cosines
