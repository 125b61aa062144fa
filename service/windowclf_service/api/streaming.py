"""Newline-delimited JSON: long lists of inputs, answered block by block."""

import io
from collections.abc import Iterator
from itertools import groupby, islice
from logging import Logger

import msgspec
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError

from windowclf_service.api.bodies import decode
from windowclf_service.api.request_schemas import Input, LineRequest, Parameters, Query, Word
from windowclf_service.api.requests import Options, check_length, resolve
from windowclf_service.api.schemas import LineError
from windowclf_service.api.tagging import tag
from windowclf_service.config import Limits
from windowclf_service.errors import describe
from windowclf_service.models import Models

LINES_AT_ONCE = 64

_Line = tuple[Input, Options]
_DECODER: msgspec.json.Decoder[str | list[str] | LineRequest] = msgspec.json.Decoder(
    str | list[Word] | LineRequest
)
_BARE = Parameters()
_encode_lines = msgspec.json.Encoder().encode_lines


class TagStream:
    """The answer to a request in newline-delimited JSON, as an iterator over blocks of lines.

    It needs no request context, and may go on in another thread than the one that it began in.

    Parameters
    ----------
    body : bytes
        In each line an input, or an object of `inputs` and `parameters`; lines of white space are passed
        over.
    models : Models
    query : Query
        What lines do not say themselves.
    limits : Limits
    request_id : str
    logger : Logger
        Where unforeseen exceptions go.
    """

    def __init__(
        self, body: bytes, models: Models, query: Query, limits: Limits, request_id: str, logger: Logger
    ) -> None:
        self._models = models
        self._query = query
        self._limits = limits
        self._request_id = request_id
        self._logger = logger
        self._lines = ((n, line) for n, line in enumerate(io.BytesIO(body), 1) if not line.isspace())

    def __iter__(self) -> Iterator[bytes]:
        """Yield the answers to the lines, in order, up to `LINES_AT_ONCE` at a time.

        Raises
        ------
        HTTPException
            If the first block has a fault, or there is none. A later fault is the last line that is yielded.
        """
        is_first = True
        while block := list(islice(self._lines, LINES_AT_ONCE)):
            answers, number, fault = self._answer(block)
            if fault is not None:
                if is_first:
                    fault.description = f"line {number}: {describe(fault)}"
                    raise fault
                answers.append(LineError(describe(fault), fault.code or 500, self._request_id, number))
            yield _encode_lines(answers)
            if fault is not None:
                return
            is_first = False
        if is_first:
            raise BadRequest("There is no line in the body.")

    def _answer(self, block: list[tuple[int, bytes]]) -> tuple[list[object], int, HTTPException | None]:
        """Return the answers to the lines before a fault, and the fault and its line if there is one."""
        lines: list[_Line] = []
        fault: HTTPException | None = None
        try:
            for _, line in block:
                lines.append(self._read(line))
        except HTTPException as error:
            fault = error
        answers: list[object] = []
        try:
            # neighbours that want the same are tagged at once
            for options, group in groupby(lines, key=lambda line: line[1]):
                answers += tag(options, [value for value, _ in group]).results
        except HTTPException as error:
            return [], block[0][0], error
        except Exception as error:
            self._logger.error("request %s failed", self._request_id, exc_info=error)
            return [], block[0][0], InternalServerError()
        return answers, block[min(len(lines), len(block) - 1)][0], fault

    def _read(self, line: bytes) -> _Line:
        """Read a line; pointers of its errors point into the line's own value."""
        value = decode(_DECODER, line, what="It")
        if isinstance(value, LineRequest):
            check_length(value.inputs, self._limits.characters, "/inputs")
            return value.inputs, resolve(value.parameters, self._query, self._models)
        check_length(value, self._limits.characters, "")
        return value, resolve(_BARE, self._query, self._models)
