"""The differentiable operations that a network is composed of, and the table of all of them.

An operation is a pure function. It returns its value and `backward`, the function that turns an upstream
gradient (of the loss by the value) into the downstream gradients (of the loss by each positional argument):

    downstream = local · upstream

`backward` returns a tuple with one gradient for each positional argument, in order and of the shape of the
argument; for a single argument just its gradient. It changes neither its argument nor any state. What forward
computed is kept in the closure, so nothing is computed twice.

Dimensions: N windows (or words), F features a word; n_in, n_out numbers into and out of a layer.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Floats
from windowclf.errors import ConfigError, ShapeError
from windowclf.nn.activations import ACTIVATIONS
from windowclf.nn.embeddings import embedding, tuned_embedding, window, word_embedding
from windowclf.nn.window_affine import window_affine

AffineBackward = Callable[[Floats], tuple[Floats | None, Floats, Floats]]
ConcatenateBackward = Callable[[Floats], tuple[Floats, ...]]
DropoutBackward = Callable[[Floats], Floats]


def affine(
    x: Floats, W: Floats, b: Floats, *, x_needs_gradient: bool = True
) -> tuple[Floats, AffineBackward]:
    """Compute y = x W + b.

    Parameters
    ----------
    x : Floats of shape (N, n_in)
    W : Floats of shape (n_in, n_out)
    b : Floats of shape (n_out,)
    x_needs_gradient : bool
        False if nothing below x is trained: dx is then None, and is not computed.

    Returns
    -------
    y : Floats of shape (N, n_out)
    backward : callable
        dy (N, n_out) -> (dx, dW, db).

    Raises
    ------
    ShapeError
        If the shapes do not agree.

    Notes
    -----
    From y[n, j] = Σ_i x[n, i] W[i, j] + b[j]:

    - x[n, i] influences all y[n, j] of its row:  dx[n, i] = Σ_j dy[n, j] W[i, j], that is dx = dy W^T;
    - W[i, j] influences y[n, j] of all rows n:   dW[i, j] = Σ_n x[n, i] dy[n, j], that is dW = x^T dy;
    - so does b[j], with local gradient 1:        db[j] = Σ_n dy[n, j].
    """
    if x.ndim != 2 or W.ndim != 2 or x.shape[1] != W.shape[0] or b.shape != W.shape[1:]:
        found = (x.shape, W.shape, b.shape)
        allowed = "x (N, n_in), W (n_in, n_out), b (n_out,)"
        raise ShapeError(
            "the shapes of x, W and b do not agree", where="affine", found=found, allowed=allowed
        )

    def backward(dy: Floats) -> tuple[Floats | None, Floats, Floats]:
        return dy @ W.T if x_needs_gradient else None, x.T @ dy, dy.sum(axis=0)

    y = x @ W
    y += b
    return y, backward


def concatenate(*parts: Floats) -> tuple[Floats, ConcatenateBackward]:
    """Put arrays (…, F_1), (…, F_2), … side by side along their last axis: y = [part_1, part_2, …].

    backward: dy (…, F_1 + F_2 + …) -> (dpart_1, dpart_2, …), always a tuple; each is the slice of dy for its
    part.
    """
    borders = np.cumsum([part.shape[-1] for part in parts])[:-1]

    def backward(dy: Floats) -> tuple[Floats, ...]:
        return tuple(np.split(dy, borders, axis=-1))

    return np.concatenate(parts, axis=-1), backward


def dropout(x: Floats, *, mask: Floats) -> tuple[Floats, DropoutBackward]:
    """Set numbers to 0 by a mask of the shape of x: y = x · mask (Srivastava et al. 2014, section 4).

    backward: dy -> dx = dy · mask: what was set to 0 has no influence, so no gradient. The mask (from
    `dropout_mask`) is an argument, not drawn here, so that a gradient check sees the same one twice.
    """

    def backward(dy: Floats) -> Floats:
        return dy * mask

    return x * mask, backward


def dropout_mask(
    shape: tuple[int, ...],
    rate: float,
    rng: np.random.Generator,
    dtype: npt.DTypeLike,
) -> Floats:
    """Draw a mask for `dropout`: 0 with probability `rate`, exact to 2^-17, else 1 / (1 - rate).

    So the expected value of x · mask is x ("inverted" dropout; Srivastava et al. 2014, section 10), and
    prediction needs no scaling. The mask has the same zeros in any dtype.
    """
    if not 0 <= rate < 1:
        raise ConfigError("not a dropout rate", where="rate", found=rate, allowed="0 <= rate < 1")
    # 16 random bits decide on a number, and 64 are drawn at once, because drawing takes most of the time
    size = prod(shape)
    bits = rng.integers(0, 2**64, -(-size // 4), dtype=np.uint64).view(np.uint16)[:size]
    mask: Floats = (bits.reshape(shape) >= round(rate * 2**16)).astype(dtype)
    mask *= 1 / (1 - rate)
    return mask


OPERATIONS: Mapping[str, Callable[..., tuple[Floats, Callable[..., Any]]]] = {
    "affine": affine,
    "concatenate": concatenate,
    "dropout": dropout,
    "embedding": embedding,
    "tuned_embedding": tuned_embedding,
    "window": window,
    "window_affine": window_affine,
    "word_embedding": word_embedding,
    **ACTIVATIONS,
}
"""All differentiable operations by name. The tests check this table, and fail for one that is not in it."""
