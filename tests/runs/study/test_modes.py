"""The modes of the tuning study: what each makes of a configuration."""

from dataclasses import replace

import pytest

from windowclf import Config, ModelConfig, TrainingConfig
from windowclf.errors import ConfigError
from windowclf.runs import BASELINE, MODES
from windowclf.runs.study.modes import check_modes, configure

PLAIN = TrainingConfig()


def changed(mode: str, config: Config | None = None) -> dict[str, object]:
    """Return what a mode changes of a configuration with tuned vectors."""
    config = config or Config(model=ModelConfig(tuning="tuned", vectors="glove"))
    after = configure(config, mode, n_sentences=400, dimension=50)
    before = configure(config, "tuned", n_sentences=400, dimension=50)
    return {
        name: getattr(getattr(after, section), name)
        for section in ("model", "features", "training", "data")
        for name in getattr(after, section).__slots__
        if getattr(getattr(after, section), name) != getattr(getattr(before, section), name)
    }


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("frozen", {"tuning": "frozen"}),
        ("tuned", {}),
        ("tuned-slow", {"vectors_rate": 0.1}),
        ("tuned-late", {"vectors_from_epoch": 26}),  # 1000 / √400 = 50 epochs
        ("tuned-anchored", {"l2_anchor": 1e-3}),
        ("tuned-frequent", {"tuned_from_count": 5}),
        ("two-channel", {"tuning": "two-channel"}),
        ("random", {"vectors": "random:50"}),
        ("tuned-carried", {}),
    ],
)
def test_a_mode_changes_how_vectors_are_used_and_nothing_else(mode: str, expected: dict[str, object]) -> None:
    assert changed(mode) == expected


def test_every_mode_is_tested_here() -> None:
    (mark,) = test_a_mode_changes_how_vectors_are_used_and_nothing_else.pytestmark  # type: ignore[attr-defined]
    assert [mode for mode, _ in mark.args[1]] == list(MODES)


@pytest.mark.parametrize("mode", MODES)
def test_what_the_user_says_of_tuning_does_not_count(mode: str) -> None:
    own = TrainingConfig(vectors_rate=0.5, l2_anchor=0.3, tuned_from_count=2, vectors_from_epoch=3, epochs=10)
    config = Config(model=ModelConfig(tuning="two-channel"), training=own)
    plain = replace(own, vectors_rate=1.0, l2_anchor=0.0, tuned_from_count=1, vectors_from_epoch=1)
    expected = configure(Config(training=plain), mode, n_sentences=9, dimension=4)
    assert configure(config, mode, n_sentences=9, dimension=4) == expected


def test_late_is_half_of_the_epochs_that_are_asked_for() -> None:
    config = Config(training=TrainingConfig(epochs=8))
    assert configure(config, "tuned-late", n_sentences=9, dimension=4).training.vectors_from_epoch == 5


def test_modes_are_in_one_order_and_once_each() -> None:
    assert check_modes(["random", "tuned", "frozen", "tuned"]) == ("frozen", "tuned", "random")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["frozen", "tuned-slwo"], "tuned-slow"),
        (["tuned", "random"], BASELINE),
        (["frozen"], "at least one more"),
        ([], "at least one more"),
    ],
)
def test_modes_that_make_no_study_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_modes(names)
