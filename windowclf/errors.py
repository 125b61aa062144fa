"""The errors of windowclf: each says where, what was found, what is allowed and what to do."""

from collections.abc import Iterable


class WindowClfError(Exception):
    """Any fault in what a user gave: text, configuration, model files, arguments.

    `problem` is one clause, without a full stop; `where` the file, field or argument concerned, with `line`
    from 1; `found` the offending value, shown shortened; `allowed` what would have been accepted; `hint` what
    the user can do next.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str | None = None,
        line: int | None = None,
        found: object = None,
        allowed: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.where = where
        self.line = line
        self.found = found
        self.allowed = allowed
        self.hint = hint
        place = (where or "") + ("" if line is None else f":{line}")
        message = f"{place}: {problem}" if place else problem
        if found is not None:
            message += f"; found {shorten(found)}"
        if allowed is not None:
            message += f"; allowed: {allowed}"
        if hint is not None:
            message += f". {hint}"
        super().__init__(message)


class ConfigError(WindowClfError):
    """A configuration value, key or file is not usable."""


class DataError(WindowClfError):
    """A corpus, a sentence or its labels are not usable."""


class VectorsError(WindowClfError):
    """A set of pretrained vectors is missing or malformed."""


class ModelFileError(WindowClfError):
    """A model directory is missing, damaged, or of another format version."""


class ShapeError(WindowClfError):
    """An array's shape or dtype does not fit the operation or the model."""


class TrainingError(WindowClfError):
    """Training cannot go on: a loss that is not finite, or nothing to train on."""


class FetchError(WindowClfError):
    """A download failed or did not have the expected hash."""


def shorten(value: object, limit: int = 80) -> str:
    """Return `repr(value)` cut to `limit` characters, control characters escaped."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(given: str, known: Iterable[str], *, cutoff: float) -> str | None:
    """Return a hint at the known name whose difflib ratio is highest; None if none reaches `cutoff`."""
    import difflib  # here: what goes well need not wait for it

    nearest = difflib.get_close_matches(given, list(known), n=1, cutoff=cutoff)
    return f"Did you mean {nearest[0]!r}?" if nearest else None
