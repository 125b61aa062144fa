"""The training loop, as a generator of events; the best weights are kept, whatever ends the training.

N windows, K window width, J ids a word has, U distinct words, S sentences.
"""

from collections.abc import Callable, Generator, Mapping
from time import perf_counter

import numpy as np

from windowclf.arrays import Floats
from windowclf.config import TrainingConfig
from windowclf.corpus.label_set import IGNORED
from windowclf.errors import TrainingError
from windowclf.model import WindowModel
from windowclf.nn.schedules import SCHEDULES
from windowclf.training.data import TrainingData, make_batches
from windowclf.training.defaults import sized
from windowclf.training.events import EpochDone, Event, StepDone, TrainingDone
from windowclf.training.objectives import Objective, WordObjective
from windowclf.training.step import Learner


def train(
    model: WindowModel,
    data: TrainingData,
    config: TrainingConfig,
    *,
    rng: np.random.Generator,
    objective: Objective | None = None,
    dev_score: Callable[[], float] | None = None,
    n_movable_vectors: int | None = None,
) -> Generator[Event, None, None]:
    """Train `model` in place, yielding an event after each step and each epoch.

    However the generator ends (all epochs, patience, an error, or its being closed), the model is left with
    the weights of the best epoch; without dev data, of the last. Interrupted within the first epoch, it
    keeps the weights it has. Where weights are averaged over steps, the averages are scored and kept, and are
    in the model while the end of an epoch is yielded; training goes on from the weights themselves.

    Parameters
    ----------
    objective : Objective, optional
        Default: :class:`WordObjective`.
    dev_score : callable, optional
        Returns the score of the model as it is, higher is better.
    n_movable_vectors : int, optional
        Rows of the pretrained vectors that training can change (the first ones); default: all.

    Raises
    ------
    TrainingError
        If there is nothing to train on, or the loss or the weights are not finite.
    """
    if not (data.targets != IGNORED).any():
        raise TrainingError("no token has a label to learn", hint="Every label is the ignored one.")
    objective = objective or WordObjective()
    n_sentences = len(data.starts) - 1
    config = sized(config, n_sentences)
    learner = Learner(model, data, objective, config, rng=rng, n_movable_vectors=n_movable_vectors)
    best = _Best(learner.movable)
    steps_per_epoch = len(make_batches(np.arange(n_sentences), data.starts, config.batch_sentences))
    n_steps = steps_per_epoch * config.epochs
    step = 0
    reason = "all epochs done"
    try:
        for epoch in range(1, config.epochs + 1):
            started = perf_counter()
            epoch_loss, rate = 0.0, config.learning_rate
            for batch in make_batches(rng.permutation(n_sentences), data.starts, config.batch_sentences):
                rate = config.learning_rate * SCHEDULES[config.schedule](min(1.0, step / n_steps))
                with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is named below
                    loss = learner.step(batch, rate, epoch)
                step += 1
                if not np.isfinite(loss):
                    raise _not_finite("loss is", step, epoch, rate, best, loss)
                epoch_loss += loss * len(batch.windows)
                yield StepDone(epoch, step, n_steps, loss, len(batch.windows))
            seconds = perf_counter() - started
            with learner.averaged():
                if not best.can_take():
                    raise _not_finite("weights are", step, epoch, rate, best)
                score = dev_score() if dev_score else None
                is_best = best.offer(epoch, score)
                loss = epoch_loss / len(data.targets)
                speed = len(data.targets) / seconds
                yield EpochDone(epoch, config.epochs, loss, score, is_best, rate, seconds, speed)
            # the last epoch of frozen vectors counts as a best one: what they bring is still to come
            waited = epoch - max(best.epoch, config.vectors_from_epoch - 1)
            if score is not None and 0 < config.patience <= waited:
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


class _Best:
    """The weights of the best epoch so far; `present` are those of the model."""

    def __init__(self, present: Mapping[str, Floats]) -> None:
        self.present = present
        self.epoch = 0
        self.score: float | None = None
        self.weights: dict[str, Floats] = {}

    def __str__(self) -> str:
        return (
            f"The last good weights, of epoch {self.epoch}, are kept." if self.epoch else "No epoch was done."
        )

    def can_take(self) -> bool:
        """Say whether the present weights are all finite; no loss has shown yet what the last step did."""
        return all(bool(np.isfinite(weights).all()) for weights in self.present.values())

    def offer(self, epoch: int, score: float | None) -> bool:
        """Keep the present weights if the score is the best so far, or if there are no scores."""
        if self.epoch and score is not None and self.score is not None and score <= self.score:
            return False
        self.epoch, self.score = epoch, score
        for name, present in self.present.items():
            if name in self.weights:
                self.weights[name][...] = present
            else:
                self.weights[name] = present.copy()
        return True

    def restore(self) -> None:
        for name, weights in self.weights.items():
            self.present[name][...] = weights
