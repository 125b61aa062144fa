"""From inputs to answers: find tokens, let the tagger tag them, put entities together."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UNSET

from windowclf.arrays import Floats
from windowclf.corpus.tokenizer import Token, sentences
from windowclf.model.decoder import TaggedSpan
from windowclf.tagger import WindowTagger
from windowclf_service.api.request_schemas import Input
from windowclf_service.api.schemas import (
    DisplacyEntity,
    DisplacyInput,
    Entity,
    Extent,
    LabelScore,
    TaggedInput,
    TaggedToken,
)
from windowclf_service.errors import WrongField

MOST_PROBABILITIES = 1_000_000  # of an answer, beside each token's own: about 30 MB of JSON


def tag_inputs(
    tagger: WindowTagger,
    inputs: Sequence[Input],
    *,
    entities: bool = True,
    probabilities: bool = False,
    top: int | None = None,
) -> list[TaggedInput]:
    """Tag texts, or sentences that are split into tokens already; all in one go.

    Parameters
    ----------
    inputs : sequence of str or list of str
        A text is split into sentences and tokens; a list of tokens is one sentence as it is.
    entities : bool
        Whether spans are put together from the labels of the tokens.
    probabilities : bool
        Whether the probability of every label is given.
    top : int, optional
        How many of the most probable labels are given.

    Returns
    -------
    list of TaggedInput
        One for each input, in order. `text[token.start:token.end] == token.text` for every token.

    Raises
    ------
    WrongField
        If the answer would hold more than `MOST_PROBABILITIES`.
    """
    read = [read_input(value) for value in inputs]
    words = [[token[0] for token in sentence] for _, found in read for sentence in found]
    every = probabilities or top is not None
    if every:
        _check_amount(sum(map(len, words)), len(tagger.spelled_labels), probabilities, top)
    tagged = iter(tagger.tag(words, every=every))
    answers = []
    for text, found in read:
        answer = TaggedInput(text, [], [], [] if entities else UNSET)
        for sentence in found:
            result = next(tagged)
            answer.sentences.append(Extent(sentence[0].start, sentence[-1].end))
            tokens = [
                TaggedToken(*token, label, score)
                for token, label, score in zip(sentence, result.labels, result.probabilities, strict=True)
            ]
            if every:
                assert result.every is not None
                _add_probabilities(tokens, result.every, tagger.spelled_labels, probabilities, top)
            answer.tokens += tokens
            if answer.entities is not UNSET:
                answer.entities += _entities(text, sentence, result.spans)
        answers.append(answer)
    return answers


def to_displacy(result: TaggedInput, *, by_token: bool) -> DisplacyInput:
    """Return a result in the shape that displaCy's style "ent" takes with `manual=True`.

    Parameters
    ----------
    result : TaggedInput
    by_token : bool
        Whether each token is marked, instead of the entities.
    """
    if by_token or result.entities is UNSET:
        ents = [DisplacyEntity(token.start, token.end, token.label) for token in result.tokens]
    else:
        ents = [DisplacyEntity(entity.start, entity.end, entity.entity_group) for entity in result.entities]
    return DisplacyInput(result.text, ents)


def read_input(value: Input) -> tuple[str, list[list[Token]]]:
    """Return the text of an input and its sentences, each at least a token long."""
    if isinstance(value, str):
        return value, sentences(value)
    tokens, start = [], 0
    for word in value:
        tokens.append(Token(word, start, start + len(word)))
        start += len(word) + 1
    return " ".join(value), [tokens] if tokens else []


def _check_amount(n_tokens: int, n_labels: int, probabilities: bool, top: int | None) -> None:
    n_each = probabilities * n_labels + min(top or 0, n_labels)
    if n_tokens * n_each > MOST_PROBABILITIES:
        raise WrongField(
            "/inputs",
            f"{n_tokens} tokens with {n_each} probabilities each; allowed: {MOST_PROBABILITIES} in all. "
            "Send less text at once, or ask for fewer probabilities (top).",
        )


def _add_probabilities(
    tokens: Sequence[TaggedToken],
    every: Floats,
    labels: Sequence[str],
    probabilities: bool,
    top: int | None,
) -> None:
    """Give the tokens of a sentence (T,) what is asked for of their probabilities (T, C')."""
    rows = every.tolist()
    if probabilities:
        for token, row in zip(tokens, rows, strict=True):
            token.probabilities = dict(zip(labels, row, strict=True))
    if top is not None:
        best = np.argsort(-every, axis=1, kind="stable")[:, :top].tolist()
        for token, row, columns in zip(tokens, rows, best, strict=True):
            token.top = [LabelScore(labels[column], row[column]) for column in columns]


def _entities(text: str, tokens: Sequence[Token], spans: Sequence[TaggedSpan]) -> Iterator[Entity]:
    for span in spans:
        begin, stop = tokens[span.start].start, tokens[span.end - 1].end
        yield Entity(span.kind, span.probability, text[begin:stop], begin, stop)
