"""Label schemes: how labels of words mark spans, IOB1, IOB2 and IOBES, and the way between labels and spans.

A span label is ``O`` (outside) or ``PREFIX-kind``: ``B-`` begins a span, ``I-`` is inside one, ``E-`` ends
one, ``S-`` is a span of one word. Every rule is a row of a table: which prefixes may (or do) come after a
prefix, for the same kind and for another one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar

from windowclf.errors import DataError

OUTSIDE = "O"
IGNORE_LABEL = "_"  # by default, the label of words that are context only
ALLOWED_LABELS = "O and B-x, I-x (IOBES: also E-x, S-x)"

_BOUNDARY = ""  # stands before the first and after the last label of a sentence
_Label = TypeVar("_Label", str, str | None)


class Scheme(StrEnum):
    """How labels mark spans.

    IOB1: ``B-`` only where a span touches the one before it and is of the same kind. IOB2: every span starts
    with ``B-``. IOBES: ``S-`` for one word, else ``B-``, ``I-`` …, ``E-``.
    """

    IOB1 = "IOB1"
    IOB2 = "IOB2"
    IOBES = "IOBES"


class Span(NamedTuple):
    """Tokens `start` to `end` (exclusive) are one span of a kind."""

    start: int
    end: int
    kind: str


class Illegal(NamedTuple):
    """A transition that a scheme forbids.

    Attributes
    ----------
    position : int
        Of `label`; the number of labels where the sentence may not end as it does.
    previous : str or None
        The label before; None at the start of the sentence.
    label : str or None
        The label that may not follow; None at the end of the sentence.
    """

    position: int
    previous: str | None
    label: str | None


class Detection(NamedTuple):
    """What `detect_scheme` found.

    Attributes
    ----------
    scheme : Scheme or None
        None where labels are plain classes, and where `odd_label` is set.
    faults : int
        Number of transitions that are illegal in that scheme.
    odd_label : str or None
        The first label that marks no span although others do.
    """

    scheme: Scheme | None
    faults: int
    odd_label: str | None


# After a prefix: the prefixes that may follow with the same kind, and those with another kind (or O).
# A sentence begins and ends as if O stood there.
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
    """Return the prefix and the kind of a label.

    ``B-LOC`` is ("B", "LOC"), ``O`` is ("O", ""). The prefix of a label that is no span label is empty and
    the kind is the whole label: ``NN`` is ("", "NN").
    """
    if label == OUTSIDE:
        return OUTSIDE, ""
    if len(label) > 2 and label[1] == "-" and label[0] in "BIES":
        return label[0], label[2:]
    return "", label


def is_span_label(label: str) -> bool:
    """Return whether a label is ``O`` or one of ``B- I- E- S-`` and a kind."""
    return parse_label(label)[0] != ""


def spans(labels: Sequence[str | None], *, ignore: str | None = IGNORE_LABEL) -> list[Span]:
    """Return the spans that labels mark, by the lenient rules of conlleval.

    They need no scheme: a span starts at ``B-``, at ``S-``, where the kind changes, and at ``I-`` or ``E-``
    after ``O``, ``E-`` or ``S-``; it ends before ``O``, before the start of another, and after ``E-`` or
    ``S-``.

    Parameters
    ----------
    labels : sequence of str or None
        Of one sentence.
    ignore : str, optional
        The label of words that are context only. They, and words whose label is None, count as ``O``: a span
        ends before them.

    Returns
    -------
    list of Span
        In order, not overlapping.

    Raises
    ------
    DataError
        If a label is no span label.
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


def starts_span(previous: str, label: str) -> bool:
    """Return whether a span starts at a label after another, by the rules of `spans`; O stands for none."""
    (prefix_before, kind_before), (prefix, kind) = parse_label(previous), parse_label(label)
    return prefix in _STARTS[prefix_before][kind != kind_before]


def labels_from_spans(spans: Iterable[Span], length: int, scheme: Scheme) -> list[str]:
    """Return the labels of a sentence of `length` tokens that mark `spans` in a scheme.

    Raises
    ------
    DataError
        If spans overlap, hold no token, reach over the sentence's ends, or have no kind.
    """
    labels = [OUTSIDE] * length
    before = Span(0, 0, "")
    for span in sorted(spans):
        start, end, kind = span
        if not (before.end <= start < end <= length and kind):
            raise DataError(
                "a span is not usable",
                found=tuple(span),
                allowed=f"start < end, within 0 to {length}, not overlapping, of a kind that is not empty",
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

    A prefix that the scheme lacks and a label that is no span label are illegal anywhere. A word whose label
    is None or `ignore` breaks no rule: neither the transition to it nor the one from it is looked at.

    Parameters
    ----------
    labels : sequence of str or None
        Of one sentence.
    scheme : Scheme
        Whose rules are applied.
    ignore : str, optional
        The label of words that are context only.

    Returns
    -------
    list of Illegal
        In order of position.
    """
    faults = []
    previous: str | None = None
    for i, label in enumerate(labels):
        looked_at = i == 0 or (previous is not None and previous != ignore)
        if looked_at and label is not None and label != ignore and not is_legal(previous, label, scheme):
            faults.append(Illegal(i, previous, label))
        previous = label
    if previous is not None and previous != ignore and not is_legal(previous, None, scheme):
        faults.append(Illegal(len(labels), previous, None))
    return faults


def detect_scheme(
    sequences: Iterable[Sequence[str | None]], *, ignore: str | None = IGNORE_LABEL
) -> Detection:
    """Find out which scheme the labels of a corpus follow, in one pass.

    Labels mark spans if each is ``O`` or a prefix and a kind, and at least one has a prefix. With ``E-`` or
    ``S-`` among them they are IOBES; otherwise IOB1 or IOB2, whichever forbids fewer of the transitions, IOB2
    if both forbid as many. If some labels are ``O``, ``B-x`` or ``I-x`` (at least one ``O`` and one of the
    others) while another is no span label, that one is returned as `odd_label`: labels are then neither.

    Parameters
    ----------
    sequences : iterable of sequences of str or None
        The labels of each sentence; read once.
    ignore : str, optional
        The label of words that are context only; they, and None, are left out of account.
    """
    pairs: Counter[tuple[str | None, str | None]] = Counter()
    for labels in sequences:
        if labels:
            pairs.update(pairwise(labels))
            pairs[_BOUNDARY, labels[0]] += 1
            pairs[labels[-1], _BOUNDARY] += 1
    ignore = ignore or None  # an empty one would be taken for a boundary
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
    """Return labels that mark the same spans in another scheme; ignored labels and None stay as they are.

    Raises
    ------
    DataError
        If a label is no span label.
    """
    converted = labels_from_spans(spans(labels, ignore=ignore), len(labels), to_scheme)
    return [old if old is None or old == ignore else new for old, new in zip(labels, converted, strict=True)]
