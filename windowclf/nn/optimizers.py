"""Optimizers: update parameters by their gradients.

An update rule is a function of a few lines that reads like its paper. It changes the parameter p and its
memory (arrays of the shape of p, zero before the first step) in place, by the gradient g, the learning rate,
and the number t of the step, from 1. It knows nothing of layers or sparse rows: `Optimizer` passes it either
a whole parameter or the rows that the batch has read.

To add a rule, write the function and a row of `OPTIMIZERS`.

Dimensions: a parameter has any shape; of a table (n_rows, D), a batch reads R rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from math import sqrt

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import ConfigError, ShapeError
from windowclf.nn.gradients import Gradient, RowGradient


def sgd(p: Floats, g: Floats, *, rate: float, t: int) -> None:
    """Descend along the gradient: p <- p - rate · g (Robbins and Monro 1951)."""
    p -= rate * g


def momentum(p: Floats, g: Floats, v: Floats, *, rate: float, t: int, mu: float = 0.9) -> None:
    """Keep the share mu of the direction of past steps (Polyak 1964; Sutskever et al. 2013, section 2).

    v <- mu · v + g;  p <- p - rate · v. The learning rate multiplies v and is not part of it, so that a
    change of the rate by a schedule takes effect at once.
    """
    v *= mu
    v += g
    p -= rate * v


def adam(
    p: Floats,
    g: Floats,
    m: Floats,
    v: Floats,
    *,
    rate: float,
    t: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> None:
    """Divide a running mean of the gradients by the square root of that of their squares.

    m <- beta1 · m + (1 - beta1) · g;  v <- beta2 · v + (1 - beta2) · g²;
    m̂ = m / (1 - beta1^t);  v̂ = v / (1 - beta2^t);  p <- p - rate · m̂ / (√v̂ + epsilon)
    (Kingma and Ba 2015, algorithm 1). The hats correct the bias of m and v, which start at zero; epsilon
    keeps the quotient finite if the gradient has always been 0.
    """
    scratch = np.multiply(g, 1 - beta1)  # memory for all intermediate results
    m *= beta1
    m += scratch
    np.square(g, out=scratch)
    scratch *= 1 - beta2
    v *= beta2
    v += scratch
    # m̂ / (√v̂ + epsilon), with the hats as factors outside of the arrays
    unbiased = sqrt(1 - beta2**t)
    np.sqrt(v, out=scratch)
    scratch += epsilon * unbiased
    np.divide(m, scratch, out=scratch)
    scratch *= rate * unbiased / (1 - beta1**t)
    p -= scratch


@dataclass(frozen=True)
class Rule:
    """An update rule and the names of its memory arrays, in the order of its arguments."""

    update: Callable[..., None]
    memory: tuple[str, ...] = ()

    def settings(self) -> dict[str, float]:
        """Return the hyper-parameters with their defaults: the keywords that have one."""
        keywords = signature(self.update).parameters.values()
        return {k.name: k.default for k in keywords if k.default is not Parameter.empty}


OPTIMIZERS: Mapping[str, Rule] = {
    "sgd": Rule(sgd),
    "momentum": Rule(momentum, memory=("v",)),
    "adam": Rule(adam, memory=("m", "v")),
}
"""The update rules a configuration can name."""


class Optimizer:
    """An update rule with its hyper-parameters and its memory of each parameter.

    Parameters
    ----------
    name : str
        A row of `OPTIMIZERS`.
    l2 : mapping of str to float, optional
        Strengths by parameter name: strength · p, the gradient of `l2_penalty`, is added to the gradient of
        p; for a RowGradient in its rows only.
    anchors : mapping of str to (float, Floats), optional
        Strengths and points by parameter name: strength · (p - point), the gradient of `l2_penalty` with this
        anchor, is added to the gradient of p as with `l2`. The point of a table may end with the last row
        that is ever read.
    rates : mapping of str to float, optional
        Factors of the learning rate by parameter name. Default: 1.
    **settings : float
        Hyper-parameters of the rule, such as `beta1`. Default: those of the rule.

    Attributes
    ----------
    n_steps : int
        Number of calls of `step`.
    memory : dict of str to dict of str to Floats
        By parameter name, then by the name of the array (`m`, `v`); made at the first step of a parameter.

    Raises
    ------
    ConfigError
        If there is no such rule or hyper-parameter.
    """

    def __init__(
        self,
        name: str,
        *,
        l2: Mapping[str, float] | None = None,
        anchors: Mapping[str, tuple[float, Floats]] | None = None,
        rates: Mapping[str, float] | None = None,
        **settings: float,
    ) -> None:
        if name not in OPTIMIZERS:
            allowed = ", ".join(OPTIMIZERS)
            raise ConfigError("no such optimizer", where="optimizer", found=name, allowed=allowed)
        self._rule = OPTIMIZERS[name]
        defaults = self._rule.settings()
        if unknown := settings.keys() - defaults.keys():
            allowed = ", ".join(defaults) or "none"
            raise ConfigError(f"no such setting of {name}", found=min(unknown), allowed=allowed)
        self.name = name
        self.l2 = dict(l2 or {})
        self.anchors = dict(anchors or {})
        self.rates = dict(rates or {})
        self.settings = defaults | settings
        self.n_steps = 0
        self.memory: dict[str, dict[str, Floats]] = {}

    def step(
        self, parameters: Mapping[str, Floats], gradients: Mapping[str, Gradient], learning_rate: float
    ) -> None:
        """Update the parameters in place by the gradients of some or all of them, which do not change.

        A parameter without a gradient does not change. Of a parameter with a RowGradient, only the rows in it
        and their memory are read and written; all others keep every bit. (So Adam's moments of a row do not
        decay in steps that do not read it, as in PyTorch's SparseAdam.)

        Raises
        ------
        ShapeError
            If a gradient does not have the shape of its parameter, or there is no such parameter; then no
            parameter has been changed.
        """
        for name, gradient in gradients.items():
            if name not in parameters or gradient.shape != parameters[name].shape:
                allowed = str(parameters[name].shape) if name in parameters else ", ".join(parameters)
                problem = "the gradient does not belong to a parameter of its shape"
                raise ShapeError(problem, where=name, found=gradient.shape, allowed=allowed)
        self.n_steps += 1
        for name, gradient in gradients.items():
            p = parameters[name]
            memory = self._memory_of(name, p)
            if isinstance(gradient, RowGradient):
                # Copy the rows, let the rule change them, and write them back. A RowGradient has each id
                # once, so no row is written twice.
                ids = gradient.ids
                rows, row_memory = p[ids], [array[ids] for array in memory]
                self._update(name, rows, gradient.rows, row_memory, learning_rate, ids)
                p[ids] = rows
                for array, changed in zip(memory, row_memory, strict=True):
                    array[ids] = changed
            else:
                self._update(name, p, gradient, memory, learning_rate)

    def _update(
        self,
        name: str,
        p: Floats,
        g: Floats,
        memory: list[Floats],
        learning_rate: float,
        ids: Ints | None = None,
    ) -> None:
        """Apply the rule to a parameter or to some of its rows."""
        if strength := self.l2.get(name, 0.0):
            g = g + float(strength) * p
        if name in self.anchors:
            strength, point = self.anchors[name]
            g = g + float(strength) * (p - (point if ids is None else point[ids]))
        rate = float(learning_rate) * self.rates.get(name, 1.0)
        self._rule.update(p, g, *memory, rate=rate, t=self.n_steps, **self.settings)

    def _memory_of(self, name: str, p: Floats) -> list[Floats]:
        """Return the memory of a parameter, zero at first; pages that are never written take no memory."""
        if name not in self.memory:
            self.memory[name] = {array: np.zeros(p.shape, p.dtype) for array in self._rule.memory}
        return list(self.memory[name].values())
