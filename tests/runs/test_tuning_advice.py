"""Advice on tuning: planted cases whose truth is known, what is left out, and when nothing is tried."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowTagger
from windowclf.errors import ConfigError, DataError
from windowclf.runs import Advice, TrialEvent, advise_tuning
from windowclf.runs import tuning_advice as advice
from windowclf.runs import tuning_advice as advising
from windowclf.runs.tuning_advice import advise_events
from windowclf.training import StepDone, resolve_training
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
Case = tuple[Config, Labelled, Labelled, WordVectors]

WORDS = [f"w{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}{chr(97 + i // 676)}" for i in range(1200)]


def _config(**training: Any) -> Config:
    """Return a linear tagger of single words that sees nothing of them but their vectors."""
    return Config(
        model=ModelConfig(window=1, hidden=(), dropout=0.0, input_dropout=0.0, vector_deviation=0.0),
        features=FeaturesConfig(case_dimension=0, affix_dimension=0),
        training=replace(TrainingConfig(learning_rate=0.03, batch_sentences=16, epochs=20), **training),
    )


def _labelled(words: list[str], label_of: dict[str, str], *, n: int, seed: int) -> Labelled:
    """Draw sentences of five of the words, each with its label."""
    drawn = np.random.default_rng(seed).choice(words, (n, 5)).tolist()
    return drawn, [[label_of[word] for word in sentence] for sentence in drawn]


def _vectors(matrix: Any) -> WordVectors:
    return WordVectors("planted", "here", WORDS, matrix.astype(np.float32), "sha256 of it")


@pytest.fixture(scope="module")
def lost_by_tuning() -> Case:
    """Labels are a linear function of the vectors, but for noise in training; dev has words of its own.

    Tuned vectors learn the noise by heart, and the direction that all words share is not learnt.
    """
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((len(WORDS), 8))
    truth = dict(zip(WORDS, np.where(matrix[:, 0] > 0, "A", "B").tolist(), strict=True))
    other = {"A": "B", "B": "A"}
    noisy = {word: other[label] if rng.random() < 0.35 else label for word, label in truth.items()}
    train = _labelled(WORDS[:400], noisy, n=160, seed=1)
    return _config(), train, _labelled(WORDS[400:], truth, n=300, seed=2), _vectors(matrix)


@pytest.fixture(scope="module")
def won_by_tuning() -> Case:
    """Labels are of the word itself: its vector, of two dimensions, says nothing."""
    rng = np.random.default_rng(0)
    words = WORDS[:60]
    label_of = dict(zip(words, rng.choice(["A", "B", "C"], len(words)).tolist(), strict=True))
    train = _labelled(words, label_of, n=150, seed=1)
    matrix = rng.standard_normal((len(WORDS), 2))
    return _config(), train, _labelled(words, label_of, n=100, seed=2), _vectors(matrix)


@pytest.fixture
def prior(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what sets the choice by size, at every size."""
    return lambda tuning: monkeypatch.setattr(advice, "PRIORS", ((0, tuning),))


def _advise(case: Case, **changes: Any) -> Advice:
    config, train, dev, vectors = case
    arguments: dict[str, Any] = {"config": config, "dev": dev, "vectors": vectors} | changes
    return advise_tuning(arguments.pop("config"), *train, arguments.pop("dev"), **arguments)


def _means(found: Advice) -> dict[str, float]:
    return {trial.tuning: trial.mean for trial in found.trials}


@pytest.mark.parametrize("choice", ["two-channel", "tuned"])
def test_frozen_vectors_are_taken_where_tuning_learns_noise(
    choice: str, lost_by_tuning: Case, prior: Callable[[str], None]
) -> None:
    prior(choice)
    found = _advise(lost_by_tuning)
    means = _means(found)
    assert means["frozen"] > means["tuned"] + 0.03
    assert (found.prior, found.tuning) == (choice, "frozen")
    assert f"Frozen was significantly better than {choice}" in found.reason


def test_tuned_vectors_are_taken_where_vectors_say_nothing(
    won_by_tuning: Case, prior: Callable[[str], None]
) -> None:
    prior("frozen")
    found = _advise(won_by_tuning)
    means = _means(found)
    assert min(means["tuned"], means["two-channel"]) > means["frozen"] + 0.2
    assert found.tuning == max(means, key=lambda tuning: means[tuning]) != "frozen"
    smallest = 1 / 10_001  # of 10,000 resamples, none was as extreme
    p_values = [trial.p_value for trial in found.trials]
    assert p_values == [None, pytest.approx(2 * smallest), pytest.approx(2 * smallest)]  # Holm's, of two


def test_what_is_no_better_than_the_choice_by_size_leaves_it(won_by_tuning: Case) -> None:
    found = _advise(won_by_tuning)
    assert found.tuning == found.prior == "two-channel"
    p_values = {trial.tuning: trial.p_value for trial in found.trials}
    assert p_values["two-channel"] is None
    assert p_values["frozen"] is not None and p_values["frozen"] < 0.05  # worse, and surely so
    assert "Two-channel is kept: no other was significantly better." in found.reason


@pytest.mark.slow
def test_labels_without_rule_leave_the_choice_by_size(
    lost_by_tuning: Case, prior: Callable[[str], None]
) -> None:
    config, train, dev, vectors = lost_by_tuning
    rng = np.random.default_rng(3)
    dev = dev[0], [rng.choice(["A", "B"], len(labels)).tolist() for labels in dev[1]]
    for choice in advice.TUNINGS:
        prior(choice)
        assert _advise((config, train, dev, vectors)).tuning == choice


def test_the_figures_are_told_and_are_those_of_the_trial(won_by_tuning: Case) -> None:
    found = _advise(won_by_tuning)
    means = _means(found)
    assert list(means) == ["frozen", "two-channel", "tuned"]
    assert found.reason.startswith(
        "150 training sentences (750 words). In a trial on them, dev token accuracy was "
        f"{100 * means['frozen']:.2f} frozen, {100 * means['two-channel']:.2f} two-channel, "
    )
    assert (found.trial_sentences, found.trial_epochs, found.dev_sentences) == (150, 10, 100)
    for trial in found.trials:
        assert trial.seeds == (0, 1)
        assert trial.mean == pytest.approx(sum(trial.scores) / 2)


def test_a_score_of_the_trial_is_that_of_the_same_training(won_by_tuning: Case) -> None:
    found = _advise(won_by_tuning)
    config, train, dev, vectors = won_by_tuning
    config = replace(config, training=replace(config.training, epochs=found.trial_epochs))
    tagger = WindowTagger(config, vectors=vectors, tuning="tuned", seed=1).fit(*train, dev=dev)
    assert found.trials[2].scores[1] == pytest.approx(tagger.evaluate(*dev).main_score)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_advice_and_another_one_another_trial(won_by_tuning: Case) -> None:
    first = _advise(won_by_tuning)
    assert _advise(won_by_tuning) == first
    other = _advise(won_by_tuning, config=_config(seed=7))
    assert other.trials[0].seeds == (7, 8)
    assert other.trials != first.trials


def test_without_dev_the_size_alone_decides(won_by_tuning: Case) -> None:
    found = _advise(won_by_tuning, dev=None)
    assert (found.tuning, found.trials, found.trial_sentences) == ("two-channel", (), 0)
    assert "without dev data there was no trial" in found.reason


@pytest.mark.parametrize(
    ("n_words", "left_out", "expected"),
    [
        (1, {}, "frozen"),
        (99, {}, "frozen"),
        (100, {}, "two-channel"),
        (5000, {}, "tuned"),
        (1, {"frozen": ""}, "two-channel"),
        (100, {"frozen": "", "two-channel": ""}, "tuned"),
    ],
)
def test_the_choice_by_size_is_read_from_its_table(
    n_words: int, left_out: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advice, "PRIORS", ((0, "frozen"), (100, "two-channel"), (1000, "tuned")))
    assert advice.prior_tuning(n_words, left_out) == expected


# -- what is tried -----------------------------------------------------------------------------------


def test_tunings_that_the_configuration_does_not_allow_are_left_out(won_by_tuning: Case) -> None:
    found = _advise(won_by_tuning, config=_config(tuned_from_count=2))
    assert list(_means(found)) == ["two-channel", "tuned"]
    assert "Frozen was left out: training.tuned_from_count = 2 needs tuned vectors." in found.reason


@pytest.mark.parametrize(
    ("vectors", "training", "why"),
    [
        ("planted", {"carry": "ridge"}, "training.carry = 'ridge'"),
        ("random:4", {}, "random vectors have nothing"),
    ],
)
def test_where_one_tuning_is_left_nothing_is_tried(
    vectors: str, training: dict[str, Any], why: str, won_by_tuning: Case
) -> None:
    given = won_by_tuning[3] if vectors == "planted" else vectors
    found = _advise(won_by_tuning, config=_config(**training), vectors=given)
    assert (found.tuning, found.trials) == ("tuned", ())
    assert found.left_out.keys() == {"frozen", "two-channel"}
    assert why in found.reason


@pytest.mark.slow
def test_the_tuning_that_is_configured_does_not_matter(won_by_tuning: Case) -> None:
    config = _config()
    frozen = replace(config, model=replace(config.model, tuning="frozen"))
    assert _advise(won_by_tuning, config=frozen) == _advise(won_by_tuning)


@pytest.mark.slow
def test_single_networks_are_tried_for_an_ensemble(won_by_tuning: Case) -> None:
    ensemble = _advise(won_by_tuning, config=_config(ensemble=5, bootstrap=True))
    assert ensemble == _advise(won_by_tuning)


def test_much_data_is_tried_in_part_and_what_tunes_less_is_left_out(
    lost_by_tuning: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advising, "TRIAL_SENTENCES", 79)  # of 160
    found = _advise(lost_by_tuning)
    assert (found.trial_sentences, found.dev_sentences) == (79, 79)
    assert list(_means(found)) == ["two-channel", "tuned"]
    assert "In a trial on 79 of them" in found.reason
    assert "Frozen was left out: it was better at no size in docs/tuning-study.md" in found.reason
    monkeypatch.setattr(advising, "TRIAL_SENTENCES", 80)  # as much as half
    assert list(_means(_advise(lost_by_tuning))) == ["frozen", "two-channel", "tuned"]


def test_where_the_choice_by_size_tunes_the_most_a_part_of_the_data_is_not_tried(
    lost_by_tuning: Case, monkeypatch: pytest.MonkeyPatch, prior: Callable[[str], None]
) -> None:
    prior("tuned")
    monkeypatch.setattr(advising, "TRIAL_SENTENCES", 20)
    found = _advise(lost_by_tuning)
    assert (found.tuning, found.trials) == ("tuned", ())


def test_a_part_of_the_data_has_every_label(won_by_tuning: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advising, "TRIAL_SENTENCES", 10)
    config, _, _, vectors = won_by_tuning
    sentences = [["waaa", "waab"]] * 500
    labels = [["O", "O"]] * 499 + [["B-X", "I-X"]]
    dev = sentences[:20], [["O", "O"]] * 10 + [["B-X", "I-X"]] * 10
    found = advise_tuning(config, sentences, labels, dev, vectors=vectors)
    assert "dev entity F1" in found.reason
    assert len(found.trials) == 2


def test_the_trial_reads_a_fifth_of_what_a_long_training_reads() -> None:
    training = TrainingConfig()
    for n in (12_000, 50_000, 1_000_000):
        epochs = advising._trial_epochs(training, n, 2000, 4)
        reads = n * resolve_training(training, n).epochs
        assert 4 * 2000 * epochs <= max(4 * 6000, 0.25 * reads)
    assert advising._trial_epochs(training, 400, 400, 6) == 15  # of 50 that suit it
    assert advising._trial_epochs(training, 20, 20, 6) == 30  # of 60


@pytest.mark.slow
def test_vectors_that_are_tuned_late_are_tuned_in_the_trial_too(won_by_tuning: Case) -> None:
    late = _advise(won_by_tuning, config=_config(vectors_from_epoch=15))
    means = _means(late)
    assert means["frozen"] + 0.05 < means["tuned"] < _means(_advise(won_by_tuning))["tuned"]


# -- events and refusals -----------------------------------------------------------------------------


def test_events_count_the_trainings_and_closing_ends_the_trial(won_by_tuning: Case) -> None:
    seen: list[TrialEvent] = []
    _advise(won_by_tuning, on_event=seen.append)
    order = list(dict.fromkeys((event.training, event.seed, event.tuning) for event in seen))
    assert order == [
        (i + 1, seed, tuning)
        for i, (seed, tuning) in enumerate((s, t) for s in (0, 1) for t in advice.TUNINGS)
    ]
    assert {event.n_trainings for event in seen} == {6}
    config, train, dev, vectors = won_by_tuning
    events = advise_events(config, *train, dev, vectors=vectors)
    assert isinstance(next(events).event, StepDone)
    events.close()
    assert list(events) == []


def test_bad_input_is_refused_before_anything_is_tried(won_by_tuning: Case) -> None:
    config, (sentences, labels), dev, vectors = won_by_tuning
    with pytest.raises(DataError, match="differ in number"):
        advise_tuning(config, sentences, labels[1:], dev, vectors=vectors)
    with pytest.raises(DataError, match="at least two different labels"):
        advise_tuning(config, [["waaa"]], [["A"]], dev, vectors=vectors)
    with pytest.raises(DataError, match="not of the model's task"):
        advise_tuning(config, sentences, labels, ([["waaa"]], [["Z"]]), vectors=vectors)
    with pytest.raises(DataError, match="dev sentences: no sentence"):
        advise_tuning(config, sentences, labels, ([], []), vectors=vectors)
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        advise_tuning(_config(epochs=-1), sentences, labels, dev, vectors=vectors)
