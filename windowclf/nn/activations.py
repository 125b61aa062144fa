"""Activations: functions applied to each number.

Each returns its value, of the shape of its argument z, usually (N, H), and its backward, da -> dz, which
multiplies the upstream gradient by the local slope: dz = da · f'(z). All compute the slope from the value,
which forward has computed already. Dimensions: N windows, H hidden units.
"""

from collections.abc import Callable, Mapping

import numpy as np

from windowclf.arrays import Floats

ActivationBackward = Callable[[Floats], Floats]
Activation = Callable[[Floats], tuple[Floats, ActivationBackward]]


def tanh(z: Floats) -> tuple[Floats, ActivationBackward]:
    """Squash to (-1, 1): a = tanh(z).

    tanh = sinh / cosh, so by the quotient rule tanh' = (cosh² - sinh²) / cosh² = 1 - tanh².
    """
    a = np.tanh(z)

    def backward(da: Floats) -> Floats:
        dz: Floats = da * (1 - a * a)
        return dz

    return a, backward


def relu(z: Floats) -> tuple[Floats, ActivationBackward]:
    """Set negative numbers to 0: a = max(z, 0) (Nair and Hinton 2010).

    The slope is 1 where z > 0 and 0 where z < 0. At the kink z = 0 any slope between is valid; we take 0.
    """
    # numpy's maximum of two arrays is twice as fast as that of an array and a number
    zeros = np.zeros(z.shape[-1:], z.dtype)
    a = np.maximum(z, zeros)

    def backward(da: Floats) -> Floats:
        dz: Floats = da * (a > 0)
        return dz

    return a, backward


def logistic(z: Floats) -> tuple[Floats, ActivationBackward]:
    """Squash to (0, 1): a = 1 / (1 + e^-z).

    With a = (1 + e^-z)^-1, da/dz = e^-z (1 + e^-z)^-2 = a · e^-z / (1 + e^-z) = a (1 - a).
    """
    # e^-|z| cannot overflow. For z >= 0 it is e^-z; for z < 0 we use the equal form a = e^z / (1 + e^z).
    e = np.exp(-np.abs(z))
    a = np.where(z >= 0, 1, e) / (1 + e)

    def backward(da: Floats) -> Floats:
        dz: Floats = da * a * (1 - a)
        return dz

    return a, backward


ACTIVATIONS: Mapping[str, Activation] = {"tanh": tanh, "relu": relu, "logistic": logistic}
"""The activations a configuration can name."""
