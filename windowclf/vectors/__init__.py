"""Pretrained word vectors: find, read, join, cache, choose."""

from windowclf.vectors.convert import convert_vectors
from windowclf.vectors.known import VectorsStatus, list_vectors
from windowclf.vectors.neighbours import nearest_rows, unit_rows
from windowclf.vectors.selection import choose_vectors, is_random, open_vectors, take_vectors
from windowclf.vectors.sources import SMALL_GLOVE
from windowclf.vectors.table import Table, check_table, write_table
from windowclf.vectors.word_vectors import RANDOM_PREFIX, WordVectors, load_vectors

__all__ = [
    "RANDOM_PREFIX",
    "SMALL_GLOVE",
    "Table",
    "VectorsStatus",
    "WordVectors",
    "check_table",
    "choose_vectors",
    "convert_vectors",
    "is_random",
    "list_vectors",
    "load_vectors",
    "nearest_rows",
    "open_vectors",
    "take_vectors",
    "unit_rows",
    "write_table",
]
