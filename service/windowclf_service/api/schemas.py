"""What goes out of /v1, as types; openapi.yaml describes their fields."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

# gc=False: an answer can have hundreds of thousands of these, and none can be part of a cycle


class Extent(msgspec.Struct, gc=False):
    """A range of an input's text: code points, end exclusive."""

    start: int
    end: int


class LabelScore(msgspec.Struct, gc=False):
    """A label and its probability."""

    label: str
    score: float


class TaggedToken(msgspec.Struct, gc=False):
    """A token, its position in the input's text, and its label."""

    text: str
    start: int
    end: int
    label: str
    score: float
    probabilities: dict[str, float] | UnsetType = UNSET
    top: list[LabelScore] | UnsetType = UNSET


class Entity(msgspec.Struct, gc=False):
    """A span of tokens, in the shape of Hugging Face's token-classification pipeline."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int


class TaggedInput(msgspec.Struct):
    """The answer to one input."""

    text: str
    sentences: list[Extent]
    tokens: list[TaggedToken]
    entities: list[Entity] | UnsetType = UNSET


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
    results: list[TaggedInput]


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
