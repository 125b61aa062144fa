"""A function applied to a stream of items by several processes, in order and in flat memory.

The processes are forks: they share what was in memory before. They end with their parent, however it ends.
"""

import gc
import signal
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from windowclf.errors import WindowClfError

if TYPE_CHECKING:  # one process starts without
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Item = TypeVar("Item")
Result = TypeVar("Result")
_ITEMS_A_PROCESS = 2  # in work or waiting to be yielded; bounds memory


@dataclass(frozen=True, slots=True)
class _Worker:
    process: "BaseProcess"
    connection: "Connection"


def map_in_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    n_processes: int,
    *,
    source: int | None = None,
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each item, in order.

    Items are taken as processes become free. Close the iterator if it is not read to its end.

    Parameters
    ----------
    function : callable
        Need not be picklable; items and results must be.
    items : iterable
        Read in this process. If it raises, the results of earlier items are yielded first.
    n_processes : int
        From 1.
    source : int, optional
        The file descriptor that items are read from, if reading it may block: results do not wait for it.
        Once it is readable, the next item, or the end, must come without blocking.

    Raises
    ------
    WindowClfError
        If this system has no fork, or a process ends early.
    Exception
        What the function raises, after the results of earlier items.
    """
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        raise WindowClfError(
            "several processes need fork, which this system does not have", hint="Leave out --jobs."
        )
    workers: list[_Worker] = []
    try:
        gc.freeze()  # or the garbage collector would write to shared pages
        for _ in range(n_processes):
            workers.append(_fork(function, workers))
        gc.unfreeze()
        yield from _exchange(workers, iter(items), source)
    finally:
        for worker in workers:
            worker.connection.close()  # so it ends
        for worker in workers:
            worker.process.join()


def _exchange(workers: list[_Worker], items: Iterator[Item], source: int | None) -> Iterator[Any]:
    from multiprocessing.connection import Connection, wait

    idle, busy = [*workers], dict[Connection, tuple[_Worker, int]]()
    results: dict[int, Any] = {}
    n_taken = n_yielded = 0
    fault: Exception | None = None
    has_more = True

    def is_open() -> bool:
        return has_more and bool(idle) and n_taken - n_yielded < _ITEMS_A_PROCESS * len(workers)

    while True:
        while is_open() and (source is None or not busy or wait([source], timeout=0)):
            try:
                item = next(items)
            except StopIteration:
                has_more = False
            except Exception as error:
                has_more, fault = False, error
            else:
                # a worker has one item at a time: it reads while this writes, so there is no deadlock
                worker = idle.pop()
                with _report_end(worker):
                    worker.connection.send(item)
                busy[worker.connection] = worker, n_taken
                n_taken += 1
        if not busy:
            break
        for ready in wait([*busy, *([source] if is_open() and source is not None else [])]):
            if isinstance(ready, Connection):
                worker, number = busy.pop(ready)
                with _report_end(worker):
                    results[number] = worker.connection.recv()
                idle.append(worker)
        while n_yielded in results:
            result, failure = results.pop(n_yielded)
            if failure is not None:
                raise failure
            n_yielded += 1
            yield result
    if fault is not None:
        raise fault


@contextmanager
def _report_end(worker: _Worker) -> Iterator[None]:
    """Turn the end of a worker that is written to or read from into a WindowClfError."""
    try:
        yield
    except (EOFError, ConnectionError) as error:
        worker.process.join()
        raise WindowClfError(
            "a process ended before its work was done",
            found=f"exit status {worker.process.exitcode}",
            hint="Perhaps memory ran out; use fewer --jobs.",
        ) from error


def _fork(function: Callable[[Any], Any], others: list[_Worker]) -> _Worker:
    from multiprocessing import get_context

    context = get_context("fork")
    ours, theirs = context.Pipe()
    not_theirs = [ours, *(worker.connection for worker in others)]
    process = context.Process(target=_work, args=(function, theirs, not_theirs), daemon=True)
    with warnings.catch_warnings():
        # Python 3.12 warns because of BLAS threads too; these end before a fork
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _work(function: Callable[[Any], Any], connection: "Connection", not_ours: "list[Connection]") -> None:
    """Answer item after item until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles it
    for other in not_ours:
        other.close()  # or it would stay open when the parent ends
    try:
        while True:
            item = connection.recv()
            try:
                answer: tuple[Any, Exception | None] = function(item), None
            except Exception as fault:
                if not isinstance(fault, WindowClfError):
                    fault.add_note(traceback.format_exc())  # it is not pickled otherwise
                answer = None, fault
            connection.send(answer)
    except (EOFError, ConnectionError):
        pass
