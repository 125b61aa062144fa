"""The labels of a task: collected, numbered, refused where they make no task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.corpus import IGNORED, LabelSet, Scheme, Span, labels_from_spans
from windowclf.errors import DataError


@pytest.mark.parametrize(
    "sequences, scheme",
    [
        ([["O", "B-LOC", "I-LOC"]], Scheme.IOB2),
        ([["O", "I-LOC", "I-LOC"]], Scheme.IOB1),
        ([["O", "S-LOC"]], Scheme.IOBES),
        ([["DET", "NOUN"], ["VERB"]], None),
        ([["yes", "no"]], None),
    ],
)
def test_the_scheme_is_seen_from_the_labels(sequences: list[list[str]], scheme: Scheme | None) -> None:
    assert LabelSet.of(sequences).scheme is scheme


@pytest.mark.parametrize(
    "given, taken", [("auto", Scheme.IOB2), ("IOB1", Scheme.IOB1), ("IOB2", Scheme.IOB2)]
)
def test_a_scheme_that_is_given_decides_where_labels_could_be_either(given: str, taken: Scheme) -> None:
    assert LabelSet.of([["I-LOC", "O"], ["B-LOC", "O"]], scheme=given).scheme is taken


def test_span_labels_can_be_taken_as_plain_classes() -> None:
    assert LabelSet.of([["O", "B-LOC"]], scheme="none").scheme is None


def test_labels_are_sorted_so_that_the_order_of_the_data_does_not_matter() -> None:
    assert LabelSet.of([["b", "c"], [], ["a"]]).names == ("a", "b", "c")


def test_the_ignored_label_is_no_label() -> None:
    labels = LabelSet.of([["_", "yes", "_"], ["no"], ["_"]], ignore="_")
    assert labels.names == ("no", "yes")
    assert labels.encode(["yes", "_", "no"]).tolist() == [1, IGNORED, 0]


def test_any_label_can_be_the_ignored_one() -> None:
    labels = LabelSet.of([["skip", "yes", "_"]], ignore="skip")
    assert labels.names == ("_", "yes")
    assert labels.encode(["_", "skip", "yes"]).tolist() == [0, IGNORED, 1]


def test_without_an_ignored_label_an_underscore_is_a_label_like_any_other() -> None:
    assert LabelSet.of([["_", "yes"]]).names == ("_", "yes")


@pytest.mark.parametrize("sequences", [[], [[]], [["O", "O"]], [["_", "O"]], [["_"]]])
def test_fewer_than_two_labels_are_no_task(sequences: list[list[str]]) -> None:
    with pytest.raises(DataError, match="at least two different labels"):
        LabelSet.of(sequences, ignore="_")


def test_a_label_that_marks_no_span_among_those_that_do_is_named() -> None:
    with pytest.raises(DataError) as caught:
        LabelSet.of([["O", "B-LOC"], ["LOC", "O"]])
    assert caught.value.found == "LOC"
    assert "--scheme none" in str(caught.value)


def test_an_odd_label_is_a_class_where_labels_are_plain() -> None:
    assert LabelSet.of([["O", "B-LOC", "LOC"]], scheme="none").names == ("B-LOC", "LOC", "O")


def test_a_scheme_that_is_given_must_be_followed() -> None:
    with pytest.raises(DataError, match="the labels do not follow IOB2"):
        LabelSet.of([["DET", "NOUN"]], scheme="IOB2")


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(DataError) as caught:
        LabelSet(["no", "yes"], None).encode(["no", "maybe"])
    assert str(caught.value) == "unknown label; found 'maybe'; allowed: no, yes"


@pytest.mark.parametrize(
    "inner_scheme, names",
    [
        (Scheme.IOB2, ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
        (
            Scheme.IOBES,
            ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC", "B-PER", "I-PER", "E-PER", "S-PER"),
        ),
    ],
)
@pytest.mark.parametrize("labels", ["O B-LOC B-PER", "O I-LOC I-PER", "S-PER S-LOC O"])
def test_span_labels_are_learnt_with_every_prefix_of_every_kind(
    labels: str, inner_scheme: Scheme, names: tuple[str, ...]
) -> None:
    assert LabelSet.of([labels.split()], internal_scheme=inner_scheme).names == names


@pytest.mark.parametrize(
    "labels, inner_scheme, learnt",
    [
        ("I-LOC I-LOC O _ I-PER", Scheme.IOB2, "B-LOC I-LOC O _ B-PER"),
        ("B-LOC I-LOC O _ B-PER", Scheme.IOBES, "B-LOC E-LOC O _ S-PER"),
        ("B-LOC E-LOC O _ S-PER", Scheme.IOB2, "B-LOC I-LOC O _ B-PER"),
    ],
)
def test_labels_are_numbered_in_the_scheme_they_are_learnt_in(
    labels: str, inner_scheme: Scheme, learnt: str
) -> None:
    label_set = LabelSet.of([labels.split()], internal_scheme=inner_scheme, ignore="_")
    numbers = label_set.encode(labels.split()).tolist()
    assert ["_" if i == IGNORED else label_set.names[i] for i in numbers] == learnt.split()


@pytest.mark.parametrize(
    "scheme, inner_scheme, names",
    [
        (Scheme.IOB2, Scheme.IOBES, ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
        (Scheme.IOB2, Scheme.IOB2, ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
        (Scheme.IOBES, Scheme.IOB2, ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
    ],
)
def test_labels_that_are_spelled_alike_are_one(
    scheme: Scheme, inner_scheme: Scheme, names: tuple[str, ...]
) -> None:
    labels = LabelSet.of([["O", "B-LOC", "B-PER"]], scheme=scheme, internal_scheme=inner_scheme)
    assert labels.output_names == names


def test_probabilities_of_labels_that_are_spelled_alike_are_added() -> None:
    labels = LabelSet.of([["O", "B-X"]], internal_scheme=Scheme.IOBES)
    assert labels.names == ("O", "B-X", "I-X", "E-X", "S-X")
    probs = np.array([[0.5, 0.25, 0.125, 0.0625, 0.0625], [0, 0, 0, 1, 0]], np.float32)
    assert labels.merge(probs).tolist() == [[0.5, 0.3125, 0.1875], [0, 0, 1]]


def test_probabilities_that_are_added_are_at_most_one() -> None:
    above = np.array([[0, 0.625, 0, 0, 0.37500012]], np.float32)
    assert above.sum() > 1
    assert LabelSet.of([["O", "B-X"]], internal_scheme=Scheme.IOBES).merge(above).max() == 1


@pytest.mark.parametrize(
    "labels", [LabelSet(["a", "b"], None), LabelSet(["O", "S-X"], Scheme.IOB1, Scheme.IOBES)]
)
def test_where_no_labels_are_spelled_alike_probabilities_stay(labels: LabelSet) -> None:
    probs = np.array([[0.25, 0.75]], np.float32)
    assert labels.output_names == labels.names
    np.testing.assert_array_equal(labels.merge(probs), probs)


KINDS = st.sampled_from(["LOC", "PER"])
SPANS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), KINDS), max_size=4)


@pytest.mark.parametrize("inner_scheme", [Scheme.IOB2, Scheme.IOBES])
@pytest.mark.parametrize("scheme", list(Scheme))
@given(texts=st.lists(SPANS, max_size=4))
def test_what_is_numbered_is_spelled_as_it_was(
    scheme: Scheme, inner_scheme: Scheme, texts: list[list[tuple[int, int, str]]]
) -> None:
    sentences = [_labels(text, scheme) for text in texts]
    label_set = LabelSet.of([["O", "B-LOC", "B-PER"]], scheme=scheme, internal_scheme=inner_scheme)
    numbers = np.concatenate([np.zeros(0, np.int64), *(label_set.encode(s) for s in sentences)])
    lengths = np.array([len(s) for s in sentences], dtype=np.int64)
    assert label_set.to_output(numbers, lengths) == sentences


def _labels(text: list[tuple[int, int, str]], scheme: Scheme) -> list[str]:
    """Return labels of spans, each so many words after the one before, so many words long, of a kind."""
    found, end = [], 0
    for gap, length, kind in text:
        found.append(Span(end + gap, end + gap + length, kind))
        end += gap + length
    return labels_from_spans(found, end, scheme)


SPANS_OF_LOC = LabelSet.of([["O", "B-LOC"]], ignore="_")
YES_OR_NO = LabelSet.of([["yes", "no"]], ignore="_")


@pytest.mark.parametrize(
    "labels, other",
    [
        (SPANS_OF_LOC, "O B-LOC I-LOC"),
        (SPANS_OF_LOC, "S-LOC O"),
        (SPANS_OF_LOC, "B-LOC B-ORG"),
        (SPANS_OF_LOC, "O O"),
        (SPANS_OF_LOC, "_ _"),
        (SPANS_OF_LOC, ""),
        (YES_OR_NO, "yes"),
        (YES_OR_NO, "yes maybe"),
        (YES_OR_NO, "_"),
    ],
)
def test_labels_of_the_same_task_can_be_compared(labels: LabelSet, other: str) -> None:
    labels.check_comparable([other.split()])


@pytest.mark.parametrize(
    "labels, other, named",
    [
        (SPANS_OF_LOC, "O B-LOC NOUN", "NOUN"),
        (SPANS_OF_LOC, "LOC", "LOC"),
        (SPANS_OF_LOC, "O B-ORG I-ORG", "B-ORG, I-ORG"),
        (YES_OR_NO, "maybe", "maybe"),
        (YES_OR_NO, "B-LOC", "B-LOC"),
    ],
)
def test_labels_of_another_task_are_refused(labels: LabelSet, other: str, named: str) -> None:
    with pytest.raises(DataError) as caught:
        labels.check_comparable([[], other.split()])
    assert caught.value.found == named
    assert caught.value.allowed == ", ".join(labels.names)


def test_plain_labels_are_spelled_as_they_are() -> None:
    spelled = LabelSet(["a", "b"], None).to_output(np.array([1, 0, 1]), np.array([2, 0, 1]))
    assert spelled == [["b", "a"], [], ["b"]]


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_numbers_are_places_among_the_names(sequence: list[str]) -> None:
    labels = LabelSet(["c", "a", "b"], None)
    assert [labels.names[i] for i in labels.encode(sequence)] == sequence


def test_its_length_is_the_number_of_labels() -> None:
    assert len(LabelSet(["a", "b", "c"], None, ignore="_")) == 3
