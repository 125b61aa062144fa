"""What windowclf gains from text without labels: from its own labels where it is sure of them.

A network labels sentences of other corpora, whose own labels are not looked at. Those sentences in which
every label is at least so probable are put beside the training data, and a network is trained on both. A
third learns from the first one's probabilities on both, sure or not. Scores are of dev, paired by seed. The
corpora are in the folder that WINDOWCLF_CORPORA names.

    python benchmarks/self_training.py --corpora wikigold --seeds 1
    python benchmarks/self_training.py --update-docs
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from accuracy_cell import read_part
from accuracy_peers import Labelled
from accuracy_tasks import CORPORA, SCORES, assignments, configurations, new_parser, parsed, rows_of
from results_page import self_training_table, update_results
from serving import describe_machine
from windowclf import Config, WindowTagger
from windowclf.arrays import Ints
from windowclf.evaluation import sentence_counts

PLAIN, SURE, SOFT = "labelled sentences alone", "with sentences it is sure of", "with its probabilities"


def unlabelled(corpus: str, n_sentences: int) -> list[Sequence[str]]:
    """Return sentences of the other corpora, as many of each as there are."""
    others = [read_part(f"{other}:train").tokens for other in CORPORA if other != corpus]
    return [sentence for other in others for sentence in other[: n_sentences // len(others)]]


def sure(tagger: WindowTagger, sentences: Sequence[Sequence[str]], least: float) -> Labelled:
    """Return the sentences in which every label is at least so probable; of spans, those that have one."""
    tokens: list[Sequence[str]] = []
    labels: list[Sequence[str]] = []
    has_spans = tagger.model.labels.scheme is not None
    for sentence, tagged in zip(sentences, tagger.tag(sentences), strict=True):
        if min(tagged.probabilities) >= least and (tagged.spans or not has_spans):
            tokens.append(sentence)
            labels.append(tagged.labels)
    return Labelled(tokens, labels)


def together(first: Labelled, second: Labelled) -> Labelled:
    """Return the sentences of both."""
    return Labelled([*first.tokens, *second.tokens], [*first.labels, *second.labels])


def runs_of_seed(
    config: Config, seed: int, train: Labelled, dev: Labelled, more: list[Sequence[str]], least: float
) -> tuple[dict[str, Ints], int]:
    """Return what is right in each dev sentence, and how many sentences were added."""
    first = WindowTagger(config, seed=seed).fit(*train, dev=dev)
    added = sure(first, more, least)
    second = WindowTagger(config, seed=seed).fit(*together(train, added), dev=dev)
    guessed = Labelled(more, first.predict(more))
    third = WindowTagger(config, seed=seed).fit(*together(train, guessed), dev=dev, teacher=first)
    taggers = {PLAIN: first, SURE: second, SOFT: third}
    is_span = first.model.labels.scheme is not None
    counts = {
        title: sentence_counts(dev.labels, tagger.predict(dev.tokens), span_labels=is_span)
        for title, tagger in taggers.items()
    }
    return counts, len(added.tokens)


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
        train, dev = read_part(f"{corpus}:train"), read_part(f"{corpus}:dev")
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
            "rows": rows_of(runs),
        }
        print(json.dumps({corpus: record[corpus]}), flush=True)
    print(self_training_table(record))
    if options.update_docs:
        update_results("self-training", record)


if __name__ == "__main__":
    main()
