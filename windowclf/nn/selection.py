"""Looking rows up and adding them, written as products with a sparse matrix of ones.

S has a row for each sum and a 1 in the column of each row that the sum takes. S x looks up and adds; the
backward pass of that is S^T dy, which hands every sum's gradient to the rows it took, however often they
were taken. scipy does either in one pass over the data, without sorting and without an array of all places.

Dimensions: M sums, P places where rows are taken, U rows to take from, H numbers a row.
"""

from typing import Any

import numpy as np

from windowclf.arrays import Floats, Ints


class Selection:
    """The matrix S (M, U), kept as the places of its ones.

    Parameters
    ----------
    rows : Ints of shape (P,)
        The row that is taken at each place, place after place; from 0 to U - 1.
    starts : Ints of shape (M + 1,)
        Sum m adds the places `starts[m]` to `starts[m + 1]`.
    n_rows : int
        U.
    """

    def __init__(self, rows: Ints, starts: Ints, n_rows: int) -> None:
        self.rows = rows
        self.starts = starts
        self.shape = (len(starts) - 1, n_rows)

    def add(self, x: Floats) -> Floats:
        """Return S x, the sum of the rows that each sum takes: x (U, H) -> (M, H)."""
        result: Floats = self._matrix(x) @ x
        return result

    def spread(self, dy: Floats) -> Floats:
        """Return S^T dy, for each row the sum over all places it was taken at: dy (M, H) -> (U, H)."""
        result: Floats = self._matrix(dy).T @ dy
        return result

    def _matrix(self, like: Floats) -> Any:
        from scipy import sparse  # only training needs it, and it takes long to import

        ones = np.ones(len(self.rows), like.dtype)
        return sparse.csr_array((ones, self.rows, self.starts), shape=self.shape)
