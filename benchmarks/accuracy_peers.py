"""Learners to be compared by `accuracy.py`: windowclf, and other people's, trained on the same sentences.

Each is trained as its makers teach it: NLTK's perceptron and CRFsuite as in their tutorials, spaCy by its own
training loop under the configuration that it writes for a processor without GPU, with word vectors.
"""

import json
import os
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tagging_peers import features
from windowclf import WindowTagger
from windowclf.config_io import config_from_dict
from windowclf.corpus import Scheme, convert, spans
from windowclf.evaluation import Evaluation, judge_entities
from windowclf.vectors import load_vectors

Sentences = Sequence[Sequence[str]]


class Labelled(NamedTuple):
    """A part of a corpus."""

    tokens: Sentences
    labels: Sentences

    def in_iob2(self) -> "Labelled":
        """Return the same with span labels that are easier to learn than IOB1."""
        return Labelled(self.tokens, [convert(list(names), Scheme.IOB2) for names in self.labels])


class Lesson(NamedTuple):
    """What a learner is given.

    Attributes
    ----------
    train, dev : Labelled
    marks_spans : bool
        Whether labels mark spans.
    seed : int
    settings : dict
        What is particular to the learner.
    teacher : str, optional
        A model of windowclf to learn from.
    folder : Path
        Where it may write.
    """

    train: Labelled
    dev: Labelled
    marks_spans: bool
    seed: int
    settings: dict[str, Any]
    teacher: str | None
    folder: Path


class Learner(Protocol):
    """A tagger that is trained, then tags."""

    def fit(self) -> None:
        """Train."""

    def tag(self, sentences: Sentences) -> Sentences:
        """Return the labels of sentences that are split into tokens."""

    def save(self, directory: Path) -> None:
        """Write the trained model."""


class Windowclf:
    """A network, an ensemble, or a network that learns from one; tags compiled, in one thread."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._tagger = WindowTagger(config_from_dict(lesson.settings["config"]), seed=lesson.seed)
        self._teacher = WindowTagger.load(lesson.teacher) if lesson.teacher else None
        load_vectors(self._tagger.config.model.vectors or None)  # converts them, if they are new here

    def fit(self) -> None:
        train, dev = self._lesson.train, self._lesson.dev
        self._tagger.fit(*train, dev=(dev.tokens, dev.labels), teacher=self._teacher)
        self._tagger.compile()

    def tag(self, sentences: Sentences) -> Sentences:
        return self._tagger.predict(sentences)

    def save(self, directory: Path) -> None:
        self._tagger.save(directory)

    def evaluate(self, part: Labelled) -> Evaluation:
        """Return the figures of a part, calibration among them."""
        return self._tagger.evaluate(part.tokens, part.labels)

    def judged(self, part: Labelled) -> list[tuple[float, bool]]:
        """Return the probability of each entity found in a part, and whether it is right."""
        found = [tagged.entities for tagged in self._tagger.tag(part.tokens)]
        return [(entity.probability, entity.is_right) for entity in judge_entities(part.labels, found)]


class Nltk:
    """NLTK's averaged perceptron."""

    def __init__(self, lesson: Lesson) -> None:
        from nltk.tag.perceptron import PerceptronTagger

        train = lesson.train.in_iob2() if lesson.marks_spans else lesson.train
        self._pairs = [list(zip(*of_one, strict=True)) for of_one in zip(*train, strict=True)]
        self._seed = lesson.seed
        self._tagger: Any = PerceptronTagger(load=False)

    def fit(self) -> None:
        random.seed(self._seed)  # it shuffles by the random numbers of all
        self._tagger.train(self._pairs)

    def tag(self, sentences: Sentences) -> Sentences:
        tag = self._tagger.tag
        return [[label for _, label in tag(sentence)] for sentence in sentences]

    def save(self, directory: Path) -> None:
        directory.mkdir()
        for i, part in enumerate(self._tagger.encode_json_obj()):
            (directory / f"{i}.json").write_text(json.dumps(part))


_CRFSUITE = {"c1": 0.1, "c2": 0.1, "max_iterations": 100, "feature.possible_transitions": True}


class CrfSuite:
    """CRFsuite, by L-BFGS with about the features and the settings of sklearn-crfsuite's tutorial."""

    def __init__(self, lesson: Lesson) -> None:
        import pycrfsuite

        self._train = lesson.train.in_iob2() if lesson.marks_spans else lesson.train
        self._trainer = pycrfsuite.Trainer("lbfgs", _CRFSUITE, verbose=False)
        self._tagger = pycrfsuite.Tagger()
        self._path = lesson.folder / "crf"

    def fit(self) -> None:
        for sentence, names in zip(*self._train, strict=True):
            self._trainer.append(features(sentence), list(names))
        self._trainer.train(str(self._path))
        self._tagger.open(str(self._path))

    def tag(self, sentences: Sentences) -> Sentences:
        return [self._tagger.tag(features(sentence)) for sentence in sentences]

    def save(self, directory: Path) -> None:
        directory.mkdir()
        os.link(self._path, directory / "crf")


class Spacy:
    """A blank English pipeline: tok2vec on the same vectors, and a tagger or a named-entity recogniser."""

    def __init__(self, lesson: Lesson) -> None:
        from spacy.cli.init_config import init_config

        self._marks_spans, self._folder = lesson.marks_spans, lesson.folder
        component = "ner" if lesson.marks_spans else "tagger"
        config: Any = init_config(lang="en", pipeline=[component], optimize="efficiency")
        config["paths"] |= {part: str(lesson.folder / f"{part}.spacy") for part in ("train", "dev")}
        config["paths"]["vectors"] = str(lesson.folder / "vectors")
        config["components"]["tok2vec"]["model"]["embed"]["include_static_vectors"] = True
        config["system"]["seed"] = lesson.seed
        if max_steps := lesson.settings["max_steps"]:
            config["training"]["max_steps"] = max_steps
        self._config = config
        self._nlp: Any = None
        self._write(lesson.train, config["paths"]["train"])
        self._write(lesson.dev, config["paths"]["dev"])
        # by a process of its own, which takes with it the memory that this needs
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(write_spacy_vectors, lesson.settings["vectors"], lesson.folder / "vectors").result()

    def _write(self, part: Labelled, path: str) -> None:
        from spacy.tokens import Doc, DocBin, Span
        from spacy.vocab import Vocab

        vocab, packed = Vocab(), DocBin(store_user_data=False)
        for words, names in zip(*part, strict=True):
            doc = Doc(vocab, words=list(words), tags=None if self._marks_spans else list(names))
            if self._marks_spans:
                doc.set_ents([Span(doc, span.start, span.end, span.kind) for span in spans(names)])
            packed.add(doc)
        packed.to_disk(path)

    def fit(self) -> None:
        import spacy
        from spacy.training.initialize import init_nlp
        from spacy.training.loop import train

        with Path(os.devnull).open("w") as nowhere:
            nlp = init_nlp(self._config)
            train(nlp, self._folder, stdout=nowhere, stderr=nowhere)
        self._nlp = spacy.load(self._folder / "model-best")

    def tag(self, sentences: Sentences) -> Sentences:
        from spacy.tokens import Doc

        docs = self._nlp.pipe(Doc(self._nlp.vocab, words=list(sentence)) for sentence in sentences)
        if self._marks_spans:
            return [[f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in doc] for doc in docs]
        return [[token.tag_ for token in doc] for doc in docs]

    def save(self, directory: Path) -> None:
        (self._folder / "model-best").rename(directory)


def write_spacy_vectors(name: str, directory: Path) -> None:
    """Write vectors as spaCy reads them; GloVe's words are in small letters, and are looked up so."""
    import spacy
    from spacy.vectors import Vectors

    vectors = load_vectors(name or None)
    nlp: Any = spacy.blank("en")
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings,
        data=vectors.matrix.astype("float32"),
        keys=[nlp.vocab.strings.add(word) for word in vectors.words],
        attr="LOWER",
    )
    nlp.to_disk(directory)


OURS = "windowclf"
LEARNERS: dict[str, Callable[[Lesson], Learner]] = {
    OURS: Windowclf,
    "NLTK's perceptron": Nltk,
    "CRFsuite": CrfSuite,
    "spaCy": Spacy,
}
WITHOUT_CHANCE = ("CRFsuite",)  # trained once: a seed changes nothing
