"""How right windowclf is, beside other taggers that learn from the same sentences and vectors.

Each training is a process of its own. What it found is kept in the file of --cells, so that an interrupted
run goes on; nothing in it is trained again, so begin a new file after a change of windowclf's code. Of a
configuration there are three rows: single networks, one a seed; ensembles of them; and networks that learn
from the first ensemble. One more row is of single networks with the vectors that pip installs. A peer whose
package is not installed is named as not measured: nltk, python-crfsuite, spacy. The corpora are in the folder
that WINDOWCLF_CORPORA names; `windowclf vectors convert FILE --name glove-6b-100d` makes the vectors known.

    python benchmarks/accuracy.py --quick
    python benchmarks/accuracy.py --cells runs/cells.jsonl --update-docs
    python benchmarks/accuracy.py --corpora wnut17 --config crf=crf.toml --set training.epochs=8 --dev
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from accuracy_peers import LEARNERS, OURS, WITHOUT_CHANCE
from accuracy_tasks import (
    INSTALLED,
    SCORES,
    assignments,
    configurations,
    counts_of,
    new_parser,
    opened_cells,
    ours,
    parsed,
    scores_of,
)
from cells import Cells, Task, run_tasks
from results_page import comparison_tables, update_results
from serving import describe_machine
from tagging_peers import MODULES, PACKAGES
from windowclf import Config
from windowclf.arrays import Ints
from windowclf.evaluation import compare

SINGLE, ENSEMBLE, DISTILLED, PEER = "single", "ensemble", "distilled", "peer"
SPACY_STEPS, QUICK_STEPS, QUICK_ENSEMBLE = 5000, 200, 2
_MEASURED = ("seconds", "words_per_second", "model_megabytes", "megabytes")


@dataclass(frozen=True)
class System:
    """A row of the table: what it is, of which configuration, and its trainings."""

    title: str
    kind: str
    tasks: list[Task]
    settings: list[str]
    of: str = ""


def our_systems(corpus: str, name: str, config: Config, options: argparse.Namespace) -> list[System]:
    """Return the rows of a configuration."""
    seeds, n = range(options.seeds), options.ensemble
    settings = assignments(config)
    systems = [System(name, SINGLE, [ours(corpus, config, seed) for seed in seeds], settings, name)]
    if n > 1:
        joint = replace(config, training=replace(config.training, ensemble=n))
        ensembles = [ours(corpus, joint, n * i) for i in range(options.ensemble_seeds)]
        learnt = [ours(corpus, config, seed, ensembles[0]) for seed in seeds]
        systems += [
            System(f"{name}, ensemble of {n}", ENSEMBLE, ensembles, settings, name),
            System(f"{name}, distilled from it", DISTILLED, learnt, settings, name),
        ]
    return systems


def installed_system(corpus: str, options: argparse.Namespace) -> list[System]:
    """Return the row of the first configuration with the vectors that pip installs, if it has others."""
    title = f"{OURS}, {INSTALLED}"
    settings = [*options.set, f"model.vectors={json.dumps(INSTALLED)}"]
    few = argparse.Namespace(**vars(options) | {"set": settings})
    config = next(iter(configurations(corpus, few).values()))
    if config in configurations(corpus, options).values():
        return []
    tasks = [ours(corpus, config, seed) for seed in range(options.seeds)]
    return [System(title, SINGLE, tasks, assignments(config), title)]


def peer_systems(corpus: str, options: argparse.Namespace) -> list[System]:
    """Return the rows of the others that are installed."""
    systems = []
    for form in options.peers:
        if form not in LEARNERS or not find_spec(MODULES[form]):
            continue
        settings: dict[str, Any] = {"version": version(PACKAGES[form])}
        if form == "spaCy":
            settings |= {"vectors": options.vectors, "max_steps": options.spacy_steps}
        n_seeds = 1 if form in WITHOUT_CHANCE else options.seeds
        if form == "spaCy":
            n_seeds = min(n_seeds, options.spacy_seeds)
        tasks: list[Task] = [
            {"corpus": corpus, "form": form, "seed": seed, "settings": settings, "teacher": None}
            for seed in range(n_seeds)
        ]
        systems.append(System(f"{form} {settings['version']}", PEER, tasks, []))
    return systems


def section(corpus: str, systems: Sequence[System], cells: Cells, part: str, steps: int) -> dict[str, Any]:
    """Return the record of a corpus."""
    first = counts_of(cells, systems[0].tasks, part)
    forms = {task["form"] for system in systems for task in system.tasks}
    rows = []
    for system in systems:
        runs = counts_of(cells, system.tasks, part)
        p = None if system is systems[0] else p_value(first, runs)
        measured: dict[str, Any] = {key: [cells[task][key] for task in system.tasks] for key in _MEASURED}
        calibration = [cells[task].get("calibration", {}).get(part) for task in system.tasks]
        if all(calibration):
            measured["calibration"] = calibration
        about = {"title": system.title, "kind": system.kind, "of": system.of, "settings": system.settings}
        rows.append({**about, "seeds": len(runs), "scores": scores_of(runs), "p": p, **measured})
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe_machine("windowclf", "numpy", *PACKAGES.values()),
        "score": SCORES[corpus],
        "part": part,
        "sentences": len(first[0]),
        "spacy_steps": steps,
        "not_measured": [form for form in LEARNERS if form not in forms],
        "rows": rows,
    }


def p_value(first: Sequence[Ints], second: Sequence[Ints]) -> float:
    """Test runs of two systems; where both have several, so many of each as both have."""
    n = min(len(first), len(second))
    if n > 1:
        first, second = first[:n], second[:n]
    return compare(first, second).p_value


def main() -> None:
    """Train what is missing; print tables and JSON."""
    parser = new_parser(__doc__, seeds=5)
    peers = [form for form in LEARNERS if form != OURS]
    parser.add_argument("--dev", action="store_true", help="report dev in place of test")
    parser.add_argument("--peers", nargs="*", default=peers, choices=peers, help="default: all")
    parser.add_argument("--ensemble", type=int, default=5, help="networks of one; 1: none (default: 5)")
    parser.add_argument("--ensemble-seeds", type=int, default=5, help="how many ensembles (default: 5)")
    parser.add_argument(
        "--spacy-steps", type=int, default=SPACY_STEPS, help=f"at most; 0: 20,000 (default: {SPACY_STEPS})"
    )
    parser.add_argument(
        "--spacy-seeds", type=int, default=5, help="how many at most, each takes long (default: 5)"
    )
    options = parsed(parser)
    if options.quick:
        options.ensemble, options.ensemble_seeds = min(options.ensemble, QUICK_ENSEMBLE), 1
        options.spacy_steps = QUICK_STEPS
    part = "dev" if options.dev else "test"
    record: dict[str, Any] = {}
    with opened_cells(options.cells) as cells:
        for corpus in options.corpora:
            systems = [
                system
                for name, config in configurations(corpus, options).items()
                for system in our_systems(corpus, name, config, options)
            ]
            systems += installed_system(corpus, options) + peer_systems(corpus, options)
            run_tasks([task for system in systems for task in system.tasks], cells, threads=options.threads)
            record[corpus] = section(corpus, systems, cells, part, options.spacy_steps)
    print(f"{comparison_tables(record)}\n{json.dumps(record, indent=1)}")
    if options.update_docs:
        update_results("comparison", record)


if __name__ == "__main__":
    main()
