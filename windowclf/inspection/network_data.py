"""What the checks of a network share: a few real sentences and windows, chosen by a seed, and their verdicts.

N windows, S sentences, K window width, U distinct words, J ids a word has, V words with a vector, D vector
dimension.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import Config
from windowclf.corpus import LabelSet, Scheme, check_sentences
from windowclf.encoding import (
    ABSENT_ROW,
    BOUNDARY_ROW,
    UNKNOWN,
    ColumnValues,
    Encoder,
    Gazetteers,
    Vocabulary,
    WordFeatures,
    check_columns,
    count_words,
    distinct,
    read_lists,
)
from windowclf.errors import DataError
from windowclf.training import (
    SentenceObjective,
    TrainingData,
    WordObjective,
    choose_objective,
    finds_names,
    prepare_training,
    resolve_features,
)
from windowclf.vectors import choose_vectors, open_vectors

N_SENTENCES = 20
N_WINDOWS = 8
LONGEST = 50  # words of a sentence; longer ones are cut, so that a check takes seconds
_SPARE_VECTORS = 8  # words in no window: their rows must get no gradient


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check of a network.

    `figure` is None where it is not finite, `allowed` the lowest and the highest figure that pass; a check
    with other faults fails too. `detail` says how the figure was measured, why this much is allowed and, if
    it failed, what went wrong.
    """

    name: str
    figure: float | None
    allowed: tuple[float, float]
    passed: bool
    detail: str


def judge(
    name: str, figure: float, allowed: tuple[float, float], detail: str, *, faults: tuple[str, ...] = ()
) -> Verdict:
    """Make a verdict: passed if the figure is finite and allowed, and there are no other faults."""
    low, high = allowed
    passed = isfinite(figure) and low <= figure <= high and not faults
    return Verdict(name, figure if isfinite(figure) else None, allowed, passed, "; ".join((*faults, detail)))


@dataclass(frozen=True, eq=False)
class CheckData:
    """What the checks of a network need of a corpus: a few sentences, and the vectors of their words."""

    config: Config
    labels: LabelSet  # the C labels of the whole corpus, in the internal scheme
    vocabulary: Vocabulary  # the words of the chosen sentences that have a vector, and a few others
    matrix: Floats  # (V, D) of float32: their vectors, scaled as for training
    tokens: list[Sequence[str]]  # the chosen sentences
    names: list[Sequence[str]]  # their labels
    gazetteers: Gazetteers
    columns: ColumnValues
    seed: int

    def encode(self, config: Config) -> TrainingData:
        """Return the chosen sentences as integers, for the features and the window of `config`."""
        encoder = Encoder(self.vocabulary, WordFeatures(config.features), self.gazetteers, self.columns)
        whole, window = config.model.loss != "softmax", config.model.window
        return prepare_training(encoder, self.tokens, self.names, self.labels, window, whole_sentences=whole)

    def objective(
        self, config: Config, parameters: Mapping[str, Floats]
    ) -> WordObjective | SentenceObjective:
        """Return the objective of training on the chosen sentences."""
        return choose_objective(config, self.labels, parameters, self.names)


@dataclass(frozen=True, eq=False)
class ChosenWindows:
    """A few windows (N, K) of the chosen sentences, over the ids (U, J) of their distinct words.

    `targets` (N,), `lengths` (S,) and `places` (N,) are as an `Objective` takes them; with a word-level loss,
    each word is a sentence of its own.
    """

    words: Ints
    windows: Ints
    targets: Ints
    lengths: Ints
    places: Ints


def choose_data(
    config: Config, sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]], seed: int
) -> CheckData:
    """Choose the sentences to check a network on, and load their vectors.

    Raises DataError, also if there are fewer than two different labels or no labelled word, and VectorsError.
    """
    check_sentences(sentences, labels)
    check_columns(config.features.columns, sentences, labels)
    ignore = config.data.ignore_label or None
    scheme, inner = config.data.scheme, Scheme(config.model.inner_scheme)
    label_set = LabelSet.of(labels, scheme=scheme, internal_scheme=inner, ignore=ignore)
    chosen = choose_sentences(labels, ignore, np.random.default_rng(seed))
    tokens = [sentences[i][:LONGEST] for i in chosen]
    counts = count_words(tokens)
    limit = len(counts) + _SPARE_VECTORS
    vocabulary, matrix, _ = choose_vectors(
        open_vectors(config.model.vectors, counts, seed), counts, replace(config.model, max_vectors=limit)
    )
    names = [labels[i][:LONGEST] for i in chosen]
    features = resolve_features(config.features, finds_names=finds_names(label_set, labels))
    features, gazetteers = read_lists(features, tokens, names, label_set)
    columns = ColumnValues.of(config.features.columns, tokens)
    config = replace(config, features=features)
    return CheckData(config, label_set, vocabulary, matrix, tokens, names, gazetteers, columns, seed)


def choose_sentences(
    labels: Sequence[Sequence[str]], ignore: str | None, rng: np.random.Generator
) -> list[int]:
    """Return the indices of up to 20 sentences: in random order, those with a new label first."""
    present = [set(sequence[:LONGEST]) - {ignore} for sequence in labels]
    order = [i for i in rng.permutation(len(labels)).tolist() if present[i]]
    if not order:
        raise DataError("no word has a label to learn", hint="Every label is the ignored label.")
    known: set[str] = set()
    first: list[int] = []
    rest: list[int] = []
    for i in order:
        (rest if present[i] <= known else first).append(i)
        known |= present[i]
    return (first + rest)[:N_SENTENCES]


def choose_windows(
    data: TrainingData, rng: np.random.Generator, *, whole_sentences: bool = False
) -> ChosenWindows:
    """Choose a few windows with every special case that the sentences have.

    These are windows that reach beyond the start or the end of a sentence, with a word without a vector, and
    with a repeated word. With `whole_sentences`, choose all windows of a few sentences, short ones if
    possible: a check scores them thousands of times.
    """
    ordered = np.sort(data.windows, axis=1)
    repeats = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > ABSENT_ROW)
    cases = [  # the rarest first: their windows may include the others
        repeats.any(axis=1),
        (data.words[data.windows, 0] == UNKNOWN).any(axis=1),
        data.windows[:, 0] == BOUNDARY_ROW,
        data.windows[:, -1] == BOUNDARY_ROW,
    ]
    borders = data.starts if whole_sentences else np.arange(len(data.targets) + 1)
    taken = np.zeros(len(data.targets), dtype=bool)
    runs: list[Ints] = []

    def take(number: int) -> None:
        i = np.searchsorted(borders, number, side="right")
        runs.append(np.arange(borders[i - 1], borders[i]))
        taken[runs[-1]] = True

    numbers = rng.permutation(len(data.targets))
    lengths = np.repeat(np.diff(borders), np.diff(borders))
    numbers = numbers[np.argsort(lengths[numbers], kind="stable")]
    for case in cases:
        if case.any() and not case[taken].any():
            take(numbers[case[numbers]][0])
    for number in numbers.tolist():
        if taken.sum() >= N_WINDOWS and len(runs) > 1:
            break
        if not taken[number]:
            take(number)
    places = np.concatenate(runs)
    rows, windows = distinct(data.windows[places], len(data.words))
    return ChosenWindows(
        data.words[rows], windows, data.targets[places], np.array([len(run) for run in runs]), places
    )
