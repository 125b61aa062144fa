"""How fast windowclf trains, against the same network in PyTorch, on real sentences (UD English EWT).

Each form trains in a process of its own and waits while another is measured; they take turns, and a ratio is
one of two turns in a row. Needs torch, and the corpus in the folder that WINDOWCLF_CORPORA names.

    python benchmarks/training_speed.py --quick
    python benchmarks/training_speed.py --accuracy 3 --memory
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from pages import ROOT, update_page
from serving import describe_machine
from training_page import TARGETS, rows_table, tables
from training_peers import FORMS, SCRIPT, Setting, n_distinct, to_line
from training_profile import profile
from windowclf.config import Config, FeaturesConfig, ModelConfig
from windowclf.corpus import LabelSet, columns, options_of, read_labelled
from windowclf.encoding import UNKNOWN, Encoder, WordFeatures, count_words
from windowclf.training import prepare_training, resolve_features
from windowclf.vectors import choose_vectors, load_vectors

RECORD = ROOT / "docs" / "data" / "training.json"
CORPUS = "ud-english-ewt"
N_VECTORS = 100_000  # rows of the random vectors of the table
N_WINDOWS = 20_000  # of one turn
ACCURACY = 0.945
WINDOW = 5
ALL = list(product((True, False), (50, 100, 300), (128, 300), (16, 64, 256)))


@contextmanager
def started(form: str, setting: Setting) -> Iterator[Callable[[int], dict[str, float]]]:
    """Run a trainer in a process of its own; calling what is yielded trains once, from a seed."""
    threads = {name: str(setting.threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    command = [sys.executable, str(SCRIPT)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | threads
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(line: str) -> Any:
            stdin.write(line + "\n")
            stdin.flush()
            if not (answer := stdout.readline()):
                raise SystemExit(f"the trainer of the form {form!r} ended; see above")
            return json.loads(answer)

        ask(to_line(form, setting))
        yield lambda seed: dict(ask(str(seed)))
        stdin.close()


def take_turns(setting: Setting, turns: int, forms: tuple[str, ...]) -> dict[str, list[dict[str, float]]]:
    """Train once with each form to warm up, then `turns` times, one form after another."""
    with ExitStack() as stack:
        trainers = {form: stack.enter_context(started(form, setting)) for form in forms}
        results: dict[str, list[dict[str, float]]] = {form: [] for form in forms}
        for seed in range(turns + 1 if setting.until is None else turns):
            for form, train in trainers.items():
                result = train(seed)
                if seed > 0 or setting.until is not None:
                    results[form].append(result)
    return results


# -- what the machine can do ----------------------------------------------------------------------------


def machine_rates() -> dict[str, float]:
    """Measure products of large float32 matrices, and the copying of memory that no cache holds."""
    side = 2048
    a, b = (np.random.default_rng(0).standard_normal((side, side), dtype=np.float32) for _ in range(2))
    seconds = min(_seconds(lambda: a @ b) for _ in range(10))
    large = np.ones(32 << 20, np.float32)
    copy = np.empty_like(large)
    copying = min(_seconds(lambda: np.copyto(copy, large)) for _ in range(5))
    return {"sgemm_gflops": 2 * side**3 / seconds / 1e9, "copy_gb": 2 * large.nbytes / copying / 1e9}


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


@dataclass(frozen=True)
class Work:
    """What one window costs, at the least: multiply-and-adds times 2, and bytes of sums and look-ups."""

    operations: float
    bytes: float

    @classmethod
    def of(cls, setting: Setting, n_labels: int) -> "Work":
        """Count the products of the fused form, and what looking up and spreading read and write."""
        N, U = n_distinct(setting.data()[0], setting.batch_sentences)
        F, H = setting.dimension, setting.hidden
        first = (3 if setting.tuned else 2) * 2 * U / N * F * WINDOW * H
        last = 3 * 2 * H * n_labels
        # K rows are read and one is written; backwards one is read, and K are read and written
        return cls(first + last, 4 * H * (WINDOW + 1 + 1 + 2 * WINDOW))


# -- the measurements -----------------------------------------------------------------------------------


def write_arrays(directory: Path) -> tuple[str, str, str, int]:
    """Write EWT as integers without and with features, and its vectors; return files and labels."""
    config = Config(model=ModelConfig(vectors="glove-6b-50d", max_vectors=0))
    corpora = {
        part: columns(read_labelled(f"{CORPUS}:{part}", options_of(config.data))) for part in ("train", "dev")
    }
    label_set = LabelSet.of(corpora["train"][1])
    vectors = load_vectors("glove-6b-50d")
    vocabulary, matrix, _ = choose_vectors(vectors, count_words(corpora["train"][0]), config.model)
    np.save(directory / "vectors.npy", matrix)
    for name, features in (
        ("plain", FeaturesConfig(case_dimension=0, affix_dimension=0)),
        ("features", resolve_features(FeaturesConfig(), finds_names=False)),
    ):
        encoder = Encoder(vocabulary, WordFeatures(features))
        arrays: dict[str, Any] = {}
        for part, (tokens, labels) in corpora.items():
            data = prepare_training(encoder, tokens, labels, label_set, WINDOW)
            if name == "plain":  # the random vectors are fewer; training's words are the first of them
                data.words[data.words >= N_VECTORS] = UNKNOWN
            arrays |= {
                f"{part}.{key}": getattr(data, key) for key in ("words", "windows", "targets", "starts")
            }
        np.savez(directory / f"{name}.npz", **arrays)
    paths = [str(directory / name) for name in ("plain.npz", "features.npz", "vectors.npy")]
    return paths[0], paths[1], paths[2], len(label_set)


def measure_row(row: tuple[bool, int, int, int], setting: Setting, turns: int, work: Work) -> dict[str, Any]:
    """Measure one row of the table."""
    results = take_turns(setting, turns, FORMS)
    speeds = {form: [r["windows"] / r["seconds"] for r in results[form]] for form in FORMS}
    ratios = [ours / theirs for ours, theirs in zip(speeds["fused"], speeds["torch"], strict=True)]
    gains = [fused / plain for fused, plain in zip(speeds["fused"], speeds["plain"], strict=True)]
    fused = median(speeds["fused"])
    return {
        "tuned": row[0],
        "D": row[1],
        "H": row[2],
        "sentences": row[3],
        "windows_per_second": speeds,
        "over_torch": ratios,
        "over_plain": gains,
        "gflops": fused * work.operations / 1e9,
        "gathered_gb": fused * work.bytes / 1e9,
    }


def measure_profile(arrays: str, threads: int) -> dict[str, dict[str, float]]:
    """Return the seconds a window of each part of training, D 100, H 300, 64 sentences."""
    kinds = {"frozen": False, "tuned": True}
    return {
        name: profile(Setting(arrays, N_VECTORS, tuned, 100, 300, 64, threads, n_windows=N_WINDOWS))
        for name, tuned in kinds.items()
    }


def measure_accuracy(setting: Setting, turns: int) -> dict[str, Any]:
    """Measure the wall time to `ACCURACY` on dev, default network with frozen vectors and features."""
    results = take_turns(setting, turns, ("fused", "torch"))
    seconds = {form: [result["seconds"] for result in results[form]] for form in results}
    shares = [ours / theirs for ours, theirs in zip(seconds["fused"], seconds["torch"], strict=True)]
    return {
        "accuracy": ACCURACY,
        "seconds": seconds,
        "share": median(shares),
        "shares": shares,
        "scores": {form: [result["score"] for result in results[form]] for form in results},
    }


# A process's peak memory counts what it is forked from, so that is next to nothing.
_SMALL_PARENT = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, flush=True)
sys.exit(status)
"""


def measure_memory(threads: int) -> float:
    """Return the peak memory in MB of `windowclf train` on EWT with all 400,000 x 50 vectors, frozen."""
    with tempfile.TemporaryDirectory() as directory:
        arguments = [
            "train",
            "--train",
            f"{CORPUS}:train",
            "--dev",
            f"{CORPUS}:dev",
            "--threads",
            str(threads),
        ]
        arguments += ["--out", f"{directory}/run", "--vectors", "glove-6b-50d", "--max-vectors", "all"]
        arguments += ["--set", "training.epochs=2"]
        command = [sys.executable, "-c", "from windowclf_cli.main import cli; cli()", *arguments, "--json"]
        done = subprocess.run(
            [sys.executable, "-c", _SMALL_PARENT, *command], stdout=subprocess.PIPE, check=True
        )
    return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    """Measure what is asked for and print tables and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only the rows that have targets")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--accuracy", type=int, default=0, metavar="N", help="train to 94.5 %% dev, N times")
    parser.add_argument("--memory", action="store_true", help="the peak memory of training")
    parser.add_argument("--update-docs", action="store_true", help="write record and tables into docs/")
    options = parser.parse_args()
    record: dict[str, Any] = describe_machine("windowclf", "numpy", "scipy", "torch")
    record |= {"threads": options.threads, "rates": machine_rates(), "rows": []}
    with tempfile.TemporaryDirectory() as directory:
        plain, features, vectors, n_labels = write_arrays(Path(directory))
        for row in TARGETS if options.quick else ALL:
            tuned, D, H, sentences = row
            setting = Setting(plain, N_VECTORS, tuned, D, H, sentences, options.threads, n_windows=N_WINDOWS)
            record["rows"].append(measure_row(row, setting, options.turns, Work.of(setting, n_labels)))
            print(
                rows_table(record["rows"][-1:], record["rates"]).splitlines()[-1], file=sys.stderr, flush=True
            )
        record["profile"] = measure_profile(plain, options.threads)
        if options.accuracy:
            setting = Setting(features, vectors, False, 50, 300, 32, options.threads, features=True)
            until = {"input_dropout": 0.2, "epochs": 8, "schedule": "linear", "until": ACCURACY}
            record["accuracy"] = measure_accuracy(replace(setting, **until), options.accuracy)  # type: ignore[arg-type]
    if options.memory:
        record["peak_memory_mb"] = measure_memory(options.threads)
    text = json.dumps(record, indent=1)
    print(f"{tables(record)}\n{text}")
    if options.update_docs:
        RECORD.write_text(text + "\n", encoding="utf-8")
        update_page("training", tables(record))


if __name__ == "__main__":
    main()
