"""Scores to what a user reads: labels as they are spelled, and their probabilities.

N tokens, C labels, C' labels as they are spelled, S sentences.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.decoding import best_labels
from windowclf.nn.losses import softmax
from windowclf.text.label_set import LabelSet, parted


@dataclass(frozen=True, slots=True)
class Tagged:
    """The labels of one sentence, and the probability that the network gives each.

    Attributes
    ----------
    labels : list of str
        In the scheme of the training data.
    probabilities : list of float
        Of each label as it is spelled: learnt as IOBES and spelled as IOB2, a ``B-LOC`` has the probabilities
        of ``B-LOC`` and ``S-LOC`` together. Where the spelling depends on the labels around (IOB1; learnt as
        IOB2 and spelled as IOBES), the probability is that of the label as it was learnt.
    every : array (words, C') or None
        The probability of each of :attr:`WindowTagger.spelled_labels`, where it was asked for.
    """

    labels: list[str]
    probabilities: list[float]
    every: Floats | None = field(default=None, compare=False)


def tag_scores(scores: Floats, lengths: Ints, label_set: LabelSet, *, every: bool) -> list[Tagged]:
    """Return the labels of sentences and their probabilities.

    Parameters
    ----------
    scores : array (N, C)
    lengths : array (S,)
        Tokens of each sentence.
    label_set : LabelSet
    every : bool
        Whether to return the probability of every label too.
    """
    best = best_labels(scores, lengths, label_set)
    probs = label_set.merge(softmax(scores))
    chosen = probs[np.arange(len(best)), label_set.spelled_ids[best]].tolist()
    rows: Iterable[Floats | None] = repeat(None, len(lengths))
    if every:
        rows = np.split(probs, np.cumsum(lengths)[:-1])
    return list(map(Tagged, label_set.spell(best, lengths), parted(chosen, lengths), rows))
