"""Optimizers: what a step makes of the gradients.

An update rule is a function of a few lines that reads like its paper. It changes the parameter p and its
own memory (arrays of the shape of p, zero before the first step) in place, and it knows nothing of layers
or of sparse rows: `Optimizer` hands it either a whole parameter or the rows that the batch touched.

To add a rule, write the function and a row of `OPTIMIZERS`.

Dimensions: a parameter is of any shape; of a table (n_rows, D), a batch touches R rows.
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
    """Go down the gradient: p <- p - rate · g (Robbins and Monro 1951).

    Parameters
    ----------
    p, g : Floats of one shape
        The parameter, changed in place, and its gradient.
    rate : float
        Learning rate.
    t : int
        Number of the step, from 1; not used.
    """
    p -= rate * g


def momentum(p: Floats, g: Floats, v: Floats, *, rate: float, t: int, mu: float = 0.9) -> None:
    """Go on in the direction of the past steps (Polyak 1964; Sutskever et al. 2013, section 2).

    v <- mu · v + g;  p <- p - rate · v. The learning rate multiplies v and is no part of it, so a schedule
    that changes the rate acts at once.

    Parameters
    ----------
    p, g, v : Floats of one shape
        Parameter and velocity, changed in place, and gradient.
    rate : float
        Learning rate.
    t : int
        Number of the step, from 1; not used.
    mu : float
        Share of the velocity that is kept; 0 is plain `sgd`.
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
    """Divide a running mean of the gradients by the root of that of their squares.

    m <- beta1 · m + (1 - beta1) · g;  v <- beta2 · v + (1 - beta2) · g²;
    m̂ = m / (1 - beta1^t);  v̂ = v / (1 - beta2^t);  p <- p - rate · m̂ / (√v̂ + epsilon)
    (Kingma and Ba 2015, algorithm 1). The hats undo that m and v began at zero.

    Parameters
    ----------
    p, g, m, v : Floats of one shape
        Parameter and the two moments, changed in place, and gradient.
    rate : float
        Learning rate.
    t : int
        Number of the step, from 1.
    beta1, beta2 : float
        Shares of the moments that are kept.
    epsilon : float
        Keeps the quotient finite where the gradient has always been 0.
    """
    scratch = np.multiply(g, 1 - beta1)  # the one piece of memory for all that lies between
    m *= beta1
    m += scratch
    np.square(g, out=scratch)
    scratch *= 1 - beta2
    v *= beta2
    v += scratch
    # m̂ / (√v̂ + epsilon), with the hats taken out of the arrays
    unbiased = sqrt(1 - beta2**t)
    np.sqrt(v, out=scratch)
    scratch += epsilon * unbiased
    np.divide(m, scratch, out=scratch)
    scratch *= rate * unbiased / (1 - beta1**t)
    p -= scratch


@dataclass(frozen=True)
class Rule:
    """An update rule and the names of the arrays it remembers, in the order of its arguments."""

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
    """An update rule with its hyper-parameters and what it remembers of each parameter.

    Parameters
    ----------
    name : str
        A row of `OPTIMIZERS`.
    l2 : mapping of str to float, optional
        Decay strengths by parameter name: strength · p is added to the gradient of p, which is the gradient
        of `l2_penalty`. For a RowGradient it acts on the touched rows alone.
    anchors : mapping of str to (float, Floats), optional
        Strengths and points by parameter name: strength · (p - point) is added to the gradient of p, which is
        the gradient of `l2_penalty` with this anchor; of a RowGradient as with `l2`. A table's point may
        end with the last row that is ever touched.
    rates : mapping of str to float, optional
        Factors on the learning rate by parameter name; default: 1.
    **settings : float
        Hyper-parameters of the rule, such as `beta1`; else its defaults.

    Attributes
    ----------
    settings : dict of str to float
        The hyper-parameters in force.
    n_steps : int
        Steps taken, of all parameters together.
    memory : dict of str to dict of str to Floats
        By parameter name, then by the rule's name for it (`m`, `v`); made at the parameter's first step.

    Raises
    ------
    ConfigError
        If there is no such rule or no such hyper-parameter.
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
        """Update the parameters in place.

        A parameter without a gradient stays as it is. Of a parameter with a RowGradient, only the touched
        rows and their memory are read and written; a row that no batch touched keeps its every bit. (Adam's
        moments of a row therefore do not fade while it is away, as in PyTorch's SparseAdam.)

        Parameters
        ----------
        parameters : mapping of str to Floats
            Changed in place.
        gradients : mapping of str to Floats or RowGradient
            Of some or all parameters; not changed.
        learning_rate : float
            Of this step.

        Raises
        ------
        ShapeError
            If a gradient has not the shape of its parameter, or there is no such parameter. Then no
            parameter has been changed.
        """
        for name, gradient in gradients.items():
            if name not in parameters or gradient.shape != parameters[name].shape:
                allowed = str(parameters[name].shape) if name in parameters else ", ".join(parameters)
                problem = "the gradient fits no parameter"
                raise ShapeError(problem, where=name, found=gradient.shape, allowed=allowed)
        self.n_steps += 1
        for name, gradient in gradients.items():
            p = parameters[name]
            memory = self._memory_of(name, p)
            if isinstance(gradient, RowGradient):
                # Take the touched rows out, let the rule change them, and put them back. Each id stands
                # once in a RowGradient, so no row is written twice.
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
        """Return the arrays remembered of a parameter, zero at first; untouched pages cost no memory."""
        if name not in self.memory:
            self.memory[name] = {array: np.zeros(p.shape, p.dtype) for array in self._rule.memory}
        return list(self.memory[name].values())
