"""What comes in at /v1, as types; the OpenAPI document is made from them too."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Word = Annotated[str, Meta(min_length=1)]
Input = str | list[Word]
Many = Annotated[int, Meta(ge=1, le=100)]


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """How to tag; what is left out is taken from the query, and else is as said here.

    Attributes
    ----------
    model : str or None
        The name of a served model; null, the default, is the first one.
    aggregation : {"none", "entities"}
        Whether entities are put together from the tokens' labels; "entities" by default.
    probabilities : bool
        Whether the probability of every label is given for each token; false by default.
    top : int or None
        How many of the most probable labels are given for each token; null, the default, for none.
    """

    model: str | UnsetType | None = UNSET
    aggregation: Literal["none", "entities"] | UnsetType = UNSET
    probabilities: bool | UnsetType = UNSET
    top: Many | UnsetType | None = UNSET


class TagRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/tag.

    Attributes
    ----------
    inputs : str, list of str, or list of list of str
        One text, several, or several sentences that are split into tokens already. A text may be empty, and
        a sentence may have no tokens; a token has at least one character, white space included.
    parameters : Parameters
    """

    inputs: str | list[Input]
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class LineRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A line of newline-delimited JSON that brings its own parameters.

    Attributes
    ----------
    inputs : str or list of str
        One text, or one sentence that is split into tokens already.
    parameters : Parameters
    """

    inputs: Input
    parameters: Parameters = msgspec.field(default_factory=Parameters)


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """The query of POST /v1/tag: the shape of the answer, and parameters that the body leaves out.

    Attributes
    ----------
    format : {"displacy"}
        Answer in the shape that displaCy draws.
    model : str
        The name of a served model.
    aggregation : {"none", "entities"}
        Whether entities are put together from the tokens' labels.
    probabilities : bool
        Whether the probability of every label is given for each token.
    top : int
        How many of the most probable labels are given for each token.
    """

    format: Literal["displacy"] | UnsetType = UNSET
    model: str | UnsetType = UNSET
    aggregation: Literal["none", "entities"] | UnsetType = UNSET
    probabilities: bool | UnsetType = UNSET
    top: Many | UnsetType = UNSET


class ExplainParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How to explain.

    Attributes
    ----------
    model : str or None
        The name of a served model; null is the first one.
    top : int
        How many of the most probable labels are given for each token.
    """

    model: str | None = None
    top: Many = 3


class ExplainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/explain.

    Attributes
    ----------
    inputs : str, list of str, or list of list of str
        As those of POST /v1/tag, of at most 10,000 characters together.
    parameters : ExplainParameters
    """

    inputs: str | list[Input]
    parameters: ExplainParameters = msgspec.field(default_factory=ExplainParameters)
