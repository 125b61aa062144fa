"""Label schemes: tables against conlleval's rules, round trips, detection."""

from collections.abc import Sequence
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowclf.corpus import (
    Scheme,
    Span,
    convert,
    detect_scheme,
    illegal_transitions,
    is_legal,
    is_span_label,
    labels_from_spans,
    parse_label,
    spans,
)
from windowclf.corpus.label_schemes import Detection, Illegal
from windowclf.errors import DataError

SPAN_LABELS = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("LOC", "PER"))]


def conlleval_spans(labels: Sequence[str]) -> list[Span]:
    """Return spans by startOfChunk and endOfChunk of conlleval (IOBES edition), written out rule by rule."""

    def ends(before: str, tag: str, kind_before: str, kind: str) -> bool:
        pairs = {
            "BB",
            "BS",
            "BO",
            "IB",
            "IS",
            "IO",
            "EE",
            "EI",
            "EO",
            "ES",
            "EB",
            "SE",
            "SI",
            "SO",
            "SS",
            "SB",
        }
        return before + tag in pairs or (before != "O" and kind_before != kind)

    def starts(before: str, tag: str, kind_before: str, kind: str) -> bool:
        pairs = {"EE", "EI", "SE", "SI", "OE", "OI"}
        return tag in "BS" or before + tag in pairs or (tag != "O" and kind_before != kind)

    found, start = [], None
    before, kind_before = "O", ""
    for i, label in enumerate([*labels, "O"]):
        tag, _, kind = label.partition("-")
        if ends(before, tag, kind_before, kind) and start is not None:
            found.append(Span(start, i, kind_before))
            start = None
        if starts(before, tag, kind_before, kind):
            start = i
        before, kind_before = tag, kind
    return found


@pytest.mark.parametrize(
    ("label", "parsed"),
    [
        ("O", ("O", "")),
        ("B-LOC", ("B", "LOC")),
        ("I-creative-work", ("I", "creative-work")),
        ("S- ", ("S", " ")),
        ("NN", ("", "NN")),
        ("B-", ("", "B-")),
        ("B", ("", "B")),
        ("X-LOC", ("", "X-LOC")),
        ("-LRB-", ("", "-LRB-")),
        ("", ("", "")),
    ],
)
def test_a_label_is_parsed_into_prefix_and_kind(label: str, parsed: tuple[str, str]) -> None:
    assert parse_label(label) == parsed
    assert is_span_label(label) == bool(parsed[0])


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_spans_are_those_of_conlleval_for_every_sequence(length: int) -> None:
    for labels in product(SPAN_LABELS, repeat=length):
        assert spans(labels) == conlleval_spans(labels), labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("I-a I-a O", [(0, 2, "a")]),
        ("I-a I-b", [(0, 1, "a"), (1, 2, "b")]),
        ("I-a B-a", [(0, 1, "a"), (1, 2, "a")]),
        ("B-a I-b I-b", [(0, 1, "a"), (1, 3, "b")]),
        ("B-a I-a E-a S-a", [(0, 3, "a"), (3, 4, "a")]),
        ("E-a I-a", [(0, 1, "a"), (1, 2, "a")]),
        ("O O", []),
        ("", []),
    ],
)
def test_labels_mark_spans(labels: str, expected: list[tuple[int, int, str]]) -> None:
    assert spans(labels.split()) == [Span(*span) for span in expected]


def test_an_ignored_word_ends_a_span() -> None:
    expected = [Span(0, 1, "a"), Span(2, 3, "a"), Span(4, 5, "a")]
    assert spans(["B-a", "_", "I-a", None, "I-a"]) == expected
    assert spans(["B-a", "?", "I-a", None, "I-a"], ignore="?") == expected


@pytest.mark.parametrize("label", ["NN", "B-", ""])
def test_spans_of_labels_that_are_none_is_an_error(label: str) -> None:
    with pytest.raises(DataError, match="not a span label") as caught:
        spans(["O", label])
    assert caught.value.found == label


@st.composite
def spans_of_a_sentence(draw: st.DrawFn) -> tuple[list[Span], int]:
    length = draw(st.integers(0, 12))
    borders = sorted(draw(st.sets(st.integers(0, length))))
    kinds = st.sampled_from(["LOC", "PER", "creative-work", "é\n"])
    pairs = pairwise(borders)
    return [Span(start, end, draw(kinds)) for start, end in pairs if draw(st.booleans())], length


@settings(deadline=None)
@given(spans_of_a_sentence(), st.sampled_from(Scheme), st.sampled_from(Scheme))
def test_spans_come_back_from_their_labels(
    case: tuple[list[Span], int], scheme: Scheme, other: Scheme
) -> None:
    expected, length = case
    labels = labels_from_spans(expected, length, scheme)
    assert len(labels) == length
    assert spans(labels) == expected
    assert illegal_transitions(labels, scheme) == []
    assert convert(convert(labels, other), scheme) == labels


@pytest.mark.parametrize(
    ("scheme", "labels"),
    [
        (Scheme.IOB1, "I-a I-a B-a O I-b I-a"),
        (Scheme.IOB2, "B-a I-a B-a O B-b B-a"),
        (Scheme.IOBES, "B-a E-a S-a O S-b S-a"),
    ],
)
def test_the_same_spans_in_each_scheme(scheme: Scheme, labels: str) -> None:
    found = [Span(0, 2, "a"), Span(2, 3, "a"), Span(4, 5, "b"), Span(5, 6, "a")]
    assert labels_from_spans(reversed(found), 6, scheme) == labels.split()


@pytest.mark.parametrize(
    "wrong",
    [
        [Span(0, 2, "a"), Span(1, 3, "a")],
        [Span(1, 1, "a")],
        [Span(2, 1, "a")],
        [Span(-1, 1, "a")],
        [Span(2, 4, "a")],
        [Span(0, 1, "")],
    ],
)
def test_spans_that_cannot_be_labelled_are_errors(wrong: list[Span]) -> None:
    with pytest.raises(DataError, match="not a valid span"):
        labels_from_spans(wrong, 3, Scheme.IOB2)


# After the label on the left, the labels that may follow; $ is the end of the sentence.
LEGAL = {
    Scheme.IOB1: {
        "O": "O I-a I-b $",
        "B-a": "O I-a B-a I-b $",
        "I-a": "O I-a B-a I-b $",
    },
    Scheme.IOB2: {
        "O": "O B-a B-b $",
        "B-a": "O I-a B-a B-b $",
        "I-a": "O I-a B-a B-b $",
    },
    Scheme.IOBES: {
        "O": "O B-a S-a B-b S-b $",
        "B-a": "I-a E-a",
        "I-a": "I-a E-a",
        "E-a": "O B-a S-a B-b S-b $",
        "S-a": "O B-a S-a B-b S-b $",
    },
}


@pytest.mark.parametrize("scheme", Scheme)
def test_exactly_the_legal_transitions_are_legal(scheme: Scheme) -> None:
    labels = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in "ab"), "NN"]
    for before in ("O", "B-a", "I-a", "E-a", "S-a", "NN"):
        followers = LEGAL[scheme].get(before, "").split()
        for label in labels:
            assert is_legal(before, label, scheme) == (label in followers), (before, label)
        assert is_legal(before, None, scheme) == ("$" in followers), before
    for label in labels:  # a sentence begins as after O
        assert is_legal(None, label, scheme) == is_legal("O", label, scheme), label


@pytest.mark.parametrize(
    ("scheme", "labels", "expected"),
    [
        (Scheme.IOB2, ["I-a", "O"], [Illegal(0, None, "I-a")]),
        (Scheme.IOB2, ["B-a", "I-b", "I-b"], [Illegal(1, "B-a", "I-b")]),
        (Scheme.IOB1, ["O", "B-a"], [Illegal(1, "O", "B-a")]),
        (Scheme.IOBES, ["B-a"], [Illegal(1, "B-a", None)]),
        (Scheme.IOB2, ["B-a", "E-a"], [Illegal(1, "B-a", "E-a"), Illegal(2, "E-a", None)]),
        (Scheme.IOB2, ["_", "I-a", None, "I-a", "_"], []),
        (Scheme.IOBES, ["B-a", "_"], []),
        (Scheme.IOBES, [], []),
    ],
)
def test_illegal_transitions_are_named(
    scheme: Scheme, labels: list[str | None], expected: list[Illegal]
) -> None:
    assert illegal_transitions(labels, scheme) == expected


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        (["O B-a I-a", "B-b"], Detection(Scheme.IOB2, 0, None)),
        (["O I-a I-a B-a", "I-b"], Detection(Scheme.IOB1, 0, None)),
        (["B-a", "B-a", "I-a"], Detection(Scheme.IOB2, 1, None)),
        (["I-a", "I-a", "B-a"], Detection(Scheme.IOB1, 1, None)),
        (["I-a", "B-a"], Detection(Scheme.IOB2, 1, None)),  # as many faults in IOB1
        (["O S-a"], Detection(Scheme.IOBES, 0, None)),
        (["B-a E-a", "B-a I-a O"], Detection(Scheme.IOBES, 1, None)),
        (["DT NN", "VB"], Detection(None, 0, None)),
        (["O O", "O"], Detection(None, 0, None)),
        (["B-a NN"], Detection(None, 0, None)),  # no O: the hyphen means nothing
        (["O NN"], Detection(None, 0, None)),
        (["O B-a", "O NN JJ"], Detection(None, 0, "NN")),
        (["O _ B-a _ I-a"], Detection(Scheme.IOB2, 0, None)),
        ([], Detection(None, 0, None)),
        ([""], Detection(None, 0, None)),
    ],
)
def test_the_scheme_is_detected(sequences: list[str], expected: Detection) -> None:
    assert detect_scheme(labels.split() for labels in sequences) == expected


@pytest.mark.parametrize("ignore", [None, "", "_"])
def test_words_without_a_label_do_not_disturb_detection(ignore: str | None) -> None:
    assert detect_scheme([["I-a", None, "I-a"], ["I-b"], [None]], ignore=ignore) == (Scheme.IOB1, 0, None)


@settings(deadline=None)
@given(st.lists(spans_of_a_sentence(), min_size=1), st.sampled_from([Scheme.IOB2, Scheme.IOBES]))
def test_written_labels_are_detected_as_what_they_are(
    cases: list[tuple[list[Span], int]], scheme: Scheme
) -> None:
    sequences = [labels_from_spans(found, length, scheme) for found, length in cases]
    detection = detect_scheme(sequences)
    if any(found for found, _ in cases):
        assert detection == Detection(scheme, 0, None)
    else:
        assert detection == Detection(None, 0, None)


def test_conversion_leaves_ignored_words_alone() -> None:
    assert convert(["I-a", "_", "I-a", None], Scheme.IOB2) == ["B-a", "_", "B-a", None]
