"""A model at work: words in, scores out.

N windows, K window width, U distinct words, J ids a word has, C labels, S sentences.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus.sentence import Sentences, cut
from windowclf.encoding.encoder import EncodedText, Encoder, windows
from windowclf.encoding.entity_lists import OwnEntities
from windowclf.encoding.word_features import WordFeatures
from windowclf.model.ensemble import Ensemble, part_parameters
from windowclf.model.network import WindowModel
from windowclf.model.storage import StoredModel


class Pipeline:
    """The parts of a stored model, put together.

    Parameters
    ----------
    stored : StoredModel
        Its parameters are used as they are, not copied, so that training in place is seen at once.

    Attributes
    ----------
    stored : StoredModel
    members : tuple of WindowModel
        One, or those of an ensemble.
    model : WindowModel or Ensemble
        What scores: the one member itself, or all.
    encoder : Encoder
    """

    def __init__(self, stored: StoredModel) -> None:
        self.stored = stored
        config = stored.config
        parts = part_parameters(stored.parameters, config.training.ensemble)
        self._ensemble = Ensemble([WindowModel(config.model, config.features, part) for part in parts])
        self.members = self._ensemble.members
        self.model = self.members[0] if len(self.members) == 1 else self._ensemble
        self.encoder = Encoder(
            stored.vocabulary, WordFeatures(config.features), stored.gazetteers, stored.columns
        )

    @property
    def transitions(self) -> Floats | None:
        """Scores of one label after another, with a sentence-level loss."""
        return self._ensemble.transitions

    def encode(
        self, sentences: Sentences, own: Sequence[OwnEntities] | None = None
    ) -> tuple[EncodedText, Ints]:
        """Return the text as integers, and the window (N, K) around every word, as rows of its words.

        Of training data, `own` (S,) are entities that must not be found, as for `Encoder.encode`.
        """
        encoded = self.encoder.encode(sentences, own)
        return encoded, windows(encoded.tokens, encoded.lengths, self.stored.config.model.window)

    def scores(
        self, sentences: Sentences, own: Sequence[OwnEntities] | None = None
    ) -> Iterator[tuple[Floats, Ints]]:
        """Yield scores (N, C) and lengths (S,), for as many sentences at a time as memory should hold."""
        first = 0
        for part in cut(sentences):
            encoded, around = self.encode(part, None if own is None else own[first : first + len(part)])
            first += len(part)
            yield self.model.scores(encoded.words, around), encoded.lengths

    def all_scores(
        self, sentences: Sentences, own: Sequence[OwnEntities] | None = None
    ) -> tuple[Floats, Ints]:
        """Return scores (N, C) and lengths (S,) of at least one sentence, whatever memory that takes."""
        scores, lengths = zip(*self.scores(sentences, own), strict=True)
        return np.concatenate(scores), np.concatenate(lengths)
