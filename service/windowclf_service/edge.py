"""What goes around every answer: its id, its headers for browsers, its count and its line in the log."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from windowclf_service.board import Board
from windowclf_service.security import Guard
from windowclf_service.telemetry import (
    NO_ROUTE,
    RECEIVED,
    REQUEST_ID_HEADER,
    ROUTE,
    observe,
    request_id_of,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(eq=False)
class Edge:
    """WSGI middleware around the application.

    Not Flask's after_request, whose checked headers take five times as long to add to, and which does not
    see the end of a streamed answer.
    """

    app: "WSGIApplication"
    guard: Guard
    board: Board
    access_log: bool

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        started = perf_counter()
        request_id = request_id_of(environ)
        code = 0
        streamed = True

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal code, streamed
            code = int(status[:3])
            given = dict(headers)
            streamed = "Content-Length" not in given
            media_type = given.get("Content-Type", "").partition(";")[0]
            headers.append((REQUEST_ID_HEADER, request_id))
            headers += self.guard.headers_for(environ, media_type, cached="Cache-Control" in given)
            if self.board.draining:
                headers.append(("Connection", "close"))  # clients and load balancers move on
            return start_response(status, headers, *error)

        def finish(sent: int) -> None:
            method: str = environ["REQUEST_METHOD"]
            observe(
                environ.get(ROUTE, NO_ROUTE),
                method,
                code,
                perf_counter() - started,
                request_id,
                client=environ.get("REMOTE_ADDR"),
                received=environ.get(RECEIVED, 0),
                sent=0 if method == "HEAD" else sent,
                path=environ["PATH_INFO"].encode("latin-1", "replace").decode("utf-8", "replace"),
                access_log=self.access_log,
            )

        blocks = self.app(environ, start)
        if streamed and code >= 200 and code not in (204, 304):
            return _Counted(blocks, finish)
        body = list(blocks)  # servers send a list at once
        if hasattr(blocks, "close"):
            blocks.close()
        finish(sum(map(len, body)))
        return body


@dataclass(eq=False)
class _Counted:
    """The blocks of a streamed answer, counted and logged when it ends, whoever ends it."""

    blocks: Iterable[bytes]
    finish: Callable[[int], None]
    n_bytes: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self.blocks:
            self.n_bytes += len(block)
            yield block

    def close(self) -> None:
        if hasattr(self.blocks, "close"):
            self.blocks.close()
        self.finish(self.n_bytes)
