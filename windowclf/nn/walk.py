"""The order in which the words of several sentences are gone through, all sentences at once."""

from dataclasses import dataclass

import numpy as np

from windowclf.arrays import Ints


@dataclass(frozen=True, slots=True)
class Walk:
    """The words of a batch, ordered so that the sentences are walked side by side without padding.

    The sentences are sorted longest first. In the new order stand the first words of all, then the second
    words of those that have one, and so on: at each step the open sentences are the first few.

    Attributes
    ----------
    words : array (N,)
        Of each place in the new order, the number of the word in the batch.
    sentences : array (N,)
        Of each place, the number of its sentence in the batch.
    n_open : list of int
        Of each step, the number of sentences that have a word there.
    begins : list of int
        Of each step, its first place; and N.
    last : array
        The places of the last words of all sentences but the empty ones, longest sentence first.
    previous : array
        Of each place from the second step on, the place of the word before.
    n_sentences : int
        S, with the empty ones.
    """

    words: Ints
    sentences: Ints
    n_open: list[int]
    begins: list[int]
    last: Ints
    previous: Ints
    n_sentences: int

    @classmethod
    def of(cls, lengths: Ints) -> "Walk":
        """Order the words of sentences of these lengths, (S,)."""
        order = np.argsort(-lengths, kind="stable")
        order = order[: np.count_nonzero(lengths)]
        longest_first = lengths[order]
        T = int(longest_first[0]) if len(order) else 0
        n_open = np.searchsorted(-longest_first, -np.arange(T))
        begins = np.concatenate([[0], np.cumsum(n_open)])
        steps = np.repeat(np.arange(T), n_open)
        ranks = np.arange(len(steps)) - begins[steps]
        firsts = np.cumsum(lengths) - lengths
        later = slice(len(order), None)
        return cls(
            words=firsts[order][ranks] + steps,
            sentences=order[ranks],
            n_open=n_open.tolist(),
            begins=begins.tolist(),
            last=begins[longest_first - 1] + np.arange(len(order)),
            previous=begins[steps[later] - 1] + ranks[later],
            n_sentences=len(lengths),
        )

    def step(self, t: int) -> tuple[slice, slice]:
        """Return the places of a step, and those of the words before; t from 1 on."""
        begin, before = self.begins[t], self.begins[t - 1]
        return slice(begin, begin + self.n_open[t]), slice(before, before + self.n_open[t])
