"""All errors of the service have one body: `application/problem+json` (RFC 9457)."""

import msgspec
from flask import Flask, Response, request
from msgspec import UNSET, UnsetType
from werkzeug.exceptions import HTTPException, UnprocessableEntity
from werkzeug.http import HTTP_STATUS_CODES

from windowclf_service.telemetry import request_id_of

PROBLEM_TYPE = "application/problem+json"
# instead of Werkzeug's texts, which are written for people at a browser
_DETAILS = {
    404: "There is nothing at this address; GET /openapi.json lists all routes.",
    405: "This route does not allow the method; the Allow header lists those it does.",
    500: "The service failed to answer; its log has more under this request_id.",
}


class Problem(msgspec.Struct):
    """The body of every error; openapi.yaml describes the fields."""

    type: str
    title: str
    status: int
    detail: str
    error: str  # the same as `detail`, where clients of the Open Inference Protocol look for it
    request_id: str
    pointer: str | UnsetType = UNSET


class WrongField(UnprocessableEntity):
    """A field of a well-formed body that cannot be used: status 422.

    `pointer` is the field as a JSON pointer (RFC 6901), empty for the whole body.
    """

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


_encode = msgspec.json.Encoder().encode


def register_errors(app: Flask) -> None:
    """Answer every error with a problem body; the text of an unexpected one goes to the log alone."""
    # Flask logs an uncaught exception and wraps it in an InternalServerError before it comes here
    app.register_error_handler(HTTPException, _answer)


def describe(error: HTTPException) -> str:
    """Return the text that a client gets for an error."""
    if error.code in _DETAILS and error.description == type(error).description:
        return _DETAILS[error.code]
    return error.description or ""


def _answer(error: HTTPException) -> Response:
    status = error.code or 500
    detail = describe(error)
    pointer = error.pointer if isinstance(error, WrongField) else UNSET
    request_id = request_id_of(request.environ)
    body = Problem("about:blank", HTTP_STATUS_CODES[status], status, detail, detail, request_id, pointer)
    # the other headers of an error stay: Allow of a 405, Retry-After of a 429
    headers = [header for header in error.get_headers() if header[0] != "Content-Type"]
    return Response(_encode(body), status, headers, content_type=PROBLEM_TYPE)
