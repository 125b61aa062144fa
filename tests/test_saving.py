"""Saving a model or a run never touches a file that is not its own."""

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from windowclf import WindowClfError, WindowTagger
from windowclf.errors import ModelFileError
from windowclf_cli.main import cli

MODEL_FILES = ["config.json", "gazetteer-1.txt", "labels.json", "manifest.json", "model.safetensors"]
MODEL_FILES += ["vocabulary.txt"]
# what people keep, some of it under names that a model or a run uses
NAMES = [
    "thesis.docx",
    ".hidden",
    "a b\n c.jpg",
    "model.safetensors",
    "manifest.json",
    "gazetteer-7.txt",
    "columns.json",
    "config.toml",
    "metrics.jsonl",
    "run.json",
    "model",
    "😀",
]
KINDS = st.sampled_from(["file", "JSON", "directory", "link", "dangling link"])


def put(path: Path, kind: str) -> None:
    """Make an entry of a directory."""
    if kind == "directory":
        path.mkdir()
        (path / "photograph.jpg").write_bytes(b"smile")
    elif kind == "link":
        path.symlink_to(path.parent.parent / "elsewhere")
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    else:
        path.write_text('{"format": "web app", "versions": 3}' if kind == "JSON" else "mine")


def contents(directory: Path) -> dict[str, object]:
    """Return everything below a directory: bytes of files, targets of links."""
    found: dict[str, object] = {}
    for folder, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = Path(folder) / name
            found[str(path.relative_to(directory))] = (
                os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            )
    return found


@settings(max_examples=25)
@given(entries=st.dictionaries(st.sampled_from(NAMES), KINDS, min_size=1, max_size=4))
def test_a_directory_of_other_things_is_refused_and_left_as_it_was(
    entries: dict[str, str], tagger: WindowTagger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("strange")
    (root / "elsewhere").write_text("linked")
    (root / "documents").mkdir()
    for name, kind in entries.items():
        put(root / "documents" / name, kind)
    before = contents(root)
    with pytest.raises(ModelFileError, match="not empty and holds no model"):
        tagger.save(root / "documents")
    arguments = ["--train", "sample:train", "--out", str(root / "documents"), "--force"]
    for command in (["train", *arguments], ["train", *arguments[:-1]]):
        result = CliRunner().invoke(cli, command)
        assert result.exit_code == 2
        assert "not empty and holds no run" in result.stderr
    assert contents(root) == before


@settings(max_examples=25)
@given(entries=st.dictionaries(st.sampled_from(sorted({*NAMES} - {*MODEL_FILES})), KINDS, max_size=4))
def test_beside_a_model_other_things_stay(
    entries: dict[str, str], tagger: WindowTagger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("mixed")
    (root / "elsewhere").write_text("linked")
    tagger.save(root / "model")
    (root / "model" / "vocabulary.txt").write_text("damaged")
    before = contents(root)
    for name, kind in entries.items():
        put(root / "model" / name, kind)
    added = {name: value for name, value in contents(root).items() if name not in before}
    version = tagger.save(root / "model")
    after = contents(root)
    assert {name: after[name] for name in added} == added
    assert after.keys() == before.keys() | added.keys()
    if not any(name.startswith(("gazetteer", "columns")) for name in entries):  # the model would read these
        assert WindowTagger.load(root / "model").model.version == version


def test_a_file_of_ours_that_is_a_link_is_replaced_and_what_it_points_to_is_not(
    tagger: WindowTagger, tmp_path: Path
) -> None:
    tagger.save(tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.rename(tmp_path / "weights")
    weights.symlink_to(tmp_path / "weights")
    before = (tmp_path / "weights").read_bytes()
    (tmp_path / "weights").write_bytes(before)
    tagger.save(tmp_path / "model")
    assert not weights.is_symlink()
    assert (tmp_path / "weights").read_bytes() == before


def test_a_directory_of_the_name_of_a_file_of_ours_is_in_the_way(
    tagger: WindowTagger, tmp_path: Path
) -> None:
    tagger.save(tmp_path / "model")
    (tmp_path / "model" / "labels.json").unlink()
    put(tmp_path / "model" / "labels.json", "directory")
    before = contents(tmp_path)
    with pytest.raises(WindowClfError, match=r"labels\.json: this is in the way"):
        tagger.save(tmp_path / "model")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("kind", ["file", "JSON"])
def test_a_file_is_refused(kind: str, tagger: WindowTagger, tmp_path: Path) -> None:
    put(tmp_path / "model", kind)
    before = contents(tmp_path)
    with pytest.raises(ModelFileError, match="this is a file; a model needs a directory"):
        tagger.save(tmp_path / "model")
    assert contents(tmp_path) == before


def test_a_link_to_a_model_goes_on_pointing_to_it(tagger: WindowTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path / "first")
    (tmp_path / "latest").symlink_to("first")
    tagger.save(tmp_path / "latest")
    assert os.readlink(tmp_path / "latest") == "first"
    assert sorted(os.listdir(tmp_path / "first")) == MODEL_FILES
    assert sorted(os.listdir(tmp_path)) == ["first", "latest"]


def test_an_empty_working_directory_can_be_saved_to_and_saved_to_again(
    tagger: WindowTagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        tagger.save(".")
        assert sorted(os.listdir(".")) == MODEL_FILES  # the process still stands in it
    assert WindowTagger.load(".").labels == tagger.labels


def test_in_a_run_directory_the_model_is_replaced_and_the_record_stays(
    tagger: WindowTagger, sample_model: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (run / "model").mkdir(parents=True)
    for name in ("run.json", "config.toml", "metrics.jsonl"):
        (run / name).write_bytes((sample_model / name).read_bytes())
    before = contents(run)
    version = tagger.save(run)
    assert {name: contents(run)[name] for name in before} == before
    assert WindowTagger.load(run).model.version == version


@pytest.mark.skipif(sys.platform != "linux", reason="needs a place that even root cannot write to")
def test_without_permission_the_error_names_the_place(tagger: WindowTagger) -> None:
    with pytest.raises(OSError, match="/proc"):
        tagger.save("/proc/model")


def test_quickstart_leaves_other_files_alone(tmp_path: Path) -> None:
    out = tmp_path / "quickstart"
    (out / "tuned").mkdir(parents=True)
    (out / "thesis").write_text("mine")
    put(out / "tuned" / "photographs", "directory")
    before = contents(out)
    result = CliRunner().invoke(cli, ["quickstart", "--out", str(out), "--force"])
    assert result.exit_code == 2
    assert "not empty and holds no run" in result.stderr
    assert contents(out) == before


def test_a_study_does_not_begin_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("mine")
    parts = [f"--{part}=sample:{part}" for part in ("train", "dev", "test")]
    result = CliRunner().invoke(cli, ["experiment", "tuning", *parts, "--out", str(tmp_path), "--no-report"])
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert contents(tmp_path) == {"thesis": b"mine"}


def test_a_model_of_a_foreign_manifest_is_no_model(tagger: WindowTagger, tmp_path: Path) -> None:
    manifest = {"format": "somebody else's", "files": {"config.json": {}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "config.json").write_text("theirs")
    before = contents(tmp_path)
    with pytest.raises(ModelFileError, match="holds no model"):
        tagger.save(tmp_path)
    assert contents(tmp_path) == before
