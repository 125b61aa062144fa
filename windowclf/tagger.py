"""WindowTagger: the whole of windowclf behind one class; front ends tag through it alone."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from itertools import repeat
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.compiled import CACHE_MB, TABLE_MB, CompiledModel, TableType
from windowclf.config import Config, Tuning
from windowclf.config_io import config_from_dict, config_to_dict
from windowclf.decoding import best_labels
from windowclf.errors import WindowClfError
from windowclf.explaining import Explanation, explain
from windowclf.metrics import Evaluation, evaluate_labels
from windowclf.model import WindowModel
from windowclf.nn.losses import softmax
from windowclf.pipeline import Pipeline, Sentences
from windowclf.preparation import check_sentences, check_words, choose_vectors, prepare_training
from windowclf.storage import StoredModel, find_model, load_model, save_model
from windowclf.text.label_set import LabelSet, parted
from windowclf.text.labels import Scheme
from windowclf.text.vectors import WordVectors, load_vectors, vectors_from_keyed_vectors
from windowclf.text.vocabulary import N_SPECIAL, count_words, coverage
from windowclf.training import EpochDone, Event, train


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


class WindowTagger:
    """A word-window tagger: trains, tags, evaluates, explains; is saved and loaded.

    Parameters
    ----------
    config : Config, optional
        Everything that decides what the tagger becomes; default: Config().
    vectors : str, Path, WordVectors or gensim KeyedVectors, optional
        Pretrained vectors, or their name or path; instead of `config.model.vectors`.
    tuning : {"frozen", "tuned"}, optional
        Whether training moves the pretrained vectors; instead of `config.model.tuning`.
    seed : int, optional
        Instead of `config.training.seed`.

    Examples
    --------
    >>> from windowclf import WindowTagger
    >>> sentences = [["museums", "in", "Paris", "are", "amazing"], ["Rome", "is", "old"]]
    >>> labels = [["O", "O", "B-LOC", "O", "O"], ["B-LOC", "O", "O"]]
    >>> tagger = WindowTagger(vectors="glove-6b-50d-small").fit(sentences, labels)
    >>> tagger.predict([["Paris", "is", "amazing"]])
    [['B-LOC', 'O', 'O']]
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        vectors: Any = None,
        tuning: Tuning | None = None,
        seed: int | None = None,
    ) -> None:
        config = config or Config()
        if tuning is not None:
            config = replace(config, model=replace(config.model, tuning=tuning))
        if seed is not None:
            config = replace(config, training=replace(config.training, seed=seed))
        # a configuration made in Python is checked as one that was read from a file
        self.config = config_from_dict(config_to_dict(config))
        self._vectors = vectors
        self._loaded: WordVectors | None = None
        self._pipeline: Pipeline | None = None
        self._compiled: CompiledModel | None = None

    # -- training ------------------------------------------------------------------------------------

    def fit(
        self,
        sentences: Sentences,
        labels: Sentences,
        *,
        dev: tuple[Sentences, Sentences] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> "WindowTagger":
        """Train on sentences and their labels, and return the tagger itself.

        Parameters
        ----------
        sentences, labels : sequences of sequences of str
            A label for each word.
        dev : (sentences, labels), optional
            To choose the best epoch and to stop early; without it the last epoch counts.
        on_event : callable, optional
            Is given each event of the training.

        Raises
        ------
        DataError
            If lengths are unequal, there are fewer than two labels, or labels mix span labels and others.
        TrainingError
            If the loss is not finite.
        """
        for event in self.fit_events(sentences, labels, dev=dev):
            if on_event:
                on_event(event)
        return self

    def fit_events(
        self, sentences: Sentences, labels: Sentences, *, dev: tuple[Sentences, Sentences] | None = None
    ) -> Generator[Event, None, None]:
        """Train as `fit` does, as a generator; closing it leaves the tagger with the best weights so far."""
        check_sentences(sentences, labels)
        if dev is not None:
            check_sentences(*dev, where="dev sentences")
        counts = count_words(sentences)
        check_words(counts)
        data_config = self.config.data
        label_set = LabelSet.of(
            labels,
            scheme=data_config.scheme,
            inner_scheme=Scheme(self.config.model.inner_scheme),
            ignore=data_config.ignore_label or None,
        )
        if dev is not None:
            label_set.check_comparable(dev[1])
        if self._loaded is None:
            self._loaded = self._load_vectors()  # fitting again need not load them again
        vectors = self._loaded
        vocabulary, matrix, scale = choose_vectors(vectors, counts, self.config.model)
        initial_rng, training_rng = np.random.default_rng(self.config.training.seed).spawn(2)
        model = WindowModel.initialize(
            self.config.model, self.config.features, matrix, len(label_set), rng=initial_rng
        )
        info: dict[str, Any] = {
            "windowclf": version("windowclf"),
            "vectors": {
                "name": vectors.name,
                "sha256": vectors.sha256,
                "dimension": vectors.dimension,
                "scale": scale,
            },
            "coverage": coverage(counts, vocabulary),
            "training": {"sentences": len(sentences), "tokens": counts.total()},
        }
        given = self.config.model.vectors if self._vectors is None else self._vectors
        name = str(given) if isinstance(given, str | Path) else ""
        config = replace(self.config, model=replace(self.config.model, vectors=name or vectors.name))
        self._pipeline = Pipeline(StoredModel(config, label_set, vocabulary, model.parameters, info))
        self._compiled = None
        self.config = config
        data = prepare_training(
            self._pipeline.encoder, sentences, labels, label_set, self.config.model.window
        )
        # choose_vectors puts the words of training first, so only these rows can move
        n_movable = max(0, int(data.words[:, 0].max()) - N_SPECIAL + 1)
        for event in train(
            self._pipeline.model,
            data,
            config.training,
            rng=training_rng,
            dev_score=(lambda: self.evaluate(*dev).main_score) if dev else None,
            n_movable_vectors=n_movable,
        ):
            if isinstance(event, EpochDone) and event.is_best:
                info["training"] |= {"best_epoch": event.epoch, "dev_score": event.dev_score}
            yield event

    def _load_vectors(self) -> WordVectors:
        given = self._vectors if self._vectors is not None else self.config.model.vectors
        if isinstance(given, WordVectors):
            return given
        if isinstance(given, str | Path):
            return load_vectors(given or None)
        return vectors_from_keyed_vectors(given)

    # -- files ---------------------------------------------------------------------------------------

    def save(self, directory: str | Path) -> str:
        """Write a model directory, replacing one that is there, and return its version (a SHA-256)."""
        return save_model(self.stored, Path(directory))

    @classmethod
    def load(cls, model: str | Path) -> "WindowTagger":
        """Open a model directory, or a shipped model by its name; everything in it is verified first.

        Raises
        ------
        ModelFileError
            If there is no such model, or it is damaged or of another format version.
        """
        stored = load_model(find_model(str(model)))
        tagger = cls(stored.config)
        tagger._pipeline = Pipeline(stored)
        return tagger

    @property
    def pipeline(self) -> Pipeline:
        """The trained model at work."""
        if self._pipeline is None:
            raise WindowClfError("this tagger is not trained", hint="Call fit, or WindowTagger.load.")
        return self._pipeline

    @property
    def stored(self) -> StoredModel:
        """Everything that makes up the trained model."""
        return self.pipeline.stored

    @property
    def labels(self) -> tuple[str, ...]:
        """What the network tells apart, in the order of the columns of `predict_proba`.

        Span labels are in the scheme they were learnt in (`model.inner_scheme`), whatever the user's.
        """
        return self.stored.labels.names

    @property
    def spelled_labels(self) -> tuple[str, ...]:
        """The labels as the user spells them, in the order of the columns of :attr:`Tagged.every`.

        Where the spelling of a label depends on the labels around it (IOB1; learnt as IOB2 and spelled as
        IOBES), these are `labels`.
        """
        return self.stored.labels.spelled_names

    # -- speed ---------------------------------------------------------------------------------------

    def compile(
        self,
        *,
        table_mb: float = TABLE_MB,
        cache_mb: float = CACHE_MB,
        dtype: TableType = "float32",
        prefill: bool = False,
    ) -> "WindowTagger":
        """Fold the first layer into tables, for speed, and return the tagger itself.

        It tags as before, probabilities within 1e-5 (float16: about 1e-2), many times as fast. Tables are
        filled as words come. Fitting again drops them; explaining and training do without.

        Parameters
        ----------
        table_mb : float
            Megabytes (2^20 bytes) for the words of the vocabulary and of training.
        cache_mb : float
            Megabytes for other words, those of late.
        dtype : {"float32", "float16"}
            Of the tables; float16 holds twice the words.
        prefill : bool
            Whether to fill the tables now, with the most frequent words: for a server that forks afterwards,
            so that its processes share them.

        Raises
        ------
        ConfigError
            If a number is negative, not finite or more than there is memory, or the type another.
        """
        self._compiled = CompiledModel(self.pipeline, table_mb=table_mb, cache_mb=cache_mb, dtype=dtype)
        if prefill:
            self._compiled.prefill()
        return self

    def _scores(self, sentences: Sentences) -> Iterator[tuple[Floats, Ints]]:
        return (self._compiled or self.pipeline).scores(sentences)

    # -- use -----------------------------------------------------------------------------------------

    def predict(self, sentences: Sentences) -> list[list[str]]:
        """Return the labels of each sentence; they follow the label scheme of the training data."""
        return [tagged.labels for tagged in self.tag(sentences)]

    def predict_proba(self, sentences: Sentences) -> list[Floats]:
        """Return for each sentence an array (words, C): the probability of every label, as in `labels`."""
        check_sentences(sentences)
        return [
            part
            for scores, lengths in self._scores(sentences)
            for part in np.split(softmax(scores), np.cumsum(lengths)[:-1])
        ]

    def tag(self, sentences: Sentences, every: bool = False) -> list[Tagged]:
        """Return the labels of each sentence and their probabilities.

        The labels are the most probable sequence that the label scheme allows; one of them alone need not be
        the most probable label of its word.

        Parameters
        ----------
        sentences : sequence of sequences of str
        every : bool
            Whether to return the probability of every label too, as :attr:`Tagged.every`.
        """
        check_sentences(sentences)
        label_set = self.stored.labels
        tagged: list[Tagged] = []
        for scores, lengths in self._scores(sentences):
            best = best_labels(scores, lengths, label_set)
            probs = label_set.merge(softmax(scores))
            chosen = probs[np.arange(len(best)), label_set.spelled_ids[best]].tolist()
            rows: Iterable[Floats | None] = repeat(None, len(lengths))
            if every:
                rows = np.split(probs, np.cumsum(lengths)[:-1])
            tagged += map(Tagged, label_set.spell(best, lengths), parted(chosen, lengths), rows)
        return tagged

    def evaluate(self, sentences: Sentences, labels: Sentences) -> Evaluation:
        """Tag sentences and compare with their true labels; `tokens_per_second` counts tagging alone.

        Raises
        ------
        DataError
            If lengths are unequal, or the labels are of another task than the model's.
        """
        check_sentences(sentences, labels)
        label_set, vocabulary = self.stored.labels, self.stored.vocabulary
        label_set.check_comparable(labels)
        started = perf_counter()
        predicted = self.predict(sentences)
        seconds = perf_counter() - started
        evaluation = evaluate_labels(
            sentences,
            labels,
            predicted,
            span_labels=label_set.scheme is not None,
            ignore_label=label_set.ignore,
            seen=vocabulary.seen,
        )
        n_tokens = sum(map(len, sentences))
        return replace(evaluation, tokens_per_second=n_tokens / seconds if n_tokens else None)

    def explain(self, sentence: Sequence[str]) -> list[Explanation]:
        """Return for each word its label, the probabilities, and what each window word pushed towards it.

        Raises
        ------
        WindowClfError
            If the window is wider than 13 (exact Shapley values take 2^K windows a word).
        """
        check_sentences([sentence])
        return explain(self.pipeline, sentence)
