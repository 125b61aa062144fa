"""The probability of given labels at given tokens, over all labels of the other tokens.

Dimensions: N tokens of the batch, S sentences, C labels, M spans, L tokens of all spans together.
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
    """Compute the log probability of sequences of labels, each from one token on.

    In IOBES that is the probability of an entity, which is one such sequence. In IOB2 the next label must
    also not continue the entity, which `not_next` expresses.

    Parameters
    ----------
    scores, A, lengths, legal
        As in `crf_loss`; N may be 0.
    begins : Ints of shape (M,)
        The first token of each span, 0 to N - 1.
    sequences : M sequences of int
        The label of each token of a span, one or more; all within one sentence.
    not_next : Bools of shape (M, C + 1), optional
        Labels that must not follow a span; the last one is the end of the sentence. Default: none.

    Returns
    -------
    Floats of shape (M,)
        0 or less; -inf for illegal sequences.

    Raises
    ------
    ShapeError, DataError
        If the shapes do not agree, or a span is empty or not within one sentence; if no tag sequence of a
        sentence is legal.

    Notes
    -----
    The sum over all tag sequences with labels y_f … y_l at tokens f … l is the sum over all prefixes that end
    in y_f, times the factors in between, times the sum over all suffixes after y_l (constrained
    forward-backward; Culotta and McCallum 2004, section 3):

        P = α[f, y_f] · Π_t e^(A[y_{t-1}, y_t] + s[t, y_t]) · β[l, y_l] / Z

    One forward and one backward pass serve all spans of a batch. Given y_l, the suffix is independent of the
    prefix, so the labels of `not_next` are excluded from β[l, y_l] alone.
    """
    sums = sum_labellings(scores, A, lengths=lengths, legal=legal)
    n_tokens = np.array([len(sequence) for sequence in sequences], np.int64)
    _check(begins, sequences, n_tokens, lengths, scores.shape[1], not_next)
    if not len(begins):
        return np.zeros(0, scores.dtype)
    pairs = A.astype(np.float64) if legal is None else np.where(legal, A.astype(np.float64), -np.inf)

    starts = np.cumsum(n_tokens) - n_tokens
    labels = np.concatenate([np.asarray(sequence, np.int64) for sequence in sequences])
    tokens = np.arange(len(labels)) + np.repeat(begins - starts, n_tokens)
    # α[f] relative to its sum, and the growth of this sum from token to token: no large numbers cancel
    terms = sums.log_alpha[tokens, labels]
    inner = np.ones(len(labels), bool)
    inner[starts] = False
    here = np.flatnonzero(inner)
    at, to = tokens[here], labels[here]
    terms[here] = pairs[labels[here - 1], to] + scores[at, to] - sums.growth[at]

    last, last_label = begins + n_tokens - 1, labels[starts + n_tokens - 1]
    log_probs = np.add.reduceat(terms, starts) + sums.log_beta[last, last_label]
    log_probs -= log_sum_exp(sums.log_alpha[last] + sums.log_beta[last], axis=1)
    if not_next is not None:
        log_probs += _share_of_others(scores, pairs, sums, lengths, last, last_label, not_next)
    result: Floats = np.minimum(log_probs, 0).astype(scores.dtype)
    return result


def _share_of_others(
    scores: Floats, pairs: Floats, sums: Sums, lengths: Ints, last: Ints, labels: Ints, not_next: Bools
) -> Floats:
    """Return the log probability that none of `not_next` follows these labels."""
    C = scores.shape[1]
    is_final = np.isin(last, np.cumsum(lengths) - 1)
    following = np.where(is_final, last, last + 1)  # ignored after a final token
    onward = pairs[labels, :C] + scores[following] + sums.log_beta[following]
    allowed = log_sum_exp(np.where(not_next[:, :C], -np.inf, onward), axis=1)
    # nothing is possible after an illegal sequence, which has probability 0 already
    every = np.maximum(log_sum_exp(onward, axis=1), np.finfo(np.float64).min)
    at_end = np.where(not_next[:, C], -np.inf, 0.0)
    return np.where(is_final, at_end, allowed - every)


def _check(
    begins: Ints,
    sequences: Sequence[Sequence[int]],
    n_tokens: Ints,
    lengths: Ints,
    C: int,
    not_next: Bools | None,
) -> None:
    """Check that each span is within a sentence and has labels that exist."""
    where = "span_log_probs"
    if begins.shape != n_tokens.shape or (not_next is not None and not_next.shape != (len(begins), C + 1)):
        found = (begins.shape, len(sequences), None if not_next is None else not_next.shape)
        allowed = "begins (M,), M sequences, not_next (M, C + 1)"
        raise ShapeError("the shapes of the spans do not agree", where=where, found=found, allowed=allowed)
    ends = np.cumsum(lengths)
    for begin, sequence in zip(begins.tolist(), sequences, strict=True):
        sentence = np.searchsorted(ends, begin, side="right")
        if begin < 0 or not len(sequence) or begin + len(sequence) > ends[sentence : sentence + 1].sum():
            span = f"{len(sequence)} tokens from token {begin} on"
            raise ShapeError("not a span", where=where, found=span, allowed="tokens of one sentence")
        if min(sequence) < 0 or max(sequence) >= C:
            raise ShapeError("not a label", where=where, found=list(sequence), allowed=f"0 to {C - 1}")
