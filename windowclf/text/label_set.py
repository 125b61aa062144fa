"""The labels of a task: their order, their scheme, and the one that means "context only"."""

from collections.abc import Iterable, Sequence

import numpy as np

from windowclf.arrays import Ints
from windowclf.errors import DataError
from windowclf.text.labels import ALLOWED_LABELS, Scheme, detect_scheme

IGNORED = -1  # the target of a token that is left out of loss and scores


class LabelSet:
    """The C labels of a task.

    Parameters
    ----------
    names : sequence of str
        The labels; a label's number is its place here.
    scheme : Scheme or None
        How labels mark spans; None where each is a class of its own.
    ignore : str or None
        The label of tokens that are context only; not among `names`.
    """

    def __init__(self, names: Sequence[str], scheme: Scheme | None, ignore: str | None = None) -> None:
        self.names = tuple(names)
        self.scheme = scheme
        self.ignore = ignore
        self._ids = {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(
        cls, sequences: Iterable[Sequence[str]], *, scheme: str = "auto", ignore: str | None = None
    ) -> "LabelSet":
        """Collect the labels of a corpus.

        Parameters
        ----------
        sequences : iterable of sequences of str
            The labels of each sentence.
        scheme : {"auto", "none", "IOB1", "IOB2", "IOBES"}
            "auto" looks at the labels; "none" takes each as a class of its own.
        ignore : str, optional
            The label of tokens that are context only.

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
            return cls(names, None, ignore)
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
        return cls(names, Scheme(scheme) if scheme != "auto" else detection.scheme, ignore)

    def encode(self, labels: Sequence[str], *, where: str | None = None, line: int | None = None) -> Ints:
        """Return the numbers of labels, IGNORED for the ignored one; `where` and `line` are for the error."""
        try:
            return np.array(
                [IGNORED if label == self.ignore else self._ids[label] for label in labels], dtype=np.int64
            )
        except KeyError as error:
            raise DataError(
                "unknown label", where=where, line=line, found=error.args[0], allowed=", ".join(self.names)
            ) from None
