"""How time and memory grow with the corpus, the vocabulary, the window and the labels.

    WINDOWCLF_CORPORA=… python benchmarks/growth.py --quick
    WINDOWCLF_CORPORA=… python benchmarks/growth.py --update-docs

Text has the word frequencies of UD English EWT and brings new words as it goes on (growth_inputs.py). Every
point is measured in a process of its own (growth_point.py), which trains for one epoch or tags, with one
thread; the repetitions go round all points. --update-docs writes docs/data/growth.json, its plot
beside it and the tables of docs/performance.md, of what --over leaves out as it was; --draw does so without
measuring.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from growth_inputs import WordSource, word_source, write_corpus, write_text, write_vectors
from growth_page import OVER, draw, tables
from pages import ROOT, update_page
from serving import describe_machine

RECORD, PLOT = ROOT / "docs" / "data" / "growth.json", ROOT / "docs" / "data" / "growth.svg"
POINT = Path(__file__).with_name("growth_point.py")
CORPUS = "ud-english-ewt:train"
DIMENSION = 50
FEWEST_SPAN_LABELS = 5  # of one kind of span in IOBES


@dataclass(frozen=True)
class Base:
    """What a point has that is not varied: words of the corpus, vectors, window, labels."""

    corpus: int = 100_000
    vocabulary: int = 20_000
    window: int = 5
    labels: int = 17


@dataclass(frozen=True)
class Sizes:
    """The values that are gone through; words that are tagged where something else is varied."""

    base: Base
    trained: tuple[int, ...]
    tagged: tuple[int, ...]
    vocabulary: tuple[int, ...]
    window: tuple[int, ...] = (3, 5, 7, 9, 11)
    labels: tuple[int, ...] = (2, 5, 10, 20, 50, 100, 200)
    tagged_words: int = 300_000


FULL = Sizes(
    Base(),
    trained=(1_000, 10_000, 100_000, 1_000_000),
    tagged=(1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    vocabulary=(10_000, 30_000, 100_000, 200_000, 400_000),
)
QUICK = Sizes(
    Base(corpus=5_000, vocabulary=5_000),
    trained=(1_000, 10_000),
    tagged=(1_000, 10_000, 100_000),
    vocabulary=(10_000, 30_000),
    window=(3, 7),
    labels=(2, 10, 50),
    tagged_words=10_000,
)


@dataclass
class Series:
    """One quantity that grows: the values of what is varied, and of each the runs.

    Attributes
    ----------
    task, over : str
        What is done, and what is varied: a field of Base.
    runs : dict of int to list
        Seconds and megabytes of each run, by value.
    """

    task: str
    over: str
    runs: dict[int, list[dict[str, float]]] = field(default_factory=dict)


class Workshop:
    """Makes what points need, once each, in a directory.

    Parameters
    ----------
    directory : Path
        Temporary.
    source : WordSource
    """

    def __init__(self, directory: Path, source: WordSource) -> None:
        self.directory = directory
        self.source = source

    def text(self, n: int) -> str:
        """Return a file of n words without labels."""
        path = self.directory / f"text-{n}"
        if not path.exists():
            write_text(path, self.source.draw(n, seed=1))
        return str(path)

    def training(self, base: Base, *, spans: bool = False) -> dict[str, Any]:
        """Return the task that trains a model."""
        kind = "spans" if spans else "classes"
        corpus = self.directory / f"corpus-{base.corpus}-{base.labels}-{kind}"
        vectors = self.directory / f"vectors-{base.vocabulary}"
        if not corpus.exists():
            write_corpus(corpus, self.source.draw(base.corpus, seed=0), base.labels, spans=spans)
        if not vectors.exists():
            write_vectors(vectors, base.vocabulary, DIMENSION, self.source.words)
        name = "-".join(map(str, ("model", *asdict(base).values(), kind)))
        return {
            "kind": "train",
            "corpus": str(corpus),
            "vectors": str(vectors),
            "window": base.window,
            "model": str(self.directory / name),
        }

    def model(self, base: Base, *, spans: bool = False) -> str:
        """Return a trained model; training points leave theirs here."""
        task = self.training(base, spans=spans)
        if not Path(task["model"]).exists():
            measure(task)
        return str(task["model"])


def measure(task: dict[str, Any]) -> dict[str, float]:
    """Run a point in a process of its own."""
    command = [sys.executable, str(POINT), json.dumps(task)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


Points = list[tuple[Series, int, dict[str, Any]]]  # of which series, at which value, and the task


def points(sizes: Sizes, shop: Workshop, over: str) -> Points:
    """Return the points that vary one field of Base."""
    values: tuple[int, ...] = sizes.trained if over == "corpus" else getattr(sizes, over)

    def changed(value: int) -> Base:
        return replace(sizes.base, **{over: value})

    def tagging(model: str, n_words: int) -> dict[str, Any]:
        return {"kind": "tag", "model": model, "text": shop.text(n_words)}

    tasks = {"training": {n: shop.training(changed(n)) for n in values}}
    if over == "corpus":
        model = shop.model(sizes.base)
        tasks["tagging"] = {n: tagging(model, n) for n in sizes.tagged}
    else:
        models = {n: shop.model(changed(n)) for n in values}
        tasks["tagging"] = {n: tagging(models[n], sizes.tagged_words) for n in values}
    if over == "vocabulary":
        tasks["first label"] = {n: {"kind": "first label", "model": models[n]} for n in values}
    if over == "labels":
        spans = {n: shop.model(changed(n), spans=True) for n in values if n >= FEWEST_SPAN_LABELS}
        tasks["tagging spans"] = {n: tagging(spans[n], sizes.tagged_words) for n in spans}
    found: Points = []
    for task, at in tasks.items():
        series = Series(task, over)
        found.extend((series, value, what) for value, what in at.items())
    return found


def run(sizes: Sizes, overs: Sequence[str], repeats: int) -> dict[str, Any]:
    """Measure and return the record."""
    with tempfile.TemporaryDirectory() as directory:
        shop = Workshop(Path(directory), word_source(CORPUS))
        todo = [point for over in overs for point in points(sizes, shop, over)]
        for turn in range(repeats):
            for series, value, task in todo:
                result = {name: round(number, 4) for name, number in measure(task).items()}
                series.runs.setdefault(value, []).append(result)
                print(turn + 1, series.task, series.over, value, result, file=sys.stderr, flush=True)
        record = {
            "machine": describe_machine("windowclf", "numpy"),
            "corpus": CORPUS,
            "share_of_new_words": round(shop.source.p_new, 4),
            "base": asdict(sizes.base) | {"tagged_words": sizes.tagged_words, "dimension": DIMENSION},
            "series": [asdict(series) for series in {id(series): series for series, _, _ in todo}.values()],
        }
    result_as_read: dict[str, Any] = json.loads(json.dumps(record))  # where keys are strings
    return result_as_read


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the new record with those series of the old one that it did not measure."""
    measured = {series["over"] for series in new["series"]}
    kept = [series for series in old["series"] if series["over"] not in measured]
    return new | {"series": [*new["series"], *kept]}


def main() -> None:
    """Measure, print tables and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all of it works")
    parser.add_argument("--repeats", type=int, default=3, help="of each point (default: 3)")
    parser.add_argument(
        "--over", nargs="+", choices=list(OVER), default=list(OVER), help="what is varied (default: all)"
    )
    parser.add_argument("--json", type=Path, help="write the record here")
    parser.add_argument("--draw", action="store_true", help="do not measure: take docs/data/growth.json")
    parser.add_argument("--update-docs", action="store_true", help="write record, plot and tables into docs/")
    options = parser.parse_args()
    if options.draw:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
    else:
        record = run(QUICK if options.quick else FULL, options.over, options.repeats)
        if options.update_docs and set(options.over) != set(OVER):
            record = merged(json.loads(RECORD.read_text(encoding="utf-8")), record)
    text = json.dumps(record, indent=1)
    print(text)
    print(tables(record))
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    if options.draw or options.update_docs:
        RECORD.write_text(text + "\n", encoding="utf-8")
        draw(record, PLOT)
        update_page("growth", tables(record))


if __name__ == "__main__":
    main()
