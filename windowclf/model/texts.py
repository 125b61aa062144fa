"""Raw text to tagged text: sentences, tokens with character offsets, and entities.

T tokens of a sentence, L labels.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from windowclf.arrays import Floats
from windowclf.corpus import Token, sentences
from windowclf.model.decoder import Tagged
from windowclf.model.trained import TrainedModel

# gc=False: an answer holds hundreds of thousands of these, and none can be part of a cycle


class Extent(msgspec.Struct, gc=False):
    """The place of a sentence in its text: code points, end exclusive."""

    start: int
    end: int


class LabelScore(msgspec.Struct, gc=False):
    """A label and its probability."""

    label: str
    score: float


class TaggedToken(msgspec.Struct, gc=False):
    """A token, its place in its text, and its label."""

    text: str  #: `text[start:end]` of the whole text
    start: int  #: code points of the text
    end: int  #: exclusive
    label: str  #: of the best tag sequence that the label scheme allows
    score: float  #: the probability of the label
    probabilities: dict[str, float] | UnsetType = UNSET  #: of every label, if requested
    top: list[LabelScore] | UnsetType = UNSET  #: the most probable labels, if requested


class Entity(msgspec.Struct, gc=False):
    """A span of tokens, in the shape of Hugging Face's token-classification pipeline."""

    entity_group: str  # its type: the label without a prefix
    score: float  # the probability that an entity of this type has exactly these bounds
    word: str  # `text[start:end]` of the whole text in code points, with white space as written
    start: int
    end: int


class TaggedText(msgspec.Struct):
    """A text with what a model finds in it; all offsets point into `text`."""

    text: str  #: of a list of tokens, these joined by single spaces
    sentences: list[Extent]  #: in order; white space between them belongs to none
    tokens: list[TaggedToken]  #: of all sentences, in order
    entities: list[Entity] | UnsetType = UNSET  #: empty where labels mark no spans; unset if not requested


def tag_texts(model: TrainedModel, texts: Sequence[str | Sequence[str]]) -> list[TaggedText]:
    """Tag raw texts, or sentences that are already split into tokens; return one result for each."""
    read = [read_text(text) for text in texts]
    tagged = iter(model.tag([[token.text for token in s] for _, found in read for s in found]))
    return [describe_text(model, text, found, tagged) for text, found in read]


def read_text(text: str | Sequence[str]) -> tuple[str, list[list[Token]]]:
    """Return the text and its sentences, each at least a token long; a list of tokens is one sentence."""
    if isinstance(text, str):
        return text, sentences(text)
    tokens, start = [], 0
    for word in text:
        tokens.append(Token(word, start, start + len(word)))
        start += len(word) + 1
    return " ".join(text), [tokens] if tokens else []


def describe_text(
    model: TrainedModel,
    text: str,
    found: Sequence[Sequence[Token]],
    tagged: Iterator[Tagged],
    *,
    entities: bool = True,
    probabilities: bool = False,
    top: int | None = None,
) -> TaggedText:
    """Put a text and its sentences, as `read_text` returns them, together with their labels.

    `tagged` yields what `model.tag` returns for the sentences; as many are taken as there are. Each token
    gets the probability of every label (`probabilities`) and the `top` most probable labels; both need
    `Tagged.every`.
    """
    answer = TaggedText(text, [], [], [] if entities else UNSET)
    for sentence in found:
        result = next(tagged)
        answer.sentences.append(Extent(sentence[0].start, sentence[-1].end))
        tokens = [
            TaggedToken(*token, label, score)
            for token, label, score in zip(sentence, result.labels, result.probabilities, strict=True)
        ]
        if probabilities or top is not None:
            assert result.every is not None
            _add_probabilities(tokens, result.every, model.labels.output_names, probabilities, top)
        answer.tokens += tokens
        if answer.entities is not UNSET:
            for span in result.spans:
                begin, stop = sentence[span.start].start, sentence[span.end - 1].end
                answer.entities.append(Entity(span.kind, span.probability, text[begin:stop], begin, stop))
    return answer


def _add_probabilities(
    tokens: Sequence[TaggedToken], every: Floats, labels: Sequence[str], probabilities: bool, top: int | None
) -> None:
    """Give the tokens of a sentence their probabilities, from those of all labels (T, L)."""
    rows = every.tolist()
    if probabilities:
        for token, row in zip(tokens, rows, strict=True):
            token.probabilities = dict(zip(labels, row, strict=True))
    if top is not None:
        best = np.argsort(-every, axis=1, kind="stable")[:, :top].tolist()
        for token, row, columns in zip(tokens, rows, best, strict=True):
            token.top = [LabelScore(labels[column], row[column]) for column in columns]
