"""What each feature and each regulariser is worth: taken away from a configuration, or added, one at a time.

A switch that is on in the configuration is turned off, one that is off is turned on; what the configuration
does not allow (smoothing of labels under a sentence-level loss) is left out. Scores are of dev. Trainings are
kept and not repeated, as in accuracy.py. With --words, only the first sentences that have so many words
together are learnt from. The corpora are in the folder that WINDOWCLF_CORPORA names.

    python benchmarks/ablation.py --quick
    python benchmarks/ablation.py --cells runs/cells.jsonl --jobs 2 --update-docs
    python benchmarks/ablation.py --cells runs/cells.jsonl --jobs 2 --update-docs --words 1000 10000
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any, NamedTuple

from accuracy_cell import first_words, read_part
from accuracy_tasks import (
    CORPORA,
    SCORES,
    assignments,
    configurations,
    counts_of,
    new_parser,
    opened_cells,
    ours,
    parsed,
    rows_of,
)
from cells import Cells, Task, run_tasks
from results_page import ablation_tables, update_results
from serving import describe_machine
from windowclf import Config
from windowclf.config_io import override
from windowclf.errors import ConfigError
from windowclf.training import resolve_training

BASE, PART = "the configuration itself", "dev"


class Switch(NamedTuple):
    """Something that is turned off where it is on, and else on; with one side alone, it is tried from there.

    Attributes
    ----------
    title : str
    off, on : tuples of str
        Assignments; if `off` changes nothing, it is off. None: there is no such side.
    corpora : tuple of str
        Where it means something.
    """

    title: str
    off: tuple[str, ...] | None
    on: tuple[str, ...] | None = None
    corpora: tuple[str, ...] = CORPORA


SPANS = tuple(corpus for corpus, score in SCORES.items() if "F1" in score)
SWITCHES = (
    Switch("words around", ("model.window=1",)),
    Switch("a window of three", None, ("model.window=3",)),
    Switch("a window of five", None, ("model.window=5",)),
    Switch("a window of seven", None, ("model.window=7",)),
    Switch("a hidden layer", ("model.hidden=[]",), ("model.hidden=[300]",)),
    Switch("sentence-level loss", ('model.loss="softmax"',), ('model.loss="crf"',)),
    Switch("IOBES inside", ('model.inner_scheme="IOB2"',), ('model.inner_scheme="IOBES"',), SPANS),
    Switch("vectors frozen", None, ('model.tuning="frozen"',)),
    Switch("vectors tuned", None, ('model.tuning="tuned"',)),
    Switch("two channels", None, ('model.tuning="two-channel"',)),
    Switch("vectors scaled", ("model.vector_deviation=0",), ("model.vector_deviation=0.5",)),
    Switch("letter case", ("features.case_dimension=0",), ("features.case_dimension=10",)),
    Switch("affixes, word and shape", ("features.affix_dimension=0",), ("features.affix_dimension=-1",)),
    Switch("affixes of 24 numbers", None, ("features.affix_dimension=24",), SPANS),
    Switch("affixes of 4 numbers", None, ("features.affix_dimension=4",), ("ud-english-ewt",)),
    Switch("prefixes", ("features.prefixes=[]",), ("features.prefixes=[1, 2, 3, 4]",)),
    Switch("suffixes", ("features.suffixes=[]",), ("features.suffixes=[1, 2, 3, 4]",)),
    Switch("whole word", ("features.whole_word=false",), ("features.whole_word=true",)),
    Switch("letter shape", ("features.shape=false",), ("features.shape=true",)),
    Switch("lists of entities", ("features.entity_lists=false",), ("features.entity_lists=true",), SPANS),
    Switch("gazetteers", ("features.gazetteers=[]",)),
    Switch("dropout", ("model.dropout=0.0",), ("model.dropout=0.5",)),
    Switch("input dropout", ("model.input_dropout=0.0",), ("model.input_dropout=0.2",)),
    Switch("word dropout", ("training.word_dropout=0.0",), ("training.word_dropout=0.05",)),
    Switch("averaging", ("training.averaging=0.0",), ("training.averaging=0.999",)),
    Switch("L2", ("training.l2=0.0",), ("training.l2=1e-5",)),
    Switch("L2 to pretrained", ("training.l2_anchor=0.0",), ("training.l2_anchor=0.001",)),
    Switch("class weights", ('training.class_weights="none"',), ('training.class_weights="balanced"',)),
    Switch("label smoothing", ("training.label_smoothing=0.0",), ("training.label_smoothing=0.1",)),
    Switch("clipping", ("training.clip_norm=0.0",), ("training.clip_norm=5.0",)),
    Switch("falling rate", ('training.schedule="constant"',), ('training.schedule="linear"',)),
)
QUICK_SWITCHES = ("letter case", "letter shape")


def variants(
    base: Config, corpus: str, switches: Sequence[Switch] = SWITCHES
) -> Iterator[tuple[str, Config]]:
    """Yield the title and the configuration of each change that can be made."""
    for switch in switches:
        if corpus not in switch.corpora:
            continue
        if switch.off and (changed := _changed(base, switch.off)):
            yield f"without {switch.title}", changed
        elif switch.on and (changed := _changed(base, switch.on)):
            yield f"with {switch.title}", changed


def with_other_epochs(base: Config, n_sentences: int) -> Iterator[tuple[str, Config]]:
    """Yield the configuration with half and twice the epochs that n sentences are learnt in."""
    n_epochs = resolve_training(base.training, n_sentences).epochs
    for title, n in (("half", max(1, n_epochs // 2)), ("twice", 2 * n_epochs)):
        yield f"{title} the epochs", override(base, [f"training.epochs={n}"])


def _changed(base: Config, assigned: Sequence[str]) -> Config | None:
    """Return the changed configuration; None if it is the same, or not allowed."""
    try:
        changed = override(base, assigned)
    except ConfigError:
        return None
    if changed.training.l2_anchor and changed.model.tuning == "frozen":
        return None  # it would do nothing
    return None if changed == base else changed


def section(
    corpus: str, base: Config, rows: dict[str, list[Task]], cells: Cells, n_sentences: int
) -> dict[str, Any]:
    """Return the record of a corpus; the first row is the base."""
    runs = {title: counts_of(cells, tasks, PART) for title, tasks in rows.items()}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe_machine("windowclf", "numpy"),
        "score": f"{SCORES[corpus]} on {PART}",
        "settings": assignments(base),
        "sentences": n_sentences,
        "epochs": resolve_training(base.training, n_sentences).epochs,
        "rows": rows_of(runs),
    }


def main() -> None:
    """Train what is missing; print the table and JSON."""
    parser = new_parser(__doc__, seeds=3)
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once (default: 1)")
    parser.add_argument(
        "--only", nargs="+", choices=[s.title for s in SWITCHES], help="of these (default: all that apply)"
    )
    parser.add_argument("--words", nargs="+", type=int, default=[0], help="to learn from (default: all)")
    options = parsed(parser)
    if len(options.config) > 1:
        parser.error("one configuration at a time")
    chosen = options.only or (QUICK_SWITCHES if options.quick else [s.title for s in SWITCHES])
    switches = [switch for switch in SWITCHES if switch.title in chosen]
    seeds, record = range(options.seeds), {}
    with opened_cells(options.cells) as cells:
        for corpus, n_words in product(options.corpora, options.words):
            [base] = configurations(corpus, options).values()
            n = len(first_words(read_part(f"{corpus}:train"), n_words).tokens)
            changed = {BASE: base} | dict(variants(base, corpus, switches))
            changed |= {} if options.quick else dict(with_other_epochs(base, n))
            rows = {
                title: [ours(corpus, c, seed, words=n_words) for seed in seeds]
                for title, c in changed.items()
            }
            tasks = [task for of_row in rows.values() for task in of_row]
            run_tasks(tasks, cells, threads=options.threads, jobs=options.jobs)
            name = f"{corpus}, {n_words:,} words" if n_words else corpus
            record[name] = section(corpus, base, rows, cells, n)
    print(f"{ablation_tables(record)}\n{json.dumps(record, indent=1)}")
    if options.update_docs:
        update_results("ablation", record)


if __name__ == "__main__":
    main()
