"""How tuning changed the vectors of a study's models: words that moved, words left behind, a picture of both.

P chosen words, D dimensions.
"""

from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from windowclf.arrays import Floats
from windowclf.encoding import count_tuned
from windowclf.errors import VectorsError
from windowclf.inspection import (
    Drift,
    Movement,
    Surroundings,
    describe_drift,
    find_stranded,
    pair_stranded,
    replace_words,
    row_of,
    trace_movement,
)
from windowclf.model import load_model
from windowclf.runs.study.data import StudyData
from windowclf.runs.study.modes import BASELINE, TUNED
from windowclf.runs.study.results import ProjectedWord, Replaced, SizeDrift

CHOSEN = ("TV", "telly", "television")  # the example of the lecture that asked the question
_MOST_OTHERS = 15_000  # words that training never read, the most frequent ones
_MOST_PLACES = 5_000  # positions where a word is replaced
_SHOWN = 10  # words per list
_SHOWN_PAIRS = 4  # stranded words in the picture, each with the neighbour that left it


def drift_of_size(size: str, models: Path, data: StudyData) -> SizeDrift:
    """Return how tuning changed the vectors at a size, in the models of the first seed in `models`."""
    trained = {mode: load_model(models / f"{size}-{mode}").compile() for mode in (BASELINE, TUNED)}
    tuned = trained[TUNED]
    chosen = []
    for word in CHOSEN:
        with suppress(VectorsError):
            row_of(tuned, word)
            chosen.append(word)
    vocabulary = tuned.vocabulary
    most = count_tuned(vocabulary, vocabulary.training_counts) + _MOST_OTHERS
    movement = trace_movement(tuned, vectors=data.vectors, most=most, include=chosen)
    stranded = find_stranded(movement)
    found = describe_drift(movement, n=_SHOWN, stranded=stranded)
    words = [vocabulary.words[row_of(tuned, word)] for word in chosen]
    pairs = pair_stranded(movement, stranded)
    replaced = []
    for mode, model in trained.items():
        counts = replace_words(model, pairs, data.test.sentences, data.test.labels, most=_MOST_PLACES)
        if counts.places:
            assert counts.right_before is not None and counts.right_after is not None
            right = counts.right_before, counts.right_after
            replaced.append(Replaced(mode, counts.places, counts.changed, *right))
    return SizeDrift(
        size,
        f"{models.name}/{size}-{TUNED}",
        found.words,
        found.seen,
        found.moved,
        found.stranded,
        found.median_relative,
        found.furthest,
        found.most_stranded,
        _project(movement, [*words, *_examples(movement, stranded, found)]),
        tuple(replaced),
    )


def read_drift(path: Path) -> SizeDrift | None:
    """Read the drift of a size; None if there is no such file, or it is cut short."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SizeDrift)
    except (msgspec.DecodeError, OSError):
        return None


def _examples(movement: Movement, stranded: Surroundings, found: Drift) -> list[str]:
    """Return the worst stranded words, each with the word read in training that moved furthest from it."""
    words = []
    for i in range(min(_SHOWN_PAIRS, len(stranded.rows))):
        lost = stranded.before[i] - stranded.after[i]
        lost[movement.counts[stranded.neighbours[i]] == 0] = -np.inf
        words.append(movement.words[stranded.rows[i]])
        if np.isfinite(lost).any():
            words.append(movement.words[stranded.neighbours[i][int(lost.argmax())]])
    return words + [word.word for word in found.furthest[:_SHOWN_PAIRS]]


def _project(movement: Movement, words: list[str]) -> tuple[ProjectedWord, ...]:
    """Return words on the first two principal components of their vectors before and after, (2P, D)."""
    words = list(dict.fromkeys(words))
    rows = [movement.rows[word] for word in words]
    points = np.concatenate([movement.before[rows], movement.after[rows]]).astype(np.float64)
    plane = _principal_plane(points)
    before, after = np.split(plane, 2)
    return tuple(
        ProjectedWord(word, int(movement.counts[row]), (float(b[0]), float(b[1])), (float(a[0]), float(a[1])))
        for word, row, b, a in zip(words, rows, before, after, strict=True)
    )


def _principal_plane(points: Floats) -> Floats:
    """Return points (n, D) on their first two principal components (n, 2), with fixed signs."""
    centred = points - points.mean(axis=0)
    components = np.linalg.svd(centred, full_matrices=False)[2][:2]
    largest = np.abs(components).argmax(axis=1)
    components *= np.sign(components[np.arange(len(components)), largest])[:, None]
    plane = np.zeros((len(points), 2))
    plane[:, : len(components)] = centred @ components.T
    return plane
