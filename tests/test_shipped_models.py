"""The models that ship: they work by name, are small, and are as good as their cards say."""

import os
import re
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

from windowclf import WindowTagger
from windowclf.model import find_model
from windowclf_cli.main import cli

NAMES = ("ner-en", "pos-en")
TEXT = "Angela Merkel flew from Berlin to New York."
MOST_BYTES = 12_000_000


def card_of(name: str) -> str:
    return (find_model(name) / "CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_has_a_card_and_a_licence_of_its_own(name: str) -> None:
    directory = find_model(name)
    assert sum(path.stat().st_size for path in directory.iterdir()) <= MOST_BYTES
    assert "CC BY" in (directory / "LICENSE.txt").read_text(encoding="utf-8")
    card = card_of(name)
    for heading in ("## Data", "## Figures", "## Configuration", "## Limits"):
        assert heading in card


def test_entities_of_a_text_are_tagged_at_once() -> None:
    result = CliRunner().invoke(cli, ["tag", "ner-en", "--text", TEXT])
    assert result.exit_code == 0, result.output
    assert result.stdout == "[PER Angela Merkel] flew from [LOC Berlin] to [LOC New York] .\n"


def test_parts_of_speech_of_a_text_are_tagged_at_once() -> None:
    [labels] = WindowTagger.load("pos-en").predict([[*TEXT[:-1].split(), "."]])
    # in UD English EWT, the New of New York is an adjective
    assert labels == ["PROPN", "PROPN", "VERB", "ADP", "PROPN", "ADP", "ADJ", "PROPN", "PUNCT"]


@pytest.mark.parametrize("name", NAMES)
def test_compiled_it_tags_as_plainly(name: str) -> None:
    sentences = [TEXT.split(), ["zyzzyva"], [], "what 's up with TV in the UK ?".split()]
    plain, compiled = WindowTagger.load(name), WindowTagger.load(name).compile()
    assert compiled.predict(sentences) == plain.predict(sentences)
    for a, b in zip(plain.predict_proba(sentences), compiled.predict_proba(sentences), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("arguments", [["evaluate", "ner-en", "sample:test"], ["info", "pos-en"]])
def test_other_commands_take_it_by_name(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output


def test_a_model_of_no_such_name_is_told_those_that_ship() -> None:
    result = CliRunner().invoke(cli, ["tag", "ner-de", "--text", TEXT])
    assert result.exit_code == 2
    assert "ner-en, pos-en" in result.stderr


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.skipif(
    "WINDOWCLF_CORPORA" not in os.environ, reason="WINDOWCLF_CORPORA names no folder of corpora"
)
@pytest.mark.parametrize("name", NAMES)
def test_the_figures_of_the_card_hold(name: str, load_script: Callable[[str], ModuleType]) -> None:
    make_models = load_script("data/make_models.py")
    recipe = make_models.RECIPES[name]
    test = make_models.read(recipe.corpora, "test", recipe.kinds)
    evaluation = WindowTagger.load(name).compile().evaluate(*test, calibration=False)
    row = re.search(r"^\| all together \| (\S+) \|", card_of(name), re.MULTILINE)
    assert row is not None
    assert 100 * evaluation.main_score == pytest.approx(float(row[1]), abs=0.05)
