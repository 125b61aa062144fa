"""What the benchmarks of the service stand on: services to measure, texts to send, wrk to send them."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from windowclf.corpus.readers import ReadOptions, read_labelled
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.server.gateway import Gateway
from windowclf_service.server.listener import address_of, listen
from windowclf_service.server.processes import WorkerProcess
from windowclf_service.server.worker import run_worker
from windowclf_service.server.wsgi import WSGIApplication

N_TOKENS = 23  # of a short request
BATCH = 32  # sentences of a long request
SERVE = "from windowclf_cli.main import cli; cli(prog_name='windowclf')"


def texts(n: int, n_tokens: int = N_TOKENS) -> list[str]:
    """Return n different texts of so many tokens each, of the words of the sample corpus in their order."""
    words = chain.from_iterable(cycle([list(s.tokens) for s in read_labelled("sample:train", ReadOptions())]))
    return [" ".join(islice(words, n_tokens)) for _ in range(n)]


def describe_machine(*packages: str) -> dict[str, Any]:
    """Return what a reader must know of where figures were measured."""
    return {
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages if _is_installed(name)},
    }


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


# -- services -----------------------------------------------------------------------------------------------


@dataclass
class Running:
    """A service in processes of its own."""

    pid: int
    address: str
    seconds_to_ready: float

    @property
    def workers(self) -> list[int]:
        """The process numbers of its workers."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


@contextmanager
def windowclf_serve(*arguments: object) -> Iterator[Running]:
    """Run `windowclf serve`, its log thrown away, until the block ends."""
    started = time.perf_counter()
    command = [sys.executable, "-c", SERVE, "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"at (http://\S+);", process.stdout.readline())
        if found is None:
            raise RuntimeError("the service did not start; run the command by hand to see why")
        while not _is_ready(found[1]):
            time.sleep(0.001)
        try:
            yield Running(process.pid, found[1], time.perf_counter() - started)
        finally:
            process.send_signal(signal.SIGINT)


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"{address}/v2/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False


@contextmanager
def same_server(make_app: Callable[[], WSGIApplication], n_workers: int) -> Iterator[Running]:
    """Serve any application behind the same gateway and in as many workers, until the block ends."""
    pid, address, started = _fork_server(make_app, n_workers)
    try:
        yield Running(pid, address, time.perf_counter() - started)
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def _fork_server(make_app: Callable[[], WSGIApplication], n_workers: int) -> tuple[int, str, float]:
    started = time.perf_counter()
    listener = listen("127.0.0.1", 0)
    readable, writable = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writable)
        with os.fdopen(readable, "rb") as pipe, listener:
            if pipe.read(1) != b"+":
                raise RuntimeError("the application did not start")
            return pid, address_of(listener), started
    config = ServiceConfig()
    board = Board(config.limits.in_flight, n_workers)
    gateway = Gateway(make_app(), board, config)

    def work(slot: int, on_ready: Callable[[], None]) -> None:
        board.attach(slot)
        run_worker(listener, gateway, board, on_ready, 5)

    workers = [WorkerProcess.fork(work, slot) for slot in range(n_workers)]
    ready = all([worker.wait_until_ready() for worker in workers])

    def stop(*_: object) -> None:
        for worker in workers:
            worker.send(signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    os.write(writable, b"+" if ready else b"-")
    for worker in workers:
        os.waitpid(worker.pid, 0)
    os._exit(0)


# -- load ---------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """What wrk saw: requests a second, percentiles of latency in milliseconds, and what was not 200."""

    a_second: float
    p50: float
    p99: float
    errors: int


def wrk(
    address: str, path: str, bodies: Sequence[str], *, connections: int, seconds: int, folder: Path
) -> Measured:
    """Post bodies, one after another, over kept connections, as fast as they are answered.

    wrk is in Debian's package of that name.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("This benchmark needs wrk: apt-get install wrk")
    script = folder / "requests.lua"
    quoted = ",\n".join(json.dumps(body) for body in bodies)  # ASCII only, so JSON's strings are Lua's
    script.write_text(
        f"""local bodies = {{{quoted}}}
local i = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  i = i % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[i])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
""",
        encoding="ascii",
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), address + path]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"wrk: {done.stderr or done.stdout}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return Measured(found["requests"] / found["seconds"], found["p50"], found["p99"], found["errors"])
