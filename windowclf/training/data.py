"""Training and development data as integers, and the mini-batches of an epoch.

N windows, K window width, J ids of a word, U distinct words, S sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus import IGNORED, LabelSet, Sentences, cut
from windowclf.encoding import Encoder, windows
from windowclf.evaluation import score_of, sentence_counts
from windowclf.model import TrainedModel


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A corpus as integers: the windows of sentence s are `starts[s]` to `starts[s + 1]`."""

    words: Ints  # (U, J), the ids of each distinct word
    windows: Ints  # (N, K), rows of `words`: a window for each labelled token
    targets: Ints  # (N,), the label of each window; -1 for none, where the objective needs whole sentences
    starts: Ints  # (S + 1,)


@dataclass(frozen=True, slots=True)
class Batch:
    """The data of one step."""

    windows: Ints  # (N,), numbers of windows, sentence after sentence
    lengths: Ints  # (S,), windows of each sentence


MOST_WINDOWS = 8192  # of one step; a longer batch, such as a sentence of 100,000 words, is several steps


def make_batches(order: Ints, starts: Ints, batch_sentences: int) -> list[Batch]:
    """Return the mini-batches of sentences taken in `order`; none is empty."""
    found: list[Batch] = []
    for first in range(0, len(order), batch_sentences):
        chosen = order[first : first + batch_sentences]
        begins, lengths = starts[chosen], starts[chosen + 1] - starts[chosen]
        ends = np.cumsum(lengths)
        numbers = np.arange(ends[-1]) + np.repeat(begins - (ends - lengths), lengths)
        for i in range(0, len(numbers), MOST_WINDOWS):
            part = numbers[i : i + MOST_WINDOWS]
            # where a part ends within a sentence, its pieces count as sentences
            borders = np.clip(np.concatenate([[0], ends]) - i, 0, len(part))
            found.append(Batch(part, np.diff(borders)))
    return found


def prepare_training(
    encoder: Encoder,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    label_set: LabelSet,
    width: int,
    *,
    whole_sentences: bool = False,
) -> TrainingData:
    """Turn a labelled corpus into arrays.

    Ignored words have no window of their own, unless `whole_sentences` is set, but stand in the windows of
    others. Entity lists match the entities of a sentence only where other sentences have them too.
    """
    encoded = encoder.encode(sentences, encoder.own_entities(sentences, labels, label_set))
    targets = label_set.encode_all(labels)
    counts = np.full(len(targets), whole_sentences) | (targets != IGNORED)
    sentence_of = np.repeat(np.arange(len(encoded.lengths)), encoded.lengths)
    per_sentence = np.bincount(sentence_of[counts], minlength=len(encoded.lengths))
    return TrainingData(
        words=encoded.words,
        windows=windows(encoded.tokens, encoded.lengths, width)[counts],
        targets=targets[counts],
        starts=np.concatenate([[0], np.cumsum(per_sentence)]),
    )


class DevData:
    """Development data, encoded once with the encoder of the models, to score models of width K on."""

    def __init__(
        self, encoder: Encoder, label_set: LabelSet, width: int, sentences: Sentences, labels: Sentences
    ) -> None:
        self.label_set = label_set
        self.labels = labels
        encoded = [encoder.encode(part) for part in cut(sentences)]
        self._parts = [(part.words, windows(part.tokens, part.lengths, width)) for part in encoded]
        self.lengths = np.concatenate([part.lengths for part in encoded])

    def scores(self, model: TrainedModel) -> Floats:
        """Return the model's scores (N, C)."""
        return np.concatenate([model.network.scores(words, around) for words, around in self._parts])

    def score(self, model: TrainedModel) -> float:
        """Return entity F1 where labels mark spans, else token accuracy, as `Evaluation.main_score`."""
        best = model.decoder.best(self.scores(model), self.lengths)
        counts = sentence_counts(
            self.labels,
            self.label_set.to_output(best, self.lengths),
            span_labels=self.label_set.scheme is not None,
            ignore_label=self.label_set.ignore,
        )
        return float(score_of(counts.sum(axis=0)))
