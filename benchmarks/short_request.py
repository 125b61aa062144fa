"""How long one short sentence takes: µs of `predict` and `tag`, beside another version of windowclf.

A batch of 400 sentences stands below, so that no gain of the one is a loss of the other.

Each version is a process of its own, with one thread, and waits while the other is measured; they take turns.
A time is the median of all calls, each of which is timed by itself: a short one by the clock, the batch by
the time of the processor, so that neighbours count less. The models are the two that ship, and two
that are trained here on the sample corpus: one with the sentence-level loss and an ensemble. `tag` gives what
an answer of the service holds: labels, their probabilities and the entities.

    python benchmarks/short_request.py
    python benchmarks/short_request.py --old ../windowclf-0.1.0
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from pages import markdown_table
from serving import SERVE
from windowclf.corpus import ReadOptions, read_labelled
from windowclf.model import find_model

SENTENCES = {
    "one entity": "The museum of modern art in Paris opened its doors to visitors on Monday , "
    "said a spokesman for the local ministry .",
    "none": "it was raining when we left the house , so we took the bus and came "
    "home very late in the evening .",
    "several": "Barack Obama met Angela Merkel in New York on Monday , David Cameron flew from London "
    "to Los Angeles with Manchester United .",
    "new words": "Zorblax and Quimtip flew to Frobnitz on Monday , where the old blorptown museum opened its "
    "doors to visitors and locals again .",
}
BATCH = "400 sentences"
TRAINED = {
    "CRF": ("model.loss=crf",),
    "ensemble of 3": ("training.ensemble=3",),
}
# what runs in each process: it must do with the interface of both versions
WORKER = """
import json, sys
import time
from windowclf import WindowTagger

taggers = {}
for line in sys.stdin:
    name, path, method, sentences, n_calls, clock_name = json.loads(line)
    clock = getattr(time, clock_name)
    if name not in taggers:
        taggers[name] = WindowTagger.load(path).compile()
    call, seconds = getattr(taggers[name], method), []
    for _ in range(1 + n_calls // 10):
        call(sentences)
    for _ in range(n_calls):
        began = clock()
        call(sentences)
        seconds.append(clock() - began)
    print(json.dumps(seconds), flush=True)
"""
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS"), "1")


class Version:
    """A version of windowclf in a process of its own."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-P", "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | _ONE_THREAD,
        )

    def ask(self, *question: object) -> list[float]:
        """Return the seconds of each call."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        if not (answer := self._process.stdout.readline()):
            raise SystemExit("a version ended; see above")
        seconds: list[float] = json.loads(answer)
        return seconds

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


def models(folder: Path) -> dict[str, str]:
    """Return where each model is; train those that do not ship."""
    found = {name: str(find_model(name)) for name in ("ner-en", "pos-en")}
    for i, (name, settings) in enumerate(TRAINED.items()):
        found[name] = str(folder / str(i))
        options = [part for setting in (*settings, "training.epochs=2") for part in ("--set", setting)]
        parts = ("--train", "sample:train", "--dev", "sample:dev", "--out", found[name])
        command = [sys.executable, "-c", SERVE, "train", *parts, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return found


def measure(versions: dict[str, Version], rounds: int, n_calls: int) -> dict[tuple[str, ...], Any]:
    """Return the microseconds of each version for each model, sentence and method."""
    with tempfile.TemporaryDirectory() as folder:
        paths = models(Path(folder))
        texts = {name: [text.split()] for name, text in SENTENCES.items()}
        texts[BATCH] = [list(s.tokens) for s in read_labelled("sample:train", ReadOptions())]
        cases = [(model, text, method) for model in paths for text in texts for method in ("predict", "tag")]
        seconds: dict[tuple[str, ...], dict[str, list[float]]] = {
            case: {name: [] for name in versions} for case in cases
        }
        for _ in range(rounds):
            for case in cases:
                model, text, method = case
                is_batch = text == BATCH
                how = (max(1, n_calls // 100), "thread_time") if is_batch else (n_calls, "perf_counter")
                for name, version in versions.items():
                    seconds[case][name] += version.ask(model, paths[model], method, texts[text], *how)
    return {
        case: {name: 1e6 * median(own) for name, own in measured.items()}
        for case, measured in seconds.items()
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--old", type=Path, help="a clone of another version, with its .venv")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each (default: 9)")
    parser.add_argument("--calls", type=int, default=300, help="in a turn (default: 300)")
    options = parser.parse_args()
    assert {len(sentence.split()) for sentence in SENTENCES.values()} == {23}
    pythons = {"new": sys.executable}
    if options.old is not None:
        pythons["old"] = str(options.old / ".venv" / "bin" / "python")
    versions = {name: Version(python) for name, python in pythons.items()}
    found = measure(versions, options.rounds, options.calls)
    for version in versions.values():
        version.stop()
    rows = [
        (
            *case,
            *(f"{µs[name]:.0f}" for name in versions),
            *([f"{µs['old'] / µs['new']:.2f}"] if "old" in µs else []),
        )
        for case, µs in found.items()
    ]
    columns = ("model", "entities", "method", *(f"{name}, µs" for name in versions))
    print(markdown_table((*columns, *(["old ÷ new"] if "old" in versions else [])), rows))


if __name__ == "__main__":
    main()
