"""The catalogue is whole, and says what the files are."""

import os
import string
from collections import Counter
from pathlib import Path

import pytest

from windowclf.corpus import CorpusEntry, read_catalog
from windowclf.corpus.catalog import ModuloSplit
from windowclf.errors import DataError, FetchError
from windowclf.files import sha256_of

CORPORA = [entry.name for entry in read_catalog().corpora]


REAL_CORPORA = os.environ.get("WINDOWCLF_CORPORA", "")


@pytest.fixture(autouse=True)
def _no_corpora_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINDOWCLF_CORPORA", raising=False)


def test_the_corpora_are_known() -> None:
    assert CORPORA == ["ud-english-ewt", "wnut17", "wikigold"]


@pytest.mark.parametrize("entry", read_catalog().corpora, ids=CORPORA)
def test_an_entry_is_complete(entry: CorpusEntry) -> None:
    assert entry.format in {"conll", "conllu"}
    assert entry.scheme in {"none", "IOB1", "IOB2"}
    assert entry.separator in {"tab", "space"}
    assert entry.label_column in entry.columns
    assert entry.licence and entry.citation
    assert entry.licence_url.startswith("https://")
    roles = [file.role for file in entry.files]
    assert roles == (["all"] if entry.split else ["train", "dev", "test"])


@pytest.mark.parametrize("entry", read_catalog().corpora, ids=CORPORA)
def test_each_file_is_pinned_to_a_commit_and_a_hash(entry: CorpusEntry) -> None:
    for file in entry.files:
        assert len(file.sha256) == 64 and set(file.sha256) <= set("0123456789abcdef")
        assert file.url.startswith("https://raw.githubusercontent.com/")
        assert file.url.endswith("/" + file.name)
        commit = file.url.split("/")[5]
        assert len(commit) == 40 and set(commit) <= set(string.hexdigits)


def test_the_vectors_are_known() -> None:
    dimensions = {entry.name: entry.dimension for entry in read_catalog().vectors}
    assert dimensions == {
        "glove-6b-50d-small": 50,
        "glove-6b-50d": 50,
        "gensim:glove-wiki-gigaword-50": 50,
        "gensim:glove-wiki-gigaword-100": 100,
        "gensim:glove-wiki-gigaword-200": 200,
        "gensim:glove-wiki-gigaword-300": 300,
    }
    assert all(entry.licence and entry.citation and entry.obtain for entry in read_catalog().vectors)


def test_an_unknown_corpus_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        DataError, match=r"no corpus of this name; found 'wnut'; allowed: .*wikigold.*'wnut17'"
    ):
        read_catalog().corpus("wnut")


def test_corpora_live_in_the_cache(tmp_path: Path) -> None:
    assert read_catalog().corpus("wnut17").folder(tmp_path) == tmp_path / "corpora" / "wnut17"


def test_a_given_folder_of_corpora_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "given" / "wnut17").mkdir(parents=True)
    monkeypatch.setenv("WINDOWCLF_CORPORA", str(tmp_path / "given"))
    assert read_catalog().corpus("wnut17").folder(tmp_path) == tmp_path / "given" / "wnut17"
    assert read_catalog().corpus("wikigold").folder(tmp_path) == tmp_path / "corpora" / "wikigold"


def test_a_name_cannot_lead_out_of_the_cache() -> None:
    with pytest.raises(DataError, match="no corpus of this name"):
        read_catalog().corpus("../wnut17")


def test_a_corpus_is_found_by_role(tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "wikigold"
    folder.mkdir(parents=True)
    (folder / "wikigold.conll.txt").touch()
    assert read_catalog().corpus("wikigold").find(tmp_path) == {"all": folder / "wikigold.conll.txt"}


def test_a_missing_corpus_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"missing: wnut17train\.conll, .*windowclf data fetch wnut17"):
        read_catalog().corpus("wnut17").find(tmp_path)


def test_wikigold_is_split_by_its_rule() -> None:
    rule = read_catalog().corpus("wikigold").split
    assert rule == ModuloSplit(period=10, dev=(8,), test=(9,))
    roles = [rule.role(i) for i in range(1696)]
    assert [i for i in range(20) if roles[i] == "dev"] == [8, 18]
    assert [i for i in range(20) if roles[i] == "test"] == [9, 19]
    assert Counter(roles) == {"train": 1358, "dev": 169, "test": 169}


@pytest.mark.corpora
@pytest.mark.skipif(not REAL_CORPORA, reason="WINDOWCLF_CORPORA is not set")
@pytest.mark.parametrize("name", CORPORA)
def test_the_real_files_are_as_the_catalogue_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDOWCLF_CORPORA", REAL_CORPORA)
    for role, path in read_catalog().corpus(name).find().items():
        (file,) = [file for file in read_catalog().corpus(name).files if file.role == role]
        assert sha256_of(path) == file.sha256
        assert path.stat().st_size == file.size
        sentences, tokens = _count(path)
        assert (sentences, tokens) == (file.sentences, file.tokens)


def _count(path: Path) -> tuple[int, int]:
    """Count by the file's own marks: sentences end at blank lines; words of CoNLL-U have whole numbers."""
    conllu = path.suffix == ".conllu"
    sentences, tokens, open_sentence = 0, 0, False
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if not line.strip():
            sentences += open_sentence
            open_sentence = False
        elif not line.startswith("-DOCSTART-") and (not conllu or line.split("\t")[0].isdecimal()):
            tokens += 1
            open_sentence = True
    return sentences, tokens
