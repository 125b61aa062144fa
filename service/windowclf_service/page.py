"""The page that shows what the tagger sees: a few files as they are, read once."""

import hashlib
from importlib.resources import files

from flask import Blueprint, Response, abort, request

# Only what is listed here is served, under exactly these names.
_SCRIPTS = ("page", "elements", "explanation", "models", "sharing", "service", "tagged_text")
_ASSETS = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
_ASSETS |= {f"{name}.js": "text/javascript" for name in _SCRIPTS}

_File = tuple[bytes, str, str]  # the bytes, their type, and a name for this version of them


def _read(name: str, content_type: str) -> _File:
    body = files("windowclf_service").joinpath("page", name).read_bytes()
    return body, f"{content_type}; charset=utf-8", hashlib.sha256(body).hexdigest()[:32]


_PAGE = _read("page.html", "text/html")
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
    body, content_type, etag = file
    response = Response(body, content_type=content_type)
    response.set_etag(etag)
    # asked for again at each visit, which a 304 answers: after an upgrade, old and new files never mix
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]
