"""Forward and backward sums over all tag sequences of a sentence: the core of the sentence-level loss.

The score and the probability of a tag sequence are those of `windowclf.nn.crf`. A sentence of T tokens has
C^T tag sequences, but the sum over them proceeds token by token (Rabiner 1989, section III). With α[t, j] the
sum over all prefixes that end in label j at token t, and β[t, i] the sum over all suffixes after label i at
token t,

    α[t, j] = e^s[t, j] Σ_i α[t-1, i] e^A[i, j]
    β[t, i] = Σ_j e^A[i, j] e^s[t+1, j] β[t+1, j]
    Z       = Σ_j α[T, j] e^A[j, C]
    P(y_t = j)                = α[t, j] β[t, j] / Z
    P(y_{t-1} = i, y_t = j)   = α[t-1, i] e^A[i, j] e^s[t, j] β[t, j] / Z

Dimensions: N tokens of the batch, S sentences, T tokens of the longest, C labels. The last row and column of
A (C + 1, C + 1) are the sentence's start and end.
"""

from dataclasses import dataclass

import numpy as np

from windowclf.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class Walk:
    """The tokens of a batch, ordered to process all sentences in parallel without padding.

    The sentences are sorted, longest first. The new order has the first tokens of all, then the second tokens
    of those that have one, and so on: the sentences that are open at a step are always the first ones.
    """

    tokens: Ints  # (N,): for each position in the new order, the number of the token in the batch
    sentences: Ints  # (N,): for each position, the number of its sentence in the batch
    n_open: list[int]  # for each step, the number of sentences with a token there
    begins: list[int]  # for each step, its first position; then N
    last: Ints  # positions of the last tokens of all sentences that are not empty, longest sentence first
    previous: Ints  # for each position from the second step on, the position of the token before
    n_sentences: int  # S, including empty ones

    @classmethod
    def of(cls, lengths: Ints) -> "Walk":
        """Order the tokens of sentences of these lengths, (S,)."""
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
            tokens=firsts[order][ranks] + steps,
            sentences=order[ranks],
            n_open=n_open.tolist(),
            begins=begins.tolist(),
            last=begins[longest_first - 1] + np.arange(len(order)),
            previous=begins[steps[later] - 1] + ranks[later],
            n_sentences=len(lengths),
        )

    def step(self, t: int) -> tuple[slice, slice]:
        """Return the positions of step `t`, at least 1, and those of the tokens before."""
        begin, before = self.begins[t], self.begins[t - 1]
        return slice(begin, begin + self.n_open[t]), slice(before, before + self.n_open[t])


# Below these, numbers that underflowed (under 1e-308) could change a sum in float64.
_LEAST_CELL = 1e-200
_LEAST_SUM = 1e-50


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums over all tag sequences of a batch, in float64."""

    log_z: Floats  # (S,): log of the sum over all tag sequences; 0 without tokens, -inf if none is legal
    unary: Floats  # (N, C): marginals, the probability of each label at each token
    pairs: Floats  # (C + 1, C + 1): as of `expected_pairs`
    # (N, C): the log of α over its sum at each token: the log probabilities of its labels given the tokens up
    # to it, without scores of ends
    log_alpha: Floats
    growth: Floats  # (N,): the log of the sum of α, minus that of the token before
    log_beta: Floats  # (N, C): the log of β at each token, up to a constant of the token


def log_sum_exp(x: Floats, axis: int) -> Floats:
    """Compute log Σ e^x along an axis without overflow; -inf if all numbers are -inf."""
    greatest = x.max(axis=axis, keepdims=True)
    greatest = np.where(np.isneginf(greatest), 0, greatest)
    with np.errstate(divide="ignore"):
        sums: Floats = np.log(np.exp(x - greatest).sum(axis=axis)) + greatest.squeeze(axis)
    return sums


def plain_sums(scores: Floats, A: Floats, lengths: Ints) -> Sums:
    """Sum over all tag sequences in log space: the form to read, safe for any numbers.

    Scores (N, C) are -inf for a label that a token must not have, A (C + 1, C + 1) for illegal transitions.
    Lengths (S,) are the tokens of each sentence, N together; 0 is allowed.
    """
    walk, C = Walk.of(lengths), scores.shape[1]
    s = scores[walk.tokens].astype(np.float64)
    A = A.astype(np.float64)
    between, start, end = A[:C, :C], A[C, :C], A[:C, C]
    n_sentences = len(walk.last)

    alpha = s.copy()
    alpha[:n_sentences] += start
    for t in range(1, len(walk.n_open)):
        here, before = walk.step(t)
        alpha[here] += log_sum_exp(alpha[before, :, None] + between, axis=1)
    beta = np.tile(end, (len(s), 1))
    for t in range(len(walk.n_open) - 1, 0, -1):
        here, before = walk.step(t)
        beta[before] = log_sum_exp(between + (s[here] + beta[here])[:, None], axis=2)

    log_z = np.zeros(walk.n_sentences)
    log_z[walk.sentences[walk.last]] = log_sum_exp(alpha[walk.last] + end, axis=1)
    # if nothing is legal, log_z is -inf and every share of it 0
    divisors = np.where(np.isneginf(log_z), 0, log_z)[walk.sentences, None]
    unary = np.exp(alpha + beta - divisors)
    pairs = np.zeros_like(A)
    for t in range(1, len(walk.n_open)):
        here, before = walk.step(t)
        logs = alpha[before, :, None] + between + (s[here] + beta[here])[:, None]
        pairs[:C, :C] += np.exp(logs - divisors[here, :, None]).sum(axis=0)

    sums = log_sum_exp(alpha, axis=1)
    log_alpha = alpha - np.where(np.isneginf(sums), 0, sums)[:, None]
    growth = sums.copy()
    growth[n_sentences:] -= np.where(np.isneginf(sums), 0, sums)[walk.previous]
    return _in_order(walk, log_z, pairs, unary, log_alpha, growth, beta)


def fast_sums(scores: Floats, A: Floats, lengths: Ints) -> Sums:
    """Sum over all tag sequences as `plain_sums` does, with one matrix product a token.

    α and β are not kept as logs but divided by their sum at every token (Rabiner 1989, section V.A), so that
    a step is a product with e^A. The greatest score of each token and of A is subtracted before the
    exponential. Numbers too small for float64 are lost: a sentence in which a legal α, β or sum comes close
    to that is computed again by `plain_sums`. Scores must be finite.
    """
    walk, C = Walk.of(lengths), scores.shape[1]
    first, later, last = slice(len(walk.last)), slice(len(walk.last), None), walk.last
    between, between_greatest = _exponentials(A[:C, :C])
    start, start_greatest = _exponentials(A[C, :C])
    end, end_greatest = _exponentials(A[:C, C])
    s = scores[walk.tokens].astype(np.float64)
    greatest = s.max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # suspects are computed again
        emission = np.exp(s - greatest[:, None])
        emission[first] *= start
        alpha, alpha_sums = _forward(emission, between, walk)
        beta, beta_sums = _backward(emission, between, end, walk)

        ok_alpha, ok_beta = alpha >= _LEAST_CELL, beta >= _LEAST_CELL
        ok_alpha[first] |= np.isneginf(A[C, :C])  # what is illegal is 0 rightly
        ok_beta[last] |= np.isneginf(A[:C, C])
        unary = alpha * beta
        both = unary @ np.ones(C)
        ok = (ok_alpha & ok_beta).all(axis=1) & (both >= _LEAST_CELL)
        ok &= (alpha_sums >= _LEAST_SUM) & (beta_sums >= _LEAST_SUM)
        if not ok.all():
            return _with_suspects(scores, A, lengths, np.unique(walk.sentences[~ok]))

        growth = np.log(alpha_sums) + greatest
        growth[first] += start_greatest
        growth[later] += between_greatest
        log_alpha, log_beta = np.log(alpha), np.log(beta)
    unary /= both[:, None]
    log_z = np.zeros(walk.n_sentences)
    np.add.at(log_z, walk.sentences, growth)
    log_z[walk.sentences[last]] += np.log(alpha[last] @ end) + end_greatest

    pairs = np.zeros((C + 1, C + 1))
    # e^s[t] β[t], divided by the sum of α[t-1] e^A e^s[t] β[t]
    onward = emission[later] * beta[later] / (both * alpha_sums)[later, None]
    pairs[:C, :C] = between * (alpha[walk.previous].T @ onward)
    return _in_order(walk, log_z, pairs, unary, log_alpha, growth, log_beta)


def _exponentials(A: Floats) -> tuple[Floats, float]:
    """Return e^(A - m) in float64 and m, the greatest of A."""
    greatest = float(A.max())
    if greatest == -np.inf:
        greatest = 0.0
    return np.exp(A.astype(np.float64) - greatest), greatest


def _forward(emission: Floats, between: Floats, walk: Walk) -> tuple[Floats, Floats]:
    """Return α, each row divided by its sum, and these sums."""
    alpha, sums = emission.copy(), np.empty(len(emission))
    ones = np.ones(emission.shape[1])
    for t in range(len(walk.n_open)):
        here = slice(walk.begins[t], walk.begins[t + 1])
        block = alpha[here]
        if t > 0:
            _, before = walk.step(t)
            block *= alpha[before] @ between
        total = np.matmul(block, ones, out=sums[here])
        block /= total[:, None]
    return alpha, sums


def _backward(emission: Floats, between: Floats, end: Floats, walk: Walk) -> tuple[Floats, Floats]:
    """Return β, each row divided by its sum, and these sums; 1 at the end of a sentence."""
    beta, sums = np.empty_like(emission), np.ones(len(emission))
    beta[walk.last] = end
    into, ones = np.ascontiguousarray(between.T), np.ones(len(between))
    for t in range(len(walk.n_open) - 1, 0, -1):
        here, before = walk.step(t)
        block = (emission[here] * beta[here]) @ into
        total = np.matmul(block, ones, out=sums[before])
        np.divide(block, total[:, None], out=beta[before])
    return beta, sums


def _with_suspects(scores: Floats, A: Floats, lengths: Ints, suspects: Ints) -> Sums:
    """Compute some sentences by `plain_sums` and the others by `fast_sums`."""
    is_suspect = np.zeros(len(lengths), bool)
    is_suspect[suspects] = True
    if is_suspect.all():
        return plain_sums(scores, A, lengths)
    N, C = scores.shape
    log_z, pairs, growth = np.zeros(len(lengths)), np.zeros((C + 1, C + 1)), np.empty(N)
    unary, log_alpha, log_beta = np.empty((N, C)), np.empty((N, C)), np.empty((N, C))
    for part, function in ((is_suspect, plain_sums), (~is_suspect, fast_sums)):
        tokens = np.repeat(part, lengths)
        sums = function(scores[tokens], A, lengths[part])
        log_z[part], unary[tokens], growth[tokens] = sums.log_z, sums.unary, sums.growth
        log_alpha[tokens], log_beta[tokens] = sums.log_alpha, sums.log_beta
        pairs += sums.pairs
    return Sums(log_z, unary, pairs, log_alpha, growth, log_beta)


def _in_order(walk: Walk, log_z: Floats, pairs: Floats, unary: Floats, *of_tokens: Floats) -> Sums:
    """Count starts and ends, and restore the order of the batch."""
    C = unary.shape[1]
    pairs[C, :C] = unary[: len(walk.last)].sum(axis=0)
    pairs[:C, C] = unary[walk.last].sum(axis=0)
    position = np.empty(len(unary), np.int64)
    position[walk.tokens] = np.arange(len(unary))
    return Sums(log_z, unary[position], pairs, *(array[position] for array in of_tokens))
