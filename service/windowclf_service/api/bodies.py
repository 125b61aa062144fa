"""Bodies of requests and answers: what may come in, how it is read, and what goes out."""

import json
import re
from typing import Any, NoReturn, TypeVar

import msgspec
from flask import Response
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import BadRequest, NotAcceptable, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import parse_accept_header

from windowclf_service.errors import WrongField

JSON = "application/json"
NDJSON = "application/x-ndjson"
# what a Literal allows; msgspec does not say it
_CHOICES = {"aggregation": "none, entities", "format": "displacy"}
_PATH_PART = re.compile(r"\.(\w+)|\[(\d+)\]")
_NAMED_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)

Environ = dict[str, Any]  # of WSGI
T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


def _number(written: str) -> float:
    number = float(written)
    return int(number) if number.is_integer() else number


_whole_numbers = msgspec.json.Decoder(float_hook=_number)


def json_response(value: object) -> Response:
    """Return an answer of status 200."""
    return Response(_encode(value), content_type=JSON)


def check_media_type(environ: Environ, *allowed: str) -> str:
    """Return the media type of a body, and refuse others, and what cannot be answered as is asked.

    Parameters of the type are passed over: JSON is UTF-8 whatever they say.

    Raises
    ------
    UnsupportedMediaType
        If it is not an allowed one, or the body is compressed.
    NotAcceptable
        If the client accepts neither JSON nor, where that comes in, newline-delimited JSON.
    """
    found: str = environ.get("CONTENT_TYPE", "")
    if found not in allowed:
        found = found.partition(";")[0].strip().lower()
        if found not in allowed:
            raise UnsupportedMediaType(
                f"A body here has the Content-Type {' or '.join(filter(None, allowed))}."
            )
    if environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("A body here has no Content-Encoding; send it as it is.")
    accepted = environ.get("HTTP_ACCEPT", "")
    if accepted not in ("", "*/*", JSON) and accepted != found:
        _check_accepted(accepted, {JSON, found or JSON})
    return found


def _check_accepted(accepted: str, answers: set[str]) -> None:
    """Refuse a client that accepts none of the media types that it could be answered in."""
    header = parse_accept_header(accepted, MIMEAccept)
    if header and not any(header.quality(answer) > 0 for answer in answers):
        raise NotAcceptable(f"What is answered here is {' or '.join(sorted(answers))}.")


def read_body(environ: Environ, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, whether its length is declared or not.

    Raises
    ------
    RequestEntityTooLarge
        If it is longer; a declared length is refused before anything is read.
    BadRequest
        If it ends before its declared length.
    """
    declared: str = environ.get("CONTENT_LENGTH") or ""
    stream = environ["wsgi.input"]
    if declared.isdecimal():
        length = int(declared)
        if length > limit:
            raise _too_large(limit)
        body: bytes = stream.read(length)
        if len(body) < length:
            raise BadRequest(f"The body has {len(body)} bytes; its Content-Length is {length}.")
        return body
    if not environ.get("wsgi.input_terminated"):
        return b""
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def decode(decoder: msgspec.json.Decoder[T], body: bytes, *, what: str = "The body") -> T:
    """Read a body, or a line of one, as the type of a decoder.

    Parameters
    ----------
    decoder : msgspec.json.Decoder
    body : bytes
    what : str
        What errors call it.

    Raises
    ------
    BadRequest
        If it is not JSON in UTF-8. This comes first: a body that is cut short after a wrong field is
        malformed. A lone surrogate is malformed too: there is no such character, and no UTF-8 for it.
    WrongField
        If a field is missing, unknown, or of a wrong type.
    """
    try:
        # what msgspec skips, the fields that are not known, it does not look at so closely
        return decoder.decode(body.decode())
    except (ValueError, RecursionError) as error:
        _check_json(body, what)
        if not isinstance(error, msgspec.ValidationError):
            raise _malformed(what, error) from None
        wrong = str(error)
    try:  # once more: to JSON, 3.0 is the integer 3
        return msgspec.convert(_whole_numbers.decode(body), decoder.type)
    except msgspec.ValidationError:
        raise wrong_field(wrong) from None


def wrong_field(message: str) -> WrongField:
    """Take msgspec's message apart: "Expected `str`, got `int` - at `$.inputs[0]`"."""
    problem, found, path = message.rpartition(" - at `$")
    if not found:
        problem, path = message, ""
    parts = [name or index for name, index in _PATH_PART.findall(path)]
    if problem.startswith("Invalid enum value") and parts and parts[-1] in _CHOICES:
        problem += f"; allowed: {_CHOICES[parts[-1]]}"
    if named := _NAMED_FIELD.fullmatch(problem):
        parts.append(named[1].replace("~", "~0").replace("/", "~1"))
    return WrongField("".join(f"/{part}" for part in parts), problem)


def _check_json(body: bytes, what: str) -> None:
    """Refuse what is not JSON at all, and say where; slower than msgspec, and clearer."""
    try:
        # any number will do, however long: only its place can be wrong
        value = json.loads(body.decode(), parse_int=float, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be encoded
    except (ValueError, RecursionError) as error:
        raise _malformed(what, error) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _malformed(what: str, error: Exception) -> BadRequest:
    reason = str(error)
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    elif isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg.removesuffix(' at')} at character {error.pos}"
    elif isinstance(error, UnicodeDecodeError):
        reason = f"{error.reason} at byte {error.start}"
    elif isinstance(error, UnicodeEncodeError):
        reason = "half a surrogate pair is no character"
    return BadRequest(f"{what} is not JSON in UTF-8: {reason}.")


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"The body may have at most {limit} bytes.")
