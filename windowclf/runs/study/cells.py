"""The trainings of a study, each kept in its own files as soon as it is done.

A cell is the outcome of one mode, on training data of one size, with one seed. Its arrays are written before
its record, and each file atomically, so a cell with a record is finished.

S test sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from windowclf.arrays import Ints
from windowclf.errors import DataError, ModelFileError
from windowclf.evaluation import GROUPS, LABEL
from windowclf.files import atomic_path, map_arrays, save_arrays, write_text

_COUNTS = "counts"
_RECORDS, _ARRAYS = ".json", ".safetensors"


@dataclass(frozen=True, slots=True, order=True)
class CellKey:
    """Which training: the size as given, the mode, the seed."""

    size: str
    mode: str
    seed: int

    def __str__(self) -> str:
        return f"{self.size}-{self.mode}-{self.seed}"


@dataclass(frozen=True, slots=True)
class Carrying:
    """A way of carrying movement over, and its dev score; with strength 0, nothing is carried."""

    method: str
    strength: float
    dev_score: float


@dataclass(frozen=True, slots=True)
class CellRecord:
    """What is kept of a cell as JSON; only the last two differ from run to run."""

    words: int  # of its training data
    sentences: int
    best_epoch: int
    epochs: int
    dev_score: float  # of the finished model
    carrying: tuple[Carrying, ...]  # every way that was tried, in the mode that carries over
    seconds: float  # of training
    words_per_second: float


@dataclass(frozen=True, eq=False)
class Cell:
    """A finished training, with the counts of the test data."""

    record: CellRecord
    counts: Ints  # (S, 3), as of `sentence_counts`
    slices: Mapping[str, Mapping[str, Ints]]  # (S, 3), as of `slice_counts`; of "label" (1, 3), their sums


class CellStore:
    """The cells in a directory, which is made when the first cell is kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __contains__(self, key: CellKey) -> bool:
        return self._path(key, _RECORDS).is_file()

    def add(self, key: CellKey, cell: Cell) -> None:
        """Keep a cell, replacing one that is there."""
        arrays = {f"{group}/{name}": of for group, named in cell.slices.items() for name, of in named.items()}
        with atomic_path(self._path(key, _ARRAYS)) as temporary:
            packed = {name: array.astype(np.int32) for name, array in arrays.items()}
            save_arrays(temporary, packed | {_COUNTS: cell.counts.astype(np.int32)})
        write_text(self._path(key, _RECORDS), json_of(cell.record))

    def __getitem__(self, key: CellKey) -> Cell:
        path = self._path(key, _RECORDS)
        try:
            record = msgspec.json.decode(path.read_bytes(), type=CellRecord)
            read = map_arrays(self._path(key, _ARRAYS))
            arrays = {name: np.array(array, np.int64) for name, array in read.items()}
            labels = sorted(name.partition("/")[2] for name in arrays if name.startswith(f"{LABEL}/"))
            groups = {**GROUPS, LABEL: tuple(labels)}.items()
            slices = {group: {name: arrays[f"{group}/{name}"] for name in names} for group, names in groups}
            return Cell(record, arrays[_COUNTS], slices)
        except (msgspec.DecodeError, ModelFileError, OSError, KeyError) as error:
            found = error.problem if isinstance(error, ModelFileError) else str(error)
            raise DataError(
                "a finished training cannot be read",
                where=str(path),
                found=f"no counts of {error}" if isinstance(error, KeyError) else found,
                hint="Delete this file to train it again.",
            ) from error

    def _path(self, key: CellKey, ending: str) -> Path:
        return self._directory / f"{key}{ending}"


def json_of(value: Any) -> str:
    """Return dataclasses as JSON, in the form of all files of a study."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"
