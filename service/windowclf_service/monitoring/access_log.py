"""The access log: one line of JSON on standard error for every request."""

import os
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

_STANDARD_ERROR = 2
# A line stays below 4,096 bytes: a pipe takes that much at once or not at all, whoever else writes to it.
_LONGEST_PATH = 500  # characters, of up to six bytes each


class AccessLine(msgspec.Struct):
    """What is told of a request; nothing of its body, its query or its key.

    Attributes
    ----------
    time : datetime
        When it was answered, in UTC.
    level : {"info", "warning", "error"}
        By the status: below 400, below 500, or not.
    request_id : str
    client : str or None
        The address that the request came from.
    method : str
    path : str or None
        Without the query; cut at 500 characters.
    route : str
        The pattern that the path fits.
    status : int
    seconds : float
        From the first byte of the request to the end of its answer.
    received, sent : int
        Bytes of the bodies.
    """

    time: datetime
    level: str
    request_id: str
    client: str | None
    method: str
    path: str | None
    route: str
    status: int
    seconds: float
    received: int
    sent: int


_encode = msgspec.json.Encoder().encode


def write_line(
    route: str,
    method: str,
    status: int,
    seconds: float,
    request_id: str,
    *,
    client: str | None,
    path: str | None,
    received: int,
    sent: int,
) -> None:
    """Write the line of a request.

    It goes out in one call to the system, so that lines of several processes do not mix.
    """
    level = "info" if status < 400 else "warning" if status < 500 else "error"
    if path is not None and len(path) > _LONGEST_PATH:
        path = path[: _LONGEST_PATH - 1] + "…"
    line = AccessLine(
        datetime.now(UTC),
        level,
        request_id,
        client,
        method[:32],
        path,
        route,
        status,
        round(seconds, 6),
        received,
        sent,
    )
    # whoever read the log has gone: the requests must still be answered
    with suppress(OSError):
        os.write(_STANDARD_ERROR, _encode(line) + b"\n")
