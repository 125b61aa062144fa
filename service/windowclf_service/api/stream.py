"""Newline-delimited JSON: any number of inputs, answered block by block."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from logging import Logger

import msgspec
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError

from windowclf_service.api.requests import (
    Input,
    LineRequest,
    Options,
    Parameters,
    Query,
    Word,
    check_length,
    decode,
    resolve,
)
from windowclf_service.api.schemas import LineError
from windowclf_service.api.tag import Tagging, answer_of
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


@dataclass(eq=False)
class TagStream:
    """The answer to a request in newline-delimited JSON, as an iterator over blocks of lines.

    It needs no request context. A server stops to iterate when the client has gone.
    """

    body: bytes
    models: Models
    tagging: Tagging
    query: Query
    limits: Limits
    request_id: str
    logger: Logger

    def __iter__(self) -> Iterator[bytes]:
        """Yield the answers to the lines, in order, up to `LINES_AT_ONCE` at a time."""
        is_first = True
        lines = ((n, line) for n, line in enumerate(io.BytesIO(self.body), 1) if not line.isspace())
        while block := list(islice(lines, LINES_AT_ONCE)):
            answers, number, fault = self._answer(block)
            if fault is not None:
                if is_first:
                    fault.description = f"line {number}: {describe(fault)}"
                    raise fault
                answers.append(LineError(describe(fault), fault.code or 500, self.request_id, number))
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
            # neighbours with equal options are tagged together
            for options, group in groupby(lines, key=lambda line: line[1]):
                results = self.tagging.results(options, [value for value, _ in group], None)
                answers += answer_of(options, results).results
        except HTTPException as error:
            return [], block[0][0], error
        except Exception as error:
            self.logger.error("request %s failed", self.request_id, exc_info=error)
            return [], block[0][0], InternalServerError()
        return answers, block[min(len(lines), len(block) - 1)][0], fault

    def _read(self, line: bytes) -> _Line:
        """Read a line; the pointers of its errors point into the value of the line."""
        value = decode(_DECODER, line, what="It")
        if isinstance(value, LineRequest):
            check_length(value.inputs, self.limits.characters, "/inputs")
            return value.inputs, resolve(value.parameters, self.query, self.models)
        check_length(value, self.limits.characters, "")
        return value, resolve(_BARE, self.query, self.models)
