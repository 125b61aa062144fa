"""JSON Lines: tokens with labels, text with entities."""

import io
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowclf.corpus import ReadOptions, Sentence, read_sentences, spans, write_sentences
from windowclf.errors import DataError


def read(folder: Path, *records: object, options: ReadOptions | None = None) -> list[Sentence]:
    """Read records, given as JSON text or as what it says."""
    path = folder / "corpus.jsonl"
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_bytes("\n".join(lines).encode())
    return list(read_sentences(path, options))


def test_tokens_and_labels_are_read(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        {"tokens": ["Ann", "ran"], "labels": ["B-PER", "O"], "id": {"any": [1]}},
        "",
        {"tokens": ["a"], "labels": ["O"], "text": "a.", "offsets": [[0, 1]]},
    )
    source = str(tmp_path / "corpus.jsonl")
    assert first == Sentence(("Ann", "ran"), ("B-PER", "O"), source=source, line=1)
    assert second == Sentence(("a",), ("O",), "a.", ((0, 1),), source, 3)


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("Ann Lee ran.", [[0, 7, "PER"]], [("Ann Lee ran.", "B-PER I-PER O O")]),
        ("Ann ran. Bo ran.", [[9, 11, "PER"]], [("Ann ran.", "O O O"), ("Bo ran.", "B-PER O O")]),
        ("a b", [[2, 3, "Y"], [0, 1, "X"]], [("a b", "B-X B-Y")]),
        ("anti-Ann view", [[5, 8, "PER"]], [("anti-Ann view", "O B-PER O")]),
        ("AnnBo", [[0, 3, "PER"], [3, 5, "PER"]], [("AnnBo", "B-PER B-PER")]),
        (
            "See Stop. Go! End.",
            [[4, 13, "ART"]],
            [("See Stop. Go!", "O B-ART I-ART I-ART I-ART"), ("End.", "O O")],
        ),
        ("a\nb\nc", [[0, 3, "X"]], [("a\nb", "B-X I-X"), ("c", "O")]),
        (" é 𝒳 ", [[2, 5, "X"]], [("é 𝒳", "O B-X")]),
        ("no entity", [], [("no entity", "O O")]),
        ("", [], []),
    ],
)
def test_entities_become_labels(
    tmp_path: Path, text: str, entities: list[object], expected: list[tuple[str, str]]
) -> None:
    found = read(tmp_path, {"text": text, "entities": entities})
    assert [(s.text, " ".join(s.labels or ())) for s in found] == expected
    for sentence in found:
        assert sentence.text is not None and sentence.offsets is not None
        assert tuple(sentence.text[start:end] for start, end in sentence.offsets) == sentence.tokens


@st.composite
def annotated_texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    words = ["Ann", "e.g.", "don't", ". ", "!", " ", " ", "\n", "é", "日本", "👍🏽", "a@b.example"]
    text = "".join(draw(st.lists(st.sampled_from(words), max_size=12)))
    borders = sorted(draw(st.sets(st.integers(0, len(text)))))
    kept = [pair for pair in pairwise(borders) if text[slice(*pair)].strip() and draw(st.booleans())]
    return text, [(start, end, draw(st.sampled_from("XY"))) for start, end in kept]


@settings(deadline=None)  # files take what time they take
@given(annotated_texts())
def test_labels_mark_exactly_the_words_of_each_entity(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[str, list[tuple[int, int, str]]]
) -> None:
    text, entities = case
    found = []
    for sentence in read(tmp_path_factory.mktemp("jsonl"), {"text": text, "entities": entities}):
        for start, end, kind in spans(sentence.labels or ()):
            found.append(("".join(sentence.tokens[start:end]), kind))
    assert found == [("".join(text[start:end].split()), kind) for start, end, kind in entities]


def test_without_labels_text_is_tokenised(tmp_path: Path) -> None:
    record = {"text": "One day. Two.", "entities": [[0, 99, "X"]]}  # an entity that nobody looks at
    found = read(tmp_path, record, {"tokens": ["a"]}, options=ReadOptions(labelled=False))
    assert [s.tokens for s in found] == [("One", "day", "."), ("Two", "."), ("a",)]
    assert [s.labels for s in found] == [None] * 3


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("[1]", "Expected `object`, got `array`"),
        ("{", "not a valid JSON record"),
        ("[" * 100_000, "not a valid JSON record"),
        ({"tokens": ["a", 1], "labels": ["O", "O"]}, r"Expected `str`, got `int` - at `\$.tokens\[1\]`"),
        ('{"tokens": ["\\ud800"], "labels": ["O"]}', "lone surrogate"),
        ({"tokens": ["a", "b"], "labels": ["O"]}, "2 tokens but 1 labels"),
        ({"tokens": ["a"], "labels": ["O"], "offsets": [[0, 1]]}, "offsets without the text"),
        ({"tokens": ["a"], "labels": ["O"], "text": "a", "offsets": [[0, 2]]}, "offsets are not valid"),
        ({"tokens": ["a"], "labels": ["O"], "text": "a", "offsets": []}, "1 tokens but 0 offsets"),
        ({"tokens": ["a"]}, "no labels; allowed: a label for each token"),
        ({"tokens": [""], "labels": ["O"]}, "an empty token or label"),
        ({"tokens": ["a"], "labels": [""]}, "an empty token or label"),
        ({"text": "a"}, "no entities; allowed: a list, may be empty"),
        ({}, "neither tokens nor text"),
        ({"tokens": ["a"], "entities": []}, "both tokens and entities"),
        ({"text": "ab cd", "entities": [[0, 2, "X"], [1, 5, "X"]]}, r"overlaps the one before; found \[1, 5"),
        ({"text": "ab", "entities": [[0, 3, "X"]]}, "outside its text; .* allowed: 0 <= start < end <= 2"),
        ({"text": "ab", "entities": [[-1, 1, "X"]]}, "outside its text"),
        ({"text": "ab", "entities": [[1, 1, "X"]]}, "outside its text"),
        ({"text": "a b", "entities": [[1, 2, "X"]]}, "holds no word"),
        ({"text": "ab", "entities": [[0, 1, ""]]}, "without a type"),
        ({"text": "ab", "entities": [[0, 1.5, "X"]]}, "Expected `int`, got `float`"),
        ({"text": "ab", "entities": [[0, 1]]}, "Expected `array` of length 3"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_used_is_an_error(tmp_path: Path, record: object, message: str) -> None:
    good = {"tokens": ["a"], "labels": ["O"]}
    with pytest.raises(DataError, match=f"corpus.jsonl:2: .*{message}"):
        read(tmp_path, good, record)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FIELDS = ANY_TEXT.filter(bool)


@settings(deadline=None)  # files take what time they take
@given(st.lists(st.tuples(FIELDS, FIELDS)), ANY_TEXT, st.booleans(), st.booleans())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    between: str,
    labelled: bool,
    with_text: bool,
) -> None:
    text, offsets = "", []
    for word, _ in rows:
        offsets.append((len(text), len(text) + len(word)))
        text += word + between
    folder = tmp_path_factory.mktemp("jsonl")
    sentence = Sentence(
        tuple(word for word, _ in rows),
        tuple(label for _, label in rows) if labelled else None,
        text if with_text else None,
        tuple(offsets) if with_text else None,
        str(folder / "corpus.jsonl"),
        1,
    )
    stream = io.StringIO()
    write_sentences([sentence], stream, "jsonl")
    assert read(folder, stream.getvalue(), options=ReadOptions(labelled=labelled)) == [sentence]


def test_a_lone_surrogate_is_not_written() -> None:
    with pytest.raises(DataError, match="a lone surrogate cannot be written"):
        write_sentences([Sentence(("\ud800",))], io.StringIO(), "jsonl")
