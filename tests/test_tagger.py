"""WindowTagger: fit, predict, evaluate and explain as a user calls them."""

import doctest
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

import windowclf.tagger
from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowClfError, WindowTagger
from windowclf.arrays import Floats, Ints
from windowclf.config_io import config_to_dict
from windowclf.corpus import Scheme, convert, illegal_transitions, spans
from windowclf.encoding import ABSENT_ROW
from windowclf.errors import ConfigError, DataError, VectorsError
from windowclf.evaluation import CalibrationErrors, reliability
from windowclf.inspection.shapley import WIDEST, shapley_values
from windowclf.model import WindowModel, save_model
from windowclf.model.parameters import parameter_shapes
from windowclf.threads import describe_threads
from windowclf.training import Calibrated, EpochDone, TrainingDone
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
WORDS = ["museums", "in", "Paris", "LONDON", "the", "1984", "qwx", "😀", "\x00", "שלום", "\ud800", "."]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=5)


# -- fit ---------------------------------------------------------------------------------------------


def test_the_example_of_the_documentation_runs() -> None:
    results = doctest.testmod(windowclf.tagger, raise_on_error=True)
    assert results.attempted > 0


def test_fit_returns_the_tagger(quick: Config, vectors: WordVectors, corpus: Labelled) -> None:
    tagger = WindowTagger(quick, vectors=vectors)
    assert tagger.fit(*corpus) is tagger


def test_it_learns_its_training_data(tagger: WindowTagger, corpus: Labelled) -> None:
    assert tagger.evaluate(*corpus).f1 == 1.0


def test_events_are_handed_on(quick: Config, vectors: WordVectors, corpus: Labelled) -> None:
    events: list[Any] = []
    WindowTagger(quick, vectors=vectors).fit(*corpus, dev=corpus, on_event=events.append)
    scores = [event.dev_score for event in events if isinstance(event, EpochDone)]
    assert len(scores) == 2 and all(isinstance(score, float) for score in scores)
    assert [type(event) for event in events[-2:]] == [TrainingDone, Calibrated]


def test_the_dev_score_is_that_of_the_tagger_at_that_time(
    config: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    tagger = WindowTagger(config, vectors=vectors)
    for event in tagger.fit_events(*corpus, dev=corpus):
        if isinstance(event, EpochDone):
            assert event.dev_score == tagger.evaluate(*corpus).main_score


def test_keywords_stand_in_for_the_configuration(vectors: WordVectors) -> None:
    tagger = WindowTagger(Config(), vectors=vectors, tuning="tuned", seed=7)
    assert tagger.config == Config(model=ModelConfig(tuning="tuned"), training=TrainingConfig(seed=7))


@pytest.mark.parametrize(
    "arguments, where",
    [
        ({"tuning": "thawed"}, "model.tuning"),
        ({"seed": -1}, "training.seed"),
        ({"config": Config(training=TrainingConfig(epochs=-1))}, "training.epochs"),
        ({"config": Config(model=ModelConfig(window=-3))}, "model.window"),
        ({"config": Config(model=ModelConfig(hidden=(0,)))}, "model.hidden[0]"),
    ],
)
def test_a_configuration_made_in_python_is_checked_like_a_file(arguments: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WindowTagger(**arguments)
    assert caught.value.where is not None and where in caught.value.where


def test_gensim_s_vectors_are_as_good_as_ours(quick: Config, vectors: WordVectors, corpus: Labelled) -> None:
    keyed = KeyedVectors(vector_size=vectors.dimension)
    keyed.add_vectors(vectors.words, np.asarray(vectors.matrix))
    ours, theirs = (WindowTagger(quick, vectors=given).fit(*corpus) for given in (vectors, keyed))
    for name, parameter in ours.model.parameters.items():
        np.testing.assert_array_equal(parameter, theirs.model.parameters[name])


def test_vectors_of_no_known_kind_are_refused(quick: Config, corpus: Labelled) -> None:
    with pytest.raises(VectorsError, match="not KeyedVectors; found 'dict'"):
        WindowTagger(quick, vectors={"the": [1.0]}).fit(*corpus)


@pytest.mark.parametrize("configured", ["", "glove-6b-50d"])
def test_the_model_says_which_vectors_it_has(
    configured: str, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, model=replace(quick.model, vectors=configured))
    stored = WindowTagger(config, vectors=vectors).fit(*corpus).model
    assert stored.config.model.vectors == vectors.name
    assert stored.info["vectors"]["name"] == vectors.name
    assert stored.info["vectors"]["sha256"] == vectors.sha256


def test_the_model_says_what_it_was_trained_on(tagger: WindowTagger, corpus: Labelled) -> None:
    n_tokens = sum(map(len, corpus[0]))
    assert tagger.model.info["training"] == {
        "sentences": len(corpus[0]),
        "tokens": n_tokens,
        "best_epoch": 30,
        "dev_score": None,
    }
    assert sum(tagger.model.info["coverage"].values()) == n_tokens
    assert tagger.model.info["coverage"]["unknown"] == 3  # New, York, zyzzyva


@pytest.mark.parametrize("deviation", [0.5, 0.0])
def test_vectors_are_scaled_to_a_standard_deviation(
    deviation: float, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, model=replace(quick.model, vector_deviation=deviation))
    matrix = WindowTagger(config, vectors=vectors).fit(*corpus).model.parameters["vectors"]
    assert np.std(matrix) == pytest.approx(deviation or np.std(vectors.matrix), rel=1e-5)


def test_vectors_without_any_spread_cannot_be_scaled_and_are_taken_as_they_are(
    quick: Config, corpus: Labelled
) -> None:
    flat = WordVectors("flat", "here", ["the", "is"], np.zeros((2, 3), np.float32), "")
    stored = WindowTagger(quick, vectors=flat).fit(*corpus).model
    assert stored.info["vectors"]["scale"] == 1.0
    assert not stored.parameters["vectors"].any()


@pytest.mark.parametrize("limit, n_kept", [(0, 28), (100, 28), (27, 27), (1, 26)])
def test_a_model_carries_the_training_words_and_the_most_frequent_others(
    limit: int, n_kept: int, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, model=replace(quick.model, max_vectors=limit))
    stored = WindowTagger(config, vectors=vectors).fit(*corpus).model
    assert len(stored.vocabulary) == len(stored.parameters["vectors"]) == n_kept


# -- what is no data ---------------------------------------------------------------------------------


GOOD = [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "sentences, labels, where, problem",
    [
        (GOOD, [["x", "y"]], "sentences", "differ in number"),
        (GOOD, [["x", "y"], ["x", "y"]], "sentences[1]", "a label for each word; found '1 words, 2 labels'"),
        (GOOD, [["x"], ["y"]], "sentences[0]", "a label for each word"),
        (["ab", "c"], [["x", "y"], ["x"]], "sentences[0]", "a sentence is a list of words; found 'ab'"),
        ("ab", [["x"], ["y"]], "sentences[0]", "a sentence is a list of words; found 'a'"),
        ([["a", "b"], [3]], [["x", "y"], ["x"]], "sentences[1]", "a sentence is a list of words"),
        ([["a", "b"], [None]], [["x", "y"], ["x"]], "sentences[1]", "a sentence is a list of words"),
        ([["a", "b"], None], [["x", "y"], ["x"]], "sentences[1]", "a sentence is a list of words"),
        (GOOD, ["xy", "x"], "sentences[0]", "labels are a list of strings; found 'xy'"),
        (GOOD, [[1, 2], [1]], "sentences[0]", "labels are a list of strings; found [1, 2]"),
        (GOOD, [["x", "y"], [None]], "sentences[1]", "labels are a list of strings"),
        (GOOD, [["x", "y"], None], "sentences[1]", "labels are a list of strings"),
    ],
)
def test_what_is_no_labelled_corpus_is_refused_by_number(
    sentences: Any, labels: Any, where: str, problem: str, quick: Config, vectors: WordVectors
) -> None:
    with pytest.raises(DataError) as caught:
        WindowTagger(quick, vectors=vectors).fit(sentences, labels)
    assert caught.value.where == where
    assert problem in str(caught.value)


def test_dev_data_is_checked_before_training_begins(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    with pytest.raises(DataError, match=r"dev sentences\[0\]: a sentence needs a label for each word"):
        next(WindowTagger(quick, vectors=vectors).fit_events(*corpus, dev=([["a"]], [[]])))


@pytest.mark.parametrize("dev", [([], []), ([[]], [[]])])
def test_dev_data_without_words_are_refused(
    dev: Labelled, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    with pytest.raises(DataError, match=r"dev sentences: no sentence has words\. Leave out dev"):
        WindowTagger(quick, vectors=vectors).fit(*corpus, dev=dev)


def test_dev_labels_of_another_task_are_refused_before_training_begins(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    with pytest.raises(DataError, match="not of the model's task; found 'NOUN'"):
        next(WindowTagger(quick, vectors=vectors).fit_events(*corpus, dev=([["a"]], [["NOUN"]])))


@pytest.mark.parametrize("word", ["", "a\nb", "\ud800"])
def test_a_training_word_must_fit_on_a_line_of_a_file(word: str, quick: Config, vectors: WordVectors) -> None:
    with pytest.raises(DataError, match="a training word is empty, holds a line break, or is not valid"):
        WindowTagger(quick, vectors=vectors).fit([["a", word]], [["x", "y"]])


@pytest.mark.parametrize("sentences, labels", [([], []), ([[]], [[]]), ([["a"]], [["x"]])])
def test_one_label_is_nothing_to_learn(
    sentences: list[list[str]], labels: list[list[str]], quick: Config, vectors: WordVectors
) -> None:
    with pytest.raises(DataError, match="at least two different labels"):
        WindowTagger(quick, vectors=vectors).fit(sentences, labels)


def test_a_tagger_that_is_not_trained_says_so() -> None:
    with pytest.raises(WindowClfError, match="not trained"):
        WindowTagger().predict([["a"]])


# -- the configuration -------------------------------------------------------------------------------


def test_fit_leaves_the_configuration_as_it_was(vectors: WordVectors, corpus: Labelled) -> None:
    tagger = WindowTagger(vectors=vectors, epochs=1)
    before = tagger.config
    tagger.fit(*corpus)
    assert tagger.config == before
    assert tagger.model.config.features.affix_dimension == 4  # for names
    classes = [[word[0] for word in sentence] for sentence in corpus[0]]
    tagger.fit(corpus[0], classes)
    assert tagger.model.config.features.affix_dimension == 24  # for parts of speech
    assert tagger.config == before


def test_any_value_of_the_configuration_can_be_given_by_its_key(quick: Config) -> None:
    tagger = WindowTagger(quick, epochs=5, hidden=[100], shape=True, format="conllu", seed=None)
    expected = config_to_dict(quick)
    expected["training"]["epochs"], expected["model"]["hidden"] = 5, (100,)
    expected["features"]["shape"], expected["data"]["format"] = True, "conllu"
    assert config_to_dict(tagger.config) == expected


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'epoch'.*Did you mean 'epochs'"):
        WindowTagger(epoch=5)


def test_what_is_shown_is_what_differs_from_the_defaults(vectors: WordVectors, corpus: Labelled) -> None:
    tagger = WindowTagger(vectors=vectors, epochs=1, hidden=[100])
    assert repr(tagger) == "WindowTagger(hidden=(100,), epochs=1, vectors=WordVectors)"
    assert repr(WindowTagger(vectors="a<b")) == "WindowTagger(vectors='a<b')"
    assert "a&lt;b" in WindowTagger(vectors="a<b")._repr_html_()
    assert "B-LOC" in tagger.fit(*corpus)._repr_html_()


@pytest.mark.parametrize("threads", ["auto", 1, 2])
def test_the_threads_of_linear_algebra_are_bounded_while_it_trains(
    threads: Any, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    def count() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before, seen = count(), []
    tagger = WindowTagger(quick, vectors=vectors)
    tagger.fit(*corpus, on_event=lambda _: seen.append(count()), threads=threads)
    assert all(max(numbers) <= describe_threads(threads)["used"] for numbers in seen) and seen
    assert count() == before


# -- raw text ----------------------------------------------------------------------------------------


def test_a_raw_text_is_split_and_tagged(tagger: WindowTagger) -> None:
    text = "We live in  Paris. Rome is old"
    answer = tagger(text)
    assert answer.text == text
    assert [text[s.start : s.end] for s in answer.sentences] == ["We live in  Paris.", "Rome is old"]
    assert all(text[token.start : token.end] == token.text for token in answer.tokens)
    words = [["We", "live", "in", "Paris", "."], ["Rome", "is", "old"]]
    tagged = tagger.tag(words)
    assert [token.text for token in answer.tokens] == [word for sentence in words for word in sentence]
    assert [token.label for token in answer.tokens] == [label for t in tagged for label in t.labels]
    assert [token.score for token in answer.tokens] == [p for t in tagged for p in t.probabilities]
    found = [(entity.word, entity.entity_group) for entity in answer.entities or []]
    assert ("Rome", "LOC") in found and ("Paris", "LOC") in found


def test_several_texts_get_what_each_gets_alone(tagger: WindowTagger) -> None:
    texts = ["Rome is old.", "", "Paris"]
    answers = tagger(texts)
    assert [answer.text for answer in answers] == texts
    assert [len(answer.tokens) for answer in answers] == [4, 0, 1]
    for answer, text in zip(answers, texts, strict=True):
        alone = tagger(text)
        assert [token.label for token in answer.tokens] == [token.label for token in alone.tokens]
        assert answer.sentences == alone.sentences
    assert tagger([]) == []


@pytest.mark.parametrize("text", [[["Paris"]], ["Paris", 5], [None]])
def test_what_is_no_text_is_refused(text: Any, tagger: WindowTagger) -> None:
    with pytest.raises(WindowClfError, match=r"not a text or a list of texts.*Call predict or tag"):
        tagger(text)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "tag"])
@pytest.mark.parametrize("raw", ["Paris is old", ["Paris is old"]])
def test_raw_text_where_words_are_wanted_is_told_where_to_go(
    method: str, raw: Any, tagger: WindowTagger
) -> None:
    with pytest.raises(DataError, match=r"To tag raw text, call the tagger itself: tagger\(text\)"):
        getattr(tagger, method)(raw)
    assert tagger(raw)


# -- predict -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sentences", [[], [[]], [[], ["Paris"], [], []], [["Paris", "is"], ["old"]]])
def test_there_is_a_label_for_each_word_of_each_sentence(
    sentences: list[list[str]], tagger: WindowTagger
) -> None:
    lengths = [len(sentence) for sentence in sentences]
    assert [len(labels) for labels in tagger.predict(sentences)] == lengths
    assert [probs.shape for probs in tagger.predict_proba(sentences)] == [(n, 3) for n in lengths]
    assert [(len(t.labels), len(t.probabilities)) for t in tagger.tag(sentences)] == [(n, n) for n in lengths]


@pytest.mark.parametrize("sentences", ["Paris is old", ["Paris is old"], [["Paris", 5]], [None]])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "tag"])
def test_what_are_no_sentences_is_refused(method: str, sentences: Any, tagger: WindowTagger) -> None:
    with pytest.raises(DataError, match="a sentence is a list of words"):
        getattr(tagger, method)(sentences)


def test_one_sentence_to_explain_is_checked_too(tagger: WindowTagger) -> None:
    with pytest.raises(DataError, match="a sentence is a list of words"):
        tagger.explain("Paris is old")


@given(sentences=TEXTS)
def test_sentences_together_get_what_each_gets_alone(
    sentences: list[list[str]], tagger: WindowTagger
) -> None:
    assert tagger.predict(sentences) == [tagger.predict([sentence])[0] for sentence in sentences]
    for together, sentence in zip(tagger.predict_proba(sentences), sentences, strict=True):
        np.testing.assert_allclose(together, tagger.predict_proba([sentence])[0], atol=1e-6)


@given(sentences=TEXTS)
def test_labels_are_legal_and_probabilities_sum_to_one(
    sentences: list[list[str]], tagger: WindowTagger
) -> None:
    for labels in tagger.predict(sentences):
        assert not illegal_transitions(labels, Scheme.IOB2)
    for probs in tagger.predict_proba(sentences):
        np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-5)


SPELLED = [
    # (scheme of the labels, the one they are learnt in, the labels learnt as one)
    ("IOB2", "IOBES", ("O", "B-LOC", "I-LOC"), {"B-LOC": "BS", "I-LOC": "IE"}),
    ("IOB2", "IOB2", ("O", "B-LOC", "I-LOC"), {}),
    ("IOBES", "IOBES", ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC"), {}),
    ("IOBES", "IOB2", ("O", "B-LOC", "I-LOC"), {}),
    ("IOB1", "IOBES", ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC"), {}),
]


@pytest.mark.parametrize("scheme, inner_scheme, names, merged", SPELLED)
def test_every_label_has_the_probability_of_all_that_are_spelled_like_it(
    scheme: str,
    inner_scheme: Any,
    names: tuple[str, ...],
    merged: dict[str, str],
    quick: Config,
    vectors: WordVectors,
    corpus: Labelled,
) -> None:
    config = replace(quick, model=replace(quick.model, inner_scheme=inner_scheme))
    labels = [convert(sequence, Scheme(scheme)) for sequence in corpus[1]]
    tagger = WindowTagger(config, vectors=vectors).fit(corpus[0], labels)
    assert tagger.model.labels.output_names == names
    sentences = [*corpus[0], []]
    internal = tagger.predict_proba(sentences, scheme="internal")
    for tagged, probs in zip(tagger.tag(sentences, every=True), internal, strict=True):
        assert tagged.every is not None
        for column, name in zip(tagged.every.T, names, strict=True):
            learnt = [f"{prefix}-LOC" for prefix in merged.get(name, "")] or [name]
            together = probs[:, [tagger.labels_of("internal").index(label) for label in learnt]].sum(axis=1)
            np.testing.assert_allclose(column, together, rtol=1e-6)
        if merged or scheme == inner_scheme:
            columns = [names.index(label) for label in tagged.labels]
            assert tagged.probabilities == tagged.every[np.arange(len(columns)), columns].tolist()


@pytest.mark.parametrize("loss", ["softmax", "crf"])
@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "IOBES", "none"])
@pytest.mark.parametrize("inner_scheme", ["IOB2", "IOBES"])
def test_probabilities_are_of_the_labels_that_predictions_have(
    loss: Any, scheme: Any, inner_scheme: Any, config: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    model = replace(config.model, inner_scheme=inner_scheme, loss=loss)
    settings = replace(config, model=model, data=replace(config.data, scheme=scheme))
    labels = corpus[1] if scheme == "none" else [convert(names, Scheme(scheme)) for names in corpus[1]]
    tagger = WindowTagger(settings, vectors=vectors, epochs=10).fit(corpus[0], labels)
    sentences = [[], *corpus[0], [], ["Paris", "Rome", "London", "is", "New", "York"], ["Rome"], []]
    predicted = tagger.predict(sentences)
    assert {name for names in predicted for name in names} <= {*tagger.labels}
    for names, probs in zip(predicted, tagger.predict_proba(sentences), strict=True):
        assert probs.shape == (len(names), len(tagger.labels))
        np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)
        assert ((probs >= 0) & (probs <= 1)).all()
    for probs in tagger.predict_proba(sentences, scheme="internal"):
        assert probs.shape[1] == len(tagger.labels_of("internal"))
    if loss == "crf":  # of every tag sequence, the probability is known
        sentence = ["Paris", "Rome", "is", "London"]
        expected = np.zeros((len(sentence), len(tagger.labels)))
        for names, probability in tagger.n_best(sentence, 10_000):
            for t, name in enumerate(names):
                expected[t, tagger.labels.index(name)] += probability
        np.testing.assert_allclose(tagger.predict_proba([sentence])[0], expected, atol=1e-5)


def test_an_unknown_scheme_is_refused(tagger: WindowTagger) -> None:
    with pytest.raises(ConfigError, match=r"unknown scheme of labels; found 'inner'; allowed: output"):
        tagger.predict_proba([["Paris"]], scheme="inner")  # type: ignore[arg-type]


def test_the_probability_of_every_label_comes_only_when_asked_for(tagger: WindowTagger) -> None:
    assert tagger.tag([["Paris"]])[0].every is None


def test_where_neighbours_decide_the_spelling_the_probability_is_of_the_label_learnt(
    config: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(config, model=replace(config.model, inner_scheme="IOBES"))
    labels = [convert(sequence, Scheme.IOB1) for sequence in corpus[1]]
    tagger = WindowTagger(config, vectors=vectors).fit(corpus[0], labels)
    (tagged,) = tagger.tag([["Rome", "is"]], every=True)
    assert (tagged.labels, tagged.every is not None) == (["I-LOC", "O"], True)
    assert tagged.probabilities == pytest.approx(
        tagger.predict_proba([["Rome", "is"]], scheme="internal")[0][
            [0, 1], [tagger.labels_of("internal").index("S-LOC"), 0]
        ]
    )


@given(sentences=TEXTS)
def test_a_tag_has_the_probability_of_its_own_label(sentences: list[list[str]], tagger: WindowTagger) -> None:
    for tagged, probs in zip(tagger.tag(sentences), tagger.predict_proba(sentences), strict=True):
        columns = [tagger.labels.index(label) for label in tagged.labels]
        assert tagged.probabilities == [float(p[c]) for p, c in zip(probs, columns, strict=True)]


def test_only_the_window_counts(tagger: WindowTagger) -> None:
    words = ["we", "in", "Paris", "are", "old"]
    probs = tagger.predict_proba([words, ["the", *words, "museum"]])
    np.testing.assert_allclose(probs[0][2], probs[1][3], atol=1e-6)


def test_a_sentence_of_100_000_words_is_tagged(tagger: WindowTagger) -> None:
    words = (WORDS * 10_000)[:100_000]
    short, long = tagger.predict([words[:500], words])
    assert len(long) == 100_000
    assert long[:490] == short[:490]


def test_a_network_that_is_very_sure_still_tags(
    tagger: WindowTagger, corpus: Labelled, tmp_path: Path
) -> None:
    # scores so far apart that probabilities are 0 and 1 in float32
    stored = tagger.model
    parameters = stored.parameters | {"output.W": stored.parameters["output.W"] * np.float32(1e6)}
    save_model(stored.with_parameters(parameters), tmp_path / "sure")
    sure = WindowTagger.load(tmp_path / "sure")
    sentences = [*corpus[0], WORDS, WORDS[::-1], ["qwx"] * 5]
    for tagged in sure.tag(sentences):
        assert not illegal_transitions(tagged.labels, Scheme.IOB2)
        assert all(0 <= p <= 1 for p in tagged.probabilities)
    assert [len(sure.explain(sentence)) for sentence in sentences] == [len(s) for s in sentences]


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("inner_scheme", ["IOB2", "IOBES"])
def test_labels_come_in_the_scheme_of_the_training_data(
    inner_scheme: Any, scheme: Scheme, config: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    sentences, labels = corpus
    converted = [convert(sequence, scheme) for sequence in labels]
    config = replace(config, model=replace(config.model, inner_scheme=inner_scheme))
    assert WindowTagger(config, vectors=vectors).fit(sentences, converted).predict(sentences) == converted


def test_plain_labels_are_learnt_as_they_are(config: Config, vectors: WordVectors) -> None:
    sentences, labels = (
        [["the", "old", "museum"], ["Paris", "is"]],
        [["DET", "ADJ", "NOUN"], ["NOUN", "VERB"]],
    )
    tagger = WindowTagger(config, vectors=vectors).fit(sentences, labels)
    assert tagger.predict(sentences) == labels
    assert tagger.labels == ("ADJ", "DET", "NOUN", "VERB")
    assert tagger.evaluate(sentences, labels).f1 is None


def test_a_single_word_of_each_sentence_can_be_classified(config: Config, vectors: WordVectors) -> None:
    sentences = [["in", "Paris"], ["reading", "is"], ["Rome", "is"], ["the", "telly"]]
    labels = [["_", "place"], ["other", "_"], ["place", "_"], ["_", "other"]]
    tagger = WindowTagger(config, vectors=vectors).fit(sentences, labels)
    evaluation = tagger.evaluate(sentences, labels)
    assert (evaluation.n_tokens, evaluation.token_accuracy) == (4, 1.0)
    assert tagger.labels == ("other", "place")


# -- evaluate ----------------------------------------------------------------------------------------


def test_evaluation_scores_what_is_predicted(tagger: WindowTagger) -> None:
    sentences = [["qwx", "Rome", "is", "1984"], ["LONDON"]]
    predicted = tagger.predict(sentences)
    evaluation = tagger.evaluate(sentences, predicted)
    assert evaluation.token_accuracy == 1.0
    assert (evaluation.n_sentences, evaluation.n_tokens) == (2, 5)
    assert (evaluation.seen.n_tokens, evaluation.unseen.n_tokens) == (4, 1)
    assert evaluation.tokens_per_second is not None and evaluation.tokens_per_second > 0


def test_evaluation_of_labels_the_model_does_not_know_counts_them_as_wrong(tagger: WindowTagger) -> None:
    sentences = [["Rome", "is", "old"], ["LONDON", "is", "a", "city"]]  # of its own training
    assert tagger.predict(sentences) == [["B-LOC", "O", "O"], ["B-LOC", "O", "O", "O"]]
    evaluation = tagger.evaluate(sentences, [["B-LOC", "O", "O"], ["B-ORG", "O", "O", "O"]])
    assert evaluation.token_accuracy == 6 / 7
    assert evaluation.f1 == 0.5


def test_labels_of_another_task_cannot_be_evaluated(tagger: WindowTagger) -> None:
    with pytest.raises(DataError, match="not of the model's task; found 'NOUN'"):
        tagger.evaluate([["Paris"]], [["NOUN"]])


def test_evaluation_measures_the_probabilities_of_the_labels_it_scores(tagger: WindowTagger) -> None:
    sentences = [["Rome", "is", "old"], ["LONDON", "is", "a", "city"]]  # of its own training
    tagged = tagger.tag(sentences)
    assert [t.labels for t in tagged] == [["B-LOC", "O", "O"], ["B-LOC", "O", "O", "O"]]
    labels = [["B-LOC", "O", "O"], ["B-ORG", "O", "O", "O"]]
    assert tagger.evaluate(sentences, labels).calibration == CalibrationErrors(
        words=reliability([p for t in tagged for p in t.probabilities], [i != 3 for i in range(7)]),
        entities=reliability([t.spans[0].probability for t in tagged], [True, False]),
    )


def test_the_calibration_of_plain_labels_has_no_entities(config: Config, vectors: WordVectors) -> None:
    sentences, labels = [["Paris", "is"], ["the", "telly"]], [["NOUN", "VERB"], ["DET", "NOUN"]]
    tagger = WindowTagger(config, vectors=vectors).fit(sentences, labels)
    calibration = tagger.evaluate(sentences, labels).calibration
    assert calibration is not None
    assert (calibration.words.count, calibration.entities) == (4, None)


def test_evaluation_without_calibration_has_the_same_scores(tagger: WindowTagger, corpus: Labelled) -> None:
    full, plain = tagger.evaluate(*corpus), tagger.evaluate(*corpus, calibration=False)
    assert plain.calibration is None
    assert replace(plain, tokens_per_second=None) == replace(full, tokens_per_second=None, calibration=None)


@pytest.mark.parametrize("sentences", [[], [[]]])
def test_evaluation_of_nothing_has_no_speed(sentences: list[list[str]], tagger: WindowTagger) -> None:
    assert tagger.evaluate(sentences, sentences).tokens_per_second is None


def test_evaluation_checks_its_labels(tagger: WindowTagger) -> None:
    with pytest.raises(DataError, match="a label for each word"):
        tagger.evaluate([["Paris"]], [[]])


# -- save and load (more in test_storage.py) ---------------------------------------------------------


def test_a_tagger_comes_back_from_its_directory(
    tagger: WindowTagger, corpus: Labelled, tmp_path: Path
) -> None:
    version = tagger.save(str(tmp_path / "model"))
    loaded = WindowTagger.load(str(tmp_path / "model"))
    assert loaded.predict(corpus[0]) == tagger.predict(corpus[0])
    assert loaded.model.version == version
    assert loaded.labels == tagger.labels


# -- n-best ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["softmax", "crf"])
def test_n_best_labellings_begin_with_the_labels_and_sum_to_one(
    loss: Any, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, model=replace(quick.model, loss=loss))
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus)
    for sentence in corpus[0]:
        found = tagger.n_best(sentence, 10_000)
        assert found[0][0] == tagger.predict([sentence])[0]
        assert math.fsum(p for _, p in found) == pytest.approx(1)
        assert tagger.n_best(sentence, 3) == found[:3]
        if loss == "softmax":
            continue  # words that are labelled one by one keep to no scheme, and the best labellings do
        # a span is as probable as the labellings that mark it
        (tagged,) = tagger.tag([sentence])
        for span in tagged.spans:
            wanted = (span.start, span.end, span.kind)
            sum_of_all = math.fsum(p for labels, p in found if wanted in spans(labels))
            assert tagger.model.calibration.spans is not None
            expected = tagger.model.calibration.spans(sum_of_all, span.end - span.start, span.kind)
            assert span.probability == pytest.approx(expected, abs=1e-5)


def test_n_best_of_nothing_is_one_labelling(tagger: WindowTagger) -> None:
    assert tagger.n_best([], 3) == [([], 1.0)]


def test_no_labellings_at_all_are_refused(tagger: WindowTagger) -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        tagger.n_best(["Paris"], 0)
    with pytest.raises(DataError, match="a list of words"):
        tagger.n_best("Paris", 1)


# -- explain -----------------------------------------------------------------------------------------


def test_an_explanation_of_every_word(tagger: WindowTagger) -> None:
    sentence = ["museums", "in", "Paris"]
    explanations = tagger.explain(sentence)
    assert [explanation.token for explanation in explanations] == sentence
    assert [explanation.label for explanation in explanations] == tagger.predict([sentence])[0]
    assert [explanation.window for explanation in explanations] == [
        (None, None, "museums", "in", "Paris"),
        (None, "museums", "in", "Paris", None),
        ("museums", "in", "Paris", None, None),
    ]
    for explanation, probs in zip(explanations, tagger.predict_proba([sentence])[0], strict=True):
        assert dict(explanation.probabilities) == dict(zip(tagger.labels, probs.tolist(), strict=True))
        values = [p for _, p in explanation.probabilities]
        assert values == sorted(values, reverse=True)


def test_nothing_to_explain(tagger: WindowTagger) -> None:
    assert tagger.explain([]) == []


@given(sentence=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))
def test_contributions_sum_to_the_score_above_that_of_the_empty_window(
    sentence: list[str], tagger: WindowTagger
) -> None:
    for explanation in tagger.explain(sentence):
        difference = explanation.score - explanation.empty_score
        assert math.fsum(explanation.contributions) == pytest.approx(difference, abs=1e-5)


@given(sentence=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))
def test_the_label_explained_is_the_label_predicted(sentence: list[str], tagger: WindowTagger) -> None:
    assert [explanation.label for explanation in tagger.explain(sentence)] == tagger.predict([sentence])[0]


@pytest.mark.parametrize("ensemble", [1, 2])
@pytest.mark.parametrize("loss", ["softmax", "crf"])
def test_labels_and_probabilities_explained_are_those_of_tagging(
    loss: Any, ensemble: int, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(
        quick,
        model=replace(quick.model, loss=loss),
        training=replace(quick.training, ensemble=ensemble),
    )
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus)
    assert tagger.model.calibration.temperature != 1
    for sentence in corpus[0]:
        explanations = tagger.explain(sentence)
        (probabilities,) = tagger.predict_proba([sentence])
        assert [explanation.label for explanation in explanations] == tagger.predict([sentence])[0]
        for explanation, row in zip(explanations, probabilities, strict=True):
            expected = dict(zip(tagger.labels, row.tolist(), strict=True))
            assert dict(explanation.probabilities) == pytest.approx(expected)


def test_a_window_too_wide_to_be_explained_exactly_is_refused(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, model=replace(quick.model, window=WIDEST + 2))
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus)
    with pytest.raises(WindowClfError, match="at most 13"):
        tagger.explain(["Paris"])


NO_FEATURES = FeaturesConfig(case_dimension=0, affix_dimension=0)
D, C = 3, 3


def _random_model(hidden: tuple[int, ...], width: int) -> WindowModel:
    """Return a network of random weights in float64 over three words."""
    config = ModelConfig(window=width, hidden=hidden, activation="tanh")
    shapes = parameter_shapes(config, NO_FEATURES, 3, D, C)
    rng = np.random.default_rng(1)
    return WindowModel(config, NO_FEATURES, {name: rng.standard_normal(s) for name, s in shapes.items()})


WORD_IDS = np.array([[1], [0], [2], [3], [4], [0]])  # boundary, absent, three words, an unknown one


def _by_permutations(model: WindowModel, window: Sequence[int], label: int) -> list[float]:
    """Let the words come in every order, and average what each adds to the score when it comes."""
    K = len(window)
    values = [0.0] * K

    def score(present: set[int]) -> float:
        coalition: Ints = np.array([[window[k] if k in present else ABSENT_ROW for k in range(K)]])
        return float(model.scores(WORD_IDS, coalition)[0, label])

    for order in permutations(range(K)):
        for i, k in enumerate(order):
            gain = score(set(order[: i + 1])) - score(set(order[:i]))
            values[k] += gain / math.factorial(K)
    return values


@pytest.mark.parametrize("window", [(2, 3, 4), (0, 2, 3), (2, 2, 3), (0, 4, 0), (2, 5, 3), (0, 2, 3, 4, 2)])
@pytest.mark.parametrize("label", range(C))
def test_contributions_are_the_mean_over_all_orders(window: tuple[int, ...], label: int) -> None:
    model = _random_model((4,), len(window))
    values, _, _ = shapley_values(model, WORD_IDS, np.array([window]), np.array([label]))
    np.testing.assert_allclose(values[0], _by_permutations(model, window, label), atol=1e-12)


def test_in_softmax_regression_a_contribution_is_the_word_s_own_term() -> None:
    model = _random_model((), 3)
    window, label = [0, 2, 4], 1
    values, _, _ = shapley_values(model, WORD_IDS, np.array([window]), np.array([label]))
    vectors: Floats = np.concatenate([model.parameters["special"], model.parameters["vectors"]])
    W = model.parameters["output.W"].reshape(3, D, C)
    absent = vectors[WORD_IDS[ABSENT_ROW, 0]]
    expected = [(vectors[WORD_IDS[row, 0]] - absent) @ W[k, :, label] for k, row in enumerate(window)]
    np.testing.assert_allclose(values[0], expected, atol=1e-12)


def test_a_word_that_changes_nothing_contributes_nothing() -> None:
    unknown = 5  # without features it is the same as an absent word
    model = _random_model((4,), 5)
    window = np.array([[2, unknown, 3, 0, unknown]])
    values, _, _ = shapley_values(model, WORD_IDS, window, np.array([0]))
    np.testing.assert_allclose(values[0, [1, 4]], 0, atol=1e-12)
    assert np.all(np.abs(values[0, [0, 2, 3]]) > 1e-3)


def test_words_that_do_the_same_contribute_the_same() -> None:
    model = _random_model((4,), 3)
    W = model.parameters["hidden1.W"].reshape(3, D, 4)
    W[2] = W[0]  # the first and the last place weigh alike; W is a view
    values, _, _ = shapley_values(model, WORD_IDS, np.array([[3, 2, 3]]), np.array([1]))
    assert values[0, 0] == pytest.approx(values[0, 2], abs=1e-12)
    assert abs(values[0, 0]) > 1e-3


def test_several_windows_are_explained_each_for_itself() -> None:
    model = _random_model((4,), 3)
    around, labels = np.array([[0, 2, 3], [2, 3, 4], [3, 4, 0]]), np.array([2, 0, 1])
    values, scores, empty_scores = shapley_values(model, WORD_IDS, around, labels)
    whole = model.scores(WORD_IDS, around)[range(3), labels]
    nothing = model.scores(WORD_IDS, np.full((1, 3), ABSENT_ROW))[0, labels]
    np.testing.assert_allclose(scores, whole, atol=1e-12)
    np.testing.assert_allclose(empty_scores, nothing, atol=1e-12)
    np.testing.assert_allclose(values.sum(axis=1), scores - empty_scores, atol=1e-12)
    alone, _, _ = shapley_values(model, WORD_IDS, around[1:2], labels[1:2])
    np.testing.assert_allclose(values[1], alone[0], atol=1e-12)
