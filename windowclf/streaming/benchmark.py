"""How fast a model tags a file on this machine, in several ways, each in a process of its own, in turns."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windowclf.corpus.readers import ReadOptions
from windowclf.errors import WindowClfError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_PROC_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to tag a file.

    Attributes
    ----------
    is_compiled : bool
    n_processes : int
        As in `tag_blocks`.
    """

    is_compiled: bool
    n_processes: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Measurements of one way.

    Attributes
    ----------
    way : Way
    words_per_second : list of float
        Of each repetition, from the bytes of the file to the bytes of labelled sentences.
    n_words : int
        Of the file.
    peak_mb : float or None
        Megabytes (2^20 bytes) of its largest process; None where the system does not say.
    """

    way: Way
    words_per_second: list[float]
    n_words: int
    peak_mb: float | None


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
    model : str
        As `WindowTagger.load` takes it.
    file : str or Path
        Not standard input.
    options : ReadOptions
        How the file is read; its format is not "auto".
    ways : sequence of Way
    table_mb : float
        As of `WindowTagger.compile`.
    repetitions : int
        Of each way, after a warm-up.
    seconds : float
        About how long a repetition takes; it tags the file several times if needed.

    Raises
    ------
    WindowClfError
        If the model or the file cannot be read, or the file holds no word.
    """
    with ExitStack() as stack:
        processes = [
            stack.enter_context(_process(model, file, options, way, table_mb, seconds)) for way in ways
        ]
        n_words = [_ask(process, "start") for process in processes]
        rates: list[list[float]] = [[] for _ in ways]
        for _ in range(repetitions):
            for process, measured in zip(processes, rates, strict=True):
                measured.append(_ask(process, "measure"))
        peaks = [_ask(process, "peak") for process in processes]
    return [Speed(*found) for found in zip(ways, rates, n_words, peaks, strict=True)]


@contextmanager
def _process(*arguments: Any) -> Iterator["Connection"]:
    """Start a process that measures and yield the connection to it."""
    from multiprocessing import get_context

    context = get_context("spawn")  # starts with empty memory
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join()


def _ask(process: "Connection", question: str) -> Any:
    process.send(question)
    answer = process.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _answer(connection: "Connection", *arguments: Any) -> None:
    """Answer questions until the connection is closed."""
    bench = None
    try:
        while True:
            question = connection.recv()
            try:
                bench = bench or _Bench(*arguments)
                connection.send(getattr(bench, question)())
            except WindowClfError as error:
                connection.send(error)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        pass  # the other end has closed


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

        from windowclf.corpus.blocks import read_blocks
        from windowclf.streaming.tag import tag_blocks

        blocks = ((block, self._options) for block in read_blocks(self._file, self._options.format))
        # several processes have a thread each
        limit = 1 if self._way.n_processes > 1 else None
        with open("/dev/null", "wb") as nowhere, threadpool_limits(limit):
            return tag_blocks(self._block_tagger, blocks, nowhere, n_processes=self._way.n_processes)
