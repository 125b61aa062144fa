"""What comes in and what goes out, as types; and the reading of a body that anyone may have written."""

import re
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from werkzeug.exceptions import BadRequest

from windowclf_service.errors import WrongField

_PATH_PART = re.compile(r"\.(\w+)|\[(\d+)\]")
_NAMED_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """How to tag.

    Attributes
    ----------
    model : str or None
        The name of a served model; None is the first one.
    aggregation : {"none", "entities"}
        Whether entities are put together from the tokens' labels.
    """

    model: str | None = None
    aggregation: Literal["none", "entities"] = "entities"


class TagRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/tag.

    Attributes
    ----------
    inputs : str, list of str, or list of list of str
        One text, several, or several sentences that are split into tokens already.
    parameters : Parameters
    """

    inputs: str | list[str | list[str]]
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class Extent(msgspec.Struct):
    """Where a sentence stands in its input's text: code points, end exclusive."""

    start: int
    end: int


class TaggedToken(msgspec.Struct):
    """A token, where it stands in its input's text, its label, and the probability of that label."""

    text: str
    start: int
    end: int
    label: str
    score: float


class Entity(msgspec.Struct):
    """A span of tokens, in the shape of Hugging Face's token-classification pipeline.

    Attributes
    ----------
    entity_group : str
        Its kind: the label without a prefix.
    score : float
        The mean of the probabilities of its tokens' labels.
    word : str
        `text[start:end]`, white space between its tokens as it was written.
    start, end : int
        Code points of the input's text, end exclusive.
    """

    entity_group: str
    score: float
    word: str
    start: int
    end: int


class TaggedInput(msgspec.Struct):
    """The answer to one input.

    Attributes
    ----------
    text : str
        The input; for tokens, these joined by single spaces. All offsets point into it.
    sentences : list of Extent
    tokens : list of TaggedToken
        Those of all sentences, in order.
    entities : list of Entity, or unset
        Empty where the model's labels mark no spans; left out with the aggregation "none".
    """

    text: str
    sentences: list[Extent]
    tokens: list[TaggedToken]
    entities: list[Entity] | UnsetType = UNSET


class TagAnswer(msgspec.Struct):
    """The answer of POST /v1/tag: the model that tagged, and a result for each input, in order."""

    model: str
    results: list[TaggedInput]


_DECODER = msgspec.json.Decoder(TagRequest)


def read_tag_request(body: bytes, *, max_inputs: int) -> TagRequest:
    """Read the body of POST /v1/tag.

    Raises
    ------
    BadRequest
        If it is not JSON in UTF-8. This comes first: a body that is cut short after a wrong field is
        malformed. A lone surrogate is malformed too: there is no such character, and no UTF-8 for it.
    WrongField
        If a field is missing, unknown, of a wrong type or too long, or if texts are mixed with
        lists of tokens.
    """
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        _check_json(body)
        raise _wrong_field(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise _malformed(body, error) from None
    if isinstance(request.inputs, str):
        return request
    if len(request.inputs) > max_inputs:
        raise WrongField("/inputs", f"{len(request.inputs)} inputs; allowed: at most {max_inputs} a request")
    for i, value in enumerate(request.inputs):
        if type(value) is not type(request.inputs[0]):
            raise WrongField(f"/inputs/{i}", "texts and lists of tokens are mixed; allowed: one or the other")
    return request


def _check_json(body: bytes) -> None:
    """Refuse what is not JSON at all."""
    try:
        msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise _malformed(body, error) from None


def _malformed(body: bytes, error: Exception) -> BadRequest:
    hint = " Is there half a surrogate pair in it?" if _SURROGATE.search(body) else ""
    return BadRequest(f"The body is not JSON in UTF-8: {error}.{hint}")


def _wrong_field(message: str) -> WrongField:
    """Take msgspec's message apart: "Expected `str`, got `int` - at `$.inputs[0]`"."""
    problem, found, path = message.rpartition(" - at `$")
    if not found:
        problem, path = message, ""
    parts = [name or index for name, index in _PATH_PART.findall(path)]
    if named := _NAMED_FIELD.fullmatch(problem):
        parts.append(named[1].replace("~", "~0").replace("/", "~1"))
    return WrongField("".join(f"/{part}" for part in parts), problem)
