"""Where the time of tagging goes: the parts from raw text to labelled columns, with one thread."""

from collections.abc import Sequence
from time import perf_counter

from threadpoolctl import threadpool_limits

import windowclf.model.viterbi
import windowclf.streaming.tag
from clocks import Part, clocks, shares
from windowclf import WindowTagger
from windowclf.corpus import Block, ReadOptions
from windowclf.model import CompiledScorer
from windowclf.streaming import BlockTagger

GATHER, OUTPUT, REST = "gathering rows of the table", "activation and output layer", "all else"
PARTS: list[Part] = [
    (windowclf.streaming.tag, "read_chunk", "finding tokens and sentences"),
    (CompiledScorer, "_look_up", "looking up words and phrases"),
    (CompiledScorer, "_blocks_of_strangers", "computing words that have no row"),
    (CompiledScorer, "_gather", GATHER),
    (CompiledScorer, "_scores_of_all", "adding up rows"),
    (CompiledScorer, "_finish", OUTPUT),
    (windowclf.model.viterbi, "best_labels", "choosing labels"),
    (BlockTagger, "_formatted", "writing"),
]


def profile(model: str, lines: Sequence[str], passes: int = 5) -> dict[str, float]:
    """Return the seconds a word that each part takes, and the rest, once all tables are filled."""
    block_tagger = BlockTagger(WindowTagger.load(model).compile(), "conll")
    content = "".join(f"{line}\n" for line in lines).encode()
    item = Block(content, "text"), ReadOptions(format="text", labelled=False)
    with threadpool_limits(1):
        n_words = block_tagger(item).n_words
        with clocks(PARTS) as spent:
            began = perf_counter()
            for _ in range(passes):
                block_tagger(item)
            seconds = perf_counter() - began
    found = shares(spent, PARTS, seconds, REST)
    return {title: spent_there / (passes * n_words) for title, spent_there in found.items()}
