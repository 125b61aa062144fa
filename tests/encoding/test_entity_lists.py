"""The entities of training data as lists: what they hold, and what must not be found in a sentence."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.config import FeaturesConfig
from windowclf.corpus import LabelSet, Scheme, Span, labels_from_spans
from windowclf.encoding import Gazetteer, Gazetteers, read_lists
from windowclf.encoding.entity_lists import own_entities, phrases_left_out
from windowclf.encoding.gazetteer import LONGEST_PHRASE
from windowclf.errors import ConfigError

Labelled = tuple[list[list[str]], list[list[str]]]
KINDS = ["LOC", "PER"]
TEXT: Labelled = (
    ["Paris is in Paris".split(), "Paris saw New York".split(), "New York City".split(), ["nothing"]],
    [["B-PER", "O", "O", "B-LOC"], ["B-PER", "O", "B-LOC", "I-LOC"], ["B-LOC", "I-LOC", "I-LOC"], ["O"]],
)


def _read(text: Labelled, features: FeaturesConfig, label_set: LabelSet | None = None) -> dict[str, str]:
    """Return the text of each list by its name."""
    features, lists = read_lists(features, *text, label_set or LabelSet.of(text[1]))
    return dict(zip(features.gazetteers, [own.text for own in lists], strict=True))


def test_of_each_kind_there_is_a_list_after_those_of_files(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("York\n")
    features = FeaturesConfig(gazetteers=(str(tmp_path / "own.txt"),))
    assert _read(TEXT, features) == {
        str(tmp_path / "own.txt"): "York\n",
        "entities:LOC": "New York\nNew York City\nParis\n",  # in order, so that a model is the same again
        "entities:PER": "Paris\n",
    }


def test_the_lists_of_another_training_are_not_kept() -> None:
    assert [*_read(TEXT, FeaturesConfig(gazetteers=("entities:ORG", "entities:PER")))] == [
        "entities:LOC",
        "entities:PER",
    ]


@pytest.mark.parametrize(
    "features, label_set",
    [
        (FeaturesConfig(entity_lists=False), LabelSet.of(TEXT[1])),
        (FeaturesConfig(), LabelSet.of(TEXT[1], scheme="none")),
    ],
    ids=["switched off", "no spans"],
)
def test_there_need_not_be_any(features: FeaturesConfig, label_set: LabelSet) -> None:
    assert _read(TEXT, features, label_set) == {}


def test_lists_that_are_named_and_switched_off_are_refused() -> None:
    features = FeaturesConfig(entity_lists=False, gazetteers=("entities:PER",))
    with pytest.raises(ConfigError, match=r"features\.gazetteers.*entities:PER"):
        _read(TEXT, features)


def test_letter_case_can_be_of_no_account() -> None:
    assert _read(TEXT, FeaturesConfig(gazetteer_case=False))["entities:LOC"].splitlines() == [
        "new york",
        "new york city",
        "paris",
    ]


def test_what_no_list_can_hold_is_left_out() -> None:
    long = ["a"] * (LONGEST_PHRASE + 1)
    text = [["New York"], long, ["b"]], [["B-LOC"], ["B-LOC", *["I-LOC"] * LONGEST_PHRASE], ["O"]]
    assert _read(text, FeaturesConfig()) == {"entities:LOC": ""}


def test_words_that_are_context_only_are_in_no_entity() -> None:
    labels = [["B-PER", "_", "O", "B-LOC"], *TEXT[1][1:]]
    own = own_entities(TEXT[0], labels, LabelSet.of(labels, ignore="_"), case=True)
    assert own[0] == {"LOC": {"Paris"}}


def test_a_sentence_has_to_itself_what_no_other_has() -> None:
    own = own_entities(*TEXT, LabelSet.of(TEXT[1]), case=True)
    assert own == [
        {"LOC": {"Paris"}},  # the person is in the second too
        {"LOC": {"New York"}},
        {"LOC": {"New York City"}},
        {},
    ]


def test_the_same_sentence_again_is_no_other() -> None:
    (first, *_), (labels, *_) = TEXT
    own = own_entities([first, ["x"], [*first]], [labels, ["O"], labels], LabelSet.of(TEXT[1]), case=True)
    assert own[0] == own[2] == {"LOC": {"Paris"}, "PER": {"Paris"}}


def test_letters_of_another_case_are_another_entity_where_case_counts() -> None:
    text = [["Rome"], ["ROME"]], [["B-LOC"], ["B-LOC"]]
    label_set = LabelSet.of([["B-LOC", "O"]])
    assert own_entities(*text, label_set, case=True) == [{"LOC": {"Rome"}}, {"LOC": {"ROME"}}]
    assert own_entities(*text, label_set, case=False) == [{}, {}]


def _found(text: Labelled, *, case: bool = True) -> list[list[int]]:
    """Return where the tokens of training data stand in the list of each kind, a sentence's own left out."""
    label_set = LabelSet([f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"], Scheme.IOB2)
    features, lists = read_lists(FeaturesConfig(gazetteer_case=case), *text, label_set)
    lengths = np.array([len(sentence) for sentence in text[0]])
    own = phrases_left_out(features.gazetteers, own_entities(*text, label_set, case=case))
    positions = lists.positions([token for sentence in text[0] for token in sentence], lengths, own)
    found: list[list[int]] = positions.tolist()
    return found


def test_where_a_sentences_own_is_left_out_a_shorter_one_is_found() -> None:
    # the columns are places and people
    assert _found(TEXT) == [
        [0, 4], [0, 0], [0, 0], [0, 4],  # the place is its own; that there is a person of this name is not
        [4, 4], [0, 0], [0, 0], [0, 0],  # New York is its own, though New York City begins with it
        [1, 0], [3, 0], [0, 0],  # instead of its own
        [0, 0],
    ]  # fmt: skip


WORDS = st.sampled_from(["a", "A", "b", "c d"])


@st.composite
def _texts(draw: st.DrawFn) -> Labelled:
    sentences = draw(st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=5))
    labels: dict[tuple[str, ...], list[str]] = {}  # the same sentence again has the same
    for sentence in map(tuple, sentences):
        cuts = sorted(draw(st.sets(st.integers(0, len(sentence)), max_size=4)))
        spans = [Span(*ends, draw(st.sampled_from(KINDS))) for ends in pairwise(cuts) if draw(st.booleans())]
        labels[sentence] = labels_from_spans(spans, len(sentence), Scheme.IOB2)
    return sentences, [labels[tuple(sentence)] for sentence in sentences]


def _naive(text: Labelled, *, case: bool) -> list[list[int]]:
    """Look in each sentence for what the other sentences have."""
    found: list[list[int]] = []
    for sentence in text[0]:
        others = [(s, own) for s, own in zip(*text, strict=True) if s != sentence]
        label_set = LabelSet([f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"], Scheme.IOB2)
        of_others = [s for s, _ in others], [own for _, own in others]
        _, lists = read_lists(FeaturesConfig(gazetteer_case=case), *of_others, label_set)
        found += lists.positions(sentence, np.array([len(sentence)])).tolist()
    return found


@given(_texts(), st.booleans())
def test_in_each_sentence_is_found_what_the_other_sentences_have(text: Labelled, case: bool) -> None:
    assert _found(text, case=case) == _naive(text, case=case)


def test_lists_of_files_are_as_they_were() -> None:
    lists = Gazetteers([Gazetteer.of(["a b"]), Gazetteer.of(["a"])])
    sentence = ["a", "b"]
    own = phrases_left_out(["a.txt", "entities:LOC"], [{"LOC": frozenset({"a", "a b"})}])
    assert lists.positions(sentence, np.array([2]), own).tolist() == [[1, 0], [3, 0]]
