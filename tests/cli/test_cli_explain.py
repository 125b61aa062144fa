"""`windowclf explain`."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from windowclf_cli.main import cli


def explain(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["explain", *map(str, arguments)])


def test_contributions_sum_to_the_difference_from_the_empty_window(sample_model: Path) -> None:
    result = explain(sample_model, "museums in Paris are amazing", "--json")
    explained = json.loads(result.stdout)
    assert [e["token"] for e in explained] == ["museums", "in", "Paris", "are", "amazing"]
    for e in explained:
        assert sum(e["contributions"]) == pytest.approx(e["score"] - e["empty_score"], abs=1e-9)
        assert sum(p for _, p in e["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert explained[2]["window"] == ["museums", "in", "Paris", "are", "amazing"]
    assert explained[0]["window"] == [None, None, "museums", "in", "Paris"]


def test_people_see_labels_runners_up_and_signed_bars(sample_model: Path) -> None:
    text = explain(sample_model, "museums in Paris are amazing", "--word", "Paris", "--top", "2").stdout
    assert re.match(r"Paris  B-LOC \d+\.\d\d %  \(S-LOC ", text)
    assert "█" in text
    assert "museums" in text
    assert text.count(" %") == 3


def test_a_word_that_is_not_in_the_text_is_an_error_that_lists_the_words(sample_model: Path) -> None:
    result = explain(sample_model, "museums in Paris", "--word", "Rome")
    assert result.exit_code == 2
    assert "museums, in, Paris" in result.stderr
