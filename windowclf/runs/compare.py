"""Compare runs: their scores, their settings, and whether they differ by more than chance."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import fmean, stdev
from typing import Any

import msgspec

from windowclf.arrays import Ints
from windowclf.config import TABLE_MB
from windowclf.config_io import config_to_dict
from windowclf.corpus import LabelSet, Sentences, check_sentences, parse_label
from windowclf.errors import DataError
from windowclf.evaluation import Compared, compare_family, evaluate_labels, sentence_counts
from windowclf.runs.run import RunRecord
from windowclf.tagger import WindowTagger

_TRAINING_DATA = "training data"
_SEED = "training.seed"


@dataclass(frozen=True, slots=True)
class Spread:
    """A score over the runs of a system: its mean and, of several runs, its standard deviation."""

    mean: float
    deviation: float | None


@dataclass(frozen=True, slots=True)
class System:
    """Runs that differ only in the seed."""

    name: str  # the directory of its first run
    runs: tuple[str, ...]  # directories
    seeds: tuple[int, ...]
    settings: dict[str, Any]  # configuration, training corpus and teacher, where systems differ in them
    dev: Spread | None  # the recorded dev score; None where a run has none
    scores: dict[str, Spread]  # on the given data, as in `Evaluation`, the main one first; empty without data


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Compared):
    """How a system compares with the baseline on the given data."""

    system: str
    n_runs: int  # of each
    is_paired: bool  # whether runs of the same seed were compared


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Several systems side by side.

    Attributes
    ----------
    score : {"f1", "token_accuracy"}
        The main score, of `dev` and of the differences.
    systems : tuple of System
        Best first: on the given data, else on dev.
    dev : str or None
        The name of the dev corpus.
    n_sentences : int or None
        Of the given data.
    baseline : str
        The system of the first run.
    differences : tuple of Difference
        Of every other system, best first; empty without data.
    interrupted : tuple of str
        The directories of runs whose training did not finish.
    """

    score: str
    systems: tuple[System, ...]
    dev: str | None
    n_sentences: int | None
    baseline: str
    differences: tuple[Difference, ...]
    interrupted: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values for JSON."""
        return dict(msgspec.to_builtins(self))


@dataclass(frozen=True, slots=True)
class _Run:
    """A run and its model's result on the data; without data, `scores` is empty and `counts` None."""

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
    """Compare runs by their recorded dev scores and, where data are given, by their models' scores on these.

    Every model labels `data`; all other systems are tested against that of the first run. `table_mb` is as of
    `TrainedModel.compile`.

    Raises
    ------
    DataError
        If there are fewer than two runs, a run is given twice, runs or data are of different tasks, or there
        are neither data nor a common dev corpus.
    ModelFileError
        If a model is missing or damaged.
    """
    if len({record.directory.resolve() for record in records}) < max(len(records), 2):
        raise DataError(
            "a comparison needs at least two runs, each given once",
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
            scores={
                name: spread
                for name in group[0].scores
                if (spread := _spread(run.scores.get(name) for run in group))
            },
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
    scoring: dict[str, Any] = {"span_labels": labels.scheme is not None, "ignore_label": labels.ignore}
    e = evaluate_labels(sentences, gold, predicted, **scoring, seen=tagger.model.vocabulary.seen)
    scores = {name: getattr(e, name) for name in ("f1", "precision", "recall", "token_accuracy")}
    scores |= {"seen": e.seen.accuracy, "unseen": e.unseen.accuracy}
    known = {name: value for name, value in scores.items() if value is not None}
    return _Run(record, labels, known, sentence_counts(gold, predicted, **scoring))


def _check_task(first: _Run, other: _Run) -> None:
    """Refuse two runs whose labels have nothing in common, or are scored differently."""
    types = [{parse_label(name)[1] for name in run.labels.names} - {""} for run in (first, other)]
    scoring = [(run.labels.scheme is None, run.labels.ignore) for run in (first, other)]
    if types[0].isdisjoint(types[1]) or scoring[0] != scoring[1]:
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
    """Return the name of the dev corpus of all runs that have one; None if there are none or several."""
    corpora = {record.dev.identity: record.dev.name for record in records if record.dev is not None}
    if len(corpora) == 1:
        return next(iter(corpora.values()))
    if is_needed:
        problem = f"the runs were scored on different dev corpora: {', '.join(corpora.values())}"
        raise DataError(
            problem if corpora else "no run has a dev score",
            hint="Give labelled sentences to compare on: --data FILE.",
        )
    return None


def _settings(record: RunRecord) -> dict[str, Any]:
    """Return by name everything that decides the result of a run, except the seed."""
    values = {
        f"{section}.{key}": value
        for section, keys in config_to_dict(record.config).items()
        for key, value in keys.items()
    }
    del values[_SEED]
    return values | {_TRAINING_DATA: record.train.identity, "teacher": record.teacher}


def _group(runs: Sequence[_Run]) -> list[list[_Run]]:
    """Group runs that differ only in the seed; a repeated seed begins another group."""
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
    """Return for each system those settings in which systems differ."""
    settings = [_settings(group[0].record) for group in groups]
    names = [name for name in settings[0] if any(values[name] != settings[0][name] for values in settings)]
    for values, group in zip(settings, groups, strict=True):
        corpus = group[0].record.train
        digest = "" if corpus.sha256 is None else f", sha256 {corpus.sha256[:12]}"
        values[_TRAINING_DATA] = f"{corpus.name} ({corpus.tokens:,} words{digest})"
    return [{name: values[name] for name in names} for values in settings]


def _spread(values: Iterable[float | None]) -> Spread | None:
    """Return mean and standard deviation; None where a value is missing."""
    found = list(values)
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        return None
    return Spread(fmean(known), stdev(known) if len(known) > 1 else None)


def _value(score: str, system: System) -> float:
    """Return the score that systems are ordered by."""
    spread = system.scores.get(score, system.dev)
    return -1.0 if spread is None else spread.mean


def _differences(groups: Sequence[Sequence[_Run]], n_resamples: int) -> list[Difference]:
    """Test every system against the first."""
    pairs = {_name(group): _paired(group, groups[0]) for group in groups[1:]}
    return [
        Difference(**asdict(found), system=name, n_runs=len(pairs[name][0]), is_paired=pairs[name][2])
        for name, found in compare_family(pairs, n_resamples=n_resamples).items()
    ]


def _paired(first: Sequence[_Run], second: Sequence[_Run]) -> tuple[list[Ints], list[Ints], bool]:
    """Return the counts of equally many runs of both, and whether they are paired by seed.

    They are if one system has all seeds of the other; else runs are taken in the order of their seeds.
    """
    by_seed = [
        {run.seed: run.counts for run in sorted(runs, key=lambda r: r.seed)} for runs in (first, second)
    ]
    fewer, more = sorted(by_seed, key=len)
    if is_paired := fewer.keys() <= more.keys():
        by_seed = [{seed: counts[seed] for seed in fewer} for counts in by_seed]
    a, b = ([run for run in counts.values() if run is not None][: len(fewer)] for counts in by_seed)
    return a, b, is_paired
