"""Applications that benchmarks serve beside `windowclf serve`: factories for a server's command line."""

import json
import os
import random
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request

from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig


def idle() -> Flask:
    """Return an application that reads the body and does nothing."""
    app = Flask("idle", static_folder=None)

    @app.post("/v1/tag")
    def nothing() -> Response:
        request.get_data(cache=False)
        return Response(b'{"ok":true}', content_type="application/json")

    return app


def spacy_tokens() -> Flask:
    """Return an application that finds tokens and sentences with spaCy, and answers with the tokens."""
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    app = Flask("spacy", static_folder=None)

    @app.post("/v1/tag")
    def tag() -> Response:
        inputs = json.loads(request.get_data(cache=False))["inputs"]
        results = [
            {
                "text": doc.text,
                "tokens": [{"text": t.text, "start": t.idx, "end": t.idx + len(t)} for t in doc],
            }
            for doc in pipeline.pipe([inputs] if isinstance(inputs, str) else inputs)
        ]
        return Response(json.dumps({"results": results}), content_type="application/json")

    return app


def service() -> Flask:
    """Return the service's application over the model that MODEL names."""
    return create_app(ServiceConfig(models=(os.environ["MODEL"],)))


def service_asgi() -> Any:
    """Return the same for ASGI servers."""
    from a2wsgi import WSGIMiddleware

    return WSGIMiddleware(service(), workers=16)


def leaking() -> Callable[..., Iterable[bytes]]:
    """Return the service's application, made to keep LEAKED_BYTES bytes of every request."""
    app = create_app(ServiceConfig(models=(os.environ["MODEL"],), access_log=False))
    n_bytes = int(os.environ["LEAKED_BYTES"])
    kept: list[bytes] = []

    def leak(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        kept.append(random.randbytes(n_bytes))
        return app(environ, start_response)

    return leak
