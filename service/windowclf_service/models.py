"""The served models by name, and how a new version of one takes the place of the old."""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import ServiceUnavailable

from windowclf.errors import ModelFileError, WindowClfError
from windowclf.model import find_model
from windowclf.tagger import WindowTagger
from windowclf_service.board import Board
from windowclf_service.config import ServiceConfig
from windowclf_service.errors import WrongField
from windowclf_service.telemetry import log_event, metrics

_TICK = 0.25  # seconds until a request to reload is noticed

_Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A model and what clients are told about it."""

    name: str
    tagger: WindowTagger
    labels: tuple[str, ...]  # those that a token of an answer can have
    version: str  # the SHA-256 of its manifest; empty for a model that was never saved
    card: dict[str, Any]  # the record of its training: vectors, coverage, score

    @classmethod
    def of(cls, name: str, tagger: WindowTagger) -> "ServedModel":
        """Check that a tagger can be served, and warm it up for the first request."""
        if columns := tagger.model.config.features.columns:
            raise WindowClfError(
                "this model takes columns beside the words, which requests do not have",
                where=name,
                found=", ".join(columns),
                hint="`windowclf tag` reads them from files. To serve a model, train it without "
                "features.columns.",
            )
        tagger.tag([["warm"]])
        return cls(name, tagger, tagger.labels, tagger.model.version, tagger.model.info)


class Models(Mapping[str, ServedModel]):
    """The served models by name; the first answers requests that name none.

    Taggers that are given are served as they are, and never reloaded.
    """

    def __init__(
        self, config: ServiceConfig, board: Board, taggers: Mapping[str, WindowTagger] | None = None
    ) -> None:
        self._board = board
        self._reload_seconds = config.reload_seconds
        self._sources = name_models(config.models) if taggers is None else {}
        self._table_mb = max(1.0, config.table_mb / max(1, len(self._sources)))
        self._seen = {name: _fingerprint(path) for name, path in self._sources.items()}
        self._models = {name: self._load(name) for name in self._sources}
        self._models |= {name: ServedModel.of(name, tagger) for name, tagger in (taggers or {}).items()}
        self.refused: set[str] = set()  # models of which a new version cannot be loaded
        self._watched_in = 0  # the process whose thread watches the directories
        for name in self._models:
            metrics().count_load(name)

    def __getitem__(self, name: str) -> ServedModel:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def ready(self) -> bool:
        """Whether new clients should come: there is a model, and the service is not stopping."""
        return bool(self._models) and not self._board.draining

    @property
    def versions(self) -> dict[str, tuple[str, bool]]:
        """The version of each model, and whether a new one was refused because it cannot be loaded."""
        return {name: (model.version, name in self.refused) for name, model in self._models.items()}

    def choose(self, name: str | None) -> ServedModel:
        """Return the model of a name, or the first one."""
        if not self._models:
            raise ServiceUnavailable("No model is served.", retry_after=1)
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            allowed = ", ".join(self._models)
            raise WrongField("/parameters/model", f"no such model; allowed: {allowed}, or null for the first")
        return self._models[name]

    # -- new versions ----------------------------------------------------------------------------------

    def watch(self) -> None:
        """Let a thread of this process look for new versions; called again, nothing more happens."""
        if self._watched_in == os.getpid() or not self._sources:
            return
        self._watched_in = os.getpid()
        threading.Thread(target=self._watch, name="models", daemon=True).start()

    def _watch(self) -> None:
        looked, reloads = time.monotonic(), self._board.reloads
        while True:
            time.sleep(min(_TICK, self._reload_seconds))
            asked = self._board.reloads
            if asked != reloads or time.monotonic() >= looked + self._reload_seconds:
                reloads = asked
                self.look()
                looked = time.monotonic()

    def look(self) -> None:
        """Load each model whose files have changed; one that cannot be loaded changes nothing."""
        for name, path in self._sources.items():
            seen = _fingerprint(path)
            if seen == self._seen[name]:
                continue
            self._seen[name] = seen
            try:
                model = self._load(name)
            except Exception as error:  # whatever is wrong with it, the old version goes on
                self.refused.add(name)
                message = "new version of a model refused; the old one is still served"
                log_event("error", message, model=name, error=str(error))
                continue
            self.refused.discard(name)
            if model.version != self._models[name].version:
                self._models[name] = model
                metrics().count_load(name)
                log_event("info", "model reloaded", model=name, version=model.version, worker=os.getpid())

    def _load(self, name: str) -> ServedModel:
        """Load, verify, compile and warm a model."""
        tagger = WindowTagger.load(self._sources[name])
        tagger.compile(table_mb=self._table_mb, prefill=True)
        return ServedModel.of(name, tagger)


def name_models(arguments: Iterable[str]) -> dict[str, str]:
    """Return the path of each model by its name.

    An argument is a model directory, a run directory that has one, or the name of a shipped model, optionally
    as `NAME=PATH`. Without a name, a model has the name of its directory.
    """
    found: dict[str, str] = {}
    for argument in arguments:
        name, is_named, path = argument.partition("=")
        if not is_named or os.path.isdir(argument):
            name, path = os.path.basename(os.path.abspath(argument)), argument
        if not name.isprintable() or not name:
            raise WindowClfError(
                "a model cannot have this name",
                where=argument,
                allowed="a name of printable characters in UTF-8",
                hint="Give it another one: NAME=PATH.",
            )
        if name in found:
            same = os.path.abspath(path) == os.path.abspath(found[name])
            raise WindowClfError(
                f"the model {name!r} is given twice: {path}"
                if same
                else f"two models would have the name {name!r}: {found[name]} and {path}",
                hint="Give each once." if same else "Give one of them another name: NAME=PATH.",
            )
        found[name] = path
    return found


def _fingerprint(model: str) -> _Fingerprint:
    """Return what changes when a file of a model does: name, time, size and inode of each."""
    try:
        directory = find_model(model)
        if (directory / "model").is_dir():
            directory = directory / "model"
        stats = [(entry.name, entry.stat()) for entry in os.scandir(directory)]
    except (OSError, ModelFileError):
        return ()  # not there at the moment
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats))
