"""What the service tells its operators: request ids, the log, and the count of every request.

`windowclf_service.metrics` is imported when the first application is created, not with this module: by then
the environment variable that it reads is set.
"""

import atexit
import logging
import os
import queue
import re
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

if TYPE_CHECKING:
    from windowclf_service.metrics import Metrics

ROUTE = "windowclf.route"  # in the environ: the pattern that the path matched
RECEIVED = "windowclf.received"  # in the environ: bytes of the body that were read
REQUEST_ID_HEADER = "X-Request-ID"
NO_ROUTE = "(none)"  # of a path that matches no route

# -- request ids ----------------------------------------------------------------------------------------

_usable_id = re.compile(r"[!-~]{1,128}").fullmatch


def request_id_of(environ: dict[str, Any]) -> str:
    """Return the id of a request: its `X-Request-ID` of 1 to 128 visible ASCII characters, or a new one."""
    known: str | None = environ.get("windowclf.request_id")
    if known is None:
        given: str = environ.get("HTTP_X_REQUEST_ID", "")
        known = environ["windowclf.request_id"] = given if _usable_id(given) else uuid4().hex
    return known


# -- the log --------------------------------------------------------------------------------------------

_STANDARD_ERROR = 2
_WRITTEN_AT_ONCE = 4096  # bytes that a pipe takes whole, so that lines of several processes do not mix
_MOST_WAITING = 10_000  # lines; more than that are lost when the reader of the log stalls
_TICK = 0.02  # seconds between two writes
_LONGEST_PATH = 500  # characters, each of up to six bytes: a line stays below what is written at once
_encode = msgspec.json.Encoder(enc_hook=str).encode


class _Log:
    """Lines for standard error, written by a thread of their own: a stalled reader blocks no request."""

    def __init__(self) -> None:
        self._pid = 0
        self._starting = threading.Lock()
        self._lines: queue.SimpleQueue[bytes | threading.Event] = queue.SimpleQueue()
        self._lost = 0

    def write(self, line: bytes) -> None:
        if self._pid != os.getpid():
            self._start()
        if self._lines.qsize() < _MOST_WAITING:
            self._lines.put(line)
        else:
            self._lost += 1

    def flush(self, seconds: float = 1.0) -> None:
        """Wait until all lines are written, or the time is over."""
        if self._pid == os.getpid():
            written = threading.Event()
            self._lines.put(written)
            written.wait(seconds)

    def _start(self) -> None:
        with self._starting:
            if self._pid != os.getpid():
                self._lines, self._lost, self._pid = queue.SimpleQueue(), 0, os.getpid()
                threading.Thread(target=self._run, name="log", daemon=True).start()

    def _run(self) -> None:
        while True:
            batch = b""
            item: bytes | threading.Event = self._lines.get()
            with suppress(queue.Empty):
                while True:
                    if isinstance(item, threading.Event):
                        _write(batch)
                        batch = b""
                        item.set()
                    elif len(batch) + len(item) > _WRITTEN_AT_ONCE:
                        _write(batch)
                        batch = item
                    else:
                        batch += item
                    item = self._lines.get_nowait()
            _write(batch)
            if self._lost:
                lost, self._lost = self._lost, 0
                _write(_event("warning", f"{lost} lines of the log were lost: its reader stalled"))
            time.sleep(_TICK)


def _write(data: bytes) -> None:
    with suppress(OSError):  # nobody reads the log any more: no reason to stop
        os.write(_STANDARD_ERROR, data)


_log = _Log()
os.register_at_fork(after_in_child=lambda: setattr(_log, "_starting", threading.Lock()))
flush_log = _log.flush
atexit.register(flush_log)


def _event(level: str, message: str, **fields: object) -> bytes:
    return _encode({"time": datetime.now(UTC), "level": level, "message": message, **fields}) + b"\n"


def log_event(level: str, message: str, **fields: object) -> None:
    """Log an event of the service as a line of JSON beside those of requests."""
    _log.write(_event(level, message, **fields))


class EventHandler(logging.Handler):
    """Logs the records of libraries as events, with their tracebacks."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        fields = {"logger": record.name}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        log_event(record.levelname.lower(), record.getMessage(), **fields)


class AccessLine(msgspec.Struct):
    """The log line of a request; it has nothing of the body, the query or the key."""

    time: datetime
    level: str  # "info" for a status below 400, "warning" below 500, else "error"
    request_id: str
    client: str | None
    method: str
    path: str | None  # without the query, at most 500 characters
    route: str
    status: int
    seconds: float
    received: int  # bytes of the bodies
    sent: int


# -- the count of every request ---------------------------------------------------------------------------


@cache
def metrics() -> "Metrics":
    """Return the metrics of this process, which all applications in it share."""
    from windowclf_service.metrics import Metrics

    return Metrics()


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
    access_log: bool = True,
) -> None:
    """Count an answered request, and log it.

    `route` is the pattern that the path matched, never the path itself: there must not be many.
    """
    metrics().observe(route, method, status, seconds)
    if not access_log:
        return
    level = "info" if status < 400 else "warning" if status < 500 else "error"
    if path is not None and len(path) > _LONGEST_PATH:
        path = path[: _LONGEST_PATH - 1] + "…"
    seconds, now = round(seconds, 6), datetime.now(UTC)
    line = AccessLine(
        now, level, request_id, client, method[:32], path, route, status, seconds, received, sent
    )
    _log.write(_encode(line) + b"\n")
