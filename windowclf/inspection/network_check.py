"""Sanity checks of a network: its gradients, its first loss, and that it can over-fit."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from windowclf.arrays import Ints
from windowclf.config import Config
from windowclf.corpus import IGNORED, LabelSet
from windowclf.errors import TrainingError
from windowclf.inspection.first_loss import check_first_loss
from windowclf.inspection.network_data import CheckData, Verdict, choose_data, judge
from windowclf.inspection.network_gradients import check_narrow, check_sample
from windowclf.model import WindowModel, best_labels
from windowclf.training import EpochDone, TrainingData, resolve_training, train

OVERFIT_EPOCHS = 1000  # at most
STALLED_EPOCHS = 50  # without a fall of the loss by one per cent: training stops
OVERFIT_BATCH = 4  # sentences


def check_network(
    config: Config,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    *,
    seed: int,
    on_verdict: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """Check the untrained network of a configuration on a few sentences of a corpus; takes seconds.

    Up to 20 sentences are chosen by the seed, with as many different labels as possible; long ones are cut
    after 50 words. The loss is that of the configuration. The seed also draws windows, coordinates and first
    weights; `on_verdict` is called with each verdict as soon as it is known.

    1. Gradients of a narrow copy: the same layers, activation, window and features, each a few numbers
       wide, in float64, with dropout (the same masks each time). Every coordinate of every parameter.
    2. Gradients of the network in its real size: a thousand coordinates spread over all trained
       parameters; of tables, rows that the windows use and some that they do not use.
    3. First loss: that of the untrained network against that of guessing: ln C, or for sentences the log of
       the number of legal tag sequences. `windowclf.inspection.first_loss` derives the bounds.
    4. Over-fitting: trained on these sentences alone, with a constant learning rate, without dropout, L2,
       class weights and smoothing, the network must get every word right.

    Raises
    ------
    DataError, VectorsError
        If the corpus or the vectors are not usable.
    """
    data = choose_data(config, sentences, labels, seed)
    verdicts = []
    for check in (check_narrow, check_sample, check_first_loss, _overfit):
        verdicts.append(check(data))
        if on_verdict:
            on_verdict(verdicts[-1])
    return verdicts


def _overfit(data: CheckData) -> Verdict:
    """Train on the chosen sentences, without any regularisation."""
    config = data.config
    plain = replace(config.model, dropout=0.0, input_dropout=0.0)
    batch = min(resolve_training(config.training, len(data.tokens)).batch_sentences, OVERFIT_BATCH)
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
        class_weights="none",
        label_smoothing=0.0,
        batch_sentences=batch,
    )
    initial_rng, training_rng = np.random.default_rng([data.seed, 3]).spawn(2)
    matrix, n_labels = data.matrix.copy(), len(data.labels)
    model = WindowModel.initialize(
        plain, config.features, matrix, n_labels, rng=initial_rng, n_values=len(data.columns)
    )
    encoded = data.encode(config)
    objective = data.objective(replace(config, training=training), model.parameters)
    is_known = encoded.targets != IGNORED
    n_words, attainable = int(is_known.sum()), attainable_accuracy(encoded)
    accuracy, epochs, loss = 0.0, 0, float("nan")
    lowest, lowest_epoch = float("inf"), 0
    faults: tuple[str, ...] = ()
    try:
        for event in train(model, encoded, training, rng=training_rng, objective=objective):
            if isinstance(event, EpochDone):
                is_right = _best(model, encoded, data.labels) == encoded.targets
                accuracy, epochs, loss = float(is_right[is_known].mean()), event.epoch, event.loss
                if loss < 0.99 * lowest:
                    lowest, lowest_epoch = loss, epochs
                if accuracy >= attainable or epochs - lowest_epoch >= STALLED_EPOCHS:
                    break
        if accuracy < attainable:
            advice = f"try another training.learning_rate than {config.training.learning_rate:g}"
            if not config.model.hidden:
                advice += (
                    ", or a hidden layer (model.hidden): without one, only linear functions can be learned"
                )
            faults = (f"{n_words:,} words were not learned by heart in {epochs} epochs; {advice}",)
    except TrainingError as error:
        faults = (str(error),)
    detail = (
        f"token accuracy on {n_words:,} words of {len(data.tokens)} sentences after {epochs} "
        f"epochs ({config.training.optimizer}, constant learning rate {config.training.learning_rate:g}, "
        f"{batch} sentences per batch, no dropout, no L2), loss {loss:.4f}"
    )
    if attainable < 1:
        detail += "; equal windows have different labels, so a higher accuracy is impossible"
    return judge("over-fitting", accuracy, (attainable, 1.0), detail, faults=faults)


def _best(model: WindowModel, data: TrainingData, labels: LabelSet) -> Ints:
    """Return the best label of each window by itself, or with a sentence-level loss the best tag sequence."""
    scores = model.scores(data.words, data.windows)
    if model.config.loss == "softmax":
        best: Ints = scores.argmax(axis=1)
        return best
    return best_labels(scores, np.diff(data.starts), labels, model.parameters["transitions"])


def attainable_accuracy(data: TrainingData) -> float:
    """Return the highest accuracy of any function of the window: below 1 if equal windows differ in label."""
    labels_of: defaultdict[bytes, Counter[int]] = defaultdict(Counter)
    for window, target in zip(data.windows, data.targets.tolist(), strict=True):
        if target != IGNORED:
            labels_of[data.words[window].tobytes()][target] += 1
    return sum(max(counts.values()) for counts in labels_of.values()) / int((data.targets != IGNORED).sum())
