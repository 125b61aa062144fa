"""A sentence of a corpus: its tokens and what is known of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from windowclf.errors import DataError

Offsets = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Sentence(Sequence[str]):
    """A sequence of tokens with what is known of them. A slice is a sentence too, without its text.

    Parameters
    ----------
    tokens : tuple of str
        May be empty, as an empty line of tokenised text is.
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
        Other columns, such as parts of speech, by name: a value a token.

    Raises
    ------
    DataError
        If the number of labels, offsets or values of a column is not that of the tokens, or offsets lie
        outside the text.
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
                    "a token's offsets are not valid",
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
        """Return an error that names the file and line of this sentence."""
        return DataError(problem, where=self.source, line=self.line, found=found, allowed=allowed)


Sentences = Sequence[Sequence[str]]
TOKENS_AT_ONCE = 50_000  # of a long list of sentences; bounds memory


def cut(sentences: Sentences) -> Iterator[Sentences]:
    """Cut a list of sentences into runs of about `TOKENS_AT_ONCE` words."""
    first, n_tokens = 0, 0
    for i, sentence in enumerate(sentences):
        n_tokens += len(sentence)
        if n_tokens >= TOKENS_AT_ONCE:
            yield sentences[first : i + 1]
            first, n_tokens = i + 1, 0
    if first < len(sentences):
        yield sentences[first:]


def interleave(
    words: Sequence[str],
    labels: Sequence[str],
    distinct: Iterable[str],
    lengths: Iterable[int],
    *,
    before: str,
    after: str,
    end: str,
) -> str:
    """Return sentences as one text: each word, `before`, its label, and `after` or, after its last, `end`.

    Words and labels (N,) are those of all sentences, `distinct` the different labels among them; a sentence
    of length 0 is an empty line.
    """
    usual = {label: f"{before}{label}{after}" for label in distinct}
    last = {label: f"{before}{label}{end}" for label in usual}
    parts = [""] * (2 * len(words) + 1)  # the first is for sentences without words before all others
    parts[1::2] = words
    parts[2::2] = map(usual.__getitem__, labels)
    n_words = 0
    for length in lengths:
        n_words += length
        parts[2 * n_words] = last[labels[n_words - 1]] if length else parts[2 * n_words] + "\n"
    return "".join(parts)


def columns(sentences: Sequence[Sentence]) -> tuple[list[Sequence[str]], list[tuple[str, ...]]]:
    """Return the tokens of sentences (the sentences themselves where they have columns), and their labels.

    It raises a DataError if a sentence has no labels.
    """
    tokens: list[Sequence[str]] = []
    labels = []
    for sentence in sentences:
        if sentence.labels is None:
            raise DataError("a sentence without labels", where=sentence.source, line=sentence.line)
        tokens.append(sentence if sentence.columns else sentence.tokens)
        labels.append(sentence.labels)
    return tokens, labels


_RAW_TEXT = "To tag raw text, call the tagger itself: tagger(text)."


def check_sentences(
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]] | None = None,
    *,
    where: str = "sentences",
) -> None:
    """Raise a DataError that names the first faulty sentence, counted from 0.

    Sentences must be lists of words, and have a label for each word if labels are given.
    """
    if labels is not None and len(labels) != len(sentences):
        raise DataError(
            "sentences and labels differ in number",
            where=where,
            found=f"{len(sentences)} sentences, {len(labels)} label sequences",
        )
    for i, sentence in enumerate(sentences):
        if not _are_strings(sentence):
            raise DataError(
                "a sentence is a list of words",
                where=f"{where}[{i}]",
                found=sentence,
                hint=_RAW_TEXT if isinstance(sentence, str) else None,
            )
        if labels is None:
            continue
        if not _are_strings(labels[i]):
            raise DataError("labels are a list of strings", where=f"{where}[{i}]", found=labels[i])
        if len(labels[i]) != len(sentence):
            raise DataError(
                "a sentence needs a label for each word",
                where=f"{where}[{i}]",
                found=f"{len(sentence)} words, {len(labels[i])} labels",
            )


def _are_strings(values: Any) -> bool:
    """Say whether this is a sequence of strings that is not itself a string."""
    is_list = hasattr(values, "__len__") and hasattr(values, "__iter__") and not isinstance(values, str)
    # of few distinct types, mostly one: cheaper than isinstance of each
    return is_list and ({*map(type, values)} <= {str} or all(isinstance(value, str) for value in values))
