"""Bearer keys: where they are read from, and how a given one is compared with them."""

import hmac
import os
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from windowclf.errors import ConfigError

VARIABLE = "WINDOWCLF_KEYS"
SHORTEST_KEY = 16  # characters

_ALLOWED = f"at least {SHORTEST_KEY} visible ASCII characters, no spaces"
_HINT = "Make one with: openssl rand -hex 32"
_usable = re.compile(rf"[!-~]{{{SHORTEST_KEY},}}").fullmatch


class Keys:
    """The keys that open the service, as digests: a key is never compared with another of its own length.

    Parameters
    ----------
    keys : iterable of str
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(sha256(key.encode()).digest() for key in keys)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def open_with(self, key: bytes) -> bool:
        """Say whether a key is one of these, in a time that depends neither on it nor on which one it is."""
        digest = sha256(key).digest()
        known = False
        for own in self._digests:  # all of them, also after one that is equal
            known |= hmac.compare_digest(own, digest)
        return known


def read_keys(file: str | Path) -> tuple[str, ...]:
    """Read a file of keys: one a line; blank lines and lines that begin with # are skipped.

    Raises
    ------
    ConfigError
        If the file cannot be read, holds no key, or one that is too short or not of visible ASCII characters.
        The message names the line, never the key.
    """
    where = str(file)
    try:
        # Latin-1 takes any byte, and the check below refuses those that are not ASCII
        lines = Path(file).read_text(encoding="latin-1").split("\n")
    except OSError as error:
        raise ConfigError("the file of keys cannot be read", where=where, found=error.strerror) from error
    keys = []
    for number, line in enumerate(lines, 1):
        key = line.strip(" \t\r")
        if key and not key.startswith("#"):
            keys.append(_checked(key, where, number))
    if not keys:
        raise ConfigError("there is no key in this file", where=where, allowed="one key a line", hint=_HINT)
    return tuple(keys)


def keys_from_environment() -> tuple[str, ...]:
    """Return the keys that the environment variable WINDOWCLF_KEYS holds, separated by commas.

    Raises
    ------
    ConfigError
        If one is too short or not of visible ASCII characters, or if the variable is set and holds none: who
        sets it wants a closed service.
    """
    value = os.environ.get(VARIABLE)
    if value is None:
        return ()
    keys = tuple(_checked(part.strip(), VARIABLE) for part in value.split(",") if part.strip())
    if not keys:
        raise ConfigError(
            "there is no key in this environment variable",
            where=VARIABLE,
            allowed="keys separated by commas",
            hint="Unset it to open the service to all.",
        )
    return keys


def _checked(key: str, where: str, line: int | None = None) -> str:
    if not _usable(key):
        raise ConfigError("this key cannot be used", where=where, line=line, allowed=_ALLOWED, hint=_HINT)
    return key
