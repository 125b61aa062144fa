"""The sentence-level loss: a whole labelling against all others, and what it says of words and spans.

The score of a labelling y of a sentence adds up the scores of its words and of its pairs of neighbours,

    score(y) = A[C, y_1] + Σ_t s[t, y_t] + Σ_t A[y_{t-1}, y_t] + A[y_T, C]

and its probability is e^score(y) / Z, where Z sums over all labellings: a linear-chain conditional random
field (Lafferty, McCallum and Pereira 2001), the sentence-level likelihood of Collobert et al. 2011, section
3.2.2. The sums are those of `windowclf.nn.crf_sums`.

Dimensions: N words of the batch, S sentences, C labels. The last row and column of A (C + 1, C + 1) are the
sentence's start and end: A[C, j] the score of beginning with label j, A[i, C] that of ending with label i,
A[i, j] that of j after i. A[C, C] means nothing.
"""

from collections.abc import Callable

import numpy as np

from windowclf.arrays import Bools, Floats, Ints, spread_apart
from windowclf.errors import DataError, ShapeError
from windowclf.nn.crf_sums import Sums, fast_sums, plain_sums

UNKNOWN = -1  # the target of a word whose label is not known

CrfBackward = Callable[..., tuple[Floats, Floats]]


def crf_loss(
    scores: Floats, A: Floats, *, targets: Ints, lengths: Ints, legal: Bools | None = None
) -> tuple[float, CrfBackward]:
    """Compute the negative log probability of the correct labellings, divided by the number of words.

    Where labels are not known, it is that of all labellings together that agree with the known ones.

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Of every label at every word, sentence after sentence; any finite numbers, N at least 1.
    A : Floats of shape (C + 1, C + 1)
        Transition, start and end scores, as above; any finite numbers.
    targets : Ints of shape (N,)
        The correct labels, from 0 to C - 1; -1 where the label is not known.
    lengths : Ints of shape (S,)
        Words of each sentence, together N. A sentence without words contributes nothing.
    legal : Bools of shape (C + 1, C + 1), optional
        Which pairs a labelling may contain; its probability is 0 if it contains another. All, if not given.

    Returns
    -------
    loss : float
    backward : callable
        upstream (a number, 1 unless given) -> (dscores (N, C), dA (C + 1, C + 1)).

    Raises
    ------
    ShapeError
        If the shapes do not fit together, or a target is no label.
    DataError
        If the correct labelling has a pair that is forbidden, or no legal labelling agrees with the targets.

    Notes
    -----
    For one sentence with correct labelling y, loss = log Z - score(y), where log Z = log Σ_y' e^score(y').
    The score of a labelling has s[t, j] as a term if y_t = j, so

        d log Z / ds[t, j] = Σ_{y' with y'_t = j} e^score(y') / Z = P(y_t = j)

    and in the same way d log Z / dA[i, j] is the expected number of times that j follows i. From each goes
    what the correct labelling has, 1 or 0 for a word and a count for a pair. Where labels are not known,
    score(y) is replaced by log Z', the same sum over the labellings that agree with those that are known
    (Culotta and McCallum 2004), and the counts by the expected ones among these. A forbidden pair has
    probability 0 whatever its score is, so its gradient is 0.
    """
    N, C, legal = _check("crf_loss", scores, A, lengths, legal)
    if targets.shape != (N,):
        problem = "scores and targets do not fit"
        raise ShapeError(problem, where="crf_loss", found=targets.shape, allowed=f"({N},)")
    if targets.min() < UNKNOWN or targets.max() >= C:
        found = int(targets.min() if targets.min() < UNKNOWN else targets.max())
        raise ShapeError("a target is no label", where="crf_loss", found=found, allowed=f"-1 to {C - 1}")

    is_known = targets != UNKNOWN
    unary = np.zeros((N, C))
    unary[is_known, targets[is_known]] = 1
    partly = np.zeros(len(lengths), bool)
    partly[np.repeat(np.arange(len(lengths)), lengths)[~is_known]] = True
    words = np.repeat(partly, lengths)
    pairs = _count_pairs(targets[~words], lengths[~partly], legal)
    numerator = _score(scores[~words], A, unary[~words], pairs)
    if partly.any():
        allowed = np.where(is_known[words, None] & (unary[words] == 0), -np.inf, scores[words])
        among = plain_sums(allowed, np.where(legal, A, -np.inf), lengths[partly])
        _refuse_impossible("crf_loss", among, np.flatnonzero(partly))
        unary[words] = among.unary
        pairs += among.pairs
        numerator += float(among.log_z.sum())
    return _against(scores, A, unary, pairs, numerator, lengths, legal)


def crf_cross_entropy(
    scores: Floats, A: Floats, *, unary: Floats, pairs: Floats, lengths: Ints, legal: Bools | None = None
) -> tuple[float, CrfBackward]:
    """Compute the cross-entropy of given labellings and ours, divided by the number of words.

    With the counts of one labelling for each sentence it is `crf_loss`; with the expected counts of a
    teacher's labellings it trains a student on all that the teacher thinks possible (Hinton, Vinyals and Dean
    2015, "Distilling the knowledge in a neural network"; of labellings, Kim and Rush 2016).

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Of every label at every word, sentence after sentence; any finite numbers, N at least 1.
    A : Floats of shape (C + 1, C + 1)
        Transition, start and end scores, as above; any finite numbers.
    unary : Floats of shape (N, C)
        The teacher's probability of every label at every word.
    pairs : Floats of shape (C + 1, C + 1)
        How often the teacher expects each pair in the batch, starts and ends included; that of [C, C] and
        those of forbidden pairs are not looked at.
    lengths : Ints of shape (S,)
        Words of each sentence, together N. A sentence without words contributes nothing.
    legal : Bools of shape (C + 1, C + 1), optional
        Which pairs a labelling may contain. All, if not given.

    Returns
    -------
    loss : float
    backward : callable
        upstream (a number, 1 unless given) -> (dscores (N, C), dA (C + 1, C + 1)).

    Raises
    ------
    ShapeError
        If the shapes do not fit together.
    DataError
        If no labelling of a sentence is legal.

    Notes
    -----
    For one sentence and the teacher's distribution q, -Σ_y q(y) log P(y) = log Z - Σ_y q(y) score(y). As a
    score is a sum over words and pairs, the second term needs only q's marginals u and expected counts n:

        loss = log Z - Σ_t Σ_j u[t, j] s[t, j] - Σ_i Σ_j n[i, j] A[i, j]

    and the gradients are our own marginals and expected counts less the teacher's.
    """
    N, C, legal = _check("crf_cross_entropy", scores, A, lengths, legal)
    if unary.shape != scores.shape or pairs.shape != A.shape:
        found, allowed = (unary.shape, pairs.shape), f"unary {(N, C)}, pairs {(C + 1, C + 1)}"
        problem = "the teacher's counts do not fit"
        raise ShapeError(problem, where="crf_cross_entropy", found=found, allowed=allowed)
    pairs = np.where(legal, pairs, 0.0)
    return _against(scores, A, unary, pairs, _score(scores, A, unary, pairs), lengths, legal)


def marginals(
    scores: Floats, A: Floats, *, lengths: Ints, legal: Bools | None = None
) -> tuple[Floats, Floats]:
    """Compute the probability of each label at each word, all labellings of its sentence considered.

    Parameters
    ----------
    scores : Floats of shape (N, C)
        Of every label at every word, sentence after sentence; any finite numbers.
    A : Floats of shape (C + 1, C + 1)
        Transition, start and end scores; any finite numbers.
    lengths : Ints of shape (S,)
        Words of each sentence, together N; 0 is allowed.
    legal : Bools of shape (C + 1, C + 1), optional
        Which pairs a labelling may contain. All, if not given.

    Returns
    -------
    log_z : Floats of shape (S,)
        The log of the sum over all labellings; 0 for a sentence without words.
    unary : Floats of shape (N, C)
        Each row sums to 1.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.
    DataError
        If no labelling of a sentence is legal.
    """
    sums = sum_labellings(scores, A, lengths=lengths, legal=legal)
    return sums.log_z.astype(scores.dtype), sums.unary.astype(scores.dtype)


def expected_pairs(
    scores: Floats, A: Floats, *, lengths: Ints, legal: Bools | None = None
) -> tuple[Floats, Floats]:
    """Compute what `crf_cross_entropy` asks of a teacher: its marginals and expected numbers of pairs.

    Parameters
    ----------
    scores, A, lengths, legal
        As of `marginals`.

    Returns
    -------
    unary : Floats of shape (N, C)
        Each row sums to 1.
    pairs : Floats of shape (C + 1, C + 1)
        How often label j is expected after label i, in all sentences together; the last row and column
        count the starts and ends.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.
    DataError
        If no labelling of a sentence is legal.
    """
    sums = sum_labellings(scores, A, lengths=lengths, legal=legal)
    return sums.unary.astype(scores.dtype), sums.pairs.astype(scores.dtype)


def sum_labellings(scores: Floats, A: Floats, *, lengths: Ints, legal: Bools | None = None) -> Sums:
    """Check what is given and sum over all labellings, in float64; arguments and errors as of `marginals`."""
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
    """Compare our labellings with given counts of words and pairs, whose score is the numerator."""
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
    """Add up the scores of words and pairs, each as often as it is counted."""
    of_words = np.multiply(unary, scores, dtype=np.float64).sum()
    return float(of_words + np.multiply(pairs, A, dtype=np.float64).sum())


def _count_pairs(targets: Ints, lengths: Ints, legal: Bools) -> Floats:
    """Count which labels follow which, starts and ends included."""
    n_ends, C = len(legal), len(legal) - 1
    # the labels of all sentences in a row, C before, between and after them
    places, size = spread_apart(lengths, 1)
    row = np.full(size, C, dtype=np.int64)
    row[places] = targets
    counts = np.bincount(row[:-1] * n_ends + row[1:], minlength=n_ends**2).reshape(n_ends, n_ends)
    counts[C, C] = 0  # sentences without words
    if (counts[~legal] > 0).any():
        first, second = (int(i) for i in np.argwhere((counts > 0) & ~legal)[0])
        names = [f"label {i}" if i < C else "the sentence's end" for i in (first, second)]
        raise DataError(
            "a correct labelling has a pair that is forbidden",
            where="crf_loss",
            found=f"{names[0]}, then {names[1]}",
            hint="Are the labels in the scheme that the forbidden pairs were made for?",
        )
    return counts.astype(np.float64)


def _check(
    where: str, scores: Floats, A: Floats, lengths: Ints, legal: Bools | None, *, least: int = 1
) -> tuple[int, int, Bools]:
    """Return N, C and which pairs are legal, or say what does not fit."""
    ends = (scores.shape[-1] + 1,) * 2
    is_whole = lengths.ndim == 1 and (lengths >= 0).all() and lengths.sum() == len(scores)
    if scores.ndim != 2 or A.shape != ends or not is_whole or len(scores) < least:
        found = (scores.shape, A.shape, int(lengths.sum()))
        allowed = f"scores (N, C), A (C + 1, C + 1), lengths that sum to N, N at least {least}"
        raise ShapeError("scores, A and lengths do not fit", where=where, found=found, allowed=allowed)
    if legal is None:
        legal = np.ones(ends, bool)
    elif legal.shape != ends:
        raise ShapeError("the legal pairs do not fit", where=where, found=legal.shape, allowed=str(ends))
    return *scores.shape, legal


def _refuse_impossible(where: str, sums: Sums, sentences: Ints) -> None:
    """Refuse sentences without a legal labelling (or none that agrees with the known labels)."""
    impossible = np.flatnonzero(np.isneginf(sums.log_z))
    if len(impossible):
        found = f"none for sentence {sentences[impossible[0]]} of the batch"
        allowed = "at least one labelling of legal pairs that has the known labels"
        raise DataError("no labelling is possible", where=where, found=found, allowed=allowed)
