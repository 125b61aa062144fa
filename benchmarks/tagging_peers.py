"""Taggers to be measured by `tagging_bench.py`: windowclf, and other people's, trained on the same sentences.

Each is used as its makers mean it to be used for much text. A peer learns for few epochs: more would change
what it gets right, hardly how fast it is.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from windowclf import WindowTagger
from windowclf.corpus import Block, Scheme, convert, read_chunk
from windowclf.encoding import N_SPECIAL, windows

WINDOWS_AT_ONCE = 512  # of PyTorch's; what is computed of them stays in the processor's cache
Sentences = Sequence[Sequence[str]]
Labelled = tuple[Sequence[str], Sequence[str]]  # the tokens of a sentence and their labels


class Peer(Protocol):
    """A tagger at work."""

    def tag(self, sentences: Sentences) -> list[list[str]]:
        """Return the labels of sentences that are split into tokens."""

    def tag_raw(self, lines: Sequence[str]) -> list[Labelled]:
        """Return the sentences in lines of raw text."""


class Windowclf:
    """The plain network, or the compiled one."""

    def __init__(self, model: str, _: Sentences, __: Sentences, *, is_compiled: bool) -> None:
        self.tagger = WindowTagger.load(model)
        if is_compiled:
            self.tagger.compile()

    def tag(self, sentences: Sentences) -> list[list[str]]:
        return self.tagger.predict(sentences)


def tokenized(lines: Sequence[str]) -> list[list[str]]:
    """Find tokens and sentences by windowclf's fast way, for taggers that have none."""
    chunk = read_chunk(Block("".join(f"{line}\n" for line in lines).encode(), "lines"), "text")
    assert chunk is not None
    return chunk.sentences()


class Nltk:
    """NLTK's averaged perceptron, and its word tokenizer; a line is a sentence."""

    def __init__(self, _: str, sentences: Sentences, labels: Sentences) -> None:
        from nltk.tag.perceptron import PerceptronTagger
        from nltk.tokenize import NLTKWordTokenizer

        self._tagger = PerceptronTagger(load=False)
        self._tagger.train(
            [list(zip(s, n, strict=True)) for s, n in zip(sentences, labels, strict=True)], nr_iter=3
        )
        self._tokenizer = NLTKWordTokenizer()

    def tag(self, sentences: Sentences) -> list[list[str]]:
        tag = self._tagger.tag
        return [[label for _, label in tag(sentence)] for sentence in sentences]

    def tag_raw(self, lines: Sequence[str]) -> list[Labelled]:
        found = [self._tokenizer.tokenize(line) for line in lines]
        return list(zip(found, self.tag(found), strict=True))


class CrfSuite:
    """CRFsuite with the features of its tutorial: words around, affixes, shape."""

    def __init__(self, _: str, sentences: Sentences, labels: Sentences) -> None:
        import pycrfsuite

        trainer = pycrfsuite.Trainer("ap", {"max_iterations": 5}, verbose=False)
        for sentence, names in zip(sentences, labels, strict=True):
            trainer.append(features(sentence), names)
        with tempfile.TemporaryDirectory() as folder:
            trainer.train(f"{folder}/crf")
            self._model = Path(f"{folder}/crf").read_bytes()  # the tagger reads it where it is
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open_inmemory(self._model)

    def tag(self, sentences: Sentences) -> list[list[str]]:
        return [self._tagger.tag(features(sentence)) for sentence in sentences]

    def tag_raw(self, lines: Sequence[str]) -> list[Labelled]:
        found = tokenized(lines)
        return list(zip(found, self.tag(found), strict=True))


def features(sentence: Sequence[str]) -> list[list[str]]:
    """Return what CRFsuite learns from, for each word."""
    lower = [word.lower() for word in sentence]
    found = []
    for i, word in enumerate(sentence):
        of_word = ["bias", f"w={lower[i]}", f"s3={word[-3:]}", f"s2={word[-2:]}", f"p2={word[:2]}"]
        of_word += [f"upper={word.isupper()}", f"title={word.istitle()}", f"digit={word.isdigit()}"]
        for place in (-2, -1, 1, 2):
            if 0 <= i + place < len(sentence):
                beside = sentence[i + place]
                of_word += [f"{place}w={lower[i + place]}", f"{place}title={beside.istitle()}"]
            else:
                of_word.append(f"{place}none")
        found.append(of_word)
    return found


class Spacy:
    """A blank English pipeline with a tagger, or for spans a named-entity recogniser, on the same vectors."""

    def __init__(self, model: str, sentences: Sentences, labels: Sentences) -> None:
        import spacy
        from spacy import training
        from spacy.vectors import Vectors

        stored = WindowTagger.load(model).model
        self._marks_spans = stored.labels.scheme is not None
        nlp: Any = spacy.blank("en")
        self._nlp = nlp
        nlp.vocab.vectors = Vectors(
            strings=nlp.vocab.strings,
            data=np.array(stored.parameters["vectors"]),
            keys=[nlp.vocab.strings.add(word) for word in stored.vocabulary.words],
        )
        nlp.add_pipe("ner" if self._marks_spans else "tagger", config={"model": {"tok2vec": _TOK2VEC}})
        examples = [
            training.Example.from_dict(self._doc(words), self._annotation(words, names))
            for words, names in zip(sentences, labels, strict=True)
        ]
        optimizer = nlp.initialize(lambda: examples)
        for first in range(0, len(examples), 64):
            nlp.update(examples[first : first + 64], sgd=optimizer)

    def _doc(self, words: Sequence[str]) -> Any:
        from spacy.tokens import Doc

        return Doc(self._nlp.vocab, words=list(words))

    def _annotation(self, words: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
        if not self._marks_spans:
            return {"tags": list(labels)}
        letters = {"S": "U", "E": "L"}  # what spaCy calls them
        return {"entities": [letters.get(n[0], n[0]) + n[1:] for n in convert(list(labels), Scheme.IOBES)]}

    def _labels(self, doc: Any) -> list[str]:
        if self._marks_spans:
            return [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in doc]
        return [token.tag_ for token in doc]

    def tag(self, sentences: Sentences) -> list[list[str]]:
        return [self._labels(doc) for doc in self._nlp.pipe(map(self._doc, sentences))]

    def tag_raw(self, lines: Sequence[str]) -> list[Labelled]:
        docs = self._nlp.pipe(lines)
        return [([token.text for token in doc], self._labels(doc)) for doc in docs]


_TOK2VEC = {  # as `spacy init config --pipeline tagger` sets it
    "@architectures": "spacy.Tok2Vec.v2",
    "embed": {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 96,
        "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
        "rows": [5000, 1000, 2500, 2500],
        "include_static_vectors": True,
    },
    "encode": {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": 96,
        "depth": 4,
        "window_size": 1,
        "maxout_pieces": 3,
    },
}


class Torch:
    """The very network in PyTorch; the best label of each word by itself."""

    def __init__(self, model: str, _: Sentences, __: Sentences) -> None:
        import torch

        self._torch = torch
        torch.set_num_threads(1)
        tagger = WindowTagger.load(model)
        self._labels, self._encoder = tagger.model.labels, tagger.model.encoder
        p = {name: torch.from_numpy(np.array(value)) for name, value in tagger.model.parameters.items()}
        p["vectors"] = torch.cat([p["special"], p["vectors"]])  # ids 0 to N_SPECIAL - 1 are of special
        assert len(p["special"]) == N_SPECIAL
        self._columns = {"vectors": slice(0, 1)} | self._encoder.features.columns
        self._parameters, self._config = p, tagger.config.model

    def tag(self, sentences: Sentences) -> list[list[str]]:
        torch, p = self._torch, self._parameters
        encoded = self._encoder.encode(sentences)
        ids = torch.from_numpy(encoded.words).long()
        around = torch.from_numpy(windows(encoded.tokens, encoded.lengths, self._config.window)).long()
        best = []
        with torch.inference_mode():
            for some in around.split(WINDOWS_AT_ONCE):
                of_words = ids[some]  # (N, K, J)
                x = [p[table][of_words[:, :, at]].flatten(2) for table, at in self._columns.items()]
                z = torch.cat(x, dim=2).flatten(1)
                for i in range(len(self._config.hidden)):
                    z = torch.relu(torch.addmm(p[f"hidden{i + 1}.b"], z, p[f"hidden{i + 1}.W"]))
                best.append(torch.addmm(p["output.b"], z, p["output.W"]).argmax(dim=1).numpy())
        return self._labels.to_output(np.concatenate(best), encoded.lengths)

    def tag_raw(self, lines: Sequence[str]) -> list[Labelled]:
        found = tokenized(lines)
        return list(zip(found, self.tag(found), strict=True))


OURS, TORCH = "windowclf, compiled", "the same network in PyTorch"
FORMS: dict[str, Callable[..., Peer | Windowclf]] = {
    OURS: lambda *of: Windowclf(*of, is_compiled=True),
    "windowclf, plain": lambda *of: Windowclf(*of, is_compiled=False),
    TORCH: Torch,
    "NLTK's perceptron": Nltk,
    "CRFsuite": CrfSuite,
    "spaCy": Spacy,
}
PACKAGES = {
    TORCH: "torch",
    "NLTK's perceptron": "nltk",
    "CRFsuite": "python-crfsuite",
    "spaCy": "spacy",
}
MODULES = PACKAGES | {"CRFsuite": "pycrfsuite"}  # what is imported of them
