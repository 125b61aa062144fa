"""What one does before trusting a network: check its gradients, its first loss, and that it can over-fit."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from windowclf.arrays import Ints
from windowclf.config import Config
from windowclf.corpus.label_set import IGNORED, LabelSet
from windowclf.errors import TrainingError
from windowclf.inspection.first_loss import check_first_loss
from windowclf.inspection.network_data import CheckData, choose_data
from windowclf.inspection.network_gradients import check_narrow, check_sample
from windowclf.inspection.verdict import Verdict, judge
from windowclf.model.network import WindowModel
from windowclf.model.viterbi import best_labels
from windowclf.training.data import TrainingData
from windowclf.training.defaults import sized
from windowclf.training.events import EpochDone
from windowclf.training.loop import train

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

    The loss is that of the configuration, of words or of sentences.

    Up to 20 sentences are taken, chosen by the seed so that they hold as many different labels as possible;
    of a long sentence, the first 50 words.

    1. Gradients of a narrow copy: the same layers, activation, window and features, each a few numbers
       wide, in float64, with dropout (its masks held). Every coordinate of every parameter.
    2. Gradients of the network in its real size: a thousand coordinates spread over all trained
       parameters; of tables, rows that the windows use and some that none uses.
    3. First loss: what the untrained network loses, against what guessing loses: ln C, or of sentences the
       log of how many labellings are legal. See `windowclf.inspection.first_loss` for what is allowed.
    4. Over-fitting: trained on these sentences alone, at its learning rate but constantly, without dropout,
       L2, class weights and smoothing, the network must get every word right.

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
    for check in (check_narrow, check_sample, check_first_loss, _overfit):
        verdicts.append(check(data))
        if on_verdict:
            on_verdict(verdicts[-1])
    return verdicts


def _overfit(data: CheckData) -> Verdict:
    """Train on the chosen sentences, without anything that keeps the network from learning them by heart."""
    config = data.config
    plain = replace(config.model, dropout=0.0, input_dropout=0.0)
    batch = min(sized(config.training, len(data.tokens)).batch_sentences, OVERFIT_BATCH)
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
    model = WindowModel.initialize(
        plain,
        config.features,
        data.matrix.copy(),
        len(data.labels),
        rng=initial_rng,
        n_values=len(data.columns),
    )
    encoded = data.encode(config)
    objective = data.objective(replace(config, training=training), model.parameters)
    is_known = encoded.targets != IGNORED
    n_words = int(is_known.sum())
    attainable = attainable_accuracy(encoded)
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
            faults = (_not_learned(data.config, n_words, epochs),)
    except TrainingError as error:
        faults = (str(error),)
    detail = (
        f"token accuracy on {n_words:,} words of {len(data.tokens)} sentences after {epochs} "
        f"epochs ({config.training.optimizer}, constant learning rate {config.training.learning_rate:g}, "
        f"{batch} sentences a batch, no dropout, no L2), loss {loss:.4f}"
    )
    if attainable < 1:
        detail += "; words in equal windows have different labels, so that more cannot be reached"
    return judge("over-fitting", accuracy, (attainable, 1.0), detail, faults=faults)


def _best(model: WindowModel, data: TrainingData, labels: LabelSet) -> Ints:
    """Return the label of each window, as the loss has it: the best by itself, or of the best labelling."""
    scores = model.scores(data.words, data.windows)
    if model.config.loss == "softmax":
        best: Ints = scores.argmax(axis=1)
        return best
    return best_labels(scores, np.diff(data.starts), labels, model.parameters["transitions"])


def attainable_accuracy(data: TrainingData) -> float:
    """Return the accuracy of the best function of the window: below 1 if equal windows differ in label."""
    labels_of: defaultdict[bytes, Counter[int]] = defaultdict(Counter)
    for window, target in zip(data.windows, data.targets.tolist(), strict=True):
        if target != IGNORED:
            labels_of[data.words[window].tobytes()][target] += 1
    return sum(max(counts.values()) for counts in labels_of.values()) / int((data.targets != IGNORED).sum())


def _not_learned(config: Config, n_words: int, epochs: int) -> str:
    advice = f"try another training.learning_rate than {config.training.learning_rate:g}"
    if not config.model.hidden:
        advice += ", or model.hidden with a hidden layer: without one, only what is linear can be learned"
    return f"{n_words:,} words were not learned by heart in {epochs} epochs; {advice}"
