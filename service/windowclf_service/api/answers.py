"""From inputs to answers: find tokens, let the tagger tag them, put entities together."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from msgspec import UNSET

from windowclf.tagger import WindowTagger
from windowclf.text.labels import Span, labels_from_spans, parse_label, spans
from windowclf.text.tokenizer import Token, sentences
from windowclf_service.schemas import Entity, Extent, TaggedInput, TaggedToken

Input = str | list[str]


def tag_inputs(tagger: WindowTagger, inputs: Sequence[Input], *, entities: bool) -> list[TaggedInput]:
    """Tag texts, or sentences that are split into tokens already; all in one go.

    Parameters
    ----------
    inputs : sequence of str or list of str
        A text is split into sentences and tokens; a list of tokens is one sentence as it is.
    entities : bool
        Whether spans are put together from the labels of the tokens.

    Returns
    -------
    list of TaggedInput
        One for each input, in order. `text[token.start:token.end] == token.text` for every token.
    """
    read = [_read(value) for value in inputs]
    tagged = iter(tagger.tag([[token.text for token in sentence] for _, found in read for sentence in found]))
    marks_spans = tagger.stored.labels.scheme is not None
    answers = []
    for text, found in read:
        answer = TaggedInput(text, [], [], [] if entities else UNSET)
        for sentence in found:
            result = next(tagged)
            answer.sentences.append(Extent(sentence[0].start, sentence[-1].end))
            answer.tokens += [
                TaggedToken(*token, label, score)
                for token, label, score in zip(sentence, result.labels, result.probabilities, strict=True)
            ]
            if answer.entities is not UNSET and marks_spans:
                answer.entities += _entities(text, sentence, result.labels, result.probabilities)
        answers.append(answer)
    return answers


def labels_of(tagger: WindowTagger) -> list[str]:
    """Return the labels that a token of an answer can have.

    Those of spans follow the scheme of the training data, which need not be the one they were learnt in.
    """
    labels = tagger.stored.labels
    if labels.scheme is None:
        return list(labels.names)
    names: set[str] = set()
    for kind in {parse_label(name)[1] for name in labels.names} - {""}:
        # one token, one token that touches it, three tokens: every prefix of every scheme comes up
        examples = [Span(0, 1, kind), Span(1, 2, kind), Span(2, 5, kind)]
        names.update(labels_from_spans(examples, 5, labels.scheme))
    return ["O", *sorted(names, key=lambda name: parse_label(name)[::-1])]


def _read(value: Input) -> tuple[str, list[list[Token]]]:
    """Return the text of an input and its sentences, each at least a token long."""
    if isinstance(value, str):
        return value, sentences(value)
    tokens, start = [], 0
    for word in value:
        tokens.append(Token(word, start, start + len(word)))
        start += len(word) + 1
    return " ".join(value), [tokens] if tokens else []


def _entities(
    text: str, tokens: Sequence[Token], labels: Sequence[str], probabilities: Sequence[float]
) -> Iterator[Entity]:
    for first, end, kind in spans(labels, ignore=None):
        begin, stop = tokens[first].start, tokens[end - 1].end
        yield Entity(kind, fmean(probabilities[first:end]), text[begin:stop], begin, stop)
