"""One short sentence after another: tagged as together with others, by a plain model and a compiled one."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf import Config, Sentence, WindowTagger
from windowclf.model import Tagged, TrainedModel, load_model, save_model
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
PHRASES = ["New York", "New York City", "Paris", "Rio de Janeiro", "qwx"]
WORDS = (
    "museums in Paris the 1984 New York City Rio de Janeiro is . , Rome London TV qwx zzyzx \ud800".split()
)
VALUES = ["1", "2", "3", "?"]
WORD = st.sampled_from([*WORDS, ""]) | st.text(max_size=3)
TEXTS = st.lists(
    st.lists(st.tuples(WORD, st.sampled_from(VALUES)), max_size=9).map(
        lambda pairs: Sentence(tuple(w for w, _ in pairs), columns={"size": tuple(v for _, v in pairs)})
    ),
    max_size=5,
)
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "IOBES": {"inner_scheme": "IOBES"},
    "CRF": {"loss": "crf"},
    "gazetteers": {"gazetteers": ()},
    "columns": {"columns": ("size",)},
    "ensemble": {"ensemble": 3},
    "all": {"loss": "crf", "gazetteers": (), "columns": ("size",), "ensemble": 2},
}


@pytest.fixture(scope="module", params=list(KINDS.values()), ids=list(KINDS))
def model(
    request: pytest.FixtureRequest,
    quick: Config,
    vectors: WordVectors,
    corpus: Labelled,
    tmp_path_factory: pytest.TempPathFactory,
) -> TrainedModel:
    phrases = tmp_path_factory.mktemp("lists") / "phrases.txt"
    phrases.write_text("\n".join(PHRASES))
    settings = dict(request.param)
    if "gazetteers" in settings:
        settings["gazetteers"] = (str(phrases),)
    parts: list[Any] = [
        replace(part, **{name: value for name, value in settings.items() if hasattr(part, name)})
        for part in (quick.model, quick.features, quick.training)
    ]
    sizes = [tuple(str(len(word) % 3 + 1) for word in sentence) for sentence in corpus[0]]
    sentences = [
        Sentence(tuple(sentence), columns={"size": size})
        for sentence, size in zip(corpus[0], sizes, strict=True)
    ]
    return WindowTagger(Config(*parts), vectors=vectors).fit(sentences, corpus[1]).model


@pytest.fixture(scope="module")
def fast(model: TrainedModel) -> TrainedModel:
    return copy(model).compile()


def assert_close(one: Sequence[Tagged], other: Sequence[Tagged], tolerance: float) -> None:
    for ours, theirs in zip(one, other, strict=True):
        assert ours.labels == theirs.labels
        assert [(s.start, s.end, s.kind) for s in ours.spans] == [
            (s.start, s.end, s.kind) for s in theirs.spans
        ]
        pairs = [
            (ours.probabilities, theirs.probabilities),
            (ours.every, theirs.every),
            ([s.probability for s in ours.spans], [s.probability for s in theirs.spans]),
        ]
        for found, expected in pairs:
            assert found is not None and expected is not None
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@given(texts=TEXTS)
def test_a_sentence_alone_is_tagged_as_among_others_and_as_without_tables(
    texts: list[Sentence], model: TrainedModel, fast: TrainedModel
) -> None:
    together = fast.tag(texts, every=True)
    alone = [tagged for sentence in texts for tagged in fast.tag([sentence], every=True)]
    assert_close(alone, together, 1e-6)
    assert_close(alone, model.tag(texts, every=True), 1e-5)  # the first layer is summed in another order
    assert [fast.predict([sentence])[0] for sentence in texts] == [tagged.labels for tagged in together]


# -- threads -----------------------------------------------------------------------------------------------


@pytest.fixture
def impatient() -> Iterator[None]:
    """Let threads take turns as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("is_compiled", [False, True], ids=["plain", "compiled"])
def test_threads_may_use_a_model_that_was_just_loaded(
    is_compiled: bool, model: TrainedModel, tmp_path: Path
) -> None:
    """Its index of words, its gazetteers and its tables are built when they are first used."""
    save_model(model, tmp_path / "model")
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(40):
        words = tuple(map(str, rng.choice([*WORDS, *model.vocabulary.words], 12)))
        texts.append(Sentence(words, columns={"size": tuple(map(str, rng.choice(VALUES, 12)))}))
    expected = model.tag(texts, every=True)
    n_threads = 8
    for _ in range(3):
        fresh = load_model(tmp_path / "model")
        if is_compiled:
            fresh.compile()
        start = Barrier(n_threads)

        def tag_all(_: int, fresh: TrainedModel = fresh, start: Barrier = start) -> list[Tagged]:
            start.wait()
            return [tagged for sentence in texts for tagged in fresh.tag([sentence], every=True)]

        with ThreadPoolExecutor(n_threads) as threads:
            for found in threads.map(tag_all, range(n_threads)):
                assert_close(found, expected, 1e-5)
