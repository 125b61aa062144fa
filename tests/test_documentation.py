"""Pages that are made from the code are up to date, and figures in prose are counted again."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from windowclf.corpus import ReadOptions, read_labelled, spans

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "windowclf_data" / "sample"


def test_the_configuration_page_is_made_from_the_code_as_it_is(
    load_script: Callable[[str], ModuleType],
) -> None:
    maker = load_script("docs/make_configuration.py")
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run python docs/make_configuration.py"


def test_the_page_of_the_tuning_study_says_what_its_results_say(
    load_script: Callable[[str], ModuleType],
) -> None:
    maker = load_script("docs/make_tuning_study.py")
    text = maker.PAGE.read_text(encoding="utf-8")
    assert maker.page(text) == text, "run python docs/make_tuning_study.py"
    figures = re.findall(r"\]\((data/tuning-study/\S+)\)", text)
    assert figures
    assert all((maker.PAGE.parent / figure).is_file() for figure in figures)


def entities(part: str) -> list[tuple[str, str]]:
    """Return the string and the kind of every entity of a part of the sample corpus."""
    corpus = read_labelled(SAMPLE / f"{part}.conll", ReadOptions())
    return [
        (" ".join(sentence.tokens[span.start : span.end]), span.kind)
        for sentence in corpus
        for span in spans(sentence.labels or ())
    ]


def test_the_guide_counts_the_sample_corpus_rightly() -> None:
    guide = (SAMPLE / "GUIDE.md").read_text(encoding="utf-8")
    for part, expected in (("train", 400), ("dev", 100), ("test", 100)):
        corpus = read_labelled(SAMPLE / f"{part}.conll", ReadOptions())
        kinds = Counter(kind for _, kind in entities(part))
        without = sum(not spans(sentence.labels or ()) for sentence in corpus)
        figures = [
            len(corpus),
            sum(map(len, corpus)),
            *(kinds[k] for k in ("PER", "LOC", "ORG", "MISC")),
            without,
        ]
        assert len(corpus) == expected
        row = re.search(rf"^\| {part} \|(.*)\|$", guide, flags=re.MULTILINE)
        assert row is not None
        assert [int(cell) for cell in row[1].split("|")] == figures
    train, test = ({string for string, _ in entities(part)} for part in ("train", "test"))
    unseen = len(test - train)
    share = f"Of the test's {len(test)} distinct entity strings, {unseen} ({100 * unseen / len(test):.1f} %)"
    assert share in guide
    assert unseen / len(test) >= 0.4


def test_the_readme_tells_the_share_of_unseen_entities_in_the_sample_corpus() -> None:
    train, test = ({string for string, _ in entities(part)} for part in ("train", "test"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{100 * len(test - train) / len(test):.0f} % of its test entities" in readme
