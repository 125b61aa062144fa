"""`windowclf serve`."""

import json
import os
import signal
import socket
from collections.abc import Sequence
from typing import NoReturn

import click

from windowclf.errors import WindowClfError
from windowclf.tagger import WindowTagger
from windowclf_cli.options import limited_threads, threads_option

_EXAMPLE = json.dumps({"inputs": "museums in Paris are amazing"})


@click.command()
@click.argument("models", metavar="MODEL [MODEL]…", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)
@click.option(
    "--threads-of-server",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Requests answered at once.",
)
@threads_option
def command(
    models: tuple[str, ...], host: str, port: int, threads_of_server: int, threads: int | None
) -> None:
    """Serve one or more models over HTTP, until Ctrl-C or SIGTERM.

    A model goes by the name of its directory; a request that names none is answered by the first. All models
    are verified before the service listens. It has no keys and no encryption: put a proxy before it where
    others can reach the address.

    Example:

        windowclf serve runs/mine --port 8000
    """
    directories = _names(models)
    # not above: the other commands must start without Flask and a server
    import waitress

    from windowclf_service.app import MAX_BODY_BYTES, create_app

    with limited_threads(threads):
        app = create_app({name: WindowTagger.load(model) for name, model in directories.items()})
        with _listen(host, port) as listener:
            server = waitress.create_server(
                app,
                sockets=[listener],
                threads=threads_of_server,
                # the application refuses what is over its limit; this much the server keeps to be asked about
                max_request_body_size=16 * MAX_BODY_BYTES,
            )
            address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
            try:
                signal.signal(signal.SIGTERM, _stop)
                click.echo(
                    f"Serving {', '.join(directories)} at {address}; try: curl {address}/v1/tag "
                    f"-H 'Content-Type: application/json' -d '{_EXAMPLE}'",
                    err=True,
                )
                server.run()
            except KeyboardInterrupt:
                pass
            finally:
                server.close()


def _names(models: Sequence[str]) -> dict[str, str]:
    """Return the models by name; two of one name are an error."""
    directories: dict[str, str] = {}
    for model in models:
        name = os.path.basename(os.path.abspath(model))
        if name in directories:
            raise click.UsageError(
                f"Two models would be named {name!r}: {directories[name]} and {model}. "
                "Rename one of the directories."
            )
        directories[name] = model
    return directories


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:  # UnicodeError: no host can have such a name
        reason = getattr(error, "strerror", None) or str(error)
        raise WindowClfError(
            f"cannot listen there: {reason.partition(' (while')[0]}",  # Python adds the address once more
            where=f"{host}:{port}",
            hint="Give another --port, or --host; --port 0 takes a free one.",
        ) from error


def _stop(*_: object) -> NoReturn:
    """End as Ctrl-C does, once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
