"""How long a training takes by its threads of linear algebra, alone and beside busy processes.

    python benchmarks/threads.py [--threads 1,2] [--neighbours 0,2] [--repeats 3] [--json FILE]

Each cell trains two epochs of the sample corpus with the default network; the fastest of the repeats counts,
which take turns. `windowclf.threads` chooses its default by this table.
"""

import argparse
import json
import multiprocessing
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import numpy as np

from windowclf import WindowTagger
from windowclf.config import DataConfig
from windowclf.corpus import columns, options_of, read_labelled
from windowclf.vectors import SMALL_GLOVE


def _be_busy() -> None:
    x = np.ones((64, 64))
    while True:
        x = np.tanh(x + 1)


@contextmanager
def busy_neighbours(n: int) -> Iterator[None]:
    """Keep n processes busy within the block, each with one thread."""
    processes = [multiprocessing.get_context("spawn").Process(target=_be_busy, daemon=True) for _ in range(n)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}")
    parser.add_argument("--neighbours", default="0,2")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threads = [int(n) for n in options.threads.split(",")]
    data = columns(read_labelled("sample:train", options_of(DataConfig())))
    tagger = WindowTagger(vectors=SMALL_GLOVE, epochs=2)
    tagger.fit(*data, threads=1)  # vectors are loaded, pages are warm
    rows = []
    for n_neighbours in map(int, options.neighbours.split(",")):
        seconds = dict.fromkeys(threads, float("inf"))
        load = os.getloadavg()[0]
        with busy_neighbours(n_neighbours):
            for _ in range(options.repeats):
                for n in threads:
                    started = perf_counter()
                    tagger.fit(*data, threads=n)
                    seconds[n] = min(seconds[n], perf_counter() - started)
        for n in threads:
            rows.append(
                {
                    "neighbours": n_neighbours,
                    "load before": round(load, 1),
                    "threads": n,
                    "seconds": round(seconds[n], 2),
                    "times as fast as one thread": round(seconds[threads[0]] / seconds[n], 2),
                }
            )
            print(*(f"{name} {value}" for name, value in rows[-1].items()), sep="   ", flush=True)
    if options.json:
        record = {"cores": os.cpu_count(), "machine": platform.processor(), "rows": rows}
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
