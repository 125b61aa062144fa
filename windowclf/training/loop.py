"""The training loop, as a generator of events; the best weights are kept, however training ends.

N windows, K window width, J ids of a word, U distinct words, S sentences.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.config import TrainingConfig
from windowclf.corpus import IGNORED
from windowclf.encoding import ABSENT_ROW, NONE, UNKNOWN, distinct
from windowclf.errors import TrainingError
from windowclf.model import WindowModel
from windowclf.nn import SCHEDULES, Averages, Optimizer, RowGradient, Workspace, clip_by_norm
from windowclf.training.data import Batch, TrainingData, make_batches
from windowclf.training.defaults import resolve_training
from windowclf.training.events import EpochDone, Event, StepDone, TrainingDone
from windowclf.training.objectives import Objective, WordObjective


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

    However the generator ends (all epochs, patience, an error, or being closed), the model has the weights of
    the best epoch; without dev data, of the last. Interrupted in the first epoch, it keeps the weights it
    has. With averaged weights, the averages are scored and kept, and are in the model while an `EpochDone` is
    yielded; training continues from the weights themselves.

    Parameters
    ----------
    objective : Objective, optional
        Default: :class:`WordObjective`.
    dev_score : callable, optional
        Returns the score of the present model; higher is better.
    n_movable_vectors : int, optional
        Number of pretrained vectors, from the first, that training may change; default: all.

    Raises
    ------
    TrainingError
        If there is nothing to train on, or the loss or the weights are not finite.
    """
    if not (data.targets != IGNORED).any():
        raise TrainingError(
            "no token has a label to learn", hint="All labels are the ignored label (data.ignore_label)."
        )
    objective = objective or WordObjective()
    n_sentences = len(data.starts) - 1
    config = resolve_training(config, n_sentences)
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
                with np.errstate(over="ignore", invalid="ignore"):  # reported below
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
            # patience starts when vectors are tuned
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
    """The weights of the best epoch so far, beside the `present` ones of the model."""

    def __init__(self, present: Mapping[str, Floats]) -> None:
        self.present = present
        self.epoch = 0
        self.score: float | None = None
        self.weights: dict[str, Floats] = {}

    def __str__(self) -> str:
        return f"The weights of epoch {self.epoch} are kept." if self.epoch else "No epoch was completed."

    def can_take(self) -> bool:
        """Return whether all present weights are finite; no loss depends on the last step yet."""
        return all(bool(np.isfinite(weights).all()) for weights in self.present.values())

    def offer(self, epoch: int, score: float | None) -> bool:
        """Keep the present weights if their score is the best so far, or if there are no scores."""
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


class Learner:
    """A network trained in place, and what training remembers from step to step; parameters as of `train`.

    `movable` are views of the parameters, or of the rows of them, that training can change.
    """

    def __init__(
        self,
        model: WindowModel,
        data: TrainingData,
        objective: Objective,
        config: TrainingConfig,
        *,
        rng: np.random.Generator,
        n_movable_vectors: int | None = None,
    ) -> None:
        self._n_movable = len(model.parameters["vectors"]) if n_movable_vectors is None else n_movable_vectors
        self.movable: Mapping[str, Floats] = {
            name: model.parameters[name][: self._n_movable if name == "vectors" else None]
            for name in model.trained
        }
        self._model, self._data, self._objective, self._config = model, data, objective, config
        self._rng = rng
        self._workspace = Workspace()
        self._averages = Averages(self.movable, config.averaging) if config.averaging else None
        self._optimizer = self._new_optimizer()

    def step(self, batch: Batch, rate: float, epoch: int) -> float:
        """Make one update with a batch and return its loss; a loss that is not finite changes nothing."""
        model, data, config = self._model, self._data, self._config
        rows, windows = distinct(data.windows[batch.windows], len(data.words))
        words = data.words[rows]
        if config.word_dropout:
            is_dropped = (rows > ABSENT_ROW) & (self._rng.random(len(rows)) < config.word_dropout)
            drop_words(words, is_dropped, model.features.whole_word_column)
        scores, backward = model.forward(words, windows, rng=self._rng, workspace=self._workspace)
        targets = data.targets[batch.windows]
        loss, loss_backward = self._objective(
            scores, targets=targets, lengths=batch.lengths, places=batch.windows
        )
        if not np.isfinite(loss):
            return loss
        dscores, own = loss_backward()
        gradients = backward(dscores) | own
        if epoch < config.vectors_from_epoch and model.tuned_table:
            del gradients[model.tuned_table]
        if isinstance(rows_of := gradients.get("vectors"), RowGradient):
            gradients["vectors"] = rows_of.before(self._n_movable)
        if config.clip_norm:
            gradients = clip_by_norm(gradients, config.clip_norm)
        if self._averages:
            self._averages.before_step(gradients)
        self._optimizer.step(model.parameters, gradients, rate)
        return loss

    def averaged(self) -> AbstractContextManager[None]:
        """Return a block in which the model has its averaged weights, if averaging is configured."""
        return self._averages.in_place() if self._averages else nullcontext()

    def _new_optimizer(self) -> Optimizer:
        config, tuned = self._config, self._model.tuned_table
        settings = {"mu": config.momentum} if config.optimizer == "momentum" else {}
        anchors = {}
        if tuned and config.l2_anchor:
            anchors[tuned] = (config.l2_anchor, self.movable[tuned].copy())
        return Optimizer(
            config.optimizer,
            l2=_penalties(self._model, config.l2, config.l2_vectors),
            anchors=anchors,
            rates={tuned: config.vectors_rate} if tuned else {},
            **settings,
        )


def drop_words(words: Ints, is_dropped: Bools, whole: int | None) -> None:
    """Make words (U, J) unknown, in place: remove what tells them from others of the same affixes.

    `whole` is the column of the id of the whole word, if there is one.
    """
    words[is_dropped, 0] = UNKNOWN
    if whole is not None:
        words[is_dropped, whole] = NONE


def _penalties(model: WindowModel, l2: float, l2_vectors: float) -> dict[str, float]:
    """Return the L2 strength of each trained parameter; biases have none."""
    strengths = {
        name: l2_vectors if name in model.tables else l2 if name.endswith(".W") else 0.0
        for name in model.trained
    }
    return {name: strength for name, strength in strengths.items() if strength}
