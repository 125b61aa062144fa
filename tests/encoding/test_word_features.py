"""What a word looks like: letter case by a table, affixes by a hash that is the same everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.config import FeaturesConfig
from windowclf.encoding import NONE, Case, WordFeatures
from windowclf.encoding.word_features import letter_case, letter_shape

_CASES = {
    Case.LOWER: ["paris", "é", "ß", "o'clock", "don't", "e-mail"],
    Case.TITLE: ["Paris", "Émile", "Saint-tropez", "It's"],
    Case.UPPER: ["PARIS", "EU", "U.S.", "AT&T"],
    Case.ONE_CAPITAL: ["I", "A", "É"],
    Case.MIXED: ["McDonald", "iPhone", "O'Brien", "New-York", "UN-led", "東京"],
    Case.NUMBER: ["1984", "3.14", "10%", "-5", "٣"],
    Case.WITH_DIGIT: ["B2B", "20th", "mp3", "日1"],
    Case.SYMBOL: ["...", "$", "😀", "\x00", "\ud800", ""],
}


@pytest.mark.parametrize("case, word", [(case, word) for case, words in _CASES.items() for word in words])
def test_letter_case(case: Case, word: str) -> None:
    assert letter_case(word) is case


def test_the_table_has_every_case() -> None:
    assert {*_CASES, Case.NONE} == set(Case)


@pytest.mark.parametrize(
    "word, shape",
    [
        ("Paris", "Xx"),
        ("paris", "x"),
        ("EU", "X"),
        ("U.S.", "X.X."),
        ("New-York", "Xx-Xx"),
        ("McDonald", "XxXx"),
        ("20th", "dx"),
        ("1,984.50", "d,d.d"),
        ("٣", "d"),
        ("東京", "x"),
        ("...", "."),
        ("!?", "!?"),
        ("\ud800", "\ud800"),
        ("", ""),
    ],
)
def test_letter_shape(word: str, shape: str) -> None:
    assert letter_shape(word) == shape


def test_words_of_one_shape_share_its_id_and_no_other() -> None:
    features = WordFeatures(FeaturesConfig(case_dimension=0, prefixes=(), suffixes=(), shape=True))
    (paris, shape), (rome, same), (_, other) = map(features.ids, ["Paris", "Rome", "EU"])
    assert shape == same
    assert len({paris, rome, shape, other}) == 4


@pytest.mark.parametrize(
    "word, ids",
    [
        # case; prefixes P, Pa, Par, Pari; suffixes s, is, ris, aris; the word as written
        ("Paris", [Case.TITLE, 17047, 18939, 12693, 10397, 2383, 9637, 4848, 12336, 9260]),
        ("Ça", [Case.TITLE, 5803, 15996, NONE, NONE, 423, 6321, NONE, NONE, 5820]),
        ("\ud800", [Case.SYMBOL, 7721, NONE, NONE, NONE, 10212, NONE, NONE, NONE, 4923]),
    ],
)
def test_ids_are_these_on_every_machine(word: str, ids: list[int]) -> None:
    # a trained model holds a vector for each: other numbers would make every saved model worthless
    assert WordFeatures(FeaturesConfig()).ids(word) == ids


def test_affixes_do_not_see_letter_case_but_the_whole_word_does() -> None:
    features = WordFeatures(FeaturesConfig(case_dimension=0))
    small, title = features.ids("paris"), features.ids("Paris")
    assert small[:-1] == title[:-1]
    assert small[-1] != title[-1]


def test_a_prefix_is_not_a_suffix_of_the_same_letters() -> None:
    features = WordFeatures(FeaturesConfig(prefixes=(2,), suffixes=(2,), whole_word=False))
    _, prefix, suffix = features.ids("anan")
    assert prefix != suffix


def test_an_affix_longer_than_the_word_is_none() -> None:
    features = WordFeatures(FeaturesConfig(case_dimension=0, whole_word=False))
    has_affix = [bucket != NONE for bucket in features.ids("abc")]
    assert has_affix == [True, True, True, False] * 2


@pytest.mark.parametrize(
    "config, n_columns",
    [
        (FeaturesConfig(), 10),
        (FeaturesConfig(case_dimension=0), 9),
        (FeaturesConfig(whole_word=False), 9),
        (FeaturesConfig(shape=True), 11),
        (FeaturesConfig(prefixes=()), 6),
        (FeaturesConfig(suffixes=(3,)), 7),
        (FeaturesConfig(affix_dimension=0, shape=True), 1),
        (FeaturesConfig(case_dimension=0, affix_dimension=0), 0),
        (FeaturesConfig(case_dimension=0, prefixes=(), suffixes=(), whole_word=False), 0),
    ],
)
def test_each_feature_can_be_switched_off(config: FeaturesConfig, n_columns: int) -> None:
    features = WordFeatures(config)
    assert features.n_columns == n_columns
    assert len(features.ids("Paris")) == n_columns


@given(st.text(st.characters(), max_size=10), st.integers(1, 100))
def test_ids_are_rows_of_their_tables(word: str, buckets: int) -> None:
    config = FeaturesConfig(buckets=buckets)
    case, *affixes = WordFeatures(config).ids(word)
    assert case in set(Case) - {Case.NONE}
    assert all(0 <= affix <= buckets for affix in affixes)
    assert affixes[-1] != NONE
