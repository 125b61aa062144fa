"""Scores to labels, spans and probabilities, against every labelling of a sentence tried out."""

from itertools import product

import numpy as np
import pytest

from windowclf.arrays import Floats
from windowclf.corpus import LabelSet, Scheme, Span, spans
from windowclf.model import Calibration, Decoder, PlattScaling
from windowclf.model.viterbi import legal_pairs

PLAIN = LabelSet(["a", "b", "c"], None)
IOBES = LabelSet.of([["O", "B-LOC"]], internal_scheme=Scheme.IOBES)
IOB2 = LabelSet.of([["O", "B-LOC", "B-PER"]], internal_scheme=Scheme.IOB2)
IOB1 = LabelSet.of([["O", "I-LOC", "B-LOC"]], scheme="IOB1", internal_scheme=Scheme.IOBES)
SPELLED = [PLAIN, IOBES, IOB2, IOB1]
SPELLED_IDS = ["classes", "IOBES as IOB2", "IOB2", "IOBES as IOB1"]
LENGTHS = np.array([4, 0, 1, 3])
N = int(LENGTHS.sum())


def _draw(labels: LabelSet, *, chain: bool) -> tuple[Floats, Floats | None]:
    rng = np.random.default_rng(5)
    C = len(labels)
    scores = rng.standard_normal((N, C))
    return scores, rng.standard_normal((C + 1, C + 1)) if chain else None


def _labellings(
    scores: Floats, transitions: Floats | None, labels: LabelSet, temperature: float, *, legal: bool
) -> list[tuple[tuple[int, ...], float]]:
    """Return every labelling of a sentence with its probability."""
    C = len(labels)
    A = np.zeros((C + 1, C + 1)) if transitions is None else transitions.copy()
    if legal and labels.internal_scheme is not None:
        A[~legal_pairs(labels)] = -np.inf
    found = []
    for path in product(range(C), repeat=len(scores)):
        ends = [C, *path, C]
        score = sum(scores[t, j] for t, j in enumerate(path)) + sum(A[ends[:-1], ends[1:]])
        found.append((path, np.exp(score / temperature)))
    total = sum(weight for _, weight in found)
    return [(path, weight / total) for path, weight in found]


def _marked(path: tuple[int, ...], labels: LabelSet, span: Span) -> bool:
    """Say whether a labelling, legal or not, has the labels of a span at its place and ends it there."""
    names = [labels.names[i] for i in path]
    n_inner = span.end - span.start - 2
    if labels.internal_scheme is Scheme.IOB2:
        prefixes = ["B", *"I" * (n_inner + 1)]
    else:
        prefixes = ["B", *"I" * n_inner, "E"] if n_inner >= 0 else ["S"]
    if names[span.start : span.end] != [f"{prefix}-{span.kind}" for prefix in prefixes]:
        return False
    goes_on = labels.internal_scheme is Scheme.IOB2 and names[span.end : span.end + 1] == [f"I-{span.kind}"]
    return not goes_on


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("chain", [False, True], ids=["words", "sentences"])
@pytest.mark.parametrize("labels", [PLAIN, IOBES, IOB2], ids=["classes", "IOBES", "IOB2"])
def test_labels_and_probabilities_are_those_of_all_labellings(
    labels: LabelSet, chain: bool, temperature: float
) -> None:
    scores, transitions = _draw(labels, chain=chain)
    tagged = Decoder(labels, transitions, Calibration(temperature)).tag(scores, LENGTHS, every=True)
    ends = np.cumsum(LENGTHS)
    n_spans = 0
    for sentence, first, end in zip(tagged, ends - LENGTHS, ends, strict=True):
        if first == end:
            assert (sentence.labels, sentence.probabilities, sentence.spans) == ([], [], [])
            continue
        # words that are labelled one by one keep to no scheme
        every = _labellings(scores[first:end], transitions, labels, temperature, legal=chain)
        marginals = np.zeros((end - first, len(labels)))
        for path, probability in every:
            marginals[np.arange(end - first), path] += probability
        expected = labels.merge(marginals)
        assert sentence.every is not None
        np.testing.assert_allclose(sentence.every, expected, rtol=0, atol=1e-6)
        for t, (label, probability) in enumerate(zip(sentence.labels, sentence.probabilities, strict=True)):
            assert probability == pytest.approx(expected[t, labels.output_names.index(label)], abs=1e-6)
        if labels is PLAIN:
            assert sentence.spans == []
            continue
        assert [span[:3] for span in map(_as_span, sentence.spans)] == spans(sentence.labels)
        for span in sentence.spans:
            n_spans += 1
            probability = sum(p for path, p in every if _marked(path, labels, _as_span(span)))
            assert span.probability == pytest.approx(probability, abs=1e-6)
    assert n_spans > 0 or labels is PLAIN


def _as_span(span: object) -> Span:
    return Span(span.start, span.end, span.kind)  # type: ignore[attr-defined]


@pytest.mark.parametrize("labels", [PLAIN, IOBES, IOB2], ids=["classes", "IOBES", "IOB2"])
def test_with_transitions_the_labels_are_the_most_probable_labelling(labels: LabelSet) -> None:
    scores, transitions = _draw(labels, chain=True)
    best = Decoder(labels, transitions, Calibration(3.0)).best(scores, LENGTHS)
    ends = np.cumsum(LENGTHS)
    for first, end in zip(ends - LENGTHS, ends, strict=True):
        every = _labellings(scores[first:end], transitions, labels, 1.0, legal=True)
        assert tuple(best[first:end].tolist()) == max(every, key=lambda pair: pair[1])[0]


def test_a_greater_temperature_makes_probabilities_less_extreme_and_leaves_labels_alone() -> None:
    scores, transitions = _draw(IOBES, chain=True)
    sharp, flat = (
        Decoder(IOBES, transitions, Calibration(t)).tag(scores, LENGTHS, every=True) for t in (0.5, 4.0)
    )
    assert [t.labels for t in sharp] == [t.labels for t in flat]
    for one, other in zip(sharp, flat, strict=True):
        assert one.every is not None and other.every is not None
        if len(one.every):
            assert one.every.max() > other.every.max()


def test_spans_are_scaled_by_their_words_and_kind_and_words_are_not() -> None:
    scores, transitions = _draw(IOB2, chain=True)
    rows = range(4)  # the first sentence: a place of two words, a person, and O
    scores[rows, [IOB2.names.index(name) for name in ("B-LOC", "I-LOC", "B-PER", "O")]] += 4
    scaling = PlattScaling(0.5, -0.3, {"PER": 0.7})
    plain, scaled = (
        Decoder(IOB2, transitions, Calibration(1.5, spans)).tag(scores, LENGTHS, every=False)
        for spans in (None, scaling)
    )
    assert [t.probabilities for t in plain] == [t.probabilities for t in scaled]
    before = [span for t in plain for span in t.spans]
    after = [span.probability for t in scaled for span in t.spans]
    assert after == [scaling(span.probability, span.end - span.start, span.kind) for span in before]
    assert after != [span.probability for span in before]
    assert {(span.end - span.start, span.kind) for span in before} >= {(2, "LOC"), (1, "PER")}


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("chain", [False, True], ids=["words", "sentences"])
@pytest.mark.parametrize("labels", SPELLED, ids=SPELLED_IDS)
@pytest.mark.parametrize("n", [1, 5, 10_000])
def test_the_n_best_are_the_first_of_all_legal_labellings(
    labels: LabelSet, chain: bool, temperature: float, n: int
) -> None:
    scores, transitions = _draw(labels, chain=chain)
    labeller = Decoder(labels, transitions, Calibration(temperature, PlattScaling(2, 1)))
    found = labeller.n_best(scores[:4], n)
    every = _labellings(scores[:4], transitions, labels, temperature, legal=True)
    every = sorted((pair for pair in every if pair[1] > 0), key=lambda pair: -pair[1])
    spelled = [labels.to_output(np.array(path), np.array([4]))[0] for path, _ in every]
    assert [names for names, _ in found] == spelled[:n]
    assert [p for _, p in found] == pytest.approx([p for _, p in every[:n]], abs=1e-9)
    assert found[0][0] == labeller.tag(scores[:4], np.array([4]), every=False)[0].labels


@pytest.mark.parametrize("cost", [3.0, -3.0])
@pytest.mark.parametrize("chain", [False, True], ids=["words", "sentences"])
@pytest.mark.parametrize("labels", [IOBES, IOB2, IOB1], ids=["IOBES", "IOB2", "IOB1"])
def test_what_outside_costs_decides_the_labels_and_not_the_probabilities(
    labels: LabelSet, chain: bool, cost: float
) -> None:
    scores, transitions = _draw(labels, chain=chain)
    plain = Decoder(labels, transitions, Calibration(2.5))
    labeller = Decoder(labels, transitions, Calibration(2.5, outside_cost=cost))
    with_cost = scores.copy()
    with_cost[:, labels.names.index("O")] -= cost
    np.testing.assert_array_equal(labeller.best(scores, LENGTHS), plain.best(with_cost, LENGTHS))
    assert (labeller.best(scores, LENGTHS) != plain.best(scores, LENGTHS)).any()
    np.testing.assert_array_equal(
        labeller.probabilities(scores, LENGTHS), plain.probabilities(scores, LENGTHS)
    )
    # of the n best, the order is with the cost, the probabilities are without
    every = _labellings(scores[:4], transitions, labels, 2.5, legal=True)
    in_order = _labellings(with_cost[:4], transitions, labels, 2.5, legal=True)
    expected = [
        (labels.to_output(np.array(path), np.array([4]))[0], p)
        for (path, p), (_, rank) in sorted(zip(every, in_order, strict=True), key=lambda pair: -pair[1][1])
        if p > 0
    ]
    found = labeller.n_best(scores[:4], 7)
    assert [names for names, _ in found] == [names for names, _ in expected[:7]]
    assert [p for _, p in found] == pytest.approx([p for _, p in expected[:7]], abs=1e-6)
    assert found[0][0] == labeller.tag(scores[:4], np.array([4]), every=False)[0].labels


@pytest.mark.parametrize("labels", SPELLED, ids=SPELLED_IDS)
def test_no_two_legal_labellings_are_spelled_alike(labels: LabelSet) -> None:
    found = Decoder(labels).n_best(np.zeros((4, len(labels))), 10_000)
    assert len({tuple(names) for names, _ in found}) == len(found)
    assert sum(p for _, p in found) == pytest.approx(1)
