"""`windowclf data`: list, stats, check and convert; what is fetched is in test_cli_data_fetch.py."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf.corpus import ReadOptions, read_labelled, read_sentences
from windowclf_cli.main import cli

FAULTY = "New\tB-LOC\nYork\tI-PER\n\nWe\tO\nsaw\tO\nthe\tO\nriver\tO\nin\tO\nParis\tB-LOC\n\n"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINDOWCLF_CORPORA", raising=False)


def data(*arguments: object, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["data", *map(str, arguments)], input=input)


# -- list --------------------------------------------------------------------------------------------


def test_list_names_corpora_and_vectors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WINDOWCLF_CACHE", str(tmp_path))
    result = data("list")
    assert result.exit_code == 0, result.output
    assert "(windowclf data fetch wikigold)" in result.stdout
    assert "glove-6b-50d-small" in result.stdout
    assert "(It is downloaded on first use)" in result.stdout
    listed = json.loads(data("list", "--json").stdout)
    assert [c["name"] for c in listed["corpora"]][:2] == ["sample", "ud-english-ewt"]
    assert listed["corpora"][1]["folder"] is None


# -- stats -------------------------------------------------------------------------------------------


def test_stats_of_several_corpora() -> None:
    result = data("stats", "sample:train", "sample:dev")
    assert result.exit_code == 0, result.output
    assert "sample:train        400  6,975" in result.stdout
    assert "distinct" in result.stdout
    counted = json.loads(data("stats", "sample:dev", "--json").stdout)["sample:dev"]
    assert (counted["sentences"], counted["scheme"]) == (100, "IOB2")


def test_stats_read_columns_as_told_and_leave_out_what_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("NOUN|dog\n_|the\n\n")
    result = data("stats", path, "--separator", "|", "--token-column", 1, "--label-column", 0, "--json")
    counted = json.loads(result.stdout)[str(path)]
    assert (counted["labels"], counted["ignored"]) == ([["NOUN", 1]], 1)
    assert (
        "_ (ignored)"
        in data("stats", path, "--separator", "|", "--label-column", 0, "--token-column", 1).stdout
    )


# -- check -------------------------------------------------------------------------------------------


def test_check_finds_no_fault_in_the_sample() -> None:
    result = data("check", "sample:train", "sample:dev", "sample:test", "--vectors", "glove-6b-50d-small")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("no faults, 3 notes\n")
    assert "99.56 % of 6,975 words have a vector in glove-6b-50d-small" in result.stdout


def test_check_names_faults_by_line_and_ends_in_status_1(tmp_path: Path) -> None:
    train, dev = tmp_path / "train.conll", tmp_path / "dev.conll"
    train.write_text(FAULTY)
    dev.write_text(FAULTY.partition("\n\n")[2] + "broken\n")
    result = data("check", train, dev, "--vectors", "none")
    assert result.exit_code == 1
    assert f"fault  {train}:2: B-LOC → I-PER (York) is illegal in IOB2" in result.stdout
    assert f"fault  {dev}:1: the same sentence as {train}:4: We saw the river in Paris" in result.stdout
    assert f"fault  {dev}:8: too few columns; found ['broken']" in result.stdout
    assert "3 faults, 1 note\n" in result.stdout
    report = json.loads(data("check", train, dev, "--vectors", "none", "--json").stdout)
    assert (report["n_faults"], report["n_notes"]) == (3, 1)
    assert [finding["line"] for finding in report["findings"] if finding["is_fault"]] == [8, 2, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no sentence in this file"), (b"\x89PNG\r\n\x1a\n\0\0", "not UTF-8 at byte 0")],
)
def test_check_of_an_empty_or_binary_file_is_a_fault_not_a_crash(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "a.conll"
    path.write_bytes(content)
    result = data("check", path, "--vectors", "none")
    assert result.exit_code == 1
    assert message in result.stdout


def test_check_prints_ten_of_a_kind_or_all(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("New\tB-LOC\nYork\tI-PER\n\n" * 15)
    result = data("check", path, "--vectors", "none")
    assert result.stdout.count("is illegal in") == 10
    assert "… and 5 more of this kind (illegal transition)" in result.stdout
    assert data("check", path, "--vectors", "none", "--all").stdout.count("is illegal in") == 15


def test_check_of_a_missing_file_or_corpus_is_an_error() -> None:
    result = data("check", "nowhere.conll", "--vectors", "none")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere.conll: no such file" in result.stderr
    assert "Did you mean 'sample'" in data("check", "sampel:train", "--vectors", "none").stderr


def test_check_reads_standard_input() -> None:
    assert data("check", "-", "--vectors", "none", input="Rome\tB-LOC\nshines\tO\n").exit_code == 0


# -- convert -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.conll", "a.jsonl", "a.conllu", "a.conll.gz"])
def test_convert_keeps_words_and_labels(tmp_path: Path, name: str) -> None:
    out = tmp_path / "new" / name
    result = data("convert", "sample:dev", out)
    assert result.exit_code == 0, result.output
    assert "100 sentences, 1,816 words" in result.stdout
    written = [(s.tokens, s.labels) for s in read_labelled(out)]
    assert written == [(s.tokens, s.labels) for s in read_sentences("sample:dev", ReadOptions())]
    assert [path.name for path in out.parent.iterdir()] == [name]
    assert (out.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")


def test_convert_changes_the_scheme_and_back(tmp_path: Path) -> None:
    there, back = tmp_path / "a.jsonl", tmp_path / "b.conll"
    assert data("convert", "sample:dev", there, "--to-scheme", "IOBES").exit_code == 0
    assert '"S-LOC"' in there.read_text()
    result = data("convert", there, back, "--to-scheme", "iob2", "--json")
    assert json.loads(result.stdout)["sentences"] == 100
    assert [s.labels for s in read_labelled(back)] == [
        s.labels for s in read_sentences("sample:dev", ReadOptions())
    ]


def test_convert_from_standard_input_to_standard_output() -> None:
    result = data("convert", "-", "-", "--to", "jsonl", input="Zoë\tB-PER\n_\t_\n")
    assert result.exit_code == 0, result.output
    assert result.stdout == '{"tokens":["Zoë","_"],"labels":["B-PER","_"]}\n'
    assert data("convert", "-", "-", "--json", input="a\tX\n").exit_code == 2


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("dog\tNOUN\n", ["--to-scheme", "IOB2"], "a.conll:1: not a span label; found 'NOUN'"),
        ("dog\tNOUN\n\ncat\n", [], "a.conll:3: too few columns"),
        ("", [], "no sentence in this corpus"),
    ],
)
def test_convert_leaves_the_old_file_where_it_fails(
    tmp_path: Path, content: str, options: list[str], message: str
) -> None:
    source, out = tmp_path / "a.conll", tmp_path / "b.conll"
    source.write_text(content)
    out.write_text("old")
    result = data("convert", source, out, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.conll", "b.conll"]


def test_convert_can_replace_its_own_source(tmp_path: Path) -> None:
    path = tmp_path / "a.conll.gz"
    path.write_bytes(gzip.compress(b"in\tO\nRome\tI-LOC\n\n"))
    assert data("convert", path, path, "--to-scheme", "IOB2").exit_code == 0
    assert gzip.decompress(path.read_bytes()) == b"in\tO\nRome\tB-LOC\n\n"
