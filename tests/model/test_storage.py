"""The model directory: whole or absent, the same again, and refused by name where it is damaged."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from windowclf import Config, WindowTagger
from windowclf.arrays import Array
from windowclf.encoding import Encoder, Vocabulary
from windowclf.errors import ModelFileError
from windowclf.files import map_arrays, save_arrays, sha256_of
from windowclf.model import find_model, load_model, save_model
from windowclf.model.storage import FORMAT, FORMAT_VERSION
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]
# the last holds the places of the small corpus, a list of entities
CONTENT = ("config.json", "labels.json", "vocabulary.txt", "model.safetensors", "gazetteer-1.txt")
FILES = (*CONTENT, "manifest.json")


@pytest.fixture
def directory(tagger: WindowTagger, tmp_path: Path) -> Path:
    """Return a saved model, to be damaged at will."""
    tagger.save(tmp_path / "model")
    return tmp_path / "model"


def _files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def _refused(directory: Path) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        load_model(directory)
    assert caught.value.where is not None and caught.value.where.startswith(str(directory))
    return caught.value


def _reseal(directory: Path) -> None:
    """Write the manifest anew, so that only the content itself is wrong."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in directory.iterdir()
        if path.name != "manifest.json"
    }
    manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, "files": files}
    (directory / "manifest.json").write_text(json.dumps(manifest))


def _change_json(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def _change_arrays(directory: Path, change: Callable[[dict[str, Array]], object]) -> None:
    path = directory / "model.safetensors"
    arrays = {name: np.array(array) for name, array in map_arrays(path).items()}
    change(arrays)
    path.unlink()
    save_arrays(path, arrays)


# -- whole and the same ------------------------------------------------------------------------------


def test_a_loaded_model_says_what_the_saved_one_said(
    tagger: WindowTagger, directory: Path, corpus: Labelled
) -> None:
    loaded = WindowTagger.load(directory)
    sentences = [*corpus[0], ["qwx", "PARIS", "😀"], []]
    assert loaded.predict(sentences) == tagger.predict(sentences)
    for there, here in zip(loaded.predict_proba(sentences), tagger.predict_proba(sentences), strict=True):
        assert there.tobytes() == here.tobytes()


def test_a_loaded_model_is_the_saved_one_in_every_part(tagger: WindowTagger, directory: Path) -> None:
    saved, loaded = tagger.model, load_model(directory)
    assert loaded.config == saved.config
    assert loaded.info == saved.info
    assert loaded.vocabulary.words == saved.vocabulary.words
    assert loaded.vocabulary.training_counts == saved.vocabulary.training_counts
    for name in ("names", "scheme", "internal_scheme", "ignore"):
        assert getattr(loaded.labels, name) == getattr(saved.labels, name)
    assert [(own.text, own.case) for own in loaded.gazetteers] == [
        (own.text, own.case) for own in saved.gazetteers
    ]
    assert loaded.parameters.keys() == saved.parameters.keys()
    for name, parameter in saved.parameters.items():
        assert loaded.parameters[name].dtype == parameter.dtype
        np.testing.assert_array_equal(loaded.parameters[name], parameter)


def test_two_saves_give_the_same_bytes(tagger: WindowTagger, tmp_path: Path) -> None:
    versions = [tagger.save(tmp_path / name) for name in ("first", "second")]
    assert _files(tmp_path / "first") == _files(tmp_path / "second")
    assert versions[0] == versions[1]


def test_a_loaded_model_saves_to_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    WindowTagger.load(directory).save(tmp_path / "again")
    assert _files(tmp_path / "again") == _files(directory)


def test_the_version_is_the_hash_of_the_manifest(tagger: WindowTagger, directory: Path) -> None:
    version = sha256_of(directory / "manifest.json")
    assert tagger.save(directory) == version
    assert load_model(directory).version == version


def test_a_model_is_these_files_and_no_code(directory: Path) -> None:
    assert sorted(_files(directory)) == sorted(FILES)


def test_words_of_any_characters_come_back(tagger: WindowTagger, tmp_path: Path) -> None:
    odd = ["\r", "\x00", "\u2028", "\x85", "\ufeff", "a b", "😀", "שלום", '"\\', " "]
    old = tagger.model.encoder
    plain = old.vocabulary.words
    vocabulary = Vocabulary([*odd, *plain[len(odd) :]], {"\x1c": 2, "\r": 1, "😀": 3})
    save_model(
        replace(tagger.model, encoder=Encoder(vocabulary, old.features, old.gazetteers, old.columns)),
        tmp_path / "model",
    )
    loaded = load_model(tmp_path / "model").vocabulary
    assert loaded.words == vocabulary.words
    assert loaded.training_counts == vocabulary.training_counts


def test_saving_replaces_the_old_model(tagger: WindowTagger, directory: Path) -> None:
    (directory / "gazetteer-2.txt").touch()  # of a model with more lists
    _change_json(directory / "manifest.json", lambda m: m | {"files": m["files"] | {"gazetteer-2.txt": {}}})
    tagger.save(directory)
    assert sorted(_files(directory)) == sorted(FILES)


def test_a_save_that_fails_leaves_the_old_model_whole_and_nothing_beside_it(
    tagger: WindowTagger, directory: Path
) -> None:
    before = _files(directory)
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_model(replace(tagger.model, info={"what": object()}), directory)
    assert _files(directory) == before
    assert [path.name for path in directory.parent.iterdir()] == ["model"]


# -- damage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("name", CONTENT)
def test_a_flipped_bit_is_found(name: str, place: float, directory: Path) -> None:
    content = bytearray((directory / name).read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    (directory / name).write_bytes(content)
    error = _refused(directory)
    assert error.where == str(directory / name)
    assert "changed or damaged" in error.problem


def test_a_flipped_bit_of_the_manifest_is_found_wherever_it_is(directory: Path) -> None:
    whole = (directory / "manifest.json").read_bytes()
    for place in range(0, len(whole), 5):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        (directory / "manifest.json").write_bytes(flipped)
        _refused(directory)


@pytest.mark.parametrize("size", [0, 1, 40, -1])
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_found(name: str, size: int, directory: Path) -> None:
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content[:size])
    if name == "manifest.json" and size == -1:
        load_model(directory)  # only its last line end is gone: it is still the same manifest
    else:
        assert _refused(directory).where == str(directory / name)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name: str, directory: Path) -> None:
    (directory / name).unlink()
    error = _refused(directory)
    assert error.where == str(directory / name)
    assert "missing" in error.problem


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": 0},
        {"format_version": FORMAT_VERSION + 1},
        {"format_version": "1"},
        {"format_version": None},
        {"format": "other"},
    ],
)
def test_another_format_or_version_is_refused_with_advice(changes: dict[str, Any], directory: Path) -> None:
    _change_json(directory / "manifest.json", lambda manifest: manifest | changes)
    error = _refused(directory)
    assert error.where == str(directory / "manifest.json")
    assert "another format, or another version" in error.problem
    assert error.hint is not None and "Train the model again" in error.hint


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"PK\x03\x04", b"[]", b"null", b'"windowclf model"', b"[" * 100_000],
    ids=["empty", "cut", "not UTF-8", "zip", "list", "null", "string", "deep"],
)
def test_a_manifest_that_is_no_json_object_is_refused(content: bytes, directory: Path) -> None:
    (directory / "manifest.json").write_bytes(content)
    assert _refused(directory).where == str(directory / "manifest.json")


@pytest.mark.parametrize("files", [None, [], {}, {"config.json": "x"}, "config.json"])
def test_a_manifest_that_does_not_list_a_file_is_refused(files: Any, directory: Path) -> None:
    _change_json(directory / "manifest.json", lambda manifest: manifest | {"files": files})
    assert "does not list a file" in _refused(directory).problem


# -- content that its manifest vouches for, but that is no model -------------------------------------


def _put(name: str, array: Array) -> Callable[[dict[str, Array]], object]:
    return lambda arrays: arrays.update({name: array})


def _plant(name: str, value: float) -> Callable[[dict[str, Array]], object]:
    return lambda arrays: arrays[name].reshape(-1).__setitem__(-1, value)


@pytest.mark.parametrize(
    "change, problem",
    [
        (_put("output.b", np.zeros(99, np.float32)), "array 'output.b' does not fit"),
        (_put("hidden1.W", np.zeros((12, 12), np.float32)), "array 'hidden1.W' does not fit"),
        (_put("hidden1.b", np.zeros((12, 1), np.float32)), "array 'hidden1.b' does not fit"),
        (_put("hidden2.W", np.zeros((12, 12), np.float32)), "array 'hidden2.W' does not fit"),
        (lambda arrays: arrays.pop("special"), "array 'special' does not fit"),
        (lambda arrays: arrays.pop("vectors"), "no array of word vectors"),
        (_put("vectors", np.zeros(5, np.float32)), "no array of word vectors"),
        (_put("output.b", np.zeros(3, np.int64)), "array 'output.b' holds no floating-point numbers"),
        (_put("tuned_vectors", np.zeros((1, 7), np.float32)), "array 'tuned_vectors' does not fit"),
        (_plant("vectors", np.nan), "array 'vectors' holds values that are not finite"),
        (_plant("affixes", np.nan), "array 'affixes' holds values that are not finite"),
        (_plant("output.W", np.inf), "array 'output.W' holds values that are not finite"),
        (_plant("output.b", -np.inf), "array 'output.b' holds values that are not finite"),
    ],
)
def test_arrays_that_are_no_network_are_refused(
    change: Callable[[dict[str, Array]], object], problem: str, directory: Path
) -> None:
    _change_arrays(directory, change)
    _reseal(directory)
    error = _refused(directory)
    assert error.where == str(directory / "model.safetensors")
    assert problem in error.problem


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("tuned_vectors"),
        lambda arrays: arrays.update(tuned_vectors=arrays["tuned_vectors"][:, 1:]),
        lambda arrays: arrays.update(tuned_vectors=np.concatenate([arrays["vectors"], arrays["vectors"]])),
        lambda arrays: arrays.update(tuned_vectors=arrays["tuned_vectors"][0, 0]),
        lambda arrays: arrays["tuned_vectors"].__setitem__((0, 0), np.nan),
    ],
    ids=["missing", "narrow", "more than vectors", "a number", "not finite"],
)
def test_a_second_channel_that_does_not_fit_is_refused(
    change: Callable[[dict[str, Array]], object],
    quick: Config,
    vectors: WordVectors,
    corpus: Labelled,
    tmp_path: Path,
) -> None:
    config = replace(quick, model=replace(quick.model, tuning="two-channel"))
    WindowTagger(config, vectors=vectors).fit(*corpus).save(tmp_path / "model")
    load_model(tmp_path / "model")
    _change_arrays(tmp_path / "model", change)
    _reseal(tmp_path / "model")
    assert "array 'tuned_vectors'" in _refused(tmp_path / "model").problem


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("training_counts"),
        lambda arrays: arrays.update(training_counts=arrays["training_counts"][:-1]),
        lambda arrays: arrays.update(training_counts=arrays["training_counts"][:, None]),
        lambda arrays: arrays.update(training_counts=arrays["training_counts"].astype(np.float32)),
        lambda arrays: arrays["training_counts"].__setitem__(0, -1),
    ],
    ids=["missing", "short", "matrix", "floats", "negative"],
)
def test_counts_that_are_no_counts_are_refused(
    change: Callable[[dict[str, Array]], object], directory: Path
) -> None:
    _change_arrays(directory, change)
    _reseal(directory)
    _refused(directory)


def _safetensors(dtype: str, shape: list[int], content: bytes) -> bytes:
    header = json.dumps({"vectors": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(content)]}})
    return len(header).to_bytes(8, "little") + header.encode() + content


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
        _safetensors("pickle", [1], b"\x80\x04N."),
        _safetensors("BF16", [2], b"\x00" * 4),
        _safetensors("F32", [10**12], b"\x00" * 4),
        _safetensors("F32", [-1], b"\x00" * 4),
        (2**62).to_bytes(8, "little") + b"{}",
        b"",
    ],
    ids=["a pickle", "dtype pickle", "unknown dtype", "a terabyte", "negative", "endless header", "empty"],
)
def test_a_file_of_arrays_that_is_none_is_refused(content: bytes, directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(content)
    _reseal(directory)
    assert _refused(directory).where == str(directory / "model.safetensors")


def _with(value: Any, changed: dict[str, Any], *path: str) -> Any:
    """Return nested mappings with changes at a place."""
    if not path:
        return value | changed
    return value | {path[0]: _with(value[path[0]], changed, *path[1:])}


@pytest.mark.parametrize(
    "name, change",
    [
        ("labels.json", lambda value: value | {"labels": [*value["labels"], "B-NEW"]}),
        ("labels.json", lambda value: value | {"labels": value["labels"][:-1]}),
        ("labels.json", lambda value: value | {"labels": ["O", "O", "O"]}),
        ("labels.json", lambda value: value | {"labels": "OBI"}),
        ("labels.json", lambda value: value | {"labels": [1, 2, 3]}),
        ("labels.json", lambda value: value | {"scheme": "BIO"}),
        ("labels.json", lambda value: {}),
        ("labels.json", lambda value: []),
        ("config.json", lambda value: {}),
        ("config.json", lambda value: []),
        ("config.json", lambda value: value | {"config": []}),
        ("config.json", lambda value: value | {"config": None}),
        ("config.json", lambda value: value | {"config": {"model": {"windows": 5}}}),
        ("config.json", lambda value: value | {"config": {"model": {"window": 4}}}),
        ("config.json", lambda value: value | {"config": {"model": {"window": 7}}}),
        ("config.json", lambda value: _with(value, {"affix_dimension": -1}, "config", "features")),
        ("config.json", lambda value: _with(value, {"spans": {"slope": 1}}, "correction")),
        ("config.json", lambda value: _with(value, {"spans": [1, 0]}, "correction")),
        ("config.json", lambda value: _with(value, {"temperature": 0}, "correction")),
        ("config.json", lambda value: _with(value, {"temperature": 10**400}, "correction")),
        ("config.json", lambda value: _with(value, {"outside_cost": float("nan")}, "correction")),
        ("config.json", lambda value: value | {"info": 5}),
    ],
)
def test_a_description_that_fits_no_model_is_refused(
    name: str, change: Callable[[Any], Any], directory: Path
) -> None:
    _change_json(directory / name, change)
    _reseal(directory)
    _refused(directory)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"more\n",
        lambda content: content.split(b"\n", 1)[1],
        lambda content: b"",
        lambda content: b"\xff" + content[1:],
    ],
    ids=["a word more", "a word less", "empty", "not UTF-8"],
)
def test_a_vocabulary_that_does_not_fit_is_refused(change: Callable[[bytes], bytes], directory: Path) -> None:
    path = directory / "vocabulary.txt"
    path.write_bytes(change(path.read_bytes()))
    _reseal(directory)
    assert _refused(directory).where == str(path)


# -- where a model is --------------------------------------------------------------------------------


def test_a_model_is_found_by_its_path(directory: Path) -> None:
    assert find_model(str(directory)) == directory


def test_a_run_directory_stands_for_the_model_in_it(directory: Path) -> None:
    assert load_model(directory.parent).version == load_model(directory).version


@pytest.mark.parametrize("name", ["missing", "", "a/b", "\x00", pytest.param("x" * 5000, id="too long")])
def test_a_model_that_is_nowhere_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFileError) as caught:
        find_model(name) if name else load_model(tmp_path)
    assert str(caught.value)
    assert caught.value.where == (name or str(tmp_path / "manifest.json"))


def test_a_file_is_no_model(directory: Path) -> None:
    with pytest.raises(ModelFileError, match="no such model; found 'a file'"):
        find_model(str(directory / "config.json"))


def test_an_empty_directory_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="a file of the model is missing"):
        WindowTagger.load(tmp_path)


def test_loading_maps_the_arrays_and_changes_nothing(
    directory: Path, vectors: WordVectors, corpus: Labelled
) -> None:
    before = _files(directory)
    loaded = WindowTagger.load(directory)
    loaded.predict(corpus[0])
    assert not any(parameter.flags.writeable for parameter in loaded.model.parameters.values())
    assert _files(directory) == before
