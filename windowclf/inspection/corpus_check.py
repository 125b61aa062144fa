"""Check a corpus before training on it: what would make training fail, or its scores wrong.

A *fault* must be fixed, such as a sentence in two of the files, so that a test file repeats the training
file. A *note* is worth knowing; short sentences ("Thank you !") may be in two files.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from windowclf.corpus import (
    ALLOWED_LABELS,
    STDIN,
    ReadOptions,
    Scheme,
    Sentence,
    detect_scheme,
    format_of,
    illegal_transitions,
    is_span_label,
    locate,
    read_sentences,
)
from windowclf.encoding import Vocabulary, count_words, coverage, describe_coverage
from windowclf.errors import DataError
from windowclf.vectors import WordVectors

CHANCE_WORDS = 5
"""Sentences of up to this many words may be in two files by chance. In UD English EWT, 162 sentences of dev
and test are also in train: 159 of up to five words, and 3 longer ones."""

Kind = Literal[
    "malformed",
    "empty",
    "mixed labels",
    "illegal transition",
    "duplicate between files",
    "duplicate within a file",
    "short duplicate between files",
    "label of later files",
    "label seen once",
    "coverage",
]
FAULTS: tuple[Kind, ...] = get_args(Kind)[:5]  # those down to duplicates between files


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault (of a kind in `FAULTS`) or a note: `where` is the corpus as named, `line` is from 1."""

    kind: Kind
    where: str
    line: int | None
    message: str

    @property
    def is_fault(self) -> bool:
        """Whether this must be fixed."""
        return self.kind in FAULTS

    def __str__(self) -> str:
        return f"{self.where}{'' if self.line is None else f':{self.line}'}: {self.message}"


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    sentences: list[Sentence]
    lines_are_words: bool  # whether word i of a sentence is i lines below its first

    def line_of(self, sentence: Sentence, position: int) -> int | None:
        if sentence.line is None or not self.lines_are_words:
            return sentence.line
        return sentence.line + min(position, len(sentence) - 1)


def check_corpus(
    names: Sequence[str],
    options: ReadOptions | None = None,
    *,
    scheme: str = "auto",
    ignore: str | None = None,
    vectors: WordVectors | None = None,
) -> list[Finding]:
    """Check labelled corpora that belong together, such as train, dev and test in this order.

    Reading a file stops at its first malformed line; the lines before it are checked. Faults come first, each
    kind in the order of the files.

    Parameters
    ----------
    names : sequence of str
        As `windowclf.corpus.readers.locate` takes them; the first is the training data.
    scheme : {"auto", "none", "IOB1", "IOB2", "IOBES"}
        "auto": the scheme that the labels of all files together break least often.
    ignore : str, optional
        The label of words that are context only.
    vectors : WordVectors, optional
        To look the words up in.

    Raises
    ------
    DataError, FetchError
        If a file is not there, or there is no corpus of this name.
    """
    options = options or ReadOptions()
    files: list[_File] = []
    findings: list[Finding] = []
    for name in names:
        file, malformed = _read(name, options)
        files.append(file)
        findings += malformed
        if not any(file.sentences) and not malformed:
            findings.append(Finding("empty", name, None, "no sentence in this file"))
    findings += _labels(files, scheme, ignore)
    findings += _duplicates(files)
    if vectors is not None:
        findings += _coverage(files, vectors)
    return sorted(findings, key=lambda finding: get_args(Kind).index(finding.kind))


def _read(name: str, options: ReadOptions) -> tuple[_File, list[Finding]]:
    located = locate(name)
    format = located.format if located.format != "auto" else options.format
    lines_are_words = (format if format != "auto" else format_of(located.path)) == "conll"
    is_there = located.path == STDIN or Path(located.path).is_file()
    file, malformed = _File(name, [], lines_are_words), []
    try:
        for sentence in read_sentences(name, options):
            file.sentences.append(sentence)
    except DataError as error:
        if not is_there:
            raise
        plain = DataError(error.problem, found=error.found, allowed=error.allowed, hint=error.hint)
        malformed = [Finding("malformed", name, error.line, f"{plain} (reading stopped here)")]
    return file, malformed


def _labels(files: Sequence[_File], scheme: str, ignore: str | None) -> Iterator[Finding]:
    sequences = [sentence.labels or () for file in files for sentence in file.sentences]
    is_mixed = False
    if scheme != "none":
        detection = detect_scheme(sequences, ignore=ignore)
        is_mixed = detection.odd_label is not None
        checked = Scheme(scheme) if scheme != "auto" else detection.scheme
        if checked is not None and not is_mixed:
            yield from _illegal(files, checked, ignore)
    counts = Counter(label for sequence in sequences for label in sequence if label != ignore)
    first = {label for file in files[:1] for sentence in file.sentences for label in sentence.labels or ()}
    for file, sentence, i, label in _first_positions(files, ignore):
        line = file.line_of(sentence, i)
        if is_mixed and not is_span_label(label):
            message = f"other labels mark spans, {label} does not; allowed: {ALLOWED_LABELS}"
            yield Finding("mixed labels", file.name, line, message)
        if label not in first:
            message = f"the label {label} is not in {files[0].name}, so it cannot be learned"
            yield Finding("label of later files", file.name, line, message)
        if counts[label] == 1:
            message = f"the label {label} occurs only here ({sentence.tokens[i]})"
            yield Finding("label seen once", file.name, line, message)


def _first_positions(
    files: Iterable[_File], ignore: str | None
) -> Iterator[tuple[_File, Sentence, int, str]]:
    """Yield the first position of each label."""
    known = {ignore}
    for file in files:
        for sentence in file.sentences:
            for i, label in enumerate(sentence.labels or ()):
                if label not in known:
                    known.add(label)
                    yield file, sentence, i, label


def _illegal(files: Iterable[_File], scheme: Scheme, ignore: str | None) -> Iterator[Finding]:
    for file in files:
        for sentence in file.sentences:
            for fault in illegal_transitions(sentence.labels or (), scheme, ignore=ignore):
                before = fault.previous or "the start of the sentence"
                label = fault.label or "the end of the sentence"
                word = f" ({sentence.tokens[fault.position]})" if fault.label else ""
                message = f"{before} → {label}{word} is illegal in {scheme}"
                line = file.line_of(sentence, fault.position)
                yield Finding("illegal transition", file.name, line, message)


def _duplicates(files: Iterable[_File]) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], tuple[_File, Sentence]] = {}
    for file in files:
        for sentence in file.sentences:
            if not sentence.tokens:
                continue
            other, first = seen.setdefault(sentence.tokens, (file, sentence))
            if first is sentence:
                continue
            kind: Kind = "duplicate within a file"
            if other is not file:
                is_short = len(sentence) <= CHANCE_WORDS
                kind = "short duplicate between files" if is_short else "duplicate between files"
            origin = f"{other.name}{'' if first.line is None else f':{first.line}'}"
            labelled = "" if first.labels == sentence.labels else ", with other labels"
            shown = " ".join(sentence.tokens[:8]) + (" …" if len(sentence) > 8 else "")
            message = f"the same sentence as {origin}{labelled}: {shown}"
            yield Finding(kind, file.name, sentence.line, message)


def _coverage(files: Iterable[_File], vectors: WordVectors) -> Iterator[Finding]:
    vocabulary = Vocabulary(vectors.words, {})
    for file in files:
        if counts := count_words(sentence.tokens for sentence in file.sentences):
            message = describe_coverage(coverage(counts, vocabulary), vectors=vectors.name)
            yield Finding("coverage", file.name, None, message)
