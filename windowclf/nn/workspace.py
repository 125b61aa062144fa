"""Memory that a caller lends to operations, so that it is not allocated at every step."""

from math import prod

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Floats


class Workspace:
    """Arrays by name, reused; one for each thread.

    The array of a name is overwritten when the name is used again. So the output of an operation, and its
    backward, are valid until the next forward pass with the same workspace.
    """

    def __init__(self) -> None:
        self._memory: dict[str, npt.NDArray[np.uint8]] = {}
        self._parts: dict[str, Workspace] = {}

    def part(self, name: str) -> "Workspace":
        """Return a workspace within this one; each operation of a network has its own."""
        return self._parts.setdefault(name, Workspace())

    def take(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
        """Return an array of this shape and dtype with undefined content; a name keeps its memory."""
        n_bytes = prod(shape) * np.dtype(dtype).itemsize
        if name not in self._memory or self._memory[name].size < n_bytes:
            # with a margin, because batches differ in size
            self._memory[name] = np.empty(n_bytes + n_bytes // 4, np.uint8)
        array: Floats = self._memory[name][:n_bytes].view(dtype).reshape(shape)
        return array


def take(workspace: Workspace | None, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
    """Return an array of a workspace, or a new one without a workspace."""
    return np.empty(shape, dtype) if workspace is None else workspace.take(name, shape, dtype)
