"""Sentences to arrays: each distinct word once, and for every token the numbers of the words around it.

N tokens, K window width, U distinct words, J ids a word has (its vector's, then its features'), G gazetteers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from windowclf.arrays import Ints, spread_apart
from windowclf.text.features import NONE, WordFeatures
from windowclf.text.gazetteer import Gazetteer, Position
from windowclf.text.vocabulary import BOUNDARY, UNKNOWN, Vocabulary

BOUNDARY_ROW = 0  # rows of EncodedText.words that stand for no word of the text
ABSENT_ROW = 1  # a word that is taken away: the unknown vector and no features
_N_RESERVED = 2


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as integers.

    Attributes
    ----------
    words : array (U, J)
        The ids of each distinct word; a word that stands in a phrase of a gazetteer is another than the same
        word elsewhere. Row 0 is the boundary and row 1 the absent word.
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
    gazetteers : sequence of Gazetteer
        Those that the features' configuration names, in its order.
    """

    def __init__(
        self, vocabulary: Vocabulary, features: WordFeatures, gazetteers: Sequence[Gazetteer] = ()
    ) -> None:
        assert len(gazetteers) == len(features.config.gazetteers)
        self.vocabulary = vocabulary
        self.features = features
        self.gazetteers = tuple(gazetteers)

    def encode(self, sentences: Iterable[Sequence[str]]) -> EncodedText:
        """Encode sentences, each a sequence of tokens; a sentence may be empty."""
        rows: dict[str, int] = {}
        tokens: list[int] = []
        lengths: list[int] = []
        for sentence in sentences:
            lengths.append(len(sentence))
            tokens.extend([rows.setdefault(token, len(rows) + _N_RESERVED) for token in sentence])
        encoded = EncodedText(
            self.encode_words(rows), np.array(tokens, dtype=np.int32), np.array(lengths, dtype=np.int64)
        )
        return self._in_context(encoded, [*rows]) if self.gazetteers else encoded

    def encode_words(self, words: Iterable[str]) -> Ints:
        """Return the ids (U, J) of words, after the row of the boundary and that of the absent word.

        They are those of words that stand in no phrase of a gazetteer.
        """
        nothing = [NONE] * self.features.n_columns
        outside = self._rows_outside()
        ids = [[BOUNDARY, *nothing, *outside], [UNKNOWN, *nothing, *outside]]
        ids.extend([self.vocabulary.find(word)[0], *self.features.ids(word), *outside] for word in words)
        return np.array(ids, dtype=np.int32)

    def match(self, tokens: Sequence[str], lengths: Ints) -> Ints:
        """Return the rows (N, G) of the table of gazetteers: where tokens stand in the phrases of each list.

        List g has as many rows as there are positions, in the order of :class:`Position`, after those of the
        lists before it.
        """
        rows = np.empty((len(tokens), len(self.gazetteers)), np.int32)
        for g, outside in enumerate(self._rows_outside()):
            rows[:, g] = outside + self.gazetteers[g].positions(tokens, lengths)
        return rows

    def _rows_outside(self) -> list[int]:
        """Return for each list the row of a token in none of its phrases."""
        return [g * len(Position) + Position.NONE for g in range(len(self.gazetteers))]

    def _in_context(self, encoded: EncodedText, distinct_words: Sequence[str]) -> EncodedText:
        """Give words that stand in phrases rows of their own, after those of all words."""
        tokens = [distinct_words[row - _N_RESERVED] for row in encoded.tokens.tolist()]
        matched = self.match(tokens, encoded.lengths)
        (inside,) = (matched != self._rows_outside()).any(axis=1).nonzero()
        pairs = np.column_stack([encoded.tokens[inside], matched[inside]])
        pairs, which = np.unique(pairs, axis=0, return_inverse=True)
        words = encoded.words[pairs[:, 0]]
        words[:, self.features.columns["gazetteers"]] = pairs[:, 1:]
        numbers = encoded.tokens.copy()
        numbers[inside] = len(encoded.words) + which.reshape(-1)  # numpy 2.0 gives a column
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
