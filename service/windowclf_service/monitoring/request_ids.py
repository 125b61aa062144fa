"""What a request is called, in its answer, in every error body and in the log."""

import re
from typing import Any
from uuid import uuid4

KEY = "windowclf.request_id"  # in a WSGI environ
HEADER = "X-Request-ID"

_usable = re.compile(r"[!-~]{1,128}").fullmatch


def request_id_of(environ: dict[str, Any]) -> str:
    """Return the id of a request: its `X-Request-ID` of 1 to 128 visible ASCII characters, or a new one.

    It is kept in the environ, so that every caller is told the same one.
    """
    known: str | None = environ.get(KEY)
    if known is not None:
        return known
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    request_id = given if _usable(given) else uuid4().hex
    environ[KEY] = request_id
    return request_id
