"""Look inside a decision, a network, a training, a corpus."""

from windowclf.inspection.corpus_check import Finding, check_corpus
from windowclf.inspection.corpus_statistics import Statistics, corpus_statistics
from windowclf.inspection.drift import (
    DRIFT_COLUMNS,
    N_NEIGHBOURS,
    Drift,
    Surroundings,
    WordDrift,
    describe_drift,
    drift_row,
    find_stranded,
)
from windowclf.inspection.graph import WindowGraph, find_word, render_graph, window_graph
from windowclf.inspection.inventory import describe_vectors, list_corpora, vectors_of_model
from windowclf.inspection.movement import Movement, row_of, trace_movement
from windowclf.inspection.network_check import check_network
from windowclf.inspection.network_data import Verdict
from windowclf.inspection.replacing import MOST_PLACES, Replacements, pair_stranded, replace_words
from windowclf.inspection.shapley import Explanation, explain

__all__ = [
    "DRIFT_COLUMNS",
    "MOST_PLACES",
    "N_NEIGHBOURS",
    "Drift",
    "Explanation",
    "Finding",
    "Movement",
    "Replacements",
    "Statistics",
    "Surroundings",
    "Verdict",
    "WindowGraph",
    "WordDrift",
    "check_corpus",
    "check_network",
    "corpus_statistics",
    "describe_drift",
    "describe_vectors",
    "drift_row",
    "explain",
    "find_stranded",
    "find_word",
    "list_corpora",
    "pair_stranded",
    "render_graph",
    "replace_words",
    "row_of",
    "trace_movement",
    "vectors_of_model",
    "window_graph",
]
