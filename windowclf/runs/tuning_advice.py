"""Advice on tuning the vectors, from the size of the data and a trial."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from statistics import fmean
from typing import Any

import numpy as np

from windowclf.arrays import Ints
from windowclf.config import Config, TrainingConfig, Tuning
from windowclf.config_io import config_from_dict, config_to_dict, override
from windowclf.corpus import LabelSet, Sentences
from windowclf.errors import ConfigError
from windowclf.evaluation import compare, holm, score_of, sentence_counts
from windowclf.tagger import WindowTagger
from windowclf.training import Event, check_training, resolve_training
from windowclf.vectors import WordVectors, is_random, open_vectors

# minimal number of training words -> the choice unless a trial shows better; in docs/tuning-study.md two
# channels have the highest mean or are close to it at every size, on every corpus
PRIORS: tuple[tuple[int, Tuning], ...] = ((0, "two-channel"),)
TUNINGS: tuple[Tuning, ...] = ("frozen", "two-channel", "tuned")  # from the least to the most
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """The dev scores of a tuning.

    `p_value` is of the difference from the choice by size alone, by approximate randomisation over sentences
    with Holm's correction; None for that choice itself.
    """

    tuning: Tuning
    seeds: tuple[int, ...]
    scores: tuple[float, ...]  # one per seed, in [0, 1]: entity F1, or token accuracy
    mean: float
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Advice:
    """Which tuning to take, and why.

    Attributes
    ----------
    reason : str
        In words, with the scores.
    prior : str
        The choice by the number of training words alone.
    left_out : dict of str to str
        Tunings that were not tried, and why.
    trials : tuple of Trial
        One per tuning, from the least tuning to the most; empty without a trial.
    trial_sentences, trial_epochs, dev_sentences : int
        Of each training of the trial; 0 without one.
    """

    tuning: Tuning
    reason: str
    prior: Tuning
    n_sentences: int
    n_words: int
    left_out: dict[Tuning, str] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    trial_sentences: int = 0
    trial_epochs: int = 0
    dev_sentences: int = 0


def prior_tuning(n_words: int, left_out: Mapping[Tuning, str]) -> Tuning:
    """Return the choice for a number of training words; if it is left out, the next that tunes more."""
    choice = next(tuning for first, tuning in reversed(PRIORS) if first <= n_words)
    return next(tuning for tuning in TUNINGS[TUNINGS.index(choice) :] if tuning not in left_out)


def judged(advice: Advice, score: str) -> Advice:
    """Choose by the trial and say why; `score` is the name of its scores."""
    means = {trial.tuning: trial.mean for trial in advice.trials}
    better = [
        trial
        for trial in advice.trials
        if trial.p_value is not None and trial.p_value < ALPHA and trial.mean > means[advice.prior]
    ]
    on = f"{advice.trial_sentences:,} of them" if advice.trial_sentences < advice.n_sentences else "them"
    figures = ", ".join(f"{100 * mean:.2f} {tuning}" for tuning, mean in means.items())
    tried = f"In a trial on {on}, dev {score} was {figures}"
    if not better:
        return explained(advice, tried, f"{advice.prior} is kept: no other was significantly better")
    best = max(better, key=lambda trial: trial.mean)
    why = f"was significantly better than {advice.prior} (p = {best.p_value:.1g})"
    return explained(replace(advice, tuning=best.tuning), tried, f"{best.tuning} {why}")


def explained(advice: Advice, *clauses: str) -> Advice:
    """Add the reason: the size of the data, these sentences, and what was left out."""
    size = f"{advice.n_sentences:,} training sentences ({advice.n_words:,} words)"
    left_out = [f"{tuning} was left out: {why}" for tuning, why in advice.left_out.items()]
    text = ". ".join(f"{clause[0].upper()}{clause[1:]}" for clause in (size, *clauses, *left_out))
    return replace(advice, reason=text + ".")


TRIAL_SENTENCES = 2000  # of training and of dev, at most
TRIAL_SEEDS = 2
_SHARE = 1 / 5  # the trial reads at most this share of what the training reads …
_FEWEST_READ = 6000  # … but each of its trainings reads at least this many sentences, over all epochs
_PART = 2  # a sample is partial if the training data are more than this many times as large


@dataclass(frozen=True, slots=True)
class TrialEvent:
    """An event in one of the trainings of a trial, which are numbered from 1."""

    tuning: Tuning
    seed: int
    training: int
    n_trainings: int
    event: Event


def advise_tuning(
    config: Config,
    sentences: Sentences,
    labels: Sentences,
    dev: tuple[Sentences, Sentences] | None = None,
    *,
    vectors: Any = None,
    on_event: Callable[[TrialEvent], None] | None = None,
) -> Advice:
    """Advise whether pretrained vectors should be frozen, tuned, or both side by side, and why.

    The number of training words makes a first choice (`PRIORS`). With dev data, every tuning that the
    configuration allows is trained twice, on at most 2,000 of the training sentences, for so few epochs that
    the trial takes about a third of the time of a long training (relatively more for a short one), and scored
    on at most 2,000 dev sentences. Another tuning than the first choice is taken only if it is better with
    p < 0.05. If the trial uses less than half of the training sentences, tunings that tune less than the
    first choice are left out: docs/tuning-study.md found them clearly better at no size.

    Parameters
    ----------
    config : Config
        Of the intended training; its `model.tuning` is ignored. The trial uses single networks, without a
        teacher.
    vectors : optional
        As of `WindowTagger`.
    on_event : callable, optional
        Called with every event of the trial.

    Raises
    ------
    ConfigError
        If the configuration is wrong with every tuning.
    DataError
        As of `WindowTagger.fit`, or if dev has no sentence.
    TrainingError
        If a loss is not finite.
    """
    events = advise_events(config, sentences, labels, dev, vectors=vectors)
    while True:
        try:
            event = next(events)
        except StopIteration as done:
            advice: Advice = done.value
            return advice
        if on_event:
            on_event(event)


def advise_events(
    config: Config,
    sentences: Sentences,
    labels: Sentences,
    dev: tuple[Sentences, Sentences] | None = None,
    *,
    vectors: Any = None,
) -> Generator[TrialEvent, None, Advice]:
    """Advise as `advise_tuning`, as a generator that returns the advice; closing it ends the trial."""
    single = replace(config.training, ensemble=1, bootstrap=False)
    config = replace(config, model=replace(config.model, tuning="tuned"), training=single)
    config = config_from_dict(config_to_dict(config))  # refuses what is wrong with every tuning
    label_set, counts = check_training(config, sentences, labels, dev)
    given = config.model.vectors if vectors is None else vectors
    left_out = _left_out(config, are_random=is_random(given))
    prior = prior_tuning(counts.total(), left_out)
    advice = Advice(prior, "", prior, len(sentences), counts.total(), left_out)
    if len(left_out) == len(TUNINGS) - 1:
        return explained(advice)
    if dev is None:
        return explained(advice, f"{prior} is the choice for this size; without dev data there was no trial")
    sample = _draw(sentences, labels, config.training.seed)
    dev = _draw(*dev, config.training.seed)
    if len(sentences) > _PART * len(sample[0]):
        why = "it was better at no size in docs/tuning-study.md, and the trial would use a part of the data"
        advice = replace(advice, left_out=dict.fromkeys(TUNINGS[: TUNINGS.index(prior)], why) | left_out)
    tunings = [tuning for tuning in TUNINGS if tuning not in advice.left_out]
    if len(tunings) == 1:
        return explained(advice, f"{prior} is the choice for this size")
    config = _trial_config(config, len(sentences), len(sample[0]), TRIAL_SEEDS * len(tunings))
    loaded = open_vectors(given, counts, config.training.seed)
    found = yield from _try(config, tunings, sample, dev, label_set, loaded)
    p_values = holm({t: compare(found[t], found[prior]).p_value for t in tunings if t != prior})
    return judged(
        replace(
            advice,
            trials=tuple(_trial(t, config.training.seed, found[t], p_values.get(t)) for t in tunings),
            trial_sentences=len(sample[0]),
            trial_epochs=config.training.epochs,
            dev_sentences=len(dev[0]),
        ),
        "token accuracy" if label_set.scheme is None else "entity F1",
    )


def _left_out(config: Config, *, are_random: bool) -> dict[Tuning, str]:
    """Return the tunings that the configuration does not allow, and why; it always allows `tuned`."""
    if are_random:
        return dict.fromkeys(TUNINGS[:-1], "random vectors have nothing worth keeping")
    found: dict[Tuning, str] = {}
    for tuning in TUNINGS:
        try:
            override(config, (), further={"model.tuning": tuning}, where="configuration")
        except ConfigError as error:
            found[tuning] = error.problem.partition(";")[0]
    return found


def _draw(sentences: Sentences, labels: Sentences, seed: int) -> tuple[Sentences, Sentences]:
    """Return at most `TRIAL_SENTENCES` of the sentences, in order, with every label among them."""
    if len(sentences) <= TRIAL_SENTENCES:
        return sentences, labels
    order = np.random.default_rng(seed).permutation(len(sentences)).tolist()
    first: dict[str, int] = {}
    for i in order:
        for label in labels[i]:
            first.setdefault(label, i)
    chosen = sorted(list(dict.fromkeys([*first.values(), *order]))[:TRIAL_SENTENCES])
    return [sentences[i] for i in chosen], [labels[i] for i in chosen]


def _trial_config(config: Config, n_sentences: int, n_sample: int, n_trainings: int) -> Config:
    """Return the configuration of each training of the trial."""
    training = config.training
    real_epochs = resolve_training(training, n_sentences).epochs
    epochs = _trial_epochs(training, n_sentences, n_sample, n_trainings)
    # late tuning starts after the same share of the epochs
    tuned_from = 1 + (training.vectors_from_epoch - 1) * epochs // real_epochs
    return replace(config, training=replace(training, epochs=epochs, vectors_from_epoch=tuned_from))


def _trial_epochs(training: TrainingConfig, n_sentences: int, n_sample: int, n_trainings: int) -> int:
    """Return at most half of the default epochs of the sample, or as few as there is time for."""
    real_epochs = resolve_training(training, n_sentences).epochs
    to_read = max(_FEWEST_READ, _SHARE * n_sentences * real_epochs / n_trainings)
    return max(1, min(ceil(resolve_training(training, n_sample).epochs / 2), round(to_read / n_sample)))


def _try(
    config: Config,
    tunings: Sequence[Tuning],
    sample: tuple[Sentences, Sentences],
    dev: tuple[Sentences, Sentences],
    label_set: LabelSet,
    vectors: WordVectors,
) -> Generator[TrialEvent, None, dict[Tuning, list[Ints]]]:
    """Train every tuning with every seed; return for each training what is right in dev, arrays (S, 3)."""
    counts: dict[Tuning, list[Ints]] = {tuning: [] for tuning in tunings}
    runs = [(config.training.seed + i, tuning) for i in range(TRIAL_SEEDS) for tuning in tunings]
    for i, (seed, tuning) in enumerate(runs):
        tagger = WindowTagger(config, vectors=vectors, tuning=tuning, seed=seed)
        for event in tagger.fit_events(*sample, dev=dev):
            yield TrialEvent(tuning, seed, i + 1, len(runs), event)
        predicted, of_spans = tagger.predict(dev[0]), label_set.scheme is not None
        found = sentence_counts(dev[1], predicted, span_labels=of_spans, ignore_label=label_set.ignore)
        counts[tuning].append(found)
    return counts


def _trial(tuning: Tuning, seed: int, counts: Sequence[Ints], p_value: float | None) -> Trial:
    scores = tuple(float(score_of(of_seed.sum(axis=0))) for of_seed in counts)
    return Trial(tuning, tuple(seed + i for i in range(len(counts))), scores, fmean(scores), p_value)
