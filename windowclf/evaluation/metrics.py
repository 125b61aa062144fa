"""Scores of predicted labels against true ones: accuracy, entity F1 by conlleval's rules, calibration."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from windowclf.corpus.label_schemes import Span, spans
from windowclf.evaluation.reliability import Calibration, reliability

Labels = Sequence[str]


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of one class, each in [0, 1]; 0 where a denominator is 0, as conlleval has it.

    Attributes
    ----------
    label : str
        The label, or the kind of entity.
    support : int
        How many there are in truth.
    predicted : int
        How many were predicted.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True, slots=True)
class Share:
    """Accuracy over a part of the tokens; null where it has none."""

    accuracy: float | None
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `windowclf evaluate` reports; rates in [0, 1].

    Attributes
    ----------
    token_accuracy : float
        Share of scored tokens with the right label; ignored tokens are not scored.
    precision, recall, f1 : float or None
        Of whole entities; None where labels are not a span scheme.
    n_sentences, n_tokens : int
        Sentences, and scored tokens.
    labels : tuple of Score
        A row for each label, by tokens.
    entities : tuple of Score or None
        A row for each kind of entity.
    seen, unseen : Share
        Tokens whose word stood in training, and the others.
    confusions : tuple of (true, predicted, count)
        Most frequent first.
    tokens_per_second : float or None
        Time spent tagging alone; None where it was not measured.
    calibration : Calibration or None
        Whether the probabilities mean what they say; None where it was not measured.
    """

    token_accuracy: float
    precision: float | None
    recall: float | None
    f1: float | None
    n_sentences: int
    n_tokens: int
    labels: tuple[Score, ...]
    entities: tuple[Score, ...] | None
    seen: Share
    unseen: Share
    confusions: tuple[tuple[str, str, int], ...]
    tokens_per_second: float | None = None
    calibration: Calibration | None = None

    @property
    def main_score(self) -> float:
        """Entity F1 where labels are a span scheme, else token accuracy."""
        return self.token_accuracy if self.f1 is None else self.f1

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain values for JSON."""
        return dict(msgspec.to_builtins(self))


def evaluate_labels(
    tokens: Sequence[Sequence[str]],
    gold: Sequence[Labels],
    predicted: Sequence[Labels],
    *,
    span_labels: bool,
    ignore_label: str | None = None,
    seen: Callable[[str], bool] = lambda token: False,
) -> Evaluation:
    """Compare predicted with true labels, sentence by sentence.

    Parameters
    ----------
    tokens, gold, predicted : sequences of sequences of str
        Of equal lengths.
    span_labels : bool
        Whether labels follow IOB1, IOB2 or IOBES, so that entities are scored.
    ignore_label : str, optional
        Tokens with this true label are left out of every figure.
    seen : callable
        Says of a word whether it stood in training.

    Notes
    -----
    Entities are found by the rules of conlleval (Tjong Kim Sang & Buchholz 2000), which also reads label
    sequences that break their scheme; an entity is right if both ends and the kind are.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    is_seen: Counter[tuple[bool, bool]] = Counter()
    counts = _SpanCounts()
    for words, true, guess in zip(tokens, gold, predicted, strict=True):
        if ignore_label is not None and ignore_label in true:
            guess = ["O" if t == ignore_label else g for t, g in zip(true, guess, strict=True)]
        for word, t, g in zip(words, true, guess, strict=True):
            if t != ignore_label:
                pairs[t, g] += 1
                is_seen[seen(word), t == g] += 1
        if span_labels:
            counts.add(spans(true, ignore=ignore_label), spans(guess, ignore=None))
    n_tokens = pairs.total()
    overall = counts.overall() if span_labels else None
    return Evaluation(
        token_accuracy=sum(n for (t, g), n in pairs.items() if t == g) / n_tokens if n_tokens else 0.0,
        precision=overall.precision if overall else None,
        recall=overall.recall if overall else None,
        f1=overall.f1 if overall else None,
        n_sentences=len(gold),
        n_tokens=n_tokens,
        labels=_scores_of_pairs(pairs),
        entities=counts.by_kind() if span_labels else None,
        seen=_share(is_seen, True),
        unseen=_share(is_seen, False),
        confusions=_confusions(pairs),
    )


def measure_calibration(
    gold: Sequence[Labels],
    predicted: Sequence[Labels],
    confidences: Sequence[Sequence[float]],
    entities: Sequence[Sequence[tuple[Span, float]]] | None = None,
    *,
    ignore_label: str | None = None,
) -> Calibration:
    """Compare the probabilities of labels, and of entities, with how often they are right.

    Parameters
    ----------
    gold, predicted : sequences of sequences of str
        Labels of each sentence.
    confidences : sequence of sequences of float
        The probability of each predicted label.
    entities : sequence of sequences of (Span, float), optional
        The entities that were found in each sentence, with the probability of exactly these words and this
        kind. One is right if the true labels have it so, by the rules of `evaluate_labels`.
    ignore_label : str, optional
        Words with this true label, and entities that hold such a word, are left out: what would be right
        there is not known.

    Raises
    ------
    DataError
        If a probability is not in [0, 1], or there are entities and a true label is no span label.
    """
    words = [
        (confidence, t == g)
        for true, guess, row in zip(gold, predicted, confidences, strict=True)
        for t, g, confidence in zip(true, guess, row, strict=True)
        if t != ignore_label
    ]
    of_words = reliability([confidence for confidence, _ in words], [right for _, right in words])
    if entities is None:
        return Calibration(of_words)
    judged = judge_entities(gold, entities, ignore_label=ignore_label)
    of_entities = reliability([e.probability for e in judged], [e.is_right for e in judged])
    return Calibration(of_words, of_entities)


class JudgedEntity(NamedTuple):
    """An entity that was found, its probability, and whether it is right."""

    span: Span
    probability: float
    is_right: bool


def judge_entities(
    gold: Sequence[Labels],
    entities: Sequence[Sequence[tuple[Span, float]]],
    *,
    ignore_label: str | None = None,
) -> list[JudgedEntity]:
    """Return each entity found, its probability and whether it is right; as in `measure_calibration`."""
    judged: list[JudgedEntity] = []
    for true, found in zip(gold, entities, strict=True):
        if found:
            in_truth = set(spans(true, ignore=ignore_label))
            judged += [
                JudgedEntity(span, probability, span in in_truth)
                for span, probability in found
                if ignore_label not in true[span.start : span.end]
            ]
    return judged


class _SpanCounts:
    """Entities in truth, predicted, and both, by kind."""

    def __init__(self) -> None:
        self.gold: Counter[str] = Counter()
        self.predicted: Counter[str] = Counter()
        self.right: Counter[str] = Counter()

    def add(self, gold: Iterable[Span], predicted: Iterable[Span]) -> None:
        gold, predicted = set(gold), set(predicted)
        self.gold.update(span.kind for span in gold)
        self.predicted.update(span.kind for span in predicted)
        self.right.update(span.kind for span in gold & predicted)

    def overall(self) -> Score:
        return score("all", self.right.total(), self.gold.total(), self.predicted.total())

    def by_kind(self) -> tuple[Score, ...]:
        kinds = sorted(self.gold | self.predicted)
        return tuple(score(k, self.right[k], self.gold[k], self.predicted[k]) for k in kinds)


def score(label: str, right: int, support: int, predicted: int) -> Score:
    """Return precision, recall and F1 from counts."""
    precision = right / predicted if predicted else 0.0
    recall = right / support if support else 0.0
    f1 = 2 * right / (support + predicted) if right else 0.0
    return Score(label, precision, recall, f1, support, predicted)


def _scores_of_pairs(pairs: Counter[tuple[str, str]]) -> tuple[Score, ...]:
    support = _sum_by(pairs, 0)
    predicted = _sum_by(pairs, 1)
    labels = sorted(support | predicted)
    return tuple(score(label, pairs[label, label], support[label], predicted[label]) for label in labels)


def _sum_by(pairs: Counter[tuple[str, str]], side: int) -> Counter[str]:
    sums: Counter[str] = Counter()
    for pair, n in pairs.items():
        sums[pair[side]] += n
    return sums


def _share(is_seen: Counter[tuple[bool, bool]], which: bool) -> Share:
    n = is_seen[which, True] + is_seen[which, False]
    return Share(is_seen[which, True] / n if n else None, n)


def _confusions(pairs: Counter[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    wrong = [(t, g, n) for (t, g), n in pairs.items() if t != g]
    return tuple(sorted(wrong, key=lambda item: (-item[2], item[0], item[1])))
