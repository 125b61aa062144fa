"""Corpora as files: formats by ending, broken files, streams, and the real corpora."""

import gzip
import io
import os
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from windowclf.corpus import (
    InputFormat,
    ReadOptions,
    Scheme,
    Sentence,
    detect_scheme,
    illegal_transitions,
    read_labelled,
    read_sentences,
    spans,
    write_sentences,
)
from windowclf.errors import ConfigError, DataError

CONLL = "a\tX\n\n"
CONLLU = "1\ta\t_\tX" + "\t_" * 6 + "\n\n"
JSONL = '{"tokens": ["a"], "labels": ["X"]}\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.conll", CONLL),
        ("c.txt", CONLL),
        ("c.tsv", CONLL),
        ("c.annotated", CONLL),
        ("c", CONLL),
        ("c.conllu", CONLLU),
        ("C.CONLLU", CONLLU),
        ("c.jsonl", JSONL),
        ("c.ndjson", JSONL),
        ("c.conll.gz", CONLL),
        ("c.conllu.gz", CONLLU),
        ("c.jsonl.GZ", JSONL),
    ],
)
def test_the_format_goes_by_the_ending(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    data = b"\xef\xbb\xbf" + content.encode()
    path.write_bytes(gzip.compress(data) if name.lower().endswith(".gz") else data)
    (sentence,) = read_labelled(path)
    assert (sentence.tokens, sentence.labels) == (("a",), ("X",))
    assert read_labelled(str(path)) == [sentence]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(JSONL.encode())))
    (sentence,) = read_sentences("-", ReadOptions(format="jsonl"))
    assert (sentence.tokens, sentence.source) == (("a",), "<stdin>")


ALL_FORMATS: list[InputFormat] = ["conll", "conllu", "jsonl", "text", "tokens"]


@pytest.mark.parametrize("format", ALL_FORMATS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n\xff\n", r"file:3: not UTF-8 at byte 2; found b'\\xff'\. The file may be binary"),
        (b"\n\xe2\x82", r"file:2: not UTF-8 at byte 1; found b'\\xe2'"),
        (b"\xff\xfea\0", r"file:1: not UTF-8 at byte 0"),
    ],
)
def test_what_is_not_utf8_is_an_error(
    tmp_path: Path, format: InputFormat, content: bytes, message: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_sentences(path, ReadOptions(format=format, labelled=False)))


def test_the_place_of_a_bad_byte_is_right_on_a_long_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = b"\n" + "é".encode() * 100_000 + b"\xff\n"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"file:2: not UTF-8 at byte {content.index(0xFF)}"):
        list(read_sentences(path, ReadOptions(format="text", labelled=False)))


@pytest.mark.parametrize("format", ["conll", "text"])  # lines, and pieces of lines
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cut.gz", "cut.gz: the gzip data are damaged or cut short"),
        ("changed.gz", "changed.gz: the gzip data are damaged or cut short"),
        ("plain.gz", "plain.gz: the gzip data are damaged or cut short"),
        ("folder", "folder: a directory, not a file"),
        ("none", "none: no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(
    tmp_path: Path, format: InputFormat, name: str, message: str
) -> None:
    packed = gzip.compress(b"a\tX\n" * 10_000)
    (tmp_path / "cut.gz").write_bytes(packed[:-20])
    (tmp_path / "changed.gz").write_bytes(packed[:20] + b"\xff\xff\xff\xff" + packed[24:])
    (tmp_path / "plain.gz").write_bytes(b"a\tX\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=message):
        list(read_sentences(tmp_path / name, ReadOptions(format=format, labelled=False)))


@pytest.mark.parametrize(
    ("name", "content"),
    [("c.conll", "\n \n"), ("c.conllu", "# x\n"), ("c.jsonl", ""), ("c.txt", "-DOCSTART- O\n")],
)
def test_a_corpus_without_a_sentence_is_an_error(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert list(read_sentences(tmp_path / name)) == []
    with pytest.raises(DataError, match="no sentence in this corpus"):
        read_labelled(tmp_path / name)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"format": "xml"}, "format: no such format; found 'xml'; allowed: auto, conll"),
        ({"label_field": "lemma"}, "label_field: no such label_field; found 'lemma'; allowed: upos, xpos"),
        ({"separator": ""}, "separator: an empty separator"),
    ],
)
def test_wrong_options_are_errors(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ReadOptions(**wrong)  # type: ignore[arg-type]


def test_an_unknown_output_format_is_an_error() -> None:
    with pytest.raises(
        ConfigError, match="no such format; found 'xml'; allowed: conll, conllu, jsonl, inline"
    ):
        write_sentences([], io.StringIO(), "xml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": ()}, "f:3: 1 tokens but 0 labels"),
        ({"text": "a", "offsets": ()}, "f:3: 1 tokens but 0 offsets"),
        ({"offsets": ((0, 1),)}, "f:3: offsets without the text"),
        ({"text": "a", "offsets": ((1, 0),)}, r"f:3: a token's offsets are not valid; found \[1, 0\]"),
        ({"text": "a", "offsets": ((0, 2),)}, "f:3: a token's offsets are not valid"),
    ],
)
def test_a_sentence_checks_its_parts(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Sentence(("a",), source="f", line=3, **arguments)  # type: ignore[arg-type]


class Endless(io.RawIOBase):
    """A file that never ends and counts what is read of it."""

    def __init__(self, line: bytes) -> None:
        self._chunk = line * (8192 // len(line) + 1)
        self.n_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        n = min(len(buffer), len(self._chunk))
        buffer[:n] = self._chunk[:n]
        self._chunk = self._chunk[n:] + self._chunk[:n]
        self.n_read += n
        return n


@pytest.mark.parametrize(
    ("format", "line"),
    [
        ("conll", b"a\tX\n\n"),
        ("conllu", CONLLU.encode()),
        ("jsonl", JSONL.encode()),
        ("text", b"A word. \n"),
        ("text", b"A word. "),  # one endless line
        ("tokens", b"a b\n"),
    ],
)
def test_no_more_is_read_than_is_needed(
    monkeypatch: pytest.MonkeyPatch, format: InputFormat, line: bytes
) -> None:
    source = Endless(line)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(source)))
    options = ReadOptions(format=format, labelled=format not in ("text", "tokens"))
    assert len(list(islice(read_sentences("-", options), 100))) == 100
    assert source.n_read < 300_000


def test_sentences_are_written_as_they_come() -> None:
    stream = io.StringIO()
    lengths = []

    def endless() -> Iterator[Sentence]:
        for i in count():
            lengths.append(len(stream.getvalue()))
            if i == 3:
                raise KeyboardInterrupt
            yield Sentence(("a",), ("X",))

    with pytest.raises(KeyboardInterrupt):
        write_sentences(endless(), stream, "conll")
    assert lengths == [0, 5, 10, 15]


@pytest.fixture(scope="module")
def corpora() -> Path:
    if "WINDOWCLF_CORPORA" not in os.environ:
        pytest.skip("WINDOWCLF_CORPORA does not name a folder with the real corpora")
    return Path(os.environ["WINDOWCLF_CORPORA"])


@pytest.mark.corpora
@pytest.mark.parametrize(
    ("name", "n_sentences", "n_tokens", "n_spans", "scheme"),
    [
        ("ud-english-ewt/en_ewt-ud-train.conllu", 12_544, 204_577, 0, None),
        ("ud-english-ewt/en_ewt-ud-dev.conllu", 2_001, 25_147, 0, None),
        ("ud-english-ewt/en_ewt-ud-test.conllu", 2_077, 25_094, 0, None),
        ("wnut17/wnut17train.conll", 3_394, 62_730, 1_975, Scheme.IOB2),
        ("wnut17/emerging.dev.conll", 1_009, 15_733, 836, Scheme.IOB2),
        ("wnut17/emerging.test.annotated", 1_287, 23_394, 1_079, Scheme.IOB2),
        ("wikigold/wikigold.conll.txt", 1_696, 39_007, 3_558, Scheme.IOB1),
    ],
)
def test_the_real_corpora_are_read_whole(
    corpora: Path, name: str, n_sentences: int, n_tokens: int, n_spans: int, scheme: Scheme | None
) -> None:
    corpus = read_labelled(corpora / name)
    labels = [sentence.labels or () for sentence in corpus]
    assert len(corpus) == n_sentences
    assert sum(map(len, corpus)) == n_tokens
    assert detect_scheme(labels) == (scheme, 0, None)
    if scheme is not None:
        assert sum(len(spans(sentence)) for sentence in labels) == n_spans
        assert not any(illegal_transitions(sentence, scheme) for sentence in labels)
    else:
        assert all(sentence.offsets is not None for sentence in corpus)
