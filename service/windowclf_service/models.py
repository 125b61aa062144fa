"""The models that are served: by name, warm before anything asks for them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import ServiceUnavailable

from windowclf.corpus.label_schemes import Span, labels_from_spans, parse_label
from windowclf.errors import WindowClfError
from windowclf.tagger import WindowTagger
from windowclf_service.board import Board
from windowclf_service.errors import WrongField


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A model and what clients are told of it.

    Attributes
    ----------
    name : str
    tagger : WindowTagger
    labels : tuple of str
        Those that a token of an answer can have.
    version : str
        The SHA-256 of the model directory's manifest; empty for a model that was never saved.
    card : dict
        What the model directory records of its making: vectors, coverage, training and its score.
    """

    name: str
    tagger: WindowTagger
    labels: tuple[str, ...]
    version: str
    card: dict[str, Any]


class Models(Mapping[str, ServedModel]):
    """The served models by name; the first answers requests that name none.

    Parameters
    ----------
    taggers : mapping of str to WindowTagger
        Each tags a word at once, so that the first request finds it warm.
    board : Board
        Tells whether the service is ending.

    Raises
    ------
    WindowClfError
        If one of the taggers is not trained, or takes columns beside the words.
    """

    def __init__(self, taggers: Mapping[str, WindowTagger], board: Board) -> None:
        self._board = board
        self._models: dict[str, ServedModel] = {}
        for name, tagger in taggers.items():
            if columns := tagger.model.config.features.columns:
                raise WindowClfError(
                    "this model takes columns beside the words, which requests do not have",
                    where=name,
                    found=", ".join(columns),
                    hint="`windowclf tag` reads them from files. To serve a model, train it without "
                    "features.columns.",
                )
            tagger.tag([["warm"]])
            stored = tagger.model
            labels = labels_of(tagger)
            self._models[name] = ServedModel(name, tagger, labels, stored.version, stored.info)
        self._first = next(iter(self._models.values()), None)

    def __getitem__(self, name: str) -> ServedModel:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def ready(self) -> bool:
        """Whether new clients should come: there is a model, all are warm, and the service is not ending."""
        return bool(self._models) and not self._board.draining

    def choose(self, name: str | None) -> ServedModel:
        """Return the model of a name, or the first one.

        Raises
        ------
        WrongField
            If there is none of that name.
        ServiceUnavailable
            If there is none at all.
        """
        if self._first is None:
            raise ServiceUnavailable("No model is served.", retry_after=1)
        if name is None:
            return self._first
        if name not in self._models:
            allowed = ", ".join(self._models)
            raise WrongField("/parameters/model", f"no such model; allowed: {allowed}, or null for the first")
        return self._models[name]


def load_models(paths: Iterable[str]) -> dict[str, WindowTagger]:
    """Open models; each goes by the name of its directory.

    Parameters
    ----------
    paths : iterable of str
        Model directories, run directories that hold one, or names of shipped models.

    Raises
    ------
    WindowClfError
        If two would have one name, a name cannot be said in JSON, or a model is missing or damaged.
    """
    found: dict[str, str] = {}
    for path in paths:
        name = os.path.basename(os.path.abspath(path))
        if not name.isprintable() or not name:
            raise WindowClfError(
                "a model cannot be named after this directory",
                where=path,
                allowed="a name of printable characters in UTF-8",
                hint="Rename it.",
            )
        if name in found:
            raise WindowClfError(
                f"two models would be named {name!r}: {found[name]} and {path}",
                hint="Rename one of the directories.",
            )
        found[name] = path
    return {name: WindowTagger.load(path) for name, path in found.items()}


def labels_of(tagger: WindowTagger) -> tuple[str, ...]:
    """Return the labels that a token of an answer can have.

    They follow the scheme of the training data; where the spelling of a label depends on its neighbours, as
    in IOB1, these are not the labels that probabilities are of (`spelled_labels`).
    """
    spelled, scheme = tagger.spelled_labels, tagger.model.labels.scheme
    if scheme is None:
        return spelled
    names = {"O"}
    for kind in {parse_label(name)[1] for name in spelled} - {""}:
        # one token, one token that touches it, three tokens: every prefix of every scheme comes up
        examples = [Span(0, 1, kind), Span(1, 2, kind), Span(2, 5, kind)]
        names.update(labels_from_spans(examples, 5, scheme))
    if names == set(spelled):
        return spelled
    return tuple(sorted(names, key=lambda name: parse_label(name)[::-1]))
