"""A WSGI application called from an ASGI server: what goes in, and what comes out."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
Environ = dict[str, Any]
WSGIApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_KEYS = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def _nothing() -> None:
    """Close what needs no closing."""


@dataclass(slots=True)
class Reply:
    """What is answered: a whole body, or blocks that are made one by one."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    blocks: Iterator[bytes] | None = None
    close: Callable[[], None] = _nothing


def call(app: WSGIApplication, environ: Environ, body: bytes) -> Reply:
    """Call a WSGI application (PEP 3333). An answer without a length is left as blocks, to be made later."""
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        begun.append((status, headers))

    answer = app(environ, start_response)
    close = getattr(answer, "close", _nothing)
    status, named = begun[-1]
    headers = as_bytes(named)
    if environ["REQUEST_METHOD"] != "HEAD" and not any(name == b"content-length" for name, _ in headers):
        return Reply(int(status[:3]), headers, blocks=iter(answer), close=close)
    try:
        return Reply(int(status[:3]), headers, b"".join(answer))
    finally:
        close()


def as_bytes(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Turn headers of WSGI into those of ASGI."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def environ_of(scope: Scope) -> Environ:
    """Turn an ASGI scope into a WSGI environ (PEP 3333: bytes stand in strings as Latin-1)."""
    path = scope["raw_path"]
    host, port = scope["server"] or ("localhost", 80)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope["client"]:
        environ["REMOTE_ADDR"] = scope["client"][0]
    for name, value in scope["headers"]:
        if b"_" in name:
            continue  # would pass for the header that is written with a hyphen
        key = _KEYS.get(name) or f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ
