"""WindowTagger: the whole of windowclf behind one class; front ends tag through it alone."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import CACHE_MB, TABLE_MB, Config, Tuning
from windowclf.config_io import config_from_dict, config_to_dict
from windowclf.corpus.sentence import Sentences, check_sentences
from windowclf.errors import WindowClfError
from windowclf.model.compiled import CompiledModel, TableType
from windowclf.model.decoder import Labeller, Tagged
from windowclf.model.scorer import Pipeline
from windowclf.model.storage import StoredModel, find_model, load_model, save_model

if TYPE_CHECKING:
    from windowclf.evaluation.metrics import Evaluation
    from windowclf.inspection.shapley import Explanation
    from windowclf.training.events import Event
    from windowclf.vectors.word_vectors import WordVectors


class WindowTagger:
    """A word-window tagger: trains, tags, evaluates, explains; is saved and loaded.

    Parameters
    ----------
    config : Config, optional
        Everything that decides what the tagger becomes; default: Config().
    vectors : str, Path, WordVectors or gensim KeyedVectors, optional
        Pretrained vectors, or their name or path; instead of `config.model.vectors`.
    tuning : {"frozen", "tuned", "two-channel"}, optional
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
        self._labeller: Labeller
        self._compiled: CompiledModel | None = None

    # -- training ------------------------------------------------------------------------------------

    def fit(
        self,
        sentences: Sentences,
        labels: Sentences,
        *,
        dev: tuple[Sentences, Sentences] | None = None,
        teacher: "WindowTagger | None" = None,
        on_event: Callable[["Event"], None] | None = None,
    ) -> "WindowTagger":
        """Train on sentences and their labels, and return the tagger itself.

        Parameters
        ----------
        sentences, labels : sequences of sequences of str
            A label for each word. With `features.columns`, a sentence is a `Sentence` that has these columns,
            here and wherever the tagger is given sentences.
        dev : (sentences, labels), optional
            To choose the best epoch, to stop early and to correct probabilities; without it the last epoch
            counts.
        teacher : WindowTagger, optional
            A trained tagger of the same labels, such as an ensemble: its probabilities are learnt beside the
            true labels (`training.teacher_weight`).
        on_event : callable, optional
            Is given each event of the training.

        Raises
        ------
        DataError
            If lengths are unequal, there are fewer than two labels, labels mix span labels and others, or a
            column is missing or holds the labels.
        TrainingError
            If the loss is not finite.
        """
        for event in self.fit_events(sentences, labels, dev=dev, teacher=teacher):
            if on_event:
                on_event(event)
        return self

    def fit_events(
        self,
        sentences: Sentences,
        labels: Sentences,
        *,
        dev: tuple[Sentences, Sentences] | None = None,
        teacher: "WindowTagger | None" = None,
    ) -> Generator["Event", None, None]:
        """Train as `fit` does, as a generator; closing it leaves the tagger with the best weights so far."""
        from windowclf.training.fit import check_training, fit_pipelines
        from windowclf.vectors.random import is_random
        from windowclf.vectors.selection import open_vectors

        label_set, counts = check_training(self.config, sentences, labels, dev)
        given = self.config.model.vectors if self._vectors is None else self._vectors
        if self._loaded is None or is_random(given):  # else, fitting again need not load them again
            self._loaded = open_vectors(given, counts, self.config.training.seed)
        name = str(given) if isinstance(given, str | Path) else ""
        config = replace(self.config, model=replace(self.config.model, vectors=name))

        def dev_score(pipeline: Pipeline) -> float:
            assert dev is not None
            return WindowTagger._of(pipeline).evaluate(*dev, calibration=False).main_score

        self._compiled = None
        for pipeline, event in fit_pipelines(
            config,
            self._loaded,
            sentences,
            labels,
            label_set,
            counts,
            dev,
            dev_score,
            teacher.pipeline if teacher else None,
        ):
            if pipeline is not self._pipeline:  # not at every step
                self._take(pipeline)
                self.config = replace(self.stored.config, training=config.training)
            yield event

    def _take(self, pipeline: Pipeline) -> None:
        self._pipeline, self._labeller = pipeline, Labeller.of(pipeline)

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
        return cls._of(Pipeline(load_model(find_model(str(model)))))

    @classmethod
    def _of(cls, pipeline: Pipeline) -> "WindowTagger":
        tagger = cls(pipeline.stored.config)
        tagger._take(pipeline)
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

        Where the spelling of a label depends on the labels around it, these are `labels`.
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
        table_mb, cache_mb : float
            Megabytes (2^20 bytes) for the words of the vocabulary and of training, and for other words.
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
        """Return the labels of each sentence; they follow the label scheme of the training data.

        Raises
        ------
        DataError
            If a sentence is no sequence of words, or lacks a column that the model takes; so do all others.
        """
        check_sentences(sentences)
        spell = self.stored.labels.spell
        return [labels for best, lengths in self.label_ids(sentences) for labels in spell(best, lengths)]

    def label_ids(self, sentences: Sentences) -> Iterator[tuple[Ints, Ints]]:
        """Yield the numbers of labels (N,), places in `labels`, and the lengths (S,) of sentences, in parts.

        What `predict` is made of, for those who write labels to a file; the sentences are not checked.
        """
        for scores, lengths in self._scores(sentences):
            yield self._labeller.best(scores, lengths), lengths

    def predict_proba(self, sentences: Sentences) -> list[Floats]:
        """Return for each sentence an array (words, C): the probability of every label, as in `labels`."""
        check_sentences(sentences)
        return [
            part
            for scores, lengths in self._scores(sentences)
            for part in np.split(self._labeller.probabilities(scores, lengths), np.cumsum(lengths)[:-1])
        ]

    def tag(self, sentences: Sentences, every: bool = False) -> list[Tagged]:
        """Return the labels of each sentence and their probabilities.

        The labels are the best sequence that the label scheme allows: the most probable one, but for what
        development data had being outside a span cost (`Correction.outside_cost`). One of them alone need not
        be the most probable label of its word.

        Parameters
        ----------
        sentences : sequence of sequences of str
        every : bool
            Whether to return the probability of every label too, as :attr:`Tagged.every`.
        """
        check_sentences(sentences)
        return [
            tagged
            for scores, lengths in self._scores(sentences)
            for tagged in self._labeller.tag(scores, lengths, every=every)
        ]

    def n_best(self, sentence: Sequence[str], n: int) -> list[tuple[list[str], float]]:
        """Return the n best labellings of a sentence, and how probable they are, best first.

        The first is that of `tag`; best is what it says there. Only labellings that the label scheme allows
        count, and the probabilities of all of these sum to 1; with a word-level loss, too. There are fewer
        than n where the scheme does not allow as many.

        Parameters
        ----------
        sentence : sequence of str
        n : int
            At least 1.

        Raises
        ------
        ConfigError
            If n is less than 1.
        """
        check_sentences([sentence])
        ((scores, _),) = self._scores([sentence])
        return self._labeller.n_best(scores, n)

    def evaluate(self, sentences: Sentences, labels: Sentences, *, calibration: bool = True) -> "Evaluation":
        """Tag sentences and compare with their true labels; `tokens_per_second` counts tagging alone.

        Parameters
        ----------
        sentences, labels : sequences of sequences of str
        calibration : bool
            Whether to measure what probabilities are worth too; for that the sentences are tagged twice.

        Raises
        ------
        DataError
            If lengths are unequal, or the labels are of another task than the model's.
        """
        from windowclf.evaluation.evaluate import evaluate

        check_sentences(sentences, labels)
        return evaluate(self.stored, self.predict, self.tag if calibration else None, sentences, labels)

    def explain(self, sentence: Sequence[str]) -> list["Explanation"]:
        """Return for each word its label, the probabilities, and what each window word pushed towards it.

        Raises
        ------
        WindowClfError
            If the window is wider than 13 (exact Shapley values take 2^K windows a word).
        """
        from windowclf.inspection.shapley import explain

        check_sentences([sentence])
        return explain(self.pipeline, sentence)
