"""Download a file over http or https, resume what was interrupted, and verify it."""

import http
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from windowclf.corpus.fetch import Progress
from windowclf.errors import FetchError
from windowclf.files import sha256_of

_CHUNK = 1 << 16  # bytes
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?P<total>\d+|\*)")
_KEPT = "The part that arrived is kept; run the same command again to resume"


def download(
    url: str,
    target: Path,
    sha256: str,
    *,
    force: bool = False,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> None:
    """Download `url` to `target` unless it exists; parameters and errors are those of `fetch_named`.

    The bytes go to ``<target>.part``, which a later call resumes, and get their final name once their hash
    is right. The folder of `target` is made.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError("not an address to download from", found=url, allowed="http://…, https://…")
    part = target.with_name(target.name + ".part")
    try:
        if _is_there(target, sha256, force):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        by_hand = f"To install it by hand, download {url} to {target}; its sha256 must be {sha256}"
        _complete(url, part, timeout, progress or (lambda *_: None), by_hand)
        found = sha256_of(part)
        if found != sha256:
            part.unlink()
            raise FetchError(
                "the downloaded file is not the expected one",
                where=url,
                found=f"sha256 {found}",
                allowed=f"sha256 {sha256}",
                hint="It was removed. Try again; if that fails too, the file at this address has changed",
            )
        os.replace(part, target)
    except OSError as error:
        raise FetchError("cannot be read or written", where=str(target), found=str(error)) from error


def _is_there(target: Path, sha256: str, force: bool) -> bool:
    if not target.exists():
        return False
    found = sha256_of(target)
    if found == sha256:
        return True
    if force:
        return False
    raise FetchError(
        "a file of this name exists, but is not the expected one",
        where=str(target),
        found=f"sha256 {found}",
        allowed=f"sha256 {sha256}",
        hint="Move it away, or replace it with --force",
    )


def _complete(url: str, part: Path, timeout: float, progress: Progress, hint: str) -> None:
    """Download the rest of `part`, or all of it where the server sends no rest."""
    have = part.stat().st_size if part.exists() else 0
    response = _request(url, have, timeout, hint)
    if response is None:
        return
    with response:
        content_range = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT and (
            content_range is not None and content_range["start"] == str(have)
        )
        done = have if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        name = part.name.removesuffix(".part")
        with part.open("ab" if resumed else "wb") as file:
            progress(name, done, total)
            for chunk in _chunks(response, url):
                file.write(chunk)
                done += len(chunk)
                progress(name, done, total)
    if total is not None and done < total:
        raise FetchError(
            "the connection was interrupted", where=url, found=f"{done} of {total} bytes", hint=_KEPT
        )


def _request(url: str, have: int, timeout: float, hint: str) -> http.client.HTTPResponse | None:
    """Request what is missing; None if nothing is."""
    with _as_fetch_error(url, hint):
        try:
            return _open(url, have, timeout)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
                raise
            with error:
                total = _CONTENT_RANGE.fullmatch(error.headers.get("Content-Range", ""))
            if total is not None and total["total"] == str(have):
                return None  # the hash decides whether it is right
            return _open(url, 0, timeout)


def _open(url: str, start: int, timeout: float) -> http.client.HTTPResponse:
    """Request the bytes from `start` on, over http or https only, also after a redirect."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    headers = {"User-Agent": "windowclf"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    return cast(http.client.HTTPResponse, opener.open(request, timeout=timeout))


def _chunks(response: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    while True:
        with _as_fetch_error(url, _KEPT):
            chunk = response.read1(_CHUNK)
        if not chunk:
            return
        yield chunk


@contextmanager
def _as_fetch_error(url: str, hint: str) -> Iterator[None]:
    """Turn errors of the network, not of the disk, into FetchError."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        problem = f"the server refused: {error.code} {error.reason}"
        raise FetchError(problem, where=url, hint=hint) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchError("the download failed", where=url, found=str(reason), hint=hint) from error
