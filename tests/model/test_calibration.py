"""The scaling of spans' probabilities: by hand, on data of known truth, and on little of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Bools, Ints
from windowclf.evaluation import reliability
from windowclf.model import PlattScaling
from windowclf.training.calibrate import fit_scaling

KINDS = ("LOC", "PER")


def drawn(scaling: PlattScaling, n: int = 40_000) -> tuple[list[float], list[int], list[str], Bools]:
    """Return probabilities, words and kinds, and what is right as often as the scaling says."""
    rng = np.random.default_rng(0)
    n_words: Ints = rng.integers(1, 5, n)
    p: list[float] = (rng.random(n) ** n_words).tolist()
    kinds = [KINDS[i] for i in rng.integers(0, 2, n).tolist()]
    q = [scaling(*span) for span in zip(p, n_words.tolist(), kinds, strict=True)]
    return p, n_words.tolist(), kinds, rng.random(n) < q


@pytest.mark.parametrize(
    "known",
    [PlattScaling(1.0, 0.0), PlattScaling(0.6, 1.0), PlattScaling(2.0, -0.5, {"LOC": 0.4, "PER": -0.4})],
)
def test_a_known_scaling_is_found_and_mends_the_error(known: PlattScaling) -> None:
    p, n_words, kinds, is_right = drawn(known)
    found = fit_scaling(p, n_words, kinds, is_right)
    assert found is not None
    # the standard errors of slope and offsets are below 0.03 here; five of them
    assert found.slope == pytest.approx(known.slope, abs=0.15)
    for kind in KINDS:
        expected = known.offset + known.kinds.get(kind, 0)
        assert found.offset + found.kinds[kind] == pytest.approx(expected, abs=0.15)
    scaled = [found(*span) for span in zip(p, n_words, kinds, strict=True)]
    error = reliability(scaled, is_right).expected_calibration_error
    assert error is not None and error < 0.01


def test_a_scaling_worked_out_by_hand() -> None:
    scaling = PlattScaling(2.0, math.log(2), {"LOC": math.log(3)})
    # odds of 1 and 3 become 2 · 1² and 2 · 3²
    assert [scaling(p, 1, "PER") for p in (0.5, 0.75)] == pytest.approx([2 / 3, 18 / 19])
    # 0.75² of two words is 0.75 for each; a place has three times the odds
    assert scaling(0.75**2, 2, "PER") == pytest.approx(18 / 19)
    assert scaling(0.75**3, 3, "LOC") == pytest.approx(54 / 55)


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(1, 50), st.sampled_from(KINDS), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_a_scaling_keeps_the_order_of_like_spans_and_stays_a_probability(
    predictions: list[tuple[float, int, str, bool]],
) -> None:
    scaling = fit_scaling(
        [p for p, _, _, _ in predictions],
        [n_words for _, n_words, _, _ in predictions],
        [kind for _, _, kind, _ in predictions],
        [is_right for _, _, _, is_right in predictions],
    )
    assert scaling is not None and scaling.slope > 0
    for n_words, kind in ((1, "LOC"), (3, "PER"), (50, "never seen")):
        scaled = [scaling(p, n_words, kind) for p in np.linspace(0, 1, 101).tolist()]
        assert all(0 <= q <= 1 for q in scaled)
        assert (np.diff(scaled) >= 0).all()


def test_an_extreme_scaling_has_no_overflow() -> None:
    assert [PlattScaling(1e200, 0.0)(p, 1, "LOC") for p in (0.0, 1.0)] == [0.0, 1.0]


def test_a_few_that_are_all_right_do_not_make_sure() -> None:
    scaling = fit_scaling([0.7, 0.7, 0.7], [1, 1, 1], ["LOC"] * 3, [True] * 3)
    assert scaling is not None
    assert scaling(0.7, 1, "LOC") == pytest.approx(4 / 5, rel=1e-3)


def test_a_kind_that_is_rarely_found_stays_near_the_others() -> None:
    n = 400
    offsets = []
    for n_rare in (2, 200):
        kinds = [*["PER"] * n, *["LOC"] * n_rare]
        is_right = [*[True, False] * (n // 2), *[False] * n_rare]
        scaling = fit_scaling([0.5] * len(kinds), [1] * len(kinds), kinds, is_right)
        assert scaling is not None
        offsets.append(scaling.kinds["LOC"] - scaling.kinds["PER"])
    assert offsets[1] < -1.5 < offsets[0] < 0


def test_without_spans_nothing_is_known() -> None:
    assert fit_scaling([], [], [], []) is None
