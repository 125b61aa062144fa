"""Every error of the service as one body: `application/problem+json` (RFC 9457)."""

from typing import Any

import msgspec
from flask import Flask, Response, current_app
from werkzeug.exceptions import HTTPException, UnprocessableEntity


class WrongField(UnprocessableEntity):
    """A field of a well-formed body that cannot be used: status 422.

    Parameters
    ----------
    pointer : str
        Where the field stands, as a JSON pointer (RFC 6901); empty for the whole body.
    detail : str
        What is wrong with it, and what is allowed.
    """

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


def register_errors(app: Flask) -> None:
    """Let an application answer every error, its own faults too, with a problem body.

    A body holds `type` ("about:blank": the status says it all), `title`, `status`, `detail` and, for a wrong
    field, `pointer`. What an unforeseen exception says goes to the log (standard error), never to the client.
    """
    # Flask wraps an exception that nobody caught in an InternalServerError, and logs it, before it comes here
    app.register_error_handler(HTTPException, _problem)


def _problem(error: HTTPException) -> Response:
    detail = error.description
    if error.code == 413:
        detail = f"The body may have at most {current_app.config['MAX_CONTENT_LENGTH']} bytes."
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": error.name,
        "status": error.code,
        "detail": detail,
    }
    if isinstance(error, WrongField):
        problem["pointer"] = error.pointer
    # the other headers of an error stay: 405 says what is allowed
    headers = [header for header in error.get_headers() if header[0] != "Content-Type"]
    return Response(
        msgspec.json.encode(problem), error.code, headers, content_type="application/problem+json"
    )
