"""What a request of /v1 asks for: its body and its query together, checked against the limits."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import UNSET

from windowclf_service.api.bodies import Environ, wrong_field
from windowclf_service.api.request_schemas import Input, Parameters, Query
from windowclf_service.config import Limits
from windowclf_service.errors import WrongField
from windowclf_service.models import Models, ServedModel

_NO_QUERY = Query()
_WORDS: dict[str, Any] = {"true": True, "false": False}


class Options(msgspec.Struct, frozen=True):
    """How to tag, with every default filled in."""

    model: ServedModel
    entities: bool
    probabilities: bool
    top: int | None
    displacy: bool


def read_query(environ: Environ, models: Models) -> Query:
    """Read the query of POST /v1/tag.

    Raises
    ------
    WrongField
        If a parameter is unknown, comes twice, or has a value that is not allowed. The pointer is empty, as
        it would point into the body.
    """
    given: str = environ.get("QUERY_STRING", "")
    if not given:
        return _NO_QUERY
    found: dict[str, Any] = {}
    for name, values in parse_qs(given, keep_blank_values=True).items():
        if len(values) > 1:
            raise WrongField("", f"query: {name} is given {len(values)} times; allowed: once")
        found[name] = values[0]
    if "probabilities" in found:
        found["probabilities"] = _WORDS.get(found["probabilities"], found["probabilities"])
    if (top := found.get("top", "")).isdecimal() and top.isascii():
        found["top"] = int(top[:9])  # longer ones are too great anyway
    try:
        query = msgspec.convert(found, Query)
    except msgspec.ValidationError as error:
        wrong = wrong_field(str(error))
        raise WrongField("", f"query: {wrong.pointer[1:]}: {wrong.description}") from None
    if query.model is not UNSET:
        try:
            models.choose(query.model)
        except WrongField as wrong:
            raise WrongField("", f"query: model: {wrong.description}") from None
    return query


def resolve(parameters: Parameters, query: Query, models: Models) -> Options:
    """Return how to tag: as the body says, else as the query says, else by default."""
    model = parameters.model
    if model is UNSET:
        model = None if query.model is UNSET else query.model
    aggregation = parameters.aggregation
    if aggregation is UNSET:
        aggregation = query.aggregation
    probabilities = parameters.probabilities
    if probabilities is UNSET:
        probabilities = query.probabilities
    top = parameters.top
    if top is UNSET:
        top = None if query.top is UNSET else query.top
    return Options(
        models.choose(model),
        aggregation != "none",
        probabilities is True,
        top,
        query.format == "displacy",
    )


def check_inputs(given: str | list[Input], limits: Limits) -> Sequence[Input]:
    """Return the inputs of a request as a list.

    Raises
    ------
    WrongField
        If they are too many, one is too long, or texts are mixed with lists of tokens.
    """
    if isinstance(given, str):
        check_length(given, limits.characters, "/inputs")
        return [given]
    if len(given) > limits.inputs:
        raise WrongField("/inputs", f"{len(given)} inputs; allowed: at most {limits.inputs} a request")
    for i, value in enumerate(given):
        if type(value) is not type(given[0]):
            raise WrongField(f"/inputs/{i}", "texts and lists of tokens are mixed; allowed: one or the other")
        check_length(value, limits.characters, f"/inputs/{i}")
    return given


def check_length(value: Input, limit: int, pointer: str) -> None:
    """Refuse an input that is too long.

    Raises
    ------
    WrongField
        Points to the input.
    """
    if (length := length_of(value)) > limit:
        raise WrongField(pointer, f"{length} characters; allowed: at most {limit}")


def length_of(value: Input) -> int:
    """Return how many characters an input's text has; of tokens, with the spaces that join them."""
    if isinstance(value, str):
        return len(value)
    return sum(map(len, value)) + max(0, len(value) - 1)
