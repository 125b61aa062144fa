"""Calibration on development data: temperature, O penalty, and Platt scaling of spans.

N words, C labels, S sentences.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from windowclf.arrays import Bools, Floats, Ints
from windowclf.corpus import IGNORED, LabelSet, Sentences
from windowclf.errors import DataError
from windowclf.evaluation import judge_entities, score_of, sentence_counts
from windowclf.model import (
    UNCALIBRATED,
    Calibration,
    Decoder,
    PlattScaling,
    TrainedModel,
    allowed_pairs,
    span_log_odds,
)
from windowclf.nn import crf_loss, softmax_cross_entropy
from windowclf.training.data import DevData

_COSTS = np.arange(-6, 23) / 4  # O penalties: -1 to 5, with half a stretch on each side
STRETCH = 5  # costs


def calibrate(model: TrainedModel, dev: DevData) -> Calibration:
    """Fit the temperature; then, if configured, the O penalty; last, Platt scaling of spans.

    The most probable labels mark too few spans, hence the penalty. Most words are outside spans, so that the
    temperature is fitted mostly to these, hence the scaling.
    """
    scores, lengths, labels = dev.scores(model), dev.lengths, dev.labels
    label_set, A = model.labels, model.transitions
    targets = label_set.encode_all(labels, unknown=IGNORED)
    if not (targets != IGNORED).any():
        return UNCALIBRATED
    loss = (
        softmax_loss(scores, targets)
        if A is None
        else _crf_loss(scores, A, targets, lengths, allowed_pairs(label_set))
    )
    calibration = Calibration(fit_temperature(loss))
    if label_set.scheme is None:
        return calibration
    if model.config.training.fit_outside_cost:
        cost = fit_outside_cost(label_set, A, scores, lengths, labels)
        calibration = replace(calibration, outside_cost=cost)
    found = Decoder(label_set, A, calibration).tag(scores, lengths, every=False)
    judged = judge_entities(labels, [tagged.entities for tagged in found], ignore_label=label_set.ignore)
    scaling = fit_scaling(
        [entity.probability for entity in judged],
        [entity.span.end - entity.span.start for entity in judged],
        [entity.span.kind for entity in judged],
        [entity.is_right for entity in judged],
    )
    return replace(calibration, spans=scaling)


def fit_outside_cost(
    label_set: LabelSet, A: Floats | None, scores: Floats, lengths: Ints, labels: Sentences
) -> float:
    """Return the O penalty that gives about the best entity F1 on development data."""
    sentence_of = np.repeat(np.arange(len(lengths)), lengths)
    counts = np.zeros((len(_COSTS), len(lengths), 3))
    before = np.full(len(scores), -1)
    for row, cost in enumerate(_COSTS.tolist()):
        best = Decoder(label_set, A, Calibration(outside_cost=cost)).best(scores, lengths)
        spelled = label_set.to_output(best, lengths)
        # few sentences change between neighbouring costs
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
    """Return the O penalty nearest to 0 whose F1 is within one standard error of the best.

    `costs` (Q,) ascend at equal distances, at least `STRETCH` of them; `counts` (Q, S, 3) are right, true and
    predicted entities. With few entities F1 varies much from cost to cost, so the mean over `STRETCH` costs
    around each is used; costs near either end are not chosen. The one-standard-error rule: Breiman, Friedman,
    Olshen and Stone 1984, Classification and Regression Trees, section 3.4.3. Here the error is that of the
    difference to the best, by the delta method: sentence s moves F1 = 2 r / n by (2 r_s - F1 n_s) / n.
    """
    totals = counts.sum(axis=1)
    f1 = score_of(totals)
    found = counts[..., 1] + counts[..., 2]  # (Q, S)
    moves = (2 * counts[..., 0] - f1[:, None] * found) / np.maximum(found.sum(axis=1), 1)[:, None]
    f1, moves = (sliding_window_view(values, STRETCH, axis=0).mean(axis=-1) for values in (f1, moves))
    best = int(f1.argmax())
    errors = np.sqrt(((moves[best] - moves) ** 2).sum(axis=1))
    near = np.flatnonzero(f1 >= f1[best] - errors) + STRETCH // 2
    return float(min(costs[near], key=abs))


def _crf_loss(
    scores: Floats, A: Floats, targets: Ints, lengths: Ints, legal: Bools | None
) -> Callable[[float], float]:
    """Return the loss of sentences as a function of the temperature."""
    return lambda t: crf_loss(scores / t, A / t, targets=targets, lengths=lengths, legal=legal)[0]


_TEMPERATURES = (0.1, 10.0)  # the range of the search


def fit_temperature(loss: Callable[[float], float]) -> float:
    """Return the temperature T in [0.1, 10] that minimises the mean negative log probability of true labels.

    `loss(T)` divides all scores (of a CRF: and transitions) by T; DataError if it is not finite. Guo et al.
    2017, section 4.2. The loss is convex in 1/T, for softmax and CRF are log-linear, so that it has one
    minimum; Brent's method finds it on log T. It is at 0 if the true label of every word has the highest
    score, and at infinity if scores say nothing: hence the bounds.
    """
    from scipy.optimize import minimize_scalar  # here: tagging and evaluating do without it

    def checked(log_temperature: float) -> float:
        value = float(loss(math.exp(log_temperature)))
        if not math.isfinite(value):
            raise DataError(
                "the loss is not finite", where=f"temperature {math.exp(log_temperature):.3g}", found=value
            )
        return value

    lowest, highest = map(math.log, _TEMPERATURES)
    return math.exp(minimize_scalar(checked, bounds=(lowest, highest), method="bounded").x)


def softmax_loss(scores: Floats, targets: Ints) -> Callable[[float], float]:
    """Return the loss of independent words, from scores (N, C) and targets (N,), negative for none."""
    is_labelled = targets >= 0
    if not is_labelled.any():
        raise DataError("no word has a label to fit a temperature to", found=f"{len(targets)} words")
    scores, targets = scores[is_labelled].astype(np.float64), targets[is_labelled]
    return lambda temperature: softmax_cross_entropy(scores / temperature, targets=targets)[0]


_BOUNDS = ((0.1, 10.0), (-10.0, 10.0))  # of slope, and of offsets


def fit_scaling(
    probabilities: Sequence[float] | Floats,
    n_words: Sequence[int],
    kinds: Sequence[str],
    is_right: Sequence[bool] | Bools,
) -> PlattScaling | None:
    """Fit Platt scaling to the n spans found in development data; None if there are none.

    Platt 1999, "Probabilistic outputs for support vector machines", on log odds. By his section 2.2 the
    targets are not 1 and 0 but (n_right + 1) / (n_right + 2) and 1 / (n_wrong + 2), so that few predictions,
    or only correct ones, do not lead to certainty.

    The root in `span_log_odds`: the labels of a span depend on each other, so that the product of their
    probabilities is too low for long spans. The offset of an entity type has a normal prior with deviation 1,
    and so is near 0 for a rare type; offsets matter for text with other proportions of types.
    """
    from scipy.optimize import minimize  # here: tagging and evaluating do without it

    right = np.asarray(is_right, np.bool_)
    n_right, n_wrong = int(right.sum()), int((~right).sum())
    if not len(right):
        return None
    targets = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    names = sorted(set(kinds))
    log_odds = np.array([span_log_odds(float(p), m) for p, m in zip(probabilities, n_words, strict=True)])
    is_kind = np.array([[kind == name for name in names] for kind in kinds], np.float64)  # (n, K)
    X = np.column_stack([log_odds, np.ones(len(right)), is_kind])

    def loss(w: Floats) -> tuple[float, Floats]:
        z = X @ w
        # cross-entropy of targets t: log(1 + e^z) - t z; its derivative by z is sigmoid(z) - t
        dw = X.T @ (1 / (1 + np.exp(-z)) - targets)
        dw[2:] += w[2:]
        return float(np.sum(np.logaddexp(0, z) - targets * z) + w[2:] @ w[2:] / 2), dw

    start, bounds = [1.0, *[0.0] * (1 + len(names))], [_BOUNDS[0], *[_BOUNDS[1]] * (1 + len(names))]
    slope, offset, *of_kinds = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return PlattScaling(slope, offset, dict(zip(names, of_kinds, strict=True)))
