"""How probable it is that exactly these labels stand at these words, whatever the others are.

Dimensions: N words of the batch, S sentences, C labels, M spans, L words of all spans together.
"""

from collections.abc import Sequence

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.errors import ShapeError
from windowclf.nn.crf import sum_labellings
from windowclf.nn.crf_sums import Sums, log_sum_exp


def span_log_probs(
    scores: Floats,
    A: Floats,
    *,
    lengths: Ints,
    begins: Ints,
    sequences: Sequence[Sequence[int]],
    legal: Bools | None = None,
    not_next: Bools | None = None,
) -> Floats:
    """Compute the log probability that exactly these labels stand from a word on.

    For IOBES that is the probability of an entity, which is one sequence of labels. For IOB2 an entity also
    ends where the next label does not go on with it: that is said by `not_next`.

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Of every label at every word, sentence after sentence; any finite numbers.
    A : Floats of shape (C + 1, C + 1)
        Transition, start and end scores; any finite numbers.
    lengths : Ints of shape (S,)
        Words of each sentence, together N; 0 is allowed.
    begins : Ints of shape (M,)
        The first word of each span, 0 to N - 1.
    sequences : M sequences of int
        The label of each word of a span, one or more; all within one sentence.
    legal : Bools of shape (C + 1, C + 1), optional
        Which pairs a labelling may contain. All, if not given.
    not_next : Bools of shape (M, C + 1), optional
        Labels that may not stand right after a span; the last is the sentence's end. None, if not given.

    Returns
    -------
    Floats of shape (M,)
        0 or less; -inf for what is not legal.

    Raises
    ------
    ShapeError
        If the shapes do not fit together, or a span has no words or does not lie within a sentence.
    DataError
        If no labelling of a sentence is legal.

    Notes
    -----
    The sum over all labellings that have labels y_f … y_l at words f … l is that over all beginnings that
    lead to y_f, times what lies between, times that over all ways to go on after y_l (constrained
    forward-backward; Culotta and McCallum 2004, section 3):

        P = α[f, y_f] · Π_t e^(A[y_{t-1}, y_t] + s[t, y_t]) · β[l, y_l] / Z

    One forward and one backward pass serve every span of a batch. Given y_l, what comes after is independent
    of what came before, so that the labels of `not_next` take away their share of β[l, y_l].
    """
    sums = sum_labellings(scores, A, lengths=lengths, legal=legal)
    n_words = np.array([len(sequence) for sequence in sequences], np.int64)
    _check(begins, sequences, n_words, lengths, scores.shape[1], not_next)
    if not len(begins):
        return np.zeros(0, scores.dtype)
    pairs = A.astype(np.float64) if legal is None else np.where(legal, A.astype(np.float64), -np.inf)

    starts = np.cumsum(n_words) - n_words
    labels = np.concatenate([np.asarray(sequence, np.int64) for sequence in sequences])
    words = np.arange(len(labels)) + np.repeat(begins - starts, n_words)
    # α[f] is known relative to its sum, and how much that grew from word to word: nothing large cancels
    terms = sums.log_alpha[words, labels]
    inner = np.ones(len(labels), bool)
    inner[starts] = False
    here = np.flatnonzero(inner)
    at, to = words[here], labels[here]
    terms[here] = pairs[labels[here - 1], to] + scores[at, to] - sums.growth[at]

    last, last_label = begins + n_words - 1, labels[starts + n_words - 1]
    log_probs = np.add.reduceat(terms, starts) + sums.log_beta[last, last_label]
    log_probs -= log_sum_exp(sums.log_alpha[last] + sums.log_beta[last], axis=1)
    if not_next is not None:
        log_probs += _share_of_others(scores, pairs, sums, lengths, last, last_label, not_next)
    result: Floats = np.minimum(log_probs, 0).astype(scores.dtype)
    return result


def _share_of_others(
    scores: Floats, pairs: Floats, sums: Sums, lengths: Ints, last: Ints, labels: Ints, not_next: Bools
) -> Floats:
    """Return the log probability that after these labels stands none of `not_next`."""
    C = scores.shape[1]
    is_final = np.isin(last, np.cumsum(lengths) - 1)
    following = np.where(is_final, last, last + 1)  # of no meaning after a final word
    onward = pairs[labels, :C] + scores[following] + sums.log_beta[following]
    allowed = log_sum_exp(np.where(not_next[:, :C], -np.inf, onward), axis=1)
    # after what is not legal nothing is possible; its probability is 0 already
    every = np.maximum(log_sum_exp(onward, axis=1), np.finfo(np.float64).min)
    at_end = np.where(not_next[:, C], -np.inf, 0.0)
    return np.where(is_final, at_end, allowed - every)


def _check(
    begins: Ints,
    sequences: Sequence[Sequence[int]],
    n_words: Ints,
    lengths: Ints,
    C: int,
    not_next: Bools | None,
) -> None:
    """Refuse spans that are not words of one sentence, and labels that there are not."""
    where = "span_log_probs"
    if begins.shape != n_words.shape or (not_next is not None and not_next.shape != (len(begins), C + 1)):
        found = (begins.shape, len(sequences), None if not_next is None else not_next.shape)
        allowed = "begins (M,), M sequences, not_next (M, C + 1)"
        raise ShapeError("the spans do not fit together", where=where, found=found, allowed=allowed)
    ends = np.cumsum(lengths)
    for begin, sequence in zip(begins.tolist(), sequences, strict=True):
        sentence = np.searchsorted(ends, begin, side="right")
        if begin < 0 or not len(sequence) or begin + len(sequence) > ends[sentence : sentence + 1].sum():
            span = f"{len(sequence)} words from word {begin} on"
            raise ShapeError("not a span", where=where, found=span, allowed="words of one sentence")
        if min(sequence) < 0 or max(sequence) >= C:
            raise ShapeError("not a label", where=where, found=list(sequence), allowed=f"0 to {C - 1}")
