"""State that the worker processes of a service share: requests in flight, and whether it is stopping."""

import mmap
import multiprocessing
import os
from contextlib import suppress
from threading import Lock

_DRAINING, _CLOSING, _RELOADS, _FIRST_SLOT = range(4)  # cells; a slot is two cells: process id, requests
_BYTES = 8  # of a cell, a signed integer


class Board:
    """Cells in memory that forked processes share.

    Each process counts in its own slot, which it takes when it first counts a request; the slot of a process
    that died is taken by the next one.
    """

    def __init__(self, in_flight_limit: int, n_slots: int = 32) -> None:
        self.in_flight_limit = in_flight_limit
        self._cells = memoryview(mmap.mmap(-1, (_FIRST_SLOT + 2 * n_slots) * _BYTES)).cast("q")
        self._slots = range(_FIRST_SLOT, len(self._cells), 2)
        self._taking = multiprocessing.get_context("fork").Lock()
        self._pid = 0
        self._lock = Lock()  # among the threads of one process
        self._own = 0

    def enter(self) -> bool:
        """Count a request as in flight, or return False if there are as many as allowed."""
        if self._pid != os.getpid():
            self._take_slot()
        with self._lock:
            # Count first, then compare: when two processes enter at once both may be refused, but never
            # both admitted beyond the limit.
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
        return sum(self._cells[_FIRST_SLOT + 1 :: 2])

    @property
    def draining(self) -> bool:
        """Whether the service is stopping: not ready for new clients, but still answering."""
        return bool(self._cells[_DRAINING])

    @property
    def closing(self) -> bool:
        """Whether workers must let no new connection in."""
        return bool(self._cells[_CLOSING])

    @property
    def reloads(self) -> int:
        """How often workers were asked to look for new models."""
        return self._cells[_RELOADS]

    def drain(self) -> None:
        """Record that the service is stopping."""
        self._cells[_DRAINING] = 1

    def close(self) -> None:
        """Tell workers to let no new connection in."""
        self._cells[_CLOSING] = 1

    def reload(self) -> None:
        """Ask all workers to look for new models now."""
        self._cells[_RELOADS] += 1

    def _take_slot(self) -> None:
        """Take the slot of this process: one that is free, or whose process has died."""
        with self._taking:
            if self._pid == os.getpid():
                return
            self._lock = Lock()  # another thread of the parent may have held it at the fork
            free = (slot for slot in self._slots if not _is_alive(self._cells[slot]))
            slot = next(free, self._slots[-1])  # too many processes: the last slot is shared
            self._cells[slot] = os.getpid()
            self._cells[slot + 1] = 0
            self._own = slot + 1
            self._pid = os.getpid()


def _is_alive(pid: int) -> bool:
    """Return whether a process runs; False for 0."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            return True
    return False
