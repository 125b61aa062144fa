"""What a network is trained to make small: the loss that is configured, and a teacher's part in it."""

from collections.abc import Mapping

from windowclf.arrays import Floats
from windowclf.config import Config
from windowclf.decoding import allowed_pairs
from windowclf.distillation import DistillationObjective, SentenceTeacher, WordTeacher
from windowclf.errors import DataError
from windowclf.labelling import Labeller
from windowclf.objectives import Objective, SentenceObjective, WordObjective, balanced_weights
from windowclf.pipeline import Pipeline, Sentences
from windowclf.text.label_set import IGNORED, LabelSet


def objective_of(
    config: Config, label_set: LabelSet, parameters: Mapping[str, Floats], labels: Sentences
) -> WordObjective | SentenceObjective:
    """Return what a network with these parameters is trained to make small on sentences with these labels."""
    if config.model.loss == "softmax":
        weights = None
        if config.training.class_weights == "balanced":
            weights = balanced_weights(label_set.encode_all(labels), len(label_set))
        return WordObjective(weights, config.training.label_smoothing)
    return SentenceObjective(parameters, allowed_pairs(label_set))


def distilled(
    objective: Objective, teacher: Pipeline, pipeline: Pipeline, sentences: Sentences, labels: Sentences
) -> Objective:
    """Return an objective that draws a pipeline to a teacher's probabilities too.

    Raises
    ------
    DataError
        If the teacher tells other labels apart.
    """
    label_set = pipeline.stored.labels
    if teacher.stored.labels.names != label_set.names:
        raise DataError(
            "the teacher tells other labels apart than the training data",
            found=", ".join(teacher.stored.labels.names),
            allowed=", ".join(label_set.names),
        )
    # it says what it would say of sentences that it had not learnt
    own = teacher.encoder.own_entities(sentences, labels, label_set)
    scores, lengths = teacher.all_scores(sentences, own)
    labeller = Labeller(label_set, teacher.transitions)
    weight = pipeline.stored.config.training.teacher_weight
    if objective.needs_sentences:
        parameters, legal = pipeline.stored.parameters, allowed_pairs(label_set)
        whole = SentenceTeacher(scores, labeller.pair_scores(), parameters, legal)
        return DistillationObjective(objective, whole, weight)
    probabilities = labeller.probabilities(scores, lengths)
    is_labelled = label_set.encode_all(labels) != IGNORED
    return DistillationObjective(objective, WordTeacher(probabilities[is_labelled]), weight)
