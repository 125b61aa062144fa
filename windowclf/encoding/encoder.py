"""Sentences to arrays: each distinct word once, and for every token the numbers of the words around it.

N tokens, K window width, U distinct words, G gazetteers, J ids a word has: its vector's, its features', and
last the T of its place in the text, one of each gazetteer and of each column.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from windowclf.arrays import Ints, spread_apart
from windowclf.corpus.label_set import LabelSet
from windowclf.encoding.columns import NO_COLUMNS, NO_WORD, UNKNOWN_VALUE, ColumnValues
from windowclf.encoding.entity_lists import OwnEntities, is_entity_list, leave_out_own, own_entities
from windowclf.encoding.gazetteer import NO_GAZETTEERS, Gazetteers
from windowclf.encoding.phrase_trie import Position
from windowclf.encoding.vocabulary import BOUNDARY, UNKNOWN, Vocabulary
from windowclf.encoding.word_features import NONE, WordFeatures

BOUNDARY_ROW = 0  # rows of EncodedText.words that stand for no word of the text
ABSENT_ROW = 1  # a word that is taken away: the unknown vector and no features
_N_RESERVED = 2


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as integers.

    Attributes
    ----------
    words : array (U, J)
        The ids of each distinct word; a word that stands in a phrase of a gazetteer, or whose place a column
        tells of, is another than the same word elsewhere. Row 0 is the boundary, row 1 the absent word.
    tokens : array (N,)
        For every token its row in `words`, all sentences in a row.
    lengths : array (S,)
        Tokens of each sentence; they sum to N.
    """

    words: Ints
    tokens: Ints
    lengths: Ints


class Encoder:
    """Turns tokens into :class:`EncodedText`; a word becomes ids once, however often it occurs.

    Parameters
    ----------
    vocabulary : Vocabulary
    features : WordFeatures
    gazetteers : Gazetteers
        Those that the features' configuration names, in its order.
    columns : ColumnValues
        Of the columns that it names.

    Attributes
    ----------
    place_ranges : list of range
        The ids that each of the T can be but for `elsewhere`.
    elsewhere : array (T,)
        The last ids of a word of whose place nothing is known: in no phrase, unknown to all columns.
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
        of_lists = [range(first, first + len(Position)) for first in firsts]
        self.place_ranges = [*of_lists, *columns.ranges]
        outside = [first + Position.NONE for first in firsts]
        self._first_rows = np.array(firsts, np.int32)  # of each list in the table of all
        self.elsewhere = np.array([*outside, *[UNKNOWN_VALUE] * len(columns.values)], np.int32)
        self._beyond = [*outside, *[NO_WORD] * len(columns.values)]  # a sentence's ends

    def encode(
        self, sentences: Sequence[Sequence[str]], own: Sequence[OwnEntities] | None = None
    ) -> EncodedText:
        """Encode sentences, each a sequence of tokens; a sentence may be empty.

        Parameters
        ----------
        sentences : sequence of sequence of str
        own : sequence (S,) of OwnEntities, optional
            Of training data: what must not be found in each, though lists of entities hold it.

        Raises
        ------
        DataError
            If a sentence lacks a column.
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
        return self._in_place(encoded, sentences, own) if len(self.elsewhere) else encoded

    def encode_words(self, words: Iterable[str]) -> Ints:
        """Return the ids (U, J) of words, after the row of the boundary and that of the absent word.

        They are those of words of whose place nothing is known.
        """
        nothing = [NONE] * self.features.n_columns
        elsewhere = self.elsewhere.tolist()
        ids = [[BOUNDARY, *nothing, *self._beyond], [UNKNOWN, *nothing, *elsewhere]]
        ids.extend([self.vocabulary.find(word)[0], *self.features.ids(word), *elsewhere] for word in words)
        return np.array(ids, dtype=np.int32)

    def own_entities(
        self,
        sentences: Sequence[Sequence[str]],
        labels: Sequence[Sequence[str]],
        label_set: LabelSet,
    ) -> list[OwnEntities] | None:
        """Return what must not be found in each sentence (S,) of training data; None where no list holds it.

        The labels, those of `label_set`, mark spans if there is such a list.
        """
        if not any(map(is_entity_list, self.features.config.gazetteers)):
            return None
        return own_entities(sentences, labels, label_set, case=self.gazetteers.case)

    def place_ids(
        self,
        sentences: Sequence[Sequence[str]],
        tokens: Sequence[str],
        lengths: Ints,
        own: Sequence[OwnEntities] | None = None,
    ) -> Ints:
        """Return the last ids (N, T) of every token: what gazetteers and columns say of its place.

        Parameters
        ----------
        sentences : sequence of sequence of str
        tokens, lengths : sequence of str, array (S,)
            Their tokens in a row, and how many each has.
        own : sequence (S,) of OwnEntities, optional
            As of `encode`.

        Raises
        ------
        DataError
            If a sentence lacks a column.
        """
        positions = self.gazetteers.positions(tokens, lengths)
        if own is not None:
            leave_out_own(positions, self.features.config.gazetteers, self.gazetteers, sentences, own)
        return np.hstack([positions + self._first_rows, self.columns.rows(sentences)])

    def match(self, tokens: Sequence[str], lengths: Ints) -> Ints:
        """Return the rows (N, G) of the table of gazetteers: where tokens stand in the phrases of each list.

        List g has as many rows as there are positions, in the order of :class:`Position`, after those of the
        lists before it.
        """
        return self.gazetteers.positions(tokens, lengths) + self._first_rows

    def _in_place(
        self, encoded: EncodedText, sentences: Sequence[Sequence[str]], own: Sequence[OwnEntities] | None
    ) -> EncodedText:
        """Give words of whose place something is known rows of their own, after those of all words."""
        ids = self.place_ids(sentences, [*chain.from_iterable(sentences)], encoded.lengths, own)
        (known,) = (ids != self.elsewhere).any(axis=1).nonzero()
        firsts, which = _distinct_rows(np.column_stack([encoded.tokens[known], ids[known]]))
        words = encoded.words[encoded.tokens[known[firsts]]]
        words[:, -len(self.elsewhere) :] = ids[known[firsts]]
        numbers = encoded.tokens.copy()
        numbers[known] = len(encoded.words) + which
        return EncodedText(np.concatenate([encoded.words, words]), numbers, encoded.lengths)


def windows(tokens: Ints, lengths: Ints, width: int) -> Ints:
    """Return the window around every token, padded at sentence ends with BOUNDARY_ROW.

    Parameters
    ----------
    tokens : array (N,)
        Rows of words, all sentences in a row.
    lengths : array (S,)
        Tokens of each sentence.
    width : int
        K, odd.

    Returns
    -------
    array (N, K)
        The middle column is `tokens`; no window crosses the end of its sentence.
    """
    half = width // 2
    # one run of `half` boundaries before each sentence and after the last keeps sentences apart
    places, size = spread_apart(lengths, half)
    padded = np.full(size, BOUNDARY_ROW, dtype=tokens.dtype)
    padded[places] = tokens
    result: Ints = padded[places[:, None] + np.arange(-half, half + 1)]
    return result


def _distinct_rows(rows: Ints) -> tuple[Ints, Ints]:
    """Return where each distinct row (J,) comes first, and for each row which it is of these (N,).

    A column after the other: numpy's own way, to sort the rows, takes several times as long.
    """
    which, firsts = np.zeros(len(rows), np.int64), np.zeros(0, np.int64)
    for column in rows.T:
        keys = which * (int(column.max(initial=0)) + 1) + column
        _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
    return firsts, which


def distinct(word_rows: Ints, n_words: int) -> tuple[Ints, Ints]:
    """Return the distinct values of `word_rows`, ascending, and the place of each value among them.

    Counts marks over all `n_words` instead of sorting: linear in both sizes.
    """
    present = np.zeros(n_words, dtype=bool)
    present[word_rows] = True
    values = np.flatnonzero(present)
    place = np.empty(n_words, dtype=np.int32)
    place[values] = np.arange(len(values), dtype=np.int32)
    return values, place[word_rows]
