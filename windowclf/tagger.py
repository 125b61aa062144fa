"""WindowTagger: the whole of windowclf behind one class; front ends tag through it alone."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windowclf.arrays import Floats
from windowclf.config import CACHE_MB, TABLE_MB, Config, Tuning
from windowclf.config_io import config_from_dict, config_to_dict
from windowclf.corpus.sentence import Sentences, check_sentences
from windowclf.errors import WindowClfError
from windowclf.model.compiled import TableType
from windowclf.model.decoder import Tagged
from windowclf.model.storage import find_model, load_model, save_model
from windowclf.model.trained import TrainedModel

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
        self._model: TrainedModel | None = None

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
        from windowclf.training.fit import fit
        from windowclf.vectors.selection import is_random, open_vectors

        given = self.config.model.vectors if self._vectors is None else self._vectors
        if self._loaded is None and not is_random(given):  # fitting again does not load them again
            self._loaded = open_vectors(given, {}, 0)
        name = str(given) if isinstance(given, str | Path) else ""
        config = replace(self.config, model=replace(self.config.model, vectors=name))
        vectors = given if self._loaded is None else self._loaded
        events = fit(config, vectors, sentences, labels, dev=dev, teacher=teacher.model if teacher else None)
        for model, event in events:
            if model is not self._model:  # not at every step
                self._model = model
                self.config = replace(model.config, training=config.training)
            yield event

    # -- files ---------------------------------------------------------------------------------------

    def save(self, directory: str | Path) -> str:
        """Write a model directory, replacing one that is there, and return its version (a SHA-256)."""
        return save_model(self.model, Path(directory))

    @classmethod
    def load(cls, model: str | Path) -> "WindowTagger":
        """Open a model directory, or a shipped model by its name; everything in it is verified first.

        Raises
        ------
        ModelFileError
            If there is no such model, or it is damaged or of another format version.
        """
        return cls._of(load_model(find_model(str(model))))

    @classmethod
    def _of(cls, model: TrainedModel) -> "WindowTagger":
        tagger = cls(model.config)
        tagger._model = model
        return tagger

    @property
    def model(self) -> TrainedModel:
        """The trained model, which all methods below call."""
        if self._model is None:
            raise WindowClfError("this tagger is not trained", hint="Call fit, or WindowTagger.load.")
        return self._model

    @property
    def labels(self) -> tuple[str, ...]:
        """What the network tells apart, in the order of the columns of `predict_proba`.

        Span labels are in the scheme they were learnt in (`model.inner_scheme`), whatever the user's.
        """
        return self.model.labels.names

    @property
    def spelled_labels(self) -> tuple[str, ...]:
        """The labels as the user spells them, in the order of the columns of :attr:`Tagged.every`.

        Where the spelling of a label depends on the labels around it, these are `labels`.
        """
        return self.model.labels.output_names

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
        self.model.compile(table_mb=table_mb, cache_mb=cache_mb, dtype=dtype, prefill=prefill)
        return self

    # -- use -----------------------------------------------------------------------------------------

    def predict(self, sentences: Sentences) -> list[list[str]]:
        """Return the labels of each sentence, as `TrainedModel.predict`."""
        return self.model.predict(sentences)

    def predict_proba(self, sentences: Sentences) -> list[Floats]:
        """Return for each sentence the probability of every label, as `TrainedModel.predict_proba`."""
        return self.model.predict_proba(sentences)

    def tag(self, sentences: Sentences, every: bool = False) -> list[Tagged]:
        """Return the labels of each sentence and their probabilities, as `TrainedModel.tag`."""
        return self.model.tag(sentences, every=every)

    def n_best(self, sentence: Sequence[str], n: int) -> list[tuple[list[str], float]]:
        """Return the n best tag sequences of a sentence and their probabilities, as `TrainedModel.n_best`."""
        return self.model.n_best(sentence, n)

    def evaluate(self, sentences: Sentences, labels: Sentences, *, calibration: bool = True) -> "Evaluation":
        """Tag sentences and compare with their true labels, as `windowclf.evaluation.evaluate`."""
        from windowclf.evaluation.metrics import evaluate

        return evaluate(self.model, sentences, labels, calibration=calibration)

    def explain(self, sentence: Sequence[str]) -> list["Explanation"]:
        """Return for each word its label, the probabilities, and what each window word pushed towards it.

        Raises
        ------
        WindowClfError
            If the window is wider than 13 (exact Shapley values take 2^K windows a word).
        """
        from windowclf.inspection.shapley import explain

        check_sentences([sentence])
        return explain(self.model, sentence)
