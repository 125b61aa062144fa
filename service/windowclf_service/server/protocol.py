"""HTTP/1.1 of one connection: uvicorn's, with a deadline and a bound for what comes before the body."""

import asyncio
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from windowclf_service.errors import problem
from windowclf_service.monitoring import telemetry

HEAD_SECONDS = 20.0  # for the request line and all headers
HEAD_BYTES = 65_536
LINGER_SECONDS = 1.0  # for a client that is refused to read why
ROUTE = "(connection)"  # what metrics and log call what never became a request


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose headers are too slow or too long, or whose answer nobody reads.

    uvicorn has a time-out for idle connections only. Bodies have theirs in the gateway.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._deadline: asyncio.TimerHandle | None = None
        self._begun = False  # a request line has begun to come
        self._in_head = True
        self._head_bytes = 0
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; there is a deadline for the first byte too."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came in, and count it until the headers are complete."""
        if self._refused:
            return  # not read would be reset, and the client would not see why it was refused
        super().data_received(data)
        if self._refused or not self._in_head or not self._begun:
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(431, f"The headers may have at most {HEAD_BYTES} bytes.")
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        """Expect headers."""
        self._begun = self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Expect the body, if there is one."""
        self._in_head = False
        self._stop_deadline()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect nothing, or the next request."""
        self._begun = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, or not HTTP that the parser takes."""
        self._refuse(400, f"This is not a request in HTTP/1.1: {msg.removesuffix('.').lower()}.")

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if the client has not read the last answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._begun:
            self._refuse(408, f"The headers were not complete within {HEAD_SECONDS:g} seconds.")
        else:
            self.transport.close()

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with an error, and close the connection when the client has had time to read it."""
        if self.transport.is_closing():
            return
        self._refused = True
        self._stop_deadline()
        if self.cycle is None or self.cycle.response_complete:  # else this would land within an answer
            request_id = uuid4().hex
            body = problem(status, detail, request_id=request_id)
            head = (
                f"content-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
                f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(STATUS_LINE[status] + head.encode() + body)
            client = self.client[0] if self.client else None
            telemetry.observe(
                ROUTE,
                "(other)",
                status,
                0.0,
                request_id,
                client=client,
                received=self._head_bytes,
                sent=len(body),
            )
        self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.close)
