"""Statistics of a corpus: words, labels, entities."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from windowclf.corpus import Sentence, detect_scheme, spans
from windowclf.errors import DataError


@dataclass(frozen=True, slots=True)
class KindCount:
    """Entities of a type: how many, how many different strings, and the ratio of these."""

    kind: str
    entities: int
    distinct: int
    distinct_share: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of a corpus; numbers of sentences and tokens include ignored words.

    Attributes
    ----------
    longest, longest_line : int
        Tokens of the longest sentence, and its first line in the file.
    scheme : str or None
        None for plain labels.
    labels : tuple of (label, count)
        Most frequent first, without ignored words.
    ignored : int
        Words with the ignored label.
    entities : tuple of KindCount
        Empty for plain labels.
    """

    sentences: int
    tokens: int
    distinct_words: int
    longest: int
    longest_line: int | None
    scheme: str | None
    labels: tuple[tuple[str, int], ...]
    ignored: int
    entities: tuple[KindCount, ...]


def corpus_statistics(
    sentences: Iterable[Sentence], *, scheme: str = "auto", ignore: str | None = None
) -> Statistics:
    """Count what a labelled corpus holds; the sentences are read once.

    Parameters
    ----------
    scheme : {"auto", "none", "IOB1", "IOB2", "IOBES"}
        "auto" detects it; "none" is for plain labels.
    ignore : str, optional
        The label of words that are context only.

    Raises
    ------
    DataError
        If a sentence has no labels, or a scheme is given and a label does not belong to any.
    """
    corpus = list(sentences)
    words: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for sentence in corpus:
        words.update(sentence.tokens)
        labels.update(labels_of(sentence))
    ignored = labels.pop(ignore, 0) if ignore is not None else 0
    if scheme == "auto":
        detected = detect_scheme(map(labels_of, corpus), ignore=ignore).scheme
        found = None if detected is None else str(detected)
    else:
        found = None if scheme == "none" else scheme
    longest = max(corpus, key=len, default=None)
    return Statistics(
        sentences=len(corpus),
        tokens=words.total(),
        distinct_words=len(words),
        longest=0 if longest is None else len(longest),
        longest_line=None if longest is None else longest.line,
        scheme=found,
        labels=tuple(sorted(labels.items(), key=lambda item: (-item[1], item[0]))),
        ignored=ignored,
        entities=() if found is None else _entities(corpus, ignore),
    )


def labels_of(sentence: Sentence) -> tuple[str, ...]:
    """Return the labels of a sentence; raise DataError if it has none."""
    if sentence.labels is None:
        raise DataError("a sentence without labels", where=sentence.source, line=sentence.line)
    return sentence.labels


def _entities(corpus: Iterable[Sentence], ignore: str | None) -> tuple[KindCount, ...]:
    strings: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for sentence in corpus:
        for start, end, kind in spans(labels_of(sentence), ignore=ignore):
            strings[kind][sentence.tokens[start:end]] += 1
    return tuple(
        KindCount(kind, found.total(), len(found), len(found) / found.total())
        for kind, found in sorted(strings.items())
    )
