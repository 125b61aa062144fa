"""What training makes small: the loss of words one by one, or that of whole sentences.

N windows, S sentences, C labels.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.config import Config
from windowclf.corpus.label_set import IGNORED, LabelSet
from windowclf.corpus.sentence import Sentences
from windowclf.model import allowed_pairs
from windowclf.nn.crf import CrfBackward, crf_loss
from windowclf.nn.losses import softmax_cross_entropy

ObjectiveBackward = Callable[[], tuple[Floats, dict[str, Floats]]]


class Objective(Protocol):
    """The loss of a mini-batch, and the gradients that it begins with."""

    needs_sentences: bool
    """Whether windows have to be those of whole sentences, words without a label among them."""

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss a word.

        Parameters
        ----------
        scores : array (N, C)
        targets : array (N,)
            The correct label of each word.
        lengths : array (S,)
            Words of each sentence; they sum to N.
        places : array (N,)
            Numbers of the windows in the training data.

        Returns
        -------
        loss : float
        backward : callable
            () -> the gradient of the scores (N, C), and of the parameters that the loss itself has.
        """


class WordObjective:
    """Softmax cross-entropy of each word by itself.

    Parameters
    ----------
    class_weights : array (C,), optional
        What a word of each label counts; default: all alike.
    label_smoothing : float
        Share of a target that is spread evenly over all labels.
    """

    needs_sentences = False

    def __init__(self, class_weights: Floats | None = None, label_smoothing: float = 0.0) -> None:
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss of some words; lengths and places are of no account."""
        loss, backward = softmax_cross_entropy(
            scores,
            targets=targets,
            class_weights=self.class_weights,
            label_smoothing=self.label_smoothing,
        )
        return loss, lambda: (backward(), {})


def balanced_weights(targets: Ints, n_labels: int) -> Floats:
    """Return a weight for each label, so that all labels together count alike however rare each is.

    w_c = n / (m · n_c), of n labelled words n_c with label c, and m labels that occur: scikit-learn's
    "balanced" class weights (King and Zeng 2001, "Logistic regression in rare events data", section 4). There
    is no upper bound: one word of a label in a million of fifty labels counts twenty thousand times. A label
    that does not occur has weight 0.

    Parameters
    ----------
    targets : array (N,)
        Labels; -1 for none.
    n_labels : int
        C.

    Returns
    -------
    array (C,)
    """
    counts = np.bincount(targets[targets != IGNORED], minlength=n_labels)
    weights = np.zeros(n_labels)
    occurs = counts > 0
    weights[occurs] = counts.sum() / (occurs.sum() * counts[occurs])
    return weights


class SentenceObjective:
    """The negative log probability of a sentence's labels among all that a scheme allows, by the word.

    What comes as a sentence may be a piece of one, cut within a span: a label that cannot begin or end a
    sentence, but does, counts as not known.

    Parameters
    ----------
    parameters : mapping of str to array
        Its ``transitions`` (C + 1, C + 1) are read at each call.
    legal : array (C + 1, C + 1), optional
        Which label may follow which; default: any.
    """

    needs_sentences = True

    def __init__(self, parameters: Mapping[str, Floats], legal: Bools | None) -> None:
        self.parameters = parameters
        self.legal = legal

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss of some sentences; places are of no account."""
        A = self.parameters["transitions"]
        if self.legal is not None:
            targets = _open_where_cut(targets, lengths, self.legal)
        return name_transitions(*crf_loss(scores, A, targets=targets, lengths=lengths, legal=self.legal))


def name_transitions(loss: float, loss_backward: CrfBackward) -> tuple[float, ObjectiveBackward]:
    """Return a loss of scores and transitions as an objective has it: the second gradient by its name."""

    def backward() -> tuple[Floats, dict[str, Floats]]:
        dscores, dA = loss_backward()
        return dscores, {"transitions": dA}

    return loss, backward


def _open_where_cut(targets: Ints, lengths: Ints, legal: Bools) -> Ints:
    lasts = np.cumsum(lengths)[lengths > 0] - 1
    firsts = lasts + 1 - lengths[lengths > 0]
    opened = targets.copy()
    # -1 stays -1, whatever is looked up for it
    opened[firsts[~legal[-1, targets[firsts]]]] = IGNORED
    opened[lasts[~legal[targets[lasts], -1]]] = IGNORED
    return opened


def choose_objective(
    config: Config, label_set: LabelSet, parameters: Mapping[str, Floats], labels: Sentences
) -> WordObjective | SentenceObjective:
    """Return the objective that a configuration names, for a network with these parameters."""
    if config.model.loss == "softmax":
        weights = None
        if config.training.class_weights == "balanced":
            weights = balanced_weights(label_set.encode_all(labels), len(label_set))
        return WordObjective(weights, config.training.label_smoothing)
    return SentenceObjective(parameters, allowed_pairs(label_set))
