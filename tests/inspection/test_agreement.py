"""`tag`, `explain` and `graph` give a word the same label and probability, or say what differs and why."""

import copy
import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from windowclf import Config, WindowTagger
from windowclf.errors import ConfigError
from windowclf.inspection import Explanation, WindowGraph, explain, render_graph, window_graph
from windowclf.model import Calibration, TrainedModel
from windowclf.vectors import WordVectors
from windowclf_cli.main import cli

Labelled = tuple[list[list[str]], list[list[str]]]
SENTENCE = "museums in Paris are amazing".split()
MERKEL = "Angela Merkel met Apple in Paris"


def three_views(model: TrainedModel, sentence: list[str], i: int) -> tuple[Explanation, WindowGraph]:
    """Return an explanation and a graph of a word, after comparing both with tagging."""
    (tagged,) = model.tag([sentence])
    explained, graph = explain(model, sentence)[i], window_graph(model, sentence, i)
    for view in (explained, graph):
        assert view.label == tagged.labels[i]
        assert view.probability == pytest.approx(tagged.probabilities[i], abs=1e-6)
    return explained, graph


def test_without_calibration_and_decoding_nothing_differs(tagger: WindowTagger) -> None:
    explained, graph = three_views(tagger.model, SENTENCE, 2)
    assert explained.note == graph.note == ""
    assert explained.probabilities[0][0] == "B-LOC"
    assert explained.probabilities[0][1] == pytest.approx(graph.probability, abs=1e-6)
    assert (graph.predicted, graph.label) == ("B-LOC", "B-LOC")


def test_a_label_that_the_decoder_changes_is_said_by_both(tagger: WindowTagger) -> None:
    model = copy.deepcopy(tagger.model)
    model.parameters["output.b"][model.labels.names.index("I-LOC")] += (
        100  # not allowed at the start of a sentence
    )
    explained, graph = three_views(model, SENTENCE, 0)
    assert graph.label == explained.label == explained.learnt_as == "B-LOC"
    assert graph.predicted == explained.probabilities[0][0] == "I-LOC"
    assert graph.note == "I-LOC 1 before decoding and calibration (internal scheme IOB2)"
    assert "\npredicted  I-LOC 1 before decoding and calibration (internal scheme IOB2)\n" in render_graph(
        graph
    )
    assert "I-LOC is more probable by itself, B-LOC is in the best tag sequence" in explained.note


def test_a_calibrated_probability_is_first_and_that_of_the_network_is_named(tagger: WindowTagger) -> None:
    model = replace(tagger.model, calibration=Calibration(temperature=3.0, outside_cost=0.5))
    explained, graph = three_views(model, SENTENCE, 2)
    alone = graph.probabilities.max()
    assert graph.probability < alone
    causes = "internal scheme IOB2, temperature 3, O penalty 0.5"
    assert graph.note == f"B-LOC {alone:.4g} before decoding and calibration ({causes})"
    assert explained.note == ""  # its probabilities are calibrated too


def test_a_graph_says_which_member_of_an_ensemble_it_is_of(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, training=replace(quick.training, ensemble=2))
    model = WindowTagger(config, vectors=vectors).fit(*corpus).model
    first, second = (window_graph(model, SENTENCE, 2, member=member) for member in (1, 2))
    assert (first.label, first.probability) == (second.label, second.probability)
    assert (first.member, second.member, second.n_members) == (1, 2, 2)
    assert first.scores.tolist() != second.scores.tolist()
    assert "member 2 of 2 alone" in second.note
    assert "member     2 of 2: what follows is of this network alone" in render_graph(second)
    assert second.to_dict()["member"] == 2
    with pytest.raises(ConfigError, match="no such network; found 3; allowed: 1 to 2"):
        window_graph(model, SENTENCE, 2, member=3)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_the_commands_agree_on_the_shipped_model() -> None:
    tagged = json.loads(run("tag", "ner-en", "--text", MERKEL, "--json", "--probabilities"))
    tokens = MERKEL.split()
    explained = json.loads(run("explain", "ner-en", MERKEL, "--json"))
    differing = 0
    for i, token in enumerate(tokens):
        graph = json.loads(run("graph", "ner-en", "--text", MERKEL, "--word", token, "--json"))
        for view in (explained[i], graph):
            assert view["label"] == tagged["labels"][i]
            assert view["probability"] == pytest.approx(tagged["probabilities"][i], abs=1e-4)
        differing += graph["predicted"] != graph["label"]
        if abs(max(graph["probabilities"]) - graph["probability"]) > 1e-4:
            assert graph["note"].startswith(f"{graph['predicted']} ")
    assert differing
    text = run("graph", "ner-en", "--text", MERKEL, "--word", "Apple")
    assert re.search(
        r"^label      B-ORG  \(probability 0\.\d+\)\n"
        r"predicted  S-ORG 0\.\d+ before decoding and calibration "
        r"\(internal scheme IOBES, temperature [\d.]+, O penalty [\d.]+\)$",
        text,
        re.MULTILINE,
    )
    text = run("explain", "ner-en", MERKEL, "--word", "Apple")
    assert "B-ORG is B-ORG and S-ORG of the internal scheme together" in text
