"""From inputs to answers: tag them, within limits and deadlines, or explain their labels."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from msgspec import UNSET

from windowclf.model import Extent, LabelScore, Tagged, TaggedText, describe_text, read_text
from windowclf.tagger import WindowTagger
from windowclf_service.api.requests import Input, Options, length_of
from windowclf_service.api.schemas import (
    DisplacyAnswer,
    DisplacyEntity,
    DisplacyInput,
    ExplainedInput,
    ExplainedToken,
    TagAnswer,
    WindowPart,
)
from windowclf_service.batching import Batcher, Deadline
from windowclf_service.errors import WrongField
from windowclf_service.telemetry import metrics

MOST_PROBABILITIES = 1_000_000  # of an answer, beside each token's own: about 30 MB of JSON
SHORT_CHARACTERS = 2_000  # of a request that is tagged in a few milliseconds, together with others
_SENTENCES_AT_ONCE = 256  # before the deadline is looked at again


class _Wanted(NamedTuple):
    """One request's inputs, and how to tag them."""

    options: Options
    inputs: Sequence[Input]


class Tagging:
    """Tags and explains for the threads of a process: short requests together, long ones a few at a time."""

    def __init__(self) -> None:
        self._batcher = Batcher(_tag_together)

    def results(
        self, options: Options, inputs: Sequence[Input], deadline: Deadline | None
    ) -> list[TaggedText]:
        """Tag inputs and count their tokens; one result for each."""
        if deadline is not None and sum(map(length_of, inputs)) <= SHORT_CHARACTERS:
            return self._batcher.do(_Wanted(options, inputs), deadline)
        with self._batcher.long_work(deadline):
            return _tag_and_count(options, inputs, deadline)

    def explanations(
        self, tagger: WindowTagger, inputs: Sequence[Input], top: int, deadline: Deadline
    ) -> list[ExplainedInput]:
        """Explain the labels of inputs."""
        answers = []
        with self._batcher.long_work(deadline):
            for value in inputs:
                text, found = read_text(value)
                answer = ExplainedInput(text, [], [])
                for sentence in found:
                    deadline.check()
                    answer.sentences.append(Extent(sentence[0].start, sentence[-1].end))
                    explained = tagger.explain([token.text for token in sentence])
                    for token, why in zip(sentence, explained, strict=True):
                        best = [LabelScore(*pair) for pair in why.probabilities[:top]]
                        parts = zip(why.window, why.contributions, strict=True)
                        window = [WindowPart(*part) for part in parts]
                        scores = why.score, why.empty_score
                        answer.tokens.append(
                            ExplainedToken(*token, why.label, why.learnt_as, best, window, *scores)
                        )
                answers.append(answer)
        return answers


def _tag_together(requests: Sequence[_Wanted]) -> list[list[TaggedText]]:
    """Tag the inputs of several requests, those with equal options in one go."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, (options, _) in enumerate(requests):
        key = (options.model, options.entities, options.probabilities, options.top)
        groups.setdefault(key, []).append(i)
    answers: list[list[TaggedText]] = [[] for _ in requests]
    for group in groups.values():
        inputs = [value for i in group for value in requests[i].inputs]
        results = iter(_tag_and_count(requests[group[0]].options, inputs, None))
        for i in group:
            answers[i] = [next(results) for _ in requests[i].inputs]
    return answers


def _tag_and_count(options: Options, inputs: Sequence[Input], deadline: Deadline | None) -> list[TaggedText]:
    """Tag inputs, some sentences at a time until the deadline, and count their tokens."""
    model = options.model.tagger.model
    read = [read_text(value) for value in inputs]
    words = [[token[0] for token in sentence] for _, found in read for sentence in found]
    every = options.probabilities or options.top is not None
    if every:
        n_labels = len(model.labels.output_names)
        _check_amount(sum(map(len, words)), n_labels, options.probabilities, options.top)
    tagged = _tag_in_parts(options.model.tagger, words, every, deadline)
    describe = partial(
        describe_text, entities=options.entities, probabilities=options.probabilities, top=options.top
    )
    results = [describe(model, text, found, tagged) for text, found in read]
    metrics().count_tokens(options.model.name, sum([len(result.tokens) for result in results]))
    return results


def answer_of(options: Options, results: list[TaggedText]) -> TagAnswer | DisplacyAnswer:
    """Return results in the shape that the request asks for."""
    if not options.displacy:
        return TagAnswer(options.model.name, results)
    by_token = not options.entities or options.model.tagger.model.labels.scheme is None
    return DisplacyAnswer(options.model.name, [_to_displacy(result, by_token) for result in results])


def _to_displacy(result: TaggedText, by_token: bool) -> DisplacyInput:
    """Return a result as displaCy takes it, with the entities marked, or each token."""
    if by_token or result.entities is UNSET:
        ents = [DisplacyEntity(token.start, token.end, token.label) for token in result.tokens]
    else:
        ents = [DisplacyEntity(entity.start, entity.end, entity.entity_group) for entity in result.entities]
    return DisplacyInput(result.text, ents)


def _tag_in_parts(
    tagger: WindowTagger, words: list[list[str]], every: bool, deadline: Deadline | None
) -> Iterator[Tagged]:
    for start in range(0, len(words), _SENTENCES_AT_ONCE):
        if deadline is not None:
            deadline.check()
        yield from tagger.tag(words[start : start + _SENTENCES_AT_ONCE], every=every)


def _check_amount(n_tokens: int, n_labels: int, probabilities: bool, top: int | None) -> None:
    n_each = probabilities * n_labels + min(top or 0, n_labels)
    if n_tokens * n_each > MOST_PROBABILITIES:
        raise WrongField(
            "/inputs",
            f"{n_tokens} tokens with {n_each} probabilities each; allowed: {MOST_PROBABILITIES} in all. "
            "Send less text at once, or ask for fewer probabilities (top).",
        )
