"""Apply operations one after another, run backward last first, and record a trace on request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from windowclf.arrays import Floats
from windowclf.nn.gradients import Gradient
from windowclf.nn.operations import dropout, dropout_mask


@dataclass(slots=True)
class TraceNode:
    """One operation of a traced pass: its name within the network, and the name of the operation.

    Attributes
    ----------
    value : array
        The output of forward.
    upstream : array or None
        The gradient of the loss by `value`; None until backward has run.
    gradients : dict of str to gradient
        The gradients of the operation's parameters.
    """

    name: str
    operation: str
    value: Floats
    upstream: Floats | None = None
    gradients: dict[str, Gradient] = field(default_factory=dict)


Trace = dict[str, TraceNode]  # by name, in the order of the forward pass


class Chain:
    """Operations applied one after another, and their backward pass, last first."""

    def __init__(self, parameters: Mapping[str, Floats], trace: Trace | None) -> None:
        self.parameters = parameters
        self.trace = trace
        self.links: list[tuple[str, Callable[..., Any], tuple[str, ...]]] = []

    def apply(
        self, name: str, operation: Callable[..., Any], x: Floats, *parameters: str, **settings: Any
    ) -> Floats:
        """Apply an operation to x and to the named parameters, and keep its backward."""
        weights = (self.parameters[key] for key in parameters)
        value, backward = operation(x, *weights, **settings)
        self.links.append((name, backward, parameters))
        if self.trace is not None:
            self.trace[name] = TraceNode(name, operation.__name__, value)
        result: Floats = value
        return result

    def drop(self, name: str, x: Floats, rate: float, rng: np.random.Generator) -> Floats:
        """Apply dropout with a new mask."""
        mask = dropout_mask(x.shape, rate, rng, x.dtype)
        return self.apply(name, dropout, x, mask=mask)

    def backward(self, upstream: Floats) -> tuple[Floats, dict[str, Gradient]]:
        """Return the gradient of the input of the chain, and those of the parameters."""
        gradients: dict[str, Gradient] = {}
        for name, backward, parameters in reversed(self.links):
            # the downstream gradient of one operation is the upstream gradient of the one before it
            downstream = backward(upstream)
            dx, *dparameters = downstream if isinstance(downstream, tuple) else (downstream,)
            own = dict(zip(parameters, dparameters, strict=True))
            gradients.update(own)
            if self.trace is not None:
                self.trace[name].upstream, self.trace[name].gradients = upstream, own
            upstream = dx
        return upstream, gradients
