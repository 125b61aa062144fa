"""A training run on files: reads corpora, trains, and keeps a run directory that is complete at any time.

`config.toml` (resolved), `run.json` (data and their hashes, versions, result), `metrics.jsonl` (a line per
epoch) and `model/`.
"""

import json
import platform
from collections.abc import Generator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from windowclf.config import Config
from windowclf.config_io import config_to_toml
from windowclf.corpus.readers import locate, options_of, read_labelled
from windowclf.corpus.sentence import Sentence, columns
from windowclf.files import check_free, sha256_of, write_text
from windowclf.runs.tuning_advice import Advice, TrialEvent, advise_events
from windowclf.tagger import WindowTagger
from windowclf.training.events import Calibrated, Carried, EpochDone, Event, MemberDone, TrainingDone

_LIBRARIES = ("windowclf", "numpy", "safetensors", "gensim")


class TrainingRun:
    """A training on files. Nothing is written before the end of the first epoch.

    Parameters
    ----------
    config : Config
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
                    self.record["corrected"] = asdict(event)
                self._save()
                self._write_record()
            yield event

    def _keep(self, epoch: EpochDone) -> None:
        self.epochs.append(epoch)
        if len(self.epochs) == 1:
            write_text(self.out / "config.toml", config_to_toml(self.tagger.config))
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
        write_text(self.out / "run.json", json.dumps(self.record, indent=1, ensure_ascii=False) + "\n")


def _describe(name: str, sentences: Sequence[Sentence]) -> dict[str, Any]:
    path = locate(name).path
    return {
        "name": name,
        "sha256": sha256_of(Path(path)) if Path(path).is_file() else None,
        "sentences": len(sentences),
        "tokens": sum(map(len, sentences)),
    }
