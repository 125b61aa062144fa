"""One training of accuracy.py or ablation.py, in a process of its own.

Reads a task as JSON from standard input, trains, tags dev and test, and prints what it measured. Seconds are
those of training alone, without reading files; memory is the peak of the process while it trains; the speed
is that of tagging sentences that are split into tokens. Of windowclf, expected calibration errors too.
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from time import perf_counter
from typing import Any

from accuracy_peers import LEARNERS, Labelled, Learner, Lesson, Sentences, Windowclf
from windowclf.config import DataConfig
from windowclf.corpus import columns, detect_scheme, options_of, read_labelled
from windowclf.evaluation import sentence_counts

PARTS = ("dev", "test")
N_TURNS = {"wikigold": 10, "wnut17": 2}  # of `turned`
_PROC = Path("/proc/self")
_DATA = DataConfig()
_SECONDS = 1.0  # that tagging is measured, at least


def measure(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train and tag."""
    parts = {part: read_part(f"{task['corpus']}:{part}") for part in ("train", *PARTS)}
    parts["train"] = first_words(parts["train"], task.get("words", 0))
    if "turn" in task:
        parts = turned(task["corpus"], parts, task["turn"])
    marks_spans = detect_scheme(parts["train"].labels).scheme is not None
    lesson = Lesson(
        parts["train"], parts["dev"], marks_spans, task["seed"], task["settings"], task["teacher"], folder
    )
    learner = LEARNERS[task["form"]](lesson)
    with suppress(OSError):
        (_PROC / "clear_refs").write_text("5")  # the peak begins anew: reading does not count
    began = perf_counter()
    learner.fit()
    seconds = perf_counter() - began
    megabytes = _peak_megabytes()
    place = Path(task["keep"] or folder / "model")
    place.parent.mkdir(parents=True, exist_ok=True)
    learner.save(place)
    counts = {
        part: sentence_counts(
            parts[part].labels,
            learner.tag(parts[part].tokens),
            span_labels=marks_spans,
            ignore_label=_DATA.ignore_label,
        ).tolist()
        for part in PARTS
    }
    return {
        "marks_spans": marks_spans,
        "seconds": round(seconds, 2),
        "megabytes": round(megabytes),
        "model_megabytes": round(_bytes_of(place) / 2**20, 3),
        "words_per_second": round(_rate(learner, parts["test"].tokens)),
        "counts": counts,  # right, true and predicted in each sentence
        "calibration": {part: _calibration(learner, parts[part]) for part in PARTS},
        "judged": learner.judged(parts["test"]) if "turn" in task and isinstance(learner, Windowclf) else [],
    }


def _calibration(learner: Learner, part: Labelled) -> dict[str, float | None] | None:
    """Return the expected calibration errors of words and entities; None where no probabilities are known."""
    if not isinstance(learner, Windowclf) or (measured := learner.evaluate(part).calibration) is None:
        return None
    kinds = {"words": measured.words, "entities": measured.entities}
    return {name: kind.expected_calibration_error for name, kind in kinds.items() if kind is not None}


def read_part(name: str) -> Labelled:
    """Return the sentences of a part of a corpus that have words."""
    return Labelled(*columns([s for s in read_labelled(name, options_of(_DATA)) if s.tokens]))


def first_words(part: Labelled, n_words: int) -> Labelled:
    """Return the first sentences, until they have so many words together; all, if that is 0."""
    n_before = accumulate(map(len, part.tokens), initial=0)
    n = sum(before < n_words for before in n_before) if n_words else len(part.tokens)
    return Labelled(part.tokens[:n], part.labels[:n])


def turned(corpus: str, parts: Mapping[str, Labelled], turn: int) -> dict[str, Labelled]:
    """Return the parts of a corpus dealt out anew: each of its `N_TURNS` has another test part."""
    if corpus == "wnut17":  # dev and test together in halves
        both = _together(parts["dev"], parts["test"])
        halves = [_every(both, 2, first) for first in range(2)]
        return {"train": parts["train"], "dev": halves[turn - 1], "test": halves[turn]}
    # of sentence i, i mod 10 is 8 in dev, 9 in test, and else in train
    tenths = [*(_every(parts["train"], 8, k) for k in range(8)), parts["dev"], parts["test"]]
    others = [tenths[k] for k in range(10) if k not in (turn, (turn - 1) % 10)]
    return {"train": _together(*others), "dev": tenths[turn - 1], "test": tenths[turn]}


def _every(part: Labelled, n: int, first: int) -> Labelled:
    """Return every nth sentence."""
    return Labelled(part.tokens[first::n], part.labels[first::n])


def _together(*parts: Labelled) -> Labelled:
    """Return the sentences of all parts."""
    return Labelled([s for part in parts for s in part.tokens], [s for part in parts for s in part.labels])


def _rate(learner: Learner, sentences: Sentences) -> float:
    """Return the words tagged a second; all of them were tagged once before."""
    n_times, began = 0, perf_counter()
    while (seconds := perf_counter() - began) < _SECONDS:
        learner.tag(sentences)
        n_times += 1
    return n_times * sum(map(len, sentences)) / seconds


def _peak_megabytes() -> float:
    status = dict(line.split(":", 1) for line in (_PROC / "status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def _bytes_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def main() -> None:
    """Do the task."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what others print is no answer
    with answer, tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(json.load(sys.stdin), Path(folder))), file=answer)


if __name__ == "__main__":
    main()
