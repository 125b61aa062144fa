"""Scores to labels: the best label of each word, mended where the sequence would break its scheme.

N tokens, C labels, S sentences.
"""

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.text.label_set import LabelSet
from windowclf.text.labels import is_legal, labels_from_spans, spans


def decode(scores: Floats, lengths: Ints, labels: LabelSet) -> list[list[str]]:
    """Return the labels of every sentence.

    Parameters
    ----------
    scores : array (N, C)
        Of all tokens, sentences in a row.
    lengths : array (S,)
        Tokens of each sentence.
    labels : LabelSet
        Where it has a scheme, the result is legal in it: sentences that are not are read by conlleval's
        rules and written anew, which leaves the entities as they are.
    """
    best = scores.argmax(axis=1) if len(scores) else np.zeros(0, dtype=np.int64)
    names = [labels.names[i] for i in best.tolist()]
    ends = np.cumsum(lengths)
    sentences = [
        names[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]
    if labels.scheme is not None:
        for i in _illegal_sentences(best, lengths, labels):
            sentences[i] = labels_from_spans(
                spans(sentences[i], ignore=None), len(sentences[i]), labels.scheme
            )
    return sentences


def _illegal_sentences(best: Ints, lengths: Ints, labels: LabelSet) -> list[int]:
    """Return the numbers of the sentences whose labels break the scheme, by one look-up per token."""
    outside = len(labels)  # stands before the first and after the last word of a sentence
    n_sentences = len(lengths)
    sentence_of = np.repeat(np.arange(n_sentences), lengths)
    padded = np.full(len(best) + n_sentences + 1, outside, dtype=np.int64)
    padded[np.arange(len(best)) + sentence_of + 1] = best
    illegal = _illegal_pairs(labels)[padded[:-1], padded[1:]]
    # the pair before place p of `padded` belongs to the sentence whose boundary comes at or after it
    boundaries = np.cumsum(lengths + 1)
    return sorted(set(np.searchsorted(boundaries, np.flatnonzero(illegal) + 1).tolist()))


def _illegal_pairs(labels: LabelSet) -> Bools:
    """Return (C + 1, C + 1) whether label j may not follow label i; the last of each is the outside."""
    assert labels.scheme is not None
    names = [*labels.names, None]
    return np.array([[not is_legal(first, second, labels.scheme) for second in names] for first in names])
