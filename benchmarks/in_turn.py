"""How right windowclf is where every sentence is test once, so that no figure hangs on one small part.

Of wikigold, each tenth of the sentences in turn is test, the tenth before it dev, and the others are learnt
from; the last turn is the usual split. Of WNUT17, whose dev and test are of different genres, the train part
stays, and the sentences of dev and test together are dealt out in two halves, each of which is dev in one
turn and test in the other: what is corrected on dev is then asked of text of the same kind. Nothing is chosen
by these figures. A run is all turns with one seed. The corpora are in the folder that WINDOWCLF_CORPORA
names.

    python benchmarks/in_turn.py --quick
    python benchmarks/in_turn.py --cells runs/cells.jsonl --update-docs
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

import numpy as np

from accuracy_cell import N_TURNS
from accuracy_peers import OURS
from accuracy_tasks import (
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
from results_page import in_turn_table, update_results
from serving import describe_machine
from tagging_peers import MODULES, PACKAGES
from windowclf.evaluation import interval_of, reliability

PEERS = ("NLTK's perceptron", "CRFsuite")
Run = list[Task]  # the turns of a seed


def systems(corpus: str, options: argparse.Namespace) -> dict[str, list[Run]]:
    """Return the runs of each row."""
    [config] = configurations(corpus, options).values()
    n, turns = options.ensemble, range(N_TURNS[corpus])
    joint = replace(config, training=replace(config.training, ensemble=n))
    found = {OURS: [[ours(corpus, config, s) | {"turn": t} for t in turns] for s in range(options.seeds)]}
    if n > 1:
        found[f"{OURS}, ensemble of {n}"] = [[ours(corpus, joint, 0) | {"turn": t} for t in turns]]
    for form in PEERS:
        if find_spec(MODULES[form]):
            task = {"corpus": corpus, "form": form, "seed": 0, "settings": {}, "teacher": None}
            found[form] = [[task | {"turn": t} for t in turns]]
    return found


def row_of(title: str, runs: Sequence[Run], cells: Cells) -> dict[str, Any]:
    """Return what is known of a system."""
    counts = [np.concatenate(counts_of(cells, run, "test")) for run in runs]
    # a system that finds nothing has F1 0, so that the difference to it is the score itself
    interval = interval_of(counts, [counts[0] * np.array([0, 1, 1])])
    row: dict[str, Any] = {
        "title": title,
        "scores": scores_of(counts),
        "interval": [round(interval.low, 6), round(interval.high, 6)],
    }
    judged = [[pair for task in run for pair in cells[task]["judged"]] for run in runs]
    if all(judged):
        errors = [reliability([p for p, _ in pairs], [is_right for _, is_right in pairs]) for pairs in judged]
        row["entities"] = [found.count for found in errors]
        row["errors"] = [found.expected_calibration_error for found in errors]
        row["by_chance"] = [found.error_by_chance for found in errors]
    return row


def main() -> None:
    """Train what is missing; print the table and JSON."""
    parser = new_parser(__doc__, seeds=3)
    parser.set_defaults(corpora=list(N_TURNS))
    parser.add_argument("--ensemble", type=int, default=5, help="networks of one; 1: none (default: 5)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once (default: 1)")
    options = parsed(parser)
    if options.quick:
        options.ensemble = 1
    record: dict[str, Any] = {}
    with opened_cells(options.cells) as cells:
        for corpus in options.corpora:
            if corpus not in N_TURNS:
                parser.error(f"{corpus} has no turns; {' and '.join(N_TURNS)} have")
            [config] = configurations(corpus, options).values()
            rows = systems(corpus, options)
            tasks = [task for runs in rows.values() for run in runs for task in run]
            run_tasks(tasks, cells, threads=options.threads, jobs=options.jobs)
            record[corpus] = {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": describe_machine("windowclf", "numpy", *(PACKAGES[form] for form in PEERS)),
                "score": SCORES[corpus],
                "turns": N_TURNS[corpus],
                "settings": assignments(config),
                "rows": [row_of(title, runs, cells) for title, runs in rows.items()],
            }
    print(f"{in_turn_table(record)}\n{json.dumps(record, indent=1)}")
    if options.update_docs:
        update_results("in-turn", record)


if __name__ == "__main__":
    main()
