"""What suits training data: how long to train, in what batches, and how much of a word's spelling counts.

S sentences.
"""

from dataclasses import replace
from math import sqrt

from windowclf.config import FeaturesConfig, TrainingConfig

_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 60
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 64
_AFFIXES, _AFFIXES_OF_SPANS = 24, 4  # numbers of an affix vector


def sized(config: TrainingConfig, n_sentences: int) -> TrainingConfig:
    """Return the configuration with epochs and batches that suit S sentences, where it leaves them open (0).

    1000 / √S epochs, from 3 to 60: 50 for 400 sentences, 10 for 10,000; S / 400 sentences a batch, from 16 to
    64. docs/results.md shows what longer and shorter training makes of corpora of several sizes.
    """
    n = max(n_sentences, 1)
    epochs = config.epochs or min(max(round(1000 / sqrt(n)), _FEWEST_EPOCHS), _MOST_EPOCHS)
    batch = config.batch_sentences or min(max(n // 400, _SMALLEST_BATCH), _LARGEST_BATCH)
    return replace(config, epochs=epochs, batch_sentences=batch)


def suited(config: FeaturesConfig, *, marks_spans: bool) -> FeaturesConfig:
    """Return the configuration with a dimension of affix vectors that suits the labels, if it is open (-1).

    Affixes tell much of a part of speech, and little of what kind of name a word is: there, more numbers are
    more to learn by heart. docs/results.md shows what either dimension is worth.
    """
    if config.affix_dimension >= 0:
        return config
    return replace(config, affix_dimension=_AFFIXES_OF_SPANS if marks_spans else _AFFIXES)
