"""A sentence of a corpus: its tokens and what is known of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

from windowclf.errors import DataError

Offsets = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Sentence(Sequence[str]):
    """The tokens of a sentence, in order: a sequence of them that knows more.

    A slice is a sentence too, without its text.

    Parameters
    ----------
    tokens : tuple of str
        May be empty where the format says so (an empty line of pre-tokenised text).
    labels : tuple of str, optional
        One a token.
    text : str, optional
        The sentence as it was written.
    offsets : tuple of (int, int), optional
        Start and end (exclusive) of each token in `text`, in code points.
    source : str, optional
        The file it was read from, for error messages.
    line : int, optional
        Its first line there, from 1, for error messages.
    columns : mapping of str to tuple of str, optional
        What other columns say of each token, such as its part of speech, by the column's name.

    Raises
    ------
    DataError
        If there are not as many labels, offsets or values of a column as tokens, or offsets lie outside the
        text.
    """

    tokens: tuple[str, ...]
    labels: tuple[str, ...] | None = None
    text: str | None = None
    offsets: Offsets | None = None
    source: str | None = None
    line: int | None = None
    columns: Mapping[str, tuple[str, ...]] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        n_tokens = len(self.tokens)
        if self.labels is not None and len(self.labels) != n_tokens:
            raise self.error(f"{n_tokens} tokens but {len(self.labels)} labels")
        for name, values in (self.columns or {}).items():
            if len(values) != n_tokens:
                raise self.error(f"{n_tokens} tokens but {len(values)} values of the column {name!r}")
        if self.offsets is not None:
            self._check_offsets(self.offsets)

    def _check_offsets(self, offsets: Offsets) -> None:
        if self.text is None:
            raise self.error("offsets without the text that they point into")
        if len(offsets) != len(self.tokens):
            raise self.error(f"{len(self.tokens)} tokens but {len(offsets)} offsets")
        before = 0
        for start, end in offsets:
            if not before <= start <= end <= len(self.text):
                raise self.error(
                    "a token's offsets are not usable",
                    found=[start, end],
                    allowed=f"start and end in order, after the token before, up to {len(self.text)}",
                )
            before = end

    def __len__(self) -> int:
        return len(self.tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "Sentence": ...
    def __getitem__(self, place: int | slice) -> "str | Sentence":
        if isinstance(place, int):
            return self.tokens[place]
        return Sentence(
            self.tokens[place],
            None if self.labels is None else self.labels[place],
            source=self.source,
            line=self.line,
            columns=None if self.columns is None else {k: v[place] for k, v in self.columns.items()},
        )

    def error(self, problem: str, *, found: object = None, allowed: str | None = None) -> DataError:
        """Return an error that says where this sentence stands."""
        return DataError(problem, where=self.source, line=self.line, found=found, allowed=allowed)
