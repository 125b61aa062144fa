"""Runs compared: their scores, in what they differ, and whether they differ by more than chance."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, stdev
from typing import Any

from windowclf.arrays import Ints
from windowclf.config import TABLE_MB
from windowclf.config_io import config_to_dict
from windowclf.corpus.label_schemes import parse_label
from windowclf.corpus.label_set import LabelSet
from windowclf.corpus.sentence import Sentences, check_sentences
from windowclf.errors import DataError
from windowclf.evaluation.compare import compare_family
from windowclf.evaluation.metrics import Evaluation, evaluate_labels
from windowclf.evaluation.significance import sentence_counts
from windowclf.runs.comparison import Difference, RunComparison, Spread, System
from windowclf.runs.record import CorpusRecord, RunRecord
from windowclf.tagger import WindowTagger

_TRAINING_DATA = "training data"
_SEED = "training.seed"


@dataclass(frozen=True, slots=True)
class _Run:
    """A run and what its model makes of the data; `scores` and `counts` are empty and None without data."""

    record: RunRecord
    labels: LabelSet
    scores: dict[str, float]
    counts: Ints | None

    @property
    def seed(self) -> int:
        return self.record.config.training.seed


def compare_runs(
    records: Sequence[RunRecord],
    data: tuple[Sentences, Sentences] | None = None,
    *,
    table_mb: float = TABLE_MB,
    n_resamples: int = 10_000,
) -> RunComparison:
    """Compare runs by their dev scores and, where data are given, by what their models make of these.

    Parameters
    ----------
    records : sequence of RunRecord
        At least two. The system of the first is what all others are tested against.
    data : (sentences, labels), optional
        Every model labels them.
    table_mb : float
        As for `WindowTagger.compile`.
    n_resamples : int
        Of the tests and intervals.

    Raises
    ------
    DataError
        If there are fewer than two runs, a run comes twice, runs or data are of different tasks, or there is
        nothing to compare: no data, and no dev corpus that the runs share.
    ModelFileError
        If a model is missing or damaged.
    """
    if len({record.directory.resolve() for record in records}) < max(len(records), 2):
        raise DataError(
            "a comparison is of two runs or more, each given once",
            found=", ".join(str(record.directory) for record in records),
        )
    runs: list[_Run] = []
    for record in records:
        runs.append(_load(record, data, table_mb))
        _check_task(runs[0], runs[-1])
    dev = _shared_dev(records, is_needed=data is None)
    groups = _group(runs)
    systems = [
        System(
            name=_name(group),
            runs=tuple(str(run.record.directory) for run in group),
            seeds=tuple(run.seed for run in group),
            settings=settings,
            dev=None if dev is None else _spread([run.record.dev_score for run in group]),
            scores={name: spread for name in group[0].scores if (spread := _spread_of(group, name))},
        )
        for group, settings in zip(groups, _differing(groups), strict=True)
    ]
    score = "token_accuracy" if runs[0].labels.scheme is None else "f1"
    value = partial(_value, score)
    differences = () if data is None else _differences(groups, n_resamples)
    return RunComparison(
        score=score,
        systems=tuple(sorted(systems, key=value, reverse=True)),
        dev=dev,
        n_sentences=None if data is None else len(data[0]),
        baseline=systems[0].name,
        differences=tuple(sorted(differences, key=lambda found: -found.difference)),
        interrupted=tuple(str(record.directory) for record in records if record.finished is None),
    )


def _load(record: RunRecord, data: tuple[Sentences, Sentences] | None, table_mb: float) -> _Run:
    tagger = WindowTagger.load(record.directory)
    labels = tagger.model.labels
    if data is None:
        return _Run(record, labels, {}, None)
    sentences, gold = data
    check_sentences(sentences, gold)
    labels.check_comparable(gold)
    predicted = tagger.compile(table_mb=table_mb).predict(sentences)
    is_of_spans = labels.scheme is not None
    evaluation = evaluate_labels(
        sentences,
        gold,
        predicted,
        span_labels=is_of_spans,
        ignore_label=labels.ignore,
        seen=tagger.model.vocabulary.seen,
    )
    counts = sentence_counts(gold, predicted, span_labels=is_of_spans, ignore_label=labels.ignore)
    return _Run(record, labels, _scores(evaluation), counts)


def _scores(e: Evaluation) -> dict[str, float]:
    scores = {
        "f1": e.f1,
        "precision": e.precision,
        "recall": e.recall,
        "token_accuracy": e.token_accuracy,
        "seen": e.seen.accuracy,
        "unseen": e.unseen.accuracy,
    }
    return {name: value for name, value in scores.items() if value is not None}


def _check_task(first: _Run, other: _Run) -> None:
    """Refuse two runs whose labels have nothing in common, or do not count alike."""
    kinds = [{parse_label(name)[1] for name in run.labels.names} - {""} for run in (first, other)]
    is_alike = (first.labels.scheme is None, first.labels.ignore) == (
        other.labels.scheme is None,
        other.labels.ignore,
    )
    if kinds[0].isdisjoint(kinds[1]) or not is_alike:
        raise DataError(
            "the labels of this run are of another task",
            where=str(other.record.directory),
            found=_describe_labels(other.labels),
            allowed=f"such as those of {first.record.directory}: {_describe_labels(first.labels)}",
        )


def _describe_labels(labels: LabelSet) -> str:
    scheme = "no span scheme" if labels.scheme is None else str(labels.scheme)
    return f"{', '.join(labels.names[:8])} ({scheme}, ignored: {labels.ignore})"


def _shared_dev(records: Sequence[RunRecord], *, is_needed: bool) -> str | None:
    """Return the name of the dev corpus of all runs that have one; None if there is none, or several."""
    corpora = {record.dev.identity: record.dev.name for record in records if record.dev is not None}
    if len(corpora) == 1:
        return next(iter(corpora.values()))
    if is_needed:
        problem = f"the runs were scored on different dev corpora: {', '.join(corpora.values())}"
        raise DataError(
            problem if corpora else "no run has a dev score", hint="Give --data FILE: every model labels it."
        )
    return None


def _settings(record: RunRecord) -> dict[str, Any]:
    """Return all that decides what a run becomes, but the seed, by name."""
    values = {
        f"{section}.{key}": value
        for section, keys in config_to_dict(record.config).items()
        for key, value in keys.items()
    }
    del values[_SEED]
    return values | {_TRAINING_DATA: record.train.identity, "teacher": record.teacher}


def _group(runs: Sequence[_Run]) -> list[list[_Run]]:
    """Put runs together that differ in the seed alone; a seed that was there begins another group."""
    groups: dict[tuple[str, int], list[_Run]] = {}
    seen: Counter[tuple[str, int]] = Counter()
    for run in runs:
        key = json.dumps([_settings(run.record), None if run.record.dev is None else run.record.dev.identity])
        groups.setdefault((key, seen[key, run.seed]), []).append(run)
        seen[key, run.seed] += 1
    return list(groups.values())


def _name(group: Sequence[_Run]) -> str:
    return str(group[0].record.directory)


def _differing(groups: Sequence[Sequence[_Run]]) -> list[dict[str, Any]]:
    """Return of each system only those settings in which not all are equal."""
    settings = [_settings(group[0].record) for group in groups]
    names = [name for name in settings[0] if any(values[name] != settings[0][name] for values in settings)]
    differing = [{name: values[name] for name in names} for values in settings]
    if _TRAINING_DATA in names:
        for values, group in zip(differing, groups, strict=True):
            values[_TRAINING_DATA] = _describe_corpus(group[0].record.train)
    return differing


def _describe_corpus(corpus: CorpusRecord) -> str:
    digest = "" if corpus.sha256 is None else f", sha256 {corpus.sha256[:12]}"
    return f"{corpus.name} ({corpus.tokens:,} words{digest})"


def _spread(values: Iterable[float | None]) -> Spread | None:
    """Return mean and standard deviation; None where a value is missing."""
    found = list(values)
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        return None
    return Spread(fmean(known), stdev(known) if len(known) > 1 else None)


def _spread_of(group: Sequence[_Run], name: str) -> Spread | None:
    return _spread(run.scores.get(name) for run in group)


def _value(score: str, system: System) -> float:
    """Return what systems are ordered by."""
    spread = system.scores.get(score, system.dev)
    return -1.0 if spread is None else spread.mean


def _differences(groups: Sequence[Sequence[_Run]], n_resamples: int) -> list[Difference]:
    """Test every system against the first."""
    pairs = {_name(group): _paired(group, groups[0]) for group in groups[1:]}
    return [
        Difference(
            system=name,
            n_runs=len(pairs[name][0]),
            is_paired=pairs[name][2],
            difference=found.interval.difference,
            low=found.interval.low,
            high=found.interval.high,
            p_value=found.p_value,
            corrected=found.corrected,
            seeds_p_value=found.seeds_p_value,
            is_clear=found.is_clear,
        )
        for name, found in compare_family(pairs, n_resamples=n_resamples).items()
    ]


def _paired(first: Sequence[_Run], second: Sequence[_Run]) -> tuple[list[Ints], list[Ints], bool]:
    """Return the counts of as many runs of both, those of the same seed at the same place, if they have them.

    Where one system's seeds are not all among the other's, the runs are taken as they come by seed.
    """
    by_seed = [
        {run.seed: run.counts for run in sorted(runs, key=lambda r: r.seed)} for runs in (first, second)
    ]
    fewer, more = sorted(by_seed, key=len)
    if is_paired := fewer.keys() <= more.keys():
        by_seed = [{seed: counts[seed] for seed in fewer} for counts in by_seed]
    a, b = ([run for run in counts.values() if run is not None][: len(fewer)] for counts in by_seed)
    return a, b, is_paired
