"""Average weights over the steps of training: exact, and lazy for the rows of tables.

    a_t = d_t · a_{t-1} + (1 - d_t) · w_t,    a_0 = w_0,    d_t = min(decay, (1 + t) / (10 + t))

An exponential moving average, in which the noise of single steps cancels (Polyak and Juditsky 1992; Kingma
and Ba 2015, section 7.2). d_t grows as in TensorFlow's ExponentialMovingAverage: with a constant decay of
0.999 the first thousand averages would be mostly initial weights. So the average is over about the last tenth
of the steps, until that is more than `decay` keeps.

While a weight w does not change, its average approaches it: a_t - w = d_t · (a_{t-1} - w), hence over any
number of steps

    a_t = w + (Π_{i=s+1..t} d_i) · (a_s - w)

and a row is updated when a step is about to change it, or when it is read.

Dimensions: R rows of a table that training can change.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import log

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.nn.gradients import Gradient, RowGradient


class Averages:
    """The averages of some parameters over the steps taken so far.

    The parameters are given with their initial values; training changes them in place. A table may be a view
    of the rows that it can change. A step keeps at most the share `decay` of the average, 0 < decay < 1.
    """

    def __init__(self, parameters: Mapping[str, Floats], decay: float) -> None:
        self.n_steps = 0
        self._decay = decay
        self._parameters = dict(parameters)
        self._averages = {name: p.copy() for name, p in parameters.items()}
        # log Π_{i=1..t} d_i, at the current step and at the step of the last update of each row
        self._level = 0.0
        self._levels: dict[str, Floats] = {name: np.zeros(len(p)) for name, p in parameters.items()}

    def before_step(self, gradients: Mapping[str, Gradient]) -> None:
        """Update the averages of the weights that the next step changes: those with a gradient."""
        for name, gradient in gradients.items():
            self._catch_up(name, gradient.ids if isinstance(gradient, RowGradient) else None)
        self.n_steps += 1
        self._level += log(min(self._decay, (1 + self.n_steps) / (10 + self.n_steps)))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Replace the weights by their averages within a `with` block."""
        for name in self._parameters:
            self._catch_up(name, None)
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for name, p in self._parameters.items():
            kept = p.copy()
            p[...] = self._averages[name]
            self._averages[name][...] = kept

    def _catch_up(self, name: str, ids: Ints | None) -> None:
        """Update some rows of an average, or all, to the current step."""
        w, average, levels = self._parameters[name], self._averages[name], self._levels[name]
        rows = slice(None) if ids is None else ids
        share = np.exp(self._level - levels[rows]).astype(w.dtype).reshape(-1, *[1] * (w.ndim - 1))
        now = w[rows]
        part = average[rows]  # a view of all rows, or a copy of some
        part -= now
        part *= share
        part += now
        if ids is not None:
            average[ids] = part
        levels[rows] = self._level
