"""`windowclf serve`: the application on Granian, which has the sockets, the workers and HTTP itself.

Here are only its settings and what its hooks do: models are loaded before workers are forked, which share
them; signals become marks on the board; a service that stops lets no connection in, then answers the rest.
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
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.common import AbstractServer

from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.telemetry import EventHandler, log_event

STOP_SECONDS = 30.0  # from SIGTERM to the end, whatever happens
HEAD_SECONDS = 60  # for the request line and all headers; an idle connection is closed after them too
_TICK = 0.1


def serve(
    config: ServiceConfig, address: str, port: int, workers: int, grace: float, on_ready: Callable[[], None]
) -> None:
    """Serve until SIGTERM, which leaves `grace` seconds for load balancers, or SIGINT; SIGHUP reloads.

    A model that cannot be loaded is a WindowClfError.
    """
    multiprocessing.set_start_method("fork", force=True)
    with tempfile.TemporaryDirectory(prefix="windowclf-metrics-") as folder, ExitStack() as stack:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # before prometheus-client is imported
        stack.callback(os.environ.pop, "PROMETHEUS_MULTIPROC_DIR")
        from windowclf_service.app import create_app

        board = Board(config.limits.in_flight, n_slots=workers + 8)
        app = create_app(config, board=board)
        logging.basicConfig(handlers=[EventHandler()], level=logging.WARNING, force=True)
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
            blocking_threads=min(config.limits.in_flight + 16, 256),  # some are left for health, and for 429
            backpressure=4096,  # connections of a worker, idle ones included
            respawn_failed_workers=True,
            workers_kill_timeout=max(1, int(STOP_SECONDS - grace - 5)),
            log_level=LogLevels.error,
            log_dictconfig={"handlers": {"console": handler, "access": handler}},
        )
        server.on_startup(lambda: _handle_signals(server, board, grace))
        server.on_startup(threading.Thread(target=_wait_until_ready, args=(server, on_ready)).start)
        server.on_startup(gc.freeze)  # the collector would write into memory that is shared otherwise
        server.serve(target_loader=partial(_start_worker, app, board, os.getpid()), wrap_loader=False)


def _wait_until_ready(server: AbstractServer[Any], on_ready: Callable[[], None]) -> None:
    while len(server.wrks) < server.workers:  # a fork must not find a lock that this thread holds
        time.sleep(_TICK)
    while True:
        with suppress(OSError), socket.create_connection((server.bind_addr, server.bind_port), timeout=1):
            return on_ready()
        time.sleep(_TICK / 10)


def _handle_signals(server: AbstractServer[Any], board: Board, grace: float) -> None:
    """Replace Granian's handlers, which would stop workers before their requests are answered."""
    told_twice = threading.Event()

    def stop(seconds: float) -> None:
        log_event("info", "stopping: not ready for new clients, still answering", seconds=seconds)
        end = time.monotonic() + STOP_SECONDS - 5
        told_twice.wait(seconds)
        board.close()
        time.sleep(1.0)  # for the next request of connections that are open
        while board.in_flight and time.monotonic() < end:
            time.sleep(_TICK)
        server.signal_handler_interrupt()  # type: ignore[no-untyped-call]

    def hear(number: int, _: object) -> None:
        if board.draining:
            return told_twice.set()
        board.drain()
        threading.Thread(target=stop, args=(grace if number == signal.SIGTERM else 0.0,)).start()

    signal.signal(signal.SIGTERM, hear)
    signal.signal(signal.SIGINT, hear)
    signal.signal(signal.SIGHUP, lambda *_: board.reload())


def _start_worker(app: Flask, board: Board, parent: int) -> Flask:
    """Prepare a worker process, which was just forked, and return what it serves."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C goes to all; the parent handles it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.setswitchinterval(0.001)  # a thread that computes lets others in after this time
    with suppress(AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(-8, 2)  # M_ARENA_MAX: not an arena for each of many threads
    threading.Thread(target=_tend, args=(board, parent), name="tend", daemon=True).start()
    app.extensions["windowclf.models"].watch()
    return app


def _tend(board: Board, parent: int) -> None:
    """Stop listening when the service stops, and this worker when its parent has died."""
    while os.getppid() == parent and not board.closing:
        time.sleep(_TICK)
    if board.closing and sys.platform == "linux":
        _let_nobody_in()
    while os.getppid() == parent:
        time.sleep(_TICK)
    os.kill(os.getpid(), signal.SIGTERM)


def _let_nobody_in() -> None:
    """Drop the packets of new connections (socket(7): SO_ATTACH_FILTER, 26).

    Closing a listening socket would reset connections in its queue, some with a whole request.
    """
    # linux/filter.h: BPF_RET | BPF_K, keep 0 bytes
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
    header = struct.pack("@HP", 1, ctypes.addressof(program))  # struct sock_fprog
    for fd in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError), socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM) as found:
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.setsockopt(socket.SOL_SOCKET, 26, header)
