"""What comes in: bodies, queries and the types of /v1, checked against the limits."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NoReturn, TypeVar
from urllib.parse import parse_qs

import msgspec
from flask import Response, request
from msgspec import UNSET, Meta, UnsetType
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import BadRequest, NotAcceptable, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import parse_accept_header

from windowclf_service.config import Limits
from windowclf_service.errors import WrongField
from windowclf_service.models import Models, ServedModel
from windowclf_service.telemetry import RECEIVED

JSON = "application/json"
NDJSON = "application/x-ndjson"
_USE_NDJSON = f"send more as newline-delimited JSON ({NDJSON})"
_SHORTEST_COMPRESSED = 1000  # bytes of an answer

Environ = dict[str, Any]  # of WSGI
T = TypeVar("T")

# -- the types of /v1, described in openapi.yaml ---------------------------------------------------------

Word = Annotated[str, Meta(min_length=1)]
Input = str | list[Word]
Many = Annotated[int, Meta(ge=1, le=100)]


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """How to tag; a parameter that is missing is taken from the query, else it has its default."""

    model: str | UnsetType | None = UNSET
    aggregation: Literal["none", "entities"] | UnsetType = UNSET
    probabilities: bool | UnsetType = UNSET
    top: Many | UnsetType | None = UNSET


class TagRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/tag."""

    inputs: str | list[Input]
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class LineRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A line of newline-delimited JSON that has its own parameters."""

    inputs: Input
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """The query of POST /v1/tag: the shape of the answer, and parameters that the body leaves out."""

    format: Literal["displacy"] | UnsetType = UNSET
    model: str | UnsetType = UNSET
    aggregation: Literal["none", "entities"] | UnsetType = UNSET
    probabilities: bool | UnsetType = UNSET
    top: Many | UnsetType = UNSET


class ExplainParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How to explain."""

    model: str | None = None
    top: Many = 3


class ExplainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/explain."""

    inputs: str | list[Input]
    parameters: ExplainParameters = msgspec.field(default_factory=ExplainParameters)


class Options(msgspec.Struct, frozen=True):
    """How to tag, with every default filled in."""

    model: ServedModel
    entities: bool
    probabilities: bool
    top: int | None
    displacy: bool


_NO_QUERY = Query()
_BOOLEANS: dict[str, Any] = {"true": True, "false": False}


def read_query(environ: Environ, models: Models) -> Query:
    """Read the query of POST /v1/tag."""
    given: str = environ.get("QUERY_STRING", "")
    if not given:
        return _NO_QUERY
    found: dict[str, Any] = {}
    for name, values in parse_qs(given, keep_blank_values=True).items():
        if len(values) > 1:
            raise WrongField("", f"query: {name} is given {len(values)} times; allowed: once")
        found[name] = values[0]
    if "probabilities" in found:
        found["probabilities"] = _BOOLEANS.get(found["probabilities"], found["probabilities"])
    if (top := found.get("top", "")).isdecimal() and top.isascii():
        found["top"] = int(top[:9])  # longer ones are too large anyway
    try:
        query = msgspec.convert(found, Query)
    except msgspec.ValidationError as error:
        wrong = _wrong_field(str(error))
        raise WrongField("", f"query: {wrong.pointer[1:]}: {wrong.description}") from None
    if query.model is not UNSET:
        try:
            models.choose(query.model)
        except WrongField as wrong:
            raise WrongField("", f"query: model: {wrong.description}") from None
    return query


def resolve(parameters: Parameters, query: Query, models: Models) -> Options:
    """Return how to tag: as the body says, else as the query says, else by default."""

    def given(name: str) -> Any:
        values = getattr(parameters, name), getattr(query, name)
        return next((value for value in values if value is not UNSET), None)

    model, is_displacy = models.choose(given("model")), query.format == "displacy"
    return Options(
        model, given("aggregation") != "none", given("probabilities") is True, given("top"), is_displacy
    )


def check_inputs(given: str | list[Input], limits: Limits) -> Sequence[Input]:
    """Return the inputs of a request as a list."""
    if isinstance(given, str):
        check_length(given, limits.characters, "/inputs")
        return [given]
    check_number(len(given), "inputs", limits, "/inputs")
    for i, value in enumerate(given):
        if type(value) is not type(given[0]):
            raise WrongField(f"/inputs/{i}", "texts and lists of tokens are mixed; allowed: one or the other")
        check_length(value, limits.characters, f"/inputs/{i}")
    return given


def check_number(n: int, what: str, limits: Limits, pointer: str) -> None:
    """Refuse a request with too many inputs."""
    if n > limits.inputs:
        raise WrongField(pointer, f"{n} {what}; allowed: at most {limits.inputs} a request; {_USE_NDJSON}")


def check_length(value: Input, limit: int, pointer: str) -> None:
    """Refuse an input that is too long."""
    if (length := length_of(value)) > limit:
        raise WrongField(pointer, f"{length} characters; allowed: at most {limit}")


def length_of(value: Input) -> int:
    """Return how many characters an input has; for tokens, including the spaces that join them."""
    if isinstance(value, str):
        return len(value)
    return sum(map(len, value)) + max(0, len(value) - 1)


# -- headers and bodies ---------------------------------------------------------------------------------


def check_media_type(environ: Environ, *allowed: str) -> str:
    """Return the media type of the body; refuse others, and clients that do not accept the answer.

    Parameters of the type are ignored: JSON is UTF-8 whatever they say.
    """
    found: str = environ.get("CONTENT_TYPE", "")
    if found not in allowed:
        found = found.partition(";")[0].strip().lower()
        if found not in allowed:
            raise UnsupportedMediaType(
                f"The Content-Type of the body must be {' or '.join(filter(None, allowed))}."
            )
    accepted = environ.get("HTTP_ACCEPT", "")
    if accepted not in ("", "*/*", JSON) and accepted != found:
        header = parse_accept_header(accepted, MIMEAccept)
        answers = {JSON, found or JSON}
        if header and not any(header.quality(answer) > 0 for answer in answers):
            raise NotAcceptable(f"This route answers with {' or '.join(sorted(answers))}.")
    return found


def read_body(environ: Environ, limits: Limits, *, streams: bool = False) -> bytes:
    """Read a body, whether its length is declared or not, and decompress it, never beyond the limit.

    A declared length is checked before anything is read.
    """
    limit = limits.stream_bytes if streams else limits.body_bytes
    encoding: str = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise UnsupportedMediaType("The Content-Encoding of a body may be gzip, or left out.")
    body = _read(environ, limit, streams)
    environ[RECEIVED] = len(body)
    if encoding in ("", "identity"):
        return body
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(body, limit + 1)  # never more, however much the body would become
    except zlib.error as error:
        raise BadRequest(f"The body is not valid gzip: {error}.") from None
    if len(plain) > limit:
        raise _too_large(limit, streams)
    if not unzip.eof or unzip.unused_data:
        raise BadRequest("The body is not one whole gzip stream.")
    return plain


def _read(environ: Environ, limit: int, streams: bool) -> bytes:
    declared: str = environ.get("CONTENT_LENGTH") or ""
    stream = environ["wsgi.input"]
    if declared.isdecimal():
        length = int(declared)
        if length > limit:
            raise _too_large(limit, streams)
        body: bytes = stream.read(length)
        if len(body) < length:
            raise BadRequest(f"The body has {len(body)} bytes; its Content-Length is {length}.")
        return body
    if not environ.get("wsgi.input_terminated"):
        return b""
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit, streams)
    return body


def _too_large(limit: int, streams: bool) -> RequestEntityTooLarge:
    more = "" if streams else f"; {_USE_NDJSON}"
    return RequestEntityTooLarge(f"The body may have at most {limit} bytes{more}.")


def compress(response: Response) -> Response:
    """Compress a long answer in JSON if the client accepts gzip."""
    if (
        "HTTP_ACCEPT_ENCODING" not in request.environ
        or response.mimetype not in (JSON, NDJSON)
        or not request.accept_encodings["gzip"]
    ):
        return response
    if response.is_streamed:
        response.response = _compress_blocks(response.iter_encoded())
    elif len(response.data) >= _SHORTEST_COMPRESSED:
        response.data = gzip.compress(response.data, compresslevel=1)
    else:
        return response
    response.headers["Content-Encoding"] = "gzip"
    response.headers.add("Vary", "Accept-Encoding")
    return response


def _compress_blocks(blocks: Iterator[bytes]) -> Iterator[bytes]:
    zipped = zlib.compressobj(level=1, wbits=31)
    for block in blocks:
        yield zipped.compress(block) + zipped.flush(zlib.Z_SYNC_FLUSH)
    yield zipped.flush()


# -- JSON -----------------------------------------------------------------------------------------------

# the choices of a Literal, which msgspec does not name
_CHOICES = {"aggregation": "none, entities", "format": "displacy"}
_PATH_PART = re.compile(r"\.(\w+)|\[(\d+)\]")
_NAMED_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)
encode = msgspec.json.Encoder().encode


def _number(written: str) -> float:
    number = float(written)
    return int(number) if number.is_integer() else number


_whole_numbers = msgspec.json.Decoder(float_hook=_number)


def json_response(value: object) -> Response:
    """Return a response of status 200."""
    return Response(encode(value), content_type=JSON)


def decode(decoder: msgspec.json.Decoder[T], body: bytes, *, what: str = "The body") -> T:
    """Read a body, or a line of one, as the type of a decoder.

    Malformed JSON is refused first: a body cut short after a wrong field is malformed. So is a lone
    surrogate: there is no such character, and no UTF-8 for it.
    """
    try:
        # in fields that it skips because they are unknown, msgspec does not check UTF-8
        return decoder.decode(body.decode())
    except (ValueError, RecursionError) as error:
        _check_json(body, what)
        if not isinstance(error, msgspec.ValidationError):
            raise _malformed(what, error) from None
        wrong = str(error)
    try:  # once more: in JSON, 3.0 is the integer 3
        return msgspec.convert(_whole_numbers.decode(body), decoder.type)
    except msgspec.ValidationError:
        raise _wrong_field(wrong) from None


def _wrong_field(message: str) -> WrongField:
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
    """Refuse malformed JSON and say where it is malformed; slower than msgspec, and clearer."""
    try:
        # any number will do, however long: only its place can be wrong
        value = json.loads(body.decode(), parse_int=float, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be encoded
    except (ValueError, RecursionError) as error:
        raise _malformed(what, error) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _malformed(what: str, error: Exception) -> BadRequest:
    reason = str(error)
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    elif isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg.removesuffix(' at')} at character {error.pos}"
    elif isinstance(error, UnicodeDecodeError):
        reason = f"{error.reason} at byte {error.start}"
    elif isinstance(error, UnicodeEncodeError):
        reason = "half of a surrogate pair is not a character"
    return BadRequest(f"{what} is not JSON in UTF-8: {reason}.")
