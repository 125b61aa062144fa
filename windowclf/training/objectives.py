"""What training minimises: the loss of words or of sentences, with or without a teacher's probabilities.

N windows, S sentences, C labels.

Distillation: Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network". What a teacher,
such as an ensemble, finds nearly as probable as the true label says more than the true label alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.config import Config
from windowclf.corpus import IGNORED, LabelSet, Sentences
from windowclf.errors import DataError
from windowclf.model import Decoder, TrainedModel, allowed_pairs
from windowclf.nn import (
    CrfBackward,
    crf_cross_entropy,
    crf_loss,
    expected_pairs,
    soft_cross_entropy,
    softmax_cross_entropy,
)

ObjectiveBackward = Callable[[], tuple[Floats, dict[str, Floats]]]


class Objective(Protocol):
    """The loss of a mini-batch, and the gradients that backpropagation starts from."""

    needs_sentences: bool
    """Whether windows must be those of whole sentences, words without a label included."""

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss per word.

        Parameters
        ----------
        scores : array (N, C)
        targets : array (N,)
            The true label of each word.
        lengths : array (S,)
            Words of each sentence.
        places : array (N,)
            Numbers of the windows in the training data.

        Returns
        -------
        loss : float
        backward : callable
            () -> the gradient of the scores (N, C), and those of the loss's own parameters by name.
        """


@dataclass(eq=False)
class WordObjective:
    """Softmax cross-entropy of each word by itself; lengths and places are ignored.

    Parameters
    ----------
    class_weights : array (C,), optional
        The weight of a word of each label; default: 1.
    label_smoothing : float
        Share of a target that is spread evenly over all labels.
    """

    class_weights: Floats | None = None
    label_smoothing: float = 0.0
    needs_sentences: bool = field(default=False, init=False)

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss per word."""
        loss, backward = softmax_cross_entropy(
            scores, targets=targets, class_weights=self.class_weights, label_smoothing=self.label_smoothing
        )
        return loss, lambda: (backward(), {})


def balanced_weights(targets: Ints, n_labels: int) -> Floats:
    """Return weights (C,) under which all labels count alike, from targets (N,), -1 for none.

    w_c = n / (m · n_c), of n labelled words n_c with label c, and m labels that occur: scikit-learn's
    "balanced" class weights (King and Zeng 2001, "Logistic regression in rare events data", section 4). There
    is no upper bound: one word of a label in a million of fifty labels counts twenty thousand times. A label
    that does not occur has weight 0.
    """
    counts = np.bincount(targets[targets != IGNORED], minlength=n_labels)
    weights = np.zeros(n_labels)
    occurs = counts > 0
    weights[occurs] = counts.sum() / (occurs.sum() * counts[occurs])
    return weights


@dataclass(eq=False)
class SentenceObjective:
    """The negative log probability of a sentence's tag sequence among all legal ones, per word.

    A sentence may be a part of a longer one, cut within a span: a label that cannot stand at the border
    counts as unknown.

    Parameters
    ----------
    parameters : mapping of str to array
        Its ``transitions`` (C + 1, C + 1) are read at each call.
    legal : array (C + 1, C + 1), optional
        Which label may follow which; default: any.
    """

    parameters: Mapping[str, Floats]
    legal: Bools | None
    needs_sentences: bool = field(default=True, init=False)

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss per word; places are ignored."""
        A = self.parameters["transitions"]
        if self.legal is not None:
            targets = _open_where_cut(targets, lengths, self.legal)
        return _name_transitions(*crf_loss(scores, A, targets=targets, lengths=lengths, legal=self.legal))


def _name_transitions(loss: float, loss_backward: CrfBackward) -> tuple[float, ObjectiveBackward]:
    """Return the loss with the gradient of the transitions under its name."""

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
    if config.model.loss == "crf":
        return SentenceObjective(parameters, allowed_pairs(label_set))
    is_balanced = config.training.class_weights == "balanced"
    weights = balanced_weights(label_set.encode_all(labels), len(label_set)) if is_balanced else None
    return WordObjective(weights, config.training.label_smoothing)


@dataclass(eq=False)
class WordTeacher:
    """Cross-entropy with a teacher's probabilities (N, C) of each word's labels, for all training windows."""

    probabilities: Floats

    def __call__(self, scores: Floats, *, places: Ints, lengths: Ints) -> tuple[float, ObjectiveBackward]:
        """Compute the loss of the windows at `places`; lengths are ignored."""
        loss, backward = soft_cross_entropy(scores, targets=self.probabilities[places])
        return loss, lambda: (backward(), {})


@dataclass(eq=False)
class SentenceTeacher:
    """Cross-entropy with a teacher's distribution over the tag sequences of each sentence."""

    scores: Floats  # (N, C), the teacher's, for all training windows
    transitions: Floats  # (C + 1, C + 1), the teacher's; zeros for one that labels words one by one
    parameters: Mapping[str, Floats]  # of the network that learns; ``transitions`` are read at each call
    legal: Bools | None  # (C + 1, C + 1), which label may follow which; None: any

    def __call__(self, scores: Floats, *, places: Ints, lengths: Ints) -> tuple[float, ObjectiveBackward]:
        """Compute the loss of the sentences whose windows are at `places`."""
        parts: dict[str, Any] = {"lengths": lengths, "legal": self.legal}
        unary, pairs = expected_pairs(self.scores[places], self.transitions, **parts)
        A = self.parameters["transitions"]
        return _name_transitions(*crf_cross_entropy(scores, A, unary=unary, pairs=pairs, **parts))


class DistillationObjective:
    """A weighted mean of the loss of the true labels, `own`, and a teacher's, which has `weight`, 0 to 1."""

    def __init__(self, own: Objective, teacher: WordTeacher | SentenceTeacher, weight: float) -> None:
        self.own = own
        self.teacher = teacher
        self.weight = weight
        self.needs_sentences = own.needs_sentences

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss per word."""
        losses = [
            (1 - self.weight, self.own(scores, targets=targets, lengths=lengths, places=places)),
            (self.weight, self.teacher(scores, places=places, lengths=lengths)),
        ]

        def backward() -> tuple[Floats, dict[str, Floats]]:
            dscores = np.zeros_like(scores)
            gradients: dict[str, Floats] = {}
            for weight, (_, loss_backward) in losses:
                part, own = loss_backward()
                dscores += np.asarray(weight, scores.dtype) * part
                for name, gradient in own.items():
                    scaled = gradient * weight
                    gradients[name] = gradients[name] + scaled if name in gradients else scaled
            return dscores, gradients

        return sum(weight * loss for weight, (loss, _) in losses), backward


def distil(
    objective: Objective, teacher: TrainedModel, model: TrainedModel, sentences: Sentences, labels: Sentences
) -> Objective:
    """Return an objective that also draws a model towards a teacher's probabilities."""
    label_set, weight = model.labels, model.config.training.teacher_weight
    if teacher.labels.names != label_set.names:
        raise DataError(
            "the teacher's labels are not those of the training data",
            found=", ".join(teacher.labels.names),
            allowed=", ".join(label_set.names),
        )
    # the teacher's own lists must not give away what it learnt from these sentences
    own = teacher.encoder.own_entities(sentences, labels, label_set)
    scores, lengths = teacher.all_scores(sentences, own)
    decoder = Decoder(label_set, teacher.transitions)  # uncalibrated
    if objective.needs_sentences:
        parameters, legal = model.members[0].parameters, allowed_pairs(label_set)
        whole = SentenceTeacher(scores, decoder.pair_scores(), parameters, legal)
        return DistillationObjective(objective, whole, weight)
    probabilities = decoder.probabilities(scores, lengths)
    is_labelled = label_set.encode_all(labels) != IGNORED
    return DistillationObjective(objective, WordTeacher(probabilities[is_labelled]), weight)
