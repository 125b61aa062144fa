"""The model directory: data files and a manifest with the size and hash of each; no code, no pickle.

`config.json`, `labels.json`, `vocabulary.txt`, `model.safetensors`, the phrases of each gazetteer
(`gazetteer-1.txt` and so on) and the values of columns (`columns.json`) are listed in `manifest.json`.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Thread

import numpy as np

from windowclf.arrays import Array, Ints
from windowclf.config import Config
from windowclf.config_io import config_from_dict, config_to_dict
from windowclf.corpus import LabelSet, Scheme
from windowclf.encoding import (
    NO_COLUMNS,
    ColumnValues,
    Encoder,
    Gazetteer,
    Gazetteers,
    Match,
    Vocabulary,
    WordFeatures,
    WordLines,
    is_entity_list,
)
from windowclf.errors import ConfigError, ModelFileError
from windowclf.files import (
    TRAIN_AGAIN,
    atomic_path,
    is_run,
    map_arrays,
    read_json,
    save_arrays,
    sha256_of,
    write_json,
)
from windowclf.model.calibration import read_calibration
from windowclf.model.ensemble import build_members, ensemble_shapes, vectors_of
from windowclf.model.parameters import parameter_shapes
from windowclf.model.trained import TrainedModel

MANIFEST = "manifest.json"
FORMAT = "windowclf model"
FORMAT_VERSION = 3
_FILES = ("config.json", "labels.json", "vocabulary.txt", "model.safetensors")
_COLUMNS = "columns.json"
_COUNTS = "training_counts"


def check_savable(directory: Path) -> tuple[Path, set[str]]:
    """Return where a model saved to `directory` is written (in a run: `model` in it), and what it replaces.

    A file, or a directory that is not empty and holds no model, is a ModelFileError.
    """
    if is_run(directory):
        directory /= "model"
    if directory.exists() and not directory.is_dir():
        raise ModelFileError("this is a file; a model needs a directory", where=str(directory))
    known = (*_FILES, _COLUMNS, MANIFEST)
    is_phrases = re.compile(_gazetteer_file(r"\d+")).fullmatch
    owned = {name for name in _listed_files(directory) if name in known or is_phrases(name)}
    if not owned and directory.is_dir() and any(directory.iterdir()):
        raise ModelFileError(
            "this directory is not empty and holds no model",
            where=str(directory),
            hint="Give a new or empty directory, or delete what is in it.",
        )
    return directory, owned


def save_model(model: TrainedModel, directory: Path) -> str:
    """Write a model directory and return its version (the manifest's SHA-256).

    What `check_savable` returns is replaced, with its errors; other files are left alone.
    """
    directory, owned = check_savable(directory)
    words, counts = _lines_and_counts(model.vocabulary)
    config, calibration = config_to_dict(model.config), asdict(model.calibration)
    labels = {
        "labels": model.labels.names,
        "scheme": model.labels.scheme,
        "inner_scheme": model.labels.internal_scheme,
        "ignore": model.labels.ignore,
    }
    with atomic_path(directory, owned=owned) as temporary:
        temporary.mkdir()
        described = {"config": config, "info": model.info, "correction": calibration}
        write_json(temporary / "config.json", described)
        write_json(temporary / "labels.json", labels)
        (temporary / "vocabulary.txt").write_bytes("\n".join([*words, ""]).encode())
        save_arrays(temporary / "model.safetensors", {**model.parameters, _COUNTS: counts})
        lists = {_gazetteer_file(i): gazetteer for i, gazetteer in enumerate(model.gazetteers, 1)}
        for name, gazetteer in lists.items():
            (temporary / name).write_bytes(gazetteer.text.encode())
        names = [*_FILES, *lists]
        if model.config.features.columns:
            write_json(temporary / _COLUMNS, {"values": model.columns.values})
            names.append(_COLUMNS)
        return _write_manifest(temporary, names)


def load_model(directory: Path) -> TrainedModel:
    """Verify and open a model directory, or a run directory that holds one as `model`.

    It is a ModelFileError if a file is missing, cut short or changed, the format version is another, or the
    arrays do not have the shapes of the configuration or are not finite.
    """
    if not (directory / MANIFEST).exists() and (directory / "model" / MANIFEST).exists():
        directory = directory / "model"
    gazetteers = sorted(path.name for path in directory.glob(_gazetteer_file("*")))
    columns = [_COLUMNS] if (directory / _COLUMNS).exists() else []
    with _verified(directory, [*_FILES, *gazetteers, *columns]):
        return _read_model(directory)


def find_model(name: str) -> Path:
    """Return the directory of a model, given its path or a shipped model's name; else a ModelFileError."""
    if os.path.isdir(name):  # unlike Path.is_dir, False for names that no directory can have
        return Path(name)
    from importlib import resources  # a path needs no such search

    shipped = Path(str(resources.files("windowclf_data"))) / "models"
    names = sorted(entry.name for entry in shipped.iterdir()) if shipped.is_dir() else []
    if name in names:
        return shipped / name
    raise ModelFileError(
        "no such model",
        where=name,
        found="a file" if os.path.exists(name) else None,
        allowed="a model directory" + (f", or a shipped model: {', '.join(names)}" if names else ""),
        hint="`windowclf train … --out DIR` makes one; `windowclf quickstart` makes two at once.",
    )


def _lines_and_counts(vocabulary: Vocabulary) -> tuple[list[str], Ints]:
    """Return the words with vectors, then those of training without one, and the counts of all words."""
    counts = vocabulary.training_counts
    # the training words are looked up one by one: a set of all words would take more memory than training
    found = zip(counts, vocabulary.find_all(counts), strict=True)
    without = sorted(word for word, (_, match) in found if match is not Match.EXACT)
    words = vocabulary.words + without
    return words, np.array([counts.get(word, 0) for word in words], dtype=np.int64)


def _damaged(message: str, path: Path, found: object = None, allowed: str | None = None) -> ModelFileError:
    return ModelFileError(message, where=str(path), found=found, allowed=allowed, hint=TRAIN_AGAIN)


def _read_model(directory: Path) -> TrainedModel:
    stored = read_json(directory / "config.json")
    try:
        config = config_from_dict(stored["config"], where=str(directory / "config.json"))
        if config.features.affix_dimension < 0:
            raise ValueError("features.affix_dimension is left open")
        info = dict(stored["info"])
        calibration = read_calibration(stored["correction"])
        stored_labels = read_json(directory / "labels.json")
        stored_schemes = stored_labels["scheme"], stored_labels["inner_scheme"]
        scheme, internal = [None if name is None else Scheme(name) for name in stored_schemes]
        names = stored_labels["labels"]
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise ValueError(f"labels {names}")
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError(f"too few labels, or one that comes twice: {names}")
        labels = LabelSet(names, scheme, internal, stored_labels["ignore"])
    except (AttributeError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise _damaged("the model's description is malformed", directory, found=str(error)) from error
    arrays = map_arrays(directory / "model.safetensors")
    counts = arrays.pop(_COUNTS, np.zeros(0, np.int64))
    columns = _read_columns(directory / _COLUMNS, config)
    _verify_arrays(arrays, config, len(labels), len(columns), directory / "model.safetensors")
    vectors = vectors_of(arrays)
    assert vectors is not None  # it was verified
    vocabulary = _read_vocabulary(directory / "vocabulary.txt", len(vectors), counts)
    gazetteers = _read_gazetteers(directory, config)
    encoder = Encoder(vocabulary, WordFeatures(config.features), gazetteers, columns)
    members = build_members(config, arrays)
    return TrainedModel(config, labels, encoder, members, info, calibration, sha256_of(directory / MANIFEST))


def _read_vocabulary(path: Path, n_vectors: int, counts: Ints) -> Vocabulary:
    try:
        words = WordLines(path.read_bytes())
    except UnicodeDecodeError as error:
        raise _damaged("not UTF-8 text", path, found=str(error)) from error
    is_counts = counts.dtype.kind == "i" and counts.ndim == 1 and not (counts < 0).any()
    if not is_counts or len(words) != len(counts) or len(words) < n_vectors:
        found = f"{len(words)} words, {counts.dtype} counts of shape {counts.shape}, {n_vectors} vectors"
        raise _damaged("the vocabulary does not fit the arrays", path, found=found)
    (lines,) = counts.nonzero()
    seen = dict(zip(words.take(lines), counts[lines].tolist(), strict=True))
    return Vocabulary(words.first(n_vectors), seen)


def _gazetteer_file(number: int | str) -> str:
    return f"gazetteer-{number}.txt"


def _read_gazetteers(directory: Path, config: Config) -> Gazetteers:
    gazetteers = []
    for i, name in enumerate(config.features.gazetteers, 1):
        path = directory / _gazetteer_file(i)
        try:
            text = path.read_bytes().decode()
        except FileNotFoundError as error:
            raise _damaged("a file of the model is missing", path) from error
        except UnicodeDecodeError as error:
            raise _damaged("not UTF-8 text", path, found=str(error)) from error
        if not text.endswith("\n") and (text or not is_entity_list(name)):
            raise _damaged("not whole lines of phrases", path)
        gazetteers.append(Gazetteer(text, case=config.features.gazetteer_case))
    return Gazetteers(gazetteers)


def _read_columns(path: Path, config: Config) -> ColumnValues:
    names = config.features.columns
    if not names:
        return NO_COLUMNS
    stored = read_json(path).get("values")
    if not isinstance(stored, dict) or stored.keys() != set(names):
        message = "not the values of the columns that the model takes"
        raise _damaged(message, path, allowed=", ".join(names))
    for name, values in stored.items():
        is_list = isinstance(values, list) and all(isinstance(value, str) for value in values)
        if not is_list or len(set(values)) < len(values):
            raise _damaged(f"the values of the column {name!r} are no list of different strings", path)
    return ColumnValues({name: stored[name] for name in names})


def _verify_arrays(
    arrays: Mapping[str, Array], config: Config, n_labels: int, n_values: int, path: Path
) -> None:
    vectors = vectors_of(arrays)
    if vectors is None or vectors.ndim != 2:
        raise _damaged("no array of word vectors", path)
    tuned = vectors_of(arrays, "tuned_vectors")
    n_tuned = tuned.shape[0] if tuned is not None and tuned.ndim else None
    size = len(vectors), vectors.shape[1], n_labels
    shapes = parameter_shapes(config.model, config.features, *size, n_tuned=n_tuned, n_values=n_values)
    expected = ensemble_shapes(config, shapes)
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected:
        wrong = min(name for name in expected.keys() | found if expected.get(name) != found.get(name))
        raise _damaged(
            f"array {wrong!r} does not fit the configuration",
            path,
            found=found.get(wrong, "nothing"),
            allowed=str(expected.get(wrong, "nothing")),
        )
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise _damaged(f"array {name!r} holds no floating-point numbers", path, found=str(array.dtype))
        if not np.isfinite(array).all():
            raise _damaged(f"array {name!r} holds values that are not finite", path)


def _write_manifest(directory: Path, names: Sequence[str]) -> str:
    """Write the manifest of some files and return its SHA-256."""
    files = {
        name: {"bytes": (directory / name).stat().st_size, "sha256": sha256_of(directory / name)}
        for name in names
    }
    manifest = directory / MANIFEST
    write_json(manifest, {"format": FORMAT, "format_version": FORMAT_VERSION, "files": files})
    return sha256_of(manifest)


def _listed_files(directory: Path) -> set[str]:
    """Return the names in a model's manifest and its own; none if there is no manifest of a model."""
    try:
        manifest = read_json(directory / MANIFEST)
    except ModelFileError:
        return set()
    files = manifest.get("files")
    return {MANIFEST, *files} if manifest.get("format") == FORMAT and isinstance(files, dict) else set()


@contextmanager
def _verified(directory: Path, names: Sequence[str]) -> Iterator[None]:
    """Verify the files of a directory while the block reads them: hashing lets other threads work.

    If a file is damaged, that error is raised, whatever the block raised.
    """
    faults: list[Exception] = []

    def verify() -> None:
        try:
            _verify_files(directory, names)
        except Exception as error:
            faults.append(error)

    hashing = Thread(target=verify, name="verification")
    hashing.start()
    try:
        yield
    finally:
        hashing.join()
        if faults:
            raise faults[0] from None


def _verify_files(directory: Path, names: Sequence[str]) -> None:
    manifest = read_json(directory / MANIFEST)
    version = manifest.get("format_version")
    if manifest.get("format") != FORMAT or version != FORMAT_VERSION:
        raise ModelFileError(
            "another format, or another version of it",
            where=str(directory / MANIFEST),
            found=f"{manifest.get('format')!r} version {version!r}",
            allowed=f"{FORMAT!r} version {FORMAT_VERSION}",
            hint="Train the model again with this windowclf, or open it with the one that made it.",
        )
    files = manifest.get("files")
    for name in names:
        entry = files.get(name) if isinstance(files, dict) else None
        if not isinstance(entry, dict):
            raise ModelFileError("the manifest does not list a file", where=str(directory), found=name)
        _verify_file(directory / name, entry)


def _verify_file(path: Path, entry: Mapping[str, object]) -> None:
    if not path.is_file():
        raise _damaged("a file of the model is missing", path)
    if (size := path.stat().st_size) != entry.get("bytes"):
        message = "a file of the model has another size than its manifest says"
        raise _damaged(message, path, found=f"{size} bytes", allowed=f"{entry.get('bytes')} bytes")
    if (digest := sha256_of(path)) != (allowed := entry.get("sha256")):
        message = "a file of the model was changed or damaged"
        raise _damaged(message, path, found=f"SHA-256 {digest}", allowed=f"{allowed}")
