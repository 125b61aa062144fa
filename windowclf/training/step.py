"""One step of training: what a mini-batch says, and what becomes of the weights.

N windows, K window width, J ids a word has, U distinct words, S sentences, C labels.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.config import TrainingConfig
from windowclf.encoding.encoder import ABSENT_ROW, distinct
from windowclf.encoding.vocabulary import UNKNOWN
from windowclf.encoding.word_features import NONE
from windowclf.model import WindowModel
from windowclf.nn.averaging import Averages
from windowclf.nn.gradients import RowGradient, clip_by_norm
from windowclf.nn.optimizers import Optimizer
from windowclf.nn.workspace import Workspace
from windowclf.training.data import Batch, TrainingData
from windowclf.training.objectives import Objective


class Learner:
    """A model that is trained in place, with what its training remembers from step to step.

    Parameters
    ----------
    model : WindowModel
    data : TrainingData
    objective : Objective
    config : TrainingConfig
    rng : numpy.random.Generator
        Draws what is dropped.
    n_movable_vectors : int, optional
        Rows of the pretrained vectors that training may change (the first ones); default: all.

    Attributes
    ----------
    movable : mapping of str to array
        Views of the parameters, or of the rows of them, that training can change.
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
        n_movable = len(model.parameters["vectors"]) if n_movable_vectors is None else n_movable_vectors
        self._n_movable = n_movable
        self.movable: Mapping[str, Floats] = {
            name: model.parameters[name][:n_movable] if name == "vectors" else model.parameters[name]
            for name in model.trained
        }
        self._model, self._data, self._objective, self._config = model, data, objective, config
        self._rng = rng
        self._workspace = Workspace()
        self._averages = Averages(self.movable, config.averaging) if config.averaging else None
        self._optimizer = self._new_optimizer()

    def step(self, batch: Batch, rate: float, epoch: int) -> float:
        """Change the weights against the gradient of a batch, unless its loss is not finite, and return that.

        Parameters
        ----------
        batch : Batch
        rate : float
            Learning rate.
        epoch : int
            From 1.
        """
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
        """Return a block in which the model has the average of its weights, if such is configured."""
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
    """Make some words unknown, in place: what tells them from others that look like them is taken away.

    Parameters
    ----------
    words : array (U, J)
        Ids.
    is_dropped : array (U,) of bool
    whole : int, optional
        The column of the id of a word as a whole, where there is one.
    """
    words[is_dropped, 0] = UNKNOWN
    if whole is not None:
        words[is_dropped, whole] = NONE


def _penalties(model: WindowModel, l2: float, l2_vectors: float) -> dict[str, float]:
    """Return the L2 strength of each trained parameter; biases have none."""
    strengths = {}
    for name in model.trained:
        strength = l2_vectors if name in model.tables else l2 if name.endswith(".W") else 0.0
        if strength:
            strengths[name] = strength
    return strengths
