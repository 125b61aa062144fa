"""Memory that a caller lends to operations, so that it need not be asked of the system at every step."""

from math import prod

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Floats


class Workspace:
    """Arrays by name, reused; one for each thread.

    What an operation was lent is overwritten when an operation asks for the same name again, so what it
    returned, and its closure, hold until the next forward pass with the same workspace.
    """

    def __init__(self) -> None:
        self._memory: dict[str, npt.NDArray[np.uint8]] = {}
        self._parts: dict[str, Workspace] = {}

    def part(self, name: str) -> "Workspace":
        """Return a workspace within this one: each operation of a network gets its own."""
        return self._parts.setdefault(name, Workspace())

    def take(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
        """Return an array of this shape, its content undefined.

        Parameters
        ----------
        name : str
            What it is for; the same name gets the same memory.
        shape : tuple of int
        dtype : dtype

        Returns
        -------
        Floats of the shape and dtype asked for
        """
        n_bytes = prod(shape) * np.dtype(dtype).itemsize
        if name not in self._memory or self._memory[name].size < n_bytes:
            # a little more than is asked for: batches differ in size, and the largest should soon be there
            self._memory[name] = np.empty(n_bytes + n_bytes // 4, np.uint8)
        array: Floats = self._memory[name][:n_bytes].view(dtype).reshape(shape)
        return array


def take(workspace: Workspace | None, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
    """Take an array from a workspace, or a new one where there is no workspace."""
    return np.empty(shape, dtype) if workspace is None else workspace.take(name, shape, dtype)
