"""What goes out of /v1, as types; the OpenAPI document is made from them too."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

# gc=False: hundreds of thousands of these make an answer, and none can be part of a cycle


class Extent(msgspec.Struct, gc=False):
    """Where a sentence stands in its input's text: code points, end exclusive."""

    start: int
    end: int


class LabelScore(msgspec.Struct, gc=False):
    """A label and its probability."""

    label: str
    score: float


class TaggedToken(msgspec.Struct, gc=False):
    """A token, where it stands in its input's text, and its label.

    Attributes
    ----------
    text : str
        `text[start:end]` of the input's text.
    start, end : int
        Code points of the input's text, end exclusive.
    label : str
        Of the most probable sequence of labels that the label scheme allows.
    score : float
        The probability of the label.
    probabilities : dict of str to float, or unset
        That of every label, where they are asked for.
    top : list of LabelScore, or unset
        The most probable labels, where they are asked for.
    """

    text: str
    start: int
    end: int
    label: str
    score: float
    probabilities: dict[str, float] | UnsetType = UNSET
    top: list[LabelScore] | UnsetType = UNSET


class Entity(msgspec.Struct, gc=False):
    """A span of tokens, in the shape of Hugging Face's token-classification pipeline.

    Attributes
    ----------
    entity_group : str
        Its kind: the label without a prefix.
    score : float
        The probability that a span of this kind begins and ends just there.
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
        In order; white space between them belongs to none.
    tokens : list of TaggedToken
        Those of all sentences, in order.
    entities : list of Entity, or unset
        Empty where the model's labels mark no spans; left out with the aggregation "none".
    """

    text: str
    sentences: list[Extent]
    tokens: list[TaggedToken]
    entities: list[Entity] | UnsetType = UNSET


class DisplacyEntity(msgspec.Struct, gc=False):
    """A stretch of text that displaCy marks: an entity, or a token where labels mark no spans."""

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
    """The answer of POST /v1/tag: the model that tagged, and a result for each input, in order."""

    model: str
    results: list[TaggedInput]


class DisplacyAnswer(msgspec.Struct):
    """The answer of POST /v1/tag?format=displacy."""

    model: str
    results: list[DisplacyInput]


class LineError(msgspec.Struct):
    """The last line of an answer in newline-delimited JSON that cannot go on.

    Attributes
    ----------
    error : str
        What was found, what is allowed.
    status : int
        What the whole request would have been answered with, had this been found at once.
    request_id : str
        What the service's log calls this request.
    line : int
        The line of the request, from 1.
    """

    error: str
    status: int
    request_id: str
    line: int


class WindowPart(msgspec.Struct, gc=False):
    """A word of a window (null: the sentence boundary), and its part in the label's score."""

    text: str | None
    contribution: float


class ExplainedToken(msgspec.Struct):
    """Why a token got its label.

    Attributes
    ----------
    text : str
        `text[start:end]` of the input's text.
    start, end : int
        Code points of the input's text, end exclusive.
    label : str
        What the model labels it.
    learnt_as : str
        The same in the label scheme that the network tells apart.
    top : list of LabelScore
        The most probable of the labels that the network tells apart.
    window : list of WindowPart
        The words around it and itself; contributions sum to `score - empty_score` (Shapley values).
    score, empty_score : float
        What the network scores the label for this window, and for a window of absent words.
    """

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
    """The explanation of one input; `text` and `sentences` as in the answer of POST /v1/tag."""

    text: str
    sentences: list[Extent]
    tokens: list[ExplainedToken]


class ExplainAnswer(msgspec.Struct):
    """The answer of POST /v1/explain: the model that is explained, and a result for each input, in order."""

    model: str
    results: list[ExplainedInput]


class ModelCard(msgspec.Struct):
    """A served model.

    Attributes
    ----------
    name : str
        The name of its directory.
    labels : list of str
        Those that a token of an answer can have.
    version : str
        The SHA-256 of its manifest; empty for a model that was never saved.
    window : int
        How many words the network looks at to label one.
    tuning : {"frozen", "tuned", "two-channel"}
        Whether training moved the pretrained vectors.
    metrics : dict
        What is recorded of its training: sentences, tokens, best epoch, score on the dev corpus, coverage.
    """

    name: str
    labels: list[str]
    version: str
    window: int
    tuning: str
    metrics: dict[str, Any]


class ModelList(msgspec.Struct):
    """The answer of GET /v1/models; the first model answers requests that name none."""

    models: list[ModelCard]
