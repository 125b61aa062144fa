"""What all worker processes of a service know together: requests in flight, and whether it is ending."""

import mmap
from threading import Lock

_DRAINING = 0
_FIRST_SLOT = 1
_BYTES = 8  # of a cell, a signed integer


class Board:
    """Cells of memory that processes share across a fork; each is written by one process alone.

    Parameters
    ----------
    in_flight_limit : int
        Most requests in flight, over all processes.
    n_slots : int
        Most processes that write at once.
    """

    def __init__(self, in_flight_limit: int, n_slots: int = 1) -> None:
        self.in_flight_limit = in_flight_limit
        self.n_slots = n_slots
        self._cells = memoryview(mmap.mmap(-1, (_FIRST_SLOT + n_slots) * _BYTES)).cast("q")
        self._own = _FIRST_SLOT
        self._lock = Lock()  # among the threads of one process

    def attach(self, slot: int) -> None:
        """Let this process write in a slot, which it finds empty whatever the last owner left in it."""
        self._lock = Lock()
        self._own = _FIRST_SLOT + slot
        self._cells[self._own] = 0

    def clear(self, slot: int) -> None:
        """Forget the requests of a process that has ended."""
        self._cells[_FIRST_SLOT + slot] = 0

    def enter(self) -> bool:
        """Count a request as in flight, or say that there are as many as there may be."""
        with self._lock:
            # Own cell first, then the sum: of two processes that enter at once, both may be turned away,
            # but not both let in.
            self._cells[self._own] += 1
            if self.in_flight <= self.in_flight_limit:
                return True
            self._cells[self._own] -= 1
            return False

    def leave(self) -> None:
        """Count one of this process's requests as answered."""
        with self._lock:
            self._cells[self._own] -= 1

    @property
    def in_flight(self) -> int:
        """Requests in flight, over all processes."""
        return sum(self._cells[_FIRST_SLOT:])

    @property
    def draining(self) -> bool:
        """Whether the service is ending: no longer ready, but still answering."""
        return bool(self._cells[_DRAINING])

    def drain(self) -> None:
        """Say that the service is ending."""
        self._cells[_DRAINING] = 1
