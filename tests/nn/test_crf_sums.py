"""Sums over all labellings: both forms against every labelling written out, and against each other."""

from collections.abc import Callable
from itertools import pairwise, product
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Bools, Floats, Ints
from windowclf.errors import DataError, ShapeError
from windowclf.nn import expected_pairs, marginals, plain_sums, span_log_probs
from windowclf.nn.crf_sums import Sums, fast_sums, log_sum_exp

TOLERANCE = 1e-9
FORMS = [plain_sums, fast_sums]
LABELS = st.integers(2, 4)
LENGTHS = st.lists(st.integers(0, 5), max_size=6)
SEEDS = st.integers(0, 2**32 - 1)
NONE: Ints = np.zeros(0, np.int64)

# --- every labelling, written out -------------------------------------------------------------------


def draw(lengths: list[int], C: int, seed: int, masked: bool) -> tuple[Floats, Floats, Ints, Bools]:
    """Draw scores, transitions and, if asked for, forbidden pairs; label 0 may stand anywhere."""
    rng = np.random.default_rng(seed)
    legal = np.ones((C + 1, C + 1), bool)
    if masked:
        legal = rng.random((C + 1, C + 1)) < 0.5
        legal[0] = legal[:, 0] = True
    scores, A = 2 * rng.standard_normal((sum(lengths), C)), 2 * rng.standard_normal((C + 1, C + 1))
    return scores, A, np.array(lengths, np.int64), legal


def forbid(A: Floats, legal: Bools) -> Floats:
    return np.where(legal, A, -np.inf)


def every_labelling(scores: Floats, A: Floats, legal: Bools) -> tuple[Ints, Floats]:
    """Return all legal labellings of a sentence (M, T), and the score of each."""
    T, C = scores.shape
    kept, totals = [], []
    for labelling in product(range(C), repeat=T):
        pairs = list(pairwise([C, *labelling, C]))
        if all(legal[i, j] for i, j in pairs):
            kept.append(labelling)
            of_words = sum(float(scores[t, j]) for t, j in enumerate(labelling))
            totals.append(of_words + sum(float(A[i, j]) for i, j in pairs))
    return np.array(kept, np.int64).reshape(-1, T), np.array(totals)


def naive_sums(scores: Floats, A: Floats, lengths: Ints, legal: Bools) -> tuple[Floats, Floats, Floats]:
    """Return log Z, marginals and expected pairs by adding up all labellings."""
    C = scores.shape[1]
    log_z, unary, pairs = np.zeros(len(lengths)), np.zeros_like(scores), np.zeros((C + 1, C + 1))
    begin = 0
    for i, n in enumerate(lengths.tolist()):
        if n == 0:
            continue
        labellings, totals = every_labelling(scores[begin : begin + n], A, legal)
        log_z[i] = np.log(np.exp(totals).sum())
        for labelling, p in zip(labellings.tolist(), np.exp(totals - log_z[i]), strict=True):
            unary[range(begin, begin + n), labelling] += p
            for pair in pairwise([C, *labelling, C]):
                pairs[pair] += p
        begin += n
    return log_z, unary, pairs


def assert_close(found: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


# --- both forms -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("masked", [False, True], ids=["all pairs", "some pairs"])
@pytest.mark.parametrize("C", [2, 3, 4])
@pytest.mark.parametrize("lengths", [[1], [2], [3], [4], [5], [0], [2, 0, 5, 1, 3, 0, 2]], ids=str)
def test_the_sums_are_those_of_every_labelling(
    lengths: list[int], C: int, masked: bool, form: Callable[..., Sums]
) -> None:
    scores, A, n_words, legal = draw(lengths, C, 0, masked)
    log_z, unary, pairs = naive_sums(scores, A, n_words, legal)
    sums = form(scores, forbid(A, legal), n_words)
    assert_close(sums.log_z, log_z)
    assert_close(sums.unary, unary)
    assert_close(sums.pairs, pairs)


@given(lengths=LENGTHS, C=LABELS, seed=SEEDS, masked=st.booleans(), size=st.sampled_from([1, 50, 1e4]))
def test_both_forms_agree(lengths: list[int], C: int, seed: int, masked: bool, size: float) -> None:
    scores, A, n_words, legal = draw(lengths, C, seed, masked)
    scores, A = scores * size, forbid(A * size, legal)
    plain, fast = plain_sums(scores, A, n_words), fast_sums(scores, A, n_words)
    # sums of a dozen numbers of the size of the scores are rounded to 1e-15 of it
    tolerance = 1e-10 * max(1, size / 100)
    assert_close(fast.log_z, plain.log_z, tolerance)
    assert_close(fast.unary, plain.unary, tolerance)
    assert_close(fast.pairs, plain.pairs, tolerance)
    assert_close(fast.growth, plain.growth, tolerance)
    assert_close(np.exp(fast.log_alpha), np.exp(plain.log_alpha), tolerance)
    # β is known but for a constant of the word
    after = [sums.log_beta - log_sum_exp(sums.log_beta, axis=1)[:, None] for sums in (plain, fast)]
    assert_close(np.exp(after[1]), np.exp(after[0]), tolerance)


def test_what_underflows_is_still_counted() -> None:
    """Label 1 begins at e^-800 of label 0, too little for float64, and wins it back word by word."""
    never = -np.inf
    A: Floats = np.array([[0, never, 0], [never, 0, 0], [0, 0, 0]])
    scores = np.zeros((60, 2))
    scores[0, 1] = -800
    scores[1:, 0] = -20
    sums = fast_sums(scores, A, np.array([60]))
    assert_close(sums.log_z, [-800])
    assert_close(sums.unary[0], [0, 1])


def test_a_sentence_that_underflows_changes_nothing_for_the_others() -> None:
    scores, A, n_words, _ = draw([4, 3, 0, 5], 3, 0, False)
    others = np.repeat([True, False, True, True], n_words)
    scores[~others] *= 1e4
    sums = fast_sums(scores, A, n_words)
    alone = fast_sums(scores[others], A, n_words[[0, 2, 3]])
    assert_close(sums.unary[others], alone.unary, 0)
    assert_close(sums.log_z[[0, 2, 3]], alone.log_z, 0)
    assert_close(sums.unary[~others], plain_sums(scores[~others], A, n_words[[1]]).unary, 0)


def test_forbidden_starts_and_ends_are_not_taken_for_underflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of IOBES: 0 O, 1 B, 2 I, 3 E; no sentence begins with I or E, or ends with B or I."""
    legal = np.zeros((5, 5), bool)
    for first, following in enumerate([[0, 1, 4], [2, 3], [2, 3], [0, 1, 4], [0, 1]]):
        legal[first, following] = True
    scores, A, n_words, _ = draw([1, 2, 3, 9], 4, 0, False)
    expected = plain_sums(scores, forbid(A, legal), n_words)
    monkeypatch.delattr("windowclf.nn.crf_sums.plain_sums")  # it would be slower, and is not needed
    assert_close(fast_sums(scores, forbid(A, legal), n_words).unary, expected.unary)


def test_one_word_whose_only_way_in_and_only_way_out_hardly_meet() -> None:
    A = np.array([[0, 0, -900], [0, 0, 0], [0, -900, 0.0]])
    sums = fast_sums(np.zeros((1, 2)), A, np.array([1]))
    assert_close(sums.log_z, [-900 + np.log(2)])
    assert_close(sums.unary, [[0.5, 0.5]])


def test_a_very_long_sentence_is_summed_in_reasonable_time() -> None:
    N = 100_000
    scores = np.random.default_rng(0).standard_normal((N, 3))
    A = np.random.default_rng(1).standard_normal((4, 4))
    began = perf_counter()
    sums = fast_sums(scores, A, np.array([N]))
    assert perf_counter() - began < 60  # two seconds on one core
    assert np.isfinite(sums.log_z).all()
    assert_close(sums.unary.sum(axis=1), np.ones(N))
    assert_close(sums.pairs.sum(), N + 1, 1e-5)


def test_marginals_and_expected_pairs_keep_the_dtype() -> None:
    scores, A, n_words, legal = draw([3, 0, 2], 3, 0, True)
    log_z, unary, pairs = naive_sums(scores, A, n_words, legal)
    found_log_z, found_unary = marginals(scores, A, lengths=n_words, legal=legal)
    assert_close(found_log_z, log_z)
    assert_close(found_unary, unary)
    assert_close(expected_pairs(scores, A, lengths=n_words, legal=legal)[1], pairs)
    narrow = marginals(scores.astype(np.float32), A.astype(np.float32), lengths=n_words, legal=legal)
    assert {array.dtype for array in narrow} == {np.dtype(np.float32)}
    assert_close(narrow[1], unary, 1e-6)


@pytest.mark.parametrize("lengths", [[], [0], [0, 0]])
def test_no_words_have_no_marginals(lengths: list[int]) -> None:
    log_z, unary = marginals(np.zeros((0, 3)), np.zeros((4, 4)), lengths=np.array(lengths, np.int64))
    assert log_z.tolist() == [0] * len(lengths)
    assert unary.shape == (0, 3)


def test_a_sentence_without_a_legal_labelling_is_refused() -> None:
    legal = np.ones((3, 3), bool)
    legal[:2, :2] = False  # no label after another
    marginals(np.zeros((1, 2)), np.zeros((3, 3)), lengths=np.array([1]), legal=legal)
    with pytest.raises(DataError, match="no legal tag sequence; found 'none for sentence 1"):
        marginals(np.zeros((3, 2)), np.zeros((3, 3)), lengths=np.array([1, 2]), legal=legal)


# --- spans ------------------------------------------------------------------------------------------


def naive_span(
    scores: Floats, A: Floats, legal: Bools, begin: int, labels: list[int], not_next: Bools | None
) -> float:
    """Return the probability of a span of one sentence: the share of the labellings that have it."""
    C, end = scores.shape[1], begin + len(labels)
    labellings, totals = every_labelling(scores, A, legal)
    probs = np.exp(totals) / np.exp(totals).sum()
    closed = np.column_stack([labellings, np.full(len(labellings), C)])
    has_it = (labellings[:, begin:end] == labels).all(axis=1)
    if not_next is not None:
        has_it &= ~not_next[closed[:, end]]
    return float(probs[has_it].sum())


@given(data=st.data(), C=LABELS, seed=SEEDS, masked=st.booleans(), closing=st.booleans())
def test_the_probability_of_a_span_is_that_of_the_labellings_that_have_it(
    data: st.DataObject, C: int, seed: int, masked: bool, closing: bool
) -> None:
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    scores, A, n_words, legal = draw(lengths, C, seed, masked)
    firsts = np.cumsum(n_words) - n_words
    begins, sequences, blocked, expected = [], [], [], []
    for first, n in zip(firsts.tolist(), lengths, strict=True):
        begin = data.draw(st.integers(0, n - 1))
        labels = data.draw(st.lists(st.integers(0, C - 1), min_size=1, max_size=n - begin))
        not_next = np.array(data.draw(st.lists(st.booleans(), min_size=C + 1, max_size=C + 1)))
        begins.append(first + begin)
        sequences.append(labels)
        blocked.append(not_next)
        sentence = scores[first : first + n]
        expected.append(naive_span(sentence, A, legal, begin, labels, not_next if closing else None))
    found = span_log_probs(
        scores,
        A,
        lengths=n_words,
        begins=np.array(begins),
        sequences=sequences,
        legal=legal,
        not_next=np.array(blocked) if closing else None,
    )
    assert_close(np.exp(found), expected)


def test_a_span_of_one_word_has_the_probability_of_its_label() -> None:
    scores, A, n_words, _ = draw([4, 2], 3, 0, False)
    sequences = [[label] for _ in range(6) for label in range(3)]
    found = span_log_probs(scores, A, lengths=n_words, begins=np.repeat(np.arange(6), 3), sequences=sequences)
    assert_close(np.exp(found).reshape(6, 3), marginals(scores, A, lengths=n_words)[1])


def test_a_whole_sentence_as_a_span_has_the_probability_of_its_labelling() -> None:
    scores, A, n_words, legal = draw([5], 3, 0, True)
    labellings, totals = every_labelling(scores, A, legal)
    log_z, _ = marginals(scores, A, lengths=n_words, legal=legal)
    found = span_log_probs(
        scores,
        A,
        lengths=n_words,
        begins=np.zeros(len(labellings), np.int64),
        sequences=labellings.tolist(),
        legal=legal,
    )
    assert_close(found, totals - log_z)


def test_spans_in_a_very_long_and_very_sure_sentence_have_probabilities() -> None:
    N = 20_000
    scores = np.zeros((N, 2))
    scores[:, 0] = 1e3
    scores[N // 2] = 0
    found = span_log_probs(
        scores, np.zeros((3, 3)), lengths=np.array([N]), begins=np.array([N // 2 - 1]), sequences=[[0, 1, 0]]
    )
    assert_close(found, [-np.log(2)])


def test_no_spans_have_no_probabilities() -> None:
    scores, A, n_words, _ = draw([2], 3, 0, False)
    assert span_log_probs(scores, A, lengths=n_words, begins=NONE, sequences=[]).shape == (0,)


@pytest.mark.parametrize(
    ("begin", "labels", "problem"),
    [
        (0, [], "not a span"),
        (1, [0, 0], "not a span"),  # on into the next sentence
        (4, [0, 0], "not a span"),
        (5, [0], "not a span"),
        (-1, [0], "not a span"),
        (0, [3], "not a label"),
        (0, [0, -1], "not a label"),
    ],
)
def test_what_is_not_a_span_is_refused(begin: int, labels: list[int], problem: str) -> None:
    scores, A, n_words, _ = draw([2, 3], 3, 0, False)
    with pytest.raises(ShapeError, match=problem):
        span_log_probs(scores, A, lengths=n_words, begins=np.array([begin]), sequences=[labels])
