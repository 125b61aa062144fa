"""A window's computation graph as text that a student reads from top to bottom.

K window width, D vector dimension, C labels.
"""

from collections.abc import Iterator

import numpy as np

from windowclf.arrays import Floats
from windowclf.inspection.graph_data import GraphNode, WindowGraph, WindowWord

WHOLE = 12  # numbers of an array that is printed whole
FIRST = 6  # numbers shown of a larger one
_INDENT = "    "


def render_graph(graph: WindowGraph) -> str:
    """Return a window's graph as text: forward from top to bottom, then what reaches each word vector.

    Arrays of up to 12 numbers are printed whole, larger ones by their norm and their first numbers.
    """
    return "\n".join([*_heading(graph), "", *_forward(graph), "", *_scores(graph), "", *_words(graph), ""])


def _heading(graph: WindowGraph) -> Iterator[str]:
    marked = [f"[{token}]" if i == graph.index else token for i, token in enumerate(graph.sentence)]
    yield f"sentence   {' '.join(marked)}"
    yield f"window     {' | '.join(_token(word.token) for word in graph.words)}"
    probability = float(graph.probabilities[graph.labels.index(graph.predicted)])
    yield f"predicted  {graph.predicted}  (probability {_number(probability)})"
    chosen = "the predicted label" if graph.target == graph.predicted else "as given"
    yield f"target     {graph.target}  ({chosen}); loss {_number(graph.loss)}"


def _forward(graph: WindowGraph) -> Iterator[str]:
    yield "FORWARD, from top to bottom. Under each value: the gradient of the loss by it, which comes back"
    yield "from below (upstream), and the parameters with the norm of their own gradient. Each distinct word"
    yield f"is looked up once, a row each: {' | '.join(_token(token) for token in graph.rows)}"
    for i, node in enumerate(graph.nodes):
        yield ""
        yield f"{i + 1:>2}  {node.name} = {node.operation}   shape {_shape(node.shape)}"
        yield f"{_INDENT}value     {_array(node.value, node.norm)}"
        yield f"{_INDENT}gradient  {_array(node.gradient, node.gradient_norm)}"
        yield from _parameters(node)


def _parameters(node: GraphNode) -> Iterator[str]:
    for parameter in node.parameters:
        gradient = (
            "frozen: no gradient is computed"
            if parameter.gradient_norm is None
            else f"gradient norm {_number(parameter.gradient_norm)}"
        )
        yield f"{_INDENT}{parameter.name} {_shape(parameter.shape)}  {gradient}"


def _scores(graph: WindowGraph) -> Iterator[str]:
    yield "SCORES, and where the way back begins: the gradient by a score is its probability, less 1 at the"
    yield "target."
    width = max(5, *map(len, graph.labels))
    yield f"{_INDENT}{'label'.ljust(width)}  {'score':>10}  {'probability':>11}  {'gradient':>10}"
    columns = zip(graph.labels, graph.scores, graph.probabilities, graph.score_gradient, strict=True)
    for label, score, probability, gradient in columns:
        mark = "  <- target" if label == graph.target else ""
        numbers = f"{_number(score):>10}  {_number(probability):>11}  {_number(gradient):>10}"
        yield f"{_INDENT}{label.ljust(width)}  {numbers}{mark}"


def _words(graph: WindowGraph) -> Iterator[str]:
    yield f"GRADIENTS THAT REACH THE WORD VECTORS of the {len(graph.words)} words of the window"
    for word in graph.words:
        yield ""
        row = f"{word.table}[{word.row}] ({word.row_name})"
        offset = f"{word.offset:+}" if word.offset else "0"
        yield f"{offset:>2}  {_token(word.token)}   {row}"
        yield f"{_INDENT}vector    {_array(word.vector, float(np.linalg.norm(word.vector)))}"
        yield f"{_INDENT}gradient  {_array(word.gradient, word.norm)}"
        yield f"{_INDENT}{_what_becomes_of_it(word, graph)}"


def _what_becomes_of_it(word: WindowWord, graph: WindowGraph) -> str:
    if word.row_gradient is None:
        return "it stops here: the vectors are frozen, and training does not move this row"
    n_places = sum((other.table, other.row) == (word.table, word.row) for other in graph.words)
    what = f"training moves {word.table}[{word.row}]"
    if n_places == 1:
        return f"{what} against it"
    summed = _array(word.row_gradient, float(np.linalg.norm(word.row_gradient)))
    return f"{what} against the sum over its {n_places} places: {summed}"


def _token(token: str | None) -> str:
    return "(boundary)" if token is None else token


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape) if shape else "a number"


def _array(array: Floats, norm: float) -> str:
    if array.ndim == 0:
        return _number(float(array))
    flat = array.reshape(-1)
    shown = flat if flat.size <= WHOLE else flat[:FIRST]
    numbers = " ".join(_number(float(number)) for number in shown)
    return f"norm {_number(norm)}   [{numbers}{'' if flat.size <= WHOLE else ' …'}]"


def _number(number: float) -> str:
    """Write four significant digits; 0 for an exact zero only."""
    return f"{number:.4g}" if number else "0"
