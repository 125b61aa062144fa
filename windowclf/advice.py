"""Advice on tuning, and how it follows from a trial."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from windowclf.config import Tuning

# words of training data from which on -> what is chosen unless a trial shows better; in docs/tuning-study.md
# two channels have the highest mean or are close to it at every size, whatever the corpus
PRIORS: tuple[tuple[int, Tuning], ...] = ((0, "two-channel"),)
TUNINGS: tuple[Tuning, ...] = ("frozen", "two-channel", "tuned")  # from the least to the most
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """What a tuning made of dev.

    Attributes
    ----------
    tuning : str
    seeds : tuple of int
        One a training.
    scores : tuple of float
        Of each on dev, in [0, 1]: entity F1, or token accuracy.
    mean : float
    p_value : float or None
        Of the difference to the choice by size alone, by approximate randomisation over sentences, corrected
        by Holm's method; None for that choice itself.
    """

    tuning: Tuning
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    mean: float
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Advice:
    """Which tuning to take, and why.

    Attributes
    ----------
    tuning : str
    reason : str
        In words, with the figures.
    prior : str
        What the number of training words alone would say.
    n_sentences, n_words : int
        Of the training data.
    left_out : dict of str to str
        Tunings that were no choice, and why.
    trials : tuple of Trial
        One a tuning, from the least tuning to the most; empty where nothing was tried.
    trial_sentences, trial_epochs, dev_sentences : int
        Of each training of the trial; 0 where nothing was tried.
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
    """Return the choice for training data of so many words; if it is left out, the next that tunes more."""
    choice = next(tuning for first, tuning in reversed(PRIORS) if first <= n_words)
    return next(tuning for tuning in TUNINGS[TUNINGS.index(choice) :] if tuning not in left_out)


def judged(advice: Advice, score: str) -> Advice:
    """Choose by the trial, scored by what `score` names, and say why."""
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
        return explained(advice, tried, f"{advice.prior} is kept: no other was better by more than chance")
    best = max(better, key=lambda trial: trial.mean)
    why = f"was better than {advice.prior} by more than chance (p = {best.p_value:.1g})"
    return explained(replace(advice, tuning=best.tuning), tried, f"{best.tuning} {why}")


def explained(advice: Advice, *clauses: str) -> Advice:
    """Give the advice its reason: the size of the data, these sentences, and what was left out."""
    size = f"{advice.n_sentences:,} training sentences ({advice.n_words:,} words)"
    left_out = [f"{tuning} was left out: {why}" for tuning, why in advice.left_out.items()]
    text = ". ".join(f"{clause[0].upper()}{clause[1:]}" for clause in (size, *clauses, *left_out))
    return replace(advice, reason=text + ".")
