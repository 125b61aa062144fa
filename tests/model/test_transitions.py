"""Decoding with transition scores, and the best labellings of a sentence: against all of them tried out."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Bools, Floats
from windowclf.corpus import LabelSet, Scheme
from windowclf.errors import ConfigError, DataError, ShapeError
from windowclf.model import best_labels
from windowclf.model.viterbi import legal_pairs, n_best_labels

PLAIN = LabelSet(["a", "b", "c"], None)
IOB2 = LabelSet.of([["O", "B-LOC"]], internal_scheme=Scheme.IOB2)
IOBES = LabelSet.of([["O", "B-LOC"]], internal_scheme=Scheme.IOBES)
LABEL_SETS = [PLAIN, IOB2, IOBES]
NOTHING: dict[tuple[int, ...], float] = {(): 0.0}
LENGTHS = st.lists(st.integers(0, 4), max_size=6)
SEEDS = st.integers(0, 2**32 - 1)

each_label_set = pytest.mark.parametrize("labels", LABEL_SETS, ids=["plain", "IOB2", "IOBES"])


def draw(n: int, labels: LabelSet, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    C = len(labels)
    return rng.standard_normal((n, C)), 2 * rng.standard_normal((C + 1, C + 1))


def allowed_pairs(labels: LabelSet) -> Bools:
    return np.ones([len(labels) + 1] * 2, bool) if labels.internal_scheme is None else legal_pairs(labels)


def every_labelling(scores: Floats, A: Floats, legal: Bools) -> dict[tuple[int, ...], float]:
    """Return the score of each legal labelling of a sentence."""
    T, C = scores.shape
    return {
        y: float(scores[range(T), y].sum() + sum(A[i, j] for i, j in pairwise([C, *y, C])))
        for y in product(range(C), repeat=T)
        if all(legal[i, j] for i, j in pairwise([C, *y, C]))
    }


# --- the best labelling -----------------------------------------------------------------------------


@each_label_set
@given(lengths=LENGTHS, seed=SEEDS)
def test_no_legal_labelling_scores_higher(labels: LabelSet, lengths: list[int], seed: int) -> None:
    scores, A = draw(sum(lengths), labels, seed)
    found = best_labels(scores, np.array(lengths, np.int64), labels, A)
    begin = 0
    for n in lengths:
        if n:
            totals = every_labelling(scores[begin : begin + n], A, allowed_pairs(labels))
            assert totals[tuple(found[begin : begin + n].tolist())] == pytest.approx(max(totals.values()))
        begin += n
    assert len(found) == begin


@each_label_set
@given(lengths=LENGTHS, seed=SEEDS)
def test_transitions_of_nothing_change_nothing(labels: LabelSet, lengths: list[int], seed: int) -> None:
    scores, A = draw(sum(lengths), labels, seed)
    n_words = np.array(lengths, np.int64)
    with_zeros = best_labels(scores, n_words, labels, np.zeros_like(A))
    assert with_zeros.tolist() == best_labels(scores, n_words, labels).tolist()


def test_a_high_score_does_not_buy_a_forbidden_pair() -> None:
    C = len(IOB2)
    A = np.where(legal_pairs(IOB2), 0.0, 1e6)
    found = best_labels(np.zeros((4, C)), np.array([4]), IOB2, A).tolist()
    assert all(legal_pairs(IOB2)[i, j] for i, j in pairwise([C, *found, C]))


def test_of_equal_labellings_the_one_that_ends_with_the_first_labels_is_taken() -> None:
    assert best_labels(np.zeros((5, 3)), np.array([2, 3]), PLAIN, np.zeros((4, 4))).tolist() == [0] * 5


def test_sentences_in_several_groups_are_decoded_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = np.array([1, 7, 0, 2, 3, 9, 1, 2])
    scores, A = draw(int(lengths.sum()), IOBES, 0)
    together = best_labels(scores, lengths, IOBES, A).tolist()
    monkeypatch.setattr(
        "windowclf.model.viterbi._SUMS_AT_ONCE", 36
    )  # one sentence of five labels and the end
    assert best_labels(scores, lengths, IOBES, A).tolist() == together


def test_float32_loses_nothing_over_a_long_sentence() -> None:
    """Sums of 20 million, which float32 knows to the nearest 2, are decided by quarters."""
    n = 20_000
    quarters = [np.round(4 * array) / 4 for array in draw(n, PLAIN, 0)]
    scores, A = quarters[0] + 1000, quarters[1]
    wide = best_labels(scores, np.array([n]), PLAIN, A)
    narrow = best_labels(scores.astype(np.float32), np.array([n]), PLAIN, A.astype(np.float32))
    assert narrow.tolist() == wide.tolist()


# --- the best labellings ----------------------------------------------------------------------------


@each_label_set
@pytest.mark.parametrize("n", [1, 2, 7, 10_000])
@given(length=st.integers(0, 4), seed=SEEDS)
def test_the_n_best_are_the_first_of_all(labels: LabelSet, n: int, length: int, seed: int) -> None:
    scores, A = draw(length, labels, seed)
    legal = allowed_pairs(labels)
    found = n_best_labels(scores, A, n, legal)
    totals = every_labelling(scores, A, legal) if length else NOTHING
    log_z = np.log(np.exp(list(totals.values())).sum())
    ranked = sorted(totals, key=lambda y: -totals[y])[:n]
    assert [tuple(y.tolist()) for y, _ in found] == ranked
    assert [p for _, p in found] == pytest.approx([totals[y] - log_z for y in ranked], abs=1e-9)


@each_label_set
@given(length=st.integers(1, 6), seed=SEEDS)
def test_the_first_of_the_n_best_is_the_best(labels: LabelSet, length: int, seed: int) -> None:
    scores, A = draw(length, labels, seed)
    (first, _), *_ = n_best_labels(scores, A, 3, allowed_pairs(labels))
    assert first.tolist() == best_labels(scores, np.array([length]), labels, A).tolist()


def test_equal_labellings_are_each_listed_once() -> None:
    found = n_best_labels(np.zeros((2, 3)), np.zeros((4, 4)), 9)
    assert len({tuple(y.tolist()) for y, _ in found}) == 9
    assert [p for _, p in found] == pytest.approx([-np.log(9)] * 9)


def test_the_n_best_of_a_long_sentence_are_distinct_and_in_order() -> None:
    scores, A = draw(500, IOBES, 0)
    found = n_best_labels(scores.astype(np.float32), A.astype(np.float32), 20, legal_pairs(IOBES))
    probs = [p for _, p in found]
    assert len({tuple(y.tolist()) for y, _ in found}) == 20
    assert probs == sorted(probs, reverse=True)
    assert all(legal_pairs(IOBES)[i, j] for y, _ in found for i, j in pairwise([5, *y.tolist(), 5]))


def test_a_number_of_labellings_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="n: not a number of tag sequences; found 0"):
        n_best_labels(np.zeros((2, 3)), np.zeros((4, 4)), 0)


def test_scores_and_transitions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError):
        n_best_labels(np.zeros((2, 3)), np.zeros((3, 3)), 1)


def test_a_sentence_without_a_legal_labelling_has_no_best() -> None:
    with pytest.raises(DataError, match="no legal tag sequence"):
        n_best_labels(np.zeros((2, 3)), np.zeros((4, 4)), 1, np.zeros((4, 4), bool))
