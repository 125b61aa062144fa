"""How the learning rate changes: functions of the progress of training to a factor.

Progress is 0 at the first step and 1 at the end; the factor, from 0 to 1, multiplies the learning rate.
"""

from collections.abc import Callable, Mapping
from math import cos, pi

from windowclf.errors import ConfigError

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """Stay at 1.

    Parameters
    ----------
    progress : float
        From 0 to 1.

    Returns
    -------
    float
    """
    return 1.0


def linear(progress: float) -> float:
    """Fall from 1 to 0 in a straight line.

    Parameters
    ----------
    progress : float
        From 0 to 1.

    Returns
    -------
    float
    """
    return 1 - progress


def cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine (Loshchilov and Hutter 2017, "SGDR", equation 5).

    Parameters
    ----------
    progress : float
        From 0 to 1.

    Returns
    -------
    float
    """
    return (1 + cos(pi * progress)) / 2


def with_warmup(schedule: Schedule, share: float) -> Schedule:
    """Put a linear rise from 0 to 1 before a schedule.

    Parameters
    ----------
    schedule : callable
        Runs from its own 0 to 1 in the progress that is left.
    share : float
        Share of the training to rise in; 0 <= share < 1.

    Returns
    -------
    callable
        Another schedule.

    Raises
    ------
    ConfigError
        If `share` is not in [0, 1).
    """
    if not 0 <= share < 1:
        raise ConfigError("not a share to warm up in", where="warmup", found=share, allowed="0 <= share < 1")

    def warmed_up(progress: float) -> float:
        if progress < share:
            return progress / share
        return schedule((progress - share) / (1 - share))

    return warmed_up


SCHEDULES: Mapping[str, Schedule] = {"constant": constant, "linear": linear, "cosine": cosine}
"""The schedules a configuration can name."""
