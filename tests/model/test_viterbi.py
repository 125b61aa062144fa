"""Scores to labels: the best sequence among those that the scheme allows, against all of them tried out."""

from itertools import product
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.arrays import Floats
from windowclf.corpus import LabelSet, Scheme, illegal_transitions
from windowclf.model import best_labels
from windowclf.model.viterbi import best_legal_paths, legal_pairs

PLAIN = LabelSet(["a", "b", "c"], None)
INNER = [Scheme.IOB2, Scheme.IOBES]
LABELS = {scheme: LabelSet.of([["O", "B-LOC", "B-PER"]], internal_scheme=scheme) for scheme in INNER}
ONE_KIND = {scheme: LabelSet.of([["O", "B-LOC"]], internal_scheme=scheme) for scheme in INNER}
LENGTHS = st.lists(st.integers(0, 6), max_size=6)
SEEDS = st.integers(0, 2**32 - 1)


def _random_scores(n: int, labels: LabelSet, seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, len(labels)))


def _named(scores: Floats, lengths: list[int], labels: LabelSet) -> list[list[str]]:
    """Decode, and return the labels of each sentence by name."""
    best = best_labels(scores, np.array(lengths, dtype=np.int64), labels).tolist()
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    return [[labels.names[i] for i in best[end - n : end]] for end, n in zip(ends, lengths, strict=True)]


def _scores_of(names: list[str], labels: LabelSet) -> Floats:
    """Return scores whose greatest stands at these labels."""
    return np.eye(len(labels))[[labels.names.index(name) for name in names]]


def _forbidden(labels: LabelSet) -> Floats:
    """Return transition scores that only forbid what the scheme forbids."""
    forbidden: Floats = np.where(legal_pairs(labels), 0.0, -np.inf)
    return forbidden


@pytest.mark.parametrize("scheme", INNER)
@given(lengths=LENGTHS, seed=SEEDS)
def test_the_result_is_legal_in_the_scheme(scheme: Scheme, lengths: list[int], seed: int) -> None:
    decoded = _named(_random_scores(sum(lengths), LABELS[scheme], seed), lengths, LABELS[scheme])
    assert [len(sentence) for sentence in decoded] == lengths
    assert [illegal_transitions(sentence, scheme) for sentence in decoded] == [[]] * len(lengths)


@pytest.mark.parametrize("scheme", INNER)
@given(length=st.integers(1, 4), seed=SEEDS)
def test_no_legal_sequence_is_better(scheme: Scheme, length: int, seed: int) -> None:
    labels = ONE_KIND[scheme]
    scores = _random_scores(length, labels, seed)
    legal = {
        ids: scores[range(length), ids].sum()
        for ids in product(range(len(labels)), repeat=length)
        if not illegal_transitions([labels.names[i] for i in ids], scheme)
    }
    found = tuple(best_labels(scores, np.array([length]), labels).tolist())
    assert legal[found] == pytest.approx(max(legal.values()))


@pytest.mark.parametrize("scheme", INNER)
@given(lengths=LENGTHS, seed=SEEDS)
def test_a_sentence_whose_best_labels_are_legal_keeps_them(
    scheme: Scheme, lengths: list[int], seed: int
) -> None:
    labels = LABELS[scheme]
    scores = _random_scores(sum(lengths), labels, seed)
    best = [labels.names[i] for i in scores.argmax(axis=1)]
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    for end, n, decoded in zip(ends, lengths, _named(scores, lengths, labels), strict=True):
        assert illegal_transitions(best[end - n : end], scheme) or decoded == best[end - n : end]


@given(lengths=LENGTHS, seed=SEEDS)
def test_a_sentence_is_decoded_as_if_it_were_alone(lengths: list[int], seed: int) -> None:
    labels = LABELS[Scheme.IOB2]
    scores = _random_scores(sum(lengths), labels, seed)
    parts = np.split(scores, np.cumsum(lengths, dtype=np.int64)[:-1])
    alone = [_named(part, [len(part)], labels)[0] for part in parts[: len(lengths)]]
    assert _named(scores, lengths, labels) == alone


@given(length=st.integers(1, 6), seed=SEEDS, shift=st.floats(-100, 100))
def test_scores_need_not_be_log_probabilities(length: int, seed: int, shift: float) -> None:
    labels = LABELS[Scheme.IOBES]
    scores = _random_scores(length, labels, seed)
    shifts = np.linspace(-shift, shift, length)[:, None]
    assert _named(scores + shifts, [length], labels) == _named(scores, [length], labels)


@pytest.mark.parametrize(
    "scores, decoded",
    [
        # the best single labels are O and I, which may not follow O: the cheaper of the two gives way
        ([[3, 2, 0], [0, 2, 3]], ["O", "B-LOC"]),
        ([[3, 2.5, 0], [0, 1, 3]], ["B-LOC", "I-LOC"]),
        ([[2, 0, 3]], ["O"]),
        ([[0, 1, 3], [0, 1, 3]], ["B-LOC", "I-LOC"]),
        ([[0, 3, 1], [0, 3, 1]], ["B-LOC", "B-LOC"]),
    ],
)
def test_the_cheapest_change_is_made(scores: list[list[float]], decoded: list[str]) -> None:
    labels = ONE_KIND[Scheme.IOB2]
    assert labels.names == ("O", "B-LOC", "I-LOC")
    assert _named(np.array(scores), [len(scores)], labels) == [decoded]


def test_an_entity_does_not_go_on_into_the_next_sentence() -> None:
    labels = ONE_KIND[Scheme.IOB2]
    scores = np.array([[0.0, 3, 1], [0, 1, 3]])
    assert _named(scores, [2], labels) == [["B-LOC", "I-LOC"]]
    assert _named(scores, [1, 1], labels) == [["B-LOC"], ["B-LOC"]]
    assert _named(scores, [1, 0, 1, 0], labels) == [["B-LOC"], [], ["B-LOC"], []]


def test_an_entity_of_iobes_is_closed_at_the_end_of_the_sentence() -> None:
    labels = ONE_KIND[Scheme.IOBES]
    scores = _scores_of(["B-LOC", "I-LOC"], labels)
    assert _named(scores, [2], labels) == [["B-LOC", "E-LOC"]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certainty_breaks_no_rule(dtype: npt.DTypeLike) -> None:
    # so sure of illegal labels that every legal sequence is next to impossible
    labels = ONE_KIND[Scheme.IOB2]
    scores: Floats = np.full((50, 3), -1e30, dtype)
    scores[:, labels.names.index("I-LOC")] = 1e30
    assert _named(scores, [50], labels) == [["B-LOC", *["I-LOC"] * 49]]


def test_plain_labels_are_those_with_the_greatest_score() -> None:
    scores = np.array([[0.1, 0.3, 0.2], [-1.0, -3.0, -2.0], [0.0, 0.0, 0.1]])
    assert _named(scores, [2, 1], PLAIN) == [["b", "a"], ["c"]]


def test_span_labels_taken_as_plain_classes_may_break_a_scheme() -> None:
    labels = LabelSet.of([["O", "I-LOC"]], scheme="none")
    assert _named(_scores_of(["I-LOC", "O", "I-LOC"], labels), [3], labels) == [["I-LOC", "O", "I-LOC"]]


@pytest.mark.parametrize("labels", [PLAIN, LABELS[Scheme.IOB2]])
@pytest.mark.parametrize("lengths", [[], [0], [0, 0]])
def test_no_words_have_no_labels(lengths: list[int], labels: LabelSet) -> None:
    assert _named(np.zeros((0, len(labels))), lengths, labels) == [[] for _ in lengths]


def test_the_table_of_legal_pairs_has_the_sentence_s_ends_last() -> None:
    O, B, I, end = range(4)  # noqa: E741
    expected = np.zeros((4, 4), dtype=bool)
    for first in (O, B, I, end):
        expected[first, [O, B, end]] = True
    expected[[B, I], I] = True
    np.testing.assert_array_equal(legal_pairs(ONE_KIND[Scheme.IOB2]), expected)


def test_a_path_of_one_word_begins_and_ends_there() -> None:
    labels = ONE_KIND[Scheme.IOBES]
    scores = _scores_of(["B-LOC"], labels) + 0.5 * _scores_of(["S-LOC"], labels)
    paths = best_legal_paths(scores[:, None], np.array([1]), _forbidden(labels))
    assert paths.tolist() == [[labels.names.index("S-LOC")]]


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=6), seed=SEEDS)
def test_paths_side_by_side_are_those_of_each_alone(lengths: list[int], seed: int) -> None:
    labels = LABELS[Scheme.IOBES]
    forbidden = _forbidden(labels)
    lengths.sort(reverse=True)
    shape = (lengths[0], len(lengths), len(labels))
    scores = np.random.default_rng(seed).standard_normal(shape)
    paths = best_legal_paths(scores, np.array(lengths), forbidden)
    for i, n in enumerate(lengths):
        alone = best_legal_paths(scores[:n, i : i + 1], np.array([n]), forbidden)
        assert paths[:, i].tolist() == [*alone[:, 0].tolist(), *[0] * (lengths[0] - n)]


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    scheme=st.sampled_from(list(LABELS)),
    seed=SEEDS,
)
def test_labels_are_those_of_a_search_of_whole_sentences(
    scheme: Scheme, lengths: list[int], seed: int
) -> None:
    labels = LABELS[scheme]
    scores = _random_scores(sum(lengths), labels, seed)
    scores[:, 1:] += np.random.default_rng(seed).choice([0, 1, 3])  # fewer or more illegal pairs
    forbidden = _forbidden(labels)
    ends = np.cumsum(lengths)
    whole = [
        best_legal_paths(scores[end - n : end, None], np.array([n]), forbidden)[:, 0]
        for n, end in zip(lengths, ends, strict=True)
    ]
    found = best_labels(scores, np.array(lengths), labels)
    assert found.tolist() == np.concatenate(whole).tolist()


def test_one_illegal_pair_that_changes_a_long_sentence_takes_linear_time() -> None:
    labels = LABELS[Scheme.IOBES]
    n = 20_000
    likely = _scores_of(["B-LOC", *["I-LOC"] * (n - 2), "E-PER"], labels)
    possible = _scores_of(["B-PER", *["I-PER"] * (n - 2), "E-PER"], labels)
    began = perf_counter()
    scores: Floats = np.where(likely, 0, np.where(possible, -1, -1e9))
    assert _named(scores, [n], labels) == [["B-PER", *["I-PER"] * (n - 2), "E-PER"]]
    assert perf_counter() - began < 30  # a window that grows word by word takes ten minutes
