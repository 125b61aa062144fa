"""What windowclf gains from text without labels: from its own labels where it is sure of them.

A network labels sentences of other corpora, whose own labels are not looked at. Those sentences in which
every label is at least so probable are put beside the training data, and a network is trained on both. A
third learns from the first one's probabilities on both, sure or not. Scores are of dev, paired by seed. The
corpora are in the folder that WINDOWCLF_CORPORA names.

    python tests/benchmarks/self_training.py --corpora wikigold --seeds 1
    python tests/benchmarks/self_training.py --update-docs
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from accuracy_tasks import CORPORA, SCORES, assignments, configurations, new_parser, parsed
from results_page import self_training_table, update_results
from serving import describe_machine

from windowclf import Config, WindowTagger
from windowclf.arrays import Ints
from windowclf.runs import columns
from windowclf.significance import compare, score_of, sentence_counts
from windowclf.text.corpora import options_of, read_labelled

Labelled = tuple[list[Sequence[str]], list[tuple[str, ...]]]
PLAIN, SURE, SOFT = "labelled sentences alone", "with sentences it is sure of", "with its probabilities"


def read(name: str) -> Labelled:
    """Return the sentences and labels of a part of a corpus."""
    return columns([s for s in read_labelled(name, options_of(Config().data)) if s.tokens])


def unlabelled(corpus: str, n_sentences: int) -> list[Sequence[str]]:
    """Return sentences of the other corpora, as many of each as there are."""
    others = [read(f"{other}:train")[0] for other in CORPORA if other != corpus]
    return [sentence for other in others for sentence in other[: n_sentences // len(others)]]


def sure(tagger: WindowTagger, sentences: Sequence[Sequence[str]], least: float) -> Labelled:
    """Return the sentences in which every label is at least so probable; of spans, those that have one."""
    kept: Labelled = ([], [])
    has_spans = tagger.stored.labels.scheme is not None
    for sentence, tagged in zip(sentences, tagger.tag(sentences), strict=True):
        if min(tagged.probabilities) >= least and (tagged.spans or not has_spans):
            kept[0].append(sentence)
            kept[1].append(tuple(tagged.labels))
    return kept


def runs_of_seed(
    config: Config, seed: int, train: Labelled, dev: Labelled, more: list[Sequence[str]], least: float
) -> tuple[dict[str, Ints], int]:
    """Return what is right in each dev sentence, and how many sentences were added."""
    first = WindowTagger(config, seed=seed).fit(*train, dev=dev)
    added = sure(first, more, least)
    second = WindowTagger(config, seed=seed).fit(train[0] + added[0], train[1] + added[1], dev=dev)
    guessed = [tuple(labels) for labels in first.predict(more)]
    third = WindowTagger(config, seed=seed)
    third.fit(train[0] + more, train[1] + guessed, dev=dev, teacher=first)
    taggers = {PLAIN: first, SURE: second, SOFT: third}
    is_span = first.stored.labels.scheme is not None
    counts = {
        title: sentence_counts(dev[1], tagger.predict(dev[0]), span_labels=is_span)
        for title, tagger in taggers.items()
    }
    return counts, len(added[0])


def main() -> None:
    """Measure; print the table and JSON."""
    parser = new_parser(__doc__, seeds=3)
    parser.add_argument("--sentences", type=int, default=6000, help="without labels (default: 6,000)")
    parser.add_argument(
        "--least", type=float, default=0.9, help="probability of every label of a sentence (default: 0.9)"
    )
    options = parsed(parser)
    record: dict[str, Any] = {}
    for corpus in options.corpora:
        [config] = configurations(corpus, options).values()
        train, dev = read(f"{corpus}:train"), read(f"{corpus}:dev")
        more = unlabelled(corpus, options.sentences)
        done = [runs_of_seed(config, seed, train, dev, more, options.least) for seed in range(options.seeds)]
        runs = {title: [counts[title] for counts, _ in done] for title in (PLAIN, SURE, SOFT)}
        record[corpus] = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": describe_machine("windowclf", "numpy"),
            "score": f"{SCORES[corpus]} on dev",
            "sentences": len(more),
            "least": options.least,
            "settings": assignments(config),
            "added": [n for _, n in done],
            "rows": [
                {
                    "title": title,
                    "scores": [round(float(score_of(run.sum(axis=0))), 6) for run in found],
                    "p": None if title == PLAIN else compare(runs[PLAIN], found).p_value,
                }
                for title, found in runs.items()
            ],
        }
        print(json.dumps({corpus: record[corpus]}), flush=True)
    print(self_training_table(record))
    if options.update_docs:
        update_results("self-training", record)


if __name__ == "__main__":
    main()
