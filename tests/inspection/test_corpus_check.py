"""The check of corpora finds each planted fault where it stands; statistics count what is there."""

import gzip
import re
from pathlib import Path

import pytest

from windowclf.corpus import ReadOptions, Sentence, read_sentences
from windowclf.errors import DataError
from windowclf.inspection import Finding, check_corpus, corpus_statistics
from windowclf.inspection.corpus_check import FAULTS
from windowclf.inspection.corpus_statistics import KindCount
from windowclf.vectors import WordVectors

LONG = "We\tO\nsaw\tO\nthe\tO\nriver\tO\nin\tO\nParis\tB-LOC\n\n"
SHORT = "Thank\tO\nyou\tO\nParis\tB-LOC\n\n"
OTHER = "Rome\tB-LOC\nagain\tO\n\n"


@pytest.fixture
def write(tmp_path: Path) -> "Writer":
    return Writer(tmp_path)


class Writer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, content: str | bytes, name: str = "a.conll") -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)


def found(findings: list[Finding], *kinds: str) -> list[tuple[str, int | None]]:
    return [(f.kind, f.line) for f in findings if not kinds or f.kind in kinds]


def test_the_sample_corpus_has_no_fault() -> None:
    findings = check_corpus(["sample:train", "sample:dev", "sample:test"], ignore="_")
    assert [str(finding) for finding in findings] == []


def test_an_illegal_transition_is_said_with_its_line(write: Writer) -> None:
    name = write(LONG + "He\tO\nlikes\tO\nNew\tB-LOC\nYork\tI-PER\nso\tO\nI\tI-LOC\n\n" + OTHER)
    findings = check_corpus([name])
    assert found(findings, *FAULTS) == [("illegal transition", 11), ("illegal transition", 13)]
    assert str(findings[0]) == f"{name}:11: B-LOC → I-PER (York) is illegal in IOB2"
    assert findings[0].is_fault


def test_a_sentence_that_may_not_end_so_is_said_at_its_last_word(write: Writer) -> None:
    name = write("in\tO\nNew\tB-LOC\n\nYork\tS-LOC\n\n")
    findings = check_corpus([name])
    assert found(findings, *FAULTS) == [("illegal transition", 2)]
    assert findings[0].message == "B-LOC → the end of the sentence is illegal in IOBES"


def test_transitions_are_judged_by_the_scheme_given(write: Writer) -> None:
    name = write("in\tO\nRome\tI-LOC\n\nat\tO\nParis\tI-LOC\n\n")
    assert found(check_corpus([name])) == []
    assert len(found(check_corpus([name], scheme="IOB2"), "illegal transition")) == 2
    assert found(check_corpus([name], scheme="none")) == []


def test_a_file_of_another_scheme_than_the_others_is_found(write: Writer) -> None:
    train, dev = write(LONG + OTHER), write("in\tO\nRome\tI-LOC\n\n", "b.conll")
    (finding,) = [f for f in check_corpus([train, dev]) if f.is_fault]
    assert (finding.where, finding.line) == (dev, 2)


def test_lines_of_other_formats_are_those_of_the_sentence(write: Writer) -> None:
    name = write(
        '{"tokens":["a","b"],"labels":["O","O"]}\n{"tokens":["c","d"],"labels":["O","I-X"]}\n', "a.jsonl"
    )
    assert found(check_corpus([name], scheme="IOB2"), "illegal transition") == [("illegal transition", 2)]


def test_labels_that_mix_span_labels_and_others_are_a_fault(write: Writer) -> None:
    findings = check_corpus([write(LONG + "dog\tNOUN\ndog\tNOUN\n\n")])
    assert found(findings, *FAULTS) == [("mixed labels", 8)]
    assert found(check_corpus([write("dog\tNOUN\nbarks\tVERB\n\n")]), *FAULTS) == []


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (LONG + "word\n" + OTHER, 8, "too few columns"),
        (LONG.encode() + b"caf\xe9\tO\n", 8, "not UTF-8"),
        (b"\x7fELF\x02\x01\x00\x00" + bytes(range(256)), 1, "(not UTF-8|a NUL character)"),
    ],
)
def test_a_malformed_line_is_a_finding_and_ends_the_reading_of_its_file(
    write: Writer, content: str | bytes, line: int, problem: str
) -> None:
    bad, good = write(content), write(OTHER + OTHER, "b.conll")
    findings = check_corpus([bad, good])
    (malformed,) = [f for f in findings if f.kind == "malformed"]
    assert (malformed.where, malformed.line) == (bad, line)
    assert malformed.message.endswith("(reading stopped here)")
    assert found(findings, "duplicate within a file") == [("duplicate within a file", 4)], "the next is read"
    assert re.match(problem, malformed.message)


def test_damaged_gzip_data_are_a_finding(write: Writer) -> None:
    name = write(gzip.compress((LONG * 100).encode())[:-20], "a.conll.gz")
    assert found(check_corpus([name]), "malformed") == [("malformed", None)]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_a_fault(write: Writer, content: str) -> None:
    assert found(check_corpus([write(content)])) == [("empty", None)]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        check_corpus([str(tmp_path / "a.conll")])
    with pytest.raises(DataError, match="a directory"):
        check_corpus([str(tmp_path)])


def test_a_long_sentence_in_two_files_is_a_fault_a_short_one_a_note(write: Writer) -> None:
    train, dev = write(LONG + SHORT + OTHER), write(OTHER.replace("Rome", "Oslo") + SHORT + LONG, "b.conll")
    findings = check_corpus([train, dev])
    assert found(findings) == [("duplicate between files", 8), ("short duplicate between files", 4)]
    assert str(findings[0]) == f"{dev}:8: the same sentence as {train}:1: We saw the river in Paris"


def test_a_repeated_sentence_within_a_file_is_a_note_and_other_labels_are_told(write: Writer) -> None:
    findings = check_corpus([write(LONG + LONG.replace("B-LOC", "O") + OTHER)])
    assert found(findings) == [("duplicate within a file", 8)]
    assert "with other labels" in findings[0].message
    assert not findings[0].is_fault


def test_a_label_that_stands_once_and_one_that_the_first_file_lacks_are_notes(write: Writer) -> None:
    train = write(LONG + OTHER)
    dev = write("Anna\tB-PER\n\nBo\tB-PER\nsat\tO\nat\tO\nIBM\tB-ORG\n\n", "b.conll")
    findings = check_corpus([train, dev])
    assert found(findings) == [
        ("label of later files", 1),
        ("label of later files", 6),
        ("label seen once", 6),
    ]
    assert not any(finding.is_fault for finding in findings)


def test_the_ignored_label_is_left_out(write: Writer) -> None:
    name = write("He\t_\nsat\t_\nhere\tB-LOC\nin\t_\nthere\tB-LOC\n\nat\tO\nhome\tO\n\n")
    assert found(check_corpus([name], ignore="_")) == []


def test_coverage_is_told_for_each_file(write: Writer, vectors: WordVectors) -> None:
    findings = check_corpus([write("Paris\tX\nis\tY\nis\tY\nzyzzyva\tX\n\n")], vectors=vectors)
    assert [f.message for f in findings] == [
        "75.00 % of 4 words have a vector in seeded: 2 as written, 1 lower-cased, 0 with digits folded; "
        "1 have none"
    ]


# -- statistics --------------------------------------------------------------------------------------


def test_statistics_count_words_labels_and_entities(write: Writer) -> None:
    name = write(LONG + SHORT + "New\tB-LOC\nYork\tI-LOC\nsaw\tO\nAnna\tB-PER\n\n")
    statistics = corpus_statistics(read_sentences(name, ReadOptions()))
    assert (statistics.sentences, statistics.tokens, statistics.distinct_words) == (3, 13, 11)
    assert (statistics.longest, statistics.longest_line, statistics.scheme) == (6, 1, "IOB2")
    assert statistics.labels == (("O", 8), ("B-LOC", 3), ("B-PER", 1), ("I-LOC", 1))
    assert statistics.entities == (KindCount("LOC", 3, 2, 2 / 3), KindCount("PER", 1, 1, 1.0))


def test_statistics_of_plain_classes_have_no_entities() -> None:
    corpus = [Sentence(("dog", "barks", "x"), ("NOUN", "VERB", "_"))]
    statistics = corpus_statistics(corpus, ignore="_")
    assert (statistics.scheme, statistics.entities, statistics.ignored) == (None, (), 1)
    assert statistics.labels == (("NOUN", 1), ("VERB", 1))
    with pytest.raises(DataError, match="not a span label"):
        corpus_statistics(corpus, scheme="IOB2")


def test_statistics_of_nothing_are_zero_and_of_unlabelled_text_an_error() -> None:
    assert corpus_statistics([]).longest_line is None
    with pytest.raises(DataError, match="a sentence without labels"):
        corpus_statistics([Sentence(("a",))])
