"""Words to vector numbers: the words that have a vector, and how often each word stood in training."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

UNKNOWN = 0
BOUNDARY = 1
N_SPECIAL = 2  # ids below this stand for vectors of their own, beside the pretrained ones

_DIGIT = re.compile(r"[0-9]")


class Match(IntEnum):
    """How a word was found among the vectors; the steps are tried in this order."""

    EXACT = 0
    LOWER_CASED = 1
    DIGITS_FOLDED = 2
    UNKNOWN = 3


class Vocabulary:
    """The words of a model.

    Parameters
    ----------
    words : sequence of str
        Words that have a vector; the vector of `words[i]` has id `i + N_SPECIAL`.
    training_counts : mapping of str to int
        How often each word, as written, stood in the training data.
    """

    def __init__(self, words: Sequence[str], training_counts: Mapping[str, int]) -> None:
        self.words = list(words)
        self.training_counts = dict(training_counts)
        self._ids = {word: i + N_SPECIAL for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def find(self, token: str) -> tuple[int, Match]:
        """Return the id of a token's vector and how it was found; UNKNOWN where there is none.

        Tried in turn: the token itself, lower-cased, lower-cased with every digit as 0 (GloVe's vocabulary
        has `0000`, `0.0` and the like).
        """
        ids = self._ids
        if (found := ids.get(token)) is not None:
            return found, Match.EXACT
        lower = token.lower()
        if (found := ids.get(lower)) is not None:
            return found, Match.LOWER_CASED
        if (found := ids.get(_DIGIT.sub("0", lower))) is not None:
            return found, Match.DIGITS_FOLDED
        return UNKNOWN, Match.UNKNOWN

    def seen(self, token: str) -> bool:
        """Say whether the token, as written, stood in the training data."""
        return token in self.training_counts


def choose_words(
    available: Vocabulary | Sequence[str], training_counts: Mapping[str, int], limit: int
) -> list[str]:
    """Choose which words' vectors a model keeps: those that training uses, then the most frequent others.

    Parameters
    ----------
    available : sequence of str
        All words of the pretrained set, most frequent first, or a vocabulary of them.
    training_counts : mapping of str to int
        The words of the training data, as written.
    limit : int
        Most words to keep, those of training included; these are kept even beyond it. 0: all.

    Returns
    -------
    list of str
        Words of training first, so that what tuning can change is one block of rows; each part in the
        order of `available`.
    """
    everything = available if isinstance(available, Vocabulary) else Vocabulary(available, {})
    found = Counter(everything.find(token) for token in training_counts)
    used = sorted(id_ - N_SPECIAL for id_, match in found if match is not Match.UNKNOWN)
    used = list(dict.fromkeys(used))
    is_used = set(used)
    n_others = len(everything) if limit == 0 else max(0, limit - len(used))
    others = (i for i in range(len(everything)) if i not in is_used)
    chosen = used + [i for i, _ in zip(others, range(n_others), strict=False)]
    return [everything.words[i] for i in chosen]


def count_words(sentences: Iterable[Sequence[str]]) -> Counter[str]:
    """Count every word, as written."""
    counts: Counter[str] = Counter()
    for tokens in sentences:
        counts.update(tokens)
    return counts


def describe_coverage(found: Mapping[str, int], *, words: str = "words", vectors: str = "") -> str:
    """Say in words what `coverage` counted, of which tokens and, if that is named, in which vectors."""
    n = sum(found.values())
    where = f" in {vectors}" if vectors else ""
    return (
        f"{100 * (n - found['unknown']) / n:.2f} % of {n:,} {words} have a vector{where}: "
        f"{found['exact']:,} as written, {found['lower_cased']:,} lower-cased, "
        f"{found['digits_folded']:,} with digits folded; {found['unknown']:,} have none"
    )


def coverage(counts: Mapping[str, int], vocabulary: Vocabulary) -> dict[str, int]:
    """Count the tokens found at each step of :meth:`Vocabulary.find`, and those without a vector."""
    result = {match.name.lower(): 0 for match in Match}
    for token, count in counts.items():
        result[vocabulary.find(token)[1].name.lower()] += count
    return result
