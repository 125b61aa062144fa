"""What development data say of a model's probabilities, and of when to name a span.

N words, C labels, S sentences.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from windowclf.arrays import Bools, Floats, Ints
from windowclf.calibration import UNCORRECTED, Correction, fit_temperature, softmax_loss
from windowclf.decoding import allowed_pairs
from windowclf.labelling import Labeller
from windowclf.metrics import judge_entities
from windowclf.nn.crf import crf_loss
from windowclf.pipeline import Pipeline, Sentences
from windowclf.scaling import fit_scaling
from windowclf.significance import score_of, sentence_counts
from windowclf.text.label_set import IGNORED, LabelSet

_COSTS = np.arange(-6, 23) / 4  # of being outside; -1 to 5 with half a stretch on each side
STRETCH = 5  # costs


def calibrate(pipeline: Pipeline, sentences: Sentences, labels: Sentences) -> Correction:
    """Return the correction of probabilities that development data ask for.

    First the temperature at which the true labels are most probable. Then what being outside should cost for
    the best F1, where the configuration asks for it: what is most probable word by word names too few spans.
    Last, of spans, the scaling at which it is most probable that the right ones are right: most words are
    outside, and a temperature that suits them need not suit spans.
    """
    scores, lengths = pipeline.all_scores(sentences)
    label_set, A = pipeline.stored.labels, pipeline.transitions
    targets = label_set.encode_all(labels, unknown=IGNORED)
    if not (targets != IGNORED).any():
        return UNCORRECTED
    if A is None:
        temperature = fit_temperature(softmax_loss(scores, targets))
    else:
        temperature = fit_temperature(_crf_loss(scores, A, targets, lengths, allowed_pairs(label_set)))
    correction = Correction(temperature)
    if label_set.scheme is None:
        return correction
    if pipeline.stored.config.training.fit_outside_cost:
        cost = fit_outside_cost(label_set, A, scores, lengths, labels)
        correction = replace(correction, outside_cost=cost)
    found = Labeller(label_set, A, correction).tag(scores, lengths, every=False)
    judged = judge_entities(labels, [tagged.entities for tagged in found], ignore_label=label_set.ignore)
    scaling = fit_scaling(
        [entity.probability for entity in judged],
        [entity.span.end - entity.span.start for entity in judged],
        [entity.span.kind for entity in judged],
        [entity.is_right for entity in judged],
    )
    return replace(correction, spans=scaling)


def fit_outside_cost(
    label_set: LabelSet, A: Floats | None, scores: Floats, lengths: Ints, labels: Sentences
) -> float:
    """Return what being outside should cost, so that entity F1 on development data is about the greatest."""
    sentence_of = np.repeat(np.arange(len(lengths)), lengths)
    counts = np.zeros((len(_COSTS), len(lengths), 3))
    before = np.full(len(scores), -1)
    for row, cost in enumerate(_COSTS.tolist()):
        best = Labeller(label_set, A, Correction(outside_cost=cost)).best(scores, lengths)
        spelled = label_set.spell(best, lengths)
        # few sentences change from one cost to the next
        changed = np.unique(sentence_of[best != before]).tolist()
        counts[row] = counts[row - 1]
        counts[row, changed] = sentence_counts(
            [labels[i] for i in changed],
            [spelled[i] for i in changed],
            span_labels=True,
            ignore_label=label_set.ignore,
        )
        before = best
    return choose_cost(_COSTS, counts)


def choose_cost(costs: Floats, counts: Floats) -> float:
    """Return the cost nearest to 0 whose F1 is the greatest, or less by no more than one standard error.

    Parameters
    ----------
    costs : array (Q,)
        In order, at equal distances; at least `STRETCH`.
    counts : array (Q, S, 3)
        Right, true and predicted entities of each of S sentences, at each cost.

    Notes
    -----
    F1 by the cost is ragged where entities are few, so its mean over `STRETCH` costs around each counts;
    those at either end are not chosen. The rule of one standard error: Breiman, Friedman, Olshen and Stone
    1984, Classification and Regression Trees, section 3.4.3; here the error is that of the difference to the
    greatest, by the delta method: sentence s moves F1 = 2 r / n by (2 r_s - F1 n_s) / n.
    """
    totals = counts.sum(axis=1)
    f1 = score_of(totals)
    found = counts[..., 1] + counts[..., 2]  # (Q, S)
    moves = (2 * counts[..., 0] - f1[:, None] * found) / np.maximum(found.sum(axis=1), 1)[:, None]
    f1, moves = (sliding_window_view(values, STRETCH, axis=0).mean(axis=-1) for values in (f1, moves))
    best = int(f1.argmax())
    errors = np.sqrt(((moves[best] - moves) ** 2).sum(axis=1))
    middle = STRETCH // 2
    near = np.flatnonzero(f1 >= f1[best] - errors) + middle
    return float(min(costs[near], key=abs))


def _crf_loss(
    scores: Floats, A: Floats, targets: Ints, lengths: Ints, legal: Bools | None
) -> Callable[[float], float]:
    """Return the loss of sentences by the temperature."""
    return lambda t: crf_loss(scores / t, A / t, targets=targets, lengths=lengths, legal=legal)[0]
