"""Other columns of corpus files: read with the words, refused where they are not there or say the label."""

from pathlib import Path

import pytest

from windowclf.config import DataConfig
from windowclf.corpus import ReadOptions, Sentence, options_of, read_sentences
from windowclf.encoding import UNKNOWN_VALUE, ColumnValues, check_columns
from windowclf.encoding.columns import NO_WORD
from windowclf.errors import DataError

CONLL = "Ann NNP B-NP\nran VBD B-VP\n\nYes UH O\n"
CONLLU = (
    "# text = Ann ran\n"
    "1-2\tAnnran\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tAnn\t_\tPROPN\tNNP\t_\t_\t_\t_\t_\n"
    "2\tran\t_\tVERB\tVBD\t_\t_\t_\t_\t_\n"
)
JSONL = (
    '{"tokens": ["Ann", "ran"], "labels": ["B", "O"], "pos": ["NNP", "VBD"], "other": 3}\n'
    '\n{"pos": [], "labels": [], "tokens": []}\n'
)


def read(directory: Path, name: str, text: str, options: ReadOptions) -> list[Sentence]:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return list(read_sentences(path, options))


@pytest.mark.parametrize(
    ("name", "text", "columns", "expected"),
    [
        ("f.conll", CONLL, ("1",), [{"1": ("NNP", "VBD")}, {"1": ("UH",)}]),
        ("f.conll", CONLL, ("-2",), [{"-2": ("NNP", "VBD")}, {"-2": ("UH",)}]),
        ("f.conll", "a 1 2 O\n", ("2", "1"), [{"2": ("2",), "1": ("1",)}]),
        ("f.conllu", CONLLU, ("xpos",), [{"xpos": ("NNP", "VBD")}]),
        ("f.jsonl", JSONL, ("pos",), [{"pos": ("NNP", "VBD")}, {"pos": ()}]),
    ],
)
def test_columns_are_read_beside_words_and_labels(
    tmp_path: Path, name: str, text: str, columns: tuple[str, ...], expected: list[dict[str, tuple[str, ...]]]
) -> None:
    plain = read(tmp_path, name, text, ReadOptions())
    found = read(tmp_path, name, text, ReadOptions(columns=columns))
    assert [sentence.columns for sentence in found] == expected
    assert [(s.tokens, s.labels, s.text, s.offsets, s.line) for s in found] == [
        (s.tokens, s.labels, s.text, s.offsets, s.line) for s in plain
    ]
    assert [sentence.columns for sentence in plain] == [None] * len(plain)


def test_without_labels_a_column_may_stand_where_labels_do(tmp_path: Path) -> None:
    options = ReadOptions(labelled=False, columns=("1",))
    (sentence,) = read(tmp_path, "f.conll", "Ann NNP\nran VBD\n", options)
    assert sentence.columns == {"1": ("NNP", "VBD")}
    (sentence,) = read(tmp_path, "f.conllu", CONLLU, ReadOptions(labelled=False, columns=("upos",)))
    assert sentence.columns == {"upos": ("PROPN", "VERB")}


@pytest.mark.parametrize(
    ("name", "text", "columns", "message"),
    [
        ("f.conll", CONLL + "ran O\n", ("2",), r"f.conll:1: column 2 is that of the word or of the label"),
        ("f.conll", CONLL, ("-1",), r"f.conll:1: column -1 is that of the word or of the label"),
        ("f.conll", CONLL, ("0",), r"f.conll:1: column 0 is that of the word or of the label"),
        ("f.conll", "a 1 O\nb O\n", ("1",), r"f.conll:2: column 1 is that .*; found \['b', 'O'\]"),
        ("f.conll", CONLL, ("3",), r"f.conll:1: too few columns; .* column -1; features.columns 3"),
        ("f.conll", "a\t1\tO\nb\t\tO\n", ("1",), r"f.conll:2: an empty value in column 1"),
        ("f.conll", CONLL, ("upos",), r"f.conll: no column is called 'upos' in CoNLL files; allowed: num"),
        ("f.conllu", CONLLU, ("upos",), r"f.conllu: the column 'upos' is that of the labels; allowed: upos"),
        ("f.conllu", CONLLU, ("lemma",), r"f.conllu: no column is called 'lemma'; allowed: upos, xpos"),
        (
            "f.conllu",
            CONLLU.replace("VBD", ""),
            ("xpos",),
            r"f.conllu:4: an empty form or label",
        ),
        ("f.jsonl", JSONL, ("labels",), r"f.jsonl: the key 'labels' is not an additional column"),
        ("f.jsonl", JSONL, ("xpos",), r"f.jsonl:1: no column 'xpos'; .*\"xpos\": \[…\]"),
        ("f.jsonl", JSONL, ("other",), r"f.jsonl:1: the column 'other' is not valid: .* got `int`"),
        ("f.jsonl", JSONL.replace("VBD", ""), ("pos",), r"f.jsonl:1: an empty value in the column 'pos'"),
        (
            "f.jsonl",
            JSONL.replace(', "VBD"', ""),
            ("pos",),
            r"f.jsonl:1: 2 tokens but 1 values of the column 'pos'",
        ),
        (
            "f.jsonl",
            '{"text": "Ann", "entities": []}\n',
            ("pos",),
            r"f.jsonl:1: a record of text has no other columns",
        ),
    ],
)
def test_a_column_that_cannot_be_read_is_named_with_file_and_line(
    tmp_path: Path, name: str, text: str, columns: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, name, text, ReadOptions(columns=columns))


@pytest.mark.parametrize("format", ["text", "tokens"])
def test_plain_text_has_no_columns(tmp_path: Path, format: str) -> None:
    options = ReadOptions(format=format, labelled=False, columns=("1",))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=rf"f.txt: the format '{format}' has no columns.*CoNLL-U or JSONL"):
        read(tmp_path, "f.txt", "Ann ran\n", options)


def test_a_configuration_s_columns_are_read() -> None:
    assert options_of(DataConfig(), columns=("1", "2")).columns == ("1", "2")


# -- sentences --------------------------------------------------------------------------------------------


def test_a_sentence_is_a_sequence_of_its_tokens() -> None:
    sentence = Sentence(("a", "b", "c"), ("x", "y", "z"), columns={"pos": ("1", "2", "3")}, line=7)
    assert [*sentence] == ["a", "b", "c"]
    assert (sentence[1], sentence[-1], len(sentence), "b" in sentence) == ("b", "c", 3, True)
    assert sentence[1:] == Sentence(("b", "c"), ("y", "z"), columns={"pos": ("2", "3")}, line=7)
    assert Sentence(("a", "b"))[:1] == Sentence(("a",))
    assert hash(sentence) == hash(sentence[:])


def test_a_column_has_a_value_for_each_token() -> None:
    with pytest.raises(DataError, match="2 tokens but 1 values of the column 'pos'"):
        Sentence(("a", "b"), columns={"pos": ("1",)})


# -- values -----------------------------------------------------------------------------------------------


def test_values_are_numbered_column_after_column() -> None:
    sentences = [
        Sentence(("a", "b"), columns={"pos": ("N", "V"), "case": ("x", "x"), "unused": ("1", "2")}),
        Sentence(("c",), columns={"pos": ("A",), "case": ("N",)}),
    ]
    values = ColumnValues.of(["pos", "case"], sentences)
    assert values.values == {"pos": ("A", "N", "V"), "case": ("N", "x")}
    assert values.ranges == [range(2, 5), range(5, 7)]
    assert len(values) == 5
    assert NO_WORD not in values.rows(sentences)
    assert values.rows(sentences).tolist() == [[3, 6], [4, 6], [2, 5]]
    strange = Sentence(("a",), columns={"pos": ("x",), "case": ("",)})
    assert values.rows([strange, [], strange]).tolist() == [[UNKNOWN_VALUE] * 2] * 2
    assert ColumnValues().rows(sentences).shape == (3, 0)


@pytest.mark.parametrize(
    "sentence",
    [["Ann", "ran"], Sentence(("Ann", "ran")), Sentence(("Ann", "ran"), columns={"case": ("", "")})],
)
def test_a_sentence_without_a_column_is_refused(sentence: list[str] | Sentence) -> None:
    values = ColumnValues({"pos": ["N"]})
    with pytest.raises(DataError, match=r"without the column 'pos'.*found \['Ann', 'ran'\].*Plain text"):
        values.rows([[], sentence])


def test_a_sentence_of_a_file_that_lacks_a_column_is_named_with_its_place() -> None:
    with pytest.raises(DataError, match=r"f\.conll:7: a sentence without the column 'pos'"):
        ColumnValues.of(["pos"], [Sentence(("Ann",), source="f.conll", line=7)])


def test_a_value_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(DataError, match=r"a value of the column 'pos' is not valid Unicode; found '\\ud800'"):
        ColumnValues.of(["pos"], [Sentence(("a",), columns={"pos": ("\ud800",)})])


def test_a_column_of_the_labels_themselves_is_refused() -> None:
    sentences = [Sentence(("a", "b"), columns={"pos": ("N", "V")}), Sentence((), columns={"pos": ()})]
    with pytest.raises(DataError, match=r"features\.columns: the column 'pos' holds the labels themselves"):
        check_columns(["pos"], sentences, [["N", "V"], []])
    check_columns(["pos"], sentences, [["N", "N"], []])
