"""Ask the service everything that its OpenAPI document allows and forbids, and check every answer by it.

    python benchmarks/fuzz_service.py --cases 10000

schemathesis generates requests, valid and invalid, against the WSGI application (no network). A failure is an
answer of status 5xx, one that the document does not have (status, media type, headers, schema), a valid
request that is refused, or an invalid one that is not. Prints the cases, the answers by status, and each kind
of failure once, with a request that shows it; exits with 1 if there is any.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from windowclf import Config, ModelConfig, TrainingConfig, WindowTagger
from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig

NDJSON = "application/x-ndjson"

_words = st.lists(st.text(min_size=1, max_size=8), max_size=5)
_inputs = st.text(max_size=40) | _words
_lines = st.lists(_inputs | st.fixed_dictionaries({"inputs": _inputs}), min_size=1, max_size=100)
schemathesis.openapi.media_type(
    NDJSON,
    _lines.map(lambda lines: "".join(json.dumps(line) + "\n" for line in lines).encode()),
)


# The document is that of every service; the models of this one, and their versions
_versions: dict[str, str] = {}


def served(name: str) -> str:
    """Return the name of a model that is served, by the length of another name."""
    return list(_versions)[len(name) % len(_versions)]


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Name a model that is served, and its version."""
    match path_parameters:
        case {"model": str(name)}:
            path_parameters["model"] = served(name)
            if "version" in path_parameters:
                path_parameters["version"] = _versions[served(name)]
    return path_parameters


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Name a model that is served."""
    match query:
        case {"model": str(name)}:
            query["model"] = served(name)
    return query


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Name a model that is served; let the shape of a tensor be that of its data, so that many are tagged."""
    match body:
        case {"parameters": {"model": str(name)} as parameters}:
            parameters["model"] = served(name)
    if context.operation is None or not context.operation.path.endswith("/infer"):
        return body
    match body:
        case {"inputs": [{"shape": [_, *_] as shape, "data": list(data)} as tensor]}:
            rows = [[value] if isinstance(value, str) else value for value in data]
            is_shape = all(isinstance(n, int | float) and n >= 0 and n == int(n) for n in shape)
            if is_shape and all(isinstance(row, list) for row in rows):
                tensor["shape"] = [sum(map(len, rows))]
    return body


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Pass over refusals of what no schema can say: another shape than that of the data, an unknown model."""
    if response.status_code != 422:
        return True
    problem = response.json()
    pointers = ("/inputs/0/shape", "/parameters/model")
    return not (problem["pointer"] in pointers or problem["detail"].startswith("query: model: no such model"))


@dataclass
class Report:
    """What came of a run.

    Attributes
    ----------
    cases : int
    statuses : Counter
        Answers by status.
    failures : dict of str to str
        Each kind of failure, and a request that shows it.
    """

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


def fuzz(taggers: Mapping[str, WindowTagger], *, cases: int, examples: int, seed: int = 1) -> Report:
    """Run until there have been so many cases.

    Parameters
    ----------
    taggers : mapping of str to WindowTagger
    cases : int
    examples : int
        Of each operation, valid and invalid, in one round of random ones.
    seed : int
        Of the first round.
    """
    report = Report()
    _versions.clear()
    _versions.update({name: tagger.model.version for name, tagger in taggers.items()})
    app = create_app(ServiceConfig(access_log=False), taggers)
    compressing = app.wsgi_app

    def plain(environ: dict[str, Any], start_response: Any) -> Any:
        environ.pop("HTTP_ACCEPT_ENCODING", None)  # schemathesis asks for gzip, and does not read it here
        return compressing(environ, start_response)

    app.wsgi_app = plain  # type: ignore[method-assign]
    while report.cases < cases:
        config = SchemathesisConfig(seed=seed)
        schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)
        schema.config.generation.update(max_examples=examples, database="none")
        schema.config.phases.update(phases=["examples", "coverage", "fuzzing"])
        rejecting = schema.config.checks.negative_data_rejection
        rejecting.expected_statuses = [*rejecting.expected_statuses, "413"]
        before = report.cases
        for event in from_schema(schema).execute():
            _count(event, report)
        _stream(schema["/v1/tag"]["POST"], examples, seed, report)
        assert report.cases > before, "nothing was asked"
        seed += 1
    return report


def _count(event: Any, report: Report) -> None:
    if isinstance(event, events.NonFatalError):
        report.failures.setdefault(f"{event.label}: {event.info.message}", "")
    elif isinstance(event, events.FatalError):
        raise event.exception
    elif isinstance(event, events.ScenarioFinished):
        recorder = event.recorder
        for interaction in recorder.interactions.values():
            report.cases += 1
            if interaction.response is not None:
                report.statuses[interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    kind = f"{recorder.label}: {failure.title}: {failure.message}"
                    report.failures.setdefault(kind, recorder.cases[case_id].value.as_curl_command())


def _stream(operation: Any, examples: int, seed: int, report: Report) -> None:
    """Ask in newline-delimited JSON, which random requests rarely are in."""

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=examples, database=None, deadline=None)
    @hypothesis.given(operation.as_strategy(media_type=NDJSON))
    def ask(case: Any) -> None:
        response = case.call()
        report.cases += 1
        report.statuses[response.status_code] += 1
        try:
            case.validate_response(response)
        except schemathesis.errors.FailureGroup as error:
            report.failures.setdefault(f"{NDJSON}: {error}", case.as_curl_command())

    ask()


def make_taggers(directory: Path) -> dict[str, WindowTagger]:
    """Train two taggers in a moment, one of places and one of plain classes, and give each a version."""
    config = Config(model=ModelConfig(hidden=(16,)), training=TrainingConfig(epochs=5))
    vectors = "glove-6b-50d-small"
    places = [["museums", "in", "Paris", "are", "amazing"], ["Rome", "is", "old"]]
    labels = [["O", "O", "B-LOC", "O", "O"], ["B-LOC", "O", "O"]]
    taggers = {
        "places": WindowTagger(config, vectors=vectors).fit(places, labels),
        "classes": WindowTagger(config, vectors=vectors).fit([["in", "Paris"]], [["ADP", "PROPN"]]),
    }
    for name, tagger in taggers.items():
        tagger.save(directory / name)
    return {name: WindowTagger.load(directory / name) for name in taggers}


def main() -> int:
    """Print a report; 1 if there was a failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--examples", type=int, default=100, help="of each operation and round")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        taggers = make_taggers(Path(directory))
        report = fuzz(taggers, cases=given.cases, examples=given.examples, seed=given.seed)
    print(f"{report.cases} cases, schemathesis {schemathesis.__version__}, first seed {given.seed}")
    for status, count in sorted(report.statuses.items()):
        print(f"  {status}: {count}")
    print(f"{len(report.failures)} kinds of failures")
    for kind, request in report.failures.items():
        print(f"\n{kind}\n{request[:2000]}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
