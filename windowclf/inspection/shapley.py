"""Why a word got its label: what each word of its window pushed towards or against it.

N words, K window width, C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from pathlib import Path

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.encoding import ABSENT_ROW, Position, column_of, is_entity_list
from windowclf.errors import WindowClfError
from windowclf.model import Ensemble, TrainedModel, WindowModel

WIDEST = 13  # 2^13 windows per word
PRINTED_ALIKE = 5e-5  # probabilities that differ by less


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one word was labelled.

    Attributes
    ----------
    label, probability : str, float
        As `TrainedModel.tag` gives them.
    note : str
        Why the first of `probabilities` is another label, or another probability; empty where they are equal.
    learnt_as : str
        The label in the internal scheme (`model.inner_scheme`).
    probabilities : tuple of (label, probability)
        All labels of the internal scheme, most probable first, as `TrainedModel.predict_proba` gives them.
    window : tuple of (str or None)
        The K words of the window; None stands for the sentence boundary.
    lists, columns : tuples of tuple of str
        For each of them the gazetteers with a phrase that it is in, names of files or `entities:TYPE`; and
        its values in the columns that the model reads beside the words.
    contributions : tuple of float
        For each of them its Shapley value: its part in the label's score. They sum to `score - empty_score`.
    score, empty_score : float
        The label's score of this window, before it becomes a probability, and that of a window of absent
        words. The transitions of a sentence-level loss are not part of it.
    """

    token: str
    label: str
    probability: float
    note: str
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
    """Compute the exact Shapley value of every position of windows (N, K) for the score of a label (N,).

    phi_k = Σ_{S without k} |S|! (K - |S| - 1)! / K! · (score(S with k) - score(S))
    (Shapley 1953, "A value for n-person games"; Lundberg & Lee 2017, section 2.3). Words outside S are
    absent: the unknown vector, no features, in no phrase of a gazetteer, with column values that training did
    not see. All 2^K subsets are scored. Returns the values (N, K), and the scores (N,) of the whole window
    and of the window without any word.
    """
    K = windows.shape[1]
    if K > WIDEST:
        found, allowed = f"a window of {K}", f"at most {WIDEST}"
        raise WindowClfError("exact Shapley values need 2^K windows per word", found=found, allowed=allowed)
    subsets = np.arange(1 << K)
    present = (subsets[:, None] >> np.arange(K)) & 1 == 1  # (2^K, K): the words of subset s
    # column c of weights: the weight of each subset's score in the value of position c
    sizes = present.sum(axis=1)
    joined = np.array([factorial(max(s - 1, 0)) * factorial(K - s) / factorial(K) for s in sizes])
    missing = np.array([factorial(s) * factorial(max(K - s - 1, 0)) / factorial(K) for s in sizes])
    weights = np.where(present, joined[:, None], -missing[:, None])
    values = np.zeros((len(windows), K))
    scores, empty_scores = np.zeros(len(windows)), np.zeros(len(windows))
    for n, window in enumerate(windows):
        coalitions = np.where(present, window, ABSENT_ROW).astype(windows.dtype)
        of_label = model.scores(words, coalitions)[:, labels[n]].astype(np.float64)
        values[n] = of_label @ weights
        scores[n], empty_scores[n] = of_label[-1], of_label[0]
    return values, scores, empty_scores


def explain(model: TrainedModel, sentence: Sequence[str]) -> list[Explanation]:
    """Explain the label of each word of a sentence.

    Labels and probabilities are those of tagging; contributions are to the score of the word's own window,
    without transitions. Raises WindowClfError if the window is wider than 13, and DataError if the sentence
    lacks a column.
    """
    if not sentence:
        return []
    encoded, around = model.encode([sentence])
    scores = model.network.scores(encoded.words, around)
    decoder = model.decoder
    probs = decoder.probabilities(scores, encoded.lengths)
    chosen = decoder.best(scores, encoded.lengths)
    (tagged,) = decoder.tag(scores, encoded.lengths, every=False)
    values, full_scores, empty_scores = shapley_values(model.network, encoded.words, around, chosen)
    names, half = model.labels.names, around.shape[1] // 2
    padded = [None] * half + list(sentence) + [None] * half
    outside: list[tuple[str, ...]] = [()] * half
    lists = outside + _lists_of_words(model, sentence) + outside
    read = [column_of(sentence, name) for name in model.encoder.columns.values]
    columns = outside + [tuple(column[i] for column in read) for i in range(len(sentence))] + outside
    explanations = []
    for i, (token, learnt_as) in enumerate(zip(sentence, (names[c] for c in chosen), strict=True)):
        ranked = tuple((names[c], float(probs[i, c])) for c in np.argsort(-probs[i], kind="stable"))
        notes = []
        if abs(tagged.probabilities[i] - probs[i, chosen[i]]) >= PRINTED_ALIKE:
            together = model.labels.output_ids == model.labels.output_ids[chosen[i]]
            merged = " and ".join(name for name, is_part in zip(names, together, strict=True) if is_part)
            notes.append(f"{tagged.labels[i]} is {merged} of the internal scheme together")
        if ranked[0][0] != learnt_as:
            causes = f"{learnt_as} is in the best tag sequence ({', '.join(describe_decoding(model))})"
            notes.append(f"{ranked[0][0]} is more probable by itself, {causes}")
        explanations.append(
            Explanation(
                token=token,
                label=tagged.labels[i],
                probability=tagged.probabilities[i],
                note="; ".join(notes),
                learnt_as=learnt_as,
                probabilities=ranked,
                window=tuple(padded[i : i + 2 * half + 1]),
                lists=tuple(lists[i : i + 2 * half + 1]),
                columns=tuple(columns[i : i + 2 * half + 1]),
                contributions=tuple(values[i].tolist()),
                score=float(full_scores[i]),
                empty_score=float(empty_scores[i]),
            )
        )
    return explanations


def describe_decoding(model: TrainedModel) -> list[str]:
    """Say what turns the scores of single words into the labels and probabilities of tagging."""
    calibration, labels = model.calibration, model.labels
    said = []
    if labels.scheme is not None:
        said.append(f"internal scheme {labels.internal_scheme}")
    if model.transitions is not None:
        said.append("transitions")
    if calibration.temperature != 1:
        said.append(f"temperature {calibration.temperature:.4g}")
    if calibration.outside_cost:
        said.append(f"O penalty {calibration.outside_cost:g}")
    return said


def _lists_of_words(model: TrainedModel, sentence: Sequence[str]) -> list[tuple[str, ...]]:
    """Return for each word the names of the gazetteers with a phrase that it is in."""
    names = [n if is_entity_list(n) else Path(n).name for n in model.config.features.gazetteers]
    rows = model.encoder.match(sentence, np.array([len(sentence)]))
    inside = rows % len(Position) != Position.NONE
    return [tuple(name for name, found in zip(names, word, strict=True) if found) for word in inside]
