"""Several networks that label together."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.model import UNCALIBRATED, Ensemble
from windowclf.model.ensemble import join_parameters, part_parameters
from windowclf.training import Calibrated, MemberDone, StepDone
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
SHAPES: dict[str, dict[str, Any]] = {
    "one hidden layer": {},
    "two hidden layers": {"hidden": (9, 7)},
    "no hidden layer": {"hidden": ()},
    "tuned vectors": {"tuning": "tuned"},
    "two channels": {"tuning": "two-channel"},
    "sentence-level loss": {"loss": "crf"},
}


@pytest.fixture(scope="module", params=list(SHAPES.values()), ids=list(SHAPES))
def ensemble(
    request: pytest.FixtureRequest, quick: Config, vectors: WordVectors, corpus: Labelled
) -> WindowTagger:
    config = replace(
        quick,
        model=replace(quick.model, **request.param),
        training=replace(quick.training, ensemble=3, seed=4),
    )
    return WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus)


def _alone(ensemble: WindowTagger, seed: int, vectors: WordVectors, corpus: Labelled) -> WindowTagger:
    training = replace(ensemble.config.training, ensemble=1, seed=seed)
    return WindowTagger(replace(ensemble.config, training=training), vectors=vectors).fit(*corpus, dev=corpus)


def test_members_are_what_their_seeds_make_alone(
    ensemble: WindowTagger, vectors: WordVectors, corpus: Labelled
) -> None:
    for m, member in enumerate(ensemble.model.members):
        alone = _alone(ensemble, 4 + m, vectors, corpus).model.parameters
        assert member.parameters.keys() == alone.keys()
        for name, value in alone.items():
            np.testing.assert_array_equal(member.parameters[name], value)


def test_scores_and_transitions_are_the_means_of_the_members_(
    ensemble: WindowTagger, corpus: Labelled
) -> None:
    encoded, around = ensemble.model.encode(corpus[0])
    each = [member.scores(encoded.words, around) for member in ensemble.model.members]
    ((scores, _),) = ensemble.model.scores(corpus[0])
    np.testing.assert_allclose(scores, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)
    transitions = ensemble.model.transitions
    if ensemble.config.model.loss == "softmax":
        assert transitions is None
    else:
        of_members = [member.parameters["transitions"] for member in ensemble.model.members]
        assert transitions is not None and np.ptp(of_members, axis=0).max() > 0
        np.testing.assert_allclose(transitions, np.mean(of_members, axis=0), rtol=1e-6)


def test_compiled_it_tags_as_the_plain_ensemble(ensemble: WindowTagger, corpus: Labelled) -> None:
    sentences = [*corpus[0], [], ["zyzzyva"], ["qwx", "Paris"]]
    fast = WindowTagger._of(copy(ensemble.model)).compile()
    assert fast.predict(sentences) == ensemble.predict(sentences)
    for ours, theirs in zip(fast.predict_proba(sentences), ensemble.predict_proba(sentences), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_saved_and_loaded_it_tags_as_before(ensemble: WindowTagger, corpus: Labelled, tmp_path: Path) -> None:
    ensemble.save(tmp_path / "model")
    loaded = WindowTagger.load(tmp_path / "model")
    assert len(loaded.model.members) == 3
    assert loaded.tag(corpus[0]) == ensemble.tag(corpus[0])
    assert loaded.config == ensemble.model.config


def test_pretrained_vectors_that_nobody_moves_are_kept_once(ensemble: WindowTagger) -> None:
    names = [name for name in ensemble.model.parameters if name.split(".")[-1] == "vectors"]
    tuned = ["0.vectors", "1.vectors", "2.vectors"]
    assert names == (tuned if ensemble.config.model.tuning == "tuned" else ["vectors"])


def test_it_says_what_members_and_ensemble_reach(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, training=replace(quick.training, ensemble=2))
    tagger, done = WindowTagger(config, vectors=vectors), []
    for event in tagger.fit_events(*corpus, dev=corpus):
        if isinstance(event, MemberDone):
            done.append(event)
            assert event.ensemble_score == tagger.evaluate(*corpus).main_score
            assert len(tagger.model.members) == event.member
    assert [(event.member, event.n_members) for event in done] == [(1, 2), (2, 2)]
    assert done[0].dev_score == done[0].ensemble_score
    recorded = tagger.model.info["members"]
    assert [member["dev_score"] for member in recorded] == [event.dev_score for event in done]


def test_an_ensemble_that_is_broken_off_is_that_of_the_finished_members(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, training=replace(quick.training, ensemble=3))
    tagger = WindowTagger(config, vectors=vectors)
    events = tagger.fit_events(*corpus)
    n_finished = 0
    for event in events:
        n_finished += isinstance(event, MemberDone)
        if n_finished == 2:
            break
    next(events)  # the third has begun
    events.close()
    assert len(tagger.model.members) == 2
    assert tagger.model.config.training.ensemble == 2


@pytest.mark.parametrize("bootstrap", [False, True])
def test_with_bootstrap_each_member_learns_from_sentences_of_its_own(
    bootstrap: bool, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = replace(quick, training=replace(quick.training, ensemble=2, bootstrap=bootstrap, epochs=1))
    events = list(WindowTagger(config, vectors=vectors).fit_events(*corpus))
    words = [event.n_windows for event in events if isinstance(event, StepDone)]
    total = sum(map(len, corpus[0]))
    sums = [sum(words[: len(words) // 2]), sum(words[len(words) // 2 :])]
    assert (sums == [total, total]) is not bootstrap


@pytest.mark.parametrize("tuning", ["frozen", "tuned"])
def test_parameters_are_parted_as_they_were_joined(
    tuning: Literal["frozen", "tuned"], tagger: WindowTagger
) -> None:
    config = replace(tagger.config.model, tuning=tuning)
    vectors = tagger.model.parameters["vectors"]
    members = [
        {name: value + m for name, value in tagger.model.parameters.items()} | {"vectors": vectors}
        for m in range(12)
    ]
    joined = join_parameters(config, members)
    for part, member in zip(part_parameters(joined, 12), members, strict=True):
        assert part.keys() == member.keys()
        assert all(part[name] is member[name] for name in part)


def test_one_member_is_the_network_itself(tagger: WindowTagger) -> None:
    assert tagger.model.network is tagger.model.members[0]
    assert join_parameters(tagger.config.model, [tagger.model.parameters]) == tagger.model.parameters
    assert Ensemble(tagger.model.members).transitions is None


def test_probabilities_are_fitted_to_the_development_data(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    tagger = WindowTagger(quick, vectors=vectors)
    *_, last = tagger.fit_events(*corpus, dev=corpus)
    assert isinstance(last, Calibrated) and last.calibration == tagger.model.calibration != UNCALIBRATED
    assert WindowTagger(quick, vectors=vectors).fit(*corpus).model.calibration == UNCALIBRATED
