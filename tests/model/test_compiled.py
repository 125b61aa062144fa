"""A compiled tagger: what the plain one says, faster, in bounded memory, in any number of threads."""

import os
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy, deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from windowclf import Config, FeaturesConfig, ModelConfig, WindowTagger
from windowclf.corpus import options_of, read_labelled
from windowclf.errors import ConfigError, WindowClfError
from windowclf.model import CompiledScorer, TrainedModel
from windowclf.vectors import WordVectors
from windowclf_cli.main import cli

Labelled = tuple[list[list[str]], list[list[str]]]
LONG = "x" * 65
KNOWN = "museums in Paris PARIS the 1984 old is . , Rome London TV".split()
UNKNOWN = ["qwx", "zzyzx", "😀", "\x00", "שלום", "\ud800", "Zyzzyva", "", LONG]
TEXTS = st.lists(st.lists(st.sampled_from([*KNOWN, *UNKNOWN]) | st.text(max_size=4), max_size=8), max_size=6)
NOTHING = FeaturesConfig(case_dimension=0, affix_dimension=0)
# megabytes of table and of cache: everything fits; nothing does; some of each
BUDGETS = [(1, 1), (0, 0), (0.002, 0.002), (0.002, 0), (0, 0.002)]


def megabytes(n_words: int, tagger: WindowTagger) -> float:
    """Return the budget in which so many words fit."""
    model = tagger.model.members[0]
    n_columns = len(model.parameters["hidden1.b"]) * model.config.window
    return n_words * (4 * n_columns + 512) / 2**20


def compiled(tagger: WindowTagger, **options: Any) -> WindowTagger:
    """Return the same tagger compiled; the one given stays plain."""
    return WindowTagger._of(copy(tagger.model)).compile(**options)


def assert_same(
    plain: WindowTagger, fast: WindowTagger, sentences: Sequence[Sequence[str]], tolerance: float = 1e-5
) -> None:
    assert fast.predict(sentences) == plain.predict(sentences)
    pairs = zip(fast.predict_proba(sentences), plain.predict_proba(sentences), strict=True)
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


SHAPES: dict[str, dict[str, Any]] = {
    "no hidden layer": {"hidden": ()},
    "two hidden layers": {"hidden": (9, 7)},
    "tanh": {"activation": "tanh"},
    "tanh in two layers": {"activation": "tanh", "hidden": (9, 7)},
    "logistic": {"activation": "logistic"},
    "window of 1": {"window": 1},
    "window of 3": {"window": 3},
    "window of 7": {"window": 7},
    "window of 1, no hidden layer": {"window": 1, "hidden": ()},
    "tuned vectors": {"tuning": "tuned"},
    "two channels": {"tuning": "two-channel"},
    "IOBES": {"inner_scheme": "IOBES"},
    "without features": {"features": NOTHING},
    "without case": {"features": replace(NOTHING, affix_dimension=3, buckets=50)},
    "without affixes": {"features": replace(NOTHING, case_dimension=3)},
}


@pytest.fixture(scope="module", params=list(SHAPES.values()), ids=list(SHAPES))
def shaped(
    request: pytest.FixtureRequest, quick: Config, vectors: WordVectors, corpus: Labelled
) -> WindowTagger:
    settings = dict(request.param)
    features = settings.pop("features", quick.features)
    model: ModelConfig = replace(quick.model, **settings)
    return WindowTagger(replace(quick, model=model, features=features), vectors=vectors).fit(*corpus)


@pytest.mark.parametrize("table_mb, cache_mb", BUDGETS)
def test_every_model_tags_as_without_tables(
    table_mb: float, cache_mb: float, shaped: WindowTagger, corpus: Labelled
) -> None:
    fast = compiled(shaped, table_mb=table_mb, cache_mb=cache_mb)
    sentences = [[], *corpus[0], [], KNOWN, UNKNOWN, [*KNOWN, *UNKNOWN] * 3, ["qwx"], []]
    for _ in range(2):  # as words come, and once they are there
        assert_same(shaped, fast, sentences)
        for sentence in sentences:
            assert_same(shaped, fast, [sentence])


@pytest.mark.parametrize("table_mb, cache_mb", BUDGETS)
@given(texts=st.lists(TEXTS, max_size=4))
def test_any_texts_one_after_another_are_tagged_as_without_tables(
    table_mb: float, cache_mb: float, texts: list[list[list[str]]], tagger: WindowTagger
) -> None:
    fast = compiled(tagger, table_mb=table_mb, cache_mb=cache_mb)
    for sentences in texts:
        assert_same(tagger, fast, sentences)


@pytest.mark.parametrize("sentences", [[], [[]], [[], []]])
def test_nothing_is_tagged(sentences: list[list[str]], tagger: WindowTagger) -> None:
    fast = compiled(tagger)
    assert [tagged.labels for tagged in fast.tag(sentences)] == sentences
    assert [probs.shape for probs in fast.predict_proba(sentences)] == [(0, 3)] * len(sentences)


def test_a_long_sentence_is_cut_and_put_together_again(tagger: WindowTagger) -> None:
    words = [f"w{i % 1500}" if i % 3 else "Paris" for i in range(7000)]
    assert_same(tagger, compiled(tagger, cache_mb=megabytes(40, tagger)), [words, ["Rome"], words[:1023]])


def test_half_precision_is_close(tagger: WindowTagger, corpus: Labelled) -> None:
    sentences = [*corpus[0], UNKNOWN]
    fast = compiled(tagger, dtype="float16")
    assert_same(tagger, fast, sentences, tolerance=1e-2)
    differences = [
        abs(ours - theirs).max()
        for ours, theirs in zip(fast.predict_proba(sentences), tagger.predict_proba(sentences), strict=True)
    ]
    assert max(differences) > 1e-6  # it is indeed another precision


def test_numbers_too_great_for_half_precision_stay_finite(tagger: WindowTagger) -> None:
    parameters = tagger.model.parameters
    large = parameters | {"hidden1.W": parameters["hidden1.W"] * np.float32(1e6)}
    huge = WindowTagger(tagger.config)
    huge._model = tagger.model.with_parameters(large)
    fast = compiled(huge, dtype="float16")
    (probs,) = fast.predict_proba([KNOWN])
    assert np.isfinite(probs).all()


# -- what is kept ------------------------------------------------------------------------------------


def rows_of(tagger: WindowTagger) -> dict[str, int]:
    assert tagger.model._compiled is not None
    return tagger.model._compiled._rows


def recent_of(tagger: WindowTagger) -> set[str]:
    assert tagger.model._compiled is not None
    recent = tagger.model._compiled._recent
    return {*recent._young, *recent._old}


def test_known_words_go_into_the_table_and_others_into_the_cache(tagger: WindowTagger) -> None:
    fast = compiled(tagger)
    fast.predict([["Paris", "qwx", "PARIS", "zyzzyva", LONG]])
    # zyzzyva has no vector, but stood in the training data
    assert set(rows_of(fast)) == {"Paris", "PARIS", "zyzzyva"}
    assert recent_of(fast) == {"qwx"}


def test_a_full_table_sends_known_words_to_the_cache(tagger: WindowTagger) -> None:
    fast = compiled(tagger, table_mb=megabytes(2, tagger))
    fast.predict([["Paris", "Rome", "London", "Paris"]])
    assert set(rows_of(fast)) == {"Paris", "Rome"}
    assert recent_of(fast) == {"London"}


def test_no_flood_of_words_makes_it_keep_more(tagger: WindowTagger) -> None:
    fast = compiled(tagger, table_mb=megabytes(5, tagger), cache_mb=megabytes(10, tagger))
    for i in range(300):
        fast.predict([[f"made{i}", f"up{i}", "Paris", KNOWN[i % len(KNOWN)], str(i)]])
        assert len(rows_of(fast)) <= 5
        assert len(recent_of(fast)) <= 10
    assert len(rows_of(fast)) == 5
    assert len(recent_of(fast)) >= 5


def test_the_cache_keeps_what_is_used_again(tagger: WindowTagger) -> None:
    fast = compiled(tagger, table_mb=0, cache_mb=megabytes(6, tagger))
    for i in range(50):
        fast.predict([["qwx", f"made{i}"]])
        assert "qwx" in recent_of(fast)


def test_a_kept_block_keeps_no_larger_array_alive(tagger: WindowTagger) -> None:
    fast = compiled(tagger)
    fast.predict([["qwx", "zzyzx", "Zyzzyva"]])
    assert fast.model._compiled is not None
    blocks = fast.model._compiled._recent._young.values()
    assert [block.base for block in blocks] == [None] * 3


def test_prefilling_takes_the_words_of_training_by_frequency_then_the_vocabulary_s(
    tagger: WindowTagger,
) -> None:
    vocabulary = tagger.model.vocabulary
    counts = vocabulary.training_counts
    all_rows = list(rows_of(compiled(tagger, prefill=True)))
    frequencies = [counts.get(word, 0) for word in all_rows]
    assert frequencies == sorted(frequencies, reverse=True)
    assert set(all_rows) == {*counts, *vocabulary.words}
    unseen = [word for word in vocabulary.words if word not in counts]
    assert all_rows[len(counts) :] == unseen
    few = compiled(tagger, prefill=True, table_mb=megabytes(4, tagger))
    assert list(rows_of(few)) == all_rows[:4]


def test_a_prefilled_tagger_tags_as_without_tables(tagger: WindowTagger, corpus: Labelled) -> None:
    assert_same(tagger, compiled(tagger, prefill=True), [*corpus[0], KNOWN, UNKNOWN])


# -- threads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows, n_recent", [(10_000, 10_000), (6, 6), (6, 0), (0, 6)])
def test_threads_share_one_compiled_tagger(n_rows: int, n_recent: int, tagger: WindowTagger) -> None:
    rng = np.random.default_rng(0)
    words = [*KNOWN, *UNKNOWN, *tagger.model.vocabulary.words]
    texts = [[[str(w) for w in rng.choice(words, 7)] for _ in range(3)] for _ in range(240)]
    expected = [tagger.predict_proba(text) for text in texts]
    fast = compiled(tagger, table_mb=megabytes(n_rows, tagger), cache_mb=megabytes(n_recent, tagger))
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(fast.predict_proba, texts * 2))
    for ours, theirs in zip(results, expected * 2, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert sorted(rows_of(fast).values()) == list(range(1, 1 + len(rows_of(fast))))


# -- its use -----------------------------------------------------------------------------------------


def test_compile_returns_the_tagger(tagger: WindowTagger) -> None:
    twin = compiled(tagger)
    assert twin.compile() is twin


def test_fitting_again_drops_the_tables(quick: Config, vectors: WordVectors, corpus: Labelled) -> None:
    tagger = WindowTagger(quick, vectors=vectors).fit(*corpus).compile()
    tagger.predict(corpus[0])
    sentences, labels = corpus[0], [["x" if label == "O" else "y" for label in s] for s in corpus[1]]
    tagger.fit(sentences, labels)
    fresh = WindowTagger(quick, vectors=vectors).fit(sentences, labels)
    assert not tagger.model.is_compiled
    assert tagger.predict(sentences) == fresh.predict(sentences)


def test_only_a_trained_tagger_is_compiled() -> None:
    with pytest.raises(WindowClfError, match="not trained"):
        WindowTagger().compile()


@pytest.mark.parametrize(
    "options, where",
    [
        ({"table_mb": -1}, "table_mb"),
        ({"cache_mb": -0.5}, "cache_mb"),
        ({"table_mb": float("nan")}, "table_mb"),
        ({"table_mb": float("inf")}, "table_mb"),
        ({"table_mb": 1e12}, "table_mb"),
        ({"table_mb": 1e15}, "table_mb"),
        ({"dtype": "float64"}, "dtype"),
    ],
)
def test_faulty_options_are_refused(options: dict[str, Any], where: str, tagger: WindowTagger) -> None:
    with pytest.raises(ConfigError) as caught:
        CompiledScorer(tagger.model.members, tagger.model.encoder, **options)
    assert caught.value.where == where


def test_the_sample_corpus_is_tagged_as_without_tables(sample_model: Path) -> None:
    plain = WindowTagger.load(sample_model)
    for part in ("train", "dev", "test"):
        sentences = [s.tokens for s in read_labelled(f"sample:{part}", options_of(plain.config.data))]
        assert_same(plain, compiled(plain), sentences)
        assert_same(plain, compiled(plain, table_mb=0.5, cache_mb=0.25), sentences)


@pytest.mark.corpora
@pytest.mark.slow
@pytest.mark.skipif(
    "WINDOWCLF_CORPORA" not in os.environ, reason="WINDOWCLF_CORPORA names no folder of corpora"
)
@pytest.mark.parametrize("corpus_name", ["ud-english-ewt", "wikigold", "wnut17"])
def test_real_corpora_are_tagged_as_without_tables(corpus_name: str, tmp_path: Path) -> None:
    arguments = ["train", "--train", f"{corpus_name}:train", "--out", str(tmp_path / "run")]
    arguments += ["--vectors", "glove-6b-50d", "--max-vectors", "20000", "--set", "training.epochs=1"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    plain = WindowTagger.load(tmp_path / "run")
    for options in ({}, {"table_mb": 8, "cache_mb": 1}):
        fast = compiled(plain, **options)
        for part in ("train", "dev", "test"):
            corpus = read_labelled(f"{corpus_name}:{part}", options_of(plain.config.data))
            assert_same(plain, fast, [sentence.tokens for sentence in corpus])


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize("duplicate", [copy, deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_can_be_pickled_and_copied(
    is_compiled: bool, duplicate: Callable[[TrainedModel], TrainedModel], tagger: WindowTagger
) -> None:
    model = copy(tagger.model)
    if is_compiled:
        model.compile(table_mb=1, cache_mb=0.5)
    twin = duplicate(model)
    assert twin.is_compiled == is_compiled
    assert twin.predict([KNOWN, UNKNOWN]) == tagger.predict([KNOWN, UNKNOWN])
    assert twin.version == model.version
    assert tagger.model.is_compiled is False
