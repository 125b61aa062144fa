"""Entity scores against seqeval in its default mode, which follows conlleval as windowclf does.

No difference is known: both read B-, I- without a start, changes of kind within a span, and E- and S- alike.
"""

import numpy as np
import pytest
from seqeval.metrics import (
    accuracy_score,
    classification_report,
    f1_score,
    precision_score,
    recall_score,
)
from seqeval.metrics.sequence_labeling import get_entities

from windowclf.corpus import Scheme, Span, convert, spans
from windowclf.evaluation import evaluate_labels

KINDS = ("LOC", "PER", "ORG")
IOB = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in KINDS)]
IOBES = [*IOB, *(f"{prefix}-{kind}" for prefix in "ES" for kind in KINDS)]


def _random_corpus(names: list[str], seed: int) -> list[list[str]]:
    """Return sentences of random labels, half of them O, so that most break every scheme."""
    rng = np.random.default_rng(seed)
    weights = np.where(np.array(names) == "O", 0.5, 0.5 / (len(names) - 1))
    return [
        [str(name) for name in rng.choice(names, size=n, p=weights)] for n in rng.integers(1, 12, size=40)
    ]


def _corrupted(gold: list[list[str]], names: list[str], seed: int) -> list[list[str]]:
    """Replace a fifth of the labels by random ones, so that some entities are right."""
    rng = np.random.default_rng(seed)
    return [
        [str(rng.choice(names)) if rng.random() < 0.2 else label for label in sentence] for sentence in gold
    ]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("names", [IOB, IOBES], ids=["IOB", "IOBES"])
def test_the_spans_of_any_label_sequence(names: list[str], seed: int) -> None:
    for sentence in _random_corpus(names, seed):
        expected = [Span(start, end + 1, kind) for kind, start, end in get_entities(sentence)]
        assert spans(sentence) == expected


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind_of_data", ["IOB at random", "IOBES at random", "legal IOB2"])
def test_scores_of_any_label_sequences(kind_of_data: str, seed: int) -> None:
    names = IOBES if kind_of_data.startswith("IOBES") else IOB
    gold = _random_corpus(names, seed)
    predicted = _corrupted(gold, names, seed + 1000)
    if kind_of_data == "legal IOB2":
        gold, predicted = (
            [convert(sentence, Scheme.IOB2) for sentence in corpus] for corpus in (gold, predicted)
        )
    found = evaluate_labels(gold, gold, predicted, span_labels=True)
    assert 0 < found.main_score < 1
    assert found.f1 == pytest.approx(f1_score(gold, predicted))
    assert found.precision == pytest.approx(precision_score(gold, predicted))
    assert found.recall == pytest.approx(recall_score(gold, predicted))
    assert found.token_accuracy == pytest.approx(accuracy_score(gold, predicted))


@pytest.mark.parametrize("seed", range(5))
def test_the_row_of_each_kind(seed: int) -> None:
    gold = _random_corpus(IOB, seed)
    predicted = _corrupted(gold, IOB, seed + 1000)
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    rows = evaluate_labels(gold, gold, predicted, span_labels=True).entities
    assert rows is not None
    assert [row.label for row in rows] == sorted(KINDS)
    for row in rows:
        expected = report[row.label]
        assert row.support == expected["support"]
        assert (row.precision, row.recall, row.f1) == pytest.approx(
            (expected["precision"], expected["recall"], expected["f1-score"])
        )


@pytest.mark.parametrize("gold, predicted", [("O O", "B-LOC O"), ("B-LOC O", "O O"), ("B-LOC O", "O B-LOC")])
def test_where_nothing_is_right_every_score_is_zero(gold: str, predicted: str) -> None:
    true, guess = [gold.split()], [predicted.split()]
    found = evaluate_labels(true, true, guess, span_labels=True)
    assert found.f1 == f1_score(true, guess, zero_division=0) == 0
    assert found.precision == precision_score(true, guess, zero_division=0) == 0
    assert found.recall == recall_score(true, guess, zero_division=0) == 0
