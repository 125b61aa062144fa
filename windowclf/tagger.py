"""WindowTagger: the interface that users import."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

from windowclf.arrays import Floats
from windowclf.config import CACHE_MB, TABLE_MB, Config
from windowclf.config_io import config_from_dict, config_to_dict, find_key, values_by_key
from windowclf.corpus import Sentences, check_sentences
from windowclf.errors import ConfigError, WindowClfError
from windowclf.model import (
    LabelScheme,
    TableType,
    Tagged,
    TaggedText,
    TrainedModel,
    find_model,
    load_model,
    save_model,
    tag_texts,
)
from windowclf.threads import Threads, limited_threads

if TYPE_CHECKING:
    from windowclf.evaluation import Evaluation
    from windowclf.inspection import Explanation
    from windowclf.training import Event
    from windowclf.vectors import WordVectors


class WindowTagger:
    """A word-window tagger: trains, tags, evaluates, explains; is saved and loaded.

    It follows the conventions of scikit-learn, so that `clone`, `cross_val_score` and `GridSearchCV` take it:
    the constructor stores, `fit` trains and leaves the parameters as they are.

    Parameters
    ----------
    config : Config, optional
        The configuration; default: Config(). That of the trained model, with everything that was chosen for
        the training data, is `tagger.model.config`.
    vectors : str, Path, WordVectors or gensim KeyedVectors, optional
        Pretrained vectors, or their name or path; instead of `config.model.vectors`.
    **values
        Any value of the configuration by its key, such as ``epochs=5``, ``hidden=[100]``, ``seed=1`` or
        ``tuning="frozen"``; instead of that of `config`. None leaves a value as it is.

    Raises
    ------
    ConfigError
        For an unknown key (the nearest one is named), a wrong type or a value out of bounds.

    Examples
    --------
    >>> from windowclf import WindowTagger
    >>> sentences = [["museums", "in", "Paris", "are", "amazing"], ["Rome", "is", "old"]]
    >>> labels = [["O", "O", "B-LOC", "O", "O"], ["B-LOC", "O", "O"]]
    >>> tagger = WindowTagger(vectors="glove-6b-50d-small", epochs=60).fit(sentences, labels)
    >>> tagger.predict([["Paris", "is", "amazing"]])
    [['B-LOC', 'O', 'O']]
    >>> tagger("Paris is old.").entities[0].word
    'Paris'
    """

    def __init__(self, config: Config | None = None, *, vectors: Any = None, **values: Any) -> None:
        self._parameters = {"config": config, "vectors": vectors, **values}
        self.config = self._checked_config()
        self._loaded: WordVectors | None = None
        self._model: TrainedModel | None = None

    def _checked_config(self) -> Config:
        """Return the configuration that the parameters come to."""
        given = self._parameters["config"] or Config()
        if not isinstance(given, Config):
            raise ConfigError("not a Config", where="config", found=given, hint="read_config reads a file.")
        values = config_to_dict(given)
        for key, value in self._parameters.items():
            if key not in ("config", "vectors") and value is not None:
                values[find_key(key)][key] = value
        return config_from_dict(values)  # a configuration made in Python is checked as one read from a file

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters that were given; with `deep`, every value of the configuration too."""
        return (values_by_key(self.config) if deep else {}) | self._parameters

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by the names of the constructor, and return the tagger itself.

        A trained model stays as it is until `fit` is called again. Errors as of the constructor.
        """
        before = self._parameters
        self._parameters = before | parameters
        try:
            self.config = self._checked_config()
        except WindowClfError:
            self._parameters = before
            raise
        if "vectors" in parameters or "config" in parameters:
            self._loaded = None
        return self

    def __sklearn_clone__(self) -> Self:
        """Return an untrained tagger of the same parameters; vectors, which never change, are shared."""
        clone = type(self)(**self._parameters)
        clone._loaded = self._loaded
        return clone

    def __sklearn_tags__(self) -> Any:
        """Describe the tagger to scikit-learn, which alone calls this."""
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=True))

    def __repr__(self) -> str:
        default = values_by_key(Config())
        shown = {k: v for k, v in values_by_key(self.config).items() if v != default[k]}
        if (vectors := self._parameters["vectors"]) is not None:
            shown["vectors"] = vectors if isinstance(vectors, str | Path) else type(vectors)
        texts = (f"{k}={v.__name__ if isinstance(v, type) else repr(v)}" for k, v in shown.items())
        return f"WindowTagger({', '.join(texts)})"

    def _repr_html_(self) -> str:
        trained = "not trained" if self._model is None else f"labels {', '.join(self.labels)}"
        return f"<code>{escape(repr(self))}</code><br>{escape(trained)}"

    def fit(
        self,
        sentences: Sentences,
        labels: Sentences,
        *,
        dev: tuple[Sentences, Sentences] | None = None,
        teacher: "WindowTagger | None" = None,
        on_event: Callable[["Event"], None] | None = None,
        threads: Threads = "auto",
    ) -> Self:
        """Train on labelled sentences, and return the tagger itself.

        Parameters
        ----------
        sentences, labels : sequences of sequences of str
            A label for each word. With `features.columns`, each sentence is a `Sentence` that has these
            columns, here and wherever the tagger takes sentences.
        dev : (sentences, labels), optional
            Chooses the best epoch, stops training early and calibrates probabilities. Without it the weights
            of the last epoch are kept.
        teacher : WindowTagger, optional
            A trained tagger of the same labels, such as an ensemble; its probabilities are learnt beside the
            true labels (`training.teacher_weight`).
        on_event : callable, optional
            Is called with each event of the training.
        threads : int or "auto"
            Threads of linear algebra during training; see `windowclf.threads`.

        Raises
        ------
        DataError
            If lengths differ, there are fewer than two labels, labels mix span labels and others, or a column
            is missing or holds the labels.
        TrainingError
            If the loss is not finite.
        """
        with limited_threads(threads):
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
        """Train like `fit`, as a generator; closing it keeps the best weights so far.

        The number of threads is left as it is: wrap the loop in `windowclf.threads.limited_threads`.
        """
        from windowclf.training import fit
        from windowclf.vectors import is_random, open_vectors

        vectors = self._parameters["vectors"]
        given = self.config.model.vectors if vectors is None else vectors
        if self._loaded is None and not is_random(given):  # fitting again does not load them again
            self._loaded = open_vectors(given, {}, 0)
        name = str(given) if isinstance(given, str | Path) else ""
        config = replace(self.config, model=replace(self.config.model, vectors=name))
        vectors = given if self._loaded is None else self._loaded
        events = fit(config, vectors, sentences, labels, dev=dev, teacher=teacher.model if teacher else None)
        for self._model, event in events:
            yield event

    def save(self, directory: str | Path) -> str:
        """Write a model directory and return its version (a SHA-256).

        A model that is there is replaced, in a run directory too; other files are left alone.

        Raises
        ------
        ModelFileError
            If `directory` is a file, or a directory that is not empty and holds no model.
        """
        return save_model(self.model, Path(directory))

    @classmethod
    def load(cls, model: str | Path) -> Self:
        """Open a model directory, or a shipped model by its name; all its files are verified first.

        Raises
        ------
        ModelFileError
            If there is no such model, or it is damaged or of another format version.
        """
        return cls._of(load_model(find_model(str(model))))

    @classmethod
    def _of(cls, model: TrainedModel) -> Self:
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
        """The labels that `predict` uses, in the order of the columns of `predict_proba`."""
        return self.model.labels_of("output")

    def labels_of(self, scheme: LabelScheme) -> tuple[str, ...]:
        """Return the labels in the "output" scheme, or in the "internal" one, which the network learnt.

        The internal scheme of span labels is `model.inner_scheme`, IOBES by default.
        """
        return self.model.labels_of(scheme)

    def compile(
        self,
        *,
        table_mb: float = TABLE_MB,
        cache_mb: float = CACHE_MB,
        dtype: TableType = "float32",
        prefill: bool = False,
    ) -> Self:
        """Make tagging many times as fast, as `TrainedModel.compile`, and return the tagger itself.

        Fitting again drops the tables.
        """
        self.model.compile(table_mb=table_mb, cache_mb=cache_mb, dtype=dtype, prefill=prefill)
        return self

    @overload
    def __call__(self, text: str) -> TaggedText: ...  # type: ignore[overload-overlap] # a str is a Sequence[str]
    @overload
    def __call__(self, text: Sequence[str]) -> list[TaggedText]: ...
    def __call__(self, text: str | Sequence[str]) -> TaggedText | list[TaggedText]:
        """Tag raw text: find its sentences, tokens with offsets, their labels, and entities.

        Of one text, or a list of several: ``text[token.start:token.end] == token.text`` for every token.
        """
        if isinstance(text, str):
            return tag_texts(self.model, [text])[0]
        if not all(isinstance(one, str) for one in text):
            hint = "Call predict or tag with sentences that are split into tokens."
            raise WindowClfError("not a text or a list of texts", found=text, hint=hint)
        return tag_texts(self.model, text)

    def predict(self, sentences: Sentences) -> list[list[str]]:
        """Return the labels of each sentence, as `TrainedModel.predict`."""
        return self.model.predict(sentences)

    def predict_proba(self, sentences: Sentences, *, scheme: LabelScheme = "output") -> list[Floats]:
        """Return the probability of every label for each word, an array (words, L) a sentence.

        The L labels are those of `labels_of` with the same `scheme`.
        """
        return self.model.predict_proba(sentences, scheme=scheme)

    def tag(self, sentences: Sentences, every: bool = False) -> list[Tagged]:
        """Return the labels of each sentence and their probabilities, as `TrainedModel.tag`."""
        return self.model.tag(sentences, every=every)

    def n_best(self, sentence: Sequence[str], n: int) -> list[tuple[list[str], float]]:
        """Return the n best tag sequences of a sentence and their probabilities, as `TrainedModel.n_best`."""
        return self.model.n_best(sentence, n)

    def score(self, sentences: Sentences, labels: Sentences) -> float:
        """Return entity F1 where labels mark spans, else token accuracy; in [0, 1]."""
        return self.evaluate(sentences, labels, calibration=False).main_score

    def evaluate(self, sentences: Sentences, labels: Sentences, *, calibration: bool = True) -> "Evaluation":
        """Tag sentences and compare with their true labels, as `windowclf.evaluation.evaluate`."""
        from windowclf.evaluation import evaluate

        return evaluate(self.model, sentences, labels, calibration=calibration)

    def explain(self, sentence: Sequence[str]) -> list["Explanation"]:
        """Return for each word its label, the probabilities, and what each window word pushed towards it.

        Raises
        ------
        WindowClfError
            If the window is wider than 13 (exact Shapley values take 2^K windows a word).
        """
        from windowclf.inspection import explain

        check_sentences([sentence])
        return explain(self.model, sentence)
