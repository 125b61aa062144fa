"""How fast windowclf tags, against other taggers on the same sentences (UD English EWT, dev and test).

Each tagger is a process of its own and waits while another is measured; they take turns, and a ratio is one
of two turns in a row. A peer whose package is not installed is named as not measured: torch, nltk,
python-crfsuite, spacy. The corpus is in the folder that WINDOWCLF_CORPORA names; MODEL is one of windowclf's,
trained on it (where labels mark spans, spaCy's peer is its "ner").

    python benchmarks/tagging_speed.py runs/upos
    python benchmarks/tagging_speed.py runs/wikigold --corpus wikigold --seconds 0.2
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from threadpoolctl import threadpool_limits

from pages import ROOT, update_page
from serving import describe_machine
from tagging_bench import SCRIPT, raw_line, read_part
from tagging_page import KINDS, tables
from tagging_peers import FORMS, MODULES, OURS, PACKAGES, TORCH
from tagging_profile import profile
from training_speed import machine_rates
from windowclf import WindowTagger

RECORD = ROOT / "docs" / "data" / "tagging.json"
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Setting:
    """What every tagger is given: the model, the parts of the corpus, and how long it is measured."""

    model: str
    train: str
    test: list[str]
    seconds: float


@contextmanager
def started(form: str, setting: Setting) -> Iterator[Callable[..., Any]]:
    """Run a tagger in a process of its own; calling what is yielded asks it a question."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | _ONE_THREAD,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(question: object) -> Any:
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
            if not (answer := stdout.readline()):
                raise SystemExit(f"the tagger {form!r} ended; see above")
            return json.loads(answer)

        ask({"form": form} | asdict(setting))
        yield lambda *question: ask(question)
        stdin.close()


def take_turns(forms: list[str], setting: Setting, repetitions: int) -> dict[str, Any]:
    """Return for each tagger its score, words a second by kind, and memory."""
    with ExitStack() as stack:
        taggers = {form: stack.enter_context(started(form, setting)) for form in forms}
        found: dict[str, Any] = {form: {"score": ask("score"), "rates": {}} for form, ask in taggers.items()}
        for repetition in range(repetitions + 1):
            for kind, n_processes in KINDS:
                for form, ask in taggers.items():
                    rate = round(ask(kind, n_processes))
                    if repetition:  # the first warms up
                        found[form]["rates"].setdefault(f"{kind} {n_processes}", []).append(rate)
        for form, ask in taggers.items():
            found[form]["peak_mb"] = ask("peak")
    return found


def measure(setting: Setting, corpus: str, forms: list[str], repetitions: int) -> dict[str, Any]:
    """Return the record of a model and its peers."""
    stored = WindowTagger.load(setting.model).model
    model = stored.config.model
    sentences = [sentence for part in setting.test for sentence in read_part(setting.model, part)]
    with threadpool_limits(1):
        rates = machine_rates()
    found = take_turns(forms, setting, repetitions)
    return {
        "machine": describe_machine("windowclf", "numpy", *PACKAGES.values()),
        "machine_rates": rates,
        "corpus": corpus,
        "words": sum(map(len, sentences)),
        "learnt": len(read_part(setting.model, setting.train)),
        "repetitions": repetitions,
        "marks_spans": stored.labels.scheme is not None,
        "network": {
            "loss": model.loss,
            "window": model.window,
            "hidden": list(model.hidden),
            "labels": len(stored.labels),
        },
        "taggers": found,
        "not_measured": [form for form in FORMS if form not in found],
        "profile": profile(setting.model, list(map(raw_line, sentences))),
    }


def chosen_forms(model: str, only: list[str] | None) -> list[str]:
    """Return ours and those of the others that are installed, and that can be what the model is."""
    config = WindowTagger.load(model).model.config
    forms = [form for form in only or FORMS if form not in MODULES or find_spec(MODULES[form])]
    if config.model.loss != "softmax" or config.training.ensemble > 1:
        forms = [form for form in forms if form != TORCH]
    return list(dict.fromkeys([OURS, *forms]))


def main() -> None:
    """Measure and print tables and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=str, help="a model or run directory")
    parser.add_argument("--corpus", default="ud-english-ewt", help="with parts train, dev and test")
    parser.add_argument("--repetitions", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each, about (default: 0.5)")
    parser.add_argument("--only", action="append", choices=list(FORMS), help="measure this tagger and ours")
    parser.add_argument("--update-docs", action="store_true", help="write record and tables into docs/")
    options = parser.parse_args()
    parts = [f"{options.corpus}:{part}" for part in ("dev", "test")]
    setting = Setting(options.model, f"{options.corpus}:train", parts, options.seconds)
    forms = chosen_forms(options.model, options.only)
    record = measure(setting, options.corpus, forms, options.repetitions)
    text = json.dumps(record, indent=1)
    print(f"{tables(record)}\n{text}")
    if options.update_docs:
        RECORD.write_text(text + "\n", encoding="utf-8")
        update_page("tagging", tables(record))


if __name__ == "__main__":
    main()
