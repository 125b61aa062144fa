"""What the benchmarks of the service stand on: services to measure, texts to send, wrk to send them."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from windowclf.corpus import ReadOptions, read_labelled

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

# How `windowclf serve` sets Granian, as its own command line has it
GRANIAN = ("granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--backpressure", "4096")
THREADS = 80  # of a worker


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
def windowclf_serve(*arguments: object, python: str = sys.executable) -> Iterator[Running]:
    """Run `windowclf serve`, its log thrown away, until the block ends; `python` names the installation."""
    command = [python, "-P", "-c", SERVE, "serve", *map(str, arguments), "--port", "{port}"]
    with run(command, "/v2/health/ready") as service:
        yield service


@contextmanager
def same_server(factory: str, n_workers: int, **environment: str) -> Iterator[Running]:
    """Serve an application of `serving_apps` on the same server, set alike, until the block ends."""
    threads = ("--blocking-threads", str(THREADS))
    command = [sys.executable, "-m", *GRANIAN, *threads, "--workers", str(n_workers), "--port", "{port}"]
    with run([*command, "--factory", f"serving_apps:{factory}"], "/", **environment) as service:
        yield service


@contextmanager
def run(command: list[str], path: str, **environment: str) -> Iterator[Running]:
    """Run a command, a free port in the place of {port}, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    # one thread of linear algebra a worker, as `windowclf serve` has it
    variables = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)}
    command = [part.replace("{port}", str(port)) for part in command]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=variables | environment, stdout=quiet, stderr=quiet) as process:
        try:
            while not _answers(address + path):
                if process.poll() is not None or time.perf_counter() > started + 60:
                    raise RuntimeError(f"the service did not start: {' '.join(command)}")
                time.sleep(0.001)
            yield Running(process.pid, address, time.perf_counter() - started)
        finally:
            process.send_signal(signal.SIGINT)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except HTTPError as error:
        with error:
            return error.code == 404
    except OSError:
        return False


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
