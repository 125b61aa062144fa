"""`windowclf serve`."""

import json
import os
from pathlib import Path

import click

from windowclf.threads import limited_threads

_EXAMPLE = json.dumps({"inputs": "museums in Paris are amazing"})
_MOST_WORKERS = 8  # unless --workers says otherwise

_positive = click.IntRange(min=1)


@click.command()
@click.argument("models", metavar="MODEL [MODEL]…", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)
@click.option("--workers", type=_positive, help="Processes; by default one for each core, at most 8.")
@click.option(
    "--grace",
    type=click.FloatRange(0, 20),
    default=5.0,
    show_default=True,
    help="Seconds that it still answers after SIGTERM, unready, for load balancers to notice.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=30.0,
    show_default=True,
    help="Seconds from a request's first byte to the start of its answer.",
)
@click.option("--max-body", type=_positive, default=1_000_000, show_default=True, help="Bytes of a body.")
@click.option(
    "--max-stream",
    type=_positive,
    default=16_000_000,
    show_default=True,
    help="Bytes of a body in newline-delimited JSON.",
)
@click.option("--max-inputs", type=_positive, default=64, show_default=True, help="Inputs of a request.")
@click.option(
    "--max-characters", type=_positive, default=1_000_000, show_default=True, help="Characters of an input."
)
@click.option(
    "--max-in-flight",
    type=_positive,
    default=64,
    show_default=True,
    help="Requests answered at once by all workers; those beyond get status 429.",
)
@click.option(
    "--keys-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of bearer keys, one a line, that open /v1 and /v2; also from WINDOWCLF_KEYS.",
)
@click.option(
    "--origin", "origins", multiple=True, help="Origin whose pages may call the service (CORS); repeatable."
)
@click.option(
    "--access-log/--no-access-log", default=True, show_default=True, help="A line for each request."
)
@click.option(
    "--table-mb",
    type=_positive,
    default=128,
    show_default=True,
    help="Memory for the first layers of frequent words, of all models together.",
)
@click.option(
    "--threads",
    type=_positive,
    default=1,
    show_default=True,
    help="Threads of each worker's matrix products; processes serve many small requests better.",
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

    A model goes by the name of its directory; a request that names none is answered by the first. SIGHUP
    loads the models anew and keeps the old ones if a new one is damaged. SIGTERM ends the service without
    losing a request, within 30 seconds; Ctrl-C does not wait --grace. Without keys it is open to whoever
    reaches the address, and it has no encryption: docs/deploy.md shows it behind a proxy.

    Example:

        windowclf serve runs/mine --port 8000
    """
    if not hasattr(os, "fork"):
        raise click.UsageError(
            "This system cannot fork processes. Give windowclf_service.app.create_app to a WSGI server."
        )
    # not above: the other commands must start without Flask and a server
    from windowclf.tagger import WindowTagger
    from windowclf_service.config import Limits, ServiceConfig
    from windowclf_service.keys import keys_from_environment, read_keys
    from windowclf_service.models import load_models
    from windowclf_service.server.listener import address_of, listen
    from windowclf_service.server.supervisor import Supervisor

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
    )
    n_workers = workers or min(_MOST_WORKERS, _n_cores())
    with limited_threads(threads), listen(host, port) as listener:
        address = address_of(listener)

        def announce() -> None:
            names = ", ".join(os.path.basename(os.path.abspath(model)) for model in models)
            click.echo(
                f"Serving {names} at {address}; try: curl {address}/v1/tag "
                f"-H 'Content-Type: application/json' -d '{_EXAMPLE}'"
            )

        def load() -> dict[str, WindowTagger]:
            taggers = load_models(models)
            for tagger in taggers.values():
                # all of it before workers are forked, who then share it
                tagger.compile(table_mb=max(1, table_mb // len(taggers)), prefill=True)
            return taggers

        supervisor = Supervisor(config, listener, load, n_workers=n_workers, grace=grace)
        status = supervisor.run(announce)
    raise SystemExit(status)


def _n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
