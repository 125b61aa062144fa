"""Tagging as a request asks for it."""

from collections.abc import Sequence

from windowclf_service.api.answers import tag_inputs, to_displacy
from windowclf_service.api.request_schemas import Input
from windowclf_service.api.requests import Options
from windowclf_service.api.schemas import DisplacyAnswer, TagAnswer, TaggedInput
from windowclf_service.monitoring import telemetry


def tag_results(options: Options, inputs: Sequence[Input]) -> list[TaggedInput]:
    """Tag inputs, count their tokens, and return a result for each."""
    results = tag_inputs(
        options.model.tagger,
        inputs,
        entities=options.entities,
        probabilities=options.probabilities,
        top=options.top,
    )
    telemetry.count_tokens(options.model.name, sum([len(result.tokens) for result in results]))
    return results


def tag(options: Options, inputs: Sequence[Input]) -> TagAnswer | DisplacyAnswer:
    """Tag inputs and return a result for each in the shape that is asked for."""
    results = tag_results(options, inputs)
    if not options.displacy:
        return TagAnswer(options.model.name, results)
    by_token = not options.entities or options.model.tagger.model.labels.scheme is None
    return DisplacyAnswer(options.model.name, [to_displacy(result, by_token=by_token) for result in results])
