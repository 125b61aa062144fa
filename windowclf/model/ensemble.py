"""Ensembles: several networks of one shape, trained separately, whose mean scores count.

The mean of scores is, up to a constant, that of log probabilities. With a sentence-level loss, the mean of
the transitions is taken too: the result is the normalised product of the members' distributions.

N windows, K window width, U distinct words, J ids of a word, C labels, M members.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import Config, ModelConfig
from windowclf.model.network import WindowModel

_Value = TypeVar("_Value")


def shared_parameters(config: ModelConfig) -> tuple[str, ...]:
    """Return the names of parameters that training does not change: they are stored once."""
    return () if config.tuning == "tuned" else ("vectors",)


def ensemble_shapes(config: Config, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of a model, given those of one member."""
    return join_parameters(config.model, [shapes] * config.training.ensemble)


def join_parameters(config: ModelConfig, members: Sequence[Mapping[str, _Value]]) -> dict[str, _Value]:
    """Return the parameters of M members, or their shapes, in one dict; those of member m are ``m.name``."""
    if len(members) == 1:
        return dict(members[0])
    shared = shared_parameters(config)
    joined = {name: members[0][name] for name in shared}
    for m, parameters in enumerate(members):
        joined |= {f"{m}.{name}": value for name, value in parameters.items() if name not in shared}
    return joined


def part_parameters(parameters: Mapping[str, Floats], n_members: int) -> list[dict[str, Floats]]:
    """Return the parameters of each member: the inverse of `join_parameters`."""
    if n_members == 1:
        return [dict(parameters)]
    shared = {name: value for name, value in parameters.items() if not name.partition(".")[0].isdecimal()}
    parts = [dict(shared) for _ in range(n_members)]
    for name, value in parameters.items():
        if name not in shared:
            number, _, own = name.partition(".")
            parts[int(number)][own] = value
    return parts


def build_members(config: Config, parameters: Mapping[str, Floats]) -> tuple[WindowModel, ...]:
    """Return the networks of a model with these parameters."""
    parts = part_parameters(parameters, config.training.ensemble)
    return tuple(WindowModel(config.model, config.features, part) for part in parts)


def vectors_of(parameters: Mapping[str, Floats], name: str = "vectors") -> Floats | None:
    """Return the pretrained vectors (V, D), or another table, of the first member; None if it has none."""
    return parameters.get(name, parameters.get(f"0.{name}"))


def widened(members: Sequence[WindowModel], layer: str) -> tuple[Floats, Floats]:
    """Return W and b, in float32, of one layer that computes a layer of all members side by side.

    Hidden units of different members are not connected: W (M · n_in, M · n_out) is block-diagonal. The output
    layer takes the mean: W (M · n_in, C).
    """
    weights = [member.parameters[f"{layer}.W"].astype(np.float32) for member in members]
    biases = [member.parameters[f"{layer}.b"].astype(np.float32) for member in members]
    if len(members) == 1:
        return weights[0], biases[0]
    if layer == "output":
        return np.concatenate(weights) / np.float32(len(members)), np.mean(biases, axis=0)
    from scipy.linalg import block_diag

    return block_diag(*weights), np.concatenate(biases)


class Ensemble:
    """M networks, at least one, of one shape over the same words."""

    def __init__(self, members: Sequence[WindowModel]) -> None:
        self.members = tuple(members)

    def scores(self, words: Ints, windows: Ints) -> Floats:
        """Return the mean of the members' scores (N, C); arguments as of `WindowModel.scores`."""
        total = self.members[0].scores(words, windows)
        for member in self.members[1:]:
            total += member.scores(words, windows)
        total /= len(self.members)
        return total

    @property
    def transitions(self) -> Floats | None:
        """The mean of the members' transitions (C + 1, C + 1); None with a word-level loss."""
        found = [m.parameters["transitions"] for m in self.members if "transitions" in m.parameters]
        if len(found) < 2:
            return found[0] if found else None
        return np.asarray(np.mean(found, axis=0))
