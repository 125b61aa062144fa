"""Scores, worked out by hand: accuracy, entities by conlleval's rules, seen and unseen words."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.corpus import Span
from windowclf.errors import DataError
from windowclf.evaluation import (
    CalibrationErrors,
    Evaluation,
    Score,
    Share,
    evaluate_labels,
    measure_calibration,
    reliability,
)
from windowclf.evaluation.metrics import score

SPAN_LABELS = st.sampled_from(["O", "B-LOC", "I-LOC", "B-PER", "I-PER"])
SENTENCES = st.lists(st.lists(st.tuples(SPAN_LABELS, SPAN_LABELS), max_size=6), max_size=5)


def _evaluate(
    gold: list[str], predicted: list[str], *, span_labels: bool = True, ignore_label: str | None = None
) -> Evaluation:
    """Score sentences that are written as strings of labels."""
    return evaluate_labels(
        [["w"] * len(labels.split()) for labels in gold],
        [labels.split() for labels in gold],
        [labels.split() for labels in predicted],
        span_labels=span_labels,
        ignore_label=ignore_label,
    )


@pytest.mark.parametrize(
    "gold, predicted, n_right, n_gold, n_predicted",
    [
        ("B-LOC I-LOC O", "B-LOC I-LOC O", 1, 1, 1),
        ("B-LOC I-LOC O", "B-LOC O O", 0, 1, 1),
        ("B-LOC I-LOC O", "B-PER I-PER O", 0, 1, 1),
        ("B-LOC I-LOC O", "O O O", 0, 1, 0),
        ("O O O", "B-LOC O O", 0, 0, 1),
        ("B-LOC B-LOC O", "B-LOC I-LOC O", 0, 2, 1),
        ("B-LOC O B-PER", "B-LOC B-ORG B-PER", 2, 2, 3),
        # what no scheme allows is read as conlleval reads it
        ("B-LOC I-LOC", "I-LOC I-LOC", 1, 1, 1),
        ("B-LOC B-PER", "B-LOC I-PER", 2, 2, 2),
        ("O B-LOC", "O I-LOC", 1, 1, 1),
        # the other schemes need not be named
        ("I-LOC B-LOC", "B-LOC B-LOC", 2, 2, 2),
        ("S-LOC O B-PER E-PER", "B-LOC O B-PER I-PER", 2, 2, 2),
    ],
)
def test_an_entity_is_right_if_both_ends_and_its_kind_are(
    gold: str, predicted: str, n_right: int, n_gold: int, n_predicted: int
) -> None:
    evaluation = _evaluate([gold], [predicted])
    expected = score("all", n_right, n_gold, n_predicted)
    assert (evaluation.precision, evaluation.recall, evaluation.f1) == (
        expected.precision,
        expected.recall,
        expected.f1,
    )


def test_an_entity_ends_with_its_sentence() -> None:
    evaluation = _evaluate(["B-LOC", "I-LOC"], ["B-LOC", "B-LOC"])
    assert evaluation.f1 == 1.0
    assert evaluation.token_accuracy == 0.5


@pytest.mark.parametrize(
    "right, support, predicted, precision, recall, f1",
    [
        (2, 4, 3, 2 / 3, 1 / 2, 4 / 7),
        (3, 3, 3, 1.0, 1.0, 1.0),
        (0, 4, 3, 0.0, 0.0, 0.0),
        (0, 0, 3, 0.0, 0.0, 0.0),
        (0, 4, 0, 0.0, 0.0, 0.0),
        (0, 0, 0, 0.0, 0.0, 0.0),
    ],
)
def test_precision_recall_and_f1_of_counts(
    right: int, support: int, predicted: int, precision: float, recall: float, f1: float
) -> None:
    found = score("x", right, support, predicted)
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))


def test_a_whole_report_worked_out_by_hand() -> None:
    evaluation = evaluate_labels(
        [["Paris", "is", "old"], ["Anna", "Smith", "saw", "Rome"]],
        [["B-LOC", "O", "O"], ["B-PER", "I-PER", "O", "B-LOC"]],
        [["B-LOC", "O", "B-LOC"], ["B-PER", "O", "O", "B-PER"]],
        span_labels=True,
        seen={"is", "old", "saw", "Anna"}.__contains__,
    )
    # entities: true LOC Paris, PER Anna Smith, LOC Rome; predicted LOC Paris, LOC old, PER Anna, PER Rome
    assert evaluation == Evaluation(
        token_accuracy=4 / 7,
        precision=1 / 4,
        recall=1 / 3,
        f1=2 / 7,
        n_sentences=2,
        n_tokens=7,
        labels=(
            Score("B-LOC", 1 / 2, 1 / 2, 1 / 2, 2, 2),
            Score("B-PER", 1 / 2, 1.0, 2 / 3, 1, 2),
            Score("I-PER", 0.0, 0.0, 0.0, 1, 0),
            Score("O", 2 / 3, 2 / 3, 2 / 3, 3, 3),
        ),
        entities=(Score("LOC", 1 / 2, 1 / 2, 1 / 2, 2, 2), Score("PER", 0.0, 0.0, 0.0, 1, 2)),
        seen=Share(3 / 4, 4),
        unseen=Share(1 / 3, 3),
        confusions=(("B-LOC", "B-PER", 1), ("I-PER", "O", 1), ("O", "B-LOC", 1)),
    )


def test_plain_labels_have_no_entities() -> None:
    evaluation = _evaluate(["DET NOUN VERB"], ["DET VERB VERB"], span_labels=False)
    assert (evaluation.precision, evaluation.recall, evaluation.f1) == (None, None, None)
    assert evaluation.entities is None
    assert evaluation.token_accuracy == 2 / 3


@pytest.mark.parametrize("span_labels, main_score", [(True, 1.0), (False, 0.5)])
def test_the_main_score_is_entity_f1_where_labels_mark_spans_else_accuracy(
    span_labels: bool, main_score: float
) -> None:
    evaluation = _evaluate(["B-LOC I-LOC"], ["I-LOC I-LOC"], span_labels=span_labels)
    assert evaluation.main_score == main_score


def test_ignored_tokens_count_nowhere() -> None:
    evaluation = _evaluate(["_ yes no _"], ["no yes yes yes"], span_labels=False, ignore_label="_")
    assert evaluation.n_tokens == 2
    assert evaluation.token_accuracy == 0.5
    assert [(row.label, row.support, row.predicted) for row in evaluation.labels] == [
        ("no", 1, 0),
        ("yes", 1, 2),
    ]
    assert evaluation.confusions == (("no", "yes", 1),)


def test_what_is_predicted_on_ignored_tokens_makes_no_entity() -> None:
    evaluation = _evaluate(["_ B-LOC _ O"], ["B-PER B-LOC I-LOC O"], ignore_label="_")
    assert evaluation.entities == (Score("LOC", 1.0, 1.0, 1.0, 1, 1),)


def test_without_an_ignored_label_an_underscore_is_scored() -> None:
    assert _evaluate(["_ yes"], ["yes yes"], span_labels=False).n_tokens == 2


def test_seen_words_are_scored_apart_from_unseen_ones() -> None:
    evaluation = evaluate_labels(
        [["a", "b", "a", "c"]],
        [["x", "x", "y", "y"]],
        [["x", "y", "x", "y"]],
        span_labels=False,
        seen=lambda word: word == "a",
    )
    assert evaluation.seen == Share(0.5, 2)
    assert evaluation.unseen == Share(0.5, 2)


def test_a_share_of_no_tokens_has_no_accuracy() -> None:
    evaluation = _evaluate(["x"], ["x"], span_labels=False)
    assert evaluation.seen == Share(None, 0)


@pytest.mark.parametrize("gold", [[], [""], ["_ _"]])
@pytest.mark.parametrize("span_labels", [True, False])
def test_nothing_to_score_scores_nothing(gold: list[str], span_labels: bool) -> None:
    evaluation = _evaluate(
        gold, [labels.replace("_", "O") for labels in gold], span_labels=span_labels, ignore_label="_"
    )
    assert (evaluation.n_sentences, evaluation.n_tokens) == (len(gold), 0)
    assert evaluation.main_score == 0.0
    assert evaluation.labels == ()
    assert evaluation.confusions == ()


def test_confusions_come_most_frequent_first() -> None:
    evaluation = _evaluate(["a a b b b a"], ["b c c c a a"], span_labels=False)
    assert evaluation.confusions == (("b", "c", 2), ("a", "b", 1), ("a", "c", 1), ("b", "a", 1))


@pytest.mark.parametrize("predicted", [["x"], ["x x x"], ["x x", "x"], []])
def test_unequal_lengths_are_a_fault_of_the_caller(predicted: list[str]) -> None:
    with pytest.raises(ValueError, match="zip"):
        _evaluate(["x x"], predicted, span_labels=False)


@given(SENTENCES)
def test_laws_of_scores(pairs: list[list[tuple[str, str]]]) -> None:
    gold = [" ".join(true for true, _ in sentence) for sentence in pairs]
    predicted = [" ".join(guess for _, guess in sentence) for sentence in pairs]
    there, back = _evaluate(gold, predicted), _evaluate(predicted, gold)
    assert (there.precision, there.recall, there.f1) == (back.recall, back.precision, back.f1)
    assert there.token_accuracy == back.token_accuracy
    assert sum(row.support for row in there.labels) == there.n_tokens == sum(map(len, pairs))
    n_wrong = sum(count for _, _, count in there.confusions)
    assert there.token_accuracy == pytest.approx(1 - n_wrong / there.n_tokens if there.n_tokens else 0)


@given(SENTENCES)
def test_the_truth_scores_one(pairs: list[list[tuple[str, str]]]) -> None:
    gold = [" ".join(true for true, _ in sentence) for sentence in pairs]
    evaluation = _evaluate(gold, gold)
    has_entity = any(label != "O" for labels in gold for label in labels.split())
    assert evaluation.f1 == float(has_entity)
    assert evaluation.token_accuracy == float(evaluation.n_tokens > 0)


def test_a_report_can_be_written_as_json() -> None:
    values = json.loads(json.dumps(_evaluate(["B-LOC O"], ["B-LOC B-LOC"]).to_dict()))
    assert values["f1"] == pytest.approx(2 / 3)
    assert values["labels"][0] == {
        "label": "B-LOC",
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "support": 1,
        "predicted": 2,
    }
    assert values["seen"] == {"accuracy": None, "n_tokens": 0}
    assert values["tokens_per_second"] is None


# -- calibration -------------------------------------------------------------------------------------

GOLD = ["B-PER I-PER O B-LOC".split(), "O B-LOC".split()]
GUESS = ["B-PER O O B-LOC".split(), "B-LOC I-LOC".split()]
CONFIDENCES = [[0.9, 0.6, 1.0, 0.7], [0.5, 0.4]]
ENTITIES = [[(Span(0, 1, "PER"), 0.55), (Span(3, 4, "LOC"), 0.7)], [(Span(0, 2, "LOC"), 0.3)]]


def test_calibration_pairs_each_probability_with_what_is_right() -> None:
    assert measure_calibration(GOLD, GUESS, CONFIDENCES, ENTITIES) == CalibrationErrors(
        words=reliability([0.9, 0.6, 1.0, 0.7, 0.5, 0.4], [True, False, True, True, False, False]),
        entities=reliability([0.55, 0.7, 0.3], [False, True, False]),
    )


def test_without_probabilities_of_entities_only_words_are_measured() -> None:
    calibration = measure_calibration(GOLD, GUESS, CONFIDENCES)
    assert calibration.entities is None
    assert calibration.words.count == 6


@pytest.mark.parametrize("span", [(0, 2, "PER"), (0, 1, "LOC"), (1, 2, "PER"), (0, 3, "PER")])
def test_a_probable_entity_is_wrong_if_an_end_or_its_kind_is(span: tuple[int, int, str]) -> None:
    calibration = measure_calibration([["B-PER", "O", "O"]], [["O"] * 3], [[1.0] * 3], [[(Span(*span), 0.8)]])
    assert calibration.entities == reliability([0.8], [False])


def test_words_that_are_ignored_and_entities_that_hold_one_are_left_out() -> None:
    calibration = measure_calibration(
        [["B-LOC", "_", "B-LOC"]],
        [["B-LOC", "I-LOC", "B-LOC"]],
        [[0.9, 0.8, 0.7]],
        [[(Span(0, 2, "LOC"), 0.6), (Span(2, 3, "LOC"), 0.5)]],
        ignore_label="_",
    )
    assert calibration == CalibrationErrors(reliability([0.9, 0.7], [True, True]), reliability([0.5], [True]))


def test_calibration_of_nothing_has_no_error() -> None:
    calibration = measure_calibration([], [], [], [])
    assert calibration == CalibrationErrors(reliability([], []), reliability([], []))


def test_a_confidence_for_each_word_is_needed() -> None:
    with pytest.raises(ValueError, match="zip"):
        measure_calibration([["x"]], [["x"]], [[]])
    with pytest.raises(DataError, match="not a probability"):
        measure_calibration([["x"]], [["x"]], [[2.0]])


def test_calibration_can_be_written_as_json() -> None:
    calibration = measure_calibration(GOLD, GUESS, CONFIDENCES)
    values = json.loads(json.dumps(replace(_evaluate([], []), calibration=calibration).to_dict()))
    assert values["calibration"]["entities"] is None
    words = values["calibration"]["words"]
    assert words["expected_calibration_error"] == pytest.approx(1.9 / 6)
    assert words["count"] == 6
    assert [row["count"] for row in words["bins"] if row["count"]] == [1, 1, 1, 1, 1, 1]
    assert words["bins"][-1] == {"start": 14 / 15, "end": 1, "count": 1, "confidence": 1, "accuracy": 1}
    assert words["bins"][0]["confidence"] is None
