"""The computation graph of one window, as data: values on the way down, gradients on the way back up.

K window width, F numbers a word is described by, D vector dimension, C labels.
"""

from collections.abc import Sequence

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus.plain import sentences_of_text
from windowclf.encoding.encoder import distinct
from windowclf.encoding.vocabulary import BOUNDARY, N_SPECIAL, UNKNOWN
from windowclf.errors import DataError, WindowClfError
from windowclf.inspection.graph_data import GraphNode, GraphParameter, WindowGraph, WindowWord
from windowclf.nn.chain import Trace, TraceNode
from windowclf.nn.gradients import Gradient, RowGradient, global_norm
from windowclf.nn.losses import softmax, softmax_cross_entropy
from windowclf.tagger import WindowTagger

_TABLES = {
    "word vectors": ("special", "vectors"),
    "tuned vectors": ("special", "tuned_vectors"),
    "case vectors": ("case",),
    "affix vectors": ("affixes",),
    "gazetteer vectors": ("gazetteers",),
    "column vectors": ("columns",),
}


def find_word(text: str, word: str, occurrence: int = 1) -> tuple[tuple[str, ...], int]:
    """Find a word in a text, and return the words of its sentence and its place there, from 0.

    Parameters
    ----------
    text : str
        Any number of sentences.
    word : str
        As it is written there.
    occurrence : int
        Which of equal words, from 1.

    Raises
    ------
    DataError
        If the text does not have this word, or not so often; its words are named.
    """
    sentences = [sentence.tokens for sentence in sentences_of_text(text)]
    places = [(tokens, i) for tokens in sentences for i, token in enumerate(tokens) if token == word]
    if not places:
        words = dict.fromkeys(token for tokens in sentences for token in tokens)
        raise DataError("not a word of the text", found=word, allowed=", ".join(words) or "it has no words")
    if not 1 <= occurrence <= len(places):
        allowed = f"1 to {len(places)}"
        raise DataError(f"no such occurrence of {word!r} in the text", found=occurrence, allowed=allowed)
    return places[occurrence - 1]


def window_graph(
    tagger: WindowTagger, sentence: Sequence[str], index: int, target: str | None = None
) -> WindowGraph:
    """Compute the scores of one window, and the gradient of its loss by everything on the way.

    Without dropout, as when the network predicts.

    Parameters
    ----------
    tagger : WindowTagger
        Trained.
    sentence : sequence of str
    index : int
        The word in the middle of the window, from 0.
    target : str, optional
        The label that the loss takes for the correct one; default: the one with the highest score.

    Raises
    ------
    DataError
        If the sentence has no such word, or the model no such label.
    """
    if not 0 <= index < len(sentence):
        allowed = f"0 to {len(sentence) - 1}" if sentence else "a sentence with words"
        raise DataError("no such word in the sentence", found=index, allowed=allowed)
    if target is not None and target not in tagger.model.labels.names:
        allowed = ", ".join(tagger.model.labels.names)
        raise DataError("the model has no such label", where="target", found=target, allowed=allowed)
    if tagger.config.model.loss != "softmax":
        raise WindowClfError(
            "a graph shows the loss of one word, and this model's loss is of whole sentences",
            found=f"model.loss = {tagger.config.model.loss!r}",
            hint="Train a model with --set model.loss=softmax to look at.",
        )
    encoded, around = tagger.model.encode([sentence])
    rows, windows = distinct(around[index : index + 1], len(encoded.words))
    model, trace = tagger.model.members[0], Trace()
    scores, backward = model.forward(encoded.words[rows], windows, trace=trace)
    predicted = tagger.model.labels.names[int(scores[0].argmax())]
    correct = tagger.model.labels.names.index(target or predicted)
    loss, loss_backward = softmax_cross_entropy(scores, targets=np.array([correct]))
    dscores = loss_backward()
    gradients = backward(dscores)
    trace["loss"] = TraceNode("loss", "softmax_cross_entropy", np.array(loss), np.array(1.0))
    words = _words(tagger, sentence, index, encoded.words[rows][windows[0], 0], trace, gradients)
    tokens = {row: word.token for row, word in zip(windows[0].tolist(), words, strict=True)}
    return WindowGraph(
        sentence=tuple(sentence),
        index=index,
        labels=tagger.model.labels.names,
        predicted=predicted,
        target=tagger.model.labels.names[correct],
        scores=scores[0],
        probabilities=softmax(scores)[0],
        score_gradient=dscores[0],
        loss=loss,
        tuning=model.config.tuning,
        rows=tuple(tokens[row] for row in range(len(rows))),
        nodes=tuple(_node(node, model.parameters, gradients) for node in trace.values()),
        words=words,
    )


def _node(node: TraceNode, parameters: dict[str, Floats], gradients: dict[str, Gradient]) -> GraphNode:
    upstream = node.upstream
    assert upstream is not None, "backward has run"
    reads = _TABLES.get(node.name, (f"{node.name}.W", f"{node.name}.b"))
    return GraphNode(
        name=node.name,
        operation=node.operation,
        shape=node.value.shape,
        norm=global_norm([node.value]),
        value=node.value,
        gradient_norm=global_norm([upstream]),
        gradient=upstream,
        parameters=tuple(
            GraphParameter(
                name, parameters[name].shape, global_norm([gradients[name]]) if name in gradients else None
            )
            for name in reads
            if name in parameters
        ),
    )


def _words(
    tagger: WindowTagger,
    sentence: Sequence[str],
    index: int,
    ids: Ints,
    trace: Trace,
    gradients: dict[str, Gradient],
) -> tuple[WindowWord, ...]:
    """Return the K places of the window; `ids` (K,) are those of their vectors."""
    vocabulary, model = tagger.model.vocabulary, tagger.model.members[0]
    by_window = trace["window"].upstream
    assert by_window is not None, "backward has run"
    dimension = model.parameters["special"].shape[1]
    # a word's vector stands before its features
    vectors = trace["window"].value.reshape(len(ids), -1)[:, :dimension]
    by_place = by_window.reshape(len(ids), -1)[:, :dimension]
    tuned = model.parameters.get("tuned_vectors")
    if tuned is not None:  # and of two channels, the frozen one first
        second = slice(dimension, 2 * dimension)
        vectors = trace["window"].value.reshape(len(ids), -1)[:, second]
        # a special vector stands in both channels, and both reach it
        is_special = ids[:, None] < N_SPECIAL
        by_place = by_window.reshape(len(ids), -1)[:, second] + np.where(is_special, by_place, 0)
    words = []
    for k, id_ in enumerate(ids.tolist()):
        place = index + k - len(ids) // 2
        table, row = _place_of(id_, 0 if tuned is None else len(tuned))
        names = {UNKNOWN: "unknown", BOUNDARY: "boundary"}
        words.append(
            WindowWord(
                offset=place - index,
                token=sentence[place] if 0 <= place < len(sentence) else None,
                table=table,
                row=row,
                row_name=names[row] if table == "special" else vocabulary.words[row],
                vector=vectors[k],
                gradient=by_place[k],
                norm=global_norm([by_place[k]]),
                trained=table in model.trained,
                row_gradient=_row(gradients.get(table), row),
            )
        )
    return tuple(words)


def _place_of(id_: int, n_tuned: int) -> tuple[str, int]:
    """Return the table and the row of it that a word's vector stands in."""
    if id_ < N_SPECIAL:
        return "special", id_
    row = id_ - N_SPECIAL
    return "tuned_vectors" if row < n_tuned else "vectors", row


def _row(gradient: Gradient | None, row: int) -> Floats | None:
    """Return one row of a table's gradient."""
    if gradient is None:
        return None
    assert isinstance(gradient, RowGradient), "a table's gradient is one of rows"
    found: Floats = gradient.rows[int(np.searchsorted(gradient.ids, row))]
    return found
