"""Look up rows and add them, as products with a sparse matrix of ones.

S has a row for each sum and a 1 in the column of each row that the sum adds. S x looks up and adds; its
backward is S^T dy, which gives the gradient of each sum to the rows in it, as often as they occur. scipy
computes both in one pass over the data, without sorting and without an array of all looked-up rows.

Dimensions: M sums, P looked-up rows in all sums, U rows to choose from, H numbers a row.
"""

from typing import Any

import numpy as np

from windowclf.arrays import Floats, Ints


class Selection:
    """The matrix S (M, U), kept as the indices of its ones.

    Sum m adds `rows[starts[m] : starts[m + 1]]`: `rows` (P,) are from 0 to U - 1, `starts` is (M + 1,), and
    `n_rows` is U.
    """

    def __init__(self, rows: Ints, starts: Ints, n_rows: int) -> None:
        self.rows = rows
        self.starts = starts
        self.shape = (len(starts) - 1, n_rows)

    def add(self, x: Floats) -> Floats:
        """Return S x, the rows of each sum added up: x (U, H) -> (M, H)."""
        result: Floats = self._matrix(x) @ x
        return result

    def spread(self, dy: Floats) -> Floats:
        """Return S^T dy, for each row the gradients of all sums that add it: dy (M, H) -> (U, H)."""
        result: Floats = self._matrix(dy).T @ dy
        return result

    def _matrix(self, like: Floats) -> Any:
        from scipy import sparse  # slow to import, and only training needs it

        ones = np.ones(len(self.rows), like.dtype)
        return sparse.csr_array((ones, self.rows, self.starts), shape=self.shape)
