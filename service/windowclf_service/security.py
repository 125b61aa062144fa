"""Who may ask, from where, and what browsers are told: bearer keys, CORS, security headers."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import Unauthorized

from windowclf.errors import ConfigError
from windowclf_service.config import ServiceConfig
from windowclf_service.keys import Keys, keys_from_environment, read_keys
from windowclf_service.monitoring.request_ids import HEADER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Guard", "KeyRefused", "install", "keys_from_environment", "read_keys"]

Header = tuple[str, str]
_Headers = tuple[Header, ...]

_NOSNIFF = ("X-Content-Type-Options", "nosniff")
# The policy of the page: its own files and its own service, nothing else; no inline scripts or styles.
_PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
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
# an SVG that is opened by itself is a document that could run scripts
_ON_FILES: _Headers = (*_ON_ALL_FILES, ("Content-Security-Policy", "default-src 'none'"))
_NO_STORE = ("Cache-Control", "no-store")  # answers repeat what somebody wrote

_HEADERS_BY_KIND: dict[str, _Headers] = {
    "text/html": _ON_PAGES,
    "text/css": _ON_FILES,
    "text/javascript": _ON_FILES,
    "image/svg+xml": _ON_FILES,
}
_ON_ANSWERS: _Headers = (_NOSNIFF,)

_CLOSED = ("v1", "v2")
_origin = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+").fullmatch
_EXPOSED = f"{HEADER}, Retry-After"
_PREFLIGHT: _Headers = (
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", f"Authorization, Content-Type, {HEADER}"),
    ("Access-Control-Max-Age", "600"),  # seconds that a browser need not ask again
)


class KeyRefused(Unauthorized):
    """A request without a key that opens what it asks for: status 401.

    Parameters
    ----------
    detail : str
        What to do.
    challenge : str
        The value of WWW-Authenticate (RFC 6750).
    """

    def __init__(self, detail: str, challenge: str) -> None:
        super().__init__(detail)
        self.challenge = challenge

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Return the headers of the answer."""
        # not by Werkzeug: it leaves the quotes out, which RFC 9110 demands around a realm
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", self.challenge)]


class Guard:
    """What a configuration allows, for WSGI environs.

    Parameters
    ----------
    config : ServiceConfig

    Raises
    ------
    ConfigError
        If one of its origins is none; `*` is not, as it would open the service to every page there is.
    """

    def __init__(self, config: ServiceConfig) -> None:
        self._keys = Keys(config.keys)
        self._origins = frozenset(map(_checked_origin, config.origins))

    def refusal(self, environ: Mapping[str, Any]) -> KeyRefused | None:
        """Return why a request may not be answered, by its path and its key alone; None if it may.

        /v1 and /v2 are closed where there are keys, but for the service's name and health, which load
        balancers ask for, and for a browser's question whether it may ask (preflight), which never
        carries a key.
        """
        if not self._keys or not _is_closed(environ["PATH_INFO"]) or self.is_preflight(environ):
            return None
        scheme, _, key = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            return KeyRefused(
                "A key is needed, sent as Authorization: Bearer KEY.", 'Bearer realm="windowclf"'
            )
        if not self._keys.open_with(key.encode("utf-8", "replace")):
            return KeyRefused(
                "This key opens nothing here.", 'Bearer realm="windowclf", error="invalid_token"'
            )
        return None

    def is_preflight(self, environ: Mapping[str, Any]) -> bool:
        """Say whether a page of an allowed origin asks whether it may ask."""
        return (
            environ["REQUEST_METHOD"] == "OPTIONS"
            and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
            and environ.get("HTTP_ORIGIN") in self._origins
        )

    def headers_for(self, environ: Mapping[str, Any], media_type: str, *, kept: bool = False) -> list[Header]:
        """Return the headers that browsers are told by: of the kind of answer, of its caching, of origins.

        Parameters
        ----------
        media_type : str
            Without parameters.
        kept : bool
            Whether the answer says itself how long it may be kept.
        """
        headers = [*_HEADERS_BY_KIND.get(media_type, _ON_ANSWERS)]
        if not kept:
            headers.append(_NO_STORE)
        if self._origins:
            headers += self.origin_headers(environ)
        return headers

    def origin_headers(self, environ: Mapping[str, Any]) -> _Headers:
        """Return what lets a page of an allowed origin read an answer, errors included.

        Keys come in a header that scripts set, so credentials that browsers add (cookies) are not allowed.
        """
        if not self._origins:
            return ()
        vary = ("Vary", "Origin")
        origin = environ.get("HTTP_ORIGIN")
        if origin not in self._origins:
            return (vary,)
        return (vary, ("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", _EXPOSED))


def install(app: Flask, config: ServiceConfig) -> None:
    """Let an application ask for keys, answer pages of other origins, and send security headers.

    To be called before anything that looks at a request's body or counts it as in flight.

    Raises
    ------
    ConfigError
        If one of the origins is none.
    """
    guard = Guard(config)
    app.wsgi_app = _with_headers(app.wsgi_app, guard)  # type: ignore[assignment, method-assign]
    if not config.keys and not config.origins:
        return

    @app.before_request
    def check() -> Response | None:
        environ = request.environ
        if refusal := guard.refusal(environ):
            raise refusal
        if guard.is_preflight(environ):
            response = Response(status=204, headers=_PREFLIGHT)
            del response.headers["Content-Type"]
            return response
        return None


def _with_headers(app: "WSGIApplication", guard: Guard) -> "WSGIApplication":
    """Add what browsers are told to every answer of an application.

    Not in Flask's after_request, whose checked headers take five times as long to add to.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            kind = ""
            kept = False
            for name, value in headers:
                if name == "Content-Type":
                    kind = value.partition(";")[0]
                elif name == "Cache-Control":
                    kept = True
            headers += guard.headers_for(environ, kind, kept=kept)
            return start_response(status, headers, *error)

        return app(environ, start)

    return answer


def _is_closed(path: str) -> bool:
    """Say whether a path needs a key."""
    # The router takes any number of slashes at the start for one.
    path = path.lstrip("/")
    return (
        path.partition("/")[0] in _CLOSED and path not in ("v2", "v2/") and not path.startswith("v2/health/")
    )


def _checked_origin(origin: str) -> str:
    if not _origin(origin):
        raise ConfigError(
            "this is no origin",
            where="origins",
            found=origin,
            allowed="scheme://host or scheme://host:port in lower case, nothing behind it",
        )
    return origin
