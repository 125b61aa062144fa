"""Schedules: functions from the progress of training to a factor of the learning rate.

Progress is 0 at the first step and 1 at the end; the factor is from 0 to 1.
"""

from collections.abc import Callable, Mapping
from math import cos, pi

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """Stay at 1."""
    return 1.0


def linear(progress: float) -> float:
    """Fall from 1 to 0 in a straight line."""
    return 1 - progress


def cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine (Loshchilov and Hutter 2017, "SGDR", equation 5)."""
    return (1 + cos(pi * progress)) / 2


SCHEDULES: Mapping[str, Schedule] = {"constant": constant, "linear": linear, "cosine": cosine}
"""The schedules that a configuration can name."""
