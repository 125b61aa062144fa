"""The record of tagging_speed.py as tables."""

from itertools import pairwise, product
from statistics import median
from typing import Any

from pages import machine_line, markdown_table, three_digits
from service_page import spread
from tagging_peers import OURS
from tagging_profile import GATHER, OUTPUT

KINDS = list(product(("split", "raw"), (1, 2)))
TITLES = {"split": "pre-split", "raw": "raw text"}
# words a second of ours over theirs, pre-split, one process, by the loss of the model: at least, and the aim
TARGETS = {
    "softmax": {"NLTK's perceptron": (12, 25), "CRFsuite": (12, 25), "spaCy": (30, 100)},
    "crf": {"NLTK's perceptron": (8, 15), "CRFsuite": (8, 15), "spaCy": (30, 100)},
}
RAW_TARGET, JOBS_TARGET = (0.4, 0.8), (1.7, 1.95)  # of ours: raw over pre-split, two processes over one


def rates(record: dict[str, Any], form: str, kind: str, n_processes: int) -> list[float]:
    """Return words a second of a tagger, run by run."""
    measured: list[float] = record["taggers"][form]["rates"][f"{kind} {n_processes}"]
    return measured


def ratio(one: list[float], other: list[float]) -> float:
    """Return the median of the ratios of runs that were made in turns."""
    return median([a / b for a, b in zip(one, other, strict=True)])


def targets(record: dict[str, Any]) -> list[tuple[str, float, tuple[float, float]]]:
    """Return each ratio that has a target: what it is, its value, at least and aim."""
    split, raw = rates(record, OURS, "split", 1), rates(record, OURS, "raw", 1)
    found: list[tuple[str, float, tuple[float, float]]] = [
        (f"pre-split, over {form}", ratio(split, rates(record, form, "split", 1)), target)
        for form, target in TARGETS[record["network"]["loss"]].items()
        if form in record["taggers"]
    ]
    found.append(("raw text over pre-split", ratio(raw, split), RAW_TARGET))
    found.append(("raw text, two processes over one", ratio(rates(record, OURS, "raw", 2), raw), JOBS_TARGET))
    return found


def tables(record: dict[str, Any]) -> str:
    """Return the tables of speeds, of targets and of where the time goes, and what they were measured on."""
    return "\n\n".join(
        (
            _speeds(record),
            _about(record),
            markdown_table(
                ("windowclf", "ratio", "at least", "aim"),
                [(what, f"{value:.2f}", *target) for what, value, target in targets(record)],
            ),
            _profile(record),
        )
    )


def _speeds(record: dict[str, Any]) -> str:
    ours = rates(record, OURS, "split", 1)
    rows = []
    for form, found in record["taggers"].items():
        cells = [spread(rates(record, form, *kind)) for kind in KINDS]
        over = three_digits(ratio(ours, rates(record, form, "split", 1)))
        rows.append((form, *cells, over, f"{100 * found['score']:.1f}", f"{found['peak_mb']:.0f}"))
    titles = [f"{TITLES[kind]}, {n} process{'es' * (n > 1)}" for kind, n in KINDS]
    score = "F1, %" if record["marks_spans"] else "accuracy, %"
    return markdown_table(("words/s", *titles, "windowclf ÷ it", score, "memory, MB"), rows)


def _about(record: dict[str, Any]) -> str:
    network = record["network"]
    hidden = " and ".join(map(str, network["hidden"])) or "no"
    missing = f" Not measured: {', '.join(record['not_measured'])}." if record["not_measured"] else ""
    return (
        f"Medians of {record['repetitions']} with the least and the greatest; one thread a process. "
        f"{record['words']:,} words of {record['corpus']}, dev and test. The model: loss {network['loss']}, "
        f"window {network['window']}, {hidden} hidden units, {network['labels']} labels. Peers learnt from "
        f"{record['learnt']:,} sentences.{missing} Measured on: {machine_line(record['machine'])}."
    )


def _profile(record: dict[str, Any]) -> str:
    spent, network, machine = record["profile"], record["network"], record["machine_rates"]
    total = sum(spent.values())
    parts = [(title, f"{1e9 * s:.0f}", f"{100 * s / total:.0f}") for title, s in spent.items()]
    n_columns = (network["hidden"] or [network["labels"]])[0]
    gathered = 2 * 4e-9 * network["window"] * n_columns / spent[GATHER]  # read and written, as copying is
    widths = [*network["hidden"], network["labels"]]
    products = 2e-9 * sum(a * b for a, b in pairwise(widths)) / spent[OUTPUT]
    return (
        f"{markdown_table(('raw text, one process', 'ns a word', '% of the time'), parts)}\n\n"
        f"Gathering moves {gathered:.1f} GB/s, where copying large arrays moves {machine['copy_gb']:.1f}. "
        f"The layers after the first do {products:.1f} GFLOP/s, activation included; the product of large "
        f"matrices does {machine['sgemm_gflops']:.0f}, with one thread."
    )
