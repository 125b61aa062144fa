"""The loss that an untrained network should have: that of guessing, except for chance.

An untrained network does not tell its labels apart: every assignment of its score columns to the labels is
equally likely. So the loss is compared with its distribution over all C! orders of the columns.

N windows, S sentences, C labels.
"""

from math import log, sqrt

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.corpus import IGNORED
from windowclf.inspection.network_data import CheckData, Verdict, judge
from windowclf.model import WindowModel
from windowclf.nn import plain_sums, sum_labellings
from windowclf.training import SentenceObjective, TrainingData, WordObjective

N_DRAWS = 16  # of first weights; the first loss is their mean
N_DEVIATIONS = 4.0  # a correct network is outside that many standard deviations once in 16,000 times
N_ORDERS = 8  # of labels, per draw, where the distribution has no closed form


def first_loss_interval(
    scores: Floats, targets: Ints, *, class_weights: Floats | None = None, label_smoothing: float = 0.0
) -> tuple[float, float]:
    """Return mean and standard deviation of the word-level loss that an untrained network should have.

    With t the targets (N,), s the scores (N, C) and π one of the C! orders of labels,

        loss(π) = 1/N Σ_n [log Σ_c e^s_nc - s_n,π(t_n)].

    Its mean over π replaces s_n,π(t) by the mean score m_n of the window:

        mean = ln C + 1/N Σ_n log(1/C Σ_c e^(s_nc - m_n)).

    The second term is the excess: at least 0, by Jensen, and about half the variance of a window's scores.
    The rest depends on π only by Σ_c M[c, π(c)] with M[c, d] = 1/N Σ_{n: t_n = c} s_nd, whose variance is
    (Hoeffding 1951, "A combinatorial central limit theorem", theorem 2)

        variance = 1/(C - 1) Σ_cd (M[c, d] - row mean - column mean + mean)².

    With weights and smoothing, a window counts for every label c, with the share of `softmax_cross_entropy`.
    """
    scores = scores.astype(np.float64)
    N, C = scores.shape
    weights = np.ones(C) if class_weights is None else class_weights
    shares = np.full((N, C), label_smoothing / C)
    shares[np.arange(N), targets] += 1 - label_smoothing
    shares *= weights / weights[targets].sum()
    centred = scores - scores.mean(axis=1, keepdims=True)
    greatest = centred.max(axis=1)
    excess = greatest + np.log(np.exp(centred - greatest[:, None]).mean(axis=1))
    M = shares.T @ scores
    M = M - M.mean(axis=0) - M.mean(axis=1, keepdims=True) + M.mean()
    mean = float(shares.sum(axis=1) @ (log(C) + excess))
    return mean, sqrt(float(np.square(M).sum()) / (C - 1))


def sentence_loss_interval(
    scores: Floats, targets: Ints, lengths: Ints, legal: Bools | None, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the same for a sentence-level loss, from random orders: a scheme treats its labels differently.

    The loss per word of scores (N, C), without transitions, is log Z - log Z', of all legal tag sequences and
    of those that agree with the known targets (N,), which are not -1. With equal scores, it is the log ratio
    of their numbers: guessing. `legal` (C + 1, C + 1) says which label may follow which; None: any. The
    deviation is that of one more loss around the mean.
    """
    C = scores.shape[1]
    A = np.zeros((C + 1, C + 1))
    scores = scores.astype(np.float64)
    is_known = targets != IGNORED
    whole = np.ones(len(lengths), dtype=bool)
    whole[np.repeat(np.arange(len(lengths)), lengths)[~is_known]] = False
    words = np.repeat(whole, lengths)
    agrees = ~is_known[:, None] | (targets[:, None] == np.arange(C))

    def loss(s: Floats) -> float:
        log_z = sum_labellings(s, A, lengths=lengths, legal=legal).log_z.sum()
        # only one tag sequence agrees where all labels are known
        agreeing = s[words, targets[words]].sum()
        if not whole.all():
            matrix = A if legal is None else np.where(legal, A, -np.inf)
            possible = np.where(agrees, s, -np.inf)[~words]
            agreeing += plain_sums(possible, matrix, lengths[~whole]).log_z.sum()
        return float(log_z - agreeing) / len(s)

    losses = [loss(scores[:, rng.permutation(C)]) for _ in range(N_ORDERS)]
    return float(np.mean(losses)), float(np.std(losses, ddof=1)) * sqrt(1 + 1 / N_ORDERS)


def check_first_loss(data: CheckData) -> Verdict:
    """Compare the mean first loss of several draws of the weights with its bounds."""
    config, encoded, n_labels = data.config, data.encode(data.config), len(data.labels)
    drawn, guessing = [], 0.0
    for rng in np.random.default_rng([data.seed, 2]).spawn(N_DRAWS):
        model = WindowModel.initialize(
            config.model, config.features, data.matrix, n_labels, rng=rng, n_values=len(data.columns)
        )
        scores = model.scores(encoded.words, encoded.windows)
        objective = data.objective(config, model.parameters)
        lengths, places = np.diff(encoded.starts), np.arange(len(encoded.targets))
        loss, _ = objective(scores, targets=encoded.targets, lengths=lengths, places=places)
        drawn.append((loss, *_interval(objective, scores, encoded, rng)))
        guessing, _ = _interval(objective, np.zeros_like(scores), encoded, rng)
    losses, means, deviations = zip(*drawn, strict=True)
    expected = float(np.mean(means))
    # the draws are independent, so the variance of their mean is the sum of theirs, over 16²
    tolerance = N_DEVIATIONS * float(np.linalg.norm(deviations)) / N_DRAWS
    among = "" if config.model.loss == "softmax" else "the legal tag sequences of "
    detail = (
        f"mean of {N_DRAWS} draws of the first weights, on {len(encoded.targets):,} words; guessing among "
        f"{among}{n_labels} labels loses {guessing:.4f} per word; the scores of the untrained network, "
        f"which are not quite equal, add {expected - guessing:.4f}; over random orders of the labels "
        f"the mean has a standard deviation of {tolerance / N_DEVIATIONS:.4f}, and {N_DEVIATIONS:g} of these "
        "are allowed, but at most twice the loss of guessing"
    )
    faults: tuple[str, ...] = ()
    if not expected + tolerance <= 2 * guessing:
        faults = ("the untrained scores are too far apart: the first weights or the vectors are too large",)
    allowed = (max(0.0, expected - tolerance), min(expected + tolerance, 2 * guessing))
    return judge("first loss", float(np.mean(losses)), allowed, detail, faults=faults)


def _interval(
    objective: WordObjective | SentenceObjective, scores: Floats, data: TrainingData, rng: np.random.Generator
) -> tuple[float, float]:
    if isinstance(objective, SentenceObjective):
        return sentence_loss_interval(scores, data.targets, np.diff(data.starts), objective.legal, rng)
    weights, smoothing = objective.class_weights, objective.label_smoothing
    return first_loss_interval(scores, data.targets, class_weights=weights, label_smoothing=smoothing)
