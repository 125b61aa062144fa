from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.nn import SCHEDULES
from windowclf.nn.schedules import Schedule, constant, cosine, linear


@pytest.mark.parametrize(
    ("schedule", "at_start", "at_quarter", "at_half", "at_end"),
    [(constant, 1, 1, 1, 1), (linear, 1, 0.75, 0.5, 0), (cosine, 1, (1 + sqrt(0.5)) / 2, 0.5, 0)],
)
def test_factors(
    schedule: Schedule, at_start: float, at_quarter: float, at_half: float, at_end: float
) -> None:
    factors = [schedule(progress) for progress in (0.0, 0.25, 0.5, 1.0)]
    assert factors == pytest.approx([at_start, at_quarter, at_half, at_end])


@pytest.mark.parametrize("name", SCHEDULES)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_schedule_never_rises_and_stays_between_0_and_1(name: str, one: float, other: float) -> None:
    earlier, later = sorted((one, other))
    assert 1 >= SCHEDULES[name](earlier) >= SCHEDULES[name](later) >= 0
