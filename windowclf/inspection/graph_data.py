"""The parts of a window's computation graph.

K window width, D vector dimension, C labels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from windowclf.arrays import Floats


@dataclass(frozen=True, slots=True)
class GraphParameter:
    """A parameter that a node reads; `gradient_norm` is None where it is frozen."""

    name: str
    shape: tuple[int, ...]
    gradient_norm: float | None


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One operation.

    Attributes
    ----------
    name, operation : str
        Where in the network, and which operation.
    shape : tuple of int
        Of its value, and so of its gradient.
    value, gradient : array
        What forward gave, and the gradient of the loss by it: what comes back from upstream.
    norm, gradient_norm : float
        Euclidean.
    parameters : tuple of GraphParameter
    """

    name: str
    operation: str
    shape: tuple[int, ...]
    norm: float
    value: Floats
    gradient_norm: float
    gradient: Floats
    parameters: tuple[GraphParameter, ...]


@dataclass(frozen=True, slots=True)
class WindowWord:
    """A place of the window, and the gradient that reaches the word vector there.

    Attributes
    ----------
    offset : int
        From the word that is labelled: -2 is two to the left.
    token : str or None
        None beyond the ends of the sentence.
    table : str
        Where its vector stands: `vectors`, or `special` for unknown words and sentence boundaries. Of two
        channels the tuned one is shown: `tuned_vectors`, or `vectors` for words that training did not see.
    row : int
        Of that table.
    row_name : str
        The word of the row; "unknown" and "boundary" in `special`.
    vector : array (D,)
    gradient : array (D,)
        By the word vector at this place.
    norm : float
    trained : bool
        Whether training moves the row.
    row_gradient : array (D,) or None
        By the row: the sum over all places that read it. None where it is frozen.
    """

    offset: int
    token: str | None
    table: str
    row: int
    row_name: str
    vector: Floats
    gradient: Floats
    norm: float
    trained: bool
    row_gradient: Floats | None


@dataclass(frozen=True, slots=True)
class WindowGraph:
    """The computation graph of one window.

    Attributes
    ----------
    sentence : tuple of str
    index : int
        The word in the middle, from 0.
    labels : tuple of str
        All C, in the order of the scores.
    predicted, target : str
        The label with the highest score (tagging may choose another, where that would break the label
        scheme), and the label that the loss takes for the correct one.
    scores, probabilities, score_gradient : array (C,)
        The last is the gradient of the loss by the scores: probabilities, less 1 at the target.
    loss : float
    tuning : str
        "frozen", "tuned" or "two-channel".
    rows : tuple of (str or None)
        The distinct words of the window: the rows of the values before `window` puts K side by side. None
        is the sentence boundary.
    nodes : tuple of GraphNode
        In the order of the forward pass; the last is the loss.
    words : tuple of WindowWord
        The K places.
    """

    sentence: tuple[str, ...]
    index: int
    labels: tuple[str, ...]
    predicted: str
    target: str
    scores: Floats
    probabilities: Floats
    score_gradient: Floats
    loss: float
    tuning: str
    rows: tuple[str | None, ...]
    nodes: tuple[GraphNode, ...]
    words: tuple[WindowWord, ...]


def graph_to_dict(graph: WindowGraph) -> dict[str, Any]:
    """Return the graph as plain values for JSON, every array whole."""
    return {name: _plain(getattr(graph, name)) for name in WindowGraph.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, GraphNode | GraphParameter | WindowWord):
        return {name: _plain(getattr(value, name)) for name in type(value).__slots__}
    return value
