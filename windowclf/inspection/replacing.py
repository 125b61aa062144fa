"""How a model labels a word that it never read in place of a similar one that it did.

A stranded word and the neighbour that moved away from it have similar meanings, so a sentence should keep its
labels when one replaces the other. How often it does not is the cost of drift; the same replacements in a
model with frozen vectors are the baseline.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from windowclf.corpus import Sentence, check_sentences
from windowclf.inspection.drift import Surroundings
from windowclf.inspection.movement import Movement
from windowclf.model import TrainedModel

MOST_PLACES = 20_000  # replacements
_SENTENCES_AT_ONCE = 1000  # bounds memory
_Pair = tuple[str, str]
_Change = tuple[int, int, _Pair, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Replacement:
    """The effect of replacing a seen word by a stranded one, in the spelling of the vectors."""

    word: str
    by: str
    places: int  # replacements, one position at a time
    changed: int  # changed labels of the word
    changed_around: int  # and of other words of its sentences
    right_before: int | None  # right labels of the word; None without true labels
    right_after: int | None


@dataclass(frozen=True, slots=True)
class Replacements:
    """All replacements together, and by word, with the most changed labels first.

    Fields are those of `Replacement`; `around` is the number of other words in these sentences.
    """

    places: int
    changed: int
    around: int
    changed_around: int
    right_before: int | None
    right_after: int | None
    words: tuple[Replacement, ...]

    @property
    def share(self) -> float | None:
        """Share of labels that changed; None if nothing was replaced."""
        return self.changed / self.places if self.places else None


def pair_stranded(movement: Movement, stranded: Surroundings) -> dict[str, str]:
    """Return for each word that moved the stranded word that it was nearest to before training.

    Words are in the spelling of the vectors; those that are no neighbour of a stranded word are left out.
    `stranded` is the result of `find_stranded`.
    """
    moved = (movement.counts > 0) & movement.has_moved
    found, neighbours = np.nonzero(moved[stranded.neighbours])
    cosines = stranded.before[found, neighbours]
    pairs: dict[str, str] = {}
    for i in np.argsort(-cosines, kind="stable").tolist():
        word = movement.words[stranded.neighbours[found[i], neighbours[i]]]
        pairs.setdefault(word, movement.words[stranded.rows[found[i]]])
    return pairs


def replace_words(
    model: TrainedModel,
    pairs: Mapping[str, str],
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]] | None = None,
    *,
    most: int = MOST_PLACES,
) -> Replacements:
    """Replace words in sentences, one position at a time, and count the labels that change.

    A replacement takes over capitals ("TV" becomes "TELEVISION"), if it then still has the same vector.

    Parameters
    ----------
    pairs : mapping of str to str
        Word -> its replacement, in the spelling of the vectors, as of `pair_stranded`.
    labels : sequence of sequences of str, optional
        The true labels.
    most : int
        Maximal number of replacements, the first ones.

    Raises
    ------
    DataError
        If numbers of labels and words differ.
    """
    check_sentences(sentences, labels)
    label_set, vocabulary = model.labels, model.vocabulary
    if labels is not None:
        label_set.check_comparable(labels)
    ids = {vocabulary.find(word)[0]: (word, by) for word, by in pairs.items()}
    found: dict[_Pair, Counter[str]] = {}
    n_around = 0

    def changes() -> Iterator[_Change]:
        """Yield sentence index, position, pair and the changed sentence."""
        for s, sentence in enumerate(sentences):
            for i, token in enumerate(sentence):
                pair = ids.get(vocabulary.find(token)[0])
                if pair is None or (labels is not None and labels[s][i] == label_set.ignore):
                    continue
                put = spelled_like(token, pair[1])
                if vocabulary.find(put)[0] != vocabulary.find(pair[1])[0]:
                    put = pair[1]
                yield s, i, pair, _with(sentence, i, put)

    every = islice(changes(), most)
    while batch := list(islice(every, _SENTENCES_AT_ONCE)):
        numbers = list(dict.fromkeys(s for s, *_ in batch))
        given = model.predict([*(sentences[s] for s in numbers), *(changed for *_, changed in batch)])
        original = dict(zip(numbers, given, strict=False))
        for (s, i, pair, _), now in zip(batch, given[len(numbers) :], strict=True):
            counts, then = found.setdefault(pair, Counter()), original[s]
            counts["places"] += 1
            counts["changed"] += then[i] != now[i]
            counts["around"] += sum(a != b for a, b in zip(then, now, strict=True)) - (then[i] != now[i])
            n_around += len(then) - 1
            if labels is not None:
                counts["before"] += then[i] == labels[s][i]
                counts["after"] += now[i] == labels[s][i]
    return _summary(found, n_around, has_labels=labels is not None)


def spelled_like(token: str, word: str) -> str:
    """Return a word with the capitals of another: all, the first, or unchanged."""
    if token.isupper() and len(token) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if token[:1].isupper() else word


def _with(sentence: Sequence[str], i: int, word: str) -> Sequence[str]:
    """Return a sentence with word i replaced; its columns stay."""
    tokens = (*sentence[:i], word, *sentence[i + 1 :])
    if isinstance(sentence, Sentence):
        return replace(sentence, tokens=tokens, text=None, offsets=None)
    return tokens


def _summary(found: Mapping[_Pair, Counter[str]], n_around: int, *, has_labels: bool) -> Replacements:
    def right(counts: Counter[str]) -> tuple[int | None, int | None]:
        return (counts["before"], counts["after"]) if has_labels else (None, None)

    words = [
        Replacement(word, by, counts["places"], counts["changed"], counts["around"], *right(counts))
        for (word, by), counts in found.items()
    ]
    words.sort(key=lambda r: (-r.changed, -r.changed_around, r.places, r.word))
    total = sum(found.values(), Counter[str]())
    counted = total["places"], total["changed"], n_around, total["around"]
    return Replacements(*counted, *right(total), tuple(words))
