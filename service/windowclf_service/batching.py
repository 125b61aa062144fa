"""Work of several threads at once: short requests are tagged together, long ones a few at a time.

Half of the cost of tagging a short text is in the call, so one of the waiting threads tags for all of them.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, Semaphore
from time import monotonic, sleep
from typing import Generic, TypeVar

from werkzeug.exceptions import ServiceUnavailable

MOST_TOGETHER = 16  # requests
LONG_AT_ONCE = 2  # requests of a process; they share one interpreter lock

T = TypeVar("T")
R = TypeVar("R")


class Deadline:
    """The time at which an answer must start, so many seconds from now; missed, the status is 503."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left; 0 when it is over."""
        return max(0.0, self._end - monotonic())

    def check(self) -> None:
        """Stop the work on a request whose time is over."""
        if not self.left:
            raise self.missed()

    def missed(self) -> ServiceUnavailable:
        """Return the error of a request that took too long."""
        return ServiceUnavailable(f"There was no answer within {self.seconds:g} seconds.", retry_after=1)


class _Job(Generic[T, R]):
    """What one thread wants to have done."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.results: list[R] = []
        self.is_done = False
        self.wake = Lock()  # released when another thread has done it, or when this thread is to lead
        self.wake.acquire()


class Batcher(Generic[T, R]):
    """Lets one of the waiting threads work for all of them.

    `work` does several items at once and returns a result for each. If it raises, each is done by itself.
    """

    def __init__(self, work: Callable[[Sequence[T]], list[R]]) -> None:
        self._work = work
        self._lock = Lock()
        self._waiting: list[_Job[T, R]] = []
        self._is_led = False
        self._is_crowded = False  # another thread came while the last batch was worked on
        self._long = Semaphore(LONG_AT_ONCE)

    def do(self, item: T, deadline: Deadline) -> R:
        """Do an item, together with those that other threads bring at the same time."""
        job: _Job[T, R] = _Job(item)
        with self._lock:
            self._waiting.append(job)
            leads = not self._is_led
            self._is_led = True
        if leads:
            if self._is_crowded:
                _let_others_in()
        elif not job.wake.acquire(timeout=deadline.left):
            self._give_up(job, deadline)
        if not job.is_done:
            self._lead(job)
        return job.results[0] if job.results else self._work([item])[0]

    def _lead(self, own: _Job[T, R]) -> None:
        """Work for those who wait, the first of whom is the leader itself, and let the next one lead."""
        with self._lock:
            batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        try:
            for job, result in zip(batch, self._work([job.item for job in batch]), strict=True):
                job.results.append(result)
        except Exception:  # each does its item alone, and raises what is wrong with it
            for job in batch:
                job.results.clear()
        finally:
            with self._lock:
                for job in batch:
                    job.is_done = True
                    job.wake.release()
                self._is_led = bool(self._waiting)
                self._is_crowded = self._is_led or len(batch) > 1
                if self._waiting:
                    self._waiting[0].wake.release()

    def _give_up(self, job: _Job[T, R], deadline: Deadline) -> None:
        """Leave the queue, unless the job is being done or this thread was chosen to lead just now."""
        with self._lock:
            if job in self._waiting and not job.wake.acquire(blocking=False):
                self._waiting.remove(job)
                raise deadline.missed()
            is_chosen = job in self._waiting
        if not is_chosen:
            job.wake.acquire()

    @contextmanager
    def long_work(self, deadline: Deadline | None = None) -> Iterator[None]:
        """Wait for one of the few places for long work, and hold it within the block."""
        if not self._long.acquire(timeout=None if deadline is None else deadline.left):
            assert deadline is not None
            raise deadline.missed()
        try:
            yield
        finally:
            self._long.release()


def _let_others_in() -> None:
    """Release the interpreter lock once, so that threads that have a request can bring it.

    On a busy machine this may take a millisecond, so it is not for a thread that is alone.
    """
    if hasattr(os, "sched_yield"):
        os.sched_yield()  # a sleep of 0 seconds takes at least 50 microseconds
    else:
        sleep(0)
