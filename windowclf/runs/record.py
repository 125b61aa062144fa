"""The record of a run directory, without its model."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from windowclf.config import Config
from windowclf.config_io import read_config
from windowclf.errors import DataError
from windowclf.files import read_json


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
    """A run on files.

    Attributes
    ----------
    directory : Path
        As given; it contains the model.
    dev_score : float or None
        Of the saved model: entity F1, or token accuracy.
    teacher : str or None
        The version of the teacher model.
    finished : str or None
        Why the training ended; None if it was interrupted.
    """

    directory: Path
    config: Config
    train: CorpusRecord
    dev: CorpusRecord | None
    dev_score: float | None
    teacher: str | None
    finished: str | None


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
