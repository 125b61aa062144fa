"""The sentence-level loss of a conditional random field, and the probabilities of its labels.

The score of a tag sequence y of a sentence is the sum of the scores of its labels and its transitions,

    score(y) = A[C, y_1] + Σ_t s[t, y_t] + Σ_t A[y_{t-1}, y_t] + A[y_T, C]

and its probability is e^score(y) / Z, where Z sums over all tag sequences: a linear-chain conditional random
field (Lafferty, McCallum and Pereira 2001), the sentence-level likelihood of Collobert et al. 2011, section
3.2.2. `windowclf.nn.crf_sums` computes the sums.

Dimensions: N tokens of the batch, S sentences, C labels. In A (C + 1, C + 1), A[i, j] is the score of label j
after label i. The last row and column are the start and end of a sentence: A[C, j] is the score of starting
with label j, A[i, C] that of ending with label i. A[C, C] is not used.
"""

from collections.abc import Callable

import numpy as np

from windowclf.arrays import Bools, Floats, Ints, spread_apart
from windowclf.errors import DataError, ShapeError
from windowclf.nn.crf_sums import Sums, fast_sums, plain_sums

UNKNOWN = -1  # the target of a token with unknown label

CrfBackward = Callable[..., tuple[Floats, Floats]]


def crf_loss(
    scores: Floats, A: Floats, *, targets: Ints, lengths: Ints, legal: Bools | None = None
) -> tuple[float, CrfBackward]:
    """Compute the negative log probability of the correct tag sequences, divided by the number of tokens.

    If labels are unknown, it is that of all tag sequences that agree with the known ones.

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Of every label at every token, sentence after sentence; any finite numbers, N at least 1.
    A : Floats of shape (C + 1, C + 1)
        Transition, start and end scores, as above; any finite numbers.
    targets : Ints of shape (N,)
        The correct labels, from 0 to C - 1; -1 if unknown.
    lengths : Ints of shape (S,)
        Tokens of each sentence, together N. A sentence without tokens contributes nothing.
    legal : Bools of shape (C + 1, C + 1), optional
        The legal transitions; a tag sequence with another one has probability 0. Default: all.

    Returns
    -------
    loss : float
    backward : callable
        upstream (a number, 1 unless given) -> (dscores (N, C), dA (C + 1, C + 1)).

    Raises
    ------
    ShapeError, DataError
        If the shapes do not agree, or a target is not a label; if a correct tag sequence has an illegal
        transition, or no legal one agrees with the targets.

    Notes
    -----
    For one sentence with correct tags y, loss = log Z - score(y), where log Z = log Σ_y' e^score(y'). The
    score of a tag sequence has the term s[t, j] if y_t = j, so

        d log Z / ds[t, j] = Σ_{y' with y'_t = j} e^score(y') / Z = P(y_t = j)

    and in the same way d log Z / dA[i, j] is the expected number of times that j follows i. The gradients
    subtract from these the counts of the correct tag sequence: 1 or 0 for a label of a token, and the number
    of each transition. If labels are unknown, score(y) is replaced by log Z', the same sum over the tag
    sequences that agree with the known labels (Culotta and McCallum 2004), and the counts by the expected
    ones among these. An illegal transition has probability 0 whatever its score, so its gradient is 0.
    """
    N, C, legal = _check("crf_loss", scores, A, lengths, legal)
    if targets.shape != (N,):
        problem = "the shapes of scores and targets do not agree"
        raise ShapeError(problem, where="crf_loss", found=targets.shape, allowed=f"({N},)")
    if targets.min() < UNKNOWN or targets.max() >= C:
        found = int(targets.min() if targets.min() < UNKNOWN else targets.max())
        raise ShapeError("a target is not a label", where="crf_loss", found=found, allowed=f"-1 to {C - 1}")

    is_known = targets != UNKNOWN
    unary = np.zeros((N, C))
    unary[is_known, targets[is_known]] = 1
    partly = np.zeros(len(lengths), bool)
    partly[np.repeat(np.arange(len(lengths)), lengths)[~is_known]] = True
    tokens = np.repeat(partly, lengths)
    pairs = _count_pairs(targets[~tokens], lengths[~partly], legal)
    numerator = _score(scores[~tokens], A, unary[~tokens], pairs)
    if partly.any():
        allowed = np.where(is_known[tokens, None] & (unary[tokens] == 0), -np.inf, scores[tokens])
        among = plain_sums(allowed, np.where(legal, A, -np.inf), lengths[partly])
        _refuse_impossible("crf_loss", among, np.flatnonzero(partly))
        unary[tokens] = among.unary
        pairs += among.pairs
        numerator += float(among.log_z.sum())
    return _against(scores, A, unary, pairs, numerator, lengths, legal)


def crf_cross_entropy(
    scores: Floats, A: Floats, *, unary: Floats, pairs: Floats, lengths: Ints, legal: Bools | None = None
) -> tuple[float, CrfBackward]:
    """Compute the cross-entropy between a teacher's distribution and ours, divided by the number of tokens.

    With the counts of one tag sequence for each sentence it is `crf_loss`. With a teacher's expected counts
    it trains a student on all tag sequences that the teacher finds possible (Hinton, Vinyals and Dean 2015,
    "Distilling the knowledge in a neural network"; for sequences, Kim and Rush 2016).

    Parameters
    ----------
    scores, A, lengths, legal
        As in `crf_loss`, and so is the result.
    unary : Floats of shape (N, C)
        The teacher's probability of every label at every token.
    pairs : Floats of shape (C + 1, C + 1)
        The teacher's expected number of each transition in the batch, starts and ends included; [C, C] and
        illegal transitions are ignored.

    Raises
    ------
    ShapeError, DataError
        If the shapes do not agree, or if no tag sequence of a sentence is legal.

    Notes
    -----
    For one sentence and the teacher's distribution q, -Σ_y q(y) log P(y) = log Z - Σ_y q(y) score(y). As a
    score is a sum over labels and transitions, the second term needs only q's marginals u and expected
    counts n:

        loss = log Z - Σ_t Σ_j u[t, j] s[t, j] - Σ_i Σ_j n[i, j] A[i, j]

    and the gradients are our own marginals and expected counts minus the teacher's.
    """
    N, C, legal = _check("crf_cross_entropy", scores, A, lengths, legal)
    if unary.shape != scores.shape or pairs.shape != A.shape:
        found, allowed = (unary.shape, pairs.shape), f"unary {(N, C)}, pairs {(C + 1, C + 1)}"
        problem = "the shapes of the teacher's counts do not agree"
        raise ShapeError(problem, where="crf_cross_entropy", found=found, allowed=allowed)
    pairs = np.where(legal, pairs, 0.0)
    return _against(scores, A, unary, pairs, _score(scores, A, unary, pairs), lengths, legal)


def marginals(
    scores: Floats, A: Floats, *, lengths: Ints, legal: Bools | None = None
) -> tuple[Floats, Floats]:
    """Compute the probability of each label at each token, over all tag sequences of its sentence.

    Parameters and errors are those of `crf_cross_entropy`; N may be 0.

    Returns
    -------
    log_z : Floats of shape (S,)
        The log of the sum over all tag sequences; 0 for a sentence without tokens.
    unary : Floats of shape (N, C)
        Each row sums to 1.
    """
    sums = sum_labellings(scores, A, lengths=lengths, legal=legal)
    return sums.log_z.astype(scores.dtype), sums.unary.astype(scores.dtype)


def expected_pairs(
    scores: Floats, A: Floats, *, lengths: Ints, legal: Bools | None = None
) -> tuple[Floats, Floats]:
    """Compute what `crf_cross_entropy` needs of a teacher: marginals and expected numbers of transitions.

    Parameters and errors are those of `crf_cross_entropy`; N may be 0.

    Returns
    -------
    unary : Floats of shape (N, C)
        Each row sums to 1.
    pairs : Floats of shape (C + 1, C + 1)
        The expected number of times that label j follows label i, in all sentences together; the last row and
        column count starts and ends.
    """
    sums = sum_labellings(scores, A, lengths=lengths, legal=legal)
    return sums.unary.astype(scores.dtype), sums.pairs.astype(scores.dtype)


def sum_labellings(scores: Floats, A: Floats, *, lengths: Ints, legal: Bools | None = None) -> Sums:
    """Sum over all tag sequences, in float64, with the arguments and errors of `marginals`."""
    _, _, legal = _check("crf", scores, A, lengths, legal, least=0)
    sums = fast_sums(scores, np.where(legal, A, -np.inf), lengths)
    _refuse_impossible("crf", sums, np.arange(len(lengths)))
    return sums


def _against(
    scores: Floats,
    A: Floats,
    unary: Floats,
    pairs: Floats,
    numerator: float,
    lengths: Ints,
    legal: Bools,
) -> tuple[float, CrfBackward]:
    """Return log Z minus `numerator`, the score of the given counts, over N; and its backward."""
    ours = sum_labellings(scores, A, lengths=lengths, legal=legal)
    N = len(scores)
    loss = (float(ours.log_z.sum()) - numerator) / N

    def backward(upstream: float = 1.0) -> tuple[Floats, Floats]:
        factor = float(upstream) / N
        dscores = (ours.unary - unary) * factor
        dA = (ours.pairs - pairs) * factor
        return dscores.astype(scores.dtype), dA.astype(A.dtype)

    return loss, backward


def _score(scores: Floats, A: Floats, unary: Floats, pairs: Floats) -> float:
    """Return the sum of the scores of labels and transitions, each times its count."""
    of_tokens = np.multiply(unary, scores, dtype=np.float64).sum()
    return float(of_tokens + np.multiply(pairs, A, dtype=np.float64).sum())


def _count_pairs(targets: Ints, lengths: Ints, legal: Bools) -> Floats:
    """Count the transitions, starts and ends included."""
    n_ends, C = len(legal), len(legal) - 1
    # the labels of all sentences in a row, with C before, between and after them
    positions, size = spread_apart(lengths, 1)
    row = np.full(size, C, dtype=np.int64)
    row[positions] = targets
    counts = np.bincount(row[:-1] * n_ends + row[1:], minlength=n_ends**2).reshape(n_ends, n_ends)
    counts[C, C] = 0  # sentences without tokens
    if (counts[~legal] > 0).any():
        first, second = (int(i) for i in np.argwhere((counts > 0) & ~legal)[0])
        names = [f"label {i}" if i < C else "the sentence's end" for i in (first, second)]
        raise DataError(
            "a correct tag sequence has an illegal transition",
            where="crf_loss",
            found=f"{names[0]}, then {names[1]}",
            hint="Are the labels in the scheme that the legal transitions were made for?",
        )
    return counts.astype(np.float64)


def _check(
    where: str, scores: Floats, A: Floats, lengths: Ints, legal: Bools | None, *, least: int = 1
) -> tuple[int, int, Bools]:
    """Check the shapes; return N, C and the legal transitions."""
    ends = (scores.shape[-1] + 1,) * 2
    is_whole = lengths.ndim == 1 and (lengths >= 0).all() and lengths.sum() == len(scores)
    if scores.ndim != 2 or A.shape != ends or not is_whole or len(scores) < least:
        found = (scores.shape, A.shape, int(lengths.sum()))
        allowed = f"scores (N, C), A (C + 1, C + 1), lengths that sum to N, N at least {least}"
        raise ShapeError(
            "the shapes of scores, A and lengths do not agree", where=where, found=found, allowed=allowed
        )
    if legal is None:
        legal = np.ones(ends, bool)
    elif legal.shape != ends:
        raise ShapeError(
            "the shape of the legal transitions does not agree",
            where=where,
            found=legal.shape,
            allowed=str(ends),
        )
    return *scores.shape, legal


def _refuse_impossible(where: str, sums: Sums, sentences: Ints) -> None:
    """Check that each sentence has a legal tag sequence that agrees with the known labels."""
    impossible = np.flatnonzero(np.isneginf(sums.log_z))
    if len(impossible):
        found = f"none for sentence {sentences[impossible[0]]} of the batch"
        allowed = "at least one legal tag sequence with the known labels"
        raise DataError("no legal tag sequence", where=where, found=found, allowed=allowed)
