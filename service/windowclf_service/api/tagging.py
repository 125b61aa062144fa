"""Tagging as a request asks for it."""

from collections.abc import Sequence

from windowclf_service.api.answers import tag_inputs, to_displacy
from windowclf_service.api.request_schemas import Input
from windowclf_service.api.requests import Options
from windowclf_service.api.schemas import DisplacyAnswer, TagAnswer
from windowclf_service.monitoring import telemetry


def tag(options: Options, inputs: Sequence[Input]) -> TagAnswer | DisplacyAnswer:
    """Tag inputs, count their tokens, and return a result for each in the shape that is asked for."""
    tagger = options.model.tagger
    entities, probabilities, top = options.entities, options.probabilities, options.top
    results = tag_inputs(tagger, inputs, entities=entities, probabilities=probabilities, top=top)
    telemetry.count_tokens(options.model.name, sum([len(result.tokens) for result in results]))
    if not options.displacy:
        return TagAnswer(options.model.name, results)
    by_token = not options.entities or tagger.stored.labels.scheme is None
    return DisplacyAnswer(options.model.name, [to_displacy(result, by_token=by_token) for result in results])
