"""Events of a training."""

from dataclasses import dataclass

from windowclf.model import Calibration


@dataclass(frozen=True, slots=True)
class StepDone:
    """An update of the parameters."""

    epoch: int
    step: int
    n_steps: int
    loss: float
    n_windows: int


@dataclass(frozen=True, slots=True)
class EpochDone:
    """A pass over the training data, and the dev score after it; None without dev data."""

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
    """A network of an ensemble: its own dev score, and that of all finished networks together."""

    member: int
    n_members: int
    dev_score: float | None
    ensemble_score: float | None


@dataclass(frozen=True, slots=True)
class Carried:
    """The movement of tuned vectors was carried over to words that are not in the training data."""

    method: str
    strength: float
    fitted: int  # vectors that the map was fitted on
    moved: int  # the others, which it moved


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The model was calibrated on development data, the last step of a training."""

    calibration: Calibration
    dev_score: float  # after calibration; the O penalty was tuned on the same data


Event = StepDone | EpochDone | TrainingDone | MemberDone | Carried | Calibrated
