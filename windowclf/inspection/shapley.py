"""Why a word got its label: what each word of its window pushed towards or against it.

N words, K window width, C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from pathlib import Path

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.encoding.columns import column_of
from windowclf.encoding.encoder import ABSENT_ROW
from windowclf.encoding.entity_lists import is_entity_list
from windowclf.encoding.phrase_trie import Position
from windowclf.errors import WindowClfError
from windowclf.model.ensemble import Ensemble
from windowclf.model.network import WindowModel
from windowclf.model.trained import TrainedModel

WIDEST = 13  # 2^13 windows a word


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one word was labelled.

    Attributes
    ----------
    token, label : str
        The word and the label the model gives it.
    learnt_as : str
        The same label in the scheme that the network tells apart (`model.inner_scheme`).
    probabilities : tuple of (label, probability)
        All labels of the network, most probable first; those that :meth:`WindowTagger.predict_proba` gives.
    window : tuple of (str or None)
        The K words of the window; None stands for the sentence boundary.
    lists : tuple of tuple of str
        For each of them the gazetteers in whose phrases it stands: names of files, or `entities:KIND`.
    columns : tuple of tuple of str
        For each of them what the columns say that the model takes beside the words.
    contributions : tuple of float
        For each of them its Shapley value: its part in the label's score. They sum to `score - empty_score`.
    score, empty_score : float
        The label's score of this window, before it becomes a probability, and that of a window of absent
        words. What a sentence-level loss learnt of label after label comes on top, and is not in it.
    """

    token: str
    label: str
    learnt_as: str
    probabilities: tuple[tuple[str, float], ...]
    window: tuple[str | None, ...]
    lists: tuple[tuple[str, ...], ...]
    columns: tuple[tuple[str, ...], ...]
    contributions: tuple[float, ...]
    score: float
    empty_score: float


def shapley_values(
    model: WindowModel | Ensemble, words: Ints, windows: Ints, labels: Ints
) -> tuple[Floats, Floats, Floats]:
    """Compute the exact Shapley value of every place of every window for the score of one label.

    phi_k = Σ_{S without k} |S|! (K - |S| - 1)! / K! · (score(S with k) - score(S))
    (Shapley 1953, "A value for n-person games"; Lundberg & Lee 2017, section 2.3). Words outside S are
    absent: the unknown vector, no features, in no phrase of a gazetteer, of no value that columns had in
    training. All 2^K subsets are scored.

    Parameters
    ----------
    words : array (U, J)
    windows : array (N, K)
    labels : array (N,)
        The label whose score is explained, for each window.

    Returns
    -------
    values : array (N, K)
    scores, empty_scores : array (N,)
        Of the whole window, and of the window without any word.

    Raises
    ------
    WindowClfError
        If the window is wider than 13.
    """
    K = windows.shape[1]
    if K > WIDEST:
        raise WindowClfError(
            "exact Shapley values need 2^K windows a word",
            found=f"a window of {K}",
            allowed=f"at most {WIDEST}",
        )
    subsets = np.arange(1 << K)
    present = (subsets[:, None] >> np.arange(K)) & 1 == 1  # (2^K, K): the words that subset s keeps
    # column c of weights: what the score of each subset counts for the value of place c
    sizes = present.sum(axis=1)
    joined = np.array([factorial(max(s - 1, 0)) * factorial(K - s) / factorial(K) for s in sizes])
    missing = np.array([factorial(s) * factorial(max(K - s - 1, 0)) / factorial(K) for s in sizes])
    weights = np.where(present, joined[:, None], -missing[:, None])
    values = np.zeros((len(windows), K))
    scores = np.zeros(len(windows))
    empty_scores = np.zeros(len(windows))
    for n, window in enumerate(windows):
        coalitions = np.where(present, window, ABSENT_ROW).astype(windows.dtype)
        of_label = model.scores(words, coalitions)[:, labels[n]].astype(np.float64)
        values[n] = of_label @ weights
        scores[n], empty_scores[n] = of_label[-1], of_label[0]
    return values, scores, empty_scores


def explain(model: TrainedModel, sentence: Sequence[str]) -> list[Explanation]:
    """Explain the label of each word of a sentence.

    Labels and probabilities are those of tagging, with a sentence-level loss of all labellings of the
    sentence; contributions are to the score of the word's own window, transitions apart.

    Raises
    ------
    WindowClfError
        If the window is wider than 13.
    DataError
        If the sentence lacks a column.
    """
    if not sentence:
        return []
    encoded, around = model.encode([sentence])
    scores = model.network.scores(encoded.words, around)
    decoder = model.decoder
    probs = decoder.probabilities(scores, encoded.lengths)
    chosen = decoder.best(scores, encoded.lengths)
    values, full_scores, empty_scores = shapley_values(model.network, encoded.words, around, chosen)
    names = model.labels.names
    (spelled,) = model.labels.to_output(chosen, encoded.lengths)
    half = around.shape[1] // 2
    padded = [None] * half + list(sentence) + [None] * half
    outside: list[tuple[str, ...]] = [()] * half
    lists = outside + _lists_of_words(model, sentence) + outside
    columns = outside + _columns_of_words(model, sentence) + outside
    return [
        Explanation(
            token=token,
            label=label,
            learnt_as=names[chosen[i]],
            probabilities=tuple((names[c], float(probs[i, c])) for c in np.argsort(-probs[i], kind="stable")),
            window=tuple(padded[i : i + 2 * half + 1]),
            lists=tuple(lists[i : i + 2 * half + 1]),
            columns=tuple(columns[i : i + 2 * half + 1]),
            contributions=tuple(values[i].tolist()),
            score=float(full_scores[i]),
            empty_score=float(empty_scores[i]),
        )
        for i, (token, label) in enumerate(zip(sentence, spelled, strict=True))
    ]


def _lists_of_words(model: TrainedModel, sentence: Sequence[str]) -> list[tuple[str, ...]]:
    """Return for each word the names of the gazetteers in whose phrases it stands."""
    listed = model.config.features.gazetteers
    names = [name if is_entity_list(name) else Path(name).name for name in listed]
    rows = model.encoder.match(sentence, np.array([len(sentence)]))
    inside = rows % len(Position) != Position.NONE
    return [tuple(name for name, found in zip(names, word, strict=True) if found) for word in inside]


def _columns_of_words(model: TrainedModel, sentence: Sequence[str]) -> list[tuple[str, ...]]:
    """Return for each word what the columns say that the model takes."""
    said = [column_of(sentence, name) for name in model.encoder.columns.values]
    return [tuple(values[i] for values in said) for i in range(len(sentence))]
