"""How well sentences are labelled whose true labels are known, and how fast."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from windowclf.corpus.sentence import Sentences
from windowclf.evaluation.metrics import Evaluation, evaluate_labels, measure_calibration
from windowclf.model.decoder import Tagged
from windowclf.model.storage import StoredModel


def evaluate(
    stored: StoredModel,
    predict: Callable[[Sentences], list[list[str]]],
    tag: Callable[[Sentences], list[Tagged]] | None,
    sentences: Sentences,
    labels: Sentences,
) -> Evaluation:
    """Tag sentences and compare with their true labels.

    Parameters
    ----------
    stored : StoredModel
        What tags.
    predict : callable
        Sentences -> their labels; it alone is timed.
    tag : callable or None
        Sentences -> their labels with probabilities; None where it is not asked what these are worth.
    sentences, labels : sequences of sequences of str

    Raises
    ------
    DataError
        If the labels are of another task than the model's.
    """
    label_set = stored.labels
    label_set.check_comparable(labels)
    started = perf_counter()
    predicted = predict(sentences)
    seconds = perf_counter() - started
    evaluation = evaluate_labels(
        sentences,
        labels,
        predicted,
        span_labels=label_set.scheme is not None,
        ignore_label=label_set.ignore,
        seen=stored.vocabulary.seen,
    )
    n_tokens = sum(map(len, sentences))
    evaluation = replace(evaluation, tokens_per_second=n_tokens / seconds if n_tokens else None)
    if tag is None:
        return evaluation
    tagged = tag(sentences)
    calibration = measure_calibration(
        labels,
        [t.labels for t in tagged],
        [t.probabilities for t in tagged],
        [t.entities for t in tagged] if label_set.scheme is not None else None,
        ignore_label=label_set.ignore,
    )
    return replace(evaluation, calibration=calibration)
