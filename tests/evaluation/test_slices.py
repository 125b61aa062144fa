"""Slices: each word and each entity stands in one of every group, and they add up to the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.encoding import Vocabulary
from windowclf.evaluation import (
    GROUPS,
    LABEL,
    Knowledge,
    evaluate_labels,
    score_of,
    sentence_counts,
    slice_counts,
)

WORDS = st.sampled_from(["Paris", "paris", "TV", "telly", "zyzzyva", "1984"])
LABELS = ["O", "B-LOC", "I-LOC", "B-PER"]
CORPUS = st.lists(
    st.lists(st.tuples(WORDS, st.sampled_from([*LABELS, "_"]), st.sampled_from(LABELS)), max_size=6),
    max_size=6,
)

KNOWLEDGE = Knowledge(
    counts={"Paris": 3, "TV": 200, "zyzzyva": 1},
    n_labels={"Paris": 1, "TV": 2, "zyzzyva": 1},
    has_read={"Paris": True, "TV": True, "telly": False}.get,
)


def slices_of(words: str, true: str, guess: str, *, span_labels: bool) -> dict[str, dict[str, list[int]]]:
    """Return the counts of one sentence where they are not zero."""
    found = slice_counts(
        [words.split()], [true.split()], [guess.split()], KNOWLEDGE, span_labels=span_labels, ignore_label="_"
    )
    return {
        group: {name: counts[0].tolist() for name, counts in slices.items() if counts.any()}
        for group, slices in found.items()
    }


def test_words_are_in_the_slices_of_what_is_known_of_them() -> None:
    found = slices_of("TV Paris telly zyzzyva qoph", "N N V N N", "N V V N V", span_labels=False)
    assert found == {
        "training": {
            "seen": [2, 3, 3],
            "unseen with a vector": [1, 1, 1],
            "unseen without a vector": [0, 1, 1],
        },
        "vectors": {"vector read": [1, 2, 2], "vector never read": [1, 1, 1], "no vector": [1, 2, 2]},
        "ambiguity": {"unambiguous": [1, 2, 2], "ambiguous": [1, 1, 1], "unseen": [1, 2, 2]},
        "frequency": {">100": [1, 1, 1], "2-5": [0, 1, 1], "1": [1, 1, 1], "0": [1, 2, 2]},
        LABEL: {"N": [2, 4, 2], "V": [1, 1, 3]},
    }


def test_an_entity_is_where_the_least_known_of_its_words_is() -> None:
    found = slices_of(
        "TV Paris telly in qoph", "B-ORG I-ORG O O B-LOC", "B-ORG I-ORG I-ORG O B-LOC", span_labels=True
    )
    assert found["training"] == {
        "seen": [0, 1, 0],
        "unseen with a vector": [0, 0, 1],
        "unseen without a vector": [1, 1, 1],
    }
    assert found["ambiguity"] == {"ambiguous": [0, 1, 0], "unseen": [1, 1, 2]}
    assert found["frequency"] == {"2-5": [0, 1, 0], "0": [1, 1, 2]}
    assert found[LABEL] == {"LOC": [1, 1, 1], "ORG": [0, 1, 1]}


def test_ignored_words_are_in_no_slice() -> None:
    found = slices_of("Paris TV", "_ N", "N N", span_labels=False)
    assert found["training"] == {"seen": [1, 1, 1]}


@pytest.mark.parametrize(
    ("count", "band"),
    [
        (0, "0"),
        (1, "1"),
        (2, "2-5"),
        (5, "2-5"),
        (6, "6-20"),
        (20, "6-20"),
        (21, "21-100"),
        (100, "21-100"),
        (101, ">100"),
    ],
)
def test_the_bands_of_frequency_have_these_bounds(count: int, band: str) -> None:
    knowledge = Knowledge({"w": count} if count else {}, {}, lambda word: True)
    counts = slice_counts([["w"]], [["N"]], [["N"]], knowledge, span_labels=False)["frequency"]
    assert [name for name in counts if counts[name].any()] == [band]


@given(CORPUS, st.booleans())
def test_the_slices_of_a_group_add_up_to_all(
    sentences: list[list[tuple[str, str, str]]], span_labels: bool
) -> None:
    words, gold, predicted = ([[item[i] for item in s] for s in sentences] for i in range(3))
    options = {"span_labels": span_labels, "ignore_label": "_"}
    whole = sentence_counts(gold, predicted, **options)  # type: ignore[arg-type]
    found = slice_counts(words, gold, predicted, KNOWLEDGE, **options)  # type: ignore[arg-type]
    assert list(found) == [*GROUPS, LABEL]
    for slices in found.values():
        total = np.sum([np.zeros_like(whole), *slices.values()], axis=0)
        assert total.tolist() == whole.tolist()


@given(CORPUS, st.booleans())
def test_slices_agree_with_the_figures_of_evaluate(
    sentences: list[list[tuple[str, str, str]]], span_labels: bool
) -> None:
    words, gold, predicted = ([[item[i] for item in s] for s in sentences] for i in range(3))
    evaluation = evaluate_labels(
        words,
        gold,
        predicted,
        span_labels=span_labels,
        ignore_label="_",
        seen=lambda word: word in KNOWLEDGE.counts,
    )
    found = slice_counts(words, gold, predicted, KNOWLEDGE, span_labels=span_labels, ignore_label="_")
    scores = evaluation.entities if span_labels else evaluation.labels
    assert {name: score_of(counts.sum(axis=0)) for name, counts in found[LABEL].items()} == {
        score.label: pytest.approx(score.f1, abs=1e-15) for score in scores or ()
    }
    if not span_labels:
        seen = found["training"]["seen"].sum(axis=0)
        assert seen[1] == evaluation.seen.n_tokens
        assert score_of(seen) == pytest.approx(evaluation.seen.accuracy or 0.0)


def test_knowledge_is_collected_from_training_data_and_vectors() -> None:
    knowledge = Knowledge.of(
        [["TV", "in", "Paris"], ["paris", "TV", "TV"]],
        [["N", "P", "_"], ["N", "V", "N"]],
        Vocabulary(["tv", "paris", "telly"], {}),
        span_labels=False,
        ignore_label="_",
    )
    assert knowledge.counts == {"TV": 3, "in": 1, "Paris": 1, "paris": 1}
    assert knowledge.n_labels == {"TV": 2, "in": 1, "paris": 1}
    found = [knowledge.has_read(word) for word in ("TV", "tv", "PARIS", "Telly", "in")]
    assert found == [True, True, True, False, None]


def test_of_span_labels_a_word_is_ambiguous_by_the_kinds_it_had() -> None:
    knowledge = Knowledge.of(
        [["New", "New", "York"], ["York"]],
        [["B-LOC", "B-LOC", "I-LOC"], ["O"]],
        Vocabulary([], {}),
        span_labels=True,
    )
    assert knowledge.n_labels == {"New": 1, "York": 2}
