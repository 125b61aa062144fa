"""Fast scoring: the first layer is folded into a table, so that a window is K look-ups and a sum.

    z = Σ_k x(w_k) W_k + b

is a sum over the positions of the window, so the K blocks x(w) W_k of a word can be computed once and kept.
The bias is part of the block of the middle position, where there always is a word. What context adds (a
position in a phrase of a gazetteer, the value of a column) is in a small table of its own. The networks of an
ensemble become one wide network: their first layers side by side, and at the end the mean.

N windows, K window width, F numbers that describe a word, H columns of the first layer (of the output layer
if there is no hidden one), C labels, R rows of the table, U words, M words and boundaries, P context ids.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from threading import Lock
from typing import Literal, get_args

import numpy as np

from windowclf.arrays import Floats, Ints, spread_apart
from windowclf.config import CACHE_MB, TABLE_MB
from windowclf.corpus import Sentences, cut
from windowclf.encoding import ABSENT_ROW, BOUNDARY_ROW, Encoder, Match
from windowclf.errors import ConfigError
from windowclf.model.ensemble import widened
from windowclf.model.network import WindowModel
from windowclf.nn import ACTIVATIONS

TableType = Literal["float32", "float16"]
_NO_ROW = -1
_N_RESERVED = 1  # rows of the table that are no words: BOUNDARY_ROW, which is 0
_SPECIAL_ROWS = 2  # the first rows of Encoder.encode_words
_PREFILLED = 10_000  # words
_LONGEST_KEPT = 64  # characters; longer words are computed every time
_WORD_BYTES = 512  # at most, of a kept word beside its blocks: string, dict entry, row number or array
_GATHERED_BYTES = 1 << 20  # at once, so that the blocks stay in the processor's cache
_POSITIONS_AT_ONCE = 2048  # whose words without a row are computed together; bounds memory
_WORDS_AT_ONCE = 512  # when tables are filled


class CompiledScorer:
    """Scores sentences fast; any number of threads may use it at once.

    Rows of the table are only ever added, and a word gets its number after its row is written. Words without
    a vector that training did not see get no row, so that no flood of strange words can fill the table. They,
    and all other words once the table is full, are computed when they occur; the most recent ones are kept in
    a cache. Memory is bounded whatever the text, and taken as words occur.

    The parameters are those of `TrainedModel.compile`; `members` must not be trained further.
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
        H = len(self._b)
        self._most_windows = max(1, _GATHERED_BYTES // (4 * K * H))  # at once
        self._activation = config.activation
        # with each layer, zeros of the shape of its input: numpy is several times as fast against them as
        # against the number 0
        self._rest = [
            (W, b, np.zeros((self._most_windows, len(W)), np.float32))
            for W, b in (widened(members, layer) for layer in later)
        ]
        self._n_labels = len(members[0].parameters["output.b"])
        self._ones = np.ones(K, np.float32)
        bytes_a_word = K * H * np.dtype(dtype).itemsize + _WORD_BYTES
        n_rows = _N_RESERVED + int(table_mb * 2**20 / bytes_a_word)
        try:
            # pages that nothing was written to take no memory
            self._table = np.empty((n_rows, K, H), dtype)
        except (MemoryError, ValueError) as error:  # ValueError: more than an address can say
            raise ConfigError("not enough memory", where="table_mb", found=table_mb) from error
        boundary = encoder.encode_words([])[BOUNDARY_ROW : BOUNDARY_ROW + 1]
        self._table[BOUNDARY_ROW] = self._multiply(boundary)[0]
        self._rows: dict[str, int] = {}
        self._filling = Lock()
        self._context_blocks = self._fold_context()
        self._recent = RecentWords(int(cache_mb * 2**20 / bytes_a_word))

    def prefill(self) -> None:
        """Put the most frequent words into the table: those of training, then the vocabulary's.

        The rest of the table is left for words as they occur, so that a service starts soon.
        """
        vocabulary = self._encoder.vocabulary
        vocabulary.build_index()
        self._encoder.gazetteers.build()
        counts = vocabulary.training_counts
        words = dict.fromkeys([*sorted(counts, key=lambda word: -counts[word]), *vocabulary.words])
        self._add(islice((word for word in words if len(word) <= _LONGEST_KEPT), _PREFILLED))

    def scores(self, sentences: Sentences) -> Iterator[tuple[Floats, Ints]]:
        """Yield scores (N, C) and lengths (S,) as `TrainedModel.scores` does."""
        half = len(self._ones) // 2
        for part in cut(sentences):
            # row i of the scores is of the window that begins at position i
            scores = self._scores_of_all(*self._look_up(part))
            lengths = np.array([*map(len, part)], np.int64)
            if len(part) > 1 and half:
                scores = scores[spread_apart(lengths, half)[0] - half]
            yield scores, lengths

    # -- words to rows -------------------------------------------------------------------------------

    def _look_up(self, sentences: Sentences) -> tuple[Ints, list[str], list[tuple[int, int]]]:
        """Return rows (M,) with boundaries around sentences, the words without a row, and the context.

        The context is positions among the rows, ascending, with rows of `_context_blocks`.
        """
        gap = [BOUNDARY_ROW] * (len(self._ones) // 2)
        row_of = self._rows.get
        rows = [*gap]
        context: list[tuple[int, int]] = []
        for sentence in sentences:
            if len(self._context_blocks):
                first = len(rows)
                context += [(first + i, row) for i, row in self._encoder.context_rows(sentence)]
            rows.extend(map(row_of, sentence, repeat(_NO_ROW)))
            rows += gap
        strangers = self._number(sentences, rows) if _NO_ROW in rows else []
        return np.array(rows, np.intp), strangers, context

    def _number(self, sentences: Sentences, rows: list[int]) -> list[str]:
        """Give the words that have no row yet one, or the number R + i if they are the i-th returned."""
        half = len(self._ones) // 2
        words: list[str] = []
        for sentence in sentences:
            words += [""] * half
            words += sentence
        missing = [i for i, row in enumerate(rows) if row == _NO_ROW]
        distinct = dict.fromkeys(words[i] for i in missing)
        self._add(word for word in distinct if self._is_worth_a_row(word))
        numbers: dict[str, int] = {}
        strangers: list[str] = []
        for word in distinct:
            row = self._rows.get(word)
            if row is None:
                row = len(self._table) + len(strangers)
                strangers.append(word)
            numbers[word] = row
        for i in missing:
            rows[i] = numbers[words[i]]
        return strangers

    def _is_worth_a_row(self, word: str) -> bool:
        if len(word) > _LONGEST_KEPT:
            return False
        vocabulary = self._encoder.vocabulary
        return vocabulary.find(word)[1] is not Match.UNKNOWN or vocabulary.seen(word)

    def _add(self, words: Iterable[str]) -> None:
        """Write distinct words into the table while there is room."""
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
        """Compute the blocks of words without the bias, in float32."""
        shape = len(words), len(self._ones), -1
        products = [member.describe(words).astype(np.float32, copy=False) @ W for member, W in self._first]
        return self._join([product.reshape(shape) for product in products])

    def _join(self, parts: Sequence[Floats]) -> Floats:
        """Put the members' columns of the first layer side by side; if it is the output, take the mean."""
        if len(parts) == 1:
            return parts[0]
        if self._has_hidden:
            return np.concatenate(parts, axis=-1)
        return np.asarray(np.mean(parts, axis=0, dtype=np.float32))

    def _fold_context(self) -> Floats:
        """Compute what each context id adds to the blocks of a word (P, K, H), in `place_ranges`' order."""
        ranges = self._encoder.place_ranges
        absent = self._encoder.encode_words([])[[ABSENT_ROW]]
        tables = [np.zeros((0, *self._table.shape[1:]), np.float32)]
        for t, values in enumerate(ranges):
            # a word without context, and for each value the same word with it
            words = np.repeat(absent, 1 + len(values), axis=0)
            words[1:, t - len(ranges)] = values
            blocks = self._product(words)
            tables.append(blocks[1:] - blocks[0])
        return np.concatenate(tables)

    def _blocks_of_strangers(self, words: Mapping[int, str]) -> dict[int, Floats]:
        """Return the blocks (K, H) of words that are not in the table, by their numbers."""
        found = {row: block for row, word in words.items() if (block := self._recent.get(word)) is not None}
        if missing := {row: word for row, word in words.items() if row not in found}:
            for (row, word), block in zip(missing.items(), self._fold([*missing.values()]), strict=True):
                found[row] = block
                if len(word) <= _LONGEST_KEPT:
                    self._recent.put(word, block)
        return found

    # -- rows to scores ------------------------------------------------------------------------------

    def _scores_of_all(
        self, rows: Ints, strangers: Sequence[str], context: Sequence[tuple[int, int]]
    ) -> Floats:
        """Score the window at every position of `rows` (M,), boundaries too: (M - K + 1, C).

        Those around a boundary are not used, but are few, and to leave them out would cost more.
        """
        n_rows, K, H = self._table.shape
        n_windows = len(rows) - K + 1
        most = min(n_windows, self._most_windows)
        gathered = np.empty((most + K - 1, K, H), np.float32)
        # the window at position i is the sum over k of gathered[i + k, k]
        position, block, number = gathered.strides
        around = np.ndarray((most, K, H), np.float32, gathered, 0, (position, position + block, number))
        scores = np.empty((n_windows, self._n_labels), np.float32)
        for first in range(0, n_windows, _POSITIONS_AT_ONCE):
            numbers = rows[first : first + _POSITIONS_AT_ONCE + K - 1]
            unknown = {*numbers[numbers >= n_rows].tolist()} if strangers else ()
            blocks = self._blocks_of_strangers({row: strangers[row - n_rows] for row in unknown})
            for begin in range(first, first + len(numbers) - K + 1, most):
                some = rows[begin : min(begin + most, first + _POSITIONS_AT_ONCE) + K - 1]
                end, n = begin + len(some), len(some) - K + 1
                self._gather(some, gathered[: len(some)])
                if blocks:
                    for i in (some >= n_rows).nonzero()[0].tolist():
                        gathered[i] = blocks[int(some[i])]
                for i, row in context[bisect_left(context, (begin,)) : bisect_left(context, (end,))]:
                    block = gathered[i - begin]
                    block += self._context_blocks[row]
                # a product with ones adds up K rows faster than additions do
                self._finish(np.matmul(self._ones, around[:n]), scores[begin : begin + n])
        return scores

    def _gather(self, rows: Ints, out: Floats) -> None:
        """Copy the blocks of some rows (M,) to `out` (M, K, H); for a number beyond the table, any block."""
        # with mode "raise", the default, numpy copies what it takes once more
        if self._table.dtype == out.dtype:
            self._table.take(rows, axis=0, out=out, mode="clip")
        else:
            out[...] = self._table.take(rows, axis=0, mode="clip")

    def _finish(self, z: Floats, out: Floats) -> None:
        """Compute scores (N, C) from the sums of the first layer (N, H)."""
        if not self._rest:
            out[...] = z
        for W, b, zeros in self._rest:
            if self._activation == "relu":
                np.maximum(z, zeros[: len(z)], out=z)
            else:
                z = ACTIVATIONS[self._activation](z)[0]
            z = np.dot(z, W, out=out if W is self._rest[-1][0] else None)
            z += b


class RecentWords:
    """A cache of the blocks of the most recently used words, for any number of threads.

    Two dicts: a word that is used goes into the young one; when that is full it becomes the old one, and the
    former old one is dropped. Blocks are never written to again, so a reader's stay as they are.
    """

    def __init__(self, most: int) -> None:
        self._most_young = most // 2
        self._young: dict[str, Floats] = {}
        self._old: dict[str, Floats] = {}
        self._writing = Lock()

    def get(self, word: str) -> Floats | None:
        """Return the block (K, H) of a word, None if it is not kept."""
        block = self._young.get(word)
        if block is None and (block := self._old.get(word)) is not None:
            self.put(word, block)
        return block

    def put(self, word: str, block: Floats) -> None:
        """Keep a block (K, H); a view is copied, for it would keep all of its array alive."""
        with self._writing:
            if len(self._young) >= self._most_young:
                self._old, self._young = self._young, {}
            if self._most_young:
                self._young[word] = block if block.base is None else block.copy()
