"""A place among the requests in flight, for every request that works."""

from collections.abc import Iterator

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound, TooManyRequests

from windowclf_service.board import Board

_HELD = "windowclf.held"  # in the environ: this application has taken a place and must give it back


def install(app: Flask, board: Board) -> None:
    """Let a POST to /v1 or /v2 take a place and give it back, or be told to come again: status 429.

    A gateway that has taken the place already says so in the environ: `windowclf.admitted`.
    """

    @app.before_request
    def enter() -> None:
        environ = request.environ
        path: str = environ["PATH_INFO"]
        if path.startswith("//"):  # the router would pass over slashes that others have not
            raise NotFound
        if environ["REQUEST_METHOD"] != "POST" or "windowclf.admitted" in environ:
            return
        if not path.startswith(("/v1/", "/v2/")):
            return
        if not board.enter():
            raise TooManyRequests(
                "As many requests as the service takes at once are being answered.", retry_after=1
            )
        environ[_HELD] = _Place(board)

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if (place := request.environ.pop(_HELD, None)) is not None:
            place.leave()


def stream(blocks: Iterator[bytes], content_type: str) -> Response:
    """Return an answer that is made as it is sent, and keeps its place until it is complete or closed."""
    place = request.environ.pop(_HELD, None)
    if place is None:
        return Response(blocks, content_type=content_type)
    response = Response(_leave_after(blocks, place), content_type=content_type)
    response.call_on_close(place.leave)  # where the client goes before the end
    return response


class _Place:
    """A place among the requests in flight, which is given back once."""

    def __init__(self, board: Board) -> None:
        self._board: Board | None = board

    def leave(self) -> None:
        board, self._board = self._board, None
        if board is not None:
            board.leave()


def _leave_after(blocks: Iterator[bytes], place: _Place) -> Iterator[bytes]:
    try:
        yield from blocks
    finally:
        place.leave()
