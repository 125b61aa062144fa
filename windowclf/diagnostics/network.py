"""What one does before trusting a network: check its gradients, its first loss, and that it can over-fit.

N windows, C labels.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log, sqrt

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import Config
from windowclf.diagnostics.network_data import CheckData, choose_data
from windowclf.diagnostics.network_gradients import check_narrow, check_sample
from windowclf.diagnostics.verdict import Verdict, judge
from windowclf.errors import TrainingError
from windowclf.model import WindowModel
from windowclf.nn.losses import softmax_cross_entropy
from windowclf.training import EpochDone, TrainingData, train

__all__ = ["Verdict", "check_network", "first_loss_interval"]

N_DRAWS = 16  # of first weights; the first loss is their mean
N_DEVIATIONS = 4.0  # a right network is outside of so many standard deviations once in 16,000 times
OVERFIT_EPOCHS = 1000  # at most
STALLED_EPOCHS = 50  # in which the loss does not fall by one per cent: there is no use in going on
OVERFIT_BATCH = 4  # sentences


def check_network(
    config: Config,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    *,
    seed: int,
    on_verdict: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """Check the network that a configuration describes, on a few sentences of a corpus; takes seconds.

    Up to 20 sentences are taken, chosen by the seed so that they hold as many different labels as possible;
    of a long sentence, the first 50 words.

    1. Gradients of a narrow copy: the same layers, activation, window and features, each a few numbers
       wide, in float64, with dropout (its masks held). Every coordinate of every parameter.
    2. Gradients of the network in its real size: a thousand coordinates spread over all trained
       parameters; of tables, rows that the windows use and some that none uses.
    3. First loss: what the untrained network loses, against ln C, which is what guessing loses. See
       `first_loss_interval` for what is allowed.
    4. Over-fitting: trained on these sentences alone, at its learning rate but constantly, without dropout
       and L2, the network must get every word right.

    Parameters
    ----------
    config : Config
    sentences, labels : sequences of sequences of str
        A labelled corpus.
    seed : int
        Decides on sentences, windows, coordinates and first weights.
    on_verdict : callable, optional
        Is given each verdict as soon as it is there.

    Returns
    -------
    list of Verdict

    Raises
    ------
    DataError, VectorsError
        If the corpus or the vectors are not usable.
    """
    data = choose_data(config, sentences, labels, seed)
    verdicts = []
    for check in (check_narrow, check_sample, _first_loss, _overfit):
        verdicts.append(check(data))
        if on_verdict:
            on_verdict(verdicts[-1])
    return verdicts


def first_loss_interval(scores: Floats, targets: Ints) -> tuple[float, float]:
    """Return the mean and the standard deviation of the loss that an untrained network should have.

    An untrained network does not know its labels from one another: had its score columns been dealt to
    the labels in another order, that would have been as likely. So we ask what the loss is over all C!
    orders, for the scores as they are. With t the targets and π an order,

        loss(π) = 1/N Σ_n [log Σ_c e^s_nc - s_n,π(t_n)].

    Its mean over π replaces s_n,π(t) by the mean score m_n of the window:

        mean = ln C + 1/N Σ_n log(1/C Σ_c e^(s_nc - m_n)).

    The second term is the excess: at least 0, by Jensen, and about half the variance of a window's scores.
    An untrained network is a little too sure of itself. What remains depends on π only by Σ_c M[c, π(c)]
    with M[c, d] = 1/N Σ_{n: t_n = c} s_nd, whose variance is (Hoeffding 1951, "A combinatorial central
    limit theorem", theorem 2)

        variance = 1/(C - 1) Σ_cd (M[c, d] - row mean - column mean + mean)².

    Parameters
    ----------
    scores : array (N, C)
        Of an untrained network.
    targets : array (N,)

    Returns
    -------
    mean, deviation : float
    """
    scores = scores.astype(np.float64)
    N, C = scores.shape
    centred = scores - scores.mean(axis=1, keepdims=True)
    greatest = centred.max(axis=1)
    excess = greatest + np.log(np.exp(centred - greatest[:, None]).mean(axis=1))
    M = np.zeros((C, C))
    np.add.at(M, targets, scores / N)
    M = M - M.mean(axis=0) - M.mean(axis=1, keepdims=True) + M.mean()
    return log(C) + float(excess.mean()), sqrt(float(np.square(M).sum()) / (C - 1))


def _first_loss(data: CheckData) -> Verdict:
    """Compare the mean first loss of several draws of the weights with what their scores allow."""
    config, encoded, n_labels = data.config, data.encode(data.config), len(data.labels)
    losses, means, deviations = [], [], []
    for rng in np.random.default_rng([data.seed, 2]).spawn(N_DRAWS):
        model = WindowModel.initialize(config.model, config.features, data.matrix, n_labels, rng=rng)
        scores = model.scores(encoded.words, encoded.windows)
        losses.append(softmax_cross_entropy(scores, targets=encoded.targets)[0])
        mean, deviation = first_loss_interval(scores, encoded.targets)
        means.append(mean)
        deviations.append(deviation)
    guessing, expected = log(n_labels), float(np.mean(means))
    # the draws are independent, so the variance of their mean is the sum of theirs, over 16²
    tolerance = N_DEVIATIONS * float(np.linalg.norm(deviations)) / N_DRAWS
    detail = (
        f"mean of {N_DRAWS} draws of the first weights, on {len(encoded.targets):,} words; guessing among "
        f"{n_labels} labels loses ln {n_labels} = {guessing:.4f}, and the scores of the untrained network, "
        f"which are not quite equal, add {expected - guessing:.4f}; with the labels dealt to them by chance "
        f"the mean has a standard deviation of {tolerance / N_DEVIATIONS:.4f}, and {N_DEVIATIONS:g} of these "
        "are allowed, but never more than twice ln C"
    )
    faults: tuple[str, ...] = ()
    if not expected + tolerance <= 2 * guessing:
        faults = ("the untrained scores lie too far apart: the first weights or the vectors are too large",)
    allowed = (max(0.0, expected - tolerance), min(expected + tolerance, 2 * guessing))
    return judge("first loss", float(np.mean(losses)), allowed, detail, faults=faults)


def _overfit(data: CheckData) -> Verdict:
    """Train on the chosen sentences, without anything that keeps the network from learning them by heart."""
    config = data.config
    plain = replace(config.model, dropout=0.0, input_dropout=0.0)
    batch = min(config.training.batch_sentences, OVERFIT_BATCH)
    training = replace(
        config.training,
        epochs=OVERFIT_EPOCHS,
        patience=0,
        schedule="constant",
        l2=0.0,
        l2_vectors=0.0,
        l2_anchor=0.0,
        word_dropout=0.0,
        averaging=0.0,
        batch_sentences=batch,
    )
    initial_rng, training_rng = np.random.default_rng([data.seed, 3]).spawn(2)
    model = WindowModel.initialize(
        plain, config.features, data.matrix.copy(), len(data.labels), rng=initial_rng
    )
    encoded = data.encode(config)
    attainable = attainable_accuracy(encoded)
    accuracy, epochs, loss = 0.0, 0, float("nan")
    lowest, lowest_epoch = float("inf"), 0
    faults: tuple[str, ...] = ()
    try:
        for event in train(model, encoded, training, rng=training_rng):
            if isinstance(event, EpochDone):
                best = model.scores(encoded.words, encoded.windows).argmax(axis=1)
                accuracy, epochs, loss = float((best == encoded.targets).mean()), event.epoch, event.loss
                if loss < 0.99 * lowest:
                    lowest, lowest_epoch = loss, epochs
                if accuracy >= attainable or epochs - lowest_epoch >= STALLED_EPOCHS:
                    break
        if accuracy < attainable:
            faults = (_not_learned(data.config, len(encoded.targets), epochs),)
    except TrainingError as error:
        faults = (str(error),)
    detail = (
        f"token accuracy on {len(encoded.targets):,} words of {len(data.tokens)} sentences after {epochs} "
        f"epochs ({config.training.optimizer}, constant learning rate {config.training.learning_rate:g}, "
        f"{batch} sentences a batch, no dropout, no L2), loss {loss:.4f}"
    )
    if attainable < 1:
        detail += "; words in equal windows have different labels, so that more cannot be reached"
    return judge("over-fitting", accuracy, (attainable, 1.0), detail, faults=faults)


def attainable_accuracy(data: TrainingData) -> float:
    """Return the accuracy of the best function of the window: below 1 if equal windows differ in label."""
    labels_of: defaultdict[bytes, Counter[int]] = defaultdict(Counter)
    for window, target in zip(data.windows, data.targets.tolist(), strict=True):
        labels_of[data.words[window].tobytes()][target] += 1
    return sum(max(counts.values()) for counts in labels_of.values()) / len(data.targets)


def _not_learned(config: Config, n_words: int, epochs: int) -> str:
    advice = f"try another training.learning_rate than {config.training.learning_rate:g}"
    if not config.model.hidden:
        advice += ", or model.hidden with a hidden layer: without one, only what is linear can be learned"
    return f"{n_words:,} words were not learned by heart in {epochs} epochs; {advice}"
