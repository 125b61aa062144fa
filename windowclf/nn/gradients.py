"""Gradients: dense arrays, and the few rows of a large table that a batch reads.

Dimensions: P positions where rows are read, R distinct rows among them, D numbers a row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import ConfigError, ShapeError
from windowclf.nn.selection import Selection

_PIECE = 1 << 14  # numbers whose squares are summed at a time


@dataclass(frozen=True, eq=False)
class RowGradient:
    """The gradient of a table (n_rows, D) of which only R rows were read; all other rows are zero.

    Parameters
    ----------
    ids : Ints of shape (R,)
        The rows that were read: each once, ascending.
    rows : Floats of shape (R, D)
        The gradient of each of them, summed over all positions where it was read.
    n_rows : int
        Rows of the whole table.

    Raises
    ------
    ShapeError
        If `ids` repeat, are not sorted or not in the table, or if the shapes do not agree.
    """

    ids: Ints
    rows: Floats
    n_rows: int

    # Makes `ndarray + RowGradient` a TypeError instead of an array of objects.
    __array_ufunc__ = None

    def __post_init__(self) -> None:
        if self.ids.ndim != 1 or self.rows.ndim != 2 or len(self.ids) != len(self.rows):
            found = (self.ids.shape, self.rows.shape)
            raise ShapeError("ids and rows do not agree", found=found, allowed="shapes (R,) and (R, D)")
        if not is_ascending(self.ids):
            raise ShapeError(
                "ids repeat or are not sorted", found=self.ids, hint="Use from_places to sum them"
            )
        check_ids(self.ids, self.n_rows)

    @classmethod
    def from_places(cls, ids: Ints, rows: Floats, n_rows: int) -> "RowGradient":
        """Sum the gradients `rows` (P, D) of all positions that read the same row, `ids` (P,) in any order.

        A row that is read at P positions has P downstream gradients, and its gradient is their *sum* (the
        multivariate chain rule). `dE[ids] += rows` would keep only one of them.

        Raises
        ------
        ShapeError
            If the shapes do not agree or an id is not a row of the table.
        """
        if ids.ndim != 1 or rows.ndim != 2 or len(ids) != len(rows):
            found = (ids.shape, rows.shape)
            raise ShapeError("ids and rows do not agree", found=found, allowed="shapes (P,) and (P, D)")
        if is_ascending(ids):  # no repeats; also if P = 0
            return cls(ids.copy(), rows.copy(), n_rows)
        # Sort, and sum each run of equal ids.
        order = np.argsort(ids, kind="stable")
        sorted_ids = ids[order]
        is_start = np.concatenate(([True], sorted_ids[1:] != sorted_ids[:-1]))
        starts = np.flatnonzero(is_start)
        runs = Selection(order, np.append(starts, len(ids)), len(ids))
        return cls(sorted_ids[starts], runs.add(rows), n_rows)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (n_rows, D) of the table."""
        return self.n_rows, self.rows.shape[1]

    def to_dense(self) -> Floats:
        """Return an array of shape (n_rows, D), zero in rows that were not read."""
        dense = np.zeros(self.shape, self.rows.dtype)
        dense[self.ids] = self.rows  # each id once, so nothing is overwritten
        return dense

    def __add__(self, other: "RowGradient") -> "RowGradient":
        """Sum two gradients of the same table."""
        if not isinstance(other, RowGradient):
            return NotImplemented
        if self.shape != other.shape:
            raise ShapeError("gradients of different tables", found=other.shape, allowed=str(self.shape))
        ids = np.concatenate([self.ids, other.ids])
        return RowGradient.from_places(ids, np.concatenate([self.rows, other.rows]), self.n_rows)

    def scale(self, factor: float) -> "RowGradient":
        """Multiply every row by `factor`."""
        return RowGradient(self.ids, self.rows * float(factor), self.n_rows)

    def before(self, end: int) -> "RowGradient":
        """Return the gradient without the rows from `end` on, which then do not change."""
        n = int(np.searchsorted(self.ids, end))
        return self if n == len(self.ids) else RowGradient(self.ids[:n], self.rows[:n], self.n_rows)

    def squared_norm(self) -> float:
        """Return the sum of all squares."""
        return _sum_of_squares(self.rows)


Gradient = Floats | RowGradient


def is_ascending(ids: Ints) -> bool:
    """Tell whether each id (P,) is greater than the one before, so that none repeats."""
    return bool(np.all(ids[1:] > ids[:-1]))


def check_ids(ids: Ints, n_rows: int) -> None:
    """Check that ids are rows of a table; numpy would read a negative one from the end."""
    if ids.size and not (0 <= ids.min() and ids.max() < n_rows):
        found = int(ids.min() if ids.min() < 0 else ids.max())
        raise ShapeError("an id is not a row of its table", found=found, allowed=f"0 to {n_rows - 1}")


def global_norm(gradients: Iterable[Gradient]) -> float:
    """Return the Euclidean norm of all gradients as one vector, summed in float64 whatever their dtype."""
    squares = (g.squared_norm() if isinstance(g, RowGradient) else _sum_of_squares(g) for g in gradients)
    return sqrt(sum(squares))


def clip_by_norm(gradients: Mapping[str, Gradient], limit: float) -> dict[str, Gradient]:
    """Scale all gradients by one factor so that their common norm is at most `limit`, which must be above 0.

    g <- g · limit / ‖g‖ if ‖g‖ > limit
    (Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
    algorithm 1). The gradients are not changed; those within the limit are returned as they are.

    Raises
    ------
    ConfigError
        If `limit` is not above 0.
    """
    if not limit > 0:
        raise ConfigError("the norm to clip at must be positive", where="clip_by_norm", found=limit)
    norm = global_norm(gradients.values())
    if norm <= limit:
        return dict(gradients)
    factor = limit / norm
    return {k: g.scale(factor) if isinstance(g, RowGradient) else g * factor for k, g in gradients.items()}


def _sum_of_squares(array: Floats) -> float:
    # in float64, because a float32 square overflows from 1.8e19 on; in pieces, to stay in the cache
    flat = array.reshape(-1)
    pieces = (flat[i : i + _PIECE].astype(np.float64) for i in range(0, len(flat), _PIECE))
    return sum(float(piece @ piece) for piece in pieces)
