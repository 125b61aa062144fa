"""The labels of a task: their order, their schemes, and the one of words that are only context."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus.label_schemes import (
    ALLOWED_LABELS,
    OUTSIDE,
    Scheme,
    convert,
    detect_scheme,
    is_span_label,
    labels_from_spans,
    parse_label,
    spans,
)
from windowclf.errors import DataError

IGNORED = -1  # the target of a token that counts neither in the loss nor in scores
_PREFIXES = {Scheme.IOB1: "BI", Scheme.IOB2: "BI", Scheme.IOBES: "BIES"}
_Value = TypeVar("_Value")
_IOB2_OF_IOBES = {"S": "B", "E": "I"}  # the other prefixes are the same in both


class LabelSet:
    """The C labels of a task.

    Parameters
    ----------
    names : sequence of str
        The network's labels; a label's id is its position here.
    scheme, internal_scheme : Scheme or None
        The output scheme, that of the user's labels, and the internal scheme, that of `names`: span labels
        are learnt in it and converted to `scheme` when tagging. None if labels mark no spans.
    ignore : str or None
        The label of tokens that are only context; not among `names`.

    Attributes
    ----------
    kinds : tuple of str
        The entity types, in alphabetical order.
    output_names : tuple of str
        The labels in the output scheme. From IOBES to IOB2, ``S-x`` and ``B-x`` both become ``B-x``, ``E-x``
        and ``I-x`` both ``I-x``. Where the output label depends on the neighbouring labels (to IOB1, or from
        IOB2 to IOBES), these are `names`.
    output_ids : array (C,)
        For each of `names` its position in `output_names`.
    is_local : bool
        Whether no output label depends on the neighbouring labels.
    """

    def __init__(
        self,
        names: Sequence[str],
        scheme: Scheme | None,
        internal_scheme: Scheme | None = None,
        ignore: str | None = None,
    ) -> None:
        self.names = tuple(names)
        self.scheme = scheme
        self.internal_scheme = internal_scheme
        self.ignore = ignore
        self._ids = {name: i for i, name in enumerate(self.names)}
        marked = () if scheme is None else {parse_label(name)[1] for name in self.names if name != OUTSIDE}
        self.kinds = tuple(sorted(marked))
        self._is_merged = (internal_scheme, scheme) == (Scheme.IOBES, Scheme.IOB2)
        self.is_local = self._is_merged or scheme is None or scheme == internal_scheme
        self._outputs = [_as_iob2(name) if self._is_merged else name for name in self.names]
        self.output_names = tuple(dict.fromkeys(self._outputs))
        self.output_ids = np.array([self.output_names.index(name) for name in self._outputs], np.int64)
        # (C, C'): row i has its 1 in the column of the output label of names[i]
        self._merging = np.eye(len(self.output_names), dtype=np.float32)[self.output_ids]

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(
        cls,
        sequences: Iterable[Sequence[str]],
        *,
        scheme: str = "auto",
        internal_scheme: Scheme = Scheme.IOBES,
        ignore: str | None = None,
    ) -> "LabelSet":
        """Collect the labels of a corpus.

        Parameters
        ----------
        sequences : iterable of sequences of str
            The labels of each sentence.
        scheme : {"auto", "none", "IOB1", "IOB2", "IOBES"}
            "auto" detects it from the labels; "none": labels mark no spans.
        internal_scheme : Scheme
            Every prefix of it is a label for every entity type: any sequence of spans can be expressed.
        ignore : str, optional
            The label of tokens that are only context.

        Raises
        ------
        DataError
            If there are fewer than two labels, or some labels mark spans and others do not.
        """
        sequences = list(sequences)
        names = sorted({label for labels in sequences for label in labels} - {ignore or ""})
        if len(names) < 2:
            raise DataError(
                "a tagger needs at least two different labels",
                found=names,
                hint="Is the label column the right one (--label-column)?",
            )
        if scheme == "none":
            return cls(names, None, ignore=ignore)
        detection = detect_scheme(sequences, ignore=ignore)
        if detection.odd_label is not None:
            raise DataError(
                "some labels mark spans and this one does not",
                found=detection.odd_label,
                allowed=ALLOWED_LABELS,
                hint="Correct it, or give --scheme none to treat every label as a class of its own.",
            )
        if scheme != "auto" and detection.scheme is None:
            raise DataError(
                f"the labels do not follow {scheme}",
                found=names[:8],
                allowed=ALLOWED_LABELS,
                hint="Give --scheme none to treat every label as a class of its own.",
            )
        if detection.scheme is None:
            return cls(names, None, ignore=ignore)
        output = detection.scheme if scheme == "auto" else Scheme(scheme)
        kinds = sorted({parse_label(name)[1] for name in names if name != OUTSIDE})
        internal = [OUTSIDE, *(f"{prefix}-{kind}" for kind in kinds for prefix in _PREFIXES[internal_scheme])]
        return cls(internal, output, internal_scheme, ignore)

    def check_comparable(self, sequences: Iterable[Sequence[str]]) -> None:
        """Raise a DataError for labels of another task: no span labels where these are, or none in common."""
        other = {label for labels in sequences for label in labels} - {self.ignore, OUTSIDE}
        own = set(self.names) - {OUTSIDE}
        odd = sorted(label for label in other if self.scheme is not None and not is_span_label(label))
        kinds = {parse_label(label)[1] for label in own}
        if odd or (other and kinds.isdisjoint(parse_label(label)[1] for label in other)):
            raise DataError(
                "these labels are not of the model's task",
                found=", ".join((odd or sorted(other))[:8]),
                allowed=", ".join(self.names),
                hint="Is the label column the right one (--label-column)?",
            )

    def encode(self, labels: Sequence[str], *, unknown: int | None = None) -> Ints:
        """Return the ids of a sentence's labels, IGNORED for the ignored one.

        A label that is not in the set has the id `unknown`; without that, it is a DataError.
        """
        if self.internal_scheme is not None:
            labels = convert(labels, self.internal_scheme, ignore=self.ignore)
        find = self._ids.__getitem__ if unknown is None else lambda label: self._ids.get(label, unknown)
        try:
            return np.array(
                [IGNORED if label == self.ignore else find(label) for label in labels], dtype=np.int64
            )
        except KeyError as error:
            raise DataError("unknown label", found=error.args[0], allowed=", ".join(self.names)) from None

    def encode_all(self, sequences: Iterable[Sequence[str]], *, unknown: int | None = None) -> Ints:
        """Return the ids (N,) of the labels of all sentences, at least one, in a row; else as `encode`."""
        return np.concatenate([self.encode(labels, unknown=unknown) for labels in sequences])

    def merge(self, probs: Floats) -> Floats:
        """Return the probabilities (N, C') of `output_names` from those of `names` (N, C)."""
        # sums of a few float32 numbers can come out a little above 1
        return np.minimum(probs @ self._merging, 1) if self._is_merged else probs

    def to_output(self, ids: Ints, lengths: Ints) -> list[list[str]]:
        """Return the output labels of sentences from label ids (N,) and sentence lengths (S,)."""
        names = self._outputs if self.is_local else self.names
        sentences = parted([*map(names.__getitem__, ids.tolist())], lengths)
        if self.is_local:
            return sentences
        assert self.scheme is not None
        return [labels_from_spans(spans(s, ignore=None), len(s), self.scheme) for s in sentences]


def parted(values: list[_Value], lengths: Ints) -> list[list[_Value]]:
    """Cut the values (N,) of all tokens into those of each sentence; lengths (S,)."""
    ends = np.cumsum(lengths).tolist()
    return [values[end - n : end] for end, n in zip(ends, lengths.tolist(), strict=True)]


def _as_iob2(name: str) -> str:
    """Return a label of IOBES in IOB2."""
    prefix, kind = parse_label(name)
    return f"{_IOB2_OF_IOBES[prefix]}-{kind}" if prefix in _IOB2_OF_IOBES else name
