"""Sentences to arrays: each distinct word once, and for every token the numbers of the words around it.

N tokens, S sentences, K window width, U distinct words, G gazetteers, J ids a word: the id of its vector,
those of its features and, last, the T ids of its context, one of each gazetteer and each column.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from windowclf.arrays import Ints, spread_apart
from windowclf.corpus import LabelSet
from windowclf.encoding.columns import N_RESERVED_ROWS, NO_COLUMNS, NO_WORD, UNKNOWN_VALUE, ColumnValues
from windowclf.encoding.entity_lists import OwnEntities, is_entity_list, own_entities, phrases_left_out
from windowclf.encoding.gazetteer import NO_GAZETTEERS, Gazetteers
from windowclf.encoding.phrase_trie import Position, positions_of
from windowclf.encoding.vocabulary import BOUNDARY, UNKNOWN, Vocabulary
from windowclf.encoding.word_features import NONE, WordFeatures

BOUNDARY_ROW = 0  # reserved rows of EncodedText.words: the boundary of a sentence
ABSENT_ROW = 1  # and a removed word, which has the unknown vector and no features
_N_RESERVED = 2


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as integers.

    Attributes
    ----------
    words : array (U, J)
        The ids of each distinct word. A word that a gazetteer or a column says something about in its context
        has a row of its own. Row 0 is the boundary, row 1 the absent word.
    tokens : array (N,)
        The row in `words` of every token, all sentences in a row.
    lengths : array (S,)
        Tokens of each sentence; they sum to N.
    """

    words: Ints
    tokens: Ints
    lengths: Ints


class Encoder:
    """Turns tokens into :class:`EncodedText`; a word is looked up once, however often it occurs.

    Gazetteers and columns are those that the features' configuration names, in its order.

    Attributes
    ----------
    place_ranges : list of range
        For each of the T context ids, its values other than `elsewhere`.
    elsewhere : array (T,)
        The context ids of a word in no phrase, with values unknown to all columns.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        features: WordFeatures,
        gazetteers: Gazetteers = NO_GAZETTEERS,
        columns: ColumnValues = NO_COLUMNS,
    ) -> None:
        assert len(gazetteers) == len(features.config.gazetteers)
        assert tuple(columns.values) == features.config.columns
        self.vocabulary = vocabulary
        self.features = features
        self.gazetteers = gazetteers
        self.columns = columns
        firsts = [g * len(Position) for g in range(len(gazetteers))]
        outside = [first + Position.NONE for first in firsts]
        self.place_ranges = [*(range(first, first + len(Position)) for first in firsts), *columns.ranges]
        self.elsewhere = np.array([*outside, *[UNKNOWN_VALUE] * len(columns.values)], np.int32)
        self._first_rows = np.array(firsts, np.int32)  # of each list in the table of all
        self._boundary = [*outside, *[NO_WORD] * len(columns.values)]

    def encode(
        self, sentences: Sequence[Sequence[str]], own: Sequence[OwnEntities] | None = None
    ) -> EncodedText:
        """Encode sentences, each a sequence of tokens, which may be empty.

        `own` (S,), of training data, are the entities that entity lists must not match in each sentence. It
        raises a DataError if a sentence lacks a column.
        """
        rows: dict[str, int] = {}
        tokens: list[int] = []
        lengths: list[int] = []
        for sentence in sentences:
            lengths.append(len(sentence))
            tokens.extend([rows.setdefault(token, len(rows) + _N_RESERVED) for token in sentence])
        encoded = EncodedText(
            self.encode_words(rows), np.array(tokens, dtype=np.int32), np.array(lengths, dtype=np.int64)
        )
        return self._in_context(encoded, sentences, own) if len(self.elsewhere) else encoded

    def encode_words(self, words: Collection[str]) -> Ints:
        """Return the ids (U, J) of words, after the rows of the boundary and the absent word.

        The context ids are `elsewhere`.
        """
        nothing = [NONE] * self.features.n_columns
        elsewhere = self.elsewhere.tolist()
        ids = [[BOUNDARY, *nothing, *self._boundary], [UNKNOWN, *nothing, *elsewhere]]
        found = self.vocabulary.find_all(words)
        ids.extend(
            [id_, *self.features.ids(word), *elsewhere] for word, (id_, _) in zip(words, found, strict=True)
        )
        return np.array(ids, dtype=np.int32)

    def own_entities(
        self,
        sentences: Sequence[Sequence[str]],
        labels: Sequence[Sequence[str]],
        label_set: LabelSet,
    ) -> list[OwnEntities] | None:
        """Return what must not be matched in each sentence (S,) of training data; None without entity lists.

        With such a list, the labels must mark spans.
        """
        if not any(map(is_entity_list, self.features.config.gazetteers)):
            return None
        return own_entities(sentences, labels, label_set, case=self.gazetteers.case)

    def match(self, tokens: Sequence[str], lengths: Ints, own: Sequence[OwnEntities] | None = None) -> Ints:
        """Return the position of each token in the phrases of each list, as rows of a table (N, G).

        `tokens` are those of all sentences in a row, `lengths` (S,) their numbers; `own` as in `encode`. In
        the table, each list has a row for each :class:`Position`, after the rows of the lists before it.
        """
        without = None if own is None else phrases_left_out(self.features.config.gazetteers, own)
        return self.gazetteers.positions(tokens, lengths, without) + self._first_rows

    def context_rows(self, sentence: Sequence[str]) -> list[tuple[int, int]]:
        """Return, sorted, each token of a sentence that has a context id other than `elsewhere`, and that id.

        The id is given as a row of a table with a row for each id in `place_ranges`. Errors: as `encode`.
        """
        n_positions = len(Position)
        rows = [
            (i, g * n_positions + position)
            for g, begin, end in self.gazetteers.matches(sentence)
            for i, position in enumerate(positions_of(end - begin), begin)
        ]
        if self.columns.values:
            first = len(self.gazetteers) * n_positions - N_RESERVED_ROWS
            for ids in self.columns.rows([sentence]).T.tolist():
                rows += [(i, first + id_) for i, id_ in enumerate(ids) if id_ != UNKNOWN_VALUE]
        return sorted(rows)

    def _in_context(
        self, encoded: EncodedText, sentences: Sequence[Sequence[str]], own: Sequence[OwnEntities] | None
    ) -> EncodedText:
        """Give words with context ids other than `elsewhere` rows of their own, after those of all words."""
        positions = self.match([*chain.from_iterable(sentences)], encoded.lengths, own)
        ids = np.hstack([positions, self.columns.rows(sentences)])  # (N, T)
        (known,) = (ids != self.elsewhere).any(axis=1).nonzero()
        firsts, which = _distinct_rows(np.column_stack([encoded.tokens[known], ids[known]]))
        words = encoded.words[encoded.tokens[known[firsts]]]
        words[:, -len(self.elsewhere) :] = ids[known[firsts]]
        tokens = encoded.tokens.copy()
        tokens[known] = len(encoded.words) + which
        return EncodedText(np.concatenate([encoded.words, words]), tokens, encoded.lengths)


def windows(tokens: Ints, lengths: Ints, width: int) -> Ints:
    """Return the window (N, K) around every token, padded at sentence ends with BOUNDARY_ROW.

    `tokens` (N,), rows of words of all sentences, are the middle column. No window crosses the end of its
    sentence; `lengths` (S,) are the tokens of each. The width K is odd.
    """
    half = width // 2
    # a run of `half` boundaries before each sentence and after the last keeps sentences apart
    positions, size = spread_apart(lengths, half)
    padded = np.full(size, BOUNDARY_ROW, dtype=tokens.dtype)
    padded[positions] = tokens
    result: Ints = padded[positions[:, None] + np.arange(-half, half + 1)]
    return result


def _distinct_rows(rows: Ints) -> tuple[Ints, Ints]:
    """Return where each distinct row (J,) first occurs, and for each row its number among these (N,).

    One column after the other: np.unique with an axis, which sorts whole rows, takes several times as long.
    """
    which, firsts = np.zeros(len(rows), np.int64), np.zeros(0, np.int64)
    for column in rows.T:
        keys = which * (int(column.max(initial=0)) + 1) + column
        _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
    return firsts, which


def distinct(word_rows: Ints, n_words: int) -> tuple[Ints, Ints]:
    """Return the distinct values of `word_rows`, ascending, and the number of each value among them.

    Marks all `n_words` instead of sorting: linear in both sizes.
    """
    present = np.zeros(n_words, dtype=bool)
    present[word_rows] = True
    values = np.flatnonzero(present)
    numbers = np.empty(n_words, dtype=np.int32)
    numbers[values] = np.arange(len(values), dtype=np.int32)
    return values, numbers[word_rows]
