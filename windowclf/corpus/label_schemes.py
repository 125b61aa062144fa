"""Label schemes, IOB1, IOB2 and IOBES: labels of words to spans and back.

A span label is ``O`` (outside) or ``PREFIX-TYPE``: ``B-`` begins a span, ``I-`` is inside one, ``E-`` ends
one, ``S-`` is a span of one word; TYPE is the entity type. Every rule is a row of a table: which prefixes
may follow a prefix, with the same type and with another one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar

from windowclf.errors import DataError

OUTSIDE = "O"
IGNORE_LABEL = "_"  # by default, the label of words that are only context
ALLOWED_LABELS = "O and B-x, I-x (IOBES: also E-x, S-x)"

_BOUNDARY = ""  # before the first and after the last label of a sentence
_Label = TypeVar("_Label", str, str | None)


class Scheme(StrEnum):
    """How labels mark spans.

    IOB1: ``B-`` only where a span touches one of the same type before it. IOB2: every span starts with
    ``B-``. IOBES: ``S-`` for one word, else ``B-``, ``I-`` …, ``E-``.
    """

    IOB1 = "IOB1"
    IOB2 = "IOB2"
    IOBES = "IOBES"


class Span(NamedTuple):
    """Tokens `start` to `end` (exclusive) are one span; its kind is the entity type."""

    start: int
    end: int
    kind: str


class Illegal(NamedTuple):
    """A transition that a scheme forbids."""

    position: int  # of `label`; the number of labels if the sentence must not end there
    previous: str | None  # None at the start of the sentence
    label: str | None  # which must not follow; None at the end of the sentence


class Detection(NamedTuple):
    """What `detect_scheme` found."""

    scheme: Scheme | None  # None if labels mark no spans, or `odd_label` is set
    faults: int  # transitions that are illegal in that scheme
    odd_label: str | None  # the first label that is no span label although others are


# After a prefix: the prefixes that may follow with the same type, and those with another type (or O).
# O counts as before the first and after the last label of a sentence.
_Table = dict[str, tuple[str, str]]
_LEGAL: dict[Scheme, _Table] = {
    Scheme.IOB1: {"O": ("", "OI"), "B": ("IB", "OI"), "I": ("IB", "OI")},
    Scheme.IOB2: {"O": ("", "OB"), "B": ("IB", "OB"), "I": ("IB", "OB")},
    Scheme.IOBES: {
        "O": ("", "OBS"),
        "B": ("IE", ""),
        "I": ("IE", ""),
        "E": ("BS", "OBS"),
        "S": ("BS", "OBS"),
    },
}
# After a prefix: the prefixes that start a new span. The rules of conlleval (Tjong Kim Sang, CoNLL-2000),
# with S as in its IOBES extension. All others continue the span; O ends it.
_STARTS: _Table = {
    "O": ("", "BIES"),
    "B": ("BS", "BIES"),
    "I": ("BS", "BIES"),
    "E": ("BIES", "BIES"),
    "S": ("BIES", "BIES"),
}


@lru_cache(maxsize=4096)
def parse_label(label: str) -> tuple[str, str]:
    """Return the prefix and the entity type of a label.

    ``B-LOC`` is ("B", "LOC"), ``O`` is ("O", ""). A label that is no span label has an empty prefix and is
    its own type: ``NN`` is ("", "NN").
    """
    if label == OUTSIDE:
        return OUTSIDE, ""
    if len(label) > 2 and label[1] == "-" and label[0] in "BIES":
        return label[0], label[2:]
    return "", label


def is_span_label(label: str) -> bool:
    """Return whether a label is ``O`` or one of ``B- I- E- S-`` and a type."""
    return parse_label(label)[0] != ""


def spans(labels: Sequence[str | None], *, ignore: str | None = IGNORE_LABEL) -> list[Span]:
    """Return the spans that labels mark, by the lenient rules of conlleval.

    They hold for every scheme: a span starts at ``B-``, at ``S-``, where the type changes, and at ``I-`` or
    ``E-`` after ``O``, ``E-`` or ``S-``; it ends before ``O``, before the next span, and after ``E-`` or
    ``S-``. The label `ignore`, of words that are only context, and None count as ``O``. It raises a DataError
    if a label is no span label.
    """
    found: list[Span] = []
    start, previous, open_kind = 0, OUTSIDE, ""  # of the label before
    for i, label in enumerate(labels):
        if label is None or label == OUTSIDE or label == ignore:
            if previous != OUTSIDE:
                found.append(Span(start, i, open_kind))
                previous, open_kind = OUTSIDE, ""
            continue
        prefix, kind = parse_label(label)
        if not prefix:
            raise DataError("not a span label", found=label, allowed=ALLOWED_LABELS)
        if prefix in _STARTS[previous][kind != open_kind]:
            if previous != OUTSIDE:
                found.append(Span(start, i, open_kind))
            start = i
        previous, open_kind = prefix, kind
    if previous != OUTSIDE:
        found.append(Span(start, len(labels), open_kind))
    return found


def labels_from_spans(spans: Iterable[Span], length: int, scheme: Scheme) -> list[str]:
    """Return the labels of a sentence of `length` tokens that mark `spans` in a scheme.

    It raises a DataError if spans overlap, are empty, exceed the sentence, or have no type.
    """
    labels = [OUTSIDE] * length
    before = Span(0, 0, "")
    for span in sorted(spans):
        start, end, kind = span
        if not (before.end <= start < end <= length and kind):
            raise DataError(
                "not a valid span",
                found=tuple(span),
                allowed=f"start < end, within 0 to {length}, not overlapping, with an entity type",
            )
        labels[start:end] = [f"I-{kind}"] * (end - start)
        if scheme is Scheme.IOBES:
            labels[end - 1] = f"E-{kind}"
            labels[start] = f"{'S' if end - start == 1 else 'B'}-{kind}"
        elif scheme is Scheme.IOB2 or (start == before.end and kind == before.kind):
            labels[start] = f"B-{kind}"
        before = span
    return labels


def is_legal(previous: str | None, label: str | None, scheme: Scheme) -> bool:
    """Return whether `label` may follow `previous`; None stands for the start and the end of a sentence."""
    prefix_before, kind_before = parse_label(previous or OUTSIDE)
    prefix, kind = parse_label(label or OUTSIDE)
    followers = _LEGAL[scheme].get(prefix_before)
    return followers is not None and prefix != "" and prefix in followers[kind != kind_before or not kind]


def illegal_transitions(
    labels: Sequence[str | None], scheme: Scheme, *, ignore: str | None = IGNORE_LABEL
) -> list[Illegal]:
    """Return the transitions of a sentence that a scheme forbids, strictly.

    A prefix that the scheme lacks and a label that is no span label are illegal anywhere. Transitions to and
    from a word whose label is None or `ignore` are not checked.
    """
    faults = []
    previous: str | None = None
    for i, label in enumerate(labels):
        is_checked = i == 0 or (previous is not None and previous != ignore)
        if is_checked and label is not None and label != ignore and not is_legal(previous, label, scheme):
            faults.append(Illegal(i, previous, label))
        previous = label
    if previous is not None and previous != ignore and not is_legal(previous, None, scheme):
        faults.append(Illegal(len(labels), previous, None))
    return faults


def detect_scheme(
    sequences: Iterable[Sequence[str | None]], *, ignore: str | None = IGNORE_LABEL
) -> Detection:
    """Find out which scheme the labels of a corpus follow, in one pass over the labels of each sentence.

    Labels mark spans if each is ``O`` or a prefix and a type, and at least one has a prefix. With ``E-`` or
    ``S-`` among them they are IOBES; otherwise IOB1 or IOB2, whichever forbids fewer of the transitions, in a
    tie IOB2. If ``O`` and ``B-x`` or ``I-x`` occur together with a label that is no span label, that label is
    returned as `odd_label`. Words whose label is None or `ignore` are ignored.
    """
    pairs: Counter[tuple[str | None, str | None]] = Counter()
    for labels in sequences:
        if labels:
            pairs.update(pairwise(labels))
            pairs[_BOUNDARY, labels[0]] += 1
            pairs[labels[-1], _BOUNDARY] += 1
    ignore = ignore or None  # the empty string is the boundary
    left_out = (None, ignore, _BOUNDARY)
    names = dict.fromkeys(label for pair in pairs for label in pair if label not in left_out)
    prefixes = {parse_label(name)[0] for name in names if name}
    odd = next((name for name in names if name and not is_span_label(name)), None)
    if odd is not None:
        mixed = "O" in prefixes and not prefixes.isdisjoint("BI")
        return Detection(None, 0, odd if mixed else None)
    if prefixes <= {OUTSIDE}:
        return Detection(None, 0, None)
    candidates = [Scheme.IOB2, Scheme.IOB1] if prefixes.isdisjoint("ES") else [Scheme.IOBES]
    faults = {
        scheme: sum(
            count
            for pair, count in pairs.items()
            if None not in pair and ignore not in pair and not is_legal(*pair, scheme)
        )
        for scheme in candidates
    }
    best = min(candidates, key=lambda scheme: faults[scheme])  # the first of equals: IOB2
    return Detection(best, faults[best], None)


def convert(
    labels: Sequence[_Label], to_scheme: Scheme, *, ignore: str | None = IGNORE_LABEL
) -> list[_Label]:
    """Return labels that mark the same spans in another scheme; ignored labels and None do not change.

    It raises a DataError if a label is no span label.
    """
    converted = labels_from_spans(spans(labels, ignore=ignore), len(labels), to_scheme)
    return [old if old is None or old == ignore else new for old, new in zip(labels, converted, strict=True)]
