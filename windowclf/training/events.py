"""What a training reports while it runs."""

from dataclasses import dataclass

from windowclf.model import Calibration


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


@dataclass(frozen=True, slots=True)
class MemberDone:
    """A network of an ensemble is trained: its own dev score, and that of all networks so far together."""

    member: int
    n_members: int
    dev_score: float | None
    ensemble_score: float | None


@dataclass(frozen=True, slots=True)
class Carried:
    """The movement of tuned vectors was carried over to the words that training never read.

    `fitted` is how many vectors that moved were learnt from, `moved` how many others moved after them.
    """

    method: str
    strength: float
    fitted: int
    moved: int


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Probabilities were corrected by development data, the last thing that happens in a training.

    `dev_score` is that of the model with the correction, whose cost of being outside the same data decided.
    """

    calibration: Calibration
    dev_score: float


Event = StepDone | EpochDone | TrainingDone | MemberDone | Carried | Calibrated
