"""The one object that predicts: a trained network with its encoder, decoder and calibration.

N tokens, K window width, U distinct words, J ids of a word, C labels, S sentences.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import CACHE_MB, TABLE_MB, Config
from windowclf.corpus import LabelSet, Sentences, check_sentences, cut
from windowclf.encoding import (
    ColumnValues,
    EncodedText,
    Encoder,
    Gazetteers,
    OwnEntities,
    Vocabulary,
    windows,
)
from windowclf.errors import ConfigError
from windowclf.model.calibration import UNCALIBRATED, Calibration
from windowclf.model.compiled import CompiledScorer, TableType
from windowclf.model.decoder import Decoder, Tagged
from windowclf.model.ensemble import Ensemble, build_members, join_parameters
from windowclf.model.network import WindowModel
from windowclf.model.output_labels import output_labels, output_probabilities

LabelScheme = Literal["output", "internal"]


@dataclass(eq=False, repr=False)
class TrainedModel:
    """A trained model in memory: it scores, predicts and tags.

    Any number of threads may use it at once. It can be pickled and copied; a compiled model is compiled again
    when it is unpickled.
    """

    config: Config
    labels: LabelSet
    encoder: Encoder  #: with the vocabulary, the gazetteers and the values of columns
    members: tuple[WindowModel, ...]  #: one network, or an ensemble's; trained in place
    info: dict[str, Any] = field(default_factory=dict)  #: its vectors' name and hash, coverage, scores
    calibration: Calibration = UNCALIBRATED  #: fitted on development data
    version: str = ""  #: the SHA-256 of the manifest, which has those of all files; empty before saving

    def __post_init__(self) -> None:
        self.network = self.members[0] if len(self.members) == 1 else Ensemble(self.members)
        self.decoder = Decoder(self.labels, self.transitions, self.calibration)
        self._compiled: CompiledScorer | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is derived: tables and locks."""
        state = {f.name: getattr(self, f.name) for f in fields(self)}
        return state | {"compiled": self._compiled.settings if self._compiled else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Derive it again."""
        settings = state.pop("compiled")
        self.__dict__.update(state)
        self.__post_init__()
        if settings is not None:
            self.compile(**settings)

    # -- parts ---------------------------------------------------------------------------------------

    @property
    def vocabulary(self) -> Vocabulary:
        """The words with a vector, and the words of training with their counts."""
        return self.encoder.vocabulary

    @property
    def gazetteers(self) -> Gazetteers:
        """The gazetteers of the configuration, in its order."""
        return self.encoder.gazetteers

    @property
    def columns(self) -> ColumnValues:
        """The values of the columns of the configuration, in its order."""
        return self.encoder.columns

    @property
    def parameters(self) -> dict[str, Floats]:
        """The arrays of all members, by name."""
        return join_parameters(self.config.model, [member.parameters for member in self.members])

    def with_parameters(self, parameters: Mapping[str, Floats]) -> "TrainedModel":
        """Return the same model with other arrays of the same names and shapes."""
        return replace(self, members=build_members(self.config, parameters))

    @property
    def transitions(self) -> Floats | None:
        """The score (C + 1, C + 1) of label j after label i with a sentence-level loss; else None."""
        return Ensemble(self.members).transitions

    # -- scores --------------------------------------------------------------------------------------

    def compile(
        self,
        *,
        table_mb: float = TABLE_MB,
        cache_mb: float = CACHE_MB,
        dtype: TableType = "float32",
        prefill: bool = False,
    ) -> "TrainedModel":
        """Fold the first layer into a table, for speed, and return the model itself.

        Probabilities stay the same within 1e-5 (float16: about 1e-2). The model must not be trained further.

        Parameters
        ----------
        table_mb, cache_mb : float
            Megabytes (2^20 bytes) for known words, and for a cache of other words.
        dtype : {"float32", "float16"}
            Of table and cache; float16 holds twice as many words. Sums are float32.
        prefill : bool
            Put the most frequent words into the table now, so that processes that fork later share it.

        Raises
        ------
        ConfigError
            If a size is negative, not finite or larger than the memory, or the type is unknown.
        """
        self._compiled = CompiledScorer(
            self.members, self.encoder, table_mb=table_mb, cache_mb=cache_mb, dtype=dtype
        )
        if prefill:
            self._compiled.prefill()
        return self

    @property
    def is_compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled is not None

    def encode(
        self, sentences: Sentences, own: Sequence[OwnEntities] | None = None
    ) -> tuple[EncodedText, Ints]:
        """Return what `Encoder.encode` does, and the window (N, K) around each token as rows of its words."""
        encoded = self.encoder.encode(sentences, own)
        return encoded, windows(encoded.tokens, encoded.lengths, self.config.model.window)

    def scores(
        self, sentences: Sentences, own: Sequence[OwnEntities] | None = None
    ) -> Iterator[tuple[Floats, Ints]]:
        """Yield scores (N, C) and lengths (S,) of part after part of the sentences; bounds memory.

        With `own`, as in `encode`, the table of a compiled model is not used.
        """
        if self._compiled is not None and own is None:
            yield from self._compiled.scores(sentences)
            return
        first = 0
        for part in cut(sentences):
            encoded, around = self.encode(part, None if own is None else own[first : first + len(part)])
            first += len(part)
            yield self.network.scores(encoded.words, around), encoded.lengths

    def all_scores(
        self, sentences: Sentences, own: Sequence[OwnEntities] | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores (N, C) and lengths (S,) of all sentences, at least one."""
        scores, lengths = zip(*self.scores(sentences, own), strict=True)
        return np.concatenate(scores), np.concatenate(lengths)

    # -- labels --------------------------------------------------------------------------------------

    def label_ids(self, sentences: Sentences) -> Iterator[tuple[Ints, Ints]]:
        """Yield label ids (N,) and lengths (S,) of part after part; the sentences are not checked."""
        for scores, lengths in self.scores(sentences):
            yield self.decoder.best(scores, lengths), lengths

    def predict(self, sentences: Sentences) -> list[list[str]]:
        """Return the labels of each sentence, in the output scheme.

        A sentence that is not a sequence of words, or lacks a column of the configuration, is a DataError.
        """
        check_sentences(sentences)
        spell = self.labels.to_output
        return [labels for best, lengths in self.label_ids(sentences) for labels in spell(best, lengths)]

    def predict_proba(self, sentences: Sentences, *, scheme: LabelScheme = "output") -> list[Floats]:
        """Return for each sentence the probability (words, L) of every label in `labels_of(scheme)`."""
        self.labels_of(scheme)  # refuses an unknown one
        check_sentences(sentences)
        output = partial(output_probabilities, self.decoder)
        compute = self.decoder.probabilities if scheme == "internal" else output
        return [
            part
            for scores, lengths in self.scores(sentences)
            for part in np.split(compute(scores, lengths), np.cumsum(lengths)[:-1])
        ]

    def labels_of(self, scheme: LabelScheme) -> tuple[str, ...]:
        """Return the labels that `predict` uses ("output"), or those that the network learnt ("internal").

        Any other scheme is a ConfigError.
        """
        if scheme == "internal":
            return self.labels.names
        if scheme == "output":
            return output_labels(self.labels)
        raise ConfigError(
            "unknown scheme of labels", where="scheme", found=scheme, allowed="output, internal"
        )

    def tag(self, sentences: Sentences, every: bool = False) -> list[Tagged]:
        """Return the labels of each sentence, its spans, and their probabilities.

        The labels are the best legal sequence: the most probable one, apart from the O penalty
        (`Calibration.outside_cost`). So a single label need not be the most probable one of its word. With
        `every`, :attr:`Tagged.every` has the probability of every label.
        """
        check_sentences(sentences)
        return [
            tagged
            for scores, lengths in self.scores(sentences)
            for tagged in self.decoder.tag(scores, lengths, every=every)
        ]

    def n_best(self, sentence: Sequence[str], n: int) -> list[tuple[list[str], float]]:
        """Return the n best tag sequences of a sentence and their probabilities, best first.

        The first is that of `tag`. The probabilities of all legal sequences sum to 1. Fewer than n are
        returned if there are fewer legal ones; n below 1 is a ConfigError.
        """
        check_sentences([sentence])
        ((scores, _),) = self.scores([sentence])
        return self.decoder.n_best(scores, n)
