"""The process above the workers: starts them, replaces them when models change, ends them without loss."""

import os
import queue
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, sleep

from windowclf.errors import WindowClfError
from windowclf.tagger import WindowTagger
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.monitoring import telemetry
from windowclf_service.monitoring.events import install_logging, log_event
from windowclf_service.server.listener import stop_new_connections
from windowclf_service.server.processes import Target, WorkerProcess

STOP_SECONDS = 30.0  # from SIGTERM to the end, whatever happens
_SETTLE_SECONDS = 0.2  # for workers to take what is left in the listener's queue
_QUICK_DEATH_SECONDS = 1.0  # a worker that lived no longer is not started again before that time
_TICK_SECONDS = 0.5
_GENERATIONS = 8  # of workers that may be ending while others work
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)


class Supervisor:
    """Serves models from several processes that share them in memory.

    The models are loaded, verified and warmed in this process; workers are forks of it. SIGHUP loads them
    anew beside the running workers, which are replaced only once the new ones accept connections. SIGTERM
    makes the service unready, waits for `grace` seconds while it still answers, and ends; SIGINT does not
    wait.

    Parameters
    ----------
    config : ServiceConfig
    listener : socket.socket
        Listens already; connections wait in its queue until there are workers.
    load : callable
        Returns the taggers by name, or raises WindowClfError.
    n_workers : int
    grace : float
        Seconds.
    """

    def __init__(
        self,
        config: ServiceConfig,
        listener: socket.socket,
        load: Callable[[], Mapping[str, WindowTagger]],
        *,
        n_workers: int,
        grace: float,
    ) -> None:
        self.config = config
        self.listener = listener
        self.load = load
        self.n_workers = n_workers
        self.grace = grace
        self.board = Board(config.limits.in_flight, n_workers * _GENERATIONS)
        self._free_slots = list(range(self.board.n_slots))
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._workers: list[WorkerProcess] = []
        self._retired: list[WorkerProcess] = []  # told to end, and not ended yet

    def run(self, on_ready: Callable[[], None]) -> int:
        """Serve until a signal ends it, and return the exit status.

        Parameters
        ----------
        on_ready : callable
            Called when all workers accept connections.

        Raises
        ------
        WindowClfError
            If a model cannot be loaded, or a worker does not start.
        """
        with self._hear_signals(), _shared_metrics():
            self._target = self._prepare()
            install_logging()
            self._workers = self._start(self._target)
            on_ready()
            return self._watch()

    @contextmanager
    def _hear_signals(self) -> Iterator[None]:
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number in _SIGNALS:
            signal.signal(number, lambda number, _: self._signals.put(number))
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _prepare(self) -> Target:
        """Load the models, and return what a worker runs with them."""
        from windowclf_service.app import BATCHER, create_app
        from windowclf_service.server.gateway import Gateway
        from windowclf_service.server.worker import run_worker

        app = create_app(self.config, self.load(), board=self.board)
        gateway = Gateway(app, self.board, self.config, app.extensions[BATCHER])
        drain = STOP_SECONDS - self.grace - 3  # what is left when workers are told to end, less a reserve

        def work(slot: int, on_ready: Callable[[], None]) -> None:
            self.board.attach(slot)
            run_worker(self.listener, gateway, self.board, on_ready, drain)

        return work

    def _start(self, target: Target) -> list[WorkerProcess]:
        """Start all workers, and wait until they accept connections."""
        if len(self._free_slots) < self.n_workers:
            raise WindowClfError(
                "too many workers are still ending", hint="Try again when they have answered their requests."
            )
        started = [self._fork(target) for _ in range(self.n_workers)]
        if all([process.wait_until_ready() for process in started]):
            return started
        for process in started:
            process.send(signal.SIGKILL)
        self._retired += started
        raise WindowClfError(
            "a worker process did not start", hint="What it said stands above, on standard error."
        )

    def _fork(self, target: Target) -> WorkerProcess:
        return WorkerProcess.fork(target, self._free_slots.pop())

    # -- while it serves -----------------------------------------------------------------------------

    def _watch(self) -> int:
        """Do what signals say, and replace workers that die, until the end."""
        while True:
            number = self._next_signal(_TICK_SECONDS)
            self._reap()
            self._replace_dead()
            if number == signal.SIGHUP:
                self._reload()
            elif number in (signal.SIGTERM, signal.SIGINT):
                return self._stop(self.grace if number == signal.SIGTERM else 0.0)

    def _next_signal(self, seconds: float) -> int | None:
        try:
            return self._signals.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def _reload(self) -> None:
        """Replace models and workers, or leave everything as it is."""
        try:
            target = self._prepare()
            fresh = self._start(target)
        except (WindowClfError, OSError) as error:
            log_event("error", "models not reloaded; the old ones are still served", error=str(error))
            return
        self._target = target
        self._retired += self._workers
        for process in self._workers:
            process.send(signal.SIGTERM)
        self._workers = fresh
        log_event("info", "models reloaded", workers=[process.pid for process in fresh])

    def _reap(self) -> None:
        """Take note of processes that have ended."""
        for process in [*self._workers, *self._retired]:
            if process.has_ended():
                self.board.clear(process.slot)
                self._free_slots.append(process.slot)
                telemetry.forget_process(process.pid)
        self._retired = [process for process in self._retired if process.status is None]

    def _replace_dead(self) -> None:
        """Start a worker for each that has died."""
        for i, process in enumerate(self._workers):
            if process.status is None or monotonic() < process.started + _QUICK_DEATH_SECONDS:
                continue
            log_event(
                "error", "a worker died; another one is started", worker=process.pid, status=process.status
            )
            self._workers[i] = self._fork(self._target)

    # -- the end -------------------------------------------------------------------------------------

    def _stop(self, grace: float) -> int:
        """Become unready, wait, let workers finish, and return the exit status."""
        end = monotonic() + STOP_SECONDS
        self.board.drain()
        log_event("info", "ending: not ready any more, still answering", seconds=grace)
        until = monotonic() + grace
        while monotonic() < until:
            if self._next_signal(until - monotonic()) in (signal.SIGTERM, signal.SIGINT):
                break  # told twice
        if stop_new_connections(self.listener):
            sleep(_SETTLE_SECONDS)
        self._retired += [process for process in self._workers if process.status is None]
        self._workers = []
        while self._retired and monotonic() < end:
            for process in self._retired:
                process.send(signal.SIGTERM)  # again and again: one that was just born may not hear the first
            self._next_signal(_TICK_SECONDS)
            self._reap()
            self.listener.close()
        for process in self._retired:
            log_event("error", "a worker did not end in time and was killed", worker=process.pid)
            process.send(signal.SIGKILL)
        return 1 if self._retired else 0


@contextmanager
def _shared_metrics() -> Iterator[None]:
    """Give prometheus-client a folder for the counts of all workers; it is not imported before this."""
    with tempfile.TemporaryDirectory(prefix="windowclf-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
