"""Column files: what is a word, what ends a sentence, what is refused."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowclf.corpus import ReadOptions, Sentence, read_sentences, write_sentences
from windowclf.errors import DataError

TOKEN_ONLY = ReadOptions(format="conll", labelled=False)


def read(folder: Path, text: str, options: ReadOptions | None = None) -> list[Sentence]:
    path = folder / "corpus.conll"
    path.write_bytes(text.encode())
    return list(read_sentences(path, options))


def pairs(sentences: list[Sentence]) -> list[list[tuple[str, str]]]:
    return [list(zip(s.tokens, s.labels or (), strict=True)) for s in sentences]


@pytest.mark.parametrize(
    "text",
    [
        "Ann\tB-PER\nran\tO\n\nYes\tO\n",
        "Ann B-PER\nran O\n\nYes O",
        "Ann   B-PER \nran O\n\n\n \nYes O\n\n",
        "Ann\tB-PER\r\nran\tO\r\n\r\nYes\tO\r\n",
        "Ann\tB-PER\nran\tO\n\t\nYes\tO\n",
        "\ufeffAnn\tB-PER\nran\tO\n\nYes\tO\n",
        "-DOCSTART- O\n\nAnn NNP B-PER\nran VBD O\n-DOCSTART- -X- O\nYes UH O\n",
    ],
)
def test_words_and_labels_are_read(tmp_path: Path, text: str) -> None:
    assert pairs(read(tmp_path, text)) == [[("Ann", "B-PER"), ("ran", "O")], [("Yes", "O")]]


def test_a_sentence_knows_where_it_stands(tmp_path: Path) -> None:
    first, second = read(tmp_path, "\na O\nb O\n\n\nc O\n")
    assert (first.line, second.line) == (2, 6)
    assert first.source == str(tmp_path / "corpus.conll")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("NNP\tAnn\tPER\n", ReadOptions(token_column=1), [("Ann", "PER")]),
        ("Ann\tNNP\tPER\n", ReadOptions(label_column=1), [("Ann", "NNP")]),
        ("0 Ann NNP PER\n", ReadOptions(token_column=-3, label_column=-2), [("Ann", "NNP")]),
        ("Ann|PER\n", ReadOptions(separator="|"), [("Ann", "PER")]),
        ("New York\tLOC\n", None, [("New York", "LOC")]),
        ("New\u00a0York LOC\n", None, [("New\u00a0York", "LOC")]),
        ("\u00a0\tO\n", None, [("\u00a0", "O")]),
        ("#tag O\n", None, [("#tag", "O")]),
    ],
)
def test_columns_are_found(
    tmp_path: Path, text: str, options: ReadOptions | None, expected: list[tuple[str, str]]
) -> None:
    assert pairs(read(tmp_path, text, options)) == [expected]


@pytest.mark.parametrize("text", ["Ann\nran\n", "Ann B-PER\nran O\n"])
def test_without_labels_only_words_are_read(tmp_path: Path, text: str) -> None:
    (sentence,) = read(tmp_path, text, TOKEN_ONLY)
    assert sentence.tokens == ("Ann", "ran")
    assert sentence.labels is None


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            "a O\nb\n",
            None,
            r"corpus.conll:2: too few columns; found \['b'\]; allowed: .*column 0 and column -1",
        ),
        ("a O\n", ReadOptions(label_column=2), "corpus.conll:1: too few columns"),
        ("a O\n", ReadOptions(token_column=1), "corpus.conll:1: too few columns"),
        ("a\tO\n\tO\n", None, "corpus.conll:2: an empty word"),
        ("a\tO\nb\t\n", None, "corpus.conll:2: an empty label"),
        ("a O\nb\0 O\n", None, "corpus.conll:2: a NUL character at byte 5"),
    ],
)
def test_a_line_that_is_no_row_is_an_error(
    tmp_path: Path, text: str, options: ReadOptions | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text, options)


# what the writer takes; see below for what it refuses
LABELS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\0"), min_size=1)
TOKENS = LABELS.filter(lambda token: not token.isspace() and token[0] != "\ufeff" and token != "-DOCSTART-")


@settings(deadline=None)  # files take what time they take
@given(st.lists(st.lists(st.tuples(TOKENS, LABELS), min_size=1), max_size=4))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[tuple[str, str]]]
) -> None:
    stream = io.StringIO()
    corpus = [Sentence(tuple(t for t, _ in row), tuple(label for _, label in row)) for row in rows]
    write_sentences(corpus, stream, "conll")
    assert pairs(read(tmp_path_factory.mktemp("conll"), stream.getvalue())) == rows


def test_without_labels_a_word_is_a_line(tmp_path: Path) -> None:
    stream = io.StringIO()
    write_sentences([Sentence(("a", "b")), Sentence(()), Sentence(("c",))], stream, "conll")
    assert stream.getvalue() == "a\nb\n\n\nc\n\n"
    assert [s.tokens for s in read(tmp_path, stream.getvalue(), TOKEN_ONLY)] == [("a", "b"), ("c",)]


def test_a_nul_character_is_replaced() -> None:
    stream = io.StringIO()
    write_sentences([Sentence(("\0",), ("O",))], stream, "conll")
    assert stream.getvalue() == "\ufffd\tO\n\n"


@pytest.mark.parametrize(
    "sentence",
    [
        Sentence(("a\tb",), ("O",)),
        Sentence(("a\nb",), ("O",)),
        Sentence(("",), ("O",)),
        Sentence((" ",), ("O",)),
        Sentence(("-DOCSTART-",), ("O",)),
        Sentence(("a",), ("",)),
        Sentence(("a",), ("O\r",)),
        Sentence(("New York",)),
        Sentence(("\ud800",), ("O",)),
    ],
)
def test_what_could_not_be_read_back_is_not_written(sentence: Sentence) -> None:
    stream = io.StringIO()
    with pytest.raises(DataError, match="cannot be written"):
        write_sentences([sentence], stream, "conll")
    assert stream.getvalue() == ""
