"""The data of the tuning study: three corpora, training data of several sizes, and vectors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from windowclf.config import Config
from windowclf.corpus import LabelSet, Sentences, columns, options_of, read_labelled
from windowclf.errors import ConfigError, DataError
from windowclf.runs.study.results import Corpus, Vectors
from windowclf.training import check_training
from windowclf.vectors import WordVectors, is_random, load_vectors

ALL = "all"  # the size that is the whole training corpus
DEFAULT_SIZES = ("1000", "10000", "100000", ALL)


@dataclass(frozen=True, eq=False)
class Labelled:
    """A labelled corpus: its name as given, its sentences and their labels."""

    name: str
    sentences: Sentences
    labels: Sentences

    @property
    def n_words(self) -> int:
        """Its number of words."""
        return sum(map(len, self.sentences))

    @cached_property
    def described(self) -> Corpus:
        """Its name, hash and size."""
        digest = hashlib.sha256()
        for words, labels in zip(self.sentences, self.labels, strict=True):
            lines = "".join(f"{word}\t{label}\n" for word, label in zip(words, labels, strict=True))
            digest.update(f"{lines}\n".encode())
        return Corpus(self.name, digest.hexdigest(), len(self.sentences), self.n_words)

    def take(self, size: str, seed: int) -> "Labelled":
        """Return training data of a size: sentences drawn at random until they have that many words.

        With the same seed, smaller data are part of larger data. ``all`` is the whole corpus.
        """
        if size == ALL:
            return self
        order = np.random.default_rng(seed).permutation(len(self.sentences))
        lengths = np.array([len(self.sentences[i]) for i in order])
        n = int(np.searchsorted(np.cumsum(lengths), int(size))) + 1
        chosen = sorted(order[:n].tolist())
        return Labelled(self.name, [self.sentences[i] for i in chosen], [self.labels[i] for i in chosen])


@dataclass(frozen=True, eq=False)
class StudyData:
    """Everything that a study reads; `label_set` is that of the whole training corpus."""

    train: Labelled
    dev: Labelled
    test: Labelled
    vectors: WordVectors
    label_set: LabelSet

    @property
    def span_labels(self) -> bool:
        """Whether entities are scored, or else words."""
        return self.label_set.scheme is not None

    @property
    def scoring(self) -> dict[str, Any]:
        """How labels are scored, as the functions that count take it."""
        return {"span_labels": self.span_labels, "ignore_label": self.label_set.ignore}

    @property
    def score(self) -> str:
        """The name of the main score."""
        return "f1" if self.span_labels else "token_accuracy"

    @property
    def described(self) -> dict[str, Any]:
        """Names, hashes and sizes of the corpora and of the pretrained vectors."""
        corpora = {"train": self.train, "dev": self.dev, "test": self.test}
        v = self.vectors
        vectors = Vectors(v.name, v.sha256, len(v), v.dimension)
        return {part: corpus.described for part, corpus in corpora.items()} | {"vectors": vectors}


def read_study_data(config: Config, train: str, dev: str, test: str) -> StudyData:
    """Read corpora, as `windowclf.corpus.readers.locate` takes them, and the vectors of the configuration.

    Raises
    ------
    WindowClfError
        If one cannot be read, they are not of the same task, or the vectors are not pretrained.
    """
    if is_random(config.model.vectors):
        raise ConfigError(
            "the study compares uses of pretrained vectors",
            where="model.vectors",
            found=config.model.vectors,
            hint="Use the mode `random` for random vectors.",
        )
    options = options_of(config.data, columns=config.features.columns)
    corpora = [_without_empty(name, *columns(read_labelled(name, options))) for name in (train, dev, test)]
    whole, on_dev, on_test = corpora
    label_set, _ = check_training(config, whole.sentences, whole.labels, (on_dev.sentences, on_dev.labels))
    label_set.check_comparable(on_test.labels)
    if whole.described.sha256 == on_test.described.sha256:
        raise DataError(
            "training and test data are the same", where=Path(test).name, hint="Give another --test."
        )
    return StudyData(whole, on_dev, on_test, load_vectors(config.model.vectors or None), label_set)


def check_sizes(sizes: Sequence[str] | None, train: Labelled) -> tuple[str, ...]:
    """Return sizes in words, smallest first, once each; None means those of `DEFAULT_SIZES` that fit."""
    n = train.n_words
    if sizes is None:
        sizes = [size for size in DEFAULT_SIZES if size == ALL or int(size) < n]
    for size in sizes:
        if size != ALL and not (size.isascii() and size.isdecimal() and 0 < int(size) < n):
            raise ConfigError(
                "not a size of training data",
                where="sizes",
                found=size,
                allowed=f"a number of words below {n:,}, the size of {train.name}, or {ALL!r}",
            )
    if not sizes:
        raise ConfigError("no size of training data", where="sizes", found="none")
    chosen = {size if size == ALL else str(int(size)) for size in sizes}
    return tuple(sorted(chosen, key=lambda size: n if size == ALL else int(size)))


def _without_empty(name: str, sentences: Sequence[Any], labels: Sequence[Any]) -> Labelled:
    kept = [i for i, sentence in enumerate(sentences) if len(sentence)]
    return Labelled(name, [sentences[i] for i in kept], [labels[i] for i in kept])
