"""Blocks of a file: read one by one they say what the file says, faults and their lines included."""

import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf.corpus import InputFormat, ReadOptions, Sentence, blocks, read_blocks, read_sentences
from windowclf.corpus.blocks import LONGEST_PIECE
from windowclf.errors import DataError

FORMATS: list[InputFormat] = ["text", "tokens", "jsonl", "conll", "conllu"]
_ROW = "1\tRome" + 8 * "\t_" + "\n"
# for each format pieces that files are made of: ends of lines and sentences, and what breaks the format
PIECES: dict[str, list[bytes]] = {
    "text": [b"We saw Paris. ", b"a", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xff", "é\0 ".encode(), b"\r"],
    "tokens": [b"We saw  Paris\t.", b"a ", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xff", "é".encode(), b"\0"],
    "jsonl": [b'{"tokens": ["a"]}', b'{"text": "We saw. Her!"}', b"\n", b"\r\n", b" ", b"{}\n", b"\xff\n"],
    "conll": [b"Rome\tO\n", b"a\n", b"\n", b"\t\n", b" \r\n", b"-DOCSTART-\n", b"\xff\n", b"\tO\n", b"x"],
    "conllu": [_ROW.encode(), b"# text = Rome\n", b"\n", b" \t\n", b"\r\n", b"1\tx\n", b"\xff\n"],
}


def read(source: Iterator[Sentence]) -> tuple[list[Sentence], str | None]:
    """Return sentences and the fault that ended them."""
    found: list[Sentence] = []
    try:
        found.extend(source)
    except DataError as error:
        return found, str(error)
    return found, None


def sentences_of_blocks(path: Path, options: ReadOptions) -> Iterator[Sentence]:
    for block in read_blocks(path, options.format):
        yield from read_sentences(block, options)


@pytest.mark.parametrize("format", FORMATS)
@given(data=st.data(), size=st.integers(1, 40))
def test_blocks_of_any_size_say_what_the_file_says(
    format: InputFormat, data: st.DataObject, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = b"".join(data.draw(st.lists(st.sampled_from(PIECES[format]), max_size=30)))
    path = tmp_path_factory.getbasetemp() / f"blocks.{format}"
    path.write_bytes(content)
    options = ReadOptions(format=format, labelled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        assert b"".join(block.content for block in read_blocks(path, format)) == content
        assert read(sentences_of_blocks(path, options)) == read(read_sentences(path, options))


@pytest.mark.parametrize(
    "line",
    [
        "x" * (2 * LONGEST_PIECE + 1),
        "é " * (5 * LONGEST_PIECE // 4),
        "wörd " * LONGEST_PIECE + "x" * (2 * LONGEST_PIECE),
        "x" * (LONGEST_PIECE - 1) + " " + "y" * LONGEST_PIECE,
    ],
    ids=["no space", "spaces", "both", "at the border"],
)
@pytest.mark.parametrize("size", [1000, LONGEST_PIECE, blocks.BLOCK_BYTES])
def test_a_long_line_is_cut_where_reading_the_file_cuts_it(
    line: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.txt"
    path.write_text(f"First.\n{line}\nLast.\n", encoding="utf-8")
    options = ReadOptions(format="text", labelled=False)
    expected = list(read_sentences(path, options))
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    assert list(sentences_of_blocks(path, options)) == expected
    longest = max(len(block.content) for block in read_blocks(path, "text"))
    assert longest <= size + 4 * LONGEST_PIECE  # bytes of as many characters


def test_packed_files_are_unpacked_and_damaged_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "text.txt.gz"
    packed = gzip.compress(b"Rome is old.\n" * 100)
    path.write_bytes(packed)
    assert b"".join(block.content for block in read_blocks(path, "text")) == b"Rome is old.\n" * 100
    path.write_bytes(packed[:-9])
    with pytest.raises(DataError, match="damaged or cut short"):
        list(read_blocks(path, "text"))


class Stream(io.RawIOBase):
    """Gives a part at a time, as a pipe that someone writes to."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self.parts.pop(0) if self.parts else b""
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize(
    "format, parts, contents",
    [
        (
            "text",
            ["Rome\n", "Oslo\nPa", "ris", "\n", "Bonn"],
            ["Rome\n", "Oslo\n", "", "Paris\n", "", "Bonn"],
        ),
        ("conll", ["a\n\n", "b\n", "c\n", "\nd\n"], ["a\n\n", "", "", "b\nc\n\n", "d\n"]),
    ],
)
def test_each_read_of_a_stream_gives_the_sentences_that_ended(
    format: str, parts: list[str], contents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream([part.encode() for part in parts])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(stream)))
    found = read_blocks("-", format)
    for i, content in enumerate(contents):
        assert next(found).content == content.encode()
        assert len(stream.parts) == max(0, len(parts) - i - 1)  # no further is read
    assert list(found) == []
