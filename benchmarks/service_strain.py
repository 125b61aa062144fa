"""What the service does under strain: overload, slow clients, signals, time; and what it costs to run.

    python benchmarks/service_strain.py runs/mine [PART …] [--requests 200000] [--update-docs]

Parts: start, memory, overload, slow, leak. All, if none is named. Loopback only.
"""

import argparse
import asyncio
import json
import random
import resource
import string
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

import http_load
from nginx import nginx
from service_page import STRAIN, write_record
from serving import Running, describe_machine, same_server, texts, windowclf_serve

WORKERS = 2
SLOW_CLIENTS = 600
POST = "POST /v1/tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GROWTH_ALLOWED_MB = 10.0
LEAKED_BYTES = 1000  # a request, where a leak is planted


def ask(address: str, path: str, body: object = None) -> tuple[int, float]:
    """Return the status of an answer and the milliseconds until it was there."""
    data = None if body is None else json.dumps(body).encode()
    started = time.perf_counter()
    with urlopen(Request(address + path, data, {"Content-Type": "application/json"}), timeout=60) as got:
        got.read()
        return got.status, 1e3 * (time.perf_counter() - started)


def private_mb(pid: int) -> float:
    """Return the memory that a process shares with nobody."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1e3


# -- parts --------------------------------------------------------------------------------------------------


def measure_start(model: str) -> dict[str, Any]:
    """Start and stop: seconds from the command to the first "ready"."""
    seconds = []
    for _ in range(5):
        with windowclf_serve(model, "--workers", WORKERS) as service:
            seconds.append(service.seconds_to_ready)
    return {"seconds to ready": [round(s, 3) for s in seconds], "median": median(seconds)}


def measure_memory(model: str) -> dict[str, Any]:
    """Private memory of each of four workers, after all have worked."""
    with windowclf_serve(model, "--workers", 4, "--no-access-log") as service:
        asyncio.run(ask_many(service, 4000, texts(4000)))
        return {"private MB of each worker": sorted(round(private_mb(pid), 1) for pid in service.workers)}


def measure_overload(model: str) -> dict[str, Any]:
    """Offer four times what the service can do, at a fixed rate whether answers come or not."""
    body = json.dumps({"inputs": [" ".join(texts(5)) for _ in range(64)]}).encode()
    request = http_load.request_bytes("/v1/tag", body)
    with windowclf_serve(model, "--workers", WORKERS, "--no-access-log") as service:
        end = time.monotonic() + 8
        normal = asyncio.run(
            http_load.keep_asking(
                service.address, request, n_connections=64, until=lambda: time.monotonic() > end
            )
        )
        rate = normal.counts[200] / 8
        over = asyncio.run(
            http_load.ask_at_a_rate(
                service.address, request, a_second=4 * rate, seconds=8, n_connections=1000
            )
        )
    normal_p99, over_p99 = (http_load.percentile(o.seconds[200], 0.99) for o in (normal, over))
    return {
        "normal": {"connections": 64, "answered a second": rate, "p99, ms": 1e3 * normal_p99},
        "offered a second": 4 * rate,
        "outcomes": {str(status): n for status, n in over.counts.items()},
        "p99 of accepted, ms": 1e3 * over_p99,
        "over normal": over_p99 / normal_p99,
    }


def measure_slow_clients(model: str) -> dict[str, Any]:
    """Hold 600 connections that do not finish their headers, then 600 that do not finish their bodies.

    The service stands behind the nginx of docs/deploy.md; each client has an address of its own.
    """
    found = {}
    for name, beginning in (("headers", POST), ("bodies", POST + "Content-Length: 90\r\n\r\n{")):
        with (
            windowclf_serve(model, "--workers", WORKERS) as service,
            nginx(service.address) as url,
            http_load.slow_clients(url, SLOW_CLIENTS, beginning.encode(), from_many_addresses=True),
        ):
            health = [ask(url, "/v2/health/ready") for _ in range(50)]
            ordinary = [ask(url, "/v1/tag", {"inputs": "museums in Paris"}) for _ in range(50)]
        found[f"{SLOW_CLIENTS} with slow {name}"] = {
            "statuses": sorted({status for status, _ in health + ordinary}),
            "slowest health answer, ms": max(ms for _, ms in health),
            "slowest answer to a request, ms": max(ms for _, ms in ordinary),
        }
    return found


def measure_leak(model: str, n_requests: int) -> dict[str, Any]:
    """Ask with fresh text again and again; then ask a service that keeps a little of each request."""
    with windowclf_serve(model, "--workers", WORKERS, "--no-access-log") as service:
        sound = growth(service, n_requests, n_requests // 10)
    with same_server("leaking", WORKERS, MODEL=model, LEAKED_BYTES=str(LEAKED_BYTES)) as service:
        leaking_growth = growth(service, n_requests, n_requests // 10)
    return {
        "requests": n_requests,
        "growth of each worker, MB": sound,
        "allowed, MB": GROWTH_ALLOWED_MB,
        "with a planted leak, MB": leaking_growth,
    }


def growth(service: Running, n_requests: int, n_before: int) -> list[float]:
    """Return by how many MB each worker grows, after other requests have filled what is bounded.

    That is from where the largest was then: one worker may have taken all connections, so that others fill
    what is bounded only now.
    """
    asyncio.run(ask_many(service, n_before, fresh_texts()))
    before = max(map(private_mb, service.workers))
    asyncio.run(ask_many(service, n_requests, fresh_texts()))
    return [round(private_mb(pid) - before, 1) for pid in service.workers]


def fresh_texts() -> Iterable[str]:
    """Yield texts of words that were never seen before, without end."""
    rng = random.Random(time.time_ns())
    while True:
        yield " ".join("".join(rng.choices(string.ascii_letters, k=rng.randint(1, 12))) for _ in range(23))


async def ask_many(service: Running, n: int, inputs: Iterable[str]) -> None:
    """Tag n texts over 16 connections; all must be answered with 200."""
    left = n
    given = iter(inputs)

    def next_request() -> bytes:
        nonlocal left
        left -= 1
        return http_load.request_bytes("/v1/tag", json.dumps({"inputs": next(given)}).encode())

    outcomes = await http_load.keep_asking(
        service.address, next_request, n_connections=16, until=lambda: left <= 16
    )
    if set(outcomes.counts) != {200}:
        raise SystemExit(f"not all were answered: {outcomes.counts}")


def main() -> None:
    """Run the parts that are asked for; print and write what they found."""
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "start": lambda: measure_start(options.model),
        "memory": lambda: measure_memory(options.model),
        "overload": lambda: measure_overload(options.model),
        "slow": lambda: measure_slow_clients(options.model),
        "leak": lambda: measure_leak(options.model, options.requests),
    }
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="a model directory")
    parser.add_argument("parts", nargs="*", help=", ".join(parts))
    parser.add_argument("--requests", type=int, default=200_000, help="of the search for leaks")
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--update-docs", action="store_true", help="write docs/data/service-strain.json and the page"
    )
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found: dict[str, Any] = describe_machine("windowclf", "numpy", "flask", "granian")
    for name in options.parts or parts:
        found[name] = parts[name]()
        print(f"{name}: {json.dumps(found[name], indent=1)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.update_docs:
        write_record(STRAIN, found)


if __name__ == "__main__":
    main()
