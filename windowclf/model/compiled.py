"""A model with its first layer folded into a table: a window is K look-ups and a sum.

    z = Σ_k x(w_k) W_k + b

is a sum over the places of the window, so the K blocks x(w) W_k of a word can be computed once and kept. The
bias is part of the block of the middle place, where there always is a word.

The networks of an ensemble are one wide network: their first layers side by side, and at the end the mean.

A word's blocks are those it has where nothing is known of its place; what a place in a phrase of a gazetteer,
or the value of a column, adds to them is in small tables of their own.

N windows, K window width, F numbers a word is described by, H columns of the first layer (of the output layer
where there is no hidden one), C labels, R rows of the table, U words, M words and boundaries, T ids of a
word's place, P values of one of them.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from threading import Lock
from typing import Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import as_strided

from windowclf.arrays import Floats, Ints, spread_apart
from windowclf.config import CACHE_MB, TABLE_MB
from windowclf.corpus.sentence import Sentences, cut
from windowclf.encoding.encoder import ABSENT_ROW, BOUNDARY_ROW, Encoder
from windowclf.encoding.vocabulary import Match
from windowclf.errors import ConfigError
from windowclf.model.block_cache import RecentWords
from windowclf.model.ensemble import widened
from windowclf.model.network import WindowModel
from windowclf.nn.activations import ACTIVATIONS

TableType = Literal["float32", "float16"]
_NO_ROW = -1
_N_RESERVED = 1  # rows of the table that are no words: BOUNDARY_ROW, which is 0
_SPECIAL_ROWS = 2  # that Encoder.encode_words puts first
_PREFILLED = 10_000  # words
_LONGEST_KEPT = 64  # characters; longer words are computed every time
_WORD_BYTES = 512  # of a kept word at its longest, beside its blocks: string, dict entry, number or array
_GATHERED_BYTES = 1 << 20  # at once, so that what is computed stays in the processor's cache
_PLACES_AT_ONCE = 2048  # whose words without a row are computed together; bounds memory
_WORDS_AT_ONCE = 512  # when tables are filled


class CompiledScorer:
    """Scores sentences fast; any number of threads may use it at once.

    Rows of the tables are only ever added, and a word gets its number after its row is written. Words without
    a vector that training did not see are left out of the tables, so that no flood of strange words can fill
    them; they, and all others once the tables are full, are computed when they come, and those of late are
    kept in a cache. Memory is bounded whatever text arrives.

    Parameters
    ----------
    members : sequence of WindowModel
        The networks; they must not be trained further.
    encoder : Encoder
    table_mb, cache_mb : float
        Megabytes (2^20 bytes) for the tables and for the cache. Memory is taken as words come.
    dtype : {"float32", "float16"}
        Of tables and cache; sums are float32.

    Raises
    ------
    ConfigError
        If a number is negative, not finite or more than there is memory, or the type another.
    """

    def __init__(
        self,
        members: Sequence[WindowModel],
        encoder: Encoder,
        *,
        table_mb: float = TABLE_MB,
        cache_mb: float = CACHE_MB,
        dtype: TableType = "float32",
    ) -> None:
        for name, value in (("table_mb", table_mb), ("cache_mb", cache_mb)):
            if not 0 <= value < math.inf:
                raise ConfigError("not a size", where=name, found=value, allowed="a number from 0")
        if dtype not in get_args(TableType):
            raise ConfigError(
                "not a type for tables", where="dtype", found=dtype, allowed=", ".join(get_args(TableType))
            )
        self.settings = {"table_mb": table_mb, "cache_mb": cache_mb, "dtype": dtype}
        self._encoder = encoder
        config = members[0].config
        self._has_hidden = bool(config.hidden)
        first, *later = [*(f"hidden{i + 1}" for i in range(len(config.hidden))), "output"]
        K = config.window
        # all blocks of a word by one product: x (U, F) @ W (F, K · H)
        self._first = []
        for member in members:
            W = member.parameters[f"{first}.W"]
            blocks = W.reshape(K, -1, W.shape[1]).transpose(1, 0, 2).reshape(-1, K * W.shape[1])
            self._first.append((member, blocks.astype(np.float32)))
        self._b = self._join([member.parameters[f"{first}.b"].astype(np.float32) for member in members])
        self._rest = [widened(members, layer) for layer in later]
        H = len(self._b)
        self._activation = config.activation
        self._n_labels = len(members[0].parameters["output.b"])
        self._ones = np.ones(K, np.float32)
        bytes_a_word = K * H * np.dtype(dtype).itemsize + _WORD_BYTES
        n_rows = _N_RESERVED + int(table_mb * 2**20 / bytes_a_word)
        try:
            # pages of it that nothing was written to take no memory
            self._table = np.empty((n_rows, K, H), dtype)
        except (MemoryError, ValueError) as error:  # ValueError: more than an address can say
            raise ConfigError("not so much memory can be had", where="table_mb", found=table_mb) from error
        boundary = encoder.encode_words([])[BOUNDARY_ROW : BOUNDARY_ROW + 1]
        self._table[BOUNDARY_ROW] = self._multiply(boundary)[0]
        self._rows: dict[str, int] = {}
        self._filling = Lock()
        self._of_places = self._fold_places()
        ranges = encoder.place_ranges
        sizes = [len(values) for values in ranges]
        # what moves a value of each of T ids to its row of `_of_places`
        self._first_of_places = np.cumsum([0, *sizes])[:-1] - [values.start for values in ranges]
        self._recent = RecentWords(int(cache_mb * 2**20 / bytes_a_word))

    def prefill(self) -> None:
        """Put the most frequent words into the tables: those of training, then the vocabulary's.

        The rest of the tables is left for words as they come, so that a service starts soon.
        """
        vocabulary = self._encoder.vocabulary
        vocabulary.build_index()
        self._encoder.gazetteers.build()
        counts = vocabulary.training_counts
        words = dict.fromkeys([*sorted(counts, key=lambda word: -counts[word]), *vocabulary.words])
        self._add(islice((word for word in words if len(word) <= _LONGEST_KEPT), _PREFILLED))

    def scores(self, sentences: Sentences) -> Iterator[tuple[Floats, Ints]]:
        """Yield scores (N, C) and lengths (S,) as `TrainedModel.scores` does."""
        half = self._table.shape[1] // 2
        for part in cut(sentences):
            lengths = np.fromiter(map(len, part), np.int64, len(part))
            words = list(chain.from_iterable(part))
            places, size = spread_apart(lengths, half)
            padded = np.full(size, BOUNDARY_ROW, np.intp)
            padded[places], strangers = self._number(words)
            known = self._know_places(part, words, lengths, places)
            # row i is of the window that begins at place i
            yield self._scores_of_all(padded, strangers, known)[places - half], lengths

    # -- words to numbers ----------------------------------------------------------------------------

    def _number(self, words: Sequence[str]) -> tuple[Ints, list[str]]:
        """Return the row of each word (N,), and the words without a row.

        The number of such a word is R and its place among them.
        """
        rows = self._rows
        numbers = np.fromiter(map(rows.get, words, repeat(_NO_ROW)), np.intp, len(words))
        (missing,) = (numbers == _NO_ROW).nonzero()
        if not len(missing):
            return numbers, []
        absent = [words[i] for i in missing.tolist()]
        distinct = dict.fromkeys(absent)
        self._add(word for word in distinct if self._is_worth_a_row(word))
        strangers = [word for word in distinct if word not in rows]
        n_rows = len(self._table)
        found = {word: n_rows + i for i, word in enumerate(strangers)}
        numbers[missing] = [found[word] if word in found else rows[word] for word in absent]
        return numbers, strangers

    def _is_worth_a_row(self, word: str) -> bool:
        if len(word) > _LONGEST_KEPT:
            return False
        vocabulary = self._encoder.vocabulary
        return vocabulary.find(word)[1] is not Match.UNKNOWN or vocabulary.seen(word)

    def _add(self, words: Iterable[str]) -> None:
        """Write distinct words into the tables while there is room."""
        if self._n_free == 0:
            return
        with self._filling:
            new = (word for word in words if word not in self._rows)
            while some := list(islice(new, min(_WORDS_AT_ONCE, self._n_free))):
                first = _N_RESERVED + len(self._rows)
                self._table[first : first + len(some)] = self._fold(some)
                # only now can another thread find them
                self._rows.update(zip(some, range(first, first + len(some)), strict=True))

    @property
    def _n_free(self) -> int:
        return len(self._table) - _N_RESERVED - len(self._rows)

    # -- words to blocks -----------------------------------------------------------------------------

    def _fold(self, words: Sequence[str]) -> Floats:
        """Compute the blocks (U, K, H) of words."""
        return self._multiply(self._encoder.encode_words(words)[_SPECIAL_ROWS:])

    def _multiply(self, words: Ints) -> Floats:
        """Compute the blocks (U, K, H) of words given by their ids (U, J)."""
        blocks = self._product(words)
        blocks[:, blocks.shape[1] // 2] += self._b
        largest = np.finfo(self._table.dtype).max
        np.clip(blocks, -largest, largest, out=blocks)
        return blocks.astype(self._table.dtype, copy=False)

    def _product(self, words: Ints) -> Floats:
        """Compute the blocks of words without the bias, and in float32."""
        K = self._table.shape[1]
        return self._join(
            [
                (member.describe(words).astype(np.float32, copy=False) @ W).reshape(len(words), K, -1)
                for member, W in self._first
            ]
        )

    def _join(self, parts: Sequence[Floats]) -> Floats:
        """Return what the members make of the same, side by side; where that are scores, their mean."""
        if len(parts) == 1:
            return parts[0]
        if self._has_hidden:
            return np.concatenate(parts, axis=-1)
        mean: Floats = np.mean(parts, axis=0, dtype=np.float32)
        return mean

    def _fold_places(self) -> Floats:
        """Compute what each value of each of T ids adds to the blocks of a word, all in a row (P, K, H)."""
        encoder = self._encoder
        absent = encoder.encode_words([])[[ABSENT_ROW]]
        tables = [np.zeros((0, *self._table.shape[1:]), np.float32)]
        for t, values in enumerate(encoder.place_ranges):
            # a word of whose place nothing is known, and for each value the same word with it
            words = np.repeat(absent, 1 + len(values), axis=0)
            words[1:, t - len(encoder.place_ranges)] = values
            blocks = self._product(words)
            tables.append(blocks[1:] - blocks[0])
        return np.concatenate(tables)

    def _blocks_of_strangers(self, words: Sequence[str]) -> Floats:
        """Return the blocks (U, K, H) of words that are not in the tables."""
        found = {word: block for word in words if (block := self._recent.get(word)) is not None}
        if missing := [word for word in words if word not in found]:
            for word, block in zip(missing, self._fold(missing), strict=True):
                found[word] = block
                if len(word) <= _LONGEST_KEPT:
                    self._recent.put(word, block)
        return np.array([found[word] for word in words], self._table.dtype)

    # -- numbers to scores ---------------------------------------------------------------------------

    def _know_places(
        self, sentences: Sentences, words: Sequence[str], lengths: Ints, places: Ints
    ) -> list[tuple[Ints, Ints]]:
        """Return places of which one of T ids tells something, ascending, and rows of what that adds.

        Of the words (N,), `places` (N,) are where they stand among boundaries. Where several ids tell
        something of a word, the second is among a second lot, and so on: no lot has a place twice.
        """
        encoder = self._encoder
        ids = encoder.place_ids(sentences, words, lengths)
        tokens, which = (ids != encoder.elsewhere).nonzero()
        rows = ids[tokens, which] + self._first_of_places[which]
        n_before = np.arange(len(tokens)) - np.searchsorted(tokens, tokens)
        n_lots = n_before.max(initial=-1) + 1
        return [(places[tokens[lot]], rows[lot]) for lot in (n_before == i for i in range(n_lots))]

    def _scores_of_all(
        self, padded: Ints, strangers: Sequence[str], known: Sequence[tuple[Ints, Ints]]
    ) -> Floats:
        """Score the window at every place of `padded` (M,), boundaries too: (M - K + 1, C).

        Those around a boundary are for nothing, but are few, and leaving them out would cost more.
        """
        n_rows, K, H = self._table.shape
        n_windows = len(padded) - K + 1
        most = max(1, min(n_windows, _GATHERED_BYTES // (4 * K * H)))
        gathered = np.empty((most + K - 1, K, H), np.float32)
        # the window at place i is the sum over k of gathered[i + k, k]
        place, block, number = gathered.strides
        around = as_strided(gathered, (most, K, H), (place, place + block, number), writeable=False)
        scores = np.empty((n_windows, self._n_labels), np.float32)
        for first in range(0, n_windows, _PLACES_AT_ONCE):
            numbers = padded[first : first + _PLACES_AT_ONCE + K - 1]
            unknown = sorted({*numbers[numbers >= n_rows].tolist()}) if strangers else []
            blocks = self._blocks_of_strangers([strangers[i - n_rows] for i in unknown])
            for begin in range(0, len(numbers) - K + 1, most):
                some = numbers[begin : begin + most + K - 1]
                n = len(some) - K + 1
                self._gather(some, gathered[: len(some)])
                if unknown and len(strange := (some >= n_rows).nonzero()[0]):
                    gathered[strange] = blocks[np.searchsorted(unknown, some[strange])]
                for places, rows in known:
                    low, high = np.searchsorted(places, [first + begin, first + begin + len(some)])
                    if low < high:
                        gathered[places[low:high] - first - begin] += self._of_places[rows[low:high]]
                # a product with ones adds up K rows faster than additions do
                self._finish(np.matmul(self._ones, around[:n]), scores[first + begin : first + begin + n])
        return scores

    def _gather(self, rows: Ints, out: Floats) -> None:
        """Copy the blocks of some rows (M,) to `out` (M, K, H); a number beyond takes the last row."""
        # with mode "raise", the default, numpy copies what it takes once more
        if self._table.dtype == out.dtype:
            self._table.take(rows, axis=0, out=out, mode="clip")
        else:
            out[...] = self._table.take(rows, axis=0, mode="clip")

    def _finish(self, z: Floats, out: Floats) -> None:
        """Compute scores (N, C) from the sums of the first layer (N, H)."""
        if not self._rest:
            out[...] = z
        for i, (W, b) in enumerate(self._rest, 1):
            if self._activation == "relu":
                # numpy is several times as fast against a row of zeros as against the number 0
                np.maximum(z, np.zeros(z.shape[1], z.dtype), out=z)
            else:
                z = ACTIVATIONS[self._activation](z)[0]
            z = np.matmul(z, W, out=out if i == len(self._rest) else None)
            z += b
