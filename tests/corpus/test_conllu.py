"""CoNLL-U: words, labels, text and offsets."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowclf.corpus import ReadOptions, Sentence, read_sentences, write_sentences
from windowclf.corpus.sentence import Offsets
from windowclf.errors import DataError


def row(identifier: str, form: str, upos: str = "X", xpos: str = "Y", misc: str = "_") -> str:
    return "\t".join([identifier, form, "_", upos, xpos, "_", "_", "_", "_", misc])


def read(folder: Path, *lines: str, options: ReadOptions | None = None) -> list[Sentence]:
    path = folder / "corpus.conllu"
    path.write_bytes("\n".join(lines).encode())
    return list(read_sentences(path, options))


CLITICS = (
    "# sent_id = 1",
    "# text = I don't  go.",
    row("1", "I", "PRON", "PRP"),
    row("2-3", "don't", "_", "_"),
    row("2", "do", "AUX", "VBP"),
    row("3", "n't", "PART", "RB"),
    row("3.1", "ever", "ADV", "RB"),
    row("4", "go", "VERB", "VB", "Note=1|SpaceAfter=No"),
    row("5", ".", "PUNCT", "."),
    "",
)


def test_words_are_read_without_multiword_tokens_and_empty_nodes(tmp_path: Path) -> None:
    (sentence,) = read(tmp_path, *CLITICS)
    assert sentence.tokens == ("I", "do", "n't", "go", ".")
    assert sentence.labels == ("PRON", "AUX", "PART", "VERB", "PUNCT")
    assert sentence.text == "I don't  go."
    assert sentence.offsets == ((0, 1), (2, 4), (4, 7), (9, 11), (11, 12))
    assert (sentence.source, sentence.line) == (str(tmp_path / "corpus.conllu"), 1)


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        (ReadOptions(label_field="xpos"), ("PRP", "VBP", "RB", "VB", ".")),
        (ReadOptions(labelled=False), None),
    ],
)
def test_the_label_is_the_field_that_is_asked_for(
    tmp_path: Path, options: ReadOptions, labels: tuple[str, ...] | None
) -> None:
    assert read(tmp_path, *CLITICS, options=options)[0].labels == labels


@pytest.mark.parametrize(
    ("lines", "offsets"),
    [
        (["# text = ab", row("1", "a", misc="SpaceAfter=No"), row("2", "b")], ((0, 1), (1, 2))),
        (["# text = New York x", row("1", "New York"), row("2", "x")], ((0, 8), (9, 10))),
        (
            ["# text = abc d", row("1-2", "abc"), row("1", "ab"), row("2", "c"), row("3", "d")],
            ((0, 2), (2, 3), (4, 5)),
        ),
        (
            [
                "# text = abc",
                row("1-2", "ab", misc="SpaceAfter=No"),
                row("1", "a"),
                row("2", "b"),
                row("3", "c"),
            ],
            ((0, 1), (1, 2), (2, 3)),
        ),
        (["# text = du", row("1-2", "du"), row("1", "de"), row("2", "le")], None),
        (["# text = a", row("1", "b")], None),
        ([row("1", "a")], None),
    ],
)
def test_offsets_are_there_if_words_add_up_to_the_text(
    tmp_path: Path, lines: list[str], offsets: Offsets | None
) -> None:
    assert read(tmp_path, *lines)[0].offsets == offsets


def test_comments_without_words_are_no_sentence(tmp_path: Path) -> None:
    assert read(tmp_path, "# newdoc", "", "", "# text = a", row("1", "a"))[0].line == 4


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\ta\tb"], r"corpus.conllu:1: a CoNLL-U line has 10 columns separated by tabs, this one 3"),
        (
            ["# x", row("one", "a")],
            "corpus.conllu:2: not the ID of a word; found 'one'; allowed: 1, 1-2 or 1.1",
        ),
        ([row("1", "")], "corpus.conllu:1: an empty form or label"),
        ([row("1", "a", upos="")], "corpus.conllu:1: an empty form or label"),
        ([row("1", "a\0")], "corpus.conllu:1: a NUL character at byte 3"),
    ],
)
def test_a_malformed_line_is_an_error(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, *lines)


FIELDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\0"), min_size=1)
WORDS = FIELDS.filter(lambda word: not word[0].isspace())


@settings(deadline=None)  # files take what time they take
@given(st.lists(st.tuples(WORDS, FIELDS, st.sampled_from(["", " ", "  "])), min_size=1), st.booleans())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], with_text: bool
) -> None:
    text, offsets = "", []
    for word, _, space in rows:
        offsets.append((len(text), len(text) + len(word)))
        text += word + space
    tokens, labels = tuple(word for word, _, _ in rows), tuple(label for _, label, _ in rows)
    folder = tmp_path_factory.mktemp("conllu")
    source, line = str(folder / "corpus.conllu"), 1
    sentence = Sentence(tokens, labels, source=source, line=line)
    if with_text:
        sentence = Sentence(tokens, labels, text, tuple(offsets), source, line)
    for field in ("upos", "xpos"):
        stream = io.StringIO()
        write_sentences([sentence], stream, "conllu", label_field=field)
        assert read(folder, stream.getvalue(), options=ReadOptions(label_field=field)) == [sentence]


def test_a_sentence_without_labels_or_words_can_be_written() -> None:
    stream = io.StringIO()
    write_sentences([Sentence(("a\0",)), Sentence(())], stream, "conllu")
    assert stream.getvalue() == "1\ta\ufffd" + "\t_" * 8 + "\n\n\n"


def test_a_text_of_several_lines_is_left_out() -> None:
    stream = io.StringIO()
    write_sentences([Sentence(("a",), text="\na", offsets=((1, 2),))], stream, "conllu")
    assert stream.getvalue() == "1\ta" + "\t_" * 8 + "\n\n"


@pytest.mark.parametrize("token", ["", "a\tb", "a\nb", "\ud800"])
def test_what_could_not_be_read_back_is_not_written(token: str) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        write_sentences([Sentence((token,), ("X",))], io.StringIO(), "conllu")
