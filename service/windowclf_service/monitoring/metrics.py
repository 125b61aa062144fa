"""What Prometheus is told: counts and times of requests, summed over all processes of the service.

Where PROMETHEUS_MULTIPROC_DIR names a directory, each process counts in files of its own there, and any of
them answers with the sums. prometheus-client looks at that variable when it is imported, so it must be set
before this module is; `windowclf_service.monitoring.telemetry` imports it late.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from fcntl import LOCK_EX, LOCK_SH, flock
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.values import MutexValue, ValueClass

from windowclf_service.board import Board

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
OTHER_METHOD = "(other)"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_SUMMED = ("counter", "histogram")  # the kinds of files that hold sums
_PAST = "past"  # stands for all processes that have ended


class Versioned(Protocol):
    """A served model, as far as the metrics are concerned."""

    @property
    def version(self) -> str:
        """The SHA-256 of its manifest."""


class Metrics:
    """The counts of this process, and the page that tells those of all.

    Raises
    ------
    RuntimeError
        If prometheus-client was imported before PROMETHEUS_MULTIPROC_DIR was set: it would then count in
        this process alone, and the sums would lack it.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._in_files = DIRECTORY in os.environ
        if self._in_files and ValueClass is MutexValue:
            raise RuntimeError(f"{DIRECTORY} must be set before prometheus_client is imported")
        # several processes: the registry of one would tell its own counts
        own = None if self._in_files else self.registry
        if self._in_files:
            self.registry.register(_AllProcesses())
        self._requests = Counter(
            "windowclf_requests", "Requests answered.", ["route", "method", "status"], registry=own
        )
        self._seconds = Histogram(
            "windowclf_request_seconds",
            "Seconds from the first byte of a request to the end of its answer.",
            ["route"],
            buckets=BUCKETS,
            registry=own,
        )
        self._tokens = Counter("windowclf_tokens", "Tokens tagged.", ["model"], registry=own)
        self._loads = Counter("windowclf_model_loads", "Times a model was loaded.", ["model"], registry=own)
        # labels() takes a lock and builds strings; these look-ups do not
        self._request_counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._token_counters: dict[str, Counter] = {}

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. A method that HTTP does not know counts as "(other)"."""
        key = (route, method if method in _METHODS else OTHER_METHOD, status)
        counter = self._request_counters.get(key)
        if counter is None:
            counter = self._request_counters[key] = self._requests.labels(*key)
        counter.inc()
        histogram = self._histograms.get(route)
        if histogram is None:
            histogram = self._histograms[route] = self._seconds.labels(route)
        histogram.observe(seconds)

    def count_tokens(self, model: str, n: int) -> None:
        """Count tokens that a model has tagged."""
        counter = self._token_counters.get(model)
        if counter is None:
            counter = self._token_counters[model] = self._tokens.labels(model)
        counter.inc(n)

    def count_load(self, model: str) -> None:
        """Count a model as loaded once more."""
        self._loads.labels(model).inc()

    def page(self, accept: str, board: Board, models: Mapping[str, Versioned]) -> tuple[bytes, str]:
        """Return all metrics in the format that an Accept header asks for, and its content type."""
        try:
            encode, content_type = choose_encoder(accept if accept.isascii() and accept.isprintable() else "")
        except (TypeError, ValueError):  # a version that is no number
            encode, content_type = choose_encoder("")
        registry = CollectorRegistry()
        registry.register(self.registry)
        registry.register(_Now(board, models))
        with _files(LOCK_SH) if self._in_files else nullcontext():
            return encode(registry), content_type


class _Now:
    """What is read at the moment of asking."""

    def __init__(self, board: Board, models: Mapping[str, Versioned]) -> None:
        self._board = board
        self._models = models

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "windowclf_in_flight", "Requests that are being answered.", value=self._board.in_flight
        )
        yield GaugeMetricFamily(
            "windowclf_draining", "1 while the service is ending.", value=self._board.draining
        )
        info = GaugeMetricFamily("windowclf_model_info", "The models served.", labels=["model", "version"])
        for name, model in self._models.items():
            info.add_metric([name, model.version], 1)
        yield info


class _AllProcesses:
    """The sums over the files of all processes, those that have ended included."""

    def collect(self) -> Iterable[Metric]:
        # a process that has only just made its file has not written the head of it yet
        files = [str(file) for file in sorted(_directory().glob("*.db")) if file.stat().st_size]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)
        return merged


def forget_process(pid: int) -> None:
    """Move the counts of a process that has ended to those of all that have; the sums stay as they are.

    prometheus-client keeps the files of every process that ever was, and reads all of them for each answer.
    Without PROMETHEUS_MULTIPROC_DIR nothing is done.

    Parameters
    ----------
    pid : int
        A process that has been waited for.
    """
    if DIRECTORY not in os.environ:
        return
    with _files(LOCK_EX):
        for kind in _SUMMED:
            file = _directory() / f"{kind}_{pid}.db"
            if file.exists():
                if file.stat().st_size:
                    _add_values(file, _directory() / f"{kind}_{_PAST}.db")
                file.unlink()
        mark_process_dead(pid, str(_directory()))


def _add_values(source: Path, target: Path) -> None:
    """Add the values of one file to those of another."""
    sums = MmapedDict(str(target))
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(source)):
        sums.write_value(key, sums.read_value(key)[0] + value, timestamp)
    sums.close()


def _directory() -> Path:
    return Path(os.environ[DIRECTORY])


@contextmanager
def _files(lock: int) -> Iterator[None]:
    """Hold the directory: for reading, many at once; for moving counts from file to file, alone."""
    held = os.open(_directory(), os.O_RDONLY)
    try:
        flock(held, lock)
        yield
    finally:
        os.close(held)
