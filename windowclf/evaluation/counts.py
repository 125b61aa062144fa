"""What is right in each sentence: in all, and by slices of the words, such as those that training saw.

S sentences.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus import OUTSIDE, Span, parse_label, spans
from windowclf.encoding import N_SPECIAL, Match, Vocabulary, count_rows, count_words

Sentences = Sequence[Sequence[str]]

# group -> its slices, from the best known words to the least known: an entity is in the last one of its words
GROUPS = {
    "training": ("seen", "unseen with a vector", "unseen without a vector"),
    "vectors": ("vector read", "vector never read", "no vector"),  # by training, in any spelling
    "ambiguity": ("unambiguous", "ambiguous", "unseen"),
    "frequency": (">100", "21-100", "6-20", "2-5", "1", "0"),
}
LABEL = "label"  # the group whose slices are the labels, or the entity types
_BANDS = (100, 20, 5, 1, 0)  # counts above these are in the bands of "frequency"


def scored_spans(
    true: Sequence[str], predicted: Sequence[str], *, span_labels: bool, ignore_label: str | None = None
) -> tuple[set[Span], set[Span]]:
    """Return what counts in a sentence, the true ones and the predicted: entities, or words with labels."""
    pairs = list(zip(true, predicted, strict=True))
    if span_labels:
        known = [OUTSIDE if t == ignore_label else g for t, g in pairs]
        return set(spans(true, ignore=ignore_label)), set(spans(known, ignore=None))
    scored = [i for i, (t, _) in enumerate(pairs) if t != ignore_label]
    return {Span(i, i + 1, true[i]) for i in scored}, {Span(i, i + 1, predicted[i]) for i in scored}


def sentence_counts(
    gold: Sentences, predicted: Sentences, *, span_labels: bool, ignore_label: str | None = None
) -> Ints:
    """Count what is right in each sentence, as `evaluate_labels` counts in all.

    Parameters
    ----------
    gold, predicted : sequences of sequences of str
        Of equal lengths.
    span_labels : bool
        Count entities, else words.
    ignore_label : str, optional
        Words with this true label do not count, and are in no entity.

    Returns
    -------
    array (S, 3) of int64
        Right, true and predicted ones. `score_of` their sum is entity F1, or accuracy.
    """
    counts = np.zeros((len(gold), 3), np.int64)
    for row, true, guess in zip(counts, gold, predicted, strict=True):
        in_truth, found = scored_spans(true, guess, span_labels=span_labels, ignore_label=ignore_label)
        row[:] = len(in_truth & found), len(in_truth), len(found)
    return counts


def score_of(counts: Ints | Floats) -> Floats:
    """Return 2 · right / (true + predicted) of counts (…, 3): F1, or accuracy; 0 where nothing is right."""
    right = counts[..., 0]
    both = counts[..., 1] + counts[..., 2]
    return np.divide(2 * right, both, out=np.zeros(np.shape(right)), where=both > 0)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What training and the vectors know of words.

    Attributes
    ----------
    counts, n_labels : mappings of str to int
        How often each word, as written, occurs in training, and with how many different labels; of span
        labels only the entity types count, and O as one more.
    has_read : callable
        Says of a word whether training read its pretrained vector, in any spelling; None if it has none.
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

    def slices_of(self, word: str) -> tuple[int, ...]:
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
    """Count what is right in each sentence as `sentence_counts` does, slice by slice.

    An entity is in the slice of the least known of its words. Systems that are compared need the same
    `knowledge`.

    Returns
    -------
    dict of str to dict of str to array (S, 3)
        The slices of each of `GROUPS`, and for `LABEL` the labels that occur; right, true and predicted ones.
        The slices of a group add up to the counts of all. Where words are counted, there are as many true as
        predicted ones except for `LABEL`, and `score_of` is accuracy; else it is F1.
    """
    tables: dict[str, Ints] = {
        group: np.zeros((len(slices), len(gold), 3), np.int64) for group, slices in GROUPS.items()
    }
    by_label: defaultdict[str, Ints] = defaultdict(lambda: np.zeros((len(gold), 3), np.int64))
    slices_of = cache(knowledge.slices_of)
    for i, (words, true, guess) in enumerate(zip(sentences, gold, predicted, strict=True)):
        in_truth, found = scored_spans(true, guess, span_labels=span_labels, ignore_label=ignore_label)
        for column, those in enumerate((in_truth & found, in_truth, found)):
            for span in those:
                by_label[span.kind][i, column] += 1
                of_words = [slices_of(word) for word in words[span.start : span.end]]
                for table, row in zip(tables.values(), map(max, zip(*of_words, strict=True)), strict=True):
                    table[row, i, column] += 1
    counts: dict[str, dict[str, Ints]] = {
        group: dict(zip(slices, tables[group], strict=True)) for group, slices in GROUPS.items()
    }
    counts[LABEL] = dict(sorted(by_label.items()))
    return counts
