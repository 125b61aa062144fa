"""What goes out of /v1, as types; openapi.yaml describes their fields."""

from typing import Any

import msgspec

from windowclf.model import Extent, LabelScore, TaggedText

# gc=False: an answer can have hundreds of thousands of these, and none can be part of a cycle


class DisplacyEntity(msgspec.Struct, gc=False):
    """A range of text that displaCy marks: an entity, or a token where labels mark no spans."""

    start: int
    end: int
    label: str


class DisplacyInput(msgspec.Struct):
    """The answer to one input as displaCy's style "ent" takes it with `manual=True`."""

    text: str
    ents: list[DisplacyEntity]
    title: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


class TagAnswer(msgspec.Struct):
    """The answer of POST /v1/tag."""

    model: str
    results: list[TaggedText]


class DisplacyAnswer(msgspec.Struct):
    """The answer of POST /v1/tag?format=displacy."""

    model: str
    results: list[DisplacyInput]


class LineError(msgspec.Struct):
    """The last line of an answer in newline-delimited JSON that cannot go on."""

    error: str
    status: int
    request_id: str
    line: int


class WindowPart(msgspec.Struct, gc=False):
    """A word of a window (null: the sentence boundary), and its contribution to the label's score."""

    text: str | None
    contribution: float


class ExplainedToken(msgspec.Struct):
    """Why a token got its label."""

    text: str
    start: int
    end: int
    label: str
    learnt_as: str
    top: list[LabelScore]
    window: list[WindowPart]
    score: float
    empty_score: float


class ExplainedInput(msgspec.Struct):
    """The explanation of one input."""

    text: str
    sentences: list[Extent]
    tokens: list[ExplainedToken]


class ExplainAnswer(msgspec.Struct):
    """The answer of POST /v1/explain."""

    model: str
    results: list[ExplainedInput]


class ModelCard(msgspec.Struct):
    """A served model."""

    name: str
    labels: list[str]
    version: str
    window: int
    tuning: str
    metrics: dict[str, Any]


class ModelList(msgspec.Struct):
    """The answer of GET /v1/models; the first model answers requests that name none."""

    models: list[ModelCard]
