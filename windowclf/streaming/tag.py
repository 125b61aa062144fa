"""Tagging a stream: text in, labelled sentences out, in order, in flat memory, by one process or several."""

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from io import StringIO
from itertools import chain
from typing import BinaryIO

import numpy as np

from windowclf.arrays import Ints
from windowclf.corpus.blocks import Block, is_utf8
from windowclf.corpus.chunk import Chunk, parted_words, read_chunk
from windowclf.corpus.readers import ReadOptions, read_sentences, write_sentences
from windowclf.corpus.sentence import Sentence, Sentences
from windowclf.errors import ConfigError, DataError
from windowclf.model.decoder import Tagged
from windowclf.streaming.writer import TagFormat, Writer
from windowclf.tagger import WindowTagger


@dataclass(frozen=True, slots=True)
class Labelled:
    """A block's sentences as they are written, up to the first fault, if there is one.

    Attributes
    ----------
    content : bytes
    n_words : int
    fault : DataError or None
    """

    content: bytes
    n_words: int
    fault: DataError | None = None


class BlockTagger:
    """Tags blocks of a file.

    Parameters
    ----------
    tagger : WindowTagger
    format : {"inline", "conll", "jsonl"}
        What is written.
    probabilities : bool
        Whether "conll" and "jsonl" give the probability of each label too, and "jsonl" that of each span.
    n_best : int, optional
        How many of the most probable labellings of each sentence "jsonl" gives beside its labels.

    Raises
    ------
    ConfigError
        If probabilities or labellings are asked for in a format that has no place for them.
    """

    def __init__(
        self,
        tagger: WindowTagger,
        format: TagFormat,
        *,
        probabilities: bool = False,
        n_best: int | None = None,
    ) -> None:
        if probabilities and format == "inline":
            raise ConfigError(
                "no place for probabilities", where="format", found=format, allowed="conll, jsonl"
            )
        if n_best is not None and format != "jsonl":
            raise ConfigError(
                "no place for several labellings", where="format", found=format, allowed="jsonl"
            )
        self._tagger = tagger
        self._format = format
        self._probabilities = probabilities
        self._n_best = n_best
        self._is_plain = not probabilities and n_best is None
        self._writer = Writer(tagger.stored.labels, format)

    def __call__(self, item: tuple[Block, ReadOptions]) -> Labelled:
        """Tag the sentences of a block, which is read as the options say; labels in it are left aside."""
        block, options = item
        is_plain = self._is_plain and not options.columns
        if is_plain and (chunk := read_chunk(block, options.format)) is not None:
            content = self._writer.write(chunk, self._label_ids(parted_words(chunk)))
            if content is not None:
                return Labelled(content, len(chunk.words))
        return self.tag(read_sentences(block, options))

    def tag(self, sentences: Iterable[Sentence]) -> Labelled:
        """Tag sentences, whatever they are made of."""
        read, fault = _read(sentences)
        words = [sentence if sentence.columns else sentence.tokens for sentence in read]
        if self._format != "jsonl" and self._is_plain:
            lengths = np.fromiter(map(len, words), np.int64, len(words))
            chunk = Chunk(list(chain.from_iterable(words)), lengths)
            content = self._writer.write(chunk, self._label_ids(words))
            if content is not None:
                return Labelled(content, len(chunk.words), fault)
        stream = StringIO()
        try:
            self._write(read, self._tagger.tag(words), stream)
        except DataError as error:
            fault = error
        return Labelled(stream.getvalue().encode("utf-8"), sum(map(len, words)), fault)

    def _label_ids(self, sentences: Sentences) -> Ints:
        parts = [ids for ids, _ in self._tagger.label_ids(sentences)]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def _write(self, sentences: Sequence[Sentence], tagged: Sequence[Tagged], stream: StringIO) -> None:
        if self._is_plain:
            labelled = (replace(s, labels=tuple(t.labels)) for s, t in zip(sentences, tagged, strict=True))
            write_sentences(labelled, stream, self._format, scheme=self._tagger.stored.labels.scheme)
            return
        write = _conll_with_probabilities if self._format == "conll" else self._record
        for sentence, t in zip(sentences, tagged, strict=True):
            written = write(sentence, t)
            if not is_utf8(written):
                raise sentence.error("a lone surrogate cannot be written", found=written)
            stream.write(written)

    def _record(self, sentence: Sentence, tagged: Tagged) -> str:
        record: dict[str, object] = {"tokens": sentence.tokens, "labels": tagged.labels}
        if self._probabilities:
            record["probabilities"] = [round(p, 6) for p in tagged.probabilities]
            if self._tagger.stored.labels.scheme is not None:
                spans = [asdict(span) for span in tagged.spans]
                record["spans"] = [span | {"probability": round(span["probability"], 6)} for span in spans]
        if self._n_best is not None:
            record["n_best"] = [
                {"labels": labels, "probability": float(f"{probability:.6g}")}  # it may be small
                for labels, probability in self._tagger.n_best(sentence, self._n_best)
            ]
        if sentence.text is not None:
            record |= {"text": sentence.text, "offsets": sentence.offsets}
        return json.dumps(record, ensure_ascii=False) + "\n"


def tag_blocks(
    block_tagger: BlockTagger,
    blocks: Iterable[tuple[Block, ReadOptions]],
    stream: BinaryIO,
    *,
    n_processes: int = 1,
    source: int | None = None,
) -> int:
    """Tag blocks as they come and write them in order; return how many words they held.

    Parameters
    ----------
    block_tagger : BlockTagger
        With more than one process, its tagger should be compiled and prefilled: they share its tables.
    blocks : iterable of (Block, ReadOptions)
        As `windowclf.corpus.blocks.read_blocks` yields them, and how they are read.
    stream : binary stream
        Flushed after every block.
    n_processes : int
        Beside this one, which reads and writes; with 1 there is none beside it.
    source : int, optional
        The file descriptor that all blocks come from, if it may keep one waiting.

    Raises
    ------
    DataError
        If the input is malformed. What came before the fault has been written then.
    """
    n_words = 0
    with closing(_map(block_tagger, blocks, n_processes, source)) as labelled:
        for part in labelled:
            stream.write(part.content)
            stream.flush()
            n_words += part.n_words
            if part.fault is not None:
                raise part.fault
    return n_words


def _map(
    function: Callable[[tuple[Block, ReadOptions]], Labelled],
    blocks: Iterable[tuple[Block, ReadOptions]],
    n_processes: int,
    source: int | None,
) -> Generator[Labelled, None, None]:
    if n_processes > 1:
        from windowclf.streaming.processes import map_in_processes  # here: one process starts without

        return map_in_processes(function, blocks, n_processes, source=source)
    return (function(block) for block in blocks)


def _read(sentences: Iterable[Sentence]) -> tuple[list[Sentence], DataError | None]:
    """Return sentences; where reading fails, those read before and the fault."""
    read: list[Sentence] = []
    try:
        read.extend(sentences)
    except DataError as error:
        return read, error
    return read, None


def _conll_with_probabilities(sentence: Sentence, tagged: Tagged) -> str:
    rows = zip(sentence.tokens, tagged.labels, tagged.probabilities, strict=True)
    return "".join([f"{token}\t{label}\t{p:.6f}\n" for token, label, p in rows]) + "\n"
