"""`windowclf serve`."""

import json
import os
import socket
from pathlib import Path

import click

from windowclf.errors import WindowClfError
from windowclf.threads import limited_threads
from windowclf_cli.options import POSITIVE, number_option

_EXAMPLE = json.dumps({"inputs": "museums in Paris are amazing"})
_MOST_WORKERS = 8  # unless --workers says otherwise


@click.command()
@click.argument("models", metavar="[NAME=]MODEL…", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@number_option("--port", 8000, "0 takes a free one.", click.IntRange(0, 65535))
@click.option("--workers", type=POSITIVE, help="Processes; by default one for each core, at most 8.")
@number_option(
    "--grace",
    5.0,
    "Seconds after SIGTERM in which it still answers but is not ready, for load balancers to notice.",
    click.FloatRange(0, 20),
)
@number_option(
    "--timeout",
    30.0,
    "Seconds until an answer must start; later the request gets status 503.",
    click.FloatRange(0.1, 600),
)
@number_option("--max-body", 1_000_000, "Bytes of a body.")
@number_option("--max-stream", 16_000_000, "Bytes of a body in newline-delimited JSON.")
@number_option("--max-inputs", 64, "Inputs of a request.")
@number_option("--max-characters", 1_000_000, "Characters of an input.")
@number_option(
    "--max-in-flight", 64, "Requests answered at once by all workers; further ones get status 429."
)
@click.option(
    "--keys-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of bearer keys for /v1 and /v2, one a line; WINDOWCLF_KEYS may have keys too.",
)
@click.option(
    "--origin", "origins", multiple=True, help="Origin whose pages may call the service (CORS); repeatable."
)
@click.option(
    "--access-log/--no-access-log", default=True, show_default=True, help="A line for each request."
)
@number_option("--table-mb", 128, "Megabytes for the tables of frequent words, of all models together.")
@number_option(
    "--threads", 1, "Threads of each worker's matrix products; more workers serve small requests better."
)
def command(
    models: tuple[str, ...],
    host: str,
    port: int,
    workers: int | None,
    grace: float,
    timeout: float,
    max_body: int,
    max_stream: int,
    max_inputs: int,
    max_characters: int,
    max_in_flight: int,
    keys_file: Path | None,
    origins: tuple[str, ...],
    access_log: bool,
    table_mb: int,
    threads: int,
) -> None:
    """Serve one or more models over HTTP, with a page to try them at /.

    A model has the name of its directory, or NAME where it is given as NAME=PATH. Requests that name no model
    are answered by the first. When the files of a model change, each worker verifies the new version and
    swaps it in within seconds, or at once on SIGHUP; a damaged version is refused and the old one stays.

    SIGTERM makes the service not ready, waits --grace, answers all requests that have arrived, and stops
    within 30 seconds; Ctrl-C does not wait. Without keys everyone who reaches the address can use the
    service, and it has no encryption: docs/deploy.md shows it behind nginx.

    Example:

        windowclf serve runs/mine --port 8000
    """
    if not hasattr(os, "fork"):
        raise click.UsageError(
            "This system cannot fork processes. Give windowclf_service.app.create_app to a WSGI server."
        )
    # not above: the other commands must start without Flask and a server
    from windowclf_service.config import Limits, ServiceConfig
    from windowclf_service.models import name_models
    from windowclf_service.security import keys_from_environment, read_keys
    from windowclf_service.server import serve

    config = ServiceConfig(
        models=models,
        limits=Limits(
            body_bytes=max_body,
            stream_bytes=max_stream,
            inputs=max_inputs,
            characters=max_characters,
            in_flight=max_in_flight,
            timeout=timeout,
        ),
        keys=(*keys_from_environment(), *(read_keys(keys_file) if keys_file else ())),
        origins=origins,
        access_log=access_log,
        table_mb=table_mb,
    )
    names = ", ".join(name_models(models))
    address, port = _check_address(host, port)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def announce() -> None:
        click.echo(
            f"Serving {names} at {url}; try: curl {url}/v1/tag "
            f"-H 'Content-Type: application/json' -d '{_EXAMPLE}'"
        )

    # the cores that this process may use
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with limited_threads(threads):
        serve(config, address, port, workers or min(_MOST_WORKERS, n_cores), grace, announce)


def _check_address(host: str, port: int) -> tuple[str, int]:
    """Return the IP address and port to listen on: the server would share a port that is in use."""
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
