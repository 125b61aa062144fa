"""The computation graph of one window: values on the way down, gradients on the way back up.

K window width, F numbers a word is described by, D vector dimension, C labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus import sentences_of_text
from windowclf.encoding import BOUNDARY, N_SPECIAL, UNKNOWN, distinct
from windowclf.errors import DataError, WindowClfError
from windowclf.inspection.movement import find_member
from windowclf.inspection.shapley import PRINTED_ALIKE, describe_decoding
from windowclf.model import TrainedModel, WindowModel
from windowclf.nn import Gradient, RowGradient, Trace, TraceNode, global_norm, softmax, softmax_cross_entropy

WHOLE = 12  # numbers of an array that is printed whole
FIRST = 6  # numbers shown of a larger one
_INDENT = "    "
_TABLES = {
    "word vectors": ("special", "vectors"),
    "tuned vectors": ("special", "tuned_vectors"),
    "case vectors": ("case",),
    "affix vectors": ("affixes",),
    "gazetteer vectors": ("gazetteers",),
    "column vectors": ("columns",),
}


@dataclass(frozen=True, slots=True)
class GraphParameter:
    """A parameter that a node reads; `gradient_norm` is None where it is frozen."""

    name: str
    shape: tuple[int, ...]
    gradient_norm: float | None


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One operation: where in the network, its value, and the gradient of the loss by this value."""

    name: str
    operation: str
    shape: tuple[int, ...]
    norm: float  # Euclidean
    value: Floats
    gradient_norm: float
    gradient: Floats  # of the shape of the value
    parameters: tuple[GraphParameter, ...]


@dataclass(frozen=True, slots=True)
class WindowWord:
    """A position of the window, and the gradient that reaches the word vector there.

    `table` holds its vector: `vectors`, or `special` for unknown words and sentence boundaries. Of two
    channels the tuned one is shown: `tuned_vectors`, or `vectors` for words that training did not see.
    """

    offset: int  # from the word that is labelled: -2 is two to the left
    token: str | None  # None beyond the ends of the sentence
    table: str
    row: int
    row_name: str  # the word of the row; "unknown" and "boundary" in `special`
    vector: Floats  # (D,)
    gradient: Floats  # (D,), of the loss by the word vector at this position
    norm: float  # of the gradient
    trained: bool  # whether training moves the row
    row_gradient: Floats | None  # (D,), summed over all positions that read the row; None where frozen


@dataclass(frozen=True, slots=True)
class WindowGraph:
    """The computation graph of one window.

    Attributes
    ----------
    index : int
        Of the word in the middle, from 0.
    label, probability : str, float
        The label of the word and its probability as the whole model gives them (`TrainedModel.tag`).
    note : str
        Why `predicted` and its probability are not these: decoding, calibration, other members. Empty where
        they are equal.
    member, n_members : int
        Which network of an ensemble all that follows is of, from 1, and how many there are.
    labels : tuple of str
        All C of the internal scheme, in the order of the scores.
    predicted, target : str
        The label with the highest score, and the label that the loss takes for the correct one.
    scores, probabilities, score_gradient : array (C,)
        Probabilities are the softmax of the scores, before calibration. The gradient of the loss by the
        scores is these probabilities, less 1 at the target.
    tuning : {"frozen", "tuned", "two-channel"}
    rows : tuple of (str or None)
        The distinct words of the window: the rows of the values before `window` puts K side by side. None
        is the sentence boundary.
    nodes, words : tuples of GraphNode and of WindowWord
        In the order of the forward pass, the loss last; the K positions.
    """

    sentence: tuple[str, ...]
    index: int
    label: str
    probability: float
    note: str
    member: int
    n_members: int
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

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as plain values for JSON, with all numbers of every array."""
        return dict(msgspec.to_builtins(self, enc_hook=np.ndarray.tolist))


def find_word(text: str, word: str, occurrence: int = 1) -> tuple[tuple[str, ...], int]:
    """Find a word in a text, and return the tokens of its sentence and its position there, from 0.

    The text has any number of sentences; of equal words, `occurrence` chooses one, from 1. Raises DataError
    if the text does not have this word, or not that often.
    """
    sentences = [sentence.tokens for sentence in sentences_of_text(text)]
    found = [(tokens, i) for tokens in sentences for i, token in enumerate(tokens) if token == word]
    if not found:
        words = dict.fromkeys(token for tokens in sentences for token in tokens)
        raise DataError("not a word of the text", found=word, allowed=", ".join(words) or "it has no words")
    if not 1 <= occurrence <= len(found):
        allowed = f"1 to {len(found)}"
        raise DataError(f"no such occurrence of {word!r} in the text", found=occurrence, allowed=allowed)
    return found[occurrence - 1]


def window_graph(
    model: TrainedModel, sentence: Sequence[str], index: int, target: str | None = None, *, member: int = 1
) -> WindowGraph:
    """Compute the scores of one window, and the gradient of its loss by everything on the way.

    Without dropout, as when the network predicts.

    Parameters
    ----------
    index : int
        Of the word in the middle of the window, from 0.
    target : str, optional
        The label that the loss takes for the correct one; default: the one with the highest score.
    member : int
        Which network of an ensemble, from 1.

    Raises
    ------
    DataError
        If the sentence has no such word, or the model no such label.
    ConfigError
        If the model has no such member.
    WindowClfError
        If the loss of the model is one of whole sentences.
    """
    labels = model.labels.names
    if not 0 <= index < len(sentence):
        allowed = f"0 to {len(sentence) - 1}" if sentence else "a sentence with words"
        raise DataError("no such word in the sentence", found=index, allowed=allowed)
    if target is not None and target not in labels:
        allowed = ", ".join(labels)
        raise DataError("the model has no such label", where="target", found=target, allowed=allowed)
    if model.config.model.loss != "softmax":
        raise WindowClfError(
            "a graph shows the loss of one word, and the loss of this model is of whole sentences",
            found=f"model.loss = {model.config.model.loss!r}",
            hint="Train a model with --set model.loss=softmax to look at.",
        )
    network, trace = find_member(model, member), Trace()
    encoded, around = model.encode([sentence])
    rows, windows = distinct(around[index : index + 1], len(encoded.words))
    scores, backward = network.forward(encoded.words[rows], windows, trace=trace)
    probabilities = softmax(scores)[0]
    predicted = labels[int(scores[0].argmax())]
    correct = labels.index(target or predicted)
    loss, loss_backward = softmax_cross_entropy(scores, targets=np.array([correct]))
    dscores = loss_backward()
    gradients = backward(dscores)
    trace["loss"] = TraceNode("loss", "softmax_cross_entropy", np.array(loss), np.array(1.0))
    words = _words(model, network, sentence, index, encoded.words[rows][windows[0], 0], trace, gradients)
    tokens = {row: word.token for row, word in zip(windows[0].tolist(), words, strict=True)}
    (tagged,) = model.tag([sentence])
    label, probability = tagged.labels[index], tagged.probabilities[index]
    alone, note = float(probabilities.max()), ""
    if predicted != label or abs(alone - probability) >= PRINTED_ALIKE:
        causes = describe_decoding(model)
        if len(model.members) > 1:
            causes.insert(0, f"member {member} of {len(model.members)} alone")
        note = f"{predicted} {_number(alone)} before decoding and calibration ({', '.join(causes)})"
    return WindowGraph(
        sentence=tuple(sentence),
        index=index,
        label=label,
        probability=probability,
        note=note,
        member=member,
        n_members=len(model.members),
        labels=labels,
        predicted=predicted,
        target=labels[correct],
        scores=scores[0],
        probabilities=probabilities,
        score_gradient=dscores[0],
        loss=loss,
        tuning=model.config.model.tuning,
        rows=tuple(tokens[row] for row in range(len(rows))),
        nodes=tuple(_node(node, network.parameters, gradients) for node in trace.values()),
        words=words,
    )


def _node(node: TraceNode, parameters: dict[str, Floats], gradients: dict[str, Gradient]) -> GraphNode:
    value, upstream = node.value, node.upstream
    assert upstream is not None, "backward has run"
    read = tuple(
        GraphParameter(
            name, parameters[name].shape, global_norm([gradients[name]]) if name in gradients else None
        )
        for name in _TABLES.get(node.name, (f"{node.name}.W", f"{node.name}.b"))
        if name in parameters
    )
    norms = global_norm([value]), global_norm([upstream])
    return GraphNode(node.name, node.operation, value.shape, norms[0], value, norms[1], upstream, read)


def _words(
    model: TrainedModel,
    network: WindowModel,
    sentence: Sequence[str],
    index: int,
    ids: Ints,
    trace: Trace,
    gradients: dict[str, Gradient],
) -> tuple[WindowWord, ...]:
    """Return the K positions of the window; `ids` (K,) are those of their vectors."""
    upstream = trace["window"].upstream
    assert upstream is not None, "backward has run"
    dimension = network.parameters["special"].shape[1]
    values, by_position = (array.reshape(len(ids), -1) for array in (trace["window"].value, upstream))
    # a word's vector comes before its features
    vectors, gradient = values[:, :dimension], by_position[:, :dimension]
    tuned = network.parameters.get("tuned_vectors")
    if tuned is not None:  # of two channels, the frozen one comes first
        second = slice(dimension, 2 * dimension)
        vectors = values[:, second]
        # a special vector is in both channels, and gets both gradients
        gradient = by_position[:, second] + np.where(ids[:, None] < N_SPECIAL, gradient, 0)
    words = []
    for k, id_ in enumerate(ids.tolist()):
        offset = k - len(ids) // 2
        position = index + offset
        table, row = "special", id_
        name = {UNKNOWN: "unknown", BOUNDARY: "boundary"}.get(id_, "")
        if id_ >= N_SPECIAL:
            row = id_ - N_SPECIAL
            table = "tuned_vectors" if tuned is not None and row < len(tuned) else "vectors"
            name = model.vocabulary.words[row]
        row_gradient, found = None, gradients.get(table)
        if found is not None:
            assert isinstance(found, RowGradient), "a table's gradient is one of rows"
            row_gradient = found.rows[int(np.searchsorted(found.ids, row))]
        words.append(
            WindowWord(
                offset=offset,
                token=sentence[position] if 0 <= position < len(sentence) else None,
                table=table,
                row=row,
                row_name=name,
                vector=vectors[k],
                gradient=gradient[k],
                norm=global_norm([gradient[k]]),
                trained=table in network.trained,
                row_gradient=row_gradient,
            )
        )
    return tuple(words)


# -- text --------------------------------------------------------------------------------------------


def render_graph(graph: WindowGraph) -> str:
    """Return a window's graph as text: forward from top to bottom, then what reaches each word vector.

    Arrays of up to 12 numbers are printed whole, larger ones by their norm and their first numbers.
    """
    parts = _heading(graph), _forward(graph), _scores(graph), _word_lines(graph)
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _heading(graph: WindowGraph) -> Iterator[str]:
    marked = [f"[{token}]" if i == graph.index else token for i, token in enumerate(graph.sentence)]
    yield f"sentence   {' '.join(marked)}"
    yield f"window     {' | '.join(_token(word.token) for word in graph.words)}"
    yield f"label      {graph.label}  (probability {_number(graph.probability)})"
    probability = float(graph.probabilities[graph.labels.index(graph.predicted)])
    yield f"predicted  {graph.note or f'{graph.predicted}  (probability {_number(probability)})'}"
    if graph.n_members > 1:
        yield f"member     {graph.member} of {graph.n_members}: what follows is of this network alone"
    chosen = "the predicted label" if graph.target == graph.predicted else "as given"
    yield f"target     {graph.target}  ({chosen}); loss {_number(graph.loss)}"


def _forward(graph: WindowGraph) -> Iterator[str]:
    yield "FORWARD, from top to bottom. Under each value: its gradient, which comes back from below"
    yield "(upstream), and the parameters with the norm of their own gradient. Each distinct word is looked"
    yield f"up once, one row per word: {' | '.join(_token(token) for token in graph.rows)}"
    for i, node in enumerate(graph.nodes):
        yield ""
        yield f"{i + 1:>2}  {node.name} = {node.operation}   shape {_shape(node.shape)}"
        yield f"{_INDENT}value     {_array(node.value, node.norm)}"
        yield f"{_INDENT}gradient  {_array(node.gradient, node.gradient_norm)}"
        for parameter in node.parameters:
            norm = parameter.gradient_norm
            gradient = "frozen: no gradient is computed" if norm is None else f"gradient norm {_number(norm)}"
            yield f"{_INDENT}{parameter.name} {_shape(parameter.shape)}  {gradient}"


def _scores(graph: WindowGraph) -> Iterator[str]:
    yield "SCORES, where the way back begins: the gradient of a score is its probability (the softmax of the"
    yield "scores, before calibration), less 1 at the target."
    width = max(5, *map(len, graph.labels))
    yield f"{_INDENT}{'label'.ljust(width)}  {'score':>10}  {'probability':>11}  {'gradient':>10}"
    columns = zip(graph.labels, graph.scores, graph.probabilities, graph.score_gradient, strict=True)
    for label, score, probability, gradient in columns:
        mark = "  <- target" if label == graph.target else ""
        numbers = f"{_number(score):>10}  {_number(probability):>11}  {_number(gradient):>10}"
        yield f"{_INDENT}{label.ljust(width)}  {numbers}{mark}"


def _word_lines(graph: WindowGraph) -> Iterator[str]:
    yield f"GRADIENTS THAT REACH THE WORD VECTORS of the {len(graph.words)} words of the window"
    for word in graph.words:
        yield ""
        offset = f"{word.offset:+}" if word.offset else "0"
        yield f"{offset:>2}  {_token(word.token)}   {word.table}[{word.row}] ({word.row_name})"
        yield f"{_INDENT}vector    {_array(word.vector, float(np.linalg.norm(word.vector)))}"
        yield f"{_INDENT}gradient  {_array(word.gradient, word.norm)}"
        yield f"{_INDENT}{_use_of_gradient(word, graph)}"


def _use_of_gradient(word: WindowWord, graph: WindowGraph) -> str:
    if word.row_gradient is None:
        return "it stops here: the vectors are frozen, and training does not move this row"
    n_positions = sum((other.table, other.row) == (word.table, word.row) for other in graph.words)
    what = f"training moves {word.table}[{word.row}]"
    if n_positions == 1:
        return f"{what} against it"
    summed = _array(word.row_gradient, float(np.linalg.norm(word.row_gradient)))
    return f"{what} against the sum over its {n_positions} positions: {summed}"


def _token(token: str | None) -> str:
    return "(boundary)" if token is None else token


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape) if shape else "a number"


def _array(array: Floats, norm: float) -> str:
    if array.ndim == 0:
        return _number(float(array))
    shown, more = (array.reshape(-1), "") if array.size <= WHOLE else (array.reshape(-1)[:FIRST], " …")
    return f"norm {_number(norm)}   [{' '.join(_number(float(number)) for number in shown)}{more}]"


def _number(number: float) -> str:
    """Write four significant digits; 0 for an exact zero only."""
    return f"{number:.4g}" if number else "0"
