"""Which tuning of pretrained vectors suits training data: by their size, and by a trial on dev.

S sentences.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean
from typing import Any

import numpy as np

from windowclf.advice import TUNINGS, Advice, Trial, explained, judged, prior_tuning
from windowclf.arrays import Ints
from windowclf.config import Config, TrainingConfig, Tuning
from windowclf.config_io import config_from_dict, config_to_dict, with_value
from windowclf.errors import ConfigError
from windowclf.fitting import check_training, open_vectors
from windowclf.pipeline import Sentences
from windowclf.significance import compare, holm, score_of, sentence_counts
from windowclf.sizing import sized
from windowclf.tagger import WindowTagger
from windowclf.text.label_set import LabelSet
from windowclf.text.random_vectors import is_random
from windowclf.text.vectors import WordVectors
from windowclf.training import Event

__all__ = ["Advice", "Trial", "TrialEvent", "advise_events", "advise_tuning"]

TRIAL_SENTENCES = 2000  # of training and of dev, at most
TRIAL_SEEDS = 2
# the trial reads at most this share of what the training reads, which takes it longer by its small batches …
_SHARE = 1 / 5
_FEWEST_READ = 6000  # … unless each of its trainings then read fewer sentences than this, over all epochs
_PART = 2  # a sample is a part of the training data if these are more than so many times as many


@dataclass(frozen=True, slots=True)
class TrialEvent:
    """Something happened in one of the trainings of a trial; these are counted from 1."""

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
    """Say whether pretrained vectors should be frozen, tuned, or both side by side, and why.

    The number of training words makes a first choice (`windowclf.advice.PRIORS`). With dev data, every tuning
    that the configuration allows is tried: trained twice, on at most 2,000 of the training sentences, for as
    few epochs as keep the trial to about a third of the time of a long training (a short one is tried at
    greater length), and scored on at most 2,000 dev sentences. Another than the first choice is taken only
    if it is better with p < 0.05. Where the trial sees less than half of the training sentences, tunings that
    tune less than the first choice are left out, which saves time: docs/tuning-study.md found them clearly
    better at no size, and a trial on a part of the data is no evidence against that.

    Parameters
    ----------
    config : Config
        Of the training to come; its `model.tuning` does not matter. The trial is of single networks, without
        a teacher.
    sentences, labels : sequences of sequences of str
    dev : (sentences, labels), optional
    vectors : optional
        As for `WindowTagger`.
    on_event : callable, optional
        Is given what happens in the trial.

    Raises
    ------
    ConfigError
        If the configuration does not hold with any tuning.
    DataError
        As for `WindowTagger.fit`, or if dev has no sentence.
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
    """Do as `advise_tuning`, as a generator that returns the advice; closing it ends the trial."""
    single = replace(config.training, ensemble=1, bootstrap=False)
    config = replace(config, model=replace(config.model, tuning="tuned"), training=single)
    config = config_from_dict(config_to_dict(config))  # what is wrong whatever the tuning is refused
    label_set, counts = check_training(config, sentences, labels, dev)
    given = config.model.vectors if vectors is None else vectors
    left_out = _left_out(config, are_random=is_random(given))
    prior = prior_tuning(counts.total(), left_out)
    advice = Advice(prior, "", prior, len(sentences), counts.total(), left_out)
    if len(left_out) == len(TUNINGS) - 1:
        return explained(advice)
    if dev is None:
        return explained(advice, f"{prior} is the choice for so many; without dev data nothing was tried")
    sample = _draw(sentences, labels, config.training.seed)
    dev = _draw(*dev, config.training.seed)
    if len(sentences) > _PART * len(sample[0]):
        why = "it was better at no size in docs/tuning-study.md, and the trial is on a part of the data"
        advice = replace(advice, left_out=dict.fromkeys(TUNINGS[: TUNINGS.index(prior)], why) | left_out)
    tunings = [tuning for tuning in TUNINGS if tuning not in advice.left_out]
    if len(tunings) == 1:
        return explained(advice, f"{prior} is the choice for so many")
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
        return dict.fromkeys(TUNINGS[:-1], "vectors that are drawn at random hold nothing to keep")
    found: dict[Tuning, str] = {}
    for tuning in TUNINGS:
        try:
            with_value(config, "model.tuning", tuning, where="configuration")
        except ConfigError as error:
            found[tuning] = error.problem.partition(";")[0]
    return found


def _draw(sentences: Sentences, labels: Sentences, seed: int) -> tuple[Sentences, Sentences]:
    """Return at most `TRIAL_SENTENCES` of the sentences, in their order, among them one of each label."""
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
    real_epochs = sized(training, n_sentences).epochs
    epochs = _trial_epochs(training, n_sentences, n_sample, n_trainings)
    # vectors that are tuned late are tuned for as large a share of the epochs
    tuned_from = 1 + (training.vectors_from_epoch - 1) * epochs // real_epochs
    return replace(config, training=replace(training, epochs=epochs, vectors_from_epoch=tuned_from))


def _trial_epochs(training: TrainingConfig, n_sentences: int, n_sample: int, n_trainings: int) -> int:
    """Return at most half of the epochs that would suit the sample, or as few as there is time for."""
    to_read = max(_FEWEST_READ, _SHARE * n_sentences * sized(training, n_sentences).epochs / n_trainings)
    return max(1, min(ceil(sized(training, n_sample).epochs / 2), round(to_read / n_sample)))


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
        counts[tuning].append(
            sentence_counts(
                dev[1],
                tagger.predict(dev[0]),
                span_labels=label_set.scheme is not None,
                ignore_label=label_set.ignore,
            )
        )
    return counts


def _trial(tuning: Tuning, seed: int, counts: Sequence[Ints], p_value: float | None) -> Trial:
    scores = tuple(float(score_of(of_seed.sum(axis=0))) for of_seed in counts)
    return Trial(tuning, tuple(seed + i for i in range(len(counts))), scores, fmean(scores), p_value)
