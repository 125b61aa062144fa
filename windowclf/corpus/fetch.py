"""Fetch a corpus of the catalogue."""

import http
import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from windowclf.corpus.catalog import CorpusEntry, catalog, corpus_dir
from windowclf.errors import DataError, FetchError, did_you_mean
from windowclf.files import sha256_of

Progress = Callable[[str, int, int | None], None]


def fetchable(name: str) -> CorpusEntry:
    """Return the corpus of the catalogue that `fetch_named` fetches.

    Raises
    ------
    DataError
        If there is none; the message names those there are, or how to have vectors of this name.
    """
    entries = {entry.name: entry for entry in catalog().corpora}
    if name in entries:
        return entries[name]
    for vectors in catalog().vectors:
        if vectors.name == name:
            raise DataError("these vectors come in another way", found=name, hint=vectors.obtain)
    raise DataError(
        "no corpus of this name",
        found=name,
        allowed=", ".join(entries),
        hint=did_you_mean(name, entries, cutoff=0.4),
    )


def fetch_named(
    name: str,
    *,
    target_dir: Path | None = None,
    cache_dir: Path | None = None,
    base_url: str | None = None,
    force: bool = False,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> list[Path]:
    """Download the files of a corpus that are not there yet, and verify each.

    A download that broke off is resumed; a file gets its final name only once its hash is right.

    Parameters
    ----------
    name : str
        A corpus of the catalogue.
    target_dir : Path, optional
        Where to; by default `corpus_dir`.
    cache_dir : Path, optional
        As in `cache_root`, where `target_dir` is not given.
    base_url : str, optional
        A mirror: the address of a folder that holds the files under their names.
    force : bool
        Whether to replace files that are there but have another hash.
    timeout : float
        Seconds without a byte after which to give up.
    progress : callable, optional
        Called with a file's name, its bytes so far, and its bytes in all where known.

    Returns
    -------
    list of Path
        The files, in the order train, dev, test.

    Raises
    ------
    DataError
        As `fetchable`.
    FetchError
        If a file cannot be had, or is not the expected one.
    """
    entry = fetchable(name)
    folder = corpus_dir(entry.name, cache_dir=cache_dir) if target_dir is None else target_dir
    paths = []
    for file in entry.files:
        path = folder / file.name
        url = file.url if base_url is None else f"{base_url.rstrip('/')}/{urllib.parse.quote(file.name)}"
        download(url, path, file.sha256, force=force, timeout=timeout, progress=progress)
        paths.append(path)
    return paths


_CHUNK = 1 << 16  # bytes
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?P<total>\d+|\*)")
_KEPT = "What came is kept; the same command again continues there"


def download(
    url: str,
    target: Path,
    sha256: str,
    *,
    force: bool = False,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> None:
    """Download `url` to `target` unless it is there already.

    The bytes go to ``<target>.part``, which a later call resumes, and under the final name only once
    their hash is right.

    Parameters
    ----------
    url : str
        http or https.
    target : Path
        The file; its folder is made.
    sha256 : str
        Expected hash, hexadecimal.
    force : bool
        Whether to replace a `target` of another hash.
    timeout : float
        Seconds without a byte after which to give up.
    progress : callable, optional
        Called with the file's name, the bytes so far, and the bytes in all where the server says.

    Raises
    ------
    FetchError
        If there is no connection, no such file, too few bytes, or another hash.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError("not an address to download from", found=url, allowed="http://…, https://…")
    part = target.with_name(target.name + ".part")
    try:
        if _is_there(target, sha256, force):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _complete(url, part, timeout, progress or _ignore, _by_hand(url, target, sha256))
        found = sha256_of(part)
        if found != sha256:
            part.unlink()
            raise FetchError(
                "the downloaded file is not the expected one",
                where=url,
                found=f"sha256 {found}",
                allowed=f"sha256 {sha256}",
                hint="It was removed. Try again; if that does not help, the file at the address has changed",
            )
        os.replace(part, target)
    except OSError as error:
        raise FetchError("cannot be read or written", where=str(target), found=str(error)) from error


def _ignore(name: str, done: int, total: int | None) -> None:
    """Stand in for a caller who does not watch."""


def _is_there(target: Path, sha256: str, force: bool) -> bool:
    if not target.exists():
        return False
    found = sha256_of(target)
    if found == sha256:
        return True
    if force:
        return False
    raise FetchError(
        "a file of this name is there, but it is not the expected one",
        where=str(target),
        found=f"sha256 {found}",
        allowed=f"sha256 {sha256}",
        hint="Move it away, or replace it with force",
    )


def _by_hand(url: str, target: Path, sha256: str) -> str:
    return f"To place it by hand, download {url} to {target}; its sha256 must be {sha256}"


def _complete(url: str, part: Path, timeout: float, progress: Progress, hint: str) -> None:
    """Bring `part` to its full length: by the rest of it, or all of it where the rest cannot be had."""
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
        raise FetchError("the connection broke off", where=url, found=f"{done} of {total} bytes", hint=_KEPT)


def _request(url: str, have: int, timeout: float, hint: str) -> http.client.HTTPResponse | None:
    """Ask for what is missing; None where nothing is."""
    with _as_fetch_error(url, hint):
        try:
            return _open(url, have, timeout)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
                raise
            with error:
                total = _CONTENT_RANGE.fullmatch(error.headers.get("Content-Range", ""))
            if total is not None and total["total"] == str(have):
                return None  # the hash will tell whether it is right
            return _open(url, 0, timeout)


def _open(url: str, start: int, timeout: float) -> http.client.HTTPResponse:
    """Ask for the bytes from `start` on. Only http and https, wherever the server redirects to."""
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
    """Turn errors of the network into FetchError; those of the disk never pass through here."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        problem = f"the server refused: {error.code} {error.reason}"
        raise FetchError(problem, where=url, hint=hint) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchError("the download failed", where=url, found=str(reason), hint=hint) from error
