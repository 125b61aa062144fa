"""What the service tells of itself: ids of requests, the access log, metrics for Prometheus.

prometheus-client decides when it is imported whether it counts for one process or for several, by the
environment variable PROMETHEUS_MULTIPROC_DIR. So it is imported at the first `install`, not with this module.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from windowclf_service.board import Board
from windowclf_service.monitoring.access_log import write_line
from windowclf_service.monitoring.request_ids import HEADER, request_id_of

if TYPE_CHECKING:
    from windowclf_service.monitoring.metrics import Metrics, Versioned

__all__ = ["count_load", "count_tokens", "forget_process", "install", "observe", "request_id_of"]

NO_ROUTE = "(none)"  # of a path that nothing is served at

_logs = True


@cache
def _metrics() -> "Metrics":
    """Return the counts of this process, which all applications in it share."""
    from windowclf_service.monitoring.metrics import Metrics

    return Metrics()


def install(app: Flask, board: Board, models: "Mapping[str, Versioned]", *, access_log: bool = True) -> None:
    """Let an application name, log and count its requests, and serve `GET /metrics`.

    To be called before anything else that looks at answers, so that what it logs is what is sent.

    Parameters
    ----------
    app : Flask
    board : Board
        Tells how many requests are in flight, and whether the service is ending.
    models : mapping of str to model
        The served models by name; looked at for each answer of `/metrics`.
    access_log : bool
        Whether requests are logged, in this whole process.
    """
    global _logs
    _logs = access_log
    metrics = _metrics()

    @app.before_request
    def start() -> None:
        environ = request.environ
        if "windowclf.started" not in environ:
            environ["windowclf.started"] = perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        environ = request.environ
        response.headers[HEADER] = request_id_of(environ)
        rule = request.url_rule
        route = NO_ROUTE if rule is None else rule.rule
        if response.is_streamed:
            blocks = response.response = _Counted(response.iter_encoded(), response.response)
            response.call_on_close(lambda: _finish(environ, route, response.status_code, blocks.n_bytes))
        else:
            _finish(environ, route, response.status_code, response.calculate_content_length() or 0)
        return response

    @app.get("/metrics")
    def metrics_page() -> Response:
        body, content_type = metrics.page(request.headers.get("Accept", ""), board, models)
        return Response(body, content_type=content_type)


def observe(
    route: str,
    method: str,
    status: int,
    seconds: float,
    request_id: str,
    *,
    client: str | None,
    received: int,
    sent: int,
    path: str | None = None,
) -> None:
    """Count a request that is answered, and log it.

    Parameters
    ----------
    route : str
        The pattern that its path fits, never the path itself: there must not be many.
    method : str
    status : int
    seconds : float
        From the first byte of the request to the end of its answer.
    request_id : str
    client : str or None
        The address that the request came from.
    received, sent : int
        Bytes of the bodies.
    path : str, optional
        For the log, without the query.
    """
    _metrics().observe(route, method, status, seconds)
    if _logs:
        write_line(
            route,
            method,
            status,
            seconds,
            request_id,
            client=client,
            path=path,
            received=received,
            sent=sent,
        )


def count_tokens(model: str, n: int) -> None:
    """Count tokens that a model has tagged."""
    _metrics().count_tokens(model, n)


def count_load(model: str) -> None:
    """Count a model as loaded once more."""
    _metrics().count_load(model)


def forget_process(pid: int) -> None:
    """Keep the counts of a process that has ended, and let go of its files; see `metrics.forget_process`."""
    from windowclf_service.monitoring import metrics

    metrics.forget_process(pid)


class _Counted:
    """The blocks of a streamed answer, and how many bytes have gone out."""

    def __init__(self, blocks: Iterator[bytes], source: Iterable[Any]) -> None:
        self.n_bytes = 0
        self._blocks = blocks
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.n_bytes += len(block)
            yield block

    def close(self) -> None:
        if hasattr(self._source, "close"):
            self._source.close()


def _finish(environ: dict[str, Any], route: str, status: int, n_bytes: int) -> None:
    """Observe a request that Flask has answered."""
    method: str = environ["REQUEST_METHOD"]
    length: str = environ.get("CONTENT_LENGTH", "")
    observe(
        route,
        method,
        status,
        perf_counter() - environ["windowclf.started"],
        request_id_of(environ),
        client=environ.get("REMOTE_ADDR"),
        received=int(length) if length.isdecimal() else 0,
        sent=0 if method == "HEAD" else n_bytes,
        path=environ["PATH_INFO"].encode("latin-1", "replace").decode("utf-8", "replace"),
    )
