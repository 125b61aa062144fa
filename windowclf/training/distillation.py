"""A network that learns from another one's probabilities beside the true labels.

Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network": what a teacher, such as an
ensemble, finds nearly as probable as the truth says more than the truth alone.

N windows, S sentences, C labels.
"""

from collections.abc import Mapping

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.corpus.label_set import IGNORED
from windowclf.corpus.sentence import Sentences
from windowclf.errors import DataError
from windowclf.model import Decoder, TrainedModel, allowed_pairs
from windowclf.nn.crf import crf_cross_entropy, expected_pairs
from windowclf.nn.losses import soft_cross_entropy
from windowclf.training.objectives import Objective, ObjectiveBackward, name_transitions


class WordTeacher:
    """Cross-entropy with a teacher's probabilities of each word's labels.

    Parameters
    ----------
    probabilities : array (N, C)
        For each window of the training data.
    """

    def __init__(self, probabilities: Floats) -> None:
        self.probabilities = probabilities

    def __call__(self, scores: Floats, *, places: Ints, lengths: Ints) -> tuple[float, ObjectiveBackward]:
        """Compute the loss of the windows at `places`; `lengths` are of no account."""
        loss, backward = soft_cross_entropy(scores, targets=self.probabilities[places])
        return loss, lambda: (backward(), {})


class SentenceTeacher:
    """Cross-entropy with a teacher's distribution over the labellings of each sentence.

    Parameters
    ----------
    scores : array (N, C)
        The teacher's, for each window of the training data.
    transitions : array (C + 1, C + 1)
        The teacher's; zeros for one that labels words one by one.
    parameters : mapping of str to array
        Those of the network that learns; its ``transitions`` are read at each call.
    legal : array (C + 1, C + 1), optional
        Which label may follow which; default: any.
    """

    def __init__(
        self, scores: Floats, transitions: Floats, parameters: Mapping[str, Floats], legal: Bools | None
    ) -> None:
        self.scores = scores
        self.transitions = transitions
        self.parameters = parameters
        self.legal = legal

    def __call__(self, scores: Floats, *, places: Ints, lengths: Ints) -> tuple[float, ObjectiveBackward]:
        """Compute the loss of the sentences whose windows are at `places`."""
        unary, pairs = expected_pairs(
            self.scores[places], self.transitions, lengths=lengths, legal=self.legal
        )
        A = self.parameters["transitions"]
        return name_transitions(
            *crf_cross_entropy(scores, A, unary=unary, pairs=pairs, lengths=lengths, legal=self.legal)
        )


class DistillationObjective:
    """A weighted mean of a teacher's loss and that of the true labels.

    Parameters
    ----------
    own : Objective
        Of the true labels.
    teacher : WordTeacher or SentenceTeacher
    weight : float
        Of the teacher; 0 to 1.
    """

    def __init__(self, own: Objective, teacher: WordTeacher | SentenceTeacher, weight: float) -> None:
        self.own = own
        self.teacher = teacher
        self.weight = weight
        self.needs_sentences = own.needs_sentences

    def __call__(
        self, scores: Floats, *, targets: Ints, lengths: Ints, places: Ints
    ) -> tuple[float, ObjectiveBackward]:
        """Compute the loss of the windows at `places`."""
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
    """Return an objective that draws a model towards a teacher's probabilities too.

    Raises
    ------
    DataError
        If the teacher has other labels.
    """
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
