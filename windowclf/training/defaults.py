"""Defaults that depend on the training data: epochs, batches, and the dimension of affix vectors."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from windowclf.config import FeaturesConfig, TrainingConfig
from windowclf.corpus import OUTSIDE, LabelSet

_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 60
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 64
_AFFIXES, _AFFIXES_OF_NAMES = 24, 4  # dimensions of affix vectors


def resolve_training(config: TrainingConfig, n_sentences: int) -> TrainingConfig:
    """Return the configuration with the epochs and batches for S sentences, where it leaves them open (0).

    1000 / √S epochs, from 3 to 60: 50 for 400 sentences, 10 for 10,000. S / 400 sentences a batch, from 16 to
    64. docs/results.md compares longer and shorter training on corpora of several sizes.
    """
    n = max(n_sentences, 1)
    epochs = config.epochs or min(max(round(1000 / sqrt(n)), _FEWEST_EPOCHS), _MOST_EPOCHS)
    batch = config.batch_sentences or min(max(n // 400, _SMALLEST_BATCH), _LARGEST_BATCH)
    return replace(config, epochs=epochs, batch_sentences=batch)


def resolve_features(config: FeaturesConfig, *, finds_names: bool) -> FeaturesConfig:
    """Return the configuration with the dimension of affix vectors for the labels, if it is left open (-1).

    Affixes say much about a part of speech, and so about a chunk, but little about the type of a name, where
    larger vectors overfit. docs/results.md compares both dimensions.
    """
    if config.affix_dimension >= 0:
        return config
    return replace(config, affix_dimension=_AFFIXES_OF_NAMES if finds_names else _AFFIXES)


def finds_names(label_set: LabelSet, labels: Sequence[Sequence[str]]) -> bool:
    """Return whether labels mark spans and most words are outside: true of names, not of chunks."""
    if label_set.scheme is None:
        return False
    counts = Counter(label for of_one in labels for label in of_one if label != label_set.ignore)
    return 2 * counts[OUTSIDE] > counts.total()
