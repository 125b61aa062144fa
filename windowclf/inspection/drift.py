"""How tuning changed the vectors: how far each word moved, and which words it left behind.

Training moves the words that it reads. A word that it never reads keeps its vector while its neighbours may
move away: it is *stranded*, and what the network learnt about them no longer holds for it.

V words, D dimensions, k neighbours, S words asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import VectorsError
from windowclf.inspection.movement import Movement
from windowclf.vectors import nearest_rows, unit_rows

N_NEIGHBOURS = 10
_ROWS_AT_ONCE = 4096  # words whose neighbours' vectors are gathered at once; bounds memory


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Words, their nearest neighbours among the pretrained vectors, and their cosines.

    `rows` (S,) are rows of the movement, `neighbours` (S, k) those of the k other words with the highest
    cosine before training, highest first. `before` and `after` (S, k), float32, are the cosines of word and
    neighbour before and after training.
    """

    rows: Ints
    neighbours: Ints
    before: Floats
    after: Floats

    @property
    def scores(self) -> Floats:
        """How far each word is stranded (S,): mean over its neighbours of cosine before - after."""
        mean: Floats = (self.before - self.after).mean(axis=1)
        return mean


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A neighbour of a word: how often training read it, and the cosine of the two before and after."""

    word: str
    count: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class WordDrift:
    """How the vector of a word changed.

    Attributes
    ----------
    word, count : str, int
        In the spelling of the vectors, and how often training read its vector, in any spelling.
    distance, relative : float
        The Euclidean distance that it moved, and the same divided by the mean norm before training.
    cosine, stranded : float
        Of its vectors before and after; as of `Surroundings.scores`.
    nearest_before, nearest_after : tuple of Neighbour
        The k words with the highest cosine before and after training.
    """

    word: str
    count: int
    distance: float
    relative: float
    cosine: float
    stranded: float
    nearest_before: tuple[Neighbour, ...]
    nearest_after: tuple[Neighbour, ...]


DRIFT_COLUMNS = ("word", "read", "moved", "cosine", "stranded", "nearest before (cosine now)", "nearest now")


def drift_row(word: WordDrift, n_neighbours: int) -> tuple[str, ...]:
    """Return the cells of `DRIFT_COLUMNS`, with so many neighbours; the last one is left to the caller."""
    before = ", ".join(f"{n.word} {n.before:.2f} ({n.after:.2f})" for n in word.nearest_before[:n_neighbours])
    numbers = f"{word.relative:.3f}", f"{word.cosine:.3f}", f"{word.stranded:+.3f}"
    return word.word, f"{word.count:,}", *numbers, before


@dataclass(frozen=True, slots=True)
class Drift:
    """How tuning changed the vectors of a model, by the name of the pretrained set.

    Attributes
    ----------
    words, seen, moved, stranded : int
        Words looked at; of these, those that training read, those that moved, and those that are stranded.
    mean_norm, median_relative : float
        Of a vector before training; the median relative distance of words that moved, 0 if none did.
    furthest, most_stranded, chosen : tuple of WordDrift
        Those that moved furthest, the most stranded ones, and those asked for.
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


def find_surroundings(
    movement: Movement, rows: Ints, *, k: int = N_NEIGHBOURS, after_training: bool = False
) -> Surroundings:
    """Find the k words nearest to each of S words, before or after training, and the cosines at both times.

    All V words of the movement are searched, a part at a time: V · S · D multiplications.
    """
    units = unit_rows(movement.before), unit_rows(movement.after)
    searched = units[after_training]
    if not 1 <= k < len(searched):
        allowed = f"1 to {len(searched) - 1}, of {len(searched)} words"
        raise VectorsError("wrong number of neighbours", found=k, allowed=allowed)
    neighbours = nearest_rows(searched[rows], searched, k, own=rows)[0]
    cosines = []
    for side in units:  # both in the same way, so that they are equal where nothing moved
        found = np.empty(neighbours.shape, np.float32)
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            found[part] = np.einsum("sd,skd->sk", side[rows[part]], side[neighbours[part]])
        cosines.append(found)
    return Surroundings(rows, neighbours, *cosines)


def find_stranded(movement: Movement, *, k: int = N_NEIGHBOURS) -> Surroundings:
    """Find the words that training never read and whose neighbours moved away from them, worst first.

    A word u is stranded by

        score(u) = 1/k Σ_{n in N(u)} [cos(b_u, b_n) - cos(a_u, a_n)]

    where b are the vectors before training and a those after, and N(u) the k other words with the highest
    cosine to u before training, read by training or not. A neighbour that did not move adds nothing, unless u
    itself moved because the movement was carried over. Words with a score of 0 or less are left out. Raises
    VectorsError if k is below 1, or there are fewer than k other words.
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
    """Return the words that moved furthest, the most stranded ones, and `words`.

    Parameters
    ----------
    n, k : int
        Words in each list, and neighbours of each word.
    words : sequence of str
        Those asked for, in the spelling of the vectors.
    stranded : Surroundings, optional
        The result of `find_stranded` with the same k, if known.

    Raises
    ------
    VectorsError
        If k is below 1, there are fewer than k other words, or a word of `words` is not in the movement.
    """
    if missing := [word for word in words if word not in movement.rows]:
        raise VectorsError("this word is not among those looked at", found=missing[0])
    stranded = find_stranded(movement, k=k) if stranded is None else stranded
    moved = movement.distances[movement.has_moved]
    order = np.argsort(-movement.distances, kind="stable")[:n]
    furthest = order[movement.distances[order] > 0]
    asked = np.array([movement.rows[word] for word in words], np.int64)
    described = iter(_describe(movement, np.concatenate([furthest, stranded.rows[:n], asked]), k))
    return Drift(
        movement.vectors,
        len(movement.words),
        int((movement.counts > 0).sum()),
        len(moved),
        movement.mean_norm,
        float(np.median(moved)) / movement.mean_norm if len(moved) else 0.0,
        len(stranded.rows),
        tuple(islice(described, len(furthest))),
        tuple(islice(described, len(stranded.rows[:n]))),
        tuple(described),
    )


def _describe(movement: Movement, rows: Ints, k: int) -> list[WordDrift]:
    then = find_surroundings(movement, rows, k=k)
    now = find_surroundings(movement, rows, k=k, after_training=True)
    kept = np.einsum("sd,sd->s", unit_rows(movement.before[rows]), unit_rows(movement.after[rows]))
    return [
        WordDrift(
            movement.words[row],
            int(movement.counts[row]),
            distance := float(movement.distances[row]),
            distance / movement.mean_norm,
            float(kept[i]),
            float(score),
            _neighbours(movement, then, i),
            _neighbours(movement, now, i),
        )
        for i, (row, score) in enumerate(zip(rows.tolist(), then.scores, strict=True))
    ]


def _neighbours(movement: Movement, surroundings: Surroundings, i: int) -> tuple[Neighbour, ...]:
    near = surroundings.neighbours[i].tolist(), surroundings.before[i], surroundings.after[i]
    return tuple(
        Neighbour(movement.words[row], int(movement.counts[row]), float(before), float(after))
        for row, before, after in zip(*near, strict=True)
    )
