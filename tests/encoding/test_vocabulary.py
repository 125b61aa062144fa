"""Words to vector numbers: the order of look-up, which words are kept, coverage."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.encoding import (
    BOUNDARY,
    N_SPECIAL,
    UNKNOWN,
    Match,
    Vocabulary,
    choose_words,
    count_words,
    coverage,
)

VOCABULARY = Vocabulary(["the", "Paris", "paris", "0000", "0.0", "b0b", "1984"], {"The": 3, "zyzzyva": 1})
MANY_WORDS = st.lists(st.text("aA01.", min_size=1, max_size=3), unique=True)


@pytest.mark.parametrize(
    "token, word, match",
    [
        ("the", "the", Match.EXACT),
        ("The", "the", Match.LOWER_CASED),
        ("THE", "the", Match.LOWER_CASED),
        ("Paris", "Paris", Match.EXACT),
        ("PARIS", "paris", Match.LOWER_CASED),
        ("1984", "1984", Match.EXACT),
        ("1985", "0000", Match.DIGITS_FOLDED),
        ("3.1", "0.0", Match.DIGITS_FOLDED),
        ("B2B", "b0b", Match.DIGITS_FOLDED),
    ],
)
def test_a_token_is_looked_up_as_written_then_lower_cased_then_with_digits_folded(
    token: str, word: str, match: Match
) -> None:
    assert VOCABULARY.find(token) == (VOCABULARY.words.index(word) + N_SPECIAL, match)


@pytest.mark.parametrize("token", ["zyzzyva", "12345", "٣", "²", "", "\x00", "\ud800", "😀"])
def test_what_is_found_at_no_step_is_unknown(token: str) -> None:
    assert VOCABULARY.find(token) == (UNKNOWN, Match.UNKNOWN)


def test_special_ids_stand_for_no_word() -> None:
    assert sorted([UNKNOWN, BOUNDARY]) == list(range(N_SPECIAL))
    assert {VOCABULARY.find(word)[0] for word in VOCABULARY.words} == set(
        range(N_SPECIAL, N_SPECIAL + len(VOCABULARY))
    )


@pytest.mark.parametrize("token, seen", [("The", True), ("zyzzyva", True), ("the", False), ("Paris", False)])
def test_a_word_is_seen_if_training_had_it_as_written(token: str, seen: bool) -> None:
    assert VOCABULARY.seen(token) is seen


AVAILABLE = ["the", "of", "paris", "0000", "tv", "telly", "television"]


@pytest.mark.parametrize(
    "training_words, limit, kept",
    [
        ([], 0, AVAILABLE),
        ([], 3, ["the", "of", "paris"]),
        (["telly", "TV"], 0, ["tv", "telly", "the", "of", "paris", "0000", "television"]),
        (["telly", "TV"], 3, ["tv", "telly", "the"]),
        (["telly", "TV"], 2, ["tv", "telly"]),
        (["telly", "TV"], 1, ["tv", "telly"]),
        (["TV", "tv", "Tv"], 1, ["tv"]),
        (["1984", "2024"], 1, ["0000"]),
        (["zyzzyva"], 2, ["the", "of"]),
    ],
)
def test_the_words_of_training_are_kept_first_then_the_most_frequent(
    training_words: list[str], limit: int, kept: list[str]
) -> None:
    assert choose_words(AVAILABLE, dict.fromkeys(training_words, 1), limit) == kept


def test_a_vocabulary_can_stand_for_its_words() -> None:
    counts = {"TV": 1}
    assert choose_words(Vocabulary(AVAILABLE, {}), counts, 3) == choose_words(AVAILABLE, counts, 3)


@given(MANY_WORDS, MANY_WORDS, st.integers(0, 5))
def test_a_training_word_keeps_its_vector_whatever_the_limit(
    available: list[str], training_words: list[str], limit: int
) -> None:
    everything = Vocabulary(available, {})
    kept = Vocabulary(choose_words(available, dict.fromkeys(training_words, 1), limit), {})
    for word in training_words:
        whole_id, whole_match = everything.find(word)
        kept_id, kept_match = kept.find(word)
        assert kept_match is whole_match
        if whole_match is not Match.UNKNOWN:
            assert kept.words[kept_id - N_SPECIAL] == everything.words[whole_id - N_SPECIAL]


@given(MANY_WORDS, MANY_WORDS, st.integers(1, 8))
def test_what_training_uses_is_one_block_of_rows(
    available: list[str], training_words: list[str], limit: int
) -> None:
    kept = Vocabulary(choose_words(available, dict.fromkeys(training_words, 1), limit), {})
    used = {kept.find(word)[0] for word in training_words} - {UNKNOWN}
    assert used == set(range(N_SPECIAL, N_SPECIAL + len(used)))
    assert len(kept) == max(len(used), min(limit, len(available)))


def test_words_are_counted_as_written() -> None:
    assert count_words([["The", "TV"], [], ["the", "TV"]]) == {"The": 1, "the": 1, "TV": 2}


def test_coverage_counts_tokens_by_the_step_that_found_them() -> None:
    counts = Counter({"the": 5, "The": 3, "THE": 1, "1985": 2, "zyzzyva": 4, "xyz": 1})
    assert coverage(counts, VOCABULARY) == {"exact": 5, "lower_cased": 4, "digits_folded": 2, "unknown": 5}


def test_coverage_of_nothing_is_zero_at_every_step() -> None:
    assert coverage({}, VOCABULARY) == {"exact": 0, "lower_cased": 0, "digits_folded": 0, "unknown": 0}
