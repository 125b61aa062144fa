"""Sets that are known by name, and whether they are here."""

from pathlib import Path

import pytest

from windowclf.vectors import convert_vectors, list_vectors


def test_vectors_say_whether_they_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path))
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path))
    sets = {status.name: status for status in list_vectors()}
    assert sets["glove-6b-50d-small"].here is True
    assert "glove-6b-100d" not in sets
    name = "glove-wiki-gigaword-50"
    assert sets[f"gensim:{name}"].here is False
    assert [status.is_default for status in sets.values()].count(True) == 1
    (tmp_path / name).mkdir()
    (tmp_path / name / f"{name}.gz").touch()
    assert sets[f"gensim:{name}"].obtain == "It is downloaded on first use"
    (tmp_path / "mine.txt").write_text("the 1 2\nof 3 4\n")
    convert_vectors(tmp_path / "mine.txt", name="glove-6b-100d")
    sets = {status.name: status for status in list_vectors()}
    assert sets[f"gensim:{name}"].here is True
    assert (sets["glove-6b-100d"].here, sets["glove-6b-100d"].obtain) == (True, "")
    assert (sets["glove-6b-100d"].words, sets["glove-6b-100d"].dimension) == (2, 2)
