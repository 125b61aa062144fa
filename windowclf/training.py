"""The training loop, as a generator of events; the best weights are kept, whatever ends the training.

N windows, K window width, J ids a word has, U distinct words, S sentences.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import TrainingConfig
from windowclf.errors import TrainingError
from windowclf.model import WindowModel
from windowclf.nn.gradients import clip_by_norm
from windowclf.nn.losses import softmax_cross_entropy
from windowclf.nn.optimizers import Optimizer
from windowclf.nn.schedules import SCHEDULES
from windowclf.nn.workspace import Workspace
from windowclf.text.windows import distinct

MOST_WINDOWS = 8192  # windows of one step; a longer batch (a sentence of 100,000 words, say) is several steps


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A corpus as integers, made once.

    Attributes
    ----------
    words : array (U, J)
        The ids of each distinct word.
    windows : array (N, K)
        Rows of `words`, a window for each token that has a label.
    targets : array (N,)
        The label of each window.
    starts : array (S + 1,)
        The windows of sentence s are `starts[s]` to `starts[s + 1]`.
    """

    words: Ints
    windows: Ints
    targets: Ints
    starts: Ints


@dataclass(frozen=True, slots=True)
class StepDone:
    """One update of the parameters."""

    epoch: int
    step: int
    n_steps: int
    loss: float
    n_windows: int


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One pass over the training data, and the dev score after it (None without dev data)."""

    epoch: int
    n_epochs: int
    loss: float
    dev_score: float | None
    is_best: bool
    learning_rate: float
    seconds: float
    words_per_second: float


@dataclass(frozen=True, slots=True)
class TrainingDone:
    """The end; the model holds the weights of `best_epoch`."""

    best_epoch: int
    best_score: float | None
    reason: str


Event = StepDone | EpochDone | TrainingDone


def train(
    model: WindowModel,
    data: TrainingData,
    config: TrainingConfig,
    *,
    rng: np.random.Generator,
    dev_score: Callable[[], float] | None = None,
    n_movable_vectors: int | None = None,
) -> Generator[Event, None, None]:
    """Train `model` in place, yielding an event after each step and each epoch.

    However the generator ends (all epochs, patience, an error, or its being closed), the model is left with
    the weights of the best epoch; without dev data, of the last. Interrupted within the first epoch, it
    keeps the weights it has.

    Parameters
    ----------
    dev_score : callable, optional
        Returns the score of the model as it is, higher is better.
    n_movable_vectors : int, optional
        Rows of the pretrained vectors that training can change (the first ones); default: all.

    Raises
    ------
    TrainingError
        If there is nothing to train on, or the loss or the weights are not finite.
    """
    if len(data.targets) == 0:
        raise TrainingError("no token has a label to learn", hint="Every label is the ignored one.")
    settings = {"mu": config.momentum} if config.optimizer == "momentum" else {}
    penalties = _penalties(model, config.l2, config.l2_vectors)
    optimizer = Optimizer(config.optimizer, l2=penalties, **settings)
    n_sentences = len(data.starts) - 1
    steps_per_epoch = len(_batches(np.arange(n_sentences), data.starts, config.batch_sentences))
    n_steps = steps_per_epoch * config.epochs
    best = _Best(model, n_movable_vectors)
    workspace = Workspace()
    step = 0
    reason = "all epochs done"
    try:
        for epoch in range(1, config.epochs + 1):
            started = perf_counter()
            epoch_loss, rate = 0.0, config.learning_rate
            for batch in _batches(rng.permutation(n_sentences), data.starts, config.batch_sentences):
                rate = config.learning_rate * SCHEDULES[config.schedule](min(1.0, step / n_steps))
                with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is named below
                    loss = _step(model, data, batch, optimizer, rate, config.clip_norm, rng, workspace)
                step += 1
                if not np.isfinite(loss):
                    raise _not_finite("loss is", step, epoch, rate, best, loss)
                epoch_loss += loss * len(batch)
                yield StepDone(epoch, step, n_steps, loss, len(batch))
            seconds = perf_counter() - started
            if not best.can_take():
                raise _not_finite("weights are", step, epoch, rate, best)
            score = dev_score() if dev_score else None
            is_best = best.offer(epoch, score)
            loss = epoch_loss / len(data.targets)
            speed = len(data.targets) / seconds
            yield EpochDone(epoch, config.epochs, loss, score, is_best, rate, seconds, speed)
            if score is not None and 0 < config.patience <= epoch - best.epoch:
                reason = f"no better dev score in {config.patience} epochs"
                break
    finally:
        best.restore()
    yield TrainingDone(best.epoch, best.score, reason)


def _not_finite(
    what: str, step: int, epoch: int, rate: float, best: "_Best", found: float | None = None
) -> TrainingError:
    return TrainingError(
        f"the {what} not finite at step {step} (epoch {epoch}), learning rate {rate:g}",
        found=found,
        hint=f"{best} Lower training.learning_rate.",
    )


def _step(
    model: WindowModel,
    data: TrainingData,
    batch: Ints,
    optimizer: Optimizer,
    rate: float,
    clip_norm: float,
    rng: np.random.Generator,
    workspace: Workspace,
) -> float:
    batch_windows = data.windows[batch]
    rows, windows = distinct(batch_windows, len(data.words))
    scores, backward = model.forward(data.words[rows], windows, rng=rng, workspace=workspace)
    loss, loss_backward = softmax_cross_entropy(scores, targets=data.targets[batch])
    if np.isfinite(loss):
        gradients = backward(loss_backward())
        optimizer.step(model.parameters, clip_by_norm(gradients, clip_norm) if clip_norm else gradients, rate)
    return loss


def _batches(order: Ints, starts: Ints, batch_sentences: int) -> list[Ints]:
    """Return the window numbers of each mini-batch of sentences taken in `order`; none is empty."""
    batches: list[Ints] = []
    for first in range(0, len(order), batch_sentences):
        chosen = order[first : first + batch_sentences]
        begins, lengths = starts[chosen], starts[chosen + 1] - starts[chosen]
        ends = np.cumsum(lengths)
        numbers = np.arange(ends[-1]) + np.repeat(begins - (ends - lengths), lengths)
        batches.extend(numbers[i : i + MOST_WINDOWS] for i in range(0, len(numbers), MOST_WINDOWS))
    return batches


def _penalties(model: WindowModel, l2: float, l2_vectors: float) -> dict[str, float]:
    """Return the L2 strength of each trained parameter; biases have none."""
    strengths = {}
    for name in model.trained:
        strength = l2_vectors if name in model.tables else l2 if name.endswith(".W") else 0.0
        if strength:
            strengths[name] = strength
    return strengths


class _Best:
    """The weights of the best epoch so far."""

    def __init__(self, model: WindowModel, n_movable_vectors: int | None) -> None:
        self.model = model
        self.rows = {"vectors": n_movable_vectors}
        self.epoch = 0
        self.score: float | None = None
        self.weights: dict[str, Floats] = {}

    def __str__(self) -> str:
        return (
            f"The last good weights, of epoch {self.epoch}, are kept." if self.epoch else "No epoch was done."
        )

    def can_take(self) -> bool:
        """Say whether the present weights are all finite; no loss has shown yet what the last step did."""
        return all(bool(np.isfinite(self._present(name)).all()) for name in self.model.trained)

    def offer(self, epoch: int, score: float | None) -> bool:
        """Keep the present weights if the score is the best so far, or if there are no scores."""
        if self.epoch and score is not None and self.score is not None and score <= self.score:
            return False
        self.epoch, self.score = epoch, score
        for name in self.model.trained:
            part = self._present(name)
            if name in self.weights:
                self.weights[name][...] = part
            else:
                self.weights[name] = part.copy()
        return True

    def restore(self) -> None:
        for name, weights in self.weights.items():
            self._present(name)[...] = weights

    def _present(self, name: str) -> Floats:
        """Return the part of a parameter that training can change; a view."""
        return self.model.parameters[name][: self.rows.get(name)]
