"""Where training moved a model's vectors: each word's before and after, side by side.

V words, D dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.encoding import N_SPECIAL, UNKNOWN, count_rows
from windowclf.errors import ConfigError, ModelFileError, VectorsError, WindowClfError
from windowclf.model import TrainedModel, WindowModel
from windowclf.vectors import WordVectors, open_vectors, take_vectors


@dataclass(frozen=True, eq=False)
class Movement:
    """The vectors of a model before and after training.

    Attributes
    ----------
    vectors : str
        Name of the pretrained set.
    words : list of str
        V words: those of training first, then the most frequent others of the set.
    counts : array (V,)
        How often training read each vector, in any spelling of the word.
    before, after : arrays (V, D) of float32
        Scaled as in the model. With two channels, `after` has the tuned copies where they exist.
    """

    vectors: str
    words: list[str]
    counts: Ints
    before: Floats
    after: Floats

    @cached_property
    def distances(self) -> Floats:
        """The Euclidean distance that each word moved (V,); exactly 0 for those that did not."""
        found: Floats = np.linalg.norm(self.after - self.before, axis=1)
        return found

    @cached_property
    def mean_norm(self) -> float:
        """The mean norm of a vector before training, the unit of relative distances."""
        return float(np.linalg.norm(self.before, axis=1).mean())

    @property
    def has_moved(self) -> Bools:
        """Which vectors differ, (V,)."""
        moved: Bools = (self.before != self.after).any(axis=1)
        return moved

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}


def trace_movement(
    model: TrainedModel,
    *,
    vectors: WordVectors | str | None = None,
    member: int = 1,
    most: int = 0,
    include: Sequence[str] = (),
) -> Movement:
    """Return the vectors of a tuned model, or one of two channels, before and after training.

    Parameters
    ----------
    vectors : WordVectors or str, optional
        The pretrained set or its location; default: as named in the model. A model of two channels holds it;
        random vectors are drawn again.
    member : int
        Which network of an ensemble, from 1.
    most : int
        Maximal number of words: all that training read, then the most frequent others. 0: all.
    include : sequence of str
        Further words, in any spelling that the model knows.

    Raises
    ------
    ConfigError
        If the model's vectors are frozen, or there is no such network.
    VectorsError
        If the pretrained set is missing or not the one that the model was trained from, or a word of
        `include` has no vector.
    ModelFileError
        If vectors that training never read differ from the set.
    """
    tuning = model.config.model.tuning
    if tuning == "frozen":
        raise ConfigError(
            "the vectors of this model are frozen, so none of them moved",
            where="model.tuning",
            found=tuning,
            allowed="tuned, two-channel",
        )
    name, vocabulary = model.info["vectors"]["name"], model.vocabulary
    parameters = find_member(model, member).parameters
    counts = count_rows(vocabulary, vocabulary.training_counts)
    n = max(most, len(counts)) if most else len(vocabulary)
    further = {row for word in include if (row := row_of(model, word)) >= n}
    rows = np.array([*range(min(n, len(vocabulary))), *sorted(further)], np.int64)
    words = [vocabulary.words[row] for row in rows]
    counts_of = np.array([counts[row] for row in rows.tolist()], np.int64)
    now = parameters["vectors"]
    if tuning == "two-channel":
        before, after = now[rows], now[rows]  # two copies
        tuned = parameters["tuned_vectors"]
        is_tuned = rows < len(tuned)
        after[is_tuned] = tuned[rows[is_tuned]]
    else:
        # models stored in 16 bits are compared in 16 bits
        before, after = _pretrained(model, words, vectors).astype(now.dtype), now[rows]
        is_others = counts_of == 0
        if "carried" not in model.info and not np.array_equal(before[is_others], after[is_others]):
            raise ModelFileError(
                "vectors that training never read are not those of the pretrained set",
                where=name,
                hint="Was the model changed after its training?",
            )
    before, after = (side.astype(np.float32, copy=False) for side in (before, after))
    return Movement(name, words, counts_of, before, after)


def find_member(model: TrainedModel, member: int) -> WindowModel:
    """Return a network of an ensemble by its number, from 1; another model has one."""
    if not 1 <= member <= len(model.members):
        allowed = f"1 to {len(model.members)}"
        raise ConfigError("the model has no such network", where="member", found=member, allowed=allowed)
    return model.members[member - 1]


def row_of(model: TrainedModel, word: str) -> int:
    """Return the row of a word's vector, looked up as in a text; raise VectorsError if it has none."""
    id_, _ = model.vocabulary.find(word)
    if id_ == UNKNOWN:
        raise VectorsError("this word has no vector in the model", found=word)
    return id_ - N_SPECIAL


def _pretrained(model: TrainedModel, words: list[str], given: WordVectors | str | None) -> Floats:
    """Return the vectors (V, D) of words as they were before training."""
    info = model.info["vectors"]
    name = model.config.model.vectors if given is None else given
    hint = "Give them by name or path (--vectors)."
    try:
        found = open_vectors(name, model.vocabulary.training_counts, model.config.training.seed)
    except WindowClfError as error:
        raise VectorsError(
            f"the vectors that this model was trained from cannot be loaded: {error.problem}",
            where=error.where,
            found=error.found or name,
            hint=hint,
        ) from error
    if found.sha256 != info["sha256"]:
        raise VectorsError(
            "these are not the vectors that the model was trained from",
            where=found.name,
            found=f"sha256 {found.sha256}",
            allowed=f"sha256 {info['sha256']}",
            hint=hint,
        )
    scale = info["scale"]
    return take_vectors(found, words, scale if isinstance(scale, list) else [scale])
