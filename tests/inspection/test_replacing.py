"""Stranded words in the place of the words they stood among."""

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.corpus import Sentence
from windowclf.errors import DataError
from windowclf.inspection import Movement, find_stranded, pair_stranded, replace_words
from windowclf.inspection.replacing import spelled_like
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
PAIRS = {"tv": "television", "is": "off", "rome": "a", ",": "museum"}


def test_a_word_that_moved_is_paired_with_the_stranded_word_it_was_nearest_to() -> None:
    def unit(*degrees: float) -> np.ndarray:
        angles = np.deg2rad(degrees)
        return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)

    movement = Movement(
        "planted",
        ["tv", "telly", "still", "television", "set", "far"],
        np.array([4, 2, 2, 0, 0, 0]),
        unit(0, 30, -3, -5, 20, 180),
        unit(60, 100, -3, -5, 20, 180),
    )
    stranded = find_stranded(movement, k=3)
    # of the other words, `still` did not move, and no neighbour of `far` did
    assert pair_stranded(movement, stranded) == {"tv": "television", "telly": "set"}


@pytest.mark.parametrize(
    ("token", "expected"),
    [("tv", "telly"), ("TV", "TELLY"), ("Tv", "Telly"), ("A", "Telly"), ("1", "telly"), ("U.S.", "TELLY")],
)
def test_a_word_takes_over_capitals(token: str, expected: str) -> None:
    assert spelled_like(token, "telly") == expected


def test_changes_are_those_of_replacing_by_hand(tagger: WindowTagger, corpus: Labelled) -> None:
    sentences, labels = corpus
    found = replace_words(tagger.model, PAIRS, sentences, labels)
    changed: dict[str, list[int]] = {word: [0, 0, 0, 0, 0] for word in PAIRS}
    around = 0
    for sentence, true in zip(sentences, labels, strict=True):
        (before,) = tagger.predict([sentence])
        for i, token in enumerate(sentence):
            word = token.lower()
            if word not in PAIRS:
                continue
            put = spelled_like(token, PAIRS[word])
            (after,) = tagger.predict([[*sentence[:i], put, *sentence[i + 1 :]]])
            others = sum(a != b for j, (a, b) in enumerate(zip(before, after, strict=True)) if j != i)
            around += len(sentence) - 1
            values = (1, after[i] != before[i], others, before[i] == true[i], after[i] == true[i])
            changed[word] = [a + b for a, b in zip(changed[word], values, strict=True)]
    assert {
        r.word: [r.places, r.changed, r.changed_around, r.right_before, r.right_after] for r in found.words
    } == changed
    total = np.sum(list(changed.values()), axis=0).tolist()
    assert [
        found.places,
        found.changed,
        found.changed_around,
        found.right_before,
        found.right_after,
    ] == total
    assert found.around == around
    assert found.changed > 0 and found.changed_around > 0  # or the test would compare nothing
    assert found.share == found.changed / found.places
    assert [r.changed for r in found.words] == sorted((r.changed for r in found.words), reverse=True)


def test_without_true_labels_only_changes_are_counted(tagger: WindowTagger, corpus: Labelled) -> None:
    with_labels, without = (
        replace_words(tagger.model, PAIRS, corpus[0], given) for given in (corpus[1], None)
    )
    assert (without.right_before, without.right_after) == (None, None)
    assert without.changed == with_labels.changed
    assert without.words[0].right_before is None


def test_no_more_places_are_tried_than_asked(
    tagger: WindowTagger, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = replace_words(tagger.model, PAIRS, corpus[0])
    monkeypatch.setattr("windowclf.inspection.replacing._SENTENCES_AT_ONCE", 2)
    assert replace_words(tagger.model, PAIRS, corpus[0]) == every
    assert replace_words(tagger.model, PAIRS, corpus[0], most=3).places == 3 < every.places


def test_where_nothing_can_be_replaced_there_is_no_share(tagger: WindowTagger, corpus: Labelled) -> None:
    found = replace_words(tagger.model, {}, *corpus)
    assert (found.places, found.share, found.words) == (0, None, ())


def test_a_word_whose_capitals_would_make_it_another_is_put_as_it_is(tagger: WindowTagger) -> None:
    # the vectors have both Reading and reading
    found = replace_words(tagger.model, {"paris": "reading"}, [["Paris", "is", "old"]])
    (before,), (after,) = (tagger.predict([[word, "is", "old"]]) for word in ("Paris", "reading"))
    assert found.changed == (before[0] != after[0])
    (capital,) = tagger.predict([["Reading", "is", "old"]])
    assert capital[0] != after[0]


def test_words_that_are_context_only_are_not_replaced(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    labels = [
        ["_" if word == "TV" else label for word, label in zip(*pair, strict=True)]
        for pair in zip(*corpus, strict=True)
    ]
    tagger = WindowTagger(quick, vectors=vectors).fit(corpus[0], labels)
    assert "tv" not in {r.word for r in replace_words(tagger.model, PAIRS, corpus[0], labels).words}


def test_what_is_known_of_a_sentence_beside_its_words_stays(tagger: WindowTagger, corpus: Labelled) -> None:
    sentences = [Sentence(tuple(tokens), text="x", columns={"pos": tuple(tokens)}) for tokens in corpus[0]]
    assert replace_words(tagger.model, PAIRS, sentences) == replace_words(tagger.model, PAIRS, corpus[0])


def test_there_must_be_a_label_for_each_word(tagger: WindowTagger, corpus: Labelled) -> None:
    with pytest.raises(DataError):
        replace_words(tagger.model, PAIRS, corpus[0], corpus[1][1:])


def test_the_labels_must_be_of_the_same_task(tagger: WindowTagger, corpus: Labelled) -> None:
    other = [["NOUN" for _ in sentence] for sentence in corpus[0]]
    with pytest.raises(DataError):
        replace_words(tagger.model, PAIRS, corpus[0], other)
