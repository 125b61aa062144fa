"""`windowclf serve`: the application on Granian, which has the sockets, the workers and HTTP itself.

Here are only its settings and what its hooks do: signals become marks on the board; models are loaded before
workers are forked, which share them; a service that stops first lets no connection in, then answers the
requests that it has.
"""

import ctypes
import gc
import logging
import multiprocessing
import os
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from windowclf.errors import WindowClfError
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.telemetry import EventHandler, log_event

if TYPE_CHECKING:
    from granian.server.common import AbstractServer

STOP_SECONDS = 30.0  # from SIGTERM to the end, whatever happens
HEAD_SECONDS = 60  # for the request line and all headers; an idle connection is closed after them too
_LINGER_SECONDS = 1.0  # that open connections have for their next request when the service stops
_CONNECTIONS = 4096  # of a worker; idle ones count too
_MORE_THREADS = 16  # of a worker than requests may be in flight: they answer health, and 429
_MOST_THREADS = 256
_TICK = 0.1
_SWITCH_SECONDS = 0.001  # a thread that computes lets others in after this time
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python has no name for it
_DROP_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0)  # linux/filter.h: BPF_RET | BPF_K, keep 0 bytes


def serve(
    config: ServiceConfig,
    *,
    host: str,
    port: int,
    workers: int,
    grace: float,
    announce: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT.

    SIGTERM makes the service not ready, waits `grace` seconds while it still answers, and stops; SIGINT does
    not wait. SIGHUP lets workers look for new models at once.

    Parameters
    ----------
    config : ServiceConfig
    host : str
    port : int
        0 takes a free one.
    workers : int
    grace : float
        Seconds.
    announce : callable
        Gets the URL of the service when it accepts connections.

    Raises
    ------
    WindowClfError
        If the address is not available, or a model cannot be loaded.
    """
    address, port = _check_address(host, port)
    multiprocessing.set_start_method("fork", force=True)
    logging.basicConfig(handlers=[EventHandler()], level=logging.WARNING, force=True)
    with tempfile.TemporaryDirectory(prefix="windowclf-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # before prometheus-client is imported
        from windowclf_service.app import create_app

        board = Board(config.limits.in_flight, n_slots=workers + 8)
        app = create_app(config, board=board)
        handler = {"class": "windowclf_service.telemetry.EventHandler"}
        server = Granian(
            "windowclf_service",
            address=address,
            port=port,
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000),
            websockets=False,
            workers=workers,
            blocking_threads=min(config.limits.in_flight + _MORE_THREADS, _MOST_THREADS),
            backpressure=_CONNECTIONS,
            respawn_failed_workers=True,
            workers_kill_timeout=max(1, int(STOP_SECONDS - grace - 5)),
            log_level=LogLevels.error,
            log_dictconfig={"handlers": {"console": handler, "access": handler}},
        )
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        server.on_startup(lambda: _take_over(server, board, grace))
        waiting = threading.Thread(target=_announce, args=(announce, url, server))
        server.on_startup(waiting.start)
        server.on_startup(gc.freeze)  # the collector would write into memory that is shared otherwise
        parent = os.getpid()
        server.serve(target_loader=lambda: _start_worker(app, board, parent), wrap_loader=False)


def _check_address(host: str, port: int) -> tuple[str, int]:
    """Return the IP address and port to listen on; Granian's sockets would share a port that is in use."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family) as probe:
            address, port = probe.getsockname()[:2]
            return address, port
    except (OSError, UnicodeError) as error:  # UnicodeError: no host can have such a name
        reason = getattr(error, "strerror", None) or str(error)
        raise WindowClfError(
            f"cannot listen there: {reason.partition(' (while')[0]}",  # Python adds the address once more
            where=f"{host}:{port}",
            hint="Choose another --port or --host; --port 0 takes a free one.",
        ) from error


def _announce(announce: Callable[[str], None], url: str, server: "AbstractServer[Any]") -> None:
    """Wait until the service accepts connections, and tell its URL."""
    while len(server.wrks) < server.workers:  # a fork must not find a lock that this thread holds
        time.sleep(_TICK)
    while True:
        with suppress(OSError), socket.create_connection((server.bind_addr, server.bind_port), timeout=1):
            break
        time.sleep(_TICK / 10)
    announce(url)


def _take_over(server: "AbstractServer[Any]", board: Board, grace: float) -> None:
    """Handle signals: Granian's own handlers would stop workers before requests are answered."""
    told_twice = threading.Event()

    def stop(number: int, _: object) -> None:
        if board.draining:
            told_twice.set()
            return
        board.drain()
        seconds = grace if number == signal.SIGTERM else 0.0
        threading.Thread(target=_stop, args=(server, board, seconds, told_twice)).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, lambda *_: board.reload())


def _stop(server: "AbstractServer[Any]", board: Board, grace: float, told_twice: threading.Event) -> None:
    end = time.monotonic() + STOP_SECONDS - 5
    log_event("info", "stopping: not ready for new clients, still answering", seconds=grace)
    told_twice.wait(grace)
    board.close()
    time.sleep(_LINGER_SECONDS)
    while board.in_flight and time.monotonic() < end:
        time.sleep(_TICK)
    server.signal_handler_interrupt()  # type: ignore[no-untyped-call]


def _start_worker(app: Flask, board: Board, parent: int) -> Flask:
    """Prepare a worker process, which was just forked, and return what it serves."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C goes to all; the parent handles it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.setswitchinterval(_SWITCH_SECONDS)
    threading.Thread(target=_tend, args=(board, parent), name="tend", daemon=True).start()
    app.extensions["windowclf.models"].watch()
    return app


def _tend(board: Board, parent: int) -> None:
    """Stop this worker when its parent has died, and its listening when the service stops."""
    while os.getppid() == parent and not board.closing:
        time.sleep(_TICK)
    if os.getppid() == parent:
        _let_nobody_in()
    while os.getppid() == parent:
        time.sleep(_TICK)
    os.kill(os.getpid(), signal.SIGTERM)


def _let_nobody_in() -> None:
    """Drop the packets of new connections (Linux, socket(7): SO_ATTACH_FILTER); accepted ones go on.

    Closing a listening socket resets connections that wait in its queue, some with a whole request.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_DROP_ALL)
    # struct sock_fprog: unsigned short len; struct sock_filter *filter
    filter_ = struct.pack("@HP", 1, ctypes.addressof(program))
    for fd in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # not a socket, or not one of TCP
            found = socket.socket(fileno=fd)
            try:
                if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
            finally:
                found.detach()
