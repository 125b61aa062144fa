"""What tuning moved is carried over to the words that training never read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.arrays import Floats, Ints
from windowclf.encoding import count_rows, count_words
from windowclf.model import load_model
from windowclf.runs import TrainingRun
from windowclf.training import FITS, Calibrated, Carried, Event, TrainingDone
from windowclf.training.extrapolate import carry_over, fit_neighbours, fit_ridge
from windowclf.vectors import WordVectors, choose_vectors

Labelled = tuple[list[list[str]], list[list[str]]]
Points = tuple[Floats, Floats]


@pytest.fixture
def points() -> Points:
    """Points to learn from and others, (300, 6) and (50, 6)."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((300, 6)), rng.standard_normal((50, 6))


# -- the maps ----------------------------------------------------------------------------------------


def test_ridge_finds_a_planted_linear_displacement_at_points_it_has_not_seen(points: Points) -> None:
    known, others = points
    rng = np.random.default_rng(1)
    W, intercept = rng.standard_normal((6, 6)), rng.standard_normal(6)
    displacement = fit_ridge(known, known @ W + intercept)
    np.testing.assert_allclose(displacement(others), others @ W + intercept, atol=1e-4)


def test_ridge_takes_the_penalty_of_the_smallest_leave_one_out_error(points: Points) -> None:
    known = points[0][:20]
    moved = known @ np.diag([1.0, 0, 0, 0, 0, 0]) + np.random.default_rng(2).standard_normal((20, 6))

    def fitted(at: Floats, of: Floats, penalty: float, x: Floats) -> Floats:
        b, d = at - at.mean(axis=0), of - of.mean(axis=0)
        W = np.linalg.solve(b.T @ b + penalty * np.eye(6), b.T @ d)
        value: Floats = of.mean(axis=0) + (x - at.mean(axis=0)) @ W
        return value

    def error(relative: float) -> float:
        # the penalty stays as it is when a point is left out, as Allen's formula has it
        centred = known - known.mean(axis=0)
        penalty = relative * np.trace(centred.T @ centred) / 6
        total = 0.0
        for i in range(len(known)):
            rest = np.arange(len(known)) != i
            # centred at the mean of all points, as in the formula: the intercept is a column of its own
            A = np.column_stack([np.ones(len(known)), centred])
            P = np.diag([0.0, *[penalty] * 6])
            c = np.linalg.solve(A[rest].T @ A[rest] + P, A[rest].T @ moved[rest])
            total += float(np.square(moved[i] - A[i] @ c).sum())
        return total

    grid = [10.0**e for e in range(-6, 4)]
    best = min(grid, key=error)
    assert grid[0] < best < grid[-1]
    centred = known - known.mean(axis=0)
    expected = fitted(known, moved, best * np.trace(centred.T @ centred) / 6, points[1])
    np.testing.assert_allclose(fit_ridge(known, moved)(points[1]), expected, rtol=1e-8)


def test_where_nothing_is_linear_ridge_moves_all_by_nearly_the_mean(points: Points) -> None:
    known, others = points
    moved = 5 + np.random.default_rng(3).standard_normal(known.shape)
    np.testing.assert_allclose(fit_ridge(known, moved)(others), 5, atol=0.5)


@pytest.mark.parametrize("n", [1, 2])
def test_ridge_on_one_or_two_points(n: int, points: Points) -> None:
    known, others = points
    moved = fit_ridge(known[:n], np.full((n, 6), 0.25))(others)
    np.testing.assert_allclose(moved, 0.25, rtol=1e-9)


def _clusters(n: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Return points around two axes, and which axis each is at."""
    axis = rng.integers(2, size=n)
    return np.eye(6)[axis] * 4 + 0.3 * rng.standard_normal((n, 6)), axis


def test_neighbours_find_a_planted_local_displacement_at_points_they_have_not_seen() -> None:
    rng = np.random.default_rng(4)
    (known, axis), (others, axis_of_others) = _clusters(200, rng), _clusters(50, rng)
    ways = rng.standard_normal((2, 6))
    displacement = fit_neighbours(known, ways[axis])
    np.testing.assert_allclose(displacement(others), ways[axis_of_others], atol=1e-5)


def test_neighbours_are_weighted_by_their_cosine() -> None:
    known = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    moved = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
    x = np.array([[3.0, 4.0]])
    np.testing.assert_allclose(fit_neighbours(known, moved)(x), [[0.6 / 1.4, 0.8 / 1.4]], rtol=1e-6)
    np.testing.assert_allclose(fit_neighbours(known, moved, 1)(x), [[0, 1]], rtol=1e-6)


@pytest.mark.parametrize("x", [[-1.0, 0.0], [0.0, 0.0]])
def test_without_a_neighbour_within_a_right_angle_a_vector_stays(x: list[float]) -> None:
    assert not fit_neighbours(np.array([[1.0, 0.0]]), np.array([[5.0, 5.0]]))(np.array([x])).any()


# -- carrying over -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", FITS)
def test_the_strength_is_the_share_that_is_carried_over(method: str, points: Points) -> None:
    known, others = (part.astype(np.float32) for part in points)
    moved = []
    for strength in (0.25, 1.0):
        rest = others.copy()
        assert carry_over(known, known + 1, rest, method=method, strength=strength) == 300
        moved.append(rest - others)
    np.testing.assert_allclose(moved[1], 1, atol=1e-5)
    np.testing.assert_allclose(moved[0], 0.25, atol=1e-5)


@pytest.mark.parametrize("method", FITS)
def test_what_did_not_move_does_not_count(method: str, points: Points) -> None:
    known, others = (part.astype(np.float32) for part in points)
    after = known.copy()
    after[::2] += 1
    assert carry_over(known, after, others, method=method, strength=1.0) == 150
    np.testing.assert_allclose(others, points[1] + 1, atol=1e-5)


@pytest.mark.parametrize("method", FITS)
@pytest.mark.parametrize(("movement", "strength"), [(1.0, 0.0), (0.0, 1.0)])
def test_at_strength_0_or_without_movement_every_bit_stays(
    method: str, movement: float, strength: float, points: Points
) -> None:
    known, others = points
    others[0] = -0.0
    before = others.tobytes()
    assert carry_over(known, known + movement, others, method=method, strength=strength) == 0
    assert others.tobytes() == before


# -- in a training -----------------------------------------------------------------------------------


def _with(config: Config, tuning: str = "tuned", **training: object) -> Config:
    return replace(
        config,
        model=replace(config.model, tuning=tuning),  # type: ignore[arg-type]
        training=replace(config.training, **training),  # type: ignore[arg-type]
    )


def _fit(config: Config, vectors: WordVectors, corpus: Labelled) -> tuple[WindowTagger, list[Event]]:
    events: list[Event] = []
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus, dev=corpus, on_event=events.append)
    return tagger, events


@pytest.fixture(scope="session")
def n_seen(vectors: WordVectors, corpus: Labelled) -> int:
    counts = count_words(corpus[0])
    vocabulary, _, _ = choose_vectors(vectors, counts, Config().model)
    n = len(count_rows(vocabulary, counts))
    assert n < len(vocabulary)
    return n


@pytest.mark.parametrize("method", FITS)
def test_after_training_the_words_it_never_read_move_and_nothing_else(
    method: str, quick: Config, vectors: WordVectors, corpus: Labelled, n_seen: int
) -> None:
    plain, _ = _fit(_with(quick), vectors, corpus)
    carried, events = _fit(_with(quick, carry=method, carry_strength=0.5), vectors, corpus)
    found, expected = carried.model.parameters, plain.model.parameters
    _, before, _ = choose_vectors(vectors, count_words(corpus[0]), quick.model)
    np.testing.assert_array_equal(found["vectors"][:n_seen], expected["vectors"][:n_seen])
    rest = before[n_seen:].copy()
    n_fitted = carry_over(before[:n_seen], expected["vectors"][:n_seen], rest, method=method, strength=0.5)
    np.testing.assert_array_equal(found["vectors"][n_seen:], rest)
    assert (found["vectors"][n_seen:] != before[n_seen:]).any(axis=1).all()
    for name in expected.keys() - {"vectors"}:
        assert found[name].tobytes() == expected[name].tobytes(), name
    assert n_fitted == n_seen
    event = Carried(method, 0.5, n_seen, len(rest))
    assert [e for e in events if isinstance(e, TrainingDone | Carried | Calibrated)][1:2] == [event]
    assert carried.model.info["carried"]["moved"] == len(rest)


def test_at_strength_0_the_model_is_that_without_carrying(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    plain, carried = (
        _fit(config, vectors, corpus)[0].model
        for config in (_with(quick), _with(quick, carry="ridge", carry_strength=0.0))
    )
    assert {n: p.tobytes() for n, p in plain.parameters.items()} == {
        n: p.tobytes() for n, p in carried.parameters.items()
    }
    assert plain.calibration == carried.calibration
    assert "carried" not in plain.info
    assert carried.info["carried"]["moved"] == 0


def test_seen_words_that_were_too_rare_to_be_tuned_do_not_move_either(
    quick: Config, vectors: WordVectors, corpus: Labelled, n_seen: int
) -> None:
    tagger, _ = _fit(_with(quick, carry="ridge", tuned_from_count=3), vectors, corpus)
    counts = count_words(corpus[0])
    vocabulary, before, _ = choose_vectors(vectors, counts, quick.model, tuned_from_count=3)
    rows = count_rows(vocabulary, counts)
    rare = [row for row, count in rows.items() if count < 3]
    has_moved = (tagger.model.parameters["vectors"] != before).any(axis=1)
    assert rare and not has_moved[rare].any()
    assert has_moved[n_seen:].all()


def test_each_network_of_an_ensemble_carries_its_own_movement(
    quick: Config, vectors: WordVectors, corpus: Labelled, n_seen: int
) -> None:
    tagger, events = _fit(_with(quick, carry="neighbours", ensemble=2), vectors, corpus)
    assert sum(isinstance(event, Carried) for event in events) == 2
    parameters = tagger.model.parameters
    _, before, _ = choose_vectors(vectors, count_words(corpus[0]), quick.model)
    first, second = (parameters[f"{m}.vectors"][n_seen:] for m in (0, 1))
    for rest, other in ((first, second), (second, before[n_seen:]), (first, before[n_seen:])):
        assert (rest != other).any(axis=1).all()


@pytest.mark.parametrize("dev", [None, "sample:dev"])
def test_a_run_keeps_the_carried_model(dev: str | None, tmp_path: Path, quick: Config) -> None:
    config = _with(quick, carry="ridge", epochs=1)
    config = replace(config, model=replace(config.model, vectors="glove-6b-50d-small"))
    run = TrainingRun(config, "sample:train", dev, tmp_path / "run")
    for _ in run.events():
        pass
    stored, here = load_model(tmp_path / "run"), run.tagger.model
    assert stored.parameters["vectors"].tobytes() == here.parameters["vectors"].tobytes()
    assert stored.info["carried"] == here.info["carried"]
    assert here.info["carried"]["moved"] > 0
    assert run.record["model"]["carried"] == here.info["carried"]
