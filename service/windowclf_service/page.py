"""The page that shows what the tagger sees: a few files as they are, read once."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from flask import Blueprint, Response, abort, request

# Only what is listed here is served, under exactly these names.
_ASSETS = {
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "elements.js": "text/javascript; charset=utf-8",
    "explanation.js": "text/javascript; charset=utf-8",
    "models.js": "text/javascript; charset=utf-8",
    "sharing.js": "text/javascript; charset=utf-8",
    "service.js": "text/javascript; charset=utf-8",
    "tagged_text.js": "text/javascript; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class _File:
    """What is answered: the bytes, what they are, and the name of this version of them."""

    body: bytes
    content_type: str
    etag: str


def _read(name: str, content_type: str) -> _File:
    body = files("windowclf_service").joinpath("page", name).read_bytes()
    return _File(body, content_type, hashlib.sha256(body).hexdigest()[:32])


_PAGE = _read("page.html", "text/html; charset=utf-8")
_FILES = {name: _read(name, content_type) for name, content_type in _ASSETS.items()}

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def page() -> Response:
    """Answer the page itself."""
    return _answer(_PAGE)


@blueprint.get("/page/<asset>")
def page_asset(asset: str) -> Response:
    """Answer one of the files that the page is made of."""
    if asset not in _FILES:
        abort(404)
    return _answer(_FILES[asset])


def _answer(file: _File) -> Response:
    """Answer a file, or 304 to a browser that has it already."""
    response = Response(file.body, content_type=file.content_type)
    response.set_etag(file.etag)
    # asked for again at each visit, which a 304 answers: after an upgrade, old and new files never mix
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]
