"""Losses: how wrong the scores are, as one number, and where the backward pass begins.

Dimensions: N windows, C classes.
"""

from collections.abc import Callable, Mapping

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import ShapeError
from windowclf.nn.gradients import check_ids

LossBackward = Callable[..., Floats]
Loss = Callable[..., tuple[float, LossBackward]]


def softmax(scores: Floats) -> Floats:
    """Turn scores into probabilities: p_c = e^s_c / Σ_j e^s_j along the last axis.

    Parameters
    ----------
    scores : Floats of shape (…, C)
        Any finite numbers.

    Returns
    -------
    Floats of shape (…, C)
        Not negative, each row sums to 1.
    """
    # e^(s - m) / Σ e^(s - m) is the same for every m; with m the greatest score nothing overflows.
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probs: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probs


def softmax_cross_entropy(scores: Floats, *, targets: Ints) -> tuple[float, LossBackward]:
    """Compute the mean negative log probability of the correct classes: -1/N Σ_n log p[n, t_n].

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Any finite numbers; N at least 1.
    targets : Ints of shape (N,)
        The correct class of each window, from 0 to C - 1.

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

    d/ds_c of the first term is e^s_c / Σ_j e^s_j = p_c, and of the second 1 where c = t, else 0. So the
    correct class gets p - 1, every other gets p: the scores are pushed until the probabilities are right.
    Each row of dscores sums to 0, and the mean over N windows divides it by N.
    """
    if scores.ndim != 2 or targets.shape != scores.shape[:1] or not len(scores):
        found = (scores.shape, targets.shape)
        allowed = "scores (N, C), targets (N,), N at least 1"
        raise ShapeError(
            "scores and targets do not fit", where="softmax_cross_entropy", found=found, allowed=allowed
        )
    N, C = scores.shape
    check_ids(targets, C)
    correct = (np.arange(N), targets)

    # log-sum-exp, with the greatest score taken out first so that no exponential overflows.
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -float(log_probs[correct].mean(dtype=np.float64))

    def backward(upstream: float = 1.0) -> Floats:
        dscores: Floats = np.exp(log_probs)  # p for every class …
        dscores[correct] -= 1  # … and p - 1 for the correct one
        dscores *= float(upstream) / N
        return dscores

    return loss, backward


def l2_penalty(W: Floats, *, strength: float) -> tuple[float, LossBackward]:
    """Compute strength / 2 · Σ W², which keeps weights small (Goodfellow et al. 2016, section 7.1.1).

    Parameters
    ----------
    W : Floats of any shape
    strength : float
        Not negative; the same meaning as in an optimizer's `l2`.

    Returns
    -------
    penalty : float
    backward : callable
        upstream (a number, 1 unless given) -> dW = upstream · strength · W.
    """
    penalty = strength / 2 * float(np.square(W, dtype=np.float64).sum())

    def backward(upstream: float = 1.0) -> Floats:
        return W * (float(upstream) * float(strength))

    return penalty, backward


LOSSES: Mapping[str, Loss] = {"softmax_cross_entropy": softmax_cross_entropy}
"""Losses of (scores, targets) that a configuration can name."""

PENALTIES: Mapping[str, Loss] = {"l2_penalty": l2_penalty}
"""Terms added to a loss that depend on a parameter alone."""
