"""One process of the service: accepts connections, answers them, and ends without losing a request."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from time import monotonic

import uvicorn

from windowclf_service.board import Board
from windowclf_service.server.gateway import Gateway
from windowclf_service.server.protocol import BoundedProtocol

KEEP_ALIVE_SECONDS = 75  # longer than proxies keep theirs, so that these close a connection first
LINGER_SECONDS = 1.0  # that open connections have for their next request, before idle ones are closed
_SWITCH_SECONDS = 0.001  # a thread that computes lets the event loop in after this time
_CLOSE = (b"connection", b"close")


class Worker(uvicorn.Server):
    """uvicorn's server, told by its supervisor when to end.

    Parameters
    ----------
    gateway : Gateway
    board : Board
        Where it reads that the whole service is ending: connections are then closed after each answer, so
        that clients and load balancers move on.
    on_ready : callable
        Called once, when connections are accepted.
    drain_seconds : float
        For answers that are being made when it is told to end.
    """

    def __init__(
        self, gateway: Gateway, board: Board, on_ready: Callable[[], None], drain_seconds: float
    ) -> None:
        super().__init__(
            uvicorn.Config(
                gateway,
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_config=None,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=round(drain_seconds),
            )
        )
        self.board = board
        self._on_ready = on_ready
        self._parent = os.getppid()
        self._retired_at: float | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM as the supervisor's word to end."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.retire)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """Look around, ten times a second."""
        if os.getppid() != self._parent:  # the supervisor is dead
            self.retire()
        if self.board.draining:
            self._close_after_answers()
        if self._retired_at is not None:
            quiet = not self.server_state.connections
            self.should_exit = quiet or monotonic() > self._retired_at + LINGER_SECONDS
        return await super().on_tick(counter)

    def retire(self) -> None:
        """Accept no more connections; give the open ones a moment for their next request, then end."""
        if self._retired_at is None:
            self._retired_at = monotonic()
            self._close_after_answers()
            for server in self.servers:
                server.close()

    def _close_after_answers(self) -> None:
        if _CLOSE not in self.config.encoded_headers:
            self.config.encoded_headers.append(_CLOSE)
            self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]


def run_worker(
    listener: socket.socket,
    gateway: Gateway,
    board: Board,
    on_ready: Callable[[], None],
    drain_seconds: float,
) -> None:
    """Serve until SIGTERM, in the main thread of this process."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    worker = Worker(gateway, board, on_ready, drain_seconds)
    worker.run(sockets=[listener])
    gateway.threads.shutdown(wait=False, cancel_futures=True)
