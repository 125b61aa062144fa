"""Which server: the service's application on each candidate, in one run, beside the stack of another commit.

    python benchmarks/server_trial.py ner-en [--against PYTHON] [--seconds 5] [--repeats 5] [--update-docs]

`--against` names the Python of an installation whose `windowclf serve` is measured too, such as that of
commit 2e81e91 in a clone. Ratios are to the first row, run by run. In the end each gets SIGTERM while 16
connections ask it without pause; lost is a request that was sent whole and got no answer. Loopback only.
Needs wrk (Debian: apt-get install wrk), and gunicorn, uvicorn and a2wsgi for their rows.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import http_load
from pages import ROOT, machine_line, markdown_table, three_digits, update_page
from serving import N_TOKENS, Running, describe_machine, run, same_server, texts, windowclf_serve, wrk

CONNECTIONS = (1, 16, 64)
N_BODIES = 500
MARK = "server trial"
RECORD = ROOT / "docs" / "data" / "server-trial.json"
PAGE = ROOT / "docs" / "deploy.md"
GTHREAD = (
    "--worker-class gthread --threads 80 --keep-alive 75 --no-control-socket --bind 127.0.0.1:{port}".split()
)
ASGI = "--worker-class asgi --keep-alive 75 --no-control-socket --bind 127.0.0.1:{port}".split()


def start_services(stack: ExitStack, model: str, workers: int, against: str | None) -> dict[str, Running]:
    """Start every candidate; all run until the stack ends."""
    n = ("--workers", str(workers))
    found = {}
    if against:
        found["before"] = stack.enter_context(windowclf_serve(model, *n, python=against))
    found["windowclf serve"] = stack.enter_context(windowclf_serve(model, *n))
    found["Granian, WSGI"] = stack.enter_context(same_server("service", workers, MODEL=model))
    python = [sys.executable, "-m"]
    commands = {
        "gunicorn, gthread": ([*python, "gunicorn", *n, *GTHREAD, "serving_apps:service()"], ["gunicorn"]),
        "gunicorn, ASGI": (
            [*python, "gunicorn", *n, *ASGI, "serving_apps:service_asgi()"],
            ["gunicorn", "a2wsgi"],
        ),
        "uvicorn, a2wsgi": (
            [*python, "uvicorn", *n, "--port", "{port}", "--factory", "serving_apps:service_asgi"],
            ["uvicorn", "a2wsgi"],
        ),
    }
    for name, (command, needed) in commands.items():
        if all(map(find_spec, needed)):
            found[name] = stack.enter_context(run(command, "/v2/health/ready", MODEL=model))
    return found


def table(record: dict[str, Any]) -> str:
    """Return the table of a record, and what it was measured on."""
    names = list(dict.fromkeys(r["server"] for r in record["runs"]))
    rows = []
    for name in names:
        row: list[object] = [name]
        for n in CONNECTIONS:
            mine, first = (
                [r for r in record["runs"] if (r["server"], r["connections"]) == (which, n)]
                for which in (name, names[0])
            )
            ratios = [
                f"{median([a[key] / b[key] for a, b in zip(mine, first, strict=True)]):.2f}"
                for key in ("a_second", "p99")
            ]
            row += [three_digits(median([r["a_second"] for r in mine])), *ratios]
        rows.append([*row, record["lost at SIGTERM"][name]])
    columns = ["server", *(f"{what}, {n}" for n in CONNECTIONS for what in ("requests/s", "rate ÷", "p99 ÷"))]
    columns.append("lost at SIGTERM")
    return (
        f"{markdown_table(columns, rows)}\n\nRequests of {N_TOKENS} tokens over 1, 16 and 64 connections to "
        f"{record['workers']} workers with the model `{record['model']}`; medians of {record['repeats']} "
        f"runs, ratios to {names[0]!r}, run by run. Measured on: {machine_line(record)}."
    )


def lost_at_sigterm(service: Running) -> int:
    """Stop a service under load, and return how many requests it lost."""
    request = http_load.request_bytes("/v1/tag", json.dumps({"inputs": texts(1)[0]}).encode())
    stop_at = time.monotonic() + 1

    async def ask() -> int:
        def is_over() -> bool:
            nonlocal stop_at
            if stop_at < time.monotonic():
                os.kill(service.pid, signal.SIGTERM)
                stop_at = float("inf")
            return outcomes.counts[http_load.REFUSED] > 200  # nobody listens any more

        outcomes = http_load.Outcomes()
        await http_load.keep_asking(
            service.address, request, n_connections=16, until=is_over, outcomes=outcomes
        )
        return outcomes.counts[http_load.LOST]

    return asyncio.run(ask())


def main() -> None:
    """Measure, print the table, and write it into the page if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="a model directory, or the name of a shipped model")
    parser.add_argument("--against", help="the Python of another installation of windowclf")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--update-docs", action="store_true", help="write docs/data/server-trial.json and page"
    )
    options = parser.parse_args()
    bodies = [json.dumps({"inputs": text}) for text in texts(N_BODIES)]
    found: dict[str, Any] = describe_machine("numpy", "flask", "granian", "gunicorn", "uvicorn", "a2wsgi")
    found |= {"model": options.model, "workers": options.workers, "repeats": options.repeats, "runs": []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        services = start_services(stack, options.model, options.workers, options.against)
        for n in CONNECTIONS:
            for _ in range(options.repeats):
                for name, service in services.items():  # side by side, so that all have the same neighbours
                    measured = wrk(
                        service.address,
                        "/v1/tag",
                        bodies,
                        connections=n,
                        seconds=options.seconds,
                        folder=folder,
                    )
                    if measured.errors:
                        raise SystemExit(f"{name}: {measured.errors} requests failed")
                    found["runs"].append({"server": name, "connections": n, **asdict(measured)})
        found["lost at SIGTERM"] = {name: lost_at_sigterm(service) for name, service in services.items()}
    print(table(found))
    if options.update_docs:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        update_page(MARK, table(found), PAGE)


if __name__ == "__main__":
    main()
