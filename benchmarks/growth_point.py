"""One point of growth.py, in a process of its own: reads a task as JSON from its argument, prints JSON.

Seconds are those of the work, without starting Python and importing; of training without reading the corpus,
of tagging with opening the model. Memory is the peak of the whole process (VmHWM), from its start on.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits

from windowclf import Config, WindowTagger
from windowclf.config_io import override
from windowclf.corpus import ReadOptions, columns, read_labelled
from windowclf_cli.main import cli


def train(task: dict[str, Any]) -> float:
    """Train for one epoch, save the model, and return the seconds of training."""
    sentences, labels = columns(read_labelled(task["corpus"], ReadOptions(format="conll")))
    config = override(
        Config(), ["training.epochs=1", "model.max_vectors=0", f"model.window={task['window']}"]
    )
    tagger = WindowTagger(config, vectors=task["vectors"])
    started = perf_counter()
    tagger.fit(sentences, labels)
    seconds = perf_counter() - started
    tagger.save(task["model"])
    return seconds


def tag(task: dict[str, Any]) -> float:
    """Run `windowclf tag` on a file of tokens, and return the seconds."""
    arguments = ["tag", task["model"], task["text"], "--input-format", "tokens", "--output-format", "conll"]
    started = perf_counter()
    cli([*arguments, "--threads", "1"], standalone_mode=False)
    return perf_counter() - started


def first_label(task: dict[str, Any]) -> float:
    """Open a model and tag one short sentence."""
    started = perf_counter()
    WindowTagger.load(task["model"]).compile().predict([["We", "live", "in", "Paris"]])
    return perf_counter() - started


def peak_megabytes() -> float:
    """Return what Linux calls VmHWM of this process, in MB of 2^20 bytes."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def main() -> None:
    """Do the task, with one thread of linear algebra."""
    task = json.loads(sys.argv[1])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is tagged goes nowhere
    work = {"train": train, "tag": tag, "first label": first_label}[task["kind"]]
    importlib.import_module("windowclf_cli.tag")  # now, so that its time does not count
    with threadpool_limits(1):
        seconds = work(task)
    with answer:
        print(json.dumps({"seconds": seconds, "megabytes": peak_megabytes()}), file=answer)


if __name__ == "__main__":
    main()
