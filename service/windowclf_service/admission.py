"""Requests in flight: each takes a place while it is answered, and there are only so many."""

from collections.abc import Iterator
from contextlib import ExitStack

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound, TooManyRequests

from windowclf_service.board import Board

_PLACE = "windowclf.place"  # in the environ of a request that is in flight


def install(app: Flask, board: Board, longest_body: int) -> None:
    """Count each POST to /v1 and /v2 while it is answered, or refuse it with status 429."""

    @app.before_request
    def enter() -> None:
        environ = request.environ
        path: str = environ["PATH_INFO"]
        if path.startswith("//"):  # the router would ignore slashes that others have not ignored
            raise NotFound
        if environ["REQUEST_METHOD"] != "POST" or not path.startswith(("/v1/", "/v2/")):
            return
        if not board.enter():
            # a client that still sends when its connection closes may not see why
            length: str = environ.get("CONTENT_LENGTH") or ""
            if length.isdecimal() and int(length) <= longest_body and "HTTP_EXPECT" not in environ:
                environ["wsgi.input"].read(int(length))
            raise TooManyRequests(
                "The service is answering as many requests as it takes at once.", retry_after=1
            )
        environ[_PLACE] = place = ExitStack()  # closed more than once, it gives the place back once
        place.callback(board.leave)

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if (place := request.environ.pop(_PLACE, None)) is not None:
            place.close()


def stream(blocks: Iterator[bytes], content_type: str) -> Response:
    """Return a response made while it is sent, which keeps its place until it is complete or closed."""
    place = request.environ.pop(_PLACE, None)
    if place is None:
        return Response(blocks, content_type=content_type)
    response = Response(_leave_after(blocks, place), content_type=content_type)
    response.call_on_close(place.close)  # the client may go before the end
    return response


def _leave_after(blocks: Iterator[bytes], place: ExitStack) -> Iterator[bytes]:
    with place:
        yield from blocks
