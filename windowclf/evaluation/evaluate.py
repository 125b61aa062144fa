"""Evaluate a model on labelled sentences."""

from dataclasses import replace
from time import perf_counter

from windowclf.corpus.sentence import Sentences, check_sentences
from windowclf.evaluation.metrics import Evaluation, evaluate_labels, measure_calibration
from windowclf.model.trained import TrainedModel


def evaluate(
    model: TrainedModel, sentences: Sentences, labels: Sentences, *, calibration: bool = True
) -> Evaluation:
    """Tag sentences and compare with their true labels.

    Parameters
    ----------
    model : TrainedModel
    sentences, labels : sequences of sequences of str
    calibration : bool
        Also measure the reliability of probabilities; the sentences are then tagged twice.

    Returns
    -------
    Evaluation
        `tokens_per_second` counts `model.predict` alone.

    Raises
    ------
    DataError
        If sentences and labels differ in length, or the labels are of another task than the model's.
    """
    check_sentences(sentences, labels)
    label_set = model.labels
    label_set.check_comparable(labels)
    started = perf_counter()
    predicted = model.predict(sentences)
    seconds = perf_counter() - started
    evaluation = evaluate_labels(
        sentences,
        labels,
        predicted,
        span_labels=label_set.scheme is not None,
        ignore_label=label_set.ignore,
        seen=model.vocabulary.seen,
    )
    n_tokens = sum(map(len, sentences))
    evaluation = replace(evaluation, tokens_per_second=n_tokens / seconds if n_tokens else None)
    if not calibration:
        return evaluation
    tagged = model.tag(sentences)
    measured = measure_calibration(
        labels,
        [t.labels for t in tagged],
        [t.probabilities for t in tagged],
        [t.entities for t in tagged] if label_set.scheme is not None else None,
        ignore_label=label_set.ignore,
    )
    return replace(evaluation, calibration=measured)
