"""A worker process, seen from its supervisor."""

import gc
import os
import select
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

Target = Callable[[int, Callable[[], None]], None]  # (slot of the board, what to call when ready)

_START_SECONDS = 60.0  # for a worker to accept connections


@dataclass(slots=True)
class WorkerProcess:
    """A fork that works.

    Attributes
    ----------
    pid, slot : int
        Its process number, and where it writes on the board.
    started : float
        When, of `time.monotonic()`.
    status : int or None
        How it ended (negative: by which signal); None while it runs.
    """

    pid: int
    slot: int
    started: float
    status: int | None
    _ready: int  # a pipe that its word comes through

    @classmethod
    def fork(cls, target: Target, slot: int) -> "WorkerProcess":
        """Start one; in the new process this does not return."""
        readable, writable = os.pipe()
        gc.freeze()  # the collector would write into pages that are shared otherwise
        with warnings.catch_warnings():
            # Python 3.12 counts BLAS's threads too; these end before a fork, and there are no others
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _work(target, slot, writable)
        os.close(writable)
        return cls(pid, slot, monotonic(), None, readable)

    def wait_until_ready(self) -> bool:
        """Wait for its word that it accepts connections; False if it ends or is silent for a minute."""
        found, _, _ = select.select([self._ready], [], [], _START_SECONDS)
        return bool(found) and os.read(self._ready, 1) != b""

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def has_ended(self) -> bool:
        """Say whether it has ended since the last time; True once."""
        if self.status is not None:
            return False
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            os.close(self._ready)
            self.status = os.waitstatus_to_exitcode(status)
        return pid != 0


def _work(target: Target, slot: int, writable: int) -> NoReturn:
    """Be a worker."""
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP):  # the supervisor's to hear
            signal.signal(number, signal.SIG_IGN)

        def tell() -> None:
            os.write(writable, b"+")
            os.close(writable)

        target(slot, tell)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
