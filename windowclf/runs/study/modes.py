"""The ways of using pretrained vectors that the tuning study compares."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from windowclf.config import Config, TrainingConfig
from windowclf.config_io import override
from windowclf.errors import ConfigError, did_you_mean
from windowclf.training import resolve_training
from windowclf.vectors import RANDOM_PREFIX

BASELINE = "frozen"
CARRIED = "tuned-carried"  # not trained by itself: what `tuned` moved is carried over
TUNED = "tuned"
_SLOW_RATE = 0.1
_ANCHOR = 1e-3
_FREQUENT = 5

MODES = {
    BASELINE: "pretrained vectors stay as they are",
    TUNED: "training moves the vectors of its words",
    "tuned-slow": f"tuned, at {_SLOW_RATE:g} of the learning rate",
    "tuned-late": "frozen for the first half of the epochs, then tuned",
    "tuned-anchored": f"tuned, with an L2 penalty of {_ANCHOR:g} on the distance from pretrained vectors",
    "tuned-frequent": f"tuned are only vectors that training reads {_FREQUENT} times or more",
    "two-channel": "a frozen vector and a tuned copy of it, side by side",
    "random": "vectors of training words drawn at random and tuned, none for other words",
    CARRIED: "tuned; then words that training never read move like those that it moved",
}
"""The modes by name, and what they are."""

# everything that a mode decides; the user's values of these are ignored
_DECIDED = ("vectors_rate", "vectors_from_epoch", "l2_anchor", "tuned_from_count", "carry", "carry_strength")


def check_modes(names: Sequence[str]) -> tuple[str, ...]:
    """Return modes in the order of `MODES`, once each; ConfigError without the baseline or any other mode."""
    for name in names:
        if name not in MODES:
            raise ConfigError(
                "no such mode",
                where="modes",
                found=name,
                allowed=", ".join(MODES),
                hint=did_you_mean(name, MODES, cutoff=0.5),
            )
    if BASELINE not in names or len(set(names)) < 2:
        raise ConfigError(
            f"every mode is compared with {BASELINE!r}",
            where="modes",
            found=", ".join(names),
            allowed=f"{BASELINE} and at least one more",
        )
    return tuple(name for name in MODES if name in names)


def without_mode(config: Config) -> Config:
    """Return a configuration with everything that a mode decides set as for `TUNED`."""
    defaults = TrainingConfig()
    return replace(
        config,
        model=replace(config.model, tuning="tuned"),
        training=replace(config.training, **{name: getattr(defaults, name) for name in _DECIDED}),
    )


def configure(config: Config, mode: str, *, n_sentences: int, dimension: int) -> Config:
    """Return the configuration of a mode; `CARRIED` is trained as `TUNED`.

    The training sentences decide the number of epochs; `dimension` is that of the pretrained vectors, and of
    those of ``random``.
    """
    plain = without_mode(config)
    late = resolve_training(plain.training, n_sentences).epochs // 2 + 1
    assignments: dict[str, dict[str, Any]] = {
        BASELINE: {"model.tuning": "frozen"},
        "tuned-slow": {"training.vectors_rate": _SLOW_RATE},
        "tuned-late": {"training.vectors_from_epoch": late},
        "tuned-anchored": {"training.l2_anchor": _ANCHOR},
        "tuned-frequent": {"training.tuned_from_count": _FREQUENT},
        "two-channel": {"model.tuning": "two-channel"},
        "random": {"model.vectors": f"{RANDOM_PREFIX}{dimension}"},
    }
    return override(plain, (), further=assignments.get(mode), where=mode)
