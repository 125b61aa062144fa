"""The computation graph of a window: values, gradients, and what reaches each word vector."""

import json
from dataclasses import replace

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.errors import DataError
from windowclf.inspection import WindowGraph, find_word, render_graph, window_graph
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
SENTENCE = ["Paris", ",", "Paris", "zyzzyva"]


@pytest.fixture(scope="module")
def tuned(config: Config, vectors: WordVectors, corpus: Labelled) -> WindowTagger:
    # without lists of entities, equal words are equal in every place
    features = replace(config.features, entity_lists=False)
    tuned = replace(config, model=replace(config.model, tuning="tuned"), features=features)
    return WindowTagger(tuned, vectors=vectors).fit(*corpus)


@pytest.fixture(scope="module")
def graph(tuned: WindowTagger) -> WindowGraph:
    return window_graph(tuned.model, SENTENCE, 2, "I-LOC")


def test_the_nodes_are_the_operations_of_the_forward_pass_and_the_loss(graph: WindowGraph) -> None:
    assert [(node.name, node.operation) for node in graph.nodes] == [
        ("word vectors", "word_embedding"),
        ("case vectors", "embedding"),
        ("affix vectors", "embedding"),
        ("words", "concatenate"),
        ("window", "window"),
        ("hidden1", "affine"),
        ("hidden1.relu", "relu"),
        ("output", "affine"),
        ("loss", "softmax_cross_entropy"),
    ]
    for node in graph.nodes:
        assert node.shape == node.value.shape == node.gradient.shape
        assert node.norm == pytest.approx(np.linalg.norm(node.value))
        assert node.gradient_norm == pytest.approx(np.linalg.norm(node.gradient))


def test_parameters_stand_at_the_operation_that_reads_them(graph: WindowGraph) -> None:
    reads = {node.name: [parameter.name for parameter in node.parameters] for node in graph.nodes}
    assert {name: names for name, names in reads.items() if names} == {
        "word vectors": ["special", "vectors"],
        "case vectors": ["case"],
        "affix vectors": ["affixes"],
        "hidden1": ["hidden1.W", "hidden1.b"],
        "output": ["output.W", "output.b"],
    }


def test_the_way_back_begins_with_the_probabilities_less_one_at_the_target(graph: WindowGraph) -> None:
    expected = graph.probabilities - np.array([label == "I-LOC" for label in graph.labels])
    np.testing.assert_allclose(graph.score_gradient, expected, atol=1e-6)
    np.testing.assert_allclose(graph.nodes[-2].gradient[0], expected, atol=1e-6)
    assert graph.nodes[-1].gradient == 1
    assert graph.loss == pytest.approx(-np.log(graph.probabilities[graph.labels.index("I-LOC")]), rel=1e-5)


def test_what_reaches_a_place_is_its_part_of_the_gradient_of_the_window(
    graph: WindowGraph, tuned: WindowTagger
) -> None:
    hidden = next(node for node in graph.nodes if node.name == "hidden1")
    dx = (hidden.gradient @ tuned.model.parameters["hidden1.W"].T).reshape(5, -1)
    for word, part in zip(graph.words, dx, strict=True):
        np.testing.assert_allclose(word.gradient, part[:6], rtol=1e-5, atol=1e-8)


def test_places_know_their_word_and_its_row(graph: WindowGraph) -> None:
    assert [(w.offset, w.token, w.table, w.row_name) for w in graph.words] == [
        (-2, "Paris", "vectors", "paris"),
        (-1, ",", "vectors", ","),
        (0, "Paris", "vectors", "paris"),
        (1, "zyzzyva", "special", "unknown"),
        (2, None, "special", "boundary"),
    ]
    assert graph.rows == (None, "Paris", ",", "zyzzyva")


def test_a_place_shows_the_vector_of_its_row(graph: WindowGraph, tuned: WindowTagger) -> None:
    for word in graph.words:
        np.testing.assert_array_equal(word.vector, tuned.model.parameters[word.table][word.row])


def test_the_row_of_a_repeated_word_gets_the_sum_of_its_places(graph: WindowGraph) -> None:
    first, comma, second = graph.words[:3]
    assert first.row_gradient is not None and comma.row_gradient is not None
    np.testing.assert_allclose(first.row_gradient, first.gradient + second.gradient, rtol=1e-5)
    np.testing.assert_array_equal(comma.row_gradient, comma.gradient)
    assert "against the sum over its 2 positions" in render_graph(graph)


def test_of_two_channels_the_tuned_one_is_shown(
    config: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    two = replace(config, model=replace(config.model, tuning="two-channel"))
    tagger = WindowTagger(two, vectors=vectors).fit(
        [["Paris", ","], ["in", "zyzzyva"]], [["a", "b"], ["b", "b"]]
    )
    p = tagger.model.parameters
    p["tuned_vectors"] += 1  # so that nobody takes one channel for the other
    graph = window_graph(tagger.model, [*SENTENCE, "museums"], 2)
    assert [word.table for word in graph.words] == [*["tuned_vectors"] * 3, "special", "vectors"]
    assert [word.trained for word in graph.words] == [True, True, True, True, False]
    for word in graph.words:
        np.testing.assert_array_equal(word.vector, p[word.table][word.row])
    paris, comma, again, unknown, museums = graph.words
    assert paris.row_gradient is not None
    np.testing.assert_allclose(paris.row_gradient, paris.gradient + again.gradient, rtol=1e-5)
    np.testing.assert_array_equal(comma.row_gradient, comma.gradient)
    assert unknown.row_gradient is not None
    np.testing.assert_allclose(unknown.row_gradient, unknown.gradient, rtol=1e-5)
    assert museums.row_gradient is None
    nodes = {node.name: node for node in graph.nodes}
    assert nodes["tuned vectors"].operation == "tuned_embedding"
    assert [parameter.name for parameter in nodes["tuned vectors"].parameters] == ["special", "tuned_vectors"]
    assert render_graph(graph).count("it stops here: the vectors are frozen") == 1


def test_frozen_vectors_are_where_it_stops_but_special_ones_are_trained(tagger: WindowTagger) -> None:
    graph = window_graph(tagger.model, SENTENCE, 2)
    assert [word.trained for word in graph.words] == [False, False, False, True, True]
    assert [word.row_gradient is None for word in graph.words] == [True, True, True, False, False]
    assert all(word.norm > 0 for word in graph.words)
    text = render_graph(graph)
    assert text.count("it stops here: the vectors are frozen") == 3
    assert "frozen: no gradient is computed" in text


def test_the_predicted_label_is_the_target_unless_one_is_given(tagger: WindowTagger) -> None:
    sentence = "museums in Paris are amazing".split()
    graph = window_graph(tagger.model, sentence, 2)
    assert graph.predicted == graph.target == tagger.predict([sentence])[0][2] == "B-LOC"
    assert window_graph(tagger.model, sentence, 2, "O").predicted == "B-LOC"
    assert window_graph(tagger.model, sentence, 2, "O").loss > graph.loss


def test_arrays_are_shown_whole_where_they_are_small(graph: WindowGraph) -> None:
    lines = render_graph(graph).splitlines()
    output = lines[lines.index(" 8  output = affine   shape 1 × 3") + 1]
    assert output.endswith("[" + " ".join(f"{score:.4g}" for score in graph.scores) + "]")
    assert lines[lines.index(" 5  window = window   shape 1 × 105") + 1].endswith(" …]")


def test_the_graph_is_plain_data(graph: WindowGraph) -> None:
    data = json.loads(json.dumps(graph.to_dict()))
    assert data["target"] == "I-LOC"
    assert np.shape(data["nodes"][4]["value"]) == (1, 105)
    assert data["words"][0]["row_gradient"] == pytest.approx(graph.words[0].row_gradient)


@pytest.mark.parametrize("index", [-1, 4])
def test_a_place_outside_the_sentence_is_refused(tagger: WindowTagger, index: int) -> None:
    with pytest.raises(DataError, match=r"no such word in the sentence; .* allowed: 0 to 3"):
        window_graph(tagger.model, SENTENCE, index)


def test_a_label_that_the_model_lacks_is_refused(tagger: WindowTagger) -> None:
    with pytest.raises(DataError, match=r"no such label; found 'NOUN'; allowed: .*B-LOC"):
        window_graph(tagger.model, SENTENCE, 0, "NOUN")


def test_a_word_is_found_by_its_occurrence_over_sentences() -> None:
    text = "Rome is old . Paris and Rome are cities ."
    assert find_word(text, "Rome") == (("Rome", "is", "old", "."), 0)
    assert find_word(text, "Rome", 2) == (("Paris", "and", "Rome", "are", "cities", "."), 2)
    with pytest.raises(DataError, match=r"no such occurrence of 'Rome' .* allowed: 1 to 2"):
        find_word(text, "Rome", 3)
    with pytest.raises(DataError, match=r"not a word of the text; found 'rome'; allowed: Rome, is, old"):
        find_word(text, "rome")
