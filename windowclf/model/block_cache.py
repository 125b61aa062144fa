"""A bounded cache of what was computed for words, for any number of threads.

K window width, H columns of the first layer.
"""

from threading import Lock

from windowclf.arrays import Floats


class RecentWords:
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
        """Return the block (K, H) of a word, None if it is not kept."""
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
