"""Plain requests that come in together are tagged together: half of a short text's cost is in the call.

A short way beside the route of POST /v1/tag, for a server with an event loop. It takes only what nothing is
special about, and leaves whatever is wrong to the route, which knows how to say so.
"""

import asyncio
from dataclasses import dataclass

import msgspec
from werkzeug.exceptions import HTTPException

from windowclf_service.api.bodies import JSON, Environ, decode
from windowclf_service.api.request_schemas import Input, Query, TagRequest
from windowclf_service.api.requests import Options, check_inputs, resolve
from windowclf_service.api.schemas import TagAnswer
from windowclf_service.api.tagging import tag_results
from windowclf_service.config import Limits
from windowclf_service.models import Models

ROUTE = "/v1/tag"
MOST_AT_ONCE = 16  # requests, before the event loop may look at its connections again

_NO_QUERY = Query()
_decoder = msgspec.json.Decoder(TagRequest)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Waiting:
    """A request that is to be tagged with the next batch."""

    options: Options
    inputs: list[Input]
    content: asyncio.Future[bytes | None]


class Batcher:
    """Answers plain requests for one event loop.

    Parameters
    ----------
    models : Models
    limits : Limits
    """

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models = models
        self._limits = limits
        self._waiting: list[_Waiting] = []

    @staticmethod
    def takes(environ: Environ) -> bool:
        """Say whether nothing but its body says what a request wants."""
        return (
            environ["PATH_INFO"] == ROUTE
            and environ.get("CONTENT_TYPE") == JSON
            and not environ["QUERY_STRING"]
            and environ.get("HTTP_ACCEPT", JSON) in ("*/*", JSON)
            and "HTTP_CONTENT_ENCODING" not in environ
        )

    async def answer(self, body: bytes) -> bytes | None:
        """Return the content of an answer, or None for a body that is for the route to answer."""
        try:
            wanted = decode(_decoder, body)
            inputs = list(check_inputs(wanted.inputs, self._limits))
            options = resolve(wanted.parameters, _NO_QUERY, self._models)
        except HTTPException:
            return None
        loop = asyncio.get_running_loop()
        content: asyncio.Future[bytes | None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._tag_waiting)  # after all that has come in has been read
        self._waiting.append(_Waiting(options, inputs, content))
        return await content

    def _tag_waiting(self) -> None:
        batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._tag_waiting)
        alike: dict[tuple[object, ...], list[_Waiting]] = {}
        for waiting in batch:
            options = waiting.options
            key = (options.model.name, options.entities, options.probabilities, options.top)
            alike.setdefault(key, []).append(waiting)
        for group in alike.values():
            self._tag(group)

    def _tag(self, group: list[_Waiting]) -> None:
        """Tag the requests that want the same."""
        options = group[0].options
        contents: list[bytes | None]
        try:
            results = iter(tag_results(options, [value for waiting in group for value in waiting.inputs]))
            contents = [
                _encode(TagAnswer(options.model.name, [next(results) for _ in waiting.inputs]))
                for waiting in group
            ]
        except Exception:  # each is asked again by itself, and says then what is wrong
            contents = [None] * len(group)
        for waiting, content in zip(group, contents, strict=True):
            if not waiting.content.done():  # the client may have gone
                waiting.content.set_result(content)
