"""How fast a model tags a file on this machine, in several ways, each in a process of its own, in turns."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from windowclf.corpus import ReadOptions
from windowclf.errors import WindowClfError

_PROC_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to tag a file."""

    is_compiled: bool
    n_processes: int  # as in `tag_blocks`


@dataclass(frozen=True, slots=True)
class Speed:
    """Measurements of one way."""

    way: Way
    words_per_second: list[float]  # of each repetition, from the file's bytes to those of tagged sentences
    n_words: int  # of the file
    peak_mb: float | None  # megabytes (2^20 bytes) of its largest process; None where unknown


def measure_speed(
    model: str,
    file: str | Path,
    options: ReadOptions,
    ways: Sequence[Way],
    *,
    table_mb: float,
    repetitions: int = 5,
    seconds: float = 0.5,
) -> list[Speed]:
    """Measure all ways in turns, so that other load on the machine affects them alike.

    Parameters
    ----------
    model, table_mb
        As `WindowTagger.load` and `WindowTagger.compile` take them.
    file, options
        Not standard input; the format is not "auto".
    repetitions : int
        Of each way, after a warm-up.
    seconds : float
        About how long a repetition takes; it tags the file several times if needed.

    Raises
    ------
    WindowClfError
        If the model or the file cannot be read, or the file holds no word.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ExitStack() as stack:
        # one process a way, which starts with empty memory
        pools = [stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))) for _ in ways]

        def ask(question: str) -> Iterator[Any]:
            for pool, way in zip(pools, ways, strict=True):
                yield pool.submit(_answer, question, model, file, options, way, table_mb, seconds).result()

        n_words = [*ask("start")]
        rates = [[*ask("measure")] for _ in range(repetitions)]
        peaks = [*ask("peak")]
    return [
        Speed(way, [*of_way], n, peak)
        for way, of_way, n, peak in zip(ways, zip(*rates, strict=True), n_words, peaks, strict=True)
    ]


def _answer(question: str, *arguments: Any) -> Any:
    return getattr(_bench_of_process(*arguments), question)()


class _Bench:
    """One way to tag the file. The methods are the questions."""

    def __init__(
        self, model: str, file: str | Path, options: ReadOptions, way: Way, table_mb: float, seconds: float
    ) -> None:
        from windowclf.streaming.tag import BlockTagger
        from windowclf.tagger import WindowTagger

        tagger = WindowTagger.load(model)
        if way.is_compiled:
            tagger.compile(table_mb=table_mb, prefill=way.n_processes > 1)
        self._block_tagger = BlockTagger(tagger, "conll")
        self._file, self._options, self._way, self._seconds = file, options, way, seconds
        self._n_passes = 1

    def start(self) -> int:
        """Warm up and return the number of words."""
        n_words = self._tag()
        if n_words == 0:
            raise WindowClfError("no word in this file", where=str(self._file))
        began = time.perf_counter()
        self._tag()
        self._n_passes = max(1, ceil(self._seconds / (time.perf_counter() - began)))
        return n_words

    def measure(self) -> float:
        """Return words a second."""
        began = time.perf_counter()
        n_words = sum(self._tag() for _ in range(self._n_passes))
        return n_words / (time.perf_counter() - began)

    def peak(self) -> float | None:
        """Return the peak megabytes of this process or the largest of its children."""
        if sys.platform != "linux":
            return None
        import resource

        own = int(_PROC_STATUS.read_text().split("VmHWM:")[1].split()[0])
        return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024

    def _tag(self) -> int:
        from threadpoolctl import threadpool_limits

        from windowclf.corpus import read_blocks
        from windowclf.streaming.tag import tag_blocks

        blocks = ((block, self._options) for block in read_blocks(self._file, self._options.format))
        # several processes have a thread each
        limit = 1 if self._way.n_processes > 1 else None
        with open("/dev/null", "wb") as nowhere, threadpool_limits(limit):
            return tag_blocks(self._block_tagger, blocks, nowhere, n_processes=self._way.n_processes)


_bench_of_process = cache(_Bench)
