"""What development data say of a model's probabilities.

N words, C labels, S sentences.
"""

from collections.abc import Callable

from windowclf.arrays import Bools, Floats, Ints
from windowclf.calibration import UNCORRECTED, Correction, fit_scaling, fit_temperature, softmax_loss
from windowclf.decoding import allowed_pairs
from windowclf.labelling import Labeller
from windowclf.metrics import judge_entities
from windowclf.nn.crf import crf_loss
from windowclf.pipeline import Pipeline, Sentences
from windowclf.text.label_set import IGNORED


def calibrate(pipeline: Pipeline, sentences: Sentences, labels: Sentences) -> Correction:
    """Return the correction of probabilities that development data ask for.

    First the temperature at which the true labels are most probable; then, of spans, the scaling at which it
    is most probable that the right ones are right: most words are outside, and a temperature that suits them
    need not suit spans.
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
    found = Labeller(label_set, A, correction).tag(scores, lengths, every=False)
    judged = judge_entities(
        labels,
        [tagged.entities for tagged in found],
        ignore_label=label_set.ignore,
    )
    return Correction(temperature, fit_scaling(*judged))


def _crf_loss(
    scores: Floats, A: Floats, targets: Ints, lengths: Ints, legal: Bools | None
) -> Callable[[float], float]:
    """Return the loss of sentences by the temperature."""
    return lambda t: crf_loss(scores / t, A / t, targets=targets, lengths=lengths, legal=legal)[0]
