"""What tuning did to the vectors: how far each word moved, and which words it left behind.

Training moves the words that it reads. A word that it never reads stays where it was, while the words it used
to stand among may move away: it is *stranded*, and what the network learnt of them no longer holds for it.

V words, D dimensions, k neighbours, S words asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import VectorsError
from windowclf.inspection.movement import Movement
from windowclf.vectors.neighbours import nearest_rows, unit_rows

N_NEIGHBOURS = 10
_ROWS_AT_ONCE = 4096  # words whose neighbours' vectors are gathered at a time; bounds memory


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Words, their nearest neighbours among the pretrained vectors, and how near these are now.

    Attributes
    ----------
    rows : array (S,)
        Rows of the movement.
    neighbours : array (S, k)
        Rows too: the k other words of highest cosine before training, highest first.
    before, after : arrays (S, k) of float32
        Cosines of word and neighbour before and after training.
    """

    rows: Ints
    neighbours: Ints
    before: Floats
    after: Floats

    @property
    def scores(self) -> Floats:
        """How far each word is stranded, (S,): the mean over its neighbours of cosine before - cosine after.

        0 where nothing changed between them; below 0 where they came nearer; at most 2.
        """
        mean: Floats = (self.before - self.after).mean(axis=1)
        return mean


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word near another: how often training read it, and the cosine of the two before and after."""

    word: str
    count: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class WordDrift:
    """What became of a word.

    Attributes
    ----------
    word : str
        As the vectors have it.
    count : int
        How often training read its vector, in whatever spelling; 0: never.
    distance : float
        How far it moved, Euclidean, in the units of the model's vectors.
    relative : float
        The same by the mean length of a vector before training.
    cosine : float
        Of its vectors before and after.
    stranded : float
        As `Surroundings.scores`.
    nearest_before, nearest_after : tuple of Neighbour
        The k words of highest cosine before training, and after it.
    """

    word: str
    count: int
    distance: float
    relative: float
    cosine: float
    stranded: float
    nearest_before: tuple[Neighbour, ...]
    nearest_after: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """What tuning did to the vectors of a model.

    Attributes
    ----------
    vectors : str
        The pretrained set.
    words, seen, moved : int
        Words looked at; of these, those that training read, and those that moved.
    mean_norm : float
        Mean length of a vector before training.
    median_relative : float
        Median over the words that moved of how far, by that length; 0 if none did.
    stranded : int
        Words that training never read whose neighbours moved away from them on the whole.
    furthest : tuple of WordDrift
        Those that moved furthest.
    most_stranded : tuple of WordDrift
        Of those that training never read, those whose neighbours moved away from them most, worst first.
    chosen : tuple of WordDrift
        Those asked for.
    """

    vectors: str
    words: int
    seen: int
    moved: int
    mean_norm: float
    median_relative: float
    stranded: int
    furthest: tuple[WordDrift, ...]
    most_stranded: tuple[WordDrift, ...]
    chosen: tuple[WordDrift, ...]


def find_surroundings(movement: Movement, rows: Ints, *, k: int = N_NEIGHBOURS) -> Surroundings:
    """Find the k words nearest to each of S words before training, and measure how near they are now.

    All V words of the movement are searched, a part at a time: V · S · D multiplications.

    Parameters
    ----------
    movement : Movement
    rows : array (S,)
    k : int
        At least 1.

    Raises
    ------
    VectorsError
        If k is below 1, or there are no k other words.
    """
    before, after = unit_rows(movement.before), unit_rows(movement.after)
    return _surroundings(before, after, rows, _nearest(before, rows, k))


def find_stranded(movement: Movement, *, k: int = N_NEIGHBOURS) -> Surroundings:
    """Find the words that training never read and whose neighbours moved away from them, worst first.

    A word u is stranded by

        score(u) = 1/k Σ_{n in N(u)} [cos(b_u, b_n) - cos(a_u, a_n)]

    where b are the vectors before training and a those after, and N(u) the k words other than u, read by
    training or not, of highest cosine to u before training. A neighbour that did not move adds nothing (u
    itself moved only if the movement was carried over to it). Words of score 0 or less are left out.

    Parameters
    ----------
    movement : Movement
    k : int
        At least 1.

    Raises
    ------
    VectorsError
        If k is below 1, or there are no k other words.
    """
    found = find_surroundings(movement, np.flatnonzero(movement.counts == 0), k=k)
    scores = found.scores
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    return Surroundings(found.rows[order], found.neighbours[order], found.before[order], found.after[order])


def describe_drift(
    movement: Movement,
    *,
    n: int = 10,
    k: int = N_NEIGHBOURS,
    words: Sequence[str] = (),
    stranded: Surroundings | None = None,
) -> Drift:
    """Say which words moved furthest, which ones were stranded, and what became of some words.

    Parameters
    ----------
    movement : Movement
    n : int
        How many words of each kind.
    k : int
        How many neighbours of each.
    words : sequence of str
        Those asked for, as the vectors have them.
    stranded : Surroundings, optional
        What `find_stranded` found with the same k, if that is known.

    Raises
    ------
    VectorsError
        If k is below 1, there are no k other words, or a word asked for is not in the movement.
    """
    if missing := [word for word in words if word not in movement.rows]:
        raise VectorsError("this word is not among those looked at", found=missing[0])
    stranded = find_stranded(movement, k=k) if stranded is None else stranded
    moved = movement.distances[movement.has_moved]
    order = np.argsort(-movement.distances, kind="stable")[:n]
    groups = [
        order[movement.distances[order] > 0],
        stranded.rows[:n],
        np.array([movement.rows[word] for word in words], np.int64),
    ]
    described = _describe(movement, np.concatenate(groups), k)
    ends = np.cumsum([len(group) for group in groups])
    return Drift(
        movement.vectors,
        len(movement.words),
        int((movement.counts > 0).sum()),
        len(moved),
        movement.mean_norm,
        float(np.median(moved)) / movement.mean_norm if len(moved) else 0.0,
        len(stranded.rows),
        tuple(described[: ends[0]]),
        tuple(described[ends[0] : ends[1]]),
        tuple(described[ends[1] :]),
    )


def _describe(movement: Movement, rows: Ints, k: int) -> list[WordDrift]:
    before, after = unit_rows(movement.before), unit_rows(movement.after)
    surroundings = _surroundings(before, after, rows, _nearest(before, rows, k))
    now = _surroundings(before, after, rows, _nearest(after, rows, k))
    kept = np.einsum("sd,sd->s", before[rows], after[rows])
    distances = movement.distances[rows]
    return [
        WordDrift(
            movement.words[row],
            int(movement.counts[row]),
            float(distances[i]),
            float(distances[i]) / movement.mean_norm,
            float(kept[i]),
            float(score),
            _neighbours(movement, surroundings, i),
            _neighbours(movement, now, i),
        )
        for i, (row, score) in enumerate(zip(rows.tolist(), surroundings.scores, strict=True))
    ]


def _neighbours(movement: Movement, surroundings: Surroundings, i: int) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(movement.words[row], int(movement.counts[row]), float(before), float(after))
        for row, before, after in zip(
            surroundings.neighbours[i].tolist(), surroundings.before[i], surroundings.after[i], strict=True
        )
    )


def _nearest(units: Floats, rows: Ints, k: int) -> Ints:
    if not 1 <= k < len(units):
        allowed = f"1 to {len(units) - 1}, of {len(units)} words"
        raise VectorsError("wrong number of neighbours", found=k, allowed=allowed)
    return nearest_rows(units[rows], units, k, own=rows)[0]


def _surroundings(before: Floats, after: Floats, rows: Ints, neighbours: Ints) -> Surroundings:
    """Measure both cosines in one and the same way, so that they are equal where nothing moved."""
    cosines = []
    for units in (before, after):
        found = np.empty(neighbours.shape, np.float32)
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            found[part] = np.einsum("sd,skd->sk", units[rows[part]], units[neighbours[part]])
        cosines.append(found)
    return Surroundings(rows, neighbours, *cosines)
