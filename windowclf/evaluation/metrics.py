"""Scores of predicted labels against true ones: accuracy, entity F1 by conlleval's rules, calibration."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from windowclf.corpus import Sentences, Span, check_sentences, spans
from windowclf.evaluation.counts import scored_spans
from windowclf.evaluation.reliability import CalibrationErrors, reliability
from windowclf.model import TrainedModel

Labels = Sequence[str]


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of one class, each in [0, 1]; 0 where a denominator is 0, as conlleval has it.

    The class is a label or an entity type; `support` is how many there are in truth.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True, slots=True)
class Share:
    """Accuracy on a part of the tokens; None if it has none."""

    accuracy: float | None
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `windowclf evaluate` reports; rates in [0, 1].

    Attributes
    ----------
    token_accuracy, n_tokens : float, int
        Share of scored tokens with the right label, and their number; ignored tokens are not scored.
    precision, recall, f1 : float or None
        Of whole entities; None for plain labels.
    labels, entities : tuple of Score
        Of each label, by tokens, and of each entity type; None for plain labels.
    seen, unseen : Share
        Tokens whose word occurs in training, and the others.
    confusions : tuple of (true, predicted, count)
        Most frequent first.
    tokens_per_second, calibration : float, CalibrationErrors
        Of `TrainedModel.predict` alone; how reliable the probabilities are. None where not measured.
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
    calibration: CalibrationErrors | None = None

    @property
    def main_score(self) -> float:
        """Entity F1 for span labels, else token accuracy."""
        return self.token_accuracy if self.f1 is None else self.f1

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain values for JSON."""
        return dict(msgspec.to_builtins(self))


def evaluate(
    model: TrainedModel, sentences: Sentences, labels: Sentences, *, calibration: bool = True
) -> Evaluation:
    """Tag sentences and compare with their true labels.

    With `calibration`, also measure the reliability of probabilities; the sentences are then tagged twice.
    Raises DataError if sentences and labels differ in length, or the labels are of another task than the
    model's.
    """
    check_sentences(sentences, labels)
    label_set = model.labels
    label_set.check_comparable(labels)
    started = perf_counter()
    predicted = model.predict(sentences)
    seconds = perf_counter() - started
    has_spans, ignore_label, seen = label_set.scheme is not None, label_set.ignore, model.vocabulary.seen
    evaluation = evaluate_labels(
        sentences, labels, predicted, span_labels=has_spans, ignore_label=ignore_label, seen=seen
    )
    n_tokens = sum(map(len, sentences))
    evaluation = replace(evaluation, tokens_per_second=n_tokens / seconds if n_tokens else None)
    if not calibration:
        return evaluation
    tagged = model.tag(sentences)
    entities = [t.entities for t in tagged] if has_spans else None
    given = [t.labels for t in tagged], [t.probabilities for t in tagged]
    measured = measure_calibration(labels, *given, entities, ignore_label=ignore_label)
    return replace(evaluation, calibration=measured)


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
        Labels follow IOB1, IOB2 or IOBES, and entities are scored too.
    ignore_label : str, optional
        Tokens with this true label are not scored.
    seen : callable
        Says of a word whether it occurs in training.

    Notes
    -----
    Entities are found by the rules of conlleval (Tjong Kim Sang & Buchholz 2000), which also reads tag
    sequences that break their scheme; an entity is right if both ends and the type are.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    is_seen: Counter[tuple[bool, bool]] = Counter()
    of_labels, of_entities = (_Counts(Counter(), Counter(), Counter()) for _ in range(2))
    for words, true, guess in zip(tokens, gold, predicted, strict=True):
        for word, t, g in zip(words, true, guess, strict=True):
            if t != ignore_label:
                pairs[t, g] += 1
                is_seen[seen(word), t == g] += 1
        if span_labels:
            in_truth, found = scored_spans(true, guess, span_labels=True, ignore_label=ignore_label)
            for counter, those in zip(of_entities, (in_truth & found, in_truth, found), strict=True):
                counter.update(span.kind for span in those)
    for (t, g), n in pairs.items():
        of_labels.right[t] += n * (t == g)
        of_labels.true[t] += n
        of_labels.predicted[g] += n
    n_tokens = pairs.total()
    overall = score("all", *(counter.total() for counter in of_entities)) if span_labels else None
    wrong = [(t, g, n) for (t, g), n in pairs.items() if t != g]
    return Evaluation(
        token_accuracy=of_labels.right.total() / n_tokens if n_tokens else 0.0,
        precision=overall.precision if overall else None,
        recall=overall.recall if overall else None,
        f1=overall.f1 if overall else None,
        n_sentences=len(gold),
        n_tokens=n_tokens,
        labels=of_labels.scores(),
        entities=of_entities.scores() if span_labels else None,
        seen=_share(is_seen, True),
        unseen=_share(is_seen, False),
        confusions=tuple(sorted(wrong, key=lambda item: (-item[2], item[0], item[1]))),
    )


class _Counts(NamedTuple):
    """How many are right, true and predicted, by label or entity type."""

    right: Counter[str]
    true: Counter[str]
    predicted: Counter[str]

    def scores(self) -> tuple[Score, ...]:
        names = sorted(self.true | self.predicted)
        return tuple(score(n, self.right[n], self.true[n], self.predicted[n]) for n in names)


def measure_calibration(
    gold: Sequence[Labels],
    predicted: Sequence[Labels],
    confidences: Sequence[Sequence[float]],
    entities: Sequence[Sequence[tuple[Span, float]]] | None = None,
    *,
    ignore_label: str | None = None,
) -> CalibrationErrors:
    """Compare the probabilities of labels, and of entities, with how often they are right.

    Parameters
    ----------
    confidences : sequence of sequences of float
        The probability of each predicted label.
    entities : sequence of sequences of (Span, float), optional
        The entities found in each sentence, with the probability of exactly these words and this type. One is
        right if the true labels have it too, by the rules of `evaluate_labels`.
    ignore_label : str, optional
        Words with this true label, and entities that hold such a word, are left out: the right
        answer is not known there.

    Raises
    ------
    DataError
        If a probability is not in [0, 1], or there are entities and a true label is not a span label.
    """
    words = [
        (confidence, t == g)
        for true, guess, row in zip(gold, predicted, confidences, strict=True)
        for t, g, confidence in zip(true, guess, row, strict=True)
        if t != ignore_label
    ]
    of_words = reliability([confidence for confidence, _ in words], [right for _, right in words])
    if entities is None:
        return CalibrationErrors(of_words)
    judged = judge_entities(gold, entities, ignore_label=ignore_label)
    of_entities = reliability([e.probability for e in judged], [e.is_right for e in judged])
    return CalibrationErrors(of_words, of_entities)


class JudgedEntity(NamedTuple):
    """An entity found, its probability, and whether it is right."""

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


def score(label: str, right: int, support: int, predicted: int) -> Score:
    """Return precision, recall and F1 from counts."""
    precision = right / predicted if predicted else 0.0
    recall = right / support if support else 0.0
    f1 = 2 * right / (support + predicted) if right else 0.0
    return Score(label, precision, recall, f1, support, predicted)


def _share(is_seen: Counter[tuple[bool, bool]], which: bool) -> Share:
    n = is_seen[which, True] + is_seen[which, False]
    return Share(is_seen[which, True] / n if n else None, n)
