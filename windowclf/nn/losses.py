"""Losses: one number that measures how wrong the scores are, where the backward pass starts.

Dimensions: N windows, C classes.
"""

from collections.abc import Callable, Mapping

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import ShapeError
from windowclf.nn.crf import CrfBackward, crf_cross_entropy, crf_loss
from windowclf.nn.gradients import check_ids

LossBackward = Callable[..., Floats]
Loss = Callable[..., tuple[float, LossBackward]]


def softmax(scores: Floats) -> Floats:
    """Turn finite scores (…, C) into probabilities: p_c = e^s_c / Σ_j e^s_j along the last axis."""
    # e^(s - m) / Σ e^(s - m) is the same for all m; with m the greatest score nothing overflows.
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probs: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probs


def softmax_cross_entropy(
    scores: Floats, *, targets: Ints, class_weights: Floats | None = None, label_smoothing: float = 0.0
) -> tuple[float, LossBackward]:
    """Compute the mean negative log probability of the correct classes: -1/N Σ_n log p[n, t_n].

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Any finite numbers; N at least 1.
    targets : Ints of shape (N,)
        The correct class of each window, from 0 to C - 1.
    class_weights : Floats of shape (C,), optional
        Weights of the classes in the mean, not negative. Default: all 1.
    label_smoothing : float
        Share of each target that is spread evenly over all classes, 0 <= label_smoothing < 1.

    Returns
    -------
    loss : float
    backward : callable
        upstream (a number, 1 unless given) -> dscores (N, C).

    Raises
    ------
    ShapeError
        If there are no windows, the shapes do not agree or a target is not a class.

    Notes
    -----
    For one window with target t (Goodfellow, Bengio and Courville 2016, "Deep Learning", section 6.2.2.3):

        loss = -log p_t = log Σ_j e^s_j - s_t

    d/ds_c of the first term is e^s_c / Σ_j e^s_j = p_c, and of the second 1 if c = t, else 0. So the gradient
    is p - 1 for the correct class and p for all others: it is 0 once the probabilities are right. Each row of
    dscores sums to 0, and the mean over N windows divides it by N.

    With smoothing ε the target is q_c = (1 - ε) [c = t] + ε / C instead of 1 at t alone (Szegedy et al. 2016,
    "Rethinking the Inception architecture", section 7). With weights w the loss is

        Σ_n Σ_c -w_c q[n, c] log p[n, c] / Σ_n w[t_n]

    as in PyTorch's `cross_entropy`; a divisor of 0 is left out.
    """
    where = "softmax_cross_entropy"
    if scores.ndim != 2 or targets.shape != scores.shape[:1] or not len(scores):
        found = (scores.shape, targets.shape)
        allowed = "scores (N, C), targets (N,), N at least 1"
        raise ShapeError(
            "the shapes of scores and targets do not agree", where=where, found=found, allowed=allowed
        )
    N, C = scores.shape
    check_ids(targets, C)
    correct = (np.arange(N), targets)
    if class_weights is not None or label_smoothing:
        weights = np.ones(C) if class_weights is None else class_weights
        if weights.shape != (C,):
            raise ShapeError(
                "wrong number of class weights", where=where, found=weights.shape, allowed=f"({C},)"
            )
        shares = np.full((N, C), label_smoothing / C)
        shares[correct] += 1 - label_smoothing
        total = float(weights[targets].sum(dtype=np.float64))
        return _cross_entropy(scores, (shares * (weights / (total or 1.0))).astype(scores.dtype))

    log_probs = _log_softmax(scores)
    loss = -float(log_probs[correct].mean(dtype=np.float64))

    def backward(upstream: float = 1.0) -> Floats:
        dscores: Floats = np.exp(log_probs)  # p for every class …
        dscores[correct] -= 1  # … and p - 1 for the correct one
        dscores *= float(upstream) / N
        return dscores

    return loss, backward


def soft_cross_entropy(scores: Floats, *, targets: Floats) -> tuple[float, LossBackward]:
    """Compute the mean cross-entropy with probabilities as targets: -1/N Σ_n Σ_c q[n, c] log p[n, c].

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Any finite numbers; N at least 1.
    targets : Floats of shape (N, C)
        The target probabilities q, such as those of another model; each row sums to 1.

    Returns
    -------
    loss, backward
        As of `softmax_cross_entropy`.

    Raises
    ------
    ShapeError
        If there are no windows or the shapes do not agree.

    Notes
    -----
    Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network", section 2, at temperature
    1. The loss is the Kullback-Leibler divergence of p from q plus the entropy of q, which does not depend on
    the scores. So dscores = (p - q) / N, and the minimum is at p = q.
    """
    if scores.ndim != 2 or targets.shape != scores.shape or not len(scores):
        found = (scores.shape, targets.shape)
        allowed = "both (N, C), N at least 1"
        raise ShapeError(
            "the shapes of scores and targets do not agree",
            where="soft_cross_entropy",
            found=found,
            allowed=allowed,
        )
    return _cross_entropy(scores, targets.astype(scores.dtype) / len(scores))


def _cross_entropy(scores: Floats, shares: Floats) -> tuple[float, LossBackward]:
    """Compute -Σ q log p for shares q (N, C) that need not sum to 1.

    d/ds_c log p_j is [j = c] - p_c, so ds[n, c] = p[n, c] Σ_j q[n, j] - q[n, c].
    """
    log_probs = _log_softmax(scores)
    loss = -float((shares * log_probs).sum(dtype=np.float64))

    def backward(upstream: float = 1.0) -> Floats:
        dscores: Floats = np.exp(log_probs)
        dscores *= shares.sum(axis=1, keepdims=True)
        dscores -= shares
        dscores *= float(upstream)
        return dscores

    return loss, backward


def _log_softmax(scores: Floats) -> Floats:
    # log-sum-exp, minus the greatest score first so that no exponential overflows
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_probs


def l2_penalty(W: Floats, *, strength: float, anchor: Floats | None = None) -> tuple[float, LossBackward]:
    """Compute strength / 2 · Σ W², which keeps weights small (Goodfellow et al. 2016, section 7.1.1).

    With an anchor, strength / 2 · Σ (W - anchor)², which keeps weights near pretrained ones
    (Xuhong, Grandvalet and Davoine 2018, "Explicit inductive bias for transfer learning", section 3: L2-SP).
    backward: upstream (a number, 1 unless given) -> dW = upstream · strength · (W - anchor).
    """
    away = W if anchor is None else W - anchor.astype(W.dtype)
    penalty = strength / 2 * float(np.square(away, dtype=np.float64).sum())

    def backward(upstream: float = 1.0) -> Floats:
        return away * (float(upstream) * float(strength))

    return penalty, backward


LOSSES: Mapping[str, Loss] = {
    "soft_cross_entropy": soft_cross_entropy,
    "softmax_cross_entropy": softmax_cross_entropy,
}
"""Losses of (scores, targets)."""

SENTENCE_LOSSES: Mapping[str, Callable[..., tuple[float, CrfBackward]]] = {
    "crf_loss": crf_loss,
    "crf_cross_entropy": crf_cross_entropy,
}
"""Losses of (scores, A) for tag sequences."""

PENALTIES: Mapping[str, Loss] = {"l2_penalty": l2_penalty}
"""Terms of a loss that depend on a parameter alone."""
