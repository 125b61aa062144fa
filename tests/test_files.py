"""windowclf.files: whole or absent, and nothing mapped that the file does not hold."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from windowclf.arrays import Floats, Ints
from windowclf.errors import ModelFileError, WindowClfError
from windowclf.files import atomic_path, map_arrays, save_arrays, sha256_of, write_text


def _only_entry(folder: Path) -> str:
    (entry,) = folder.iterdir()
    return entry.name


def test_a_file_replaces_the_old_one_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert _only_entry(tmp_path) == "a.txt"


def test_a_directory_replaces_the_old_one_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "stale").touch()
    with atomic_path(target, owned=["stale"]) as temporary:
        temporary.mkdir()
        (temporary / "fresh").touch()
    assert _only_entry(target) == "fresh"
    assert _only_entry(tmp_path) == "model"


def test_what_is_not_owned_stays_in_a_directory(tmp_path: Path) -> None:
    target = tmp_path / "model"
    (target / "photographs").mkdir(parents=True)
    (target / "thesis.pdf").write_text("years of work")
    (target / "stale").touch()
    (target / "fresh").write_text("old")
    with atomic_path(target, owned=["stale", "fresh"]) as temporary:
        temporary.mkdir()
        (temporary / "fresh").write_text("new")
    assert sorted(path.name for path in target.iterdir()) == ["fresh", "photographs", "thesis.pdf"]
    assert (target / "fresh").read_text() == "new"
    assert (target / "thesis.pdf").read_text() == "years of work"


def test_a_file_of_the_same_name_that_is_not_owned_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "notes").write_text("mine")
    with pytest.raises(WindowClfError, match="in the way"), atomic_path(target) as temporary:
        temporary.mkdir()
        (temporary / "notes").write_text("yours")
    assert (target / "notes").read_text() == "mine"
    assert _only_entry(tmp_path) == "model"


def test_the_working_directory_is_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with atomic_path(Path("."), owned=["old"]) as temporary:
        temporary.mkdir()
        (temporary / "fresh").touch()
    assert Path("fresh").exists()
    assert _only_entry(tmp_path) == "fresh"


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_through_a_link_what_it_points_to_is_replaced(kind: str, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    with atomic_path(link) as temporary:
        if kind == "file":
            temporary.write_text("new")
        else:
            temporary.mkdir()
    assert link.is_symlink()
    assert real.is_file() if kind == "file" else real.is_dir()


def test_a_failed_block_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert _only_entry(tmp_path) == "a.txt"


def test_a_failed_block_leaves_the_directory_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "kept").touch()
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.mkdir()
        (temporary / "half").touch()
        raise ZeroDivisionError
    assert _only_entry(target) == "kept"
    assert _only_entry(tmp_path) == "model"


def test_a_block_that_writes_nothing_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_path(target):
        pass
    assert target.read_text() == "old"


def test_a_file_does_not_replace_a_directory(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "kept").touch()
    with pytest.raises(OSError), atomic_path(target) as temporary:
        temporary.write_text("a file")
    assert _only_entry(target) == "kept"


def test_parents_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "x\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"x\n"


def test_sha256_of_the_standard_example(tmp_path: Path) -> None:
    # FIPS 180-2, appendix B.1
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == expected


_DTYPES = st.sampled_from(["<f2", "<f4", "<f8", "<i4", "<i8"])
_ARRAYS = st.dictionaries(
    st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=5),
    _DTYPES.flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    ),
    max_size=4,
)


@given(arrays=_ARRAYS)
def test_arrays_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Floats | Ints]
) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    save_arrays(path, arrays)
    mapped = map_arrays(path)
    assert mapped.keys() == arrays.keys()
    for name, array in arrays.items():
        assert mapped[name].dtype == array.dtype
        assert mapped[name].shape == array.shape
        assert mapped[name].tobytes() == array.tobytes()


def test_arrays_in_column_order_come_back_with_the_same_numbers(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    save_arrays(tmp_path / "a", {"x": array})
    np.testing.assert_array_equal(map_arrays(tmp_path / "a")["x"], array)


def test_mapped_arrays_cannot_be_written(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a", {"x": np.zeros(3)})
    with pytest.raises(ValueError, match="read-only"):
        map_arrays(tmp_path / "a")["x"][0] = 1


def test_saved_arrays_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a", {"x": np.zeros(3)})
    (tmp_path / "plain").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def _file_with(header: object, data: bytes = b"", *, header_size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if header_size is None else header_size).to_bytes(8, "little") + text + data


def _entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


_EIGHT = bytes(8)
_DAMAGED = {
    "empty": b"",
    "shorter than the header's size": b"\x01\x00\x00",
    "header longer than the file": _file_with({}, header_size=1000),
    "header of 2^63 bytes": _file_with({}, header_size=1 << 63),
    "header is not JSON": _file_with(b"{nonsense"),
    "header is not UTF-8": _file_with(b"\xff\xff"),
    "header is a list": _file_with([1]),
    "header is nested without end": _file_with(b"[" * 100_000),
    "entry is no object": _file_with({"x": 3}),
    "entry without shape": _file_with({"x": {"dtype": "F32", "data_offsets": [0, 8]}}, _EIGHT),
    "unknown dtype": _file_with(_entry(dtype="BF16"), _EIGHT),
    "dtype is a list": _file_with(_entry(dtype=["F32"]), _EIGHT),
    "shape is no list": _file_with(_entry(shape=2), _EIGHT),
    "negative shape": _file_with(_entry(shape=[-2]), _EIGHT),
    "fractional shape": _file_with(_entry(shape=[2.0]), _EIGHT),
    "boolean shape": _file_with(_entry(shape=[True], offsets=[0, 4]), _EIGHT),
    "shape beyond memory": _file_with(_entry(shape=[2**62, 2**62]), _EIGHT),
    "empty shape beyond memory": _file_with(_entry(shape=[0, 10**30], offsets=[0, 0])),
    "too many dimensions": _file_with(_entry(shape=[1] * 70, offsets=[0, 4]), _EIGHT),
    "data cut short": _file_with(_entry(), bytes(7)),
    "no data": _file_with(_entry()),
    "offsets beyond the file": _file_with(_entry(offsets=[8, 16]), _EIGHT),
    "negative offset": _file_with(_entry(offsets=[-8, 0]), _EIGHT),
    "offsets in the wrong order": _file_with(_entry(offsets=[8, 0]), _EIGHT),
    "offsets that do not fit the shape": _file_with(_entry(shape=[1]), _EIGHT),
    "three offsets": _file_with(_entry(offsets=[0, 4, 8]), _EIGHT),
}


@pytest.mark.parametrize("content", _DAMAGED.values(), ids=_DAMAGED.keys())
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"a\.safetensors: "):
        map_arrays(path)


def test_the_file_that_the_damaged_ones_are_made_of_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(_file_with(_entry(), np.array([1, 2], "<f4").tobytes()))
    assert map_arrays(tmp_path / "a")["x"].tolist() == [1, 2]


@given(cut=st.integers(0, 200))
def test_every_truncation_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.safetensors"
    save_arrays(path, {"x": np.arange(20, dtype=np.float32), "y": np.arange(3)})
    whole = path.read_bytes()
    path.write_bytes(whole[: min(cut, len(whole) - 1)])
    with pytest.raises(ModelFileError):
        map_arrays(path)
