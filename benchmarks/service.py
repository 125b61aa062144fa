"""How fast the service is: beside a Flask endpoint that does nothing, on the same server, in the same run.

    python benchmarks/service.py runs/mine [--seconds 5] [--repeats 5] [--json FILE] [--update-docs]

Needs wrk (Debian: apt-get install wrk). Everything is on this machine's loopback, the load too, which takes
its share of the cores from all alike. Where spaCy is installed, a blank English pipeline with sentence
boundaries, which only finds tokens, answers the same texts behind the same server.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from service_page import SPEED, speed_tables, write_record
from serving import BATCH, Measured, describe_machine, same_server, texts, windowclf_serve, wrk

CONNECTIONS = (1, 16, 64)
N_BODIES = 500


def main() -> None:
    """Measure, print tables, and write the figures as JSON if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="a model directory")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--update-docs", action="store_true", help="write docs/data/service.json and the page"
    )
    options = parser.parse_args()
    singles = [json.dumps({"inputs": text}) for text in texts(N_BODIES)]
    long = texts(N_BODIES * BATCH)
    batches = [json.dumps({"inputs": long[i : i + BATCH]}) for i in range(0, len(long), BATCH)]
    found: dict[str, Any] = describe_machine("windowclf", "numpy", "flask", "granian", "spacy")
    runs: dict[tuple[str, str, int], list[Measured]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        serve = ("--workers", options.workers)
        services = {
            "nothing": stack.enter_context(same_server("idle", options.workers)),
            "windowclf": stack.enter_context(windowclf_serve(options.model, *serve)),
            "windowclf, no log": stack.enter_context(
                windowclf_serve(options.model, *serve, "--no-access-log")
            ),
        }
        if "spacy" in found["versions"]:
            services["spacy, tokens only"] = stack.enter_context(same_server("spacy_tokens", options.workers))
        for _ in range(options.repeats):
            for kind, bodies, connections in (
                *(("single", singles, n) for n in CONNECTIONS),
                ("batch", batches, 4),
            ):
                for name, service in services.items():  # side by side, so that all have the same neighbours
                    measured = wrk(
                        service.address,
                        "/v1/tag",
                        bodies,
                        connections=connections,
                        seconds=options.seconds,
                        folder=folder,
                    )
                    if measured.errors:
                        raise SystemExit(f"{name}: {measured.errors} requests failed")
                    runs.setdefault((kind, name, connections), []).append(measured)
    found["runs"] = [
        {"kind": kind, "service": name, "connections": n, **asdict(m)}
        for (kind, name, n), measured in runs.items()
        for m in measured
    ]
    print(speed_tables(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.update_docs:
        write_record(SPEED, found)


if __name__ == "__main__":
    main()
