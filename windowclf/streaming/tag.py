"""Tagging a stream: text in, labelled sentences out, in order, in flat memory, by one process or several."""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from io import StringIO
from itertools import repeat
from typing import Any, BinaryIO, Literal

from windowclf.corpus import (
    Block,
    ReadOptions,
    Sentence,
    Sentences,
    formatter,
    is_utf8,
    read_chunk,
    read_sentences,
    write_sentences,
)
from windowclf.errors import ConfigError, DataError
from windowclf.model import Tagged
from windowclf.streaming.processes import map_in_processes
from windowclf.tagger import WindowTagger

TagFormat = Literal["inline", "conll", "jsonl"]
_NO_TEXTS: tuple[Iterable[None], Iterable[None]] = repeat(None), repeat(None)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The output of a block, up to the first fault if there is one."""

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
        How many of the most probable tag sequences of each sentence "jsonl" gives beside its labels.

    Raises
    ------
    ConfigError
        If the format cannot hold probabilities or several tag sequences.
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
                "no room for probabilities", where="format", found=format, allowed="conll, jsonl"
            )
        if n_best is not None and format != "jsonl":
            raise ConfigError(
                "no room for several tag sequences", where="format", found=format, allowed="jsonl"
            )
        self._tagger = tagger
        self._output_format = format
        self._probabilities = probabilities
        self._n_best = n_best
        self._marks_spans = tagger.model.labels.scheme is not None
        self._format = formatter(format, marks_spans=self._marks_spans)
        self._is_plain = not probabilities and n_best is None

    def __call__(self, item: tuple[Block, ReadOptions]) -> Labelled:
        """Tag the sentences of a block, which is read as the options say; labels in it are ignored."""
        block, options = item
        if (
            self._is_plain
            and not options.columns
            and (chunk := read_chunk(block, options.format)) is not None
        ):
            sentences = chunk.sentences()
            texts = chunk.texts() if self._output_format == "jsonl" else _NO_TEXTS
            content = self._formatted(sentences, self._predict(sentences), *texts)
            if content is not None:
                return Labelled(content, len(chunk.words))
        return self.tag(read_sentences(block, options))

    def tag(self, sentences: Iterable[Sentence]) -> Labelled:
        """Tag sentences, however they were read."""
        read, fault = _read(sentences)
        words = [sentence if sentence.columns else sentence.tokens for sentence in read]
        n_words = sum(map(len, words))
        stream = StringIO()
        try:
            if self._is_plain:
                labels = self._predict(words)
                texts = [s.text for s in read], [s.offsets for s in read]
                if (content := self._formatted([s.tokens for s in read], labels, *texts)) is not None:
                    return Labelled(content, n_words, fault)
                labelled = (replace(s, labels=tuple(names)) for s, names in zip(read, labels, strict=True))
                write_sentences(labelled, stream, self._output_format, marks_spans=self._marks_spans)
            else:
                write = _conll_with_probabilities if self._output_format == "conll" else self._record
                for sentence, tagged in zip(read, self._tagger.tag(words), strict=True):
                    written = write(sentence, tagged)
                    if not is_utf8(written):
                        raise sentence.error("a lone surrogate cannot be written", found=written)
                    stream.write(written)
        except DataError as error:
            fault = error
        return Labelled(stream.getvalue().encode("utf-8"), n_words, fault)

    def _formatted(self, *parts: Any) -> bytes | None:
        """Return sentences by their tokens, labels, texts and offsets; None if one cannot be written."""
        try:
            return self._format(*parts).encode("utf-8")
        except (DataError, UnicodeEncodeError):
            return None  # write_sentences says which

    def _predict(self, sentences: Sentences) -> list[list[str]]:
        spell = self._tagger.model.labels.to_output
        return [
            names for ids, lengths in self._tagger.model.label_ids(sentences) for names in spell(ids, lengths)
        ]

    def _record(self, sentence: Sentence, tagged: Tagged) -> str:
        record: dict[str, object] = {"tokens": sentence.tokens, "labels": tagged.labels}
        if self._probabilities:
            record["probabilities"] = [round(p, 6) for p in tagged.probabilities]
            if self._marks_spans:
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
    """Tag blocks as they come, write them in order and return the number of their words.

    Parameters
    ----------
    block_tagger : BlockTagger
        With more than one process, its tagger should be compiled and prefilled: they share its tables.
    blocks : iterable of (Block, ReadOptions)
        From `read_blocks`, and how they are read.
    stream : binary stream
        Flushed after every block.
    n_processes : int
        From 1. If more than 1, they are in addition to this one, which reads and writes.
    source : int, optional
        The file descriptor that all blocks come from, if reading it may block.

    Raises
    ------
    DataError
        If the input is malformed; the output of what came before is written first.
    """
    n_words = 0
    if n_processes > 1:
        parts = map_in_processes(block_tagger, blocks, n_processes, source=source)
    else:
        parts = (block_tagger(block) for block in blocks)
    with closing(parts) as labelled:
        for part in labelled:
            stream.write(part.content)
            stream.flush()
            n_words += part.n_words
            if part.fault is not None:
                raise part.fault
    return n_words


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
