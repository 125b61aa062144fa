"""Learning from another model's probabilities: the losses, their gradients, and what comes of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.arrays import Bools, Floats
from windowclf.corpus import LabelSet
from windowclf.errors import DataError
from windowclf.model.viterbi import legal_pairs
from windowclf.nn import check_gradients, crf_loss, softmax
from windowclf.training import SentenceObjective, WordObjective
from windowclf.training.objectives import DistillationObjective, SentenceTeacher, WordTeacher
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
LABELS = LabelSet.of([["O", "B-LOC"]])
C = len(LABELS)
LENGTHS = np.array([3, 1, 4])
N, N_ALL = 8, 12
PLACES = np.array([1, 2, 3, 0, 8, 9, 10, 11])  # of these windows in the training data
TARGETS = np.array(
    [LABELS.names.index(name) for name in ["O", "S-LOC", "O", "O", "B-LOC", "I-LOC", "E-LOC", "O"]]
)


def _draw(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


def _objective(loss: str, weight: float, parameters: dict[str, Floats]) -> DistillationObjective:
    if loss == "softmax":
        return DistillationObjective(WordObjective(), WordTeacher(softmax(_draw(N_ALL, C, seed=1))), weight)
    legal: Bools = legal_pairs(LABELS)
    teacher = SentenceTeacher(_draw(N_ALL, C, seed=1), _draw(C + 1, C + 1, seed=2), parameters, legal)
    return DistillationObjective(SentenceObjective(parameters, legal), teacher, weight)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("loss", ["softmax", "crf"])
def test_every_coordinate_of_the_gradients_is_right(loss: str, weight: float) -> None:
    arguments = {"scores": _draw(N, C), "transitions": _draw(C + 1, C + 1, seed=3)}

    def function(scores: Floats, transitions: Floats) -> tuple[float, Callable[[float], tuple[Floats, ...]]]:
        objective = _objective(loss, weight, {"transitions": transitions})
        value, backward = objective(scores, targets=TARGETS, lengths=LENGTHS, places=PLACES)

        def gradients(upstream: float) -> tuple[Floats, ...]:
            dscores, own = backward()
            return upstream * dscores, upstream * own.get("transitions", np.zeros_like(transitions))

        return value, gradients

    assert check_gradients(function, arguments).ok


@pytest.mark.parametrize("loss", ["softmax", "crf"])
def test_the_loss_is_the_weighted_mean_of_both(loss: str) -> None:
    parameters = {"transitions": _draw(C + 1, C + 1, seed=3)}
    scores = _draw(N, C)
    own, teacher, both = (
        _objective(loss, weight, parameters)(scores, targets=TARGETS, lengths=LENGTHS, places=PLACES)[0]
        for weight in (0.0, 1.0, 0.25)
    )
    assert both == pytest.approx(0.75 * own + 0.25 * teacher)
    if loss == "crf":
        legal = legal_pairs(LABELS)
        expected, _ = crf_loss(
            scores, parameters["transitions"], targets=TARGETS, lengths=LENGTHS, legal=legal
        )
        assert own == pytest.approx(expected)


@pytest.mark.parametrize("loss", ["softmax", "crf"])
def test_a_network_that_is_its_teacher_has_no_gradient(loss: str) -> None:
    parameters = {"transitions": _draw(C + 1, C + 1, seed=2)}
    scores = _draw(N_ALL, C, seed=1)[PLACES]
    _, backward = _objective(loss, 1.0, parameters)(scores, targets=TARGETS, lengths=LENGTHS, places=PLACES)
    dscores, own = backward()
    np.testing.assert_allclose(dscores, 0, atol=1e-12)
    assert all(np.abs(gradient).max() < 1e-12 for gradient in own.values())


@pytest.mark.parametrize("pupil_loss", ["softmax", "crf"])
@pytest.mark.parametrize("teacher_loss", ["softmax", "crf"])
def test_a_pupil_comes_near_the_probabilities_of_its_teacher(
    teacher_loss: Literal["softmax", "crf"],
    pupil_loss: Literal["softmax", "crf"],
    config: Config,
    vectors: WordVectors,
    corpus: Labelled,
) -> None:
    config = replace(config, model=replace(config.model, dropout=0.0, input_dropout=0.0))
    brief = replace(
        config,
        model=replace(config.model, loss=teacher_loss),
        training=replace(config.training, epochs=5),
    )
    teacher = WindowTagger(brief, vectors=vectors).fit(*corpus)
    wanted = np.concatenate(teacher.predict_proba(corpus[0]))
    distances = []
    for weight in (1.0, 0.0):
        like = replace(
            config,
            model=replace(config.model, loss=pupil_loss),
            training=replace(config.training, teacher_weight=weight),
        )
        pupil = WindowTagger(like, vectors=vectors).fit(*corpus, teacher=teacher)
        distances.append(np.abs(np.concatenate(pupil.predict_proba(corpus[0])) - wanted).mean())
    assert distances[0] < distances[1] / 2


def test_a_teacher_of_other_labels_is_refused(
    quick: Config, tagger: WindowTagger, vectors: WordVectors
) -> None:
    sentences, labels = [["Paris", "is", "old"]], [["B-CITY", "O", "O"]]
    with pytest.raises(DataError, match="labels are not those of the training data") as caught:
        WindowTagger(quick, vectors=vectors).fit(sentences, labels, teacher=tagger)
    assert caught.value.found == "O, B-LOC, I-LOC"
