"""The door of the service: bodies are read here, with a deadline and a bound, before anything works on them.

An ASGI application before a WSGI one. A client that sends slowly holds a connection and the bytes it has
sent, never a thread and never a place among the requests in flight. What is small is answered on the event
loop, which saves it two changes of thread; what may take long goes to a few threads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter
from typing import Any

from windowclf_service.api.batches import ROUTE as BATCHED_ROUTE
from windowclf_service.api.batches import Batcher
from windowclf_service.api.bodies import JSON
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.errors import PROBLEM_TYPE, problem
from windowclf_service.monitoring import telemetry
from windowclf_service.security import Guard
from windowclf_service.server.wsgi import Environ, Reply, Scope, WSGIApplication, as_bytes, call, environ_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

N_THREADS = 4  # a process; they share one interpreter lock, so more of them would only share it further
INLINE_BYTES = 2_000  # of a body that is worked on in a few milliseconds
_BUFFERED_BODIES = 64  # of the greatest size, that one process holds while they come in
_DISCARD_SECONDS = 1.0
_STREAM = "application/x-ndjson"
_NEVER_INLINE = "/v1/explain"  # scores dozens of windows for every word
ROUTE = "(gateway)"  # what the metrics call a request that did not get further


class RefusedError(Exception):
    """A request that goes no further, and the status that says so."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class Gateway:
    """An ASGI application that stands before the service's WSGI application.

    Parameters
    ----------
    app : WSGI application
        Finds in its environ `windowclf.started` (of `time.perf_counter`), `windowclf.request_id`, and
        `windowclf.admitted`: that the request is counted on the board.
    board : Board
    config : ServiceConfig
    batcher : Batcher, optional
        Answers plain requests instead of the application, as it would.
    """

    def __init__(
        self, app: WSGIApplication, board: Board, config: ServiceConfig, batcher: Batcher | None = None
    ) -> None:
        self.app = app
        self.batcher = batcher
        self.board = board
        self.limits = config.limits
        self.guard = Guard(config)
        self.threads = ThreadPoolExecutor(N_THREADS, thread_name_prefix="windowclf")
        self._buffered = 0  # bytes of bodies that are still coming in
        self._most_buffered = max(_BUFFERED_BODIES * self.limits.body_bytes, 2 * self.limits.stream_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        environ = environ_of(scope)
        environ["windowclf.started"] = started
        request_id = environ["windowclf.request_id"] = telemetry.request_id_of(environ)
        deadline = asyncio.get_running_loop().time() + self.limits.timeout
        body = b""
        try:
            if self.guard.refusal(environ):
                reply = call(self.app, environ, b"")  # it says why; the body is not waited for
            else:
                if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
                    body = await self._read(environ, receive, deadline)
                reply = await self._answer(environ, body, deadline)
        except ClientGoneError:
            return
        except RefusedError as refusal:
            reply = self._refuse(environ, refusal.status, str(refusal), len(body))
        except Exception:
            logging.getLogger(__name__).exception("request %s", request_id)
            reply = self._refuse(environ, 500, "The service failed; its log says more.", len(body))
        await self._send(reply, receive, send)

    async def _read(self, environ: Environ, receive: Receive, deadline: float) -> bytes:
        """Read the whole body, or refuse one that is too long or too slow."""
        limits = self.limits
        streams = environ.get("CONTENT_TYPE", "").lower().startswith(_STREAM)
        limit = limits.stream_bytes if streams else limits.body_bytes
        declared = environ.get("CONTENT_LENGTH", "")
        if declared.isdecimal() and int(declared) > limit:
            if "HTTP_EXPECT" not in environ:  # a client that asks before it sends need not send at all
                await _discard(receive)
            raise RefusedError(413, f"The body may have at most {limit} bytes.")
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGoneError
                    chunk = message["body"]
                    chunks.append(chunk)
                    size += len(chunk)
                    self._buffered += len(chunk)
                    if size > limit:
                        await _discard(receive)
                        raise RefusedError(413, f"The body may have at most {limit} bytes.")
                    if not message["more_body"]:
                        return b"".join(chunks)
                    if self._buffered > self._most_buffered:
                        raise RefusedError(429, "Too many long requests are coming in at once.")
        except TimeoutError:
            raise RefusedError(
                408, f"Only {size} bytes of the body came within {limits.timeout:g} seconds."
            ) from None
        finally:
            self._buffered -= size

    async def _answer(self, environ: Environ, body: bytes, deadline: float) -> Reply:
        """Let the application answer, on the event loop or in a thread."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not path.startswith(("/v1/", "/v2/")):
            return call(self.app, environ, body)
        if not self.board.enter():
            raise RefusedError(429, "As many requests as the service takes at once are being answered.")
        environ["windowclf.admitted"] = True
        if len(body) <= INLINE_BYTES and path != _NEVER_INLINE:
            try:
                return await self._answer_here(environ, body)
            finally:
                self.board.leave()
        working = self.threads.submit(self._call_and_leave, environ, body)
        answered = asyncio.wrap_future(working)
        await asyncio.wait([answered], timeout=deadline - asyncio.get_running_loop().time())
        if not answered.done():
            if working.cancel():  # it has not begun; else the thread gives its place back when it ends
                self.board.leave()
            raise RefusedError(503, f"There was no answer within {self.limits.timeout:g} seconds.")
        return answered.result()

    async def _answer_here(self, environ: Environ, body: bytes) -> Reply:
        """Answer on the event loop, once all requests that have come in are counted."""
        if self.batcher is None or not self.batcher.takes(environ):
            await asyncio.sleep(0)
        elif (content := await self.batcher.answer(body)) is not None:
            return self._reply(environ, 200, JSON, content, len(body), BATCHED_ROUTE)
        return call(self.app, environ, body)

    def _call_and_leave(self, environ: Environ, body: bytes) -> Reply:
        try:
            return call(self.app, environ, body)
        finally:
            self.board.leave()

    def _refuse(self, environ: Environ, status: int, detail: str, received: int) -> Reply:
        """Make the answer to a request that goes no further."""
        body = problem(status, detail, request_id=environ["windowclf.request_id"])
        reply = self._reply(environ, status, PROBLEM_TYPE, body, received, ROUTE)
        if status in (429, 503):
            reply.headers.append((b"retry-after", b"1"))
        if status in (408, 413):
            reply.headers.append((b"connection", b"close"))  # the rest of the body is not waited for
        return reply

    def _reply(
        self, environ: Environ, status: int, media_type: str, body: bytes, received: int, route: str
    ) -> Reply:
        """Make an answer, with the headers that the application would give it; count it and log it."""
        request_id = environ["windowclf.request_id"]
        telemetry.observe(
            route,
            environ["REQUEST_METHOD"],
            status,
            perf_counter() - environ["windowclf.started"],
            request_id,
            client=environ.get("REMOTE_ADDR"),
            received=received,
            sent=len(body),
            path=environ["PATH_INFO"],
        )
        headers = [
            ("Content-Type", media_type),
            ("Content-Length", str(len(body))),
            ("X-Request-ID", request_id),
            *self.guard.headers_for(environ, media_type),
        ]
        return Reply(status, as_bytes(headers), body)

    async def _send(self, reply: Reply, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        if reply.blocks is None:
            await send({"type": "http.response.body", "body": reply.body})
            return
        loop = asyncio.get_running_loop()
        # All of the body has been read: what comes yet is that the client is gone.
        gone = asyncio.ensure_future(receive())
        try:
            while not gone.done():
                block = await loop.run_in_executor(self.threads, next, reply.blocks, None)
                if block is None:
                    await send({"type": "http.response.body", "body": b""})
                    return
                await send({"type": "http.response.body", "body": block, "more_body": True})
        finally:
            gone.cancel()
            await loop.run_in_executor(self.threads, reply.close)


async def _discard(receive: Receive) -> None:
    """Read on for a moment: a client still sending when its connection closes may not see why."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            while (await receive()).get("more_body"):
                pass
