"""Metrics for Prometheus: counts and times of requests, summed over all processes of the service.

Where PROMETHEUS_MULTIPROC_DIR names a directory, each process counts in files of its own there, and any of
them answers with the sums (the multiprocess mode of prometheus-client). The variable must be set before
prometheus-client is imported.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from windowclf_service.board import Board

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
OTHER_METHOD = "(other)"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})

# of each model: its version, and whether a new one was refused because it cannot be loaded
Versions = Mapping[str, tuple[str, bool]]


class Metrics:
    """The counts of this process, and the page that shows those of all."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        folder = os.environ.get(DIRECTORY)
        # in multiprocess mode the registry holds the files alone; it would count this process twice
        own = self.registry if folder is None else None
        self._requests = Counter(
            "windowclf_requests", "Requests answered.", ["route", "method", "status"], registry=own
        )
        self._seconds = Histogram(
            "windowclf_request_seconds",
            "Seconds from the arrival of a request to the end of its answer.",
            ["route"],
            buckets=BUCKETS,
            registry=own,
        )
        self._tokens = Counter("windowclf_tokens", "Tokens tagged.", ["model"], registry=own)
        self._loads = Counter(
            "windowclf_model_loads", "Times a process loaded a model.", ["model"], registry=own
        )
        if folder is not None:
            self.registry.register(_AllProcesses(Path(folder)))
            self._requests.labels("/metrics", "GET", 200)  # makes the file of this process
            if not list(Path(folder).glob(f"counter_{os.getpid()}.db")):
                raise RuntimeError(f"{DIRECTORY} must be set before prometheus_client is imported")
        # labels() takes a lock and builds strings; these look-ups do not
        self._requests_of = cache(self._requests.labels)
        self._seconds_of = cache(self._seconds.labels)
        self._tokens_of = cache(self._tokens.labels)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. A method that HTTP does not know counts as "(other)"."""
        self._requests_of(route, method if method in _METHODS else OTHER_METHOD, status).inc()
        self._seconds_of(route).observe(seconds)

    def count_tokens(self, model: str, n: int) -> None:
        """Count tokens that a model has tagged."""
        self._tokens_of(model).inc(n)

    def count_load(self, model: str) -> None:
        """Count that this process loaded a model."""
        self._loads.labels(model).inc()

    def page(self, accept: str, board: Board, versions: Versions) -> tuple[bytes, str]:
        """Return all metrics in the format that an Accept header asks for, and its content type."""
        try:
            encode, content_type = choose_encoder(accept if accept.isascii() and accept.isprintable() else "")
        except (TypeError, ValueError):  # a version that is not a number
            encode, content_type = choose_encoder("")
        registry = CollectorRegistry()
        registry.register(self.registry)
        registry.register(_Now(board, versions))
        return encode(registry), content_type


@dataclass(eq=False)
class _Now:
    """The values of this moment."""

    board: Board
    versions: Versions

    def collect(self) -> Iterable[Metric]:
        n, is_draining = self.board.in_flight, self.board.draining
        yield GaugeMetricFamily("windowclf_in_flight", "Requests that are being answered.", value=n)
        yield GaugeMetricFamily("windowclf_draining", "1 while the service is stopping.", value=is_draining)
        info = GaugeMetricFamily("windowclf_model_info", "The models served.", labels=["model", "version"])
        refused = GaugeMetricFamily(
            "windowclf_model_refused",
            "1 while a new version of the model cannot be loaded and the old one is served.",
            labels=["model"],
        )
        for name, (version, is_refused) in self.versions.items():
            info.add_metric([name, version], 1)
            refused.add_metric([name], is_refused)
        yield info
        yield refused


@dataclass(eq=False)
class _AllProcesses:
    """The sums over the files of all processes, including those that have ended."""

    folder: Path

    def collect(self) -> Iterable[Metric]:
        # a file is empty for a moment after a process has created it
        files = [str(file) for file in sorted(self.folder.glob("*.db")) if file.stat().st_size]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)
        return merged
