"""Access control and headers for browsers: bearer keys, CORS, security headers.

CORS and the headers are written here, for want of a library that fits: flask-talisman has had no release
since 2023; flask-cors leaves `Vary: Origin` out where no origin matches, so that a cache could give such an
answer to a page that is allowed, and takes an origin with brackets (IPv6) for a regular expression.
"""

import hmac
import os
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import Unauthorized

from windowclf.errors import ConfigError
from windowclf_service.config import ServiceConfig
from windowclf_service.telemetry import REQUEST_ID_HEADER

Header = tuple[str, str]
_Headers = tuple[Header, ...]

# -- keys -----------------------------------------------------------------------------------------------

VARIABLE = "WINDOWCLF_KEYS"
SHORTEST_KEY = 16  # characters

_ALLOWED = f"at least {SHORTEST_KEY} visible ASCII characters, no spaces"
_HINT = "Make one with: openssl rand -hex 32"
_usable_key = re.compile(rf"[!-~]{{{SHORTEST_KEY},}}").fullmatch


class Keys:
    """The valid keys, as digests: comparing a key does not even reveal its length."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(sha256(key.encode()).digest() for key in keys)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accept(self, key: bytes) -> bool:
        """Return whether a key is valid, in a time that depends neither on it nor on which one it equals."""
        digest = sha256(key).digest()
        # a list, so that all are compared, also after a match
        return any([hmac.compare_digest(own, digest) for own in self._digests])


def read_keys(file: str | Path) -> tuple[str, ...]:
    """Read a file of keys, one a line; blank lines and lines that start with # are skipped.

    Error messages name the line, never the key.
    """
    where = str(file)
    try:
        # Latin-1 decodes any byte; the check below refuses those that are not ASCII
        lines = Path(file).read_text(encoding="latin-1").split("\n")
    except OSError as error:
        raise ConfigError("cannot read the file of keys", where=where, found=error.strerror) from error
    written = [(number, key) for number, line in enumerate(lines, 1) if (key := line.strip(" \t\r"))]
    keys = tuple(_checked(key, where, number) for number, key in written if not key.startswith("#"))
    if not keys:
        raise ConfigError("the file has no key", where=where, allowed="one key a line", hint=_HINT)
    return keys


def keys_from_environment() -> tuple[str, ...]:
    """Return the keys in the environment variable WINDOWCLF_KEYS, separated by commas.

    Set without a key it is an error: whoever sets it wants a closed service.
    """
    value = os.environ.get(VARIABLE)
    if value is None:
        return ()
    keys = tuple(_checked(part.strip(), VARIABLE) for part in value.split(",") if part.strip())
    if not keys:
        raise ConfigError(
            "the environment variable has no key",
            where=VARIABLE,
            allowed="keys separated by commas",
            hint="Unset it to open the service to everyone.",
        )
    return keys


def _checked(key: str, where: str, line: int | None = None) -> str:
    if not _usable_key(key):
        raise ConfigError("this key cannot be used", where=where, line=line, allowed=_ALLOWED, hint=_HINT)
    return key


class KeyRefused(Unauthorized):
    """A request without a valid key: status 401."""

    def __init__(self, detail: str, challenge: str) -> None:
        super().__init__(detail)
        self.challenge = challenge

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Return the headers of the response."""
        # not by Werkzeug: it leaves out the quotes that RFC 9110 demands around a realm
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", self.challenge)]


# -- headers --------------------------------------------------------------------------------------------

_NOSNIFF = ("X-Content-Type-Options", "nosniff")
# The policy of the page: its own files and its own service, nothing else; no inline scripts or styles.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ON_ALL_FILES: _Headers = (
    _NOSNIFF,
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_ON_PAGES: _Headers = (
    *_ON_ALL_FILES,
    ("Content-Security-Policy", _PAGE_POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    ("X-Frame-Options", "DENY"),  # for browsers that do not know frame-ancestors
)
# an SVG opened by itself is a document that could run scripts
_ON_FILES: _Headers = (*_ON_ALL_FILES, ("Content-Security-Policy", "default-src 'none'"))
_NO_STORE = ("Cache-Control", "no-store")  # answers repeat the text of the request

_FILE_TYPES = ("text/css", "text/javascript", "image/svg+xml")
_HEADERS_BY_TYPE = {"text/html": _ON_PAGES, **dict.fromkeys(_FILE_TYPES, _ON_FILES)}

_origin = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+").fullmatch
_EXPOSED = ("Access-Control-Expose-Headers", f"{REQUEST_ID_HEADER}, Retry-After")
_PREFLIGHT: _Headers = (
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", f"Authorization, Content-Type, Content-Encoding, {REQUEST_ID_HEADER}"),
    ("Access-Control-Max-Age", "600"),  # seconds until a browser asks again
)
_VARY = ("Vary", "Origin")


class Guard:
    """The access rules of a configuration, applied to WSGI environs.

    An origin `*` is refused, as it would open the service to every page.
    """

    def __init__(self, config: ServiceConfig) -> None:
        for origin in config.origins:
            if not _origin(origin):
                raise ConfigError(
                    "not an origin",
                    where="origins",
                    found=origin,
                    allowed="scheme://host or scheme://host:port in lower case, nothing after it",
                )
        self._keys = Keys(config.keys)
        self._origins = frozenset(config.origins)

    def check(self, environ: Mapping[str, Any]) -> None:
        """Refuse a request that needs a key and has none.

        With keys, /v1 and /v2 are closed, except the service's name and health, which load balancers ask
        for, and a browser's preflight request, which never carries a key.
        """
        if not self._keys or not _needs_key(environ["PATH_INFO"]) or self.is_preflight(environ):
            return
        scheme, _, key = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise KeyRefused(
                "This route needs a key; send it as Authorization: Bearer KEY.", 'Bearer realm="windowclf"'
            )
        if not self._keys.accept(key.encode("utf-8", "replace")):
            raise KeyRefused("The key is not valid.", 'Bearer realm="windowclf", error="invalid_token"')

    def is_preflight(self, environ: Mapping[str, Any]) -> bool:
        """Return whether a browser asks if a page of an allowed origin may send a request."""
        return (
            environ["REQUEST_METHOD"] == "OPTIONS"
            and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
            and environ.get("HTTP_ORIGIN") in self._origins
        )

    def headers_for(self, environ: Mapping[str, Any], media_type: str, *, cached: bool) -> list[Header]:
        """Return the headers for browsers: security, caching, and CORS, errors included.

        Keys come in a header that scripts set, so cookies and other credentials that browsers add are not
        allowed.
        """
        headers = [*_HEADERS_BY_TYPE.get(media_type, (_NOSNIFF,))]
        if not cached:
            headers.append(_NO_STORE)
        if self._origins:
            headers.append(_VARY)
            if (origin := environ.get("HTTP_ORIGIN")) in self._origins:
                headers += (("Access-Control-Allow-Origin", origin), _EXPOSED)
        return headers


def install(app: Flask, guard: Guard) -> None:
    """Let an application check keys and answer preflight requests, before it reads a body."""

    @app.before_request
    def check() -> Response | None:
        guard.check(request.environ)
        if guard.is_preflight(request.environ):
            response = Response(status=204, headers=_PREFLIGHT)
            del response.headers["Content-Type"]
            return response
        return None


def _needs_key(path: str) -> bool:
    # the router ignores any number of slashes at the start
    path = path.lstrip("/")
    is_open = path in ("v2", "v2/") or path.startswith("v2/health/")
    return path.partition("/")[0] in ("v1", "v2") and not is_open
