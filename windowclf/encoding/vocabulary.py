"""The vocabulary: words with a vector, their ids, and their counts in the training data."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cached_property

from windowclf.arrays import Ints
from windowclf.corpus import is_utf8
from windowclf.encoding.word_index import WordLines
from windowclf.errors import DataError

UNKNOWN = 0
BOUNDARY = 1
N_SPECIAL = 2  # reserved ids: those below have vectors of their own, beside the pretrained ones

_DIGIT = re.compile(r"[0-9]")
_MOST_SEARCHES = 1000  # these take about half as long as building a dict


def fold_digits(word: str) -> str:
    """Return a word with every digit replaced by 0."""
    return _DIGIT.sub("0", word)


class Match(IntEnum):
    """How a word was found among the vectors, in the order in which the steps are tried."""

    EXACT = 0
    LOWER_CASED = 1
    DIGITS_FOLDED = 2
    UNKNOWN = 3


class Vocabulary:
    """The words of a model.

    Parameters
    ----------
    words : sequence of str or WordLines
        Distinct words that have a vector; word i has id `i + N_SPECIAL`. Lines are searched, until so many
        look-ups have been made that a dict pays.
    training_counts : mapping of str to int
        Number of occurrences in the training data of each word, as written.
    """

    def __init__(self, words: Sequence[str] | WordLines, training_counts: Mapping[str, int]) -> None:
        self._source = words if isinstance(words, WordLines) else list(words)
        self.training_counts = dict(training_counts)
        self._n_searches = 0
        self._known: dict[str, tuple[int, Match]] = {}  # of `find_all`
        self._id_of = self._search if isinstance(words, WordLines) else self._ids.get

    def __len__(self) -> int:
        return len(self._source)

    @cached_property
    def words(self) -> list[str]:
        """The words that have a vector."""
        return list(self._source)

    @cached_property
    def _ids(self) -> dict[str, int]:
        # backwards, so that of duplicates the first counts, as in a search
        return dict(zip(reversed(self.words), reversed(range(N_SPECIAL, N_SPECIAL + len(self))), strict=True))

    def build_index(self) -> None:
        """Build the dict now, not after many look-ups; before a fork, so that processes share it."""
        self._id_of = self._ids.get

    def _search(self, word: str) -> int | None:
        """Find the id of a word in the lines; from a number of searches on, in a dict."""
        self._n_searches += 1
        if self._n_searches > _MOST_SEARCHES:
            self.build_index()
            return self._ids.get(word)
        assert isinstance(self._source, WordLines)
        line = self._source.find(word)
        return None if line is None else line + N_SPECIAL

    def find(self, token: str) -> tuple[int, Match]:
        """Return the id of a token's vector and how it was found; UNKNOWN if it is out of vocabulary.

        Tried in turn: the token as written, lower-cased, lower-cased with every digit replaced by 0 (GloVe's
        vocabulary has `0000`, `0.0` and the like).
        """
        id_of = self._id_of
        if (found := id_of(token)) is not None:
            return found, Match.EXACT
        lower = token.lower()
        if (found := id_of(lower)) is not None:
            return found, Match.LOWER_CASED
        if (found := id_of(fold_digits(lower))) is not None:
            return found, Match.DIGITS_FOLDED
        return UNKNOWN, Match.UNKNOWN

    def find_all(self, tokens: Iterable[str]) -> Iterator[tuple[int, Match]]:
        """Yield `find` of each token; a word of the training data is looked up once and remembered."""
        for token in tokens:
            found = self._known.get(token)
            if found is None:
                found = self.find(token)
                if token in self.training_counts:
                    self._known[token] = found
            yield found

    def seen(self, token: str) -> bool:
        """Return whether the training data had the token, as written."""
        return token in self.training_counts


def choose_words(
    available: Vocabulary | Sequence[str],
    training_counts: Mapping[str, int],
    limit: int,
    *,
    tuned_from_count: int = 1,
) -> list[str]:
    """Choose the words whose vectors a model keeps: those of the training data, then frequent others.

    First come the words of the training data, and first of these the ones to be tuned, so that the tuned rows
    are one block. Each part is in the order of `available`.

    Parameters
    ----------
    available : sequence of str
        All words of the pretrained set, most frequent first, or a vocabulary of them.
    training_counts : mapping of str to int
        The words of the training data, as written.
    limit : int
        Most words to keep; those of the training data are kept even beyond it. 0: all.
    tuned_from_count : int
        Least number of training words that use a vector for it to be tuned, as in `count_tuned`.
    """
    everything = available if isinstance(available, Vocabulary) else Vocabulary(available, {})
    counts = count_rows(everything, training_counts)
    used = sorted(counts, key=lambda row: (counts[row] < tuned_from_count, row))
    is_used = set(used)
    n_others = len(everything) if limit == 0 else max(0, limit - len(used))
    others = (i for i in range(len(everything)) if i not in is_used)
    chosen = used + [i for i, _ in zip(others, range(n_others), strict=False)]
    return [everything.words[i] for i in chosen]


def count_rows(vocabulary: Vocabulary, training_counts: Mapping[str, int]) -> Counter[int]:
    """Count the training words that use each vector, in any spelling; unused vectors are left out.

    The key is the row: the number of the word in the vocabulary.
    """
    counts: Counter[int] = Counter()
    found = vocabulary.find_all(training_counts)
    for (id_, match), count in zip(found, training_counts.values(), strict=True):
        if match is not Match.UNKNOWN:
            counts[id_ - N_SPECIAL] += count
    return counts


def count_tuned(vocabulary: Vocabulary, training_counts: Mapping[str, int], from_count: int = 1) -> int:
    """Return how many vectors `from_count` or more training words use; `choose_words` puts them first."""
    return sum(count >= from_count for count in count_rows(vocabulary, training_counts).values())


def count_movable(ids: Ints) -> int:
    """Return how many vectors training can change, given its ids: all up to the last one it uses."""
    return max(0, int(ids.max(initial=0)) - N_SPECIAL + 1)


def count_words(sentences: Iterable[Sequence[str]]) -> Counter[str]:
    """Count every word, as written."""
    counts: Counter[str] = Counter()
    for tokens in sentences:
        counts.update(tokens)
    return counts


def describe_coverage(found: Mapping[str, int], *, words: str = "words", vectors: str = "") -> str:
    """Describe what `coverage` counted: which tokens, and in which vectors."""
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
    for (_, match), count in zip(vocabulary.find_all(counts), counts.values(), strict=True):
        result[match.name.lower()] += count
    return result


def check_words(counts: Mapping[str, int]) -> None:
    """Check that a vocabulary file can hold the words: not empty, no line break, valid Unicode."""
    for word in counts:
        if not word or "\n" in word or not is_utf8(word):
            raise DataError(
                "a training word is empty, holds a line break, or is not valid Unicode", found=word
            )
