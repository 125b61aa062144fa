"""A tagger at work in a process of its own, for `tagging_speed.py`.

Run as a script, it prepares what a JSON line on its standard input describes. Each further line is a question
with its arguments, and is answered by a JSON line. So peers can take turns, and none runs while another is
measured.
"""

import json
import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

from tagging_peers import FORMS, Labelled, Windowclf
from windowclf import WindowTagger
from windowclf.corpus import ReadOptions, Sentence, columns, options_of, read_blocks, read_labelled, spans
from windowclf.streaming import BlockTagger, map_in_processes, tag_blocks

SCRIPT = Path(__file__)
RAW = ReadOptions(format="text", labelled=False)
SENTENCES_AT_ONCE = 512  # that one of several processes is given
_PROC = Path("/proc/self")


def read_part(model: str, corpus: str) -> list[Sentence]:
    """Read a part of a corpus as the model's own was read, without empty sentences."""
    options = options_of(WindowTagger.load(model).config.data)
    return [sentence for sentence in read_labelled(corpus, options) if sentence.tokens]


def raw_line(sentence: Sentence) -> str:
    """Return the text of a sentence, or its tokens where that is not known, in one line."""
    return " ".join((sentence.text or " ".join(sentence.tokens)).splitlines())


@dataclass
class Bench:
    """A tagger that is prepared and measured. Its methods are the questions."""

    form: str
    model: str
    train: str
    test: list[str]
    seconds: float
    folder: str  # where it may write

    def __post_init__(self) -> None:
        """Load or train the tagger."""
        learnt = columns(read_part(self.model, self.train))
        self._peer = FORMS[self.form](self.model, *learnt)
        read = [sentence for name in self.test for sentence in read_part(self.model, name)]
        self._sentences, self._labels = columns(read)
        self._n_words = sum(map(len, self._sentences))
        self._lines = list(map(raw_line, read))
        self._raw = Path(self.folder) / "raw.txt"
        self._raw.write_text("".join(f"{line}\n" for line in self._lines), encoding="utf-8")

    def score(self) -> float:
        """Tag everything; return the accuracy of words, or the F1 of spans if labels mark spans."""
        predicted = self._peer.tag(self._sentences)
        with suppress(OSError):
            (_PROC / "clear_refs").write_text("5")  # the peak begins anew: training does not count
        if WindowTagger.load(self.model).model.labels.scheme is None:
            pairs = zip(chain.from_iterable(self._labels), chain.from_iterable(predicted), strict=True)
            return sum(true == given for true, given in pairs) / self._n_words
        true, given = (
            {(i, *span) for i, names in enumerate(of_all) for span in spans(names)}
            for of_all in (self._labels, predicted)
        )
        return 2 * len(true & given) / max(1, len(true) + len(given))

    def split(self, n_processes: int) -> float:
        """Return words a second, from the tokens of sentences to their labels."""
        parts = _cut(self._sentences)
        if n_processes == 1:
            return self._rate(lambda n: [self._peer.tag(self._sentences) for _ in range(n)], 1)
        return self._rate(
            lambda n: _run(map_in_processes(self._peer.tag, parts * n, n_processes)), n_processes
        )

    def raw(self, n_processes: int) -> float:
        """Return words a second, from a file of raw text to labelled columns; words are the corpus's."""
        return self._rate(lambda n: self._tag_file(n, n_processes), n_processes)

    def _tag_file(self, n_times: int, n_processes: int) -> None:
        with open("/dev/null", "wb") as nowhere:
            if isinstance(self._peer, Windowclf):
                blocks = ((b, RAW) for _ in range(n_times) for b in read_blocks(self._raw, RAW.format))
                block_tagger = BlockTagger(self._peer.tagger, "conll")
                tag_blocks(block_tagger, blocks, nowhere, n_processes=n_processes)
                return
            tag_raw = self._peer.tag_raw

            def write(lines: Sequence[str]) -> bytes:
                return _to_columns(tag_raw(lines)).encode()

            parts = (part for _ in range(n_times) for part in _cut(self._raw.read_text("utf-8").splitlines()))
            several = n_processes > 1
            nowhere.writelines(map_in_processes(write, parts, n_processes) if several else map(write, parts))

    def _rate(self, work: Callable[[int], object], n_processes: int) -> float:
        """Do work so many times that starting processes counts for little; return words a second."""
        seconds = _seconds(work, 1)
        if seconds < self.seconds:
            n_times = ceil(n_processes * self.seconds / seconds)
            seconds = _seconds(work, n_times) / n_times
        return self._n_words / seconds

    def peak(self) -> float:
        """Return the most megabytes (2^20 bytes) that one of its processes had since the first tagging."""
        status = (_PROC / "status").read_text()
        own = int(status.split("VmHWM:")[1].split()[0])
        return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _cut(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[first : first + SENTENCES_AT_ONCE] for first in range(0, len(items), SENTENCES_AT_ONCE)]


def _run(results: Any) -> None:
    for _ in results:
        pass


def _seconds(work: Callable[[int], object], n_times: int) -> float:
    began = perf_counter()
    work(n_times)
    return perf_counter() - began


def _to_columns(labelled: list[Labelled]) -> str:
    rows = ("".join([f"{w}\t{n}\n" for w, n in zip(*of_one, strict=True)]) for of_one in labelled)
    return "\n".join(rows)


def main() -> None:
    """Prepare what the first line says, then answer the others."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(**json.loads(sys.stdin.readline()), folder=folder)
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            method, *arguments = json.loads(line)
            print(json.dumps(getattr(bench, method)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
