"""Corpora by name: what ships, the catalogue, and files."""

import hashlib
import os
from itertools import chain
from pathlib import Path

import pytest

from windowclf.config import DataConfig
from windowclf.corpus import (
    PARTS,
    ReadOptions,
    locate,
    options_of,
    read_catalog,
    read_labelled,
    read_sentences,
)
from windowclf.corpus.catalog import ModuloSplit
from windowclf.errors import DataError, FetchError

CORPORA = os.environ.get("WINDOWCLF_CORPORA", "")
needs_corpora = pytest.mark.skipif(not CORPORA, reason="WINDOWCLF_CORPORA does not name the real corpora")


@pytest.fixture
def no_corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder of corpora, so that none is on this machine."""
    monkeypatch.setenv("WINDOWCLF_CORPORA", str(tmp_path))
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("part, n_sentences", [("train", 400), ("dev", 100), ("test", 100)])
def test_the_sample_ships_in_three_parts(part: str, n_sentences: int) -> None:
    sentences = read_labelled(f"sample:{part}", ReadOptions())
    assert len(sentences) == n_sentences
    assert all(sentence.labels is not None for sentence in sentences)


def test_the_parts_of_the_sample_share_no_sentence() -> None:
    parts = [{s.tokens for s in read_sentences(f"sample:{part}", ReadOptions())} for part in PARTS]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_a_corpus_that_is_known_keeps_its_format_whatever_the_options_say() -> None:
    odd = ReadOptions(format="jsonl", token_column=5, label_column=3, separator=";")
    assert read_labelled("sample:dev", odd) == read_labelled("sample:dev", ReadOptions())


def test_a_file_is_read_as_the_options_say(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("B-LOC;x;Paris\nO;x;shines\n")
    options = ReadOptions(format="conll", token_column=2, label_column=0, separator=";")
    (sentence,) = read_labelled(str(path), options)
    assert (sentence.tokens, sentence.labels) == (("Paris", "shines"), ("B-LOC", "O"))


def test_a_file_of_that_very_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sample:dev").write_text("mine\tX\n")
    (sentence,) = read_labelled("sample:dev", ReadOptions())
    assert sentence.tokens == ("mine",)


@pytest.mark.parametrize(
    "name",
    [
        "-",
        "missing.conll",
        "dir/a:train",
        "C:\\data\\train.conll",
        "a:b",
        "",
        pytest.param("x" * 5000, id="too long"),
    ],
)
def test_what_is_no_known_name_is_taken_as_a_path(name: str) -> None:
    assert locate(name).path == name
    assert locate(name).split is None


@pytest.mark.parametrize(
    "name, problem, hint",
    [
        ("sample:training", "sample has no such part", None),
        ("sample:", "sample has no such part", None),
        ("wikigold:all", "wikigold has no such part", None),
        ("smaple:train", "no corpus of this name", "Did you mean 'sample'?"),
        ("wnut:dev", "no corpus of this name", "Did you mean 'wnut17'?"),
        ("xyzzy:dev", "no corpus of this name", None),
    ],
)
def test_a_name_that_is_not_known_is_refused_with_the_nearest(
    name: str, problem: str, hint: str | None
) -> None:
    with pytest.raises(DataError) as caught:
        locate(name)
    assert problem in caught.value.problem
    assert caught.value.hint == hint


def test_a_known_corpus_that_is_not_here_says_how_to_get_it(no_corpora: Path) -> None:
    with pytest.raises(FetchError, match="data fetch wikigold"):
        locate("wikigold:train")


def test_a_rule_splits_a_corpus_of_one_file(no_corpora: Path) -> None:
    folder = no_corpora / "wikigold"
    folder.mkdir()
    lines = [f"w{i} O\n\n" for i in range(30)]
    (folder / "wikigold.conll.txt").write_text("".join(lines))
    located = locate("wikigold:dev")
    assert isinstance(located.split, ModuloSplit)
    words = {part: [s.tokens[0] for s in read_sentences(f"wikigold:{part}", ReadOptions())] for part in PARTS}
    assert sorted(chain(*words.values())) == sorted(f"w{i}" for i in range(30))
    for part in PARTS:
        assert words[part] == [f"w{i}" for i in range(30) if located.split.role(i) == part]


@pytest.mark.parametrize("content", ["", "\n\n\n", "-DOCSTART- O\n\n"])
def test_a_corpus_without_a_sentence_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "empty.conll"
    path.write_text(content)
    with pytest.raises(DataError, match="no sentence in this corpus"):
        read_labelled(str(path), ReadOptions())


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"missing\.conll"):
        read_labelled("missing.conll", ReadOptions())


def test_a_configuration_says_how_files_are_read() -> None:
    config = DataConfig(
        format="conll", token_column=1, label_column=2, separator="|", label_field="xpos", scheme="IOB1"
    )
    assert options_of(config, labelled=False) == ReadOptions("conll", 1, 2, "|", "xpos", labelled=False)
    assert options_of(DataConfig()) == ReadOptions()


@needs_corpora
@pytest.mark.corpora
@pytest.mark.parametrize("part, n_sentences", [("train", 12544), ("dev", 2001), ("test", 2077)])
def test_the_english_web_treebank_is_read_whole(part: str, n_sentences: int) -> None:
    sentences = read_labelled(f"ud-english-ewt:{part}", ReadOptions())
    assert len(sentences) == n_sentences


@needs_corpora
@pytest.mark.corpora
def test_a_located_corpus_is_the_file_whose_hash_the_catalogue_has() -> None:
    located = locate("wnut17:train")
    (file,) = [file for file in read_catalog().corpus("wnut17").files if file.role == "train"]
    assert hashlib.sha256(Path(located.path).read_bytes()).hexdigest() == file.sha256
