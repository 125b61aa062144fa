"""Every error of the service as one body: `application/problem+json` (RFC 9457)."""

import msgspec
from flask import Flask, Response, request
from msgspec import UNSET, UnsetType
from werkzeug.exceptions import HTTPException, UnprocessableEntity
from werkzeug.http import HTTP_STATUS_CODES

from windowclf_service.monitoring.telemetry import request_id_of

PROBLEM_TYPE = "application/problem+json"
# instead of Werkzeug's words, which are for people at a browser
_DETAILS = {
    404: "There is nothing at this address; GET /openapi.json lists all that is served.",
    405: "This method is not served here; the header Allow says which are.",
    500: "The service failed to answer; its log says more under this request_id.",
}


class Problem(msgspec.Struct):
    """The body of every error.

    Attributes
    ----------
    type : str
        "about:blank": the status says what kind of problem it is.
    title : str
        The status in words.
    status : int
    detail : str
        What was found, what is allowed.
    error : str
        The same, where clients of the Open Inference Protocol look for it.
    request_id : str
        What the service's log calls this request.
    pointer : str, or unset
        The field that cannot be used, as a JSON pointer (RFC 6901) into the body; empty for the body as a
        whole. With status 422 only.
    """

    type: str
    title: str
    status: int
    detail: str
    error: str
    request_id: str
    pointer: str | UnsetType = UNSET


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


_encode = msgspec.json.Encoder().encode


def problem(status: int, detail: str, *, request_id: str, pointer: str | None = None) -> bytes:
    """Return the body of an error, see `Problem`."""
    title = HTTP_STATUS_CODES[status]
    at = UNSET if pointer is None else pointer
    return _encode(Problem("about:blank", title, status, detail, detail, request_id, at))


def register_errors(app: Flask) -> None:
    """Let an application answer every error, its own faults too, with a problem body.

    What an unforeseen exception says goes to the application's log, never to the client.
    """
    # Flask logs an exception that nobody caught, and wraps it in an InternalServerError, before it comes here
    app.register_error_handler(HTTPException, _answer)


def describe(error: HTTPException) -> str:
    """Return what a client is told of an error."""
    if error.code in _DETAILS and error.description == type(error).description:
        return _DETAILS[error.code]
    return error.description or ""


def _answer(error: HTTPException) -> Response:
    status = error.code or 500
    pointer = error.pointer if isinstance(error, WrongField) else None
    body = problem(status, describe(error), request_id=request_id_of(request.environ), pointer=pointer)
    # the other headers of an error stay: 405 says what is allowed, 429 when to come again
    headers = [header for header in error.get_headers() if header[0] != "Content-Type"]
    return Response(body, status, headers, content_type=PROBLEM_TYPE)
