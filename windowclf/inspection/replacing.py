"""What a model makes of a word that it never read in the place of one that it did.

A stranded word and the neighbour that moved away from it mean much the same, so that a sentence should keep
its labels when one takes the place of the other. How often it does not is what the drift costs; the same
replacements in a model with frozen vectors say what they cost without it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from windowclf.corpus.sentence import Sentence, check_sentences
from windowclf.inspection.drift import Surroundings
from windowclf.inspection.movement import Movement
from windowclf.tagger import WindowTagger

MOST_PLACES = 20_000  # words that are replaced, unless told otherwise
_SENTENCES_AT_ONCE = 1000  # bounds memory
_Pair = tuple[str, str]
_Change = tuple[int, int, _Pair, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Replacement:
    """What happened where one word was put for another.

    Attributes
    ----------
    word, by : str
        The seen word and the stranded one, as the vectors have them.
    places : int
        How often the word was replaced, one place at a time.
    changed : int
        Places that got another label.
    changed_around : int
        Labels of other words of these sentences that changed.
    right_before, right_after : int or None
        Places whose label was and is the true one; None without true labels.
    """

    word: str
    by: str
    places: int
    changed: int
    changed_around: int
    right_before: int | None
    right_after: int | None


@dataclass(frozen=True, slots=True)
class Replacements:
    """All of them together, and one by one: those whose labels changed most often first.

    Attributes are as of `Replacement`; `around` is how many labels other words of these sentences have.
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
        """Share of places that got another label; None where nothing was replaced."""
        return self.changed / self.places if self.places else None


def pair_stranded(movement: Movement, stranded: Surroundings) -> dict[str, str]:
    """Give each word that moved the stranded word it was nearest to before training.

    Parameters
    ----------
    movement : Movement
    stranded : Surroundings
        Of words that training never read, as `find_stranded` finds them.

    Returns
    -------
    dict of str to str
        Words as the vectors have them: read in training and moved -> never read. Left out is who is no
        neighbour of a stranded word.
    """
    moved = (movement.counts > 0) & movement.has_moved
    places, neighbours = np.nonzero(moved[stranded.neighbours])
    cosines = stranded.before[places, neighbours]
    pairs: dict[str, str] = {}
    for i in np.argsort(-cosines, kind="stable").tolist():
        word = movement.words[stranded.neighbours[places[i], neighbours[i]]]
        pairs.setdefault(word, movement.words[stranded.rows[places[i]]])
    return pairs


def replace_words(
    tagger: WindowTagger,
    pairs: Mapping[str, str],
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]] | None = None,
    *,
    most: int = MOST_PLACES,
) -> Replacements:
    """Replace words in sentences, one place at a time, and count the labels that change.

    A word put for another takes over its capitals ("TV" becomes "TELEVISION"), where that is looked up as the
    same word.

    Parameters
    ----------
    tagger : WindowTagger
    pairs : mapping of str to str
        Words as the vectors have them, what is replaced -> by what, as of `pair_stranded`.
    sentences : sequence of sequences of str
    labels : sequence of sequences of str, optional
        The true labels.
    most : int
        Places to try, the first ones.

    Raises
    ------
    DataError
        If there are not as many labels as words.
    """
    check_sentences(sentences, labels)
    label_set, vocabulary = tagger.model.labels, tagger.model.vocabulary
    if labels is not None:
        label_set.check_comparable(labels)
    ids = {vocabulary.find(word)[0]: (word, by) for word, by in pairs.items()}
    found: dict[_Pair, Counter[str]] = {}
    n_around = 0

    def changes() -> Iterator[_Change]:
        """Yield sentence, place, pair and the changed sentence."""
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
        given = tagger.predict([*(sentences[s] for s in numbers), *(changed for *_, changed in batch)])
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
    """Return a word with the capitals of another: all, the first, or as it is."""
    if token.isupper() and len(token) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if token[:1].isupper() else word


def _with(sentence: Sequence[str], i: int, word: str) -> Sequence[str]:
    """Return a sentence with the word at place i replaced; what else is known of its words stays."""
    tokens = (*sentence[:i], word, *sentence[i + 1 :])
    if isinstance(sentence, Sentence):
        return replace(sentence, tokens=tokens, text=None, offsets=None)
    return tokens


def _summary(found: Mapping[_Pair, Counter[str]], n_around: int, *, has_labels: bool) -> Replacements:
    words = [
        Replacement(
            word,
            by,
            counts["places"],
            counts["changed"],
            counts["around"],
            counts["before"] if has_labels else None,
            counts["after"] if has_labels else None,
        )
        for (word, by), counts in found.items()
    ]
    words.sort(key=lambda r: (-r.changed, -r.changed_around, r.places, r.word))
    total = sum(found.values(), Counter[str]())
    return Replacements(
        total["places"],
        total["changed"],
        n_around,
        total["around"],
        total["before"] if has_labels else None,
        total["after"] if has_labels else None,
        tuple(words),
    )
