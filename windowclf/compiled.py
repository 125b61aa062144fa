"""A model with its first layer folded into tables: a window is K look-ups and a sum.

    z = Σ_k x(w_k) W_k + b

is a sum over the places of the window, so the K blocks x(w) W_k of a word can be computed once and kept. The
bias is part of the block of the middle place, where there always is a word.

N windows, K window width, F numbers a word is described by, H columns of the first layer (of the output layer
where there is no hidden one), C labels, R rows of the tables, U words, M tokens and boundaries.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from threading import Lock
from typing import Literal, get_args

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.errors import ConfigError
from windowclf.nn.operations import ACTIVATIONS
from windowclf.pipeline import Pipeline, Sentences, cut
from windowclf.text.vocabulary import Match
from windowclf.text.windows import BOUNDARY_ROW

TableType = Literal["float32", "float16"]
TABLE_MB, CACHE_MB = 128, 16  # megabytes, unless told otherwise
_EMPTY_ROW = 1  # all zeros: stands for words whose blocks are added afterwards
_N_RESERVED = 2  # rows of the tables that are no words: BOUNDARY_ROW, which is 0, and _EMPTY_ROW
_SPECIAL_ROWS = 2  # that Encoder.encode_words puts first
_LONGEST_KEPT = 64  # characters; longer words are computed every time
_WORD_BYTES = 512  # of a kept word at its longest, beside its blocks: string, dict entry, number or array
_WINDOWS_AT_ONCE = 512  # so that what is computed stays in the processor's cache, and memory is bounded
_WORDS_AT_ONCE = 512  # when tables are filled


class CompiledModel:
    """A trained pipeline made fast; any number of threads may use it at once.

    Rows of the tables are only ever added, and a word gets its number after its row is written. Words without
    a vector that training did not see are left out of the tables, so that no flood of strange words can fill
    them; they, and all others once the tables are full, are computed when they come, and those of late are
    kept in a cache. Memory is bounded whatever text arrives.

    Parameters
    ----------
    pipeline : Pipeline
        Must not be trained further.
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
        pipeline: Pipeline,
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
        self._pipeline = pipeline
        parameters, config = pipeline.model.parameters, pipeline.stored.config.model
        layers = [*(f"hidden{i + 1}" for i in range(len(config.hidden))), "output"]
        W, b = parameters[f"{layers[0]}.W"], parameters[f"{layers[0]}.b"]
        K, H = config.window, len(b)
        # all blocks of a word by one product: x (U, F) @ W (F, K · H)
        self._W = W.reshape(K, -1, H).transpose(1, 0, 2).reshape(-1, K * H).astype(np.float32)
        self._b = b.astype(np.float32)
        self._rest = [
            (parameters[f"{layer}.W"].astype(np.float32), parameters[f"{layer}.b"].astype(np.float32))
            for layer in layers[1:]
        ]
        self._activation = config.activation
        bytes_a_word = K * H * np.dtype(dtype).itemsize + _WORD_BYTES
        n_rows = _N_RESERVED + int(table_mb * 2**20 / bytes_a_word)
        try:
            # pages of it that nothing was written to take no memory
            self._tables = np.empty((K, n_rows, H), dtype)
        except (MemoryError, ValueError) as error:  # ValueError: more than an address can say
            raise ConfigError("not so much memory can be had", where="table_mb", found=table_mb) from error
        self._tables[:, _EMPTY_ROW] = 0
        boundary = pipeline.encoder.encode_words([])[BOUNDARY_ROW : BOUNDARY_ROW + 1]
        self._tables[:, BOUNDARY_ROW] = self._multiply(boundary)[0]
        self._boundaries = [BOUNDARY_ROW] * (K // 2)
        self._rows: dict[str, int] = {}
        self._filling = Lock()
        self._recent = _RecentWords(int(cache_mb * 2**20 / bytes_a_word))

    def prefill(self) -> None:
        """Fill the tables with the most frequent words: those of training, then the vocabulary's."""
        vocabulary = self._pipeline.stored.vocabulary
        counts = vocabulary.training_counts
        words = dict.fromkeys([*sorted(counts, key=lambda word: -counts[word]), *vocabulary.words])
        self._add(word for word in words if len(word) <= _LONGEST_KEPT)

    def scores(self, sentences: Sentences) -> Iterator[tuple[Floats, Ints]]:
        """Yield scores (N, C) and lengths (S,) as `Pipeline.scores` does."""
        for part in cut(sentences):
            lengths = np.array([len(sentence) for sentence in part], dtype=np.int64)
            padded, strangers = self._number(part)
            (places,) = padded.nonzero()  # BOUNDARY_ROW is 0
            scores = [
                self._scores_at(padded, places[first : first + _WINDOWS_AT_ONCE], strangers)
                for first in range(0, max(1, len(places)), _WINDOWS_AT_ONCE)
            ]
            yield scores[0] if len(scores) == 1 else np.concatenate(scores), lengths

    # -- words to numbers ----------------------------------------------------------------------------

    def _number(self, sentences: Sentences) -> tuple[Ints, list[str]]:
        """Return the row of each token, with boundaries between sentences (M,), and words without a row.

        The number of such a word is R and its place among them.
        """
        rows = self._rows
        padded: list[int | None] = [*self._boundaries]
        for sentence in sentences:
            padded += map(rows.get, sentence)
            padded += self._boundaries
        if None not in padded:
            return np.array(padded, dtype=np.intp), []
        words = [word for word in dict.fromkeys(chain.from_iterable(sentences)) if word not in rows]
        self._add(word for word in words if self._is_worth_a_row(word))
        n_rows = self._tables.shape[1]
        strangers = {word: n_rows + i for i, word in enumerate(w for w in words if w not in rows)}
        padded = [*self._boundaries]
        for sentence in sentences:
            padded += map(rows.get, sentence, map(strangers.get, sentence))
            padded += self._boundaries
        return np.array(padded, dtype=np.intp), list(strangers)

    def _is_worth_a_row(self, word: str) -> bool:
        if len(word) > _LONGEST_KEPT:
            return False
        vocabulary = self._pipeline.stored.vocabulary
        return vocabulary.find(word)[1] is not Match.UNKNOWN or vocabulary.seen(word)

    def _add(self, words: Iterable[str]) -> None:
        """Write distinct words into the tables while there is room."""
        if self._n_free == 0:
            return
        with self._filling:
            new = (word for word in words if word not in self._rows)
            while some := list(islice(new, min(_WORDS_AT_ONCE, self._n_free))):
                first = _N_RESERVED + len(self._rows)
                self._tables[:, first : first + len(some)] = self._fold(some).transpose(1, 0, 2)
                # only now can another thread find them
                self._rows.update(zip(some, range(first, first + len(some)), strict=True))

    @property
    def _n_free(self) -> int:
        return self._tables.shape[1] - _N_RESERVED - len(self._rows)

    # -- words to blocks -----------------------------------------------------------------------------

    def _fold(self, words: Sequence[str]) -> Floats:
        """Compute the blocks (U, K, H) of words."""
        return self._multiply(self._pipeline.encoder.encode_words(words)[_SPECIAL_ROWS:])

    def _multiply(self, words: Ints) -> Floats:
        """Compute the blocks (U, K, H) of words given by their ids (U, J)."""
        K, _, H = self._tables.shape
        x = self._pipeline.model.describe(words).astype(np.float32, copy=False)
        blocks = (x @ self._W).reshape(-1, K, H)
        blocks[:, K // 2] += self._b
        largest = np.finfo(self._tables.dtype).max
        np.clip(blocks, -largest, largest, out=blocks)
        return blocks.astype(self._tables.dtype, copy=False)

    def _blocks_of_strangers(self, words: Sequence[str]) -> Floats:
        """Return the blocks (U, K, H) of words that are not in the tables."""
        found = {word: block for word in words if (block := self._recent.get(word)) is not None}
        if missing := [word for word in words if word not in found]:
            for word, block in zip(missing, self._fold(missing), strict=True):
                found[word] = block
                if len(word) <= _LONGEST_KEPT:
                    self._recent.put(word, block)
        return np.array([found[word] for word in words])

    # -- numbers to scores ---------------------------------------------------------------------------

    def _scores_at(self, padded: Ints, places: Ints, strangers: Sequence[str]) -> Floats:
        """Score the windows around some places of `padded`: (N, C)."""
        K, n_rows, _ = self._tables.shape
        half = K // 2
        around = padded[places + np.arange(-half, half + 1)[:, None]]  # (K, N)
        rows = around
        if strangers and (is_strange := around >= n_rows).any():
            rows = np.where(is_strange, _EMPTY_ROW, around)
        # with mode "raise", the default, numpy copies what it takes once more
        block = self._tables[0].take(rows[0], axis=0, mode="clip")
        z: Floats = block.astype(np.float32)
        for k in range(1, K):
            self._tables[k].take(rows[k], axis=0, out=block, mode="clip")
            z += block
        if rows is not around:
            n, k = is_strange.T.nonzero()
            which = around[k, n]
            numbers = sorted({*which.tolist()})
            blocks = self._blocks_of_strangers([strangers[i - n_rows] for i in numbers])
            # a window can hold several of them: theirs are next to each other, and are added up first
            firsts = np.concatenate([[0], (n[1:] != n[:-1]).nonzero()[0] + 1])
            added = blocks[np.searchsorted(numbers, which), k].astype(np.float32, copy=False)
            z[n[firsts]] += np.add.reduceat(added, firsts)
        for W, b in self._rest:
            if self._activation == "relu":
                # numpy is several times as fast against a row of zeros as against the number 0
                np.maximum(z, np.zeros(z.shape[1], z.dtype), out=z)
            else:
                z = ACTIVATIONS[self._activation](z)[0]
            z = z @ W
            z += b
        return z


class _RecentWords:
    """The blocks of at most so many words, those used of late.

    Two dicts: a word that is used goes into the young one; when that is full it becomes the old one, and what
    was the old one is forgotten. Blocks are never written to again, so a reader's stay as they are.
    """

    def __init__(self, most: int) -> None:
        self._most_young = most // 2
        self._young: dict[str, Floats] = {}
        self._old: dict[str, Floats] = {}
        self._writing = Lock()

    def get(self, word: str) -> Floats | None:
        block = self._young.get(word)
        if block is None and (block := self._old.get(word)) is not None:
            self.put(word, block)
        return block

    def put(self, word: str, block: Floats) -> None:
        """Keep a block (K, H); a view of a larger array is copied, for it would keep all of that alive."""
        with self._writing:
            if len(self._young) >= self._most_young:
                self._old, self._young = self._young, {}
            if self._most_young:
                self._young[word] = block if block.base is None else block.copy()
