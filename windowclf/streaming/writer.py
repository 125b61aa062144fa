"""Labelled sentences to bytes, many at a time: what `windowclf.corpus.readers.write_sentences` writes, fast.

What stands before and after a word is looked up in small tables by the number of its label, and all is joined
at once. Whatever is out of the ordinary is left to `write_sentences`, which knows the faults.

N tokens, C labels, S sentences.
"""

import re
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Literal

import numpy as np

from windowclf.arrays import Bools, Ints
from windowclf.corpus.chunk import Chunk
from windowclf.corpus.conll import DOCSTART
from windowclf.corpus.jsonl import jsonl_records
from windowclf.corpus.label_schemes import OUTSIDE, parse_label, starts_span
from windowclf.corpus.label_set import LabelSet

TagFormat = Literal["inline", "conll", "jsonl"]
_UNWRITABLE = re.compile("[\t\n\r\0]")
_PREFIXES = "BIES"


class Writer:
    """Writes the sentences of chunks with their labels.

    Parameters
    ----------
    labels : LabelSet
    format : {"inline", "conll", "jsonl"}
    """

    def __init__(self, labels: LabelSet, format: TagFormat) -> None:
        self._labels = labels
        self._format = format
        if labels.is_spelled_alone:
            self._names = [labels.spelled_names[i] for i in labels.spelled_ids]
        else:
            self._names = [OUTSIDE, *(f"{prefix}-{kind}" for kind in labels.kinds for prefix in _PREFIXES)]
        self._numbers = {name: i for i, name in enumerate(self._names)}
        self._is_usual = all(self._names) and not _UNWRITABLE.search("".join(self._names))
        if format == "conll":
            self._after = [f"\t{name}\n{end}" for end in ("", "\n") for name in self._names]
        elif labels.scheme is None:
            self._after = [f"/{name}{end}" for end in " \n" for name in self._names]
        else:
            self._before = ["", *(f"[{parse_label(name)[1]} " for name in labels.names)]
            self._after = [" ", "] ", "\n", "]\n"]
            self._starts = _start_table(labels.names)

    def write(self, chunk: Chunk, ids: Ints) -> bytes | None:
        """Return sentences as they are written, UTF-8; None if something in them is out of the ordinary.

        Parameters
        ----------
        chunk : Chunk
        ids : array (N,)
            The number of each word's label, as `best_labels` gives it.
        """
        if self._format == "jsonl":
            return self._records(chunk, ids)
        if not self._is_usual or not _are_usual(chunk.words):
            return None
        lasts = np.cumsum(chunk.lengths)[chunk.lengths > 0] - 1
        if self._format == "inline" and self._labels.scheme is not None:
            parts = self._in_brackets(chunk, ids, lasts)
        else:
            numbers = self._spelled(ids, chunk.lengths)
            numbers[lasts] += len(self._names)
            parts = _interleave(chunk.words, _look_up(self._after, numbers))
        if len(lasts) < len(chunk.lengths):  # some are empty
            n_parts = len(parts) // max(1, len(chunk.words))
            ends = (np.cumsum(chunk.lengths) * n_parts).tolist()
            parts = ["".join(parts[begin:end]) or "\n" for begin, end in pairwise([0, *ends])]
        try:
            return "".join(parts).encode("utf-8")
        except UnicodeEncodeError:
            return None

    def _spelled(self, ids: Ints, lengths: Ints) -> Ints:
        """Return the number in `_names` of each label as the user spells it (N,)."""
        if self._labels.is_spelled_alone:
            return ids.copy()
        spelled = chain.from_iterable(self._labels.spell(ids, lengths))
        return np.fromiter(map(self._numbers.__getitem__, spelled), np.int64, len(ids))

    def _in_brackets(self, chunk: Chunk, ids: Ints, lasts: Ints) -> list[str]:
        """Return three strings a word: what is before it, the word, what is after it."""
        outside = len(self._labels.names)
        firsts = np.concatenate([[0], lasts[:-1] + 1]) if len(lasts) else lasts
        before, after = np.roll(ids, 1), np.roll(ids, -1)
        before[firsts] = after[lasts] = outside
        is_inside = self._starts[outside, ids]  # every span label would start one after O
        starts = self._starts[before, ids]
        ends = is_inside & (self._starts[ids, after] | ~self._starts[outside, after])
        ends_sentence = np.zeros(len(ids), np.int64)
        ends_sentence[lasts] = 2
        return _interleave(
            _look_up(self._before, np.where(starts, ids + 1, 0)),
            chunk.words,
            _look_up(self._after, ends_sentence + ends),
        )

    def _records(self, chunk: Chunk, ids: Ints) -> bytes | None:
        words = chunk.words
        labels = _look_up(self._names, self._spelled(ids, chunk.lengths))
        ends = np.cumsum(chunk.lengths)
        places = list(pairwise([0, *ends.tolist()]))
        if chunk.text is None or chunk.starts is None or chunk.ends is None:
            return jsonl_records((words[i:j], labels[i:j], None, None) for i, j in places)
        text = chunk.text  # so no sentence is empty
        begins = chunk.starts[ends - chunk.lengths]
        shift = np.repeat(begins, chunk.lengths)
        offsets = np.stack([chunk.starts - shift, chunk.ends - shift], axis=1).tolist()
        extents = zip(begins.tolist(), chunk.ends[ends - 1].tolist(), strict=True)
        return jsonl_records(
            (words[i:j], labels[i:j], text[begin:end], offsets[i:j])
            for (i, j), (begin, end) in zip(places, extents, strict=True)
        )


def _are_usual(words: Sequence[str]) -> bool:
    """Return whether all words can stand in a column and in a line as they are."""
    joined = "".join(words)
    if DOCSTART in joined or " " in joined or not all(words):
        return False
    # what is printable is neither a control character nor white space (the space apart)
    return joined.isprintable() or not (_UNWRITABLE.search(joined) or any(map(str.isspace, {*words})))


def _start_table(names: Sequence[str]) -> Bools:
    """Return (C + 1, C + 1) whether a span starts at label j after label i; the last stands for no label."""
    ends = [*names, OUTSIDE]
    return np.array([[starts_span(before, label) for label in ends] for before in ends])


def _look_up(table: Sequence[str], numbers: Ints) -> list[str]:
    return list(map(table.__getitem__, numbers.tolist()))


def _interleave(*columns: list[str]) -> list[str]:
    """Return the first of each column, then the second, and so on."""
    parts = [""] * (len(columns) * len(columns[0]))
    for i, column in enumerate(columns):
        parts[i :: len(columns)] = column
    return parts
