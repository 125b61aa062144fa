"""Tagging blocks: byte for byte what reading, tagging and writing sentence by sentence give."""

import io
import json
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf import Config, WindowTagger
from windowclf.corpus import (
    Block,
    InputFormat,
    ReadOptions,
    Sentence,
    formatter,
    parted,
    read_blocks,
    read_sentences,
    write_sentences,
)
from windowclf.errors import ConfigError, DataError
from windowclf.model import best_labels
from windowclf.streaming import BlockTagger, TagFormat, tag_blocks
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
FORMATS: list[TagFormat] = ["inline", "conll", "jsonl"]
BITS = ["Paris", "New York", "Rome .", "in", "\n", "\n\n", " ", "-DOCSTART-", "\t", "\u00a0", "a\rb", "\x0b"]
BITS += ["👩‍👩‍👧", "\0", "[", "/", "\xad", "We saw Paris! Then Rome.", "London , Paris , Rome"]
CONTENTS = st.lists(st.sampled_from(BITS), max_size=25).map("".join).map(str.encode)


def plainly(tagger: WindowTagger, block: Block, options: ReadOptions, format: TagFormat) -> tuple[bytes, Any]:
    """Tag sentence by sentence, as one reads it in the documentation."""
    stream = io.StringIO()
    try:
        for sentence in read_sentences(block, options):
            (labels,) = tagger.predict([sentence.tokens])
            labelled = replace(sentence, labels=tuple(labels))
            write_sentences([labelled], stream, format, marks_spans=tagger.model.labels.scheme is not None)
    except DataError as error:
        return stream.getvalue().encode(), str(error)
    return stream.getvalue().encode(), None


SCHEMES = [("IOB2", "IOB2"), ("IOB2", "IOBES"), ("IOB1", "IOBES"), ("IOBES", "IOB2"), ("none", "IOBES")]


@pytest.fixture(
    scope="module", params=SCHEMES, ids=[f"{outer} learnt as {inner}" for outer, inner in SCHEMES]
)
def any_tagger(
    request: pytest.FixtureRequest, config: Config, vectors: WordVectors, corpus: Labelled
) -> WindowTagger:
    outer, inner = request.param
    settings = replace(
        config, model=replace(config.model, inner_scheme=inner), data=replace(config.data, scheme="auto")
    )
    if outer == "none":
        settings = replace(settings, data=replace(settings.data, scheme="none"))
    sentences, labels = corpus
    labels = [[_respelled(outer, names, i) for i in range(len(names))] for names in labels]
    tagger = WindowTagger(settings, vectors=vectors).fit(sentences, labels)
    assert str(tagger.model.labels.scheme or "none") == outer
    return tagger.compile()


def _respelled(scheme: str, names: list[str], i: int) -> str:
    prefix, _, kind = names[i].partition("-")
    if not kind or scheme in ("IOB2", "none"):
        return names[i]
    is_last = i + 1 == len(names) or names[i + 1][0] != "I"
    if scheme == "IOB1":  # of one kind here, and New York, Paris, Rome have commas between
        return f"I-{kind}"
    return {("B", True): "S-", ("B", False): "B-", ("I", True): "E-", ("I", False): "I-"}[
        prefix, is_last
    ] + kind


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("input_format", ["text", "tokens"])
@given(content=CONTENTS)
def test_any_text_is_written_as_sentence_by_sentence(
    any_tagger: WindowTagger, input_format: InputFormat, format: TagFormat, content: bytes
) -> None:
    block, options = Block(content, "x"), ReadOptions(format=input_format, labelled=False)
    labelled = BlockTagger(any_tagger, format)((block, options))
    fault = None if labelled.fault is None else str(labelled.fault)
    assert (labelled.content, fault) == plainly(any_tagger, block, options, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("input_format", "content"),
    [
        ("conll", b"We\nsaw\nParis\n\n\nRome\nis\nNew York\n\n"),
        ("conllu", b"# text = in Rome\n1\tin" + 8 * b"\t_" + b"\n2\tRome" + 8 * b"\t_" + b"\n\n"),
        ("jsonl", b'{"tokens": ["in", "Paris"]}\n{"text": "We saw Rome. Paris too."}\n{"tokens": []}\n'),
        ("jsonl", b'{"tokens": ["in", "Paris"]}\n{"tokens": 3}\n'),
        ("jsonl", b'{"tokens": ["in", "Paris"]}\n{"tokens": ["a\\tb"]}\n{"tokens": ["c"]}\n'),
    ],
    ids=["CoNLL", "CoNLL-U", "JSONL", "a fault in reading", "a fault in writing CoNLL"],
)
def test_every_input_format_is_written_as_sentence_by_sentence(
    any_tagger: WindowTagger, input_format: InputFormat, content: bytes, format: TagFormat
) -> None:
    block, options = Block(content, "x"), ReadOptions(format=input_format, labelled=False)
    labelled = BlockTagger(any_tagger, format)((block, options))
    fault = None if labelled.fault is None else str(labelled.fault)
    assert (labelled.content, fault) == plainly(any_tagger, block, options, format)


@given(data=st.data())
def test_any_legal_labels_are_written_as_sentence_by_sentence(
    any_tagger: WindowTagger, data: st.DataObject
) -> None:
    """Spans of a word and of more, beside each other, at the ends of sentences."""
    label_set = any_tagger.model.labels
    lengths = np.array(data.draw(st.lists(st.integers(0, 5), max_size=5)), np.int64)
    n = int(lengths.sum())
    scores = np.array(
        data.draw(st.lists(st.integers(0, 9), min_size=n * len(label_set), max_size=n * len(label_set)))
    )

    ids = best_labels(scores.reshape(n, len(label_set)).astype(np.float32), lengths, label_set)
    words = [f"w{i}" for i in range(n)]
    marks_spans = label_set.scheme is not None
    every_label, every_token = label_set.to_output(ids, lengths), parted(words, lengths)
    for format in FORMATS:
        stream = io.StringIO()
        for tokens, labels in zip(every_token, every_label, strict=True):
            sentence = Sentence(tuple(tokens), tuple(labels))
            write_sentences([sentence], stream, format, marks_spans=marks_spans)
        write = formatter(format, marks_spans=marks_spans)
        assert write(every_token, every_label, repeat(None), repeat(None)) == stream.getvalue()


def test_what_came_before_a_fault_is_written_and_the_words_are_counted(
    tagger: WindowTagger, tmp_path: Path
) -> None:
    path = tmp_path / "two.txt"
    path.write_bytes(b"we watched TV in London\n" * 3)
    options = ReadOptions(format="text", labelled=False)
    stream = io.BytesIO()
    block_tagger = BlockTagger(tagger, "inline")
    n_words = tag_blocks(block_tagger, ((block, options) for block in read_blocks(path, "text")), stream)
    assert n_words == 15
    faulty = [(Block(b"museums in Rome\n", "x"), options), (Block(b"\xff", "x", 2, 8), options)]
    with pytest.raises(DataError, match="x:2: not UTF-8 at byte 8"):
        tag_blocks(block_tagger, faulty, stream)
    assert stream.getvalue() == b"we watched TV in [LOC London]\n" * 3 + b"museums in [LOC Rome]\n"


@pytest.mark.parametrize(
    ("format", "how"),
    [("inline", {"probabilities": True}), ("inline", {"n_best": 2}), ("conll", {"n_best": 2})],
)
def test_a_format_without_a_place_for_them_is_refused(
    tagger: WindowTagger, format: TagFormat, how: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="no room for"):
        BlockTagger(tagger, format, **how)


def test_records_have_spans_only_where_labels_mark_them(config: Config, vectors: WordVectors) -> None:
    tagger = WindowTagger(config, vectors=vectors).fit([["in", "Paris"]], [["ADP", "PROPN"]])
    labelled = BlockTagger(tagger, "jsonl", probabilities=True).tag([Sentence(("in", "Paris"))])
    assert json.loads(labelled.content).keys() == {"tokens", "labels", "probabilities"}
