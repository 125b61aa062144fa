"""What tuning did to the vectors: planted movements are found, and trained ones are traced."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.arrays import Floats
from windowclf.encoding import count_rows, count_words
from windowclf.errors import ConfigError, ModelFileError, VectorsError
from windowclf.inspection import Drift, Movement, describe_drift, find_stranded, trace_movement
from windowclf.inspection.drift import find_surroundings
from windowclf.model import TrainedModel
from windowclf.vectors import WordVectors, choose_vectors

Labelled = tuple[list[list[str]], list[list[str]]]


def _with(config: Config, tuning: str = "tuned", vectors: str = "", **training: Any) -> Config:
    return replace(
        config,
        model=replace(config.model, tuning=tuning, vectors=vectors),  # type: ignore[arg-type]
        training=replace(config.training, **training),
    )


def _unit(*degrees: float) -> Floats:
    angles = np.deg2rad(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


# tv and telly stood around television and moved away from it by 60 and 20 degrees; a dog and a cat stay
WORDS = ["tv", "telly", "dog", "television", "cat"]
PLANTED = Movement(
    "planted",
    WORDS,
    np.array([7, 3, 2, 0, 0]),
    _unit(10, -20, 180, 0, 170),
    _unit(70, -40, 180, 0, 170),
)


def _cos(degrees: float) -> float:
    return float(np.cos(np.deg2rad(degrees)))


# -- planted movements -------------------------------------------------------------------------------


def test_distance_and_cosine_say_how_far_a_word_moved() -> None:
    (tv,) = describe_drift(PLANTED, words=["tv"], k=2).chosen
    assert tv.count == 7
    assert tv.distance == pytest.approx(2 * np.sin(np.deg2rad(30)))  # the chord of 60 degrees
    assert tv.relative == pytest.approx(tv.distance)  # all vectors are of length 1
    assert tv.cosine == pytest.approx(_cos(60))


def test_relative_distances_are_by_the_mean_length_of_a_vector() -> None:
    longer = replace(PLANTED, before=4 * PLANTED.before, after=4 * PLANTED.after)
    (tv,), (same,) = (describe_drift(m, words=["tv"], k=2).chosen for m in (longer, PLANTED))
    assert tv.distance == pytest.approx(4 * same.distance)
    assert tv.relative == pytest.approx(same.relative)


def test_a_word_is_stranded_by_the_mean_loss_of_cosine_to_its_pretrained_neighbours() -> None:
    found = find_stranded(PLANTED, k=2)
    assert [WORDS[row] for row in found.rows] == ["television"]
    assert [WORDS[row] for row in found.neighbours[0]] == ["tv", "telly"]
    losses = [_cos(10) - _cos(70), _cos(20) - _cos(40)]
    np.testing.assert_allclose(found.before - found.after, [losses], atol=1e-6)
    assert found.scores == pytest.approx([sum(losses) / 2])


def test_where_no_neighbour_moved_a_word_is_not_stranded_by_the_least() -> None:
    rng = np.random.default_rng(0)
    before = rng.standard_normal((200, 9)).astype(np.float32)
    still = Movement("still", [f"w{i}" for i in range(200)], np.zeros(200, np.int64), before, before.copy())
    assert len(find_stranded(still).rows) == 0
    assert not find_surroundings(still, np.arange(200)).scores.any()


def test_the_worst_stranded_come_first_as_a_plain_loop_has_it() -> None:
    rng = np.random.default_rng(1)
    before = rng.standard_normal((80, 5)).astype(np.float32)
    after = before.copy()
    after[:30] += rng.standard_normal((30, 5)).astype(np.float32)
    counts = np.array([1] * 30 + [0] * 50)
    movement = Movement("seeded", [f"w{i}" for i in range(80)], counts, before, after)

    def cosine(vectors: Floats, i: int, j: int) -> float:
        return float(vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j]))

    scores = {}
    for i in range(30, 80):
        nearest = sorted((j for j in range(80) if j != i), key=lambda j, i=i: -cosine(before, i, j))[:4]  # type: ignore[misc]
        scores[i] = float(np.mean([cosine(before, i, j) - cosine(after, i, j) for j in nearest]))
    expected = [i for i in sorted(scores, key=lambda i: -scores[i]) if scores[i] > 1e-6]
    found = find_stranded(movement, k=4)
    assert found.rows.tolist() == expected
    np.testing.assert_allclose(found.scores, [scores[i] for i in expected], atol=1e-6)
    most = describe_drift(movement, n=5, k=4).most_stranded
    assert [word.word for word in most] == [f"w{i}" for i in expected[:5]]


def test_neighbours_are_given_before_and_after() -> None:
    (television,) = describe_drift(PLANTED, words=["television"], k=2).chosen
    assert [n.word for n in television.nearest_before] == ["tv", "telly"]
    assert [n.word for n in television.nearest_after] == ["telly", "tv"]
    tv = television.nearest_before[0]
    assert tv.count == 7
    assert [tv.before, tv.after] == pytest.approx([_cos(10), _cos(70)])
    assert television.stranded > 0 and television.distance == 0 and television.count == 0


def test_the_words_that_moved_furthest_come_first_and_the_others_are_left_out() -> None:
    drift = describe_drift(PLANTED, k=2)
    assert [word.word for word in drift.furthest] == ["tv", "telly"]
    assert (drift.words, drift.seen, drift.moved, drift.stranded) == (5, 3, 2, 1)
    halfway = (2 * np.sin(np.deg2rad(30)) + 2 * np.sin(np.deg2rad(10))) / 2
    assert drift.median_relative == pytest.approx(halfway)
    assert describe_drift(PLANTED, n=0, k=2).furthest == ()


@pytest.mark.parametrize("k", [0, 5])
def test_there_must_be_as_many_neighbours(k: int) -> None:
    with pytest.raises(VectorsError, match="1 to 4, of 5 words"):
        describe_drift(PLANTED, k=k)


def test_only_words_that_are_looked_at_can_be_asked_for() -> None:
    with pytest.raises(VectorsError, match="radio"):
        describe_drift(PLANTED, words=["tv", "radio"], k=2)


# -- movements of trained models ---------------------------------------------------------------------


def _fit(config: Config, vectors: WordVectors, corpus: Labelled) -> TrainedModel:
    return WindowTagger(config, vectors=vectors).fit(*corpus).model


@pytest.mark.parametrize("tuning", ["tuned", "two-channel"])
@pytest.mark.parametrize("from_count", [1, 3])
def test_a_movement_is_from_the_scaled_set_to_the_model(
    tuning: str, from_count: int, quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    config = _with(quick, tuning, tuned_from_count=from_count)
    model = _fit(config, vectors, corpus)
    counts = count_words(corpus[0])
    vocabulary, before, _ = choose_vectors(vectors, counts, config.model, tuned_from_count=from_count)
    movement = trace_movement(model, vectors=vectors)
    assert movement.words == vocabulary.words
    assert movement.before.tobytes() == before.tobytes()
    rows = count_rows(vocabulary, counts)
    assert movement.counts.tolist() == [rows[row] for row in range(len(vocabulary))]
    assert movement.has_moved.tolist() == [rows[row] >= from_count for row in range(len(vocabulary))]
    table = model.parameters["vectors" if tuning == "tuned" else "tuned_vectors"]
    np.testing.assert_array_equal(movement.after[: len(table)], table)


def test_the_pretrained_set_is_found_by_its_name_also_of_a_model_that_was_loaded(
    quick: Config, corpus: Labelled, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("the 1 0\nis 0 2\ntv 1 1\ntelevision 1 1.1\n", encoding="utf-8")
    config = _with(quick, vectors=str(tmp_path / "mine.txt"))
    WindowTagger(config).fit(*corpus).save(tmp_path / "model")
    movement = trace_movement(WindowTagger.load(tmp_path / "model").model)
    assert dict(zip(movement.words, movement.has_moved.tolist(), strict=True)) == {
        "the": True,
        "is": True,
        "tv": True,
        "television": False,
    }


def test_the_most_frequent_words_and_those_asked_for_are_looked_at(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    model = _fit(_with(quick), vectors, corpus)
    every, few, more = (
        trace_movement(model, vectors=vectors, most=most, include=include)
        for most, include in ((0, []), (1, []), (1, ["Television", "tv"]))
    )
    n_seen = int((every.counts > 0).sum())
    assert few.words == every.words[:n_seen]
    assert more.words == [*few.words, "television"]
    assert more.after[-1].tobytes() == every.after[every.rows["television"]].tobytes()
    assert trace_movement(model, vectors=vectors, most=n_seen + 1).words == every.words[: n_seen + 1]


def test_vectors_drawn_at_random_are_drawn_again(quick: Config, corpus: Labelled, tmp_path: Path) -> None:
    config = _with(quick, vectors="random:8", ensemble=2, seed=5)
    WindowTagger(config).fit(*corpus).save(tmp_path / "model")
    model = WindowTagger.load(tmp_path / "model").model
    first, second = (trace_movement(model, member=m) for m in (1, 2))
    assert first.before.tobytes() == second.before.tobytes()
    assert first.has_moved.all() and second.has_moved.all()
    assert (first.after != second.after).any()


def test_vectors_kept_in_16_bits_are_compared_in_16_bits(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    model = _fit(_with(quick), vectors, corpus)
    halved = model.parameters | {"vectors": model.parameters["vectors"].astype(np.float16)}
    movement = trace_movement(model.with_parameters(halved), vectors=vectors)
    assert movement.has_moved.tolist() == (movement.counts > 0).tolist()
    assert movement.before.dtype == movement.after.dtype == np.float32


def test_frozen_vectors_moved_nowhere(tagger: WindowTagger, vectors: WordVectors) -> None:
    with pytest.raises(ConfigError, match="the vectors of this model are frozen, so none of them moved"):
        trace_movement(tagger.model, vectors=vectors)


@pytest.fixture(scope="module")
def tuned(config: Config, vectors: WordVectors, corpus: Labelled) -> TrainedModel:
    """A model with tuned vectors; not to be changed."""
    return _fit(_with(config), vectors, corpus)


def test_a_set_that_is_not_there_is_an_error(tuned: TrainedModel) -> None:
    with pytest.raises(VectorsError, match=r"cannot be loaded: no vectors of this name; found 'seeded'"):
        trace_movement(tuned)


def test_another_set_is_an_error(tuned: TrainedModel, vectors: WordVectors) -> None:
    with pytest.raises(VectorsError, match="not the vectors that the model was trained from") as caught:
        trace_movement(tuned, vectors=replace(vectors, sha256="other"))
    assert caught.value.found == "sha256 other"


def test_a_scale_that_is_not_that_of_the_training_is_an_error(
    tuned: TrainedModel, vectors: WordVectors
) -> None:
    info = tuned.info
    other = info | {"vectors": info["vectors"] | {"scale": info["vectors"]["scale"] * 1.1}}
    with pytest.raises(ModelFileError, match="not those of the pretrained set"):
        trace_movement(replace(tuned, info=other), vectors=vectors)


@pytest.mark.parametrize("word", ["zyzzyva", ""])
def test_a_word_without_a_vector_is_an_error(word: str, tuned: TrainedModel, vectors: WordVectors) -> None:
    with pytest.raises(VectorsError, match="no vector in the model"):
        trace_movement(tuned, vectors=vectors, include=[word])


@pytest.mark.parametrize("member", [0, 2])
def test_a_network_that_is_not_there_is_an_error(
    member: int, tuned: TrainedModel, vectors: WordVectors
) -> None:
    with pytest.raises(ConfigError, match="allowed: 1 to 1"):
        trace_movement(tuned, vectors=vectors, member=member)


def test_vectors_that_were_carried_over_have_moved(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    model = _fit(_with(quick, carry="ridge"), vectors, corpus)
    assert trace_movement(model, vectors=vectors).has_moved.all()


def test_a_drift_counts_the_words_of_a_trained_model(tuned: TrainedModel, vectors: WordVectors) -> None:
    movement = trace_movement(tuned, vectors=vectors)
    drift = describe_drift(movement, words=["television"], k=3)
    assert isinstance(drift, Drift)
    assert drift.moved == drift.seen == int((movement.counts > 0).sum()) < drift.words
    assert {word.count for word in drift.most_stranded} <= {0}
    assert drift.stranded >= len(drift.most_stranded) > 0
