"""Words to integers: vocabulary, spelling features, gazetteers, windows."""

from windowclf.encoding.columns import (
    N_RESERVED_ROWS,
    NO_COLUMNS,
    UNKNOWN_VALUE,
    ColumnValues,
    check_columns,
    column_of,
)
from windowclf.encoding.encoder import ABSENT_ROW, BOUNDARY_ROW, EncodedText, Encoder, distinct, windows
from windowclf.encoding.entity_lists import OwnEntities, is_entity_list, read_lists
from windowclf.encoding.gazetteer import Gazetteer, Gazetteers
from windowclf.encoding.phrase_trie import Position
from windowclf.encoding.vocabulary import (
    BOUNDARY,
    N_SPECIAL,
    UNKNOWN,
    Match,
    Vocabulary,
    check_words,
    choose_words,
    count_movable,
    count_rows,
    count_tuned,
    count_words,
    coverage,
    describe_coverage,
    fold_digits,
)
from windowclf.encoding.word_features import NONE, Case, WordFeatures
from windowclf.encoding.word_index import WordLines

__all__ = [
    "ABSENT_ROW",
    "BOUNDARY",
    "BOUNDARY_ROW",
    "NONE",
    "NO_COLUMNS",
    "N_RESERVED_ROWS",
    "N_SPECIAL",
    "UNKNOWN",
    "UNKNOWN_VALUE",
    "Case",
    "ColumnValues",
    "EncodedText",
    "Encoder",
    "Gazetteer",
    "Gazetteers",
    "Match",
    "OwnEntities",
    "Position",
    "Vocabulary",
    "WordFeatures",
    "WordLines",
    "check_columns",
    "check_words",
    "choose_words",
    "column_of",
    "count_movable",
    "count_rows",
    "count_tuned",
    "count_words",
    "coverage",
    "describe_coverage",
    "distinct",
    "fold_digits",
    "is_entity_list",
    "read_lists",
    "windows",
]
