"""`windowclf tag`: streams, keeps count, loses nothing."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from windowclf import WindowTagger
from windowclf.corpus import read_blocks
from windowclf_cli.main import cli

TAG = [sys.executable, "-c", "from windowclf_cli.main import cli; cli()", "tag"]


def tag(*arguments: object, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["tag", *map(str, arguments)], input=stdin)


def test_inline_output_brackets_entities(sample_model: Path) -> None:
    result = tag(sample_model, "--text", "museums in Paris are amazing")
    assert (result.exit_code, result.stdout) == (0, "museums in [LOC Paris] are amazing\n")


def test_as_many_lines_come_out_as_went_in_empty_ones_too(sample_model: Path) -> None:
    lines = "We live in Paris\n\nhello\n   \nWe live in London\n"
    result = tag(sample_model, "-", "--input-format", "tokens", stdin=lines)
    assert result.stdout == "We live in [LOC Paris]\n\nhello\n\nWe live in [LOC London]\n"


def test_conll_goes_in_and_out_with_the_same_tokens(sample_model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "in.conll"
    corpus.write_text("We\tO\nlive\tO\nin\tO\nParis\tO\n\nhello\tO\n\n")
    result = tag(sample_model, corpus, "--output-format", "conll")
    assert result.stdout == "We\tO\nlive\tO\nin\tO\nParis\tB-LOC\n\nhello\tO\n\n"


def test_conll_input_needs_no_labels(sample_model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "in.conll.gz"
    corpus.write_bytes(gzip.compress(b"We\nlive\nin\nParis\n\n"))
    assert tag(sample_model, corpus, "--input-format", "conll").stdout == "We live in [LOC Paris]\n"


def test_conllu_and_jsonl_go_in(sample_model: Path, tmp_path: Path) -> None:
    conllu = tmp_path / "in.conllu"
    words = enumerate(["We", "live", "in", "Paris"], start=1)
    conllu.write_text("".join(f"{i}\t{word}" + 8 * "\t_" + "\n" for i, word in words) + "\n")
    jsonl = tmp_path / "in.jsonl"
    jsonl.write_text('{"tokens": ["We", "live", "in", "Paris"]}\n{"text": "We live in Paris"}\n')
    assert tag(sample_model, conllu).stdout == "We live in [LOC Paris]\n"
    assert tag(sample_model, jsonl).stdout == "We live in [LOC Paris]\n" * 2


def test_jsonl_carries_text_offsets_and_probabilities(sample_model: Path) -> None:
    result = tag(sample_model, "--text", "We saw Paris. Then London!", "--json", "--probabilities")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["text"] for record in records] == ["We saw Paris.", "Then London!"]
    for record in records:
        assert [record["text"][start:end] for start, end in record["offsets"]] == record["tokens"]
        assert all(0 < p <= 1 for p in record["probabilities"])
        assert len(record["labels"]) == len(record["tokens"]) == len(record["probabilities"])


def test_jsonl_carries_spans_and_their_probabilities(sample_model: Path) -> None:
    text = "We saw Paris. Then Angela Merkel flew from Berlin to New York!"
    result = tag(sample_model, "--text", text, "--json", "--probabilities")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    tagged = WindowTagger.load(sample_model).tag([record["tokens"] for record in records])
    assert sum(len(t.spans) for t in tagged) > 1
    for record, t in zip(records, tagged, strict=True):
        expected = [
            asdict(span) | {"probability": pytest.approx(span.probability, abs=1e-5)} for span in t.spans
        ]
        assert record["spans"] == expected


def test_without_probabilities_there_are_no_spans(sample_model: Path) -> None:
    (record,) = map(json.loads, tag(sample_model, "--text", "We live in Paris", "--json").stdout.splitlines())
    assert record.keys() == {"tokens", "labels", "text", "offsets"}


@pytest.mark.parametrize("more", [[], ["--probabilities"]])
def test_jsonl_carries_the_n_best_labellings(sample_model: Path, more: list[str]) -> None:
    result = tag(sample_model, "--text", "We saw Paris. Then London!", "--json", "--n-best", 3, *more)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    tagger = WindowTagger.load(sample_model)
    assert len(records) == 2
    for record in records:
        expected = tagger.n_best(record["tokens"], 3)
        assert [labelling["labels"] for labelling in record["n_best"]] == [labels for labels, _ in expected]
        found = [labelling["probability"] for labelling in record["n_best"]]
        assert found == pytest.approx([p for _, p in expected], abs=1e-5)
        assert record["labels"] == record["n_best"][0]["labels"]
        assert ("probabilities" in record) == ("spans" in record) == bool(more)


@pytest.mark.parametrize("table_mb", ["0", "0.05"])
def test_the_size_of_the_tables_changes_no_label(sample_model: Path, table_mb: str) -> None:
    text = "We saw Paris. Then Angela Merkel flew from Berlin to New York!"
    expected = tag(sample_model, "--text", text).stdout
    assert "[LOC Berlin]" in expected
    assert tag(sample_model, "--text", text, "--table-mb", table_mb).stdout == expected


def test_tables_of_negative_size_are_refused(sample_model: Path) -> None:
    result = tag(sample_model, "--text", "x", "--table-mb", "-1")
    assert result.exit_code == 2
    assert "--table-mb" in result.stderr


def test_strange_text_passes_whole(sample_model: Path) -> None:
    text = "Hi \x00 👩‍👩‍👧 שלום עליכם مرحبا\x07 ﷽ e\u0301te\u0301 Paris"
    result = tag(sample_model, "-", "--json", stdin=text)
    assert result.exit_code == 0, result.stderr
    (record,) = (json.loads(line) for line in result.stdout.splitlines())
    assert record["text"] == text
    assert "".join(record["tokens"]) == "".join(text.split())


@pytest.mark.slow
def test_a_sentence_of_100000_words_is_tagged(sample_model: Path) -> None:
    result = tag(
        sample_model, "-", "--input-format", "tokens", "--json", stdin="Paris sleeps " * 50_000 + "\n"
    )
    assert result.exit_code == 0, result.stderr
    assert len(json.loads(result.stdout)["labels"]) == 100_000


def test_a_fault_in_the_middle_is_named_and_what_came_before_is_written(
    sample_model: Path, tmp_path: Path
) -> None:
    corpus = tmp_path / "in.jsonl"
    corpus.write_text('{"tokens": ["We", "live", "in", "Paris"]}\n{"tokens": 3}\n')
    result = tag(sample_model, corpus)
    assert result.exit_code == 2
    assert result.stdout == "We live in [LOC Paris]\n"
    assert f"{corpus}:2" in result.stderr


FAULTY = {
    "neither text nor file": ([], "Give either"),
    "both": (["x.txt", "--text", "x"], "Give either"),
    "missing file": (["missing.txt"], "no such file"),
    "probabilities inline": (["--text", "x", "--probabilities"], "--output-format"),
    "n-best inline": (["--text", "x", "--n-best", "3"], "--n-best needs --output-format jsonl"),
    "n-best conll": (["--text", "x", "--n-best", "3", "--output-format", "conll"], "--n-best needs"),
    "no labellings": (["--text", "x", "--json", "--n-best", "0"], "--n-best"),
    "json beside conll": (["--text", "x", "--json", "--output-format", "conll"], "--json"),
}


@pytest.mark.parametrize(("arguments", "message"), FAULTY.values(), ids=FAULTY.keys())
def test_faulty_arguments_are_named(sample_model: Path, arguments: list[str], message: str) -> None:
    result = tag(sample_model, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_binary_file_is_refused(sample_model: Path, tmp_path: Path) -> None:
    binary = tmp_path / "photo.jpg"
    binary.write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)))
    result = tag(sample_model, binary)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "UTF-8" in result.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_reader_that_goes_away_ends_the_tagging_in_silence(
    sample_model: Path, tmp_path: Path, jobs: int
) -> None:
    text = tmp_path / "long.txt"
    text.write_text("We saw Paris .\n" * 100_000)
    command = [*TAG, str(sample_model), str(text), "--jobs", str(jobs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


# -- several files, several processes ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of several formats, one of them larger than a block, one packed, one empty."""
    folder = tmp_path_factory.mktemp("inputs")
    lines = [f"Traveller {i} flew from Berlin to New York. Paris, too!\n\n" for i in range(6000)]
    contents = {
        "long.txt": "".join(lines).encode(),
        "empty.txt": b"",
        "packed.txt.gz": gzip.compress("".join(lines[:100]).encode()),
        "words.conll": b"We\tO\nlive\tO\nin\tO\nParis\tO\n\nRome\tO\n\n" * 2000,
        "records.jsonl": b'{"tokens": ["We", "live", "in", "Paris"]}\n{"text": "Rome is old. So is Oslo."}\n'
        * 900,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


@pytest.mark.parametrize("output_format", ["inline", "conll", "jsonl"])
def test_several_processes_write_what_one_writes(
    sample_model: Path, inputs: list[Path], output_format: str
) -> None:
    arguments = [sample_model, *inputs, "--output-format", output_format]
    one, three = tag(*arguments), tag(*arguments, "--jobs", 3)
    assert (one.exit_code, one.stderr) == (three.exit_code, three.stderr) == (0, "")
    assert len(one.stdout) > 500_000
    assert one.stdout_bytes == three.stdout_bytes


@pytest.mark.parametrize("jobs", [1, 2])
def test_files_are_tagged_one_after_another(sample_model: Path, inputs: list[Path], jobs: int) -> None:
    each = b"".join(tag(sample_model, file).stdout_bytes for file in inputs)
    assert tag(sample_model, *inputs, "--jobs", jobs).stdout_bytes == each


@pytest.mark.parametrize("jobs", [1, 2])
def test_standard_input_is_one_of_the_files(sample_model: Path, inputs: list[Path], jobs: int) -> None:
    result = tag(sample_model, inputs[1], "-", "--jobs", jobs, stdin="We live in Paris\n" * 3)
    assert result.stdout == "We live in [LOC Paris]\n" * 3


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_may_be_standard_input(sample_model: Path, inputs: list[Path], jobs: int) -> None:
    command = [*TAG, str(sample_model), "-", "--jobs", str(jobs)]
    with open(inputs[0], "rb") as file:
        assert subprocess.check_output(command, stdin=file) == tag(sample_model, inputs[0]).stdout_bytes


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_labelled_is_written_whether_more_comes_or_not(
    sample_model: Path, inputs: list[Path], jobs: int
) -> None:
    command = [*TAG, str(sample_model), str(inputs[1]), "-", "--jobs", str(jobs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        for part in (b"We live in Paris\n", b"We live", b" in Paris\nWe", b" live in Paris\n", b"hel"):
            process.stdin.write(part)
            process.stdin.flush()
            if b"\n" in part:
                assert process.stdout.readline() == b"We live in [LOC Paris]\n"
        process.stdin.write(b"lo")
        process.stdin.close()
        assert process.stdout.read() == b"hello\n"


@pytest.mark.parametrize(
    "how", [["--output-format", "conll", "--probabilities"], ["--json", "--probabilities", "--n-best", "2"]]
)
def test_several_processes_add_the_same_probabilities(
    sample_model: Path, tmp_path: Path, how: list[str]
) -> None:
    text = tmp_path / "long-words.txt"  # three blocks in few sentences
    lines = [f"Traveller{i}{'x' * 3000} flew from Berlin to New York. Paris, too!\n\n" for i in range(110)]
    text.write_text("".join(lines))
    assert len(list(read_blocks(text, "text"))) == 3
    one, two = tag(sample_model, text, *how), tag(sample_model, text, *how, "--jobs", 2)
    assert (one.exit_code, one.stderr) == (two.exit_code, two.stderr) == (0, "")
    number = re.compile(r"\d\.\d+(e-\d+)?")
    assert number.sub("#", one.stdout) == number.sub("#", two.stdout)
    # what is computed with other words at once may be rounded otherwise, and so the sixth digit
    found = [[float(match[0]) for match in number.finditer(result.stdout)] for result in (one, two)]
    assert found[0] == pytest.approx(found[1], abs=2e-6) and len(found[0]) > 1000


FAULTY_FILES = {
    "not UTF-8": ("text.txt", b"We live in Paris.\n" * 20_000 + b"\xff\n" + b"Rome.\n" * 20_000, 20_000),
    "a NUL": ("text.tokens", b"We live in Paris\n" * 20_000 + b"\0\n" + b"Rome\n" * 20_000, 20_000),
    "no record": (
        "text.jsonl",
        b'{"tokens": ["Paris"]}\n' * 9000 + b"[]\n" + b'{"tokens": ["a"]}\n' * 9000,
        9000,
    ),
    "no word": ("text.conll", b"Paris\tO\n\n" * 20_000 + b"\tO\n\n" + b"a\tO\n\n" * 20_000, 20_000),
    "cut short": ("text.txt.gz", gzip.compress(b"We live in Paris.\n" * 20_000)[:-20], 1),
}


@pytest.mark.parametrize(("name", "content", "n_good"), FAULTY_FILES.values(), ids=FAULTY_FILES.keys())
def test_several_processes_name_the_fault_that_one_names(
    sample_model: Path, tmp_path: Path, name: str, content: bytes, n_good: int
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    arguments = [sample_model, file, *(["--input-format", "tokens"] if name.endswith(".tokens") else [])]
    one, two = tag(*arguments), tag(*arguments, "--jobs", 2)
    assert one.exit_code == two.exit_code == 2
    assert one.stderr == two.stderr
    assert str(file) in one.stderr
    assert one.stdout_bytes == two.stdout_bytes
    assert one.stdout.count("Paris") >= n_good


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_all_processes(sample_model: Path, jobs: int) -> None:
    command = [*TAG, str(sample_model), "-", "--jobs", str(jobs)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(b"We live in Paris\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"We live in [LOC Paris]\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.stderr.read().split() == [b"Aborted!"]
        assert process.wait() == 1
        process.stdout.read()  # ends when the last process that could write has ended


LEAK = """
import windowclf_cli.tag as tag
stream, kept = tag.read_blocks, []
tag.read_blocks = lambda *arguments: (kept.append(block) or block for block in stream(*arguments))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize(("megabytes", "prelude", "is_flat"), [(50, "", True), (25, LEAK, False)])
def test_memory_stays_flat_unless_text_is_kept(
    megabytes: int,
    prelude: str,
    is_flat: bool,
    tmp_path: Path,
    load_script: Callable[[str], ModuleType],
) -> None:
    benchmark = load_script("benchmarks/flat_memory.py")
    model = benchmark.make_model(tmp_path)
    small = benchmark.peak_megabytes(model, benchmark.SMALL, prelude=prelude)
    large = benchmark.peak_megabytes(model, megabytes, prelude=prelude)
    # what is held at once is alike in both; keeping each byte of 25 MB of text would add 23 MB, of 50 MB 48
    assert (large - small < 16) == is_flat
