"""A pickle can run any code when it is opened; none is opened, whatever it is called."""

import gzip
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from windowclf.errors import VectorsError
from windowclf.vectors import Table, write_table
from windowclf.vectors.convert import read_source


class Bomb:
    """Unpickled, it makes the file whose path it was given."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_the_bomb_goes_off_when_it_is_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "boom")))
    assert (tmp_path / "boom").exists()


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize(
    "name", ["v.kv", "v.model", "v.pkl", "v.txt", "v.bin", "v.vec", "v", "v.json", "v.npy", "v.gz"]
)
def test_a_pickle_is_not_opened_whatever_it_is_called(tmp_path: Path, name: str, protocol: int) -> None:
    content = pickle.dumps(Bomb(tmp_path / "boom"), protocol)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(VectorsError):
        read_source(tmp_path / name)
    assert not (tmp_path / "boom").exists()


def test_a_pickle_in_place_of_the_matrix_is_not_opened(tmp_path: Path) -> None:
    write_table(Table(["the"], np.ones((1, 2), np.float32)), tmp_path / "v")
    (tmp_path / "v" / "vectors.safetensors").write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    with pytest.raises(VectorsError, match="not a safetensors file"):
        read_source(tmp_path / "v")
    assert not (tmp_path / "boom").exists()


def test_what_gensim_saves_itself_says_how_to_convert_it(tmp_path: Path) -> None:
    keyed = KeyedVectors(vector_size=2)
    keyed.add_vectors(["the"], np.ones((1, 2), np.float32))
    keyed.save(str(tmp_path / "v.kv"))
    with pytest.raises(VectorsError, match=r"this is a pickle.*save_word2vec_format\('vectors\.bin'"):
        read_source(tmp_path / "v.kv")
