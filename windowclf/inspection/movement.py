"""Where training moved a model's vectors: each word's before and after, side by side.

V words, D dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.config_io import with_value
from windowclf.encoding.vocabulary import N_SPECIAL, UNKNOWN, count_rows, count_tuned
from windowclf.errors import ConfigError, ModelFileError, VectorsError, WindowClfError
from windowclf.model.scorer import Pipeline
from windowclf.model.storage import StoredModel
from windowclf.training.fit import carry_movement
from windowclf.vectors.selection import open_vectors, take_vectors
from windowclf.vectors.word_vectors import WordVectors


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
        How often training read each vector, in whatever spelling of the word; 0 for those it never read.
    before, after : arrays (V, D) of float32
        Scaled as in the model. With two channels, after is the tuned copy where there is one.
    """

    vectors: str
    words: list[str]
    counts: Ints
    before: Floats
    after: Floats

    @cached_property
    def distances(self) -> Floats:
        """How far each word moved, (V,), Euclidean; exactly 0 for those that did not."""
        found: Floats = np.linalg.norm(self.after - self.before, axis=1)
        return found

    @cached_property
    def mean_norm(self) -> float:
        """The mean length of a vector before training, which distances are measured by."""
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
    pipeline: Pipeline,
    *,
    vectors: WordVectors | str | None = None,
    member: int = 1,
    most: int = 0,
    include: Sequence[str] = (),
) -> Movement:
    """Set the vectors of a tuned model beside those that they were before training.

    Parameters
    ----------
    pipeline : Pipeline
        With tuned vectors, or with two channels.
    vectors : WordVectors or str, optional
        The pretrained set or where it is now; default: as the model names it. Of two channels, the model has
        it itself; vectors that were drawn at random are drawn again.
    member : int
        Which network of an ensemble, from 1.
    most : int
        Words to take: all that training read, and the most frequent others up to so many in all. 0: all.
    include : sequence of str
        Words to take in any case, in any spelling that the model knows.

    Raises
    ------
    ConfigError
        If the model's vectors are frozen, or there is no such network.
    VectorsError
        If the pretrained set is not there, or is another one than the model was trained from; or if a word
        of `include` has no vector.
    ModelFileError
        If vectors that training never read are not as they were in the set.
    """
    stored = pipeline.stored
    tuning = stored.config.model.tuning
    if tuning == "frozen":
        raise ConfigError(
            "nothing moved: the vectors of this model are frozen",
            where="model.tuning",
            found=tuning,
            allowed="tuned, two-channel",
        )
    if not 1 <= member <= len(pipeline.members):
        allowed = f"1 to {len(pipeline.members)}"
        raise ConfigError("the model has no such network", where="member", found=member, allowed=allowed)
    vocabulary, parameters = stored.vocabulary, pipeline.members[member - 1].parameters
    counts = count_rows(vocabulary, vocabulary.training_counts)
    n = max(most, len(counts)) if most else len(vocabulary)
    further = {row for word in include if (row := row_of(stored, word)) >= n}
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
        # models that are kept in 16 bits are compared in 16 bits
        before, after = _pretrained(stored, words, vectors).astype(now.dtype), now[rows]
        is_others = counts_of == 0
        if "carried" not in stored.info and not np.array_equal(before[is_others], after[is_others]):
            raise ModelFileError(
                "vectors that training never read are not those of the pretrained set",
                where=stored.info["vectors"]["name"],
                hint="Was the model changed after its training?",
            )
    name = stored.info["vectors"]["name"]
    before, after = (side.astype(np.float32, copy=False) for side in (before, after))
    return Movement(name, words, counts_of, before, after)


def row_of(stored: StoredModel, word: str) -> int:
    """Return the number of a word's vector in the model, looked up as in a text.

    Raises
    ------
    VectorsError
        If it has none.
    """
    id_, _ = stored.vocabulary.find(word)
    if id_ == UNKNOWN:
        raise VectorsError("this word has no vector in the model", found=word)
    return id_ - N_SPECIAL


def _pretrained(stored: StoredModel, words: list[str], given: WordVectors | str | None) -> Floats:
    """Return the vectors (V, D) of words as they were before training."""
    info = stored.info["vectors"]
    name = stored.config.model.vectors if given is None else given
    hint = "Give them: the same set from another place will do."
    try:
        found = open_vectors(name, stored.vocabulary.training_counts, stored.config.training.seed)
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


def carry_anew(pipeline: Pipeline, movement: Movement, *, method: str, strength: float) -> Pipeline:
    """Carry the movement of a trained model over to the words that training never read, as training can.

    The model is as if it had been trained so (`training.carry`), so that strengths can be compared without
    training again; its correction of probabilities is left as it is.

    Parameters
    ----------
    pipeline : Pipeline
        Of one network with tuned vectors; not changed.
    movement : Movement
        Of all its words.
    method : {"ridge", "neighbours"}
    strength : float
        In [0, 1].

    Raises
    ------
    ConfigError
        If the model is another, the movement was carried over already or is not of all words, or there is no
        such method or strength.
    """
    stored = pipeline.stored
    if len(pipeline.members) > 1 or "carried" in stored.info or stored.config.model.tuning != "tuned":
        raise ConfigError(
            "no movement that could be carried over",
            allowed="a model of one network with tuned vectors, whose movement was not carried over yet",
        )
    if len(movement.words) != len(stored.vocabulary):
        raise ConfigError(
            "the movement is not of all words of the model",
            found=len(movement.words),
            allowed=str(len(stored.vocabulary)),
        )
    config = with_value(stored.config, "training.carry", method, where="method")
    config = with_value(config, "training.carry_strength", strength, where="strength")
    parameters = stored.parameters | {"vectors": movement.after.copy()}
    carried = Pipeline(replace(stored, config=config, parameters=parameters, info=dict(stored.info)))
    counts = stored.vocabulary.training_counts
    n_tuned = count_tuned(stored.vocabulary, counts, config.training.tuned_from_count)
    carry_movement(carried, movement.before[:n_tuned])
    return carried
