"""Inputs of any size for benchmarks: text with the word frequencies of a real corpus, vectors, labels."""

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import numpy as np

from windowclf.arrays import Array
from windowclf.corpus import ReadOptions, read_labelled
from windowclf.encoding import count_words
from windowclf.vectors import Table, write_table

SENTENCE = 16  # words; about the mean of web text
_TAIL = 1.1  # exponent of Zipf's law for the words that the corpus did not have; a million words have 41,000
_AT_ONCE = 100_000  # words drawn at a time


class WordSource:
    """Draws words as often as a corpus had them, and new words as often as one would go on bringing them.

    The probability that the next word is a new one is the share of the words that came once (Good 1953). New
    words are made up; their own frequencies follow Zipf's law without an end.

    Parameters
    ----------
    counts : mapping of str to int
        How often the corpus had each word.
    """

    def __init__(self, counts: dict[str, int]) -> None:
        self.words = sorted(counts, key=lambda word: (-counts[word], word))
        frequencies = np.array([counts[word] for word in self.words], dtype=np.float64)
        total = frequencies.sum()
        self.p_new = float((frequencies == 1).sum() / total)
        self._up_to = np.cumsum(frequencies) / total

    def draw(self, n: int, seed: int) -> Iterator[str]:
        """Yield n words, the same for the same seed."""
        rng = np.random.default_rng(seed)
        for first in range(0, n, _AT_ONCE):
            size = min(_AT_ONCE, n - first)
            known: Array = np.searchsorted(self._up_to, rng.random(size), side="right")
            new = rng.zipf(_TAIL, size)
            is_new = rng.random(size) < self.p_new
            for number, tail, is_tail in zip(known.tolist(), new.tolist(), is_new.tolist(), strict=True):
                yield made_up(tail) if is_tail else self.words[number]


def word_source(corpus: str) -> WordSource:
    """Return a source with the frequencies of a corpus."""
    return WordSource(count_words(s.tokens for s in read_labelled(corpus, ReadOptions())))


def made_up(number: int) -> str:
    """Return a word that no corpus has."""
    return f"neologism{number}"


def label_of(word: str, n_labels: int) -> str:
    """Return a class that goes with a word."""
    return f"L{crc32(word.encode()) % n_labels}"


def span_label_of(word: str, n_labels: int) -> str:
    """Return an IOB2 label: single-word spans of so many kinds that n_labels are told apart as IOBES."""
    n_kinds = max(1, (n_labels - 1) // 4)
    kind = crc32(word.encode()) % (4 * n_kinds)
    return f"B-K{kind}" if kind < n_kinds else "O"


def write_text(path: Path, words: Iterator[str]) -> None:
    """Write words as sentences, one a line."""
    with path.open("w", encoding="utf-8") as file:
        for i, word in enumerate(words, 1):
            file.write(word + (" " if i % SENTENCE else "\n"))
        file.write("\n")


def write_corpus(path: Path, words: Iterator[str], n_labels: int, *, spans: bool = False) -> None:
    """Write a labelled corpus in CoNLL form."""
    label = span_label_of if spans else label_of
    with path.open("w", encoding="utf-8") as file:
        for i, word in enumerate(words, 1):
            file.write(f"{word}\t{label(word, n_labels)}\n" + ("" if i % SENTENCE else "\n"))


def write_vectors(directory: Path, n: int, dimension: int, words: list[str] | None = None) -> None:
    """Write random vectors of some words, and of made-up ones up to n."""
    chosen = list(words or ())[:n]
    chosen += [made_up(i) for i in range(1, n - len(chosen) + 1)]
    matrix = np.random.default_rng(0).standard_normal((n, dimension), dtype=np.float32)
    write_table(Table(chosen, matrix), directory)
