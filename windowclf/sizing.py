"""How long to train, and in what batches, on training data of a size.

S sentences.
"""

from dataclasses import replace
from math import sqrt

from windowclf.config import TrainingConfig

_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 60
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 64


def sized(config: TrainingConfig, n_sentences: int) -> TrainingConfig:
    """Return the configuration with epochs and batches that suit S sentences, where it leaves them open (0).

    1000 / √S epochs, from 3 to 60: 50 for 400 sentences, 10 for 10,000; S / 400 sentences a batch, from 16 to
    64. docs/results.md shows what longer and shorter training makes of corpora of several sizes.
    """
    n = max(n_sentences, 1)
    epochs = config.epochs or min(max(round(1000 / sqrt(n)), _FEWEST_EPOCHS), _MOST_EPOCHS)
    batch = config.batch_sentences or min(max(n // 400, _SMALLEST_BATCH), _LARGEST_BATCH)
    return replace(config, epochs=epochs, batch_sentences=batch)
