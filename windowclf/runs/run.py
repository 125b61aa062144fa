"""A training run on files: reads corpora, trains, and keeps a run directory that is complete at any time.

`config.toml` (resolved), `run.json` (data and their hashes, versions, result), `metrics.jsonl` (a line per
epoch) and `model/`.
"""

import json
import platform
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from windowclf.config import Config
from windowclf.config_io import config_to_toml, read_config
from windowclf.corpus import Sentence, columns, locate, options_of, read_labelled
from windowclf.errors import DataError
from windowclf.files import RUN_RECORD, check_free, read_json, sha256_of, write_text
from windowclf.model import check_savable
from windowclf.runs.tuning_advice import Advice, TrialEvent, advise_events
from windowclf.tagger import WindowTagger
from windowclf.training import Calibrated, Carried, EpochDone, Event, MemberDone, TrainingDone

_LIBRARIES = ("windowclf", "numpy", "safetensors", "gensim")


class TrainingRun:
    """A training on files. Nothing is written before the end of the first epoch.

    Parameters
    ----------
    train, dev : str
        Corpora, as `windowclf.corpus.readers.locate` takes them; `dev` may be None.
    out : Path
        The run directory.
    teacher : str, optional
        A model whose probabilities are also learnt.
    force : bool
        Replace an existing run.
    settings : dict, optional
        Anything else to record, such as the number of threads.

    Attributes
    ----------
    tagger : WindowTagger
        With the best weights so far.
    advice : Advice or None
        The result of `advise`.
    members : list of MemberDone
        The finished networks of an ensemble.
    best : EpochDone or None
        The epoch whose weights are kept; of an ensemble, that of its first network.
    corrected : Calibrated or None
        The calibration of the finished model on dev.
    record : dict
        The content of `run.json`.

    Raises
    ------
    WindowClfError
        If the corpora cannot be read, or `out` exists and `force` is not given.
    """

    def __init__(
        self,
        config: Config,
        train: str,
        dev: str | None,
        out: Path,
        *,
        teacher: str | None = None,
        force: bool = False,
        settings: dict[str, Any] | None = None,
    ) -> None:
        check_free(out, force)
        check_savable(out / "model")
        self.out = out
        self._teacher = WindowTagger.load(teacher) if teacher is not None else None
        names = [*config.features.columns, *(self._teacher.config.features.columns if self._teacher else ())]
        options = options_of(config.data, columns=[*dict.fromkeys(names)])
        self.train = read_labelled(train, options)
        self.dev = read_labelled(dev, options) if dev is not None else None
        self.tagger = WindowTagger(config)
        corpora = {"train": _describe(train, self.train)}
        if dev is not None and self.dev is not None:
            corpora["dev"] = _describe(dev, self.dev)
        self.record: dict[str, Any] = {
            "corpora": corpora,
            "versions": {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
            "settings": settings or {},
            "teacher": None if self._teacher is None else self._teacher.model.version,
            "finished": None,
        }
        self.advice: Advice | None = None
        self.epochs: list[EpochDone] = []
        self.members: list[MemberDone] = []
        self.best: EpochDone | None = None
        self.corrected: Calibrated | None = None
        self._metrics = ""

    def advise(self) -> Generator[TrialEvent, None, None]:
        """Choose the tuning of vectors by the training data and a trial on dev; call it before `events`."""
        dev = None if self.dev is None else columns(self.dev)
        self.advice = yield from advise_events(self.tagger.config, *columns(self.train), dev)
        self.tagger = WindowTagger(self.tagger.config, tuning=self.advice.tuning)
        self.record["advice"] = asdict(self.advice)

    def events(self) -> Generator[Event, None, None]:
        """Train; the directory is updated after each epoch, before its event is yielded."""
        dev = None if self.dev is None else columns(self.dev)
        for event in self.tagger.fit_events(*columns(self.train), dev=dev, teacher=self._teacher):
            if isinstance(event, EpochDone):
                self._keep(event)
            elif isinstance(event, TrainingDone):
                self.record["finished"] = event.reason
                self._write_record()
            elif isinstance(event, MemberDone | Carried | Calibrated):
                if isinstance(event, MemberDone):
                    self.members.append(event)
                elif isinstance(event, Calibrated):
                    self.corrected = event
                    # these names are part of the format of run.json
                    correction = asdict(event.calibration)
                    self.record["corrected"] = {"correction": correction, "dev_score": event.dev_score}
                self._save()
                self._write_record()
            yield event

    def _keep(self, epoch: EpochDone) -> None:
        self.epochs.append(epoch)
        if len(self.epochs) == 1:
            # what was chosen for the data, but for the length of the training
            fitted = replace(self.tagger.model.config, training=self.tagger.config.training)
            write_text(self.out / "config.toml", config_to_toml(fitted))
        if epoch.is_best and not self.members:  # later networks of an ensemble count when they are finished
            self.best = epoch
            self.record["best"] = asdict(epoch)
            self._save()
        line = asdict(epoch) | {"member": len(self.members) + 1}
        self._metrics += json.dumps(line, sort_keys=True) + "\n"
        write_text(self.out / "metrics.jsonl", self._metrics)
        self._write_record()

    def _save(self) -> None:
        self.record["model_version"] = self.tagger.save(self.out / "model")
        self.record["model"] = self.tagger.model.info
        self.record["members"] = [asdict(member) for member in self.members]

    def _write_record(self) -> None:
        write_text(self.out / RUN_RECORD, json.dumps(self.record, indent=1, ensure_ascii=False) + "\n")


def _describe(name: str, sentences: Sequence[Sentence]) -> dict[str, Any]:
    path = Path(locate(name).path)
    sha256 = sha256_of(path) if path.is_file() else None
    return asdict(CorpusRecord(name, sha256, len(sentences), sum(map(len, sentences))))


@dataclass(frozen=True, slots=True)
class CorpusRecord:
    """A corpus of a run; `sha256` is that of its file, None if it is not in a file."""

    name: str
    sha256: str | None
    sentences: int
    tokens: int

    @property
    def identity(self) -> tuple[str, int, int]:
        """Equal for records of the same corpus; parts of one file differ in size."""
        return self.sha256 or self.name, self.sentences, self.tokens


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run on files."""

    directory: Path  # as given; it contains the model
    config: Config
    train: CorpusRecord
    dev: CorpusRecord | None
    dev_score: float | None  # of the saved model: entity F1, or token accuracy
    teacher: str | None  # the version of the teacher model
    finished: str | None  # why the training ended; None if it was interrupted


@dataclass(frozen=True, slots=True)
class _Scored:
    """An epoch, or the whole model."""

    dev_score: float | None


@dataclass(frozen=True, slots=True)
class _Member:
    ensemble_score: float | None


@dataclass(frozen=True, slots=True)
class _File:
    """The parts of `run.json` that are read."""

    corpora: dict[str, CorpusRecord]
    best: _Scored
    members: list[_Member] = field(default_factory=list)
    corrected: _Scored | None = None
    teacher: str | None = None
    finished: str | None = None


def read_run(directory: Path) -> RunRecord:
    """Read the record of a run directory.

    Raises
    ------
    DataError
        If this is not a run directory, or its record has another format.
    ModelFileError, ConfigError
        If the record is not JSON, or the configuration cannot be read.
    """
    path = directory / "run.json"
    if not path.is_file():
        found = "a model" if (directory / "manifest.json").is_file() else "a directory without run.json"
        raise DataError(
            "not a run",
            where=str(directory),
            found=found if directory.is_dir() else "a file" if directory.exists() else "nothing",
            allowed="a directory made by `windowclf train --out`",
        )
    config = read_config(directory / "config.toml")
    try:
        record = msgspec.convert(read_json(path), _File)
        train = record.corpora["train"]
    except (msgspec.ValidationError, KeyError) as error:
        raise DataError(
            "the record of this run has an unknown format",
            where=str(path),
            found=str(error),
            hint="Train again with this windowclf.",
        ) from error
    score = record.corrected.dev_score if record.corrected else record.best.dev_score
    if record.members and record.corrected is None:
        score = record.members[-1].ensemble_score
    return RunRecord(
        directory, config, train, record.corpora.get("dev"), score, record.teacher, record.finished
    )
