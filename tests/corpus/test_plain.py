"""Raw text, tokenised text, and labels inside a line."""

import io
from pathlib import Path

import pytest

from windowclf.corpus import ReadOptions, Scheme, Sentence, read_sentences, write_sentences
from windowclf.corpus.blocks import LONGEST_PIECE
from windowclf.errors import DataError

TEXT = ReadOptions(format="text", labelled=False)
TOKENS = ReadOptions(format="tokens", labelled=False)


def read(folder: Path, content: str, options: ReadOptions) -> list[Sentence]:
    path = folder / "text.txt"
    path.write_bytes(content.encode())
    return list(read_sentences(path, options))


def test_raw_text_is_split_into_sentences_of_tokens(tmp_path: Path) -> None:
    found = read(tmp_path, "\ufeffIt rains. We don't go.\r\n\r\n\0 last line", TEXT)
    source = str(tmp_path / "text.txt")
    assert found == [
        Sentence(("It", "rains", "."), None, "It rains.", ((0, 2), (3, 8), (8, 9)), source, 1),
        Sentence(
            ("We", "do", "n't", "go", "."),
            None,
            "We don't go.",
            ((0, 2), (3, 5), (5, 8), (9, 11), (11, 12)),
            source,
            1,
        ),
        Sentence(("\0", "last", "line"), None, "\0 last line", ((0, 1), (2, 6), (7, 11)), source, 3),
    ]


@pytest.mark.parametrize(
    ("line", "lengths"),
    [
        ("x" * LONGEST_PIECE, [LONGEST_PIECE]),
        ("x" * (LONGEST_PIECE + 1), [LONGEST_PIECE, 1]),
        ("é" * (2 * LONGEST_PIECE + 3), [LONGEST_PIECE, LONGEST_PIECE, 3]),
        ("ab " + "x" * (LONGEST_PIECE - 1), [2, LONGEST_PIECE - 1]),
    ],
)
def test_a_long_line_is_cut_at_white_space_if_there_is_any(
    tmp_path: Path, line: str, lengths: list[int]
) -> None:
    found = read(tmp_path, f"{line}\nend\n", TEXT)
    assert [len(sentence.tokens[0]) for sentence in found] == [*lengths, 3]
    assert [sentence.line for sentence in found] == [1] * len(lengths) + [2]


def test_cut_lines_lose_nothing(tmp_path: Path) -> None:
    content = "".join(f"wörd{i} " for i in range(30_000))
    found = read(tmp_path, content, TEXT)
    assert " ".join(token for sentence in found for token in sentence.tokens) == content.strip()


def test_tokenised_text_keeps_its_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "a  b\n\n don't\tgo \r\nno\u00a0break", TOKENS)
    assert [s.tokens for s in found] == [("a", "b"), (), ("don't", "go"), ("no\u00a0break",)]
    assert [s.line for s in found] == [1, 2, 3, 4]


@pytest.mark.parametrize("options", [ReadOptions(format="text"), ReadOptions(format="tokens")])
def test_labels_are_not_to_be_had_from_text(tmp_path: Path, options: ReadOptions) -> None:
    with pytest.raises(DataError, match=r"text\.txt: the format '(text|tokens)' has no labels"):
        read(tmp_path, "a", options)


@pytest.mark.parametrize(
    ("labels", "scheme", "expected"),
    [
        ("B-PER I-PER O O B-LOC", Scheme.IOB2, "[PER Angela Merkel] flew from [LOC Berlin]"),
        ("I-PER I-PER O _ I-LOC", Scheme.IOB1, "[PER Angela Merkel] flew from [LOC Berlin]"),
        ("NE NE V P NE", None, "Angela/NE Merkel/NE flew/V from/P Berlin/NE"),
        (None, None, "Angela Merkel flew from Berlin"),
        (None, Scheme.IOB2, "Angela Merkel flew from Berlin"),
    ],
)
def test_labels_stand_inside_the_line(labels: str | None, scheme: Scheme | None, expected: str) -> None:
    tokens = ("Angela", "Merkel", "flew", "from", "Berlin")
    stream = io.StringIO()
    sentence = Sentence(tokens, tuple(labels.split()) if labels else None)
    write_sentences([sentence, Sentence(())], stream, "inline", marks_spans=scheme is not None)
    assert stream.getvalue() == expected + "\n\n"


def test_a_sentence_stays_one_line() -> None:
    stream = io.StringIO()
    write_sentences([Sentence(("a\nb", "c\r\n"))], stream, "inline")
    assert stream.getvalue() == "a b c \n"
