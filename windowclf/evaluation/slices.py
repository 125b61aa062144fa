"""What is right on parts of the words: those that training saw or not, by frequency, ambiguity and label.

Letters: S sentences.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from windowclf.arrays import Ints
from windowclf.corpus.label_schemes import parse_label
from windowclf.encoding.vocabulary import N_SPECIAL, Match, Vocabulary, count_rows, count_words
from windowclf.evaluation.significance import scored_spans

Sentences = Sequence[Sequence[str]]

# group -> its slices, from the best known words to the least known: an entity counts with its last one
GROUPS = {
    "training": ("seen", "unseen with a vector", "unseen without a vector"),
    "vectors": ("vector read", "vector never read", "no vector"),  # by training, in whatever spelling
    "ambiguity": ("unambiguous", "ambiguous", "unseen"),
    "frequency": (">100", "21-100", "6-20", "2-5", "1", "0"),
}
LABEL = "label"  # the group whose slices are the labels, or the kinds of entities
_BANDS = (100, 20, 5, 1, 0)  # counts above these are in the bands of "frequency"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What training and the vectors know of words.

    Attributes
    ----------
    counts : mapping of str to int
        How often each word, as written, stood in training.
    n_labels : mapping of str to int
        With how many different labels; of span labels only the kinds count, and being outside as one more.
    has_read : callable
        Says of a word whether training read its pretrained vector, in whatever spelling; None if it has none.
    """

    counts: Mapping[str, int]
    n_labels: Mapping[str, int]
    has_read: Callable[[str], bool | None]

    @classmethod
    def of(
        cls,
        sentences: Sentences,
        labels: Sentences,
        vocabulary: Vocabulary,
        *,
        span_labels: bool,
        ignore_label: str | None = None,
    ) -> "Knowledge":
        """Collect it from the training data and the words that have a vector."""
        names: defaultdict[str, set[str]] = defaultdict(set)
        for words, row in zip(sentences, labels, strict=True):
            for word, label in zip(words, row, strict=True):
                if label != ignore_label:
                    names[word].add(parse_label(label)[1] if span_labels else label)
        counts = count_words(sentences)
        rows = count_rows(vocabulary, counts)

        def has_read(word: str) -> bool | None:
            id_, match = vocabulary.find(word)
            return None if match is Match.UNKNOWN else id_ - N_SPECIAL in rows

        return cls(counts, {word: len(found) for word, found in names.items()}, has_read)

    def places(self, word: str) -> tuple[int, ...]:
        """Return in which slice of each group a word is."""
        count, n_labels = self.counts.get(word, 0), self.n_labels.get(word, 0)
        has_read = self.has_read(word)
        return (
            0 if count else 2 if has_read is None else 1,
            2 if has_read is None else int(not has_read),
            min(n_labels, 2) - 1 if n_labels else 2,
            sum(count <= bound for bound in _BANDS),
        )


def slice_counts(
    sentences: Sentences,
    gold: Sentences,
    predicted: Sentences,
    knowledge: Knowledge,
    *,
    span_labels: bool,
    ignore_label: str | None = None,
) -> dict[str, dict[str, Ints]]:
    """Count what is right in each sentence, as `significance.sentence_counts` does, slice by slice.

    Parameters
    ----------
    sentences, gold, predicted : sequences of sequences of str
        Words, true and predicted labels; of equal lengths.
    knowledge : Knowledge
        The same for all systems that are compared.
    span_labels : bool
        Whether entities are counted, or else words. An entity is where the least known of its words is.
    ignore_label : str, optional
        Words with this true label do not count, and are in no entity.

    Returns
    -------
    dict of str to dict of str to array (S, 3)
        Of each of `GROUPS` the slices, and of `LABEL` those labels that are there; right, true and predicted
        ones. The slices of a group add up to the counts of all. Where words are counted, true and predicted
        ones are equally many but for `LABEL`, and `score_of` is accuracy; else it is F1.
    """
    tables: dict[str, Ints] = {
        group: np.zeros((len(slices), len(gold), 3), np.int64) for group, slices in GROUPS.items()
    }
    by_label: defaultdict[str, Ints] = defaultdict(lambda: np.zeros((len(gold), 3), np.int64))
    places = cache(knowledge.places)
    for i, (words, true, guess) in enumerate(zip(sentences, gold, predicted, strict=True)):
        in_truth, found = scored_spans(true, guess, span_labels=span_labels, ignore_label=ignore_label)
        for column, those in enumerate((in_truth & found, in_truth, found)):
            for span in those:
                by_label[span.kind][i, column] += 1
                of_words = [places(words[place]) for place in range(span.start, span.end)]
                for table, row in zip(tables.values(), map(max, zip(*of_words, strict=True)), strict=True):
                    table[row, i, column] += 1
    counts: dict[str, dict[str, Ints]] = {
        group: dict(zip(slices, tables[group], strict=True)) for group, slices in GROUPS.items()
    }
    counts[LABEL] = dict(sorted(by_label.items()))
    return counts
