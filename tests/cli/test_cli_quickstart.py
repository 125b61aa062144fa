"""`windowclf quickstart`, and the whole of the help."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from windowclf import WindowTagger
from windowclf_cli.main import COMMANDS, cli


@pytest.mark.slow
def test_quickstart_trains_both_ways_saves_both_and_tags(tmp_path: Path) -> None:
    out = tmp_path / "quickstart"
    arguments = ["quickstart", "--out", str(out), "--text", "Anna flew to Oslo."]
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [run["tuning"] for run in report["runs"]] == ["frozen", "tuned"]
    for run in report["runs"]:
        assert 0.3 < run["test_f1"] < 1
        assert WindowTagger.load(run["model"]).config.model.tuning == run["tuning"]
    assert report["tagged"][0]["tagged"] == "museums in [LOC Paris] are amazing"
    assert report["tagged"][1]["text"] == "Anna flew to Oslo."
    again = CliRunner().invoke(cli, arguments)
    assert (again.exit_code, "--force" in again.stderr) == (2, True)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_with_an_example(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    if name in ("data", "experiment", "vectors"):
        group = cli.get_command(None, name)  # type: ignore[arg-type]
        assert group.commands  # type: ignore[union-attr]
        for subcommand in group.commands:  # type: ignore[union-attr]
            text = CliRunner().invoke(cli, [name, subcommand, "--help"]).stdout
            assert f"windowclf {name} {subcommand}" in text.split("Example")[1]
            assert "--json" in text
    else:
        assert f"windowclf {name}" in result.stdout.split("Example")[1]
        assert ("--json" in result.stdout) == (name != "serve")  # serve answers over HTTP and prints nothing


def test_an_unknown_command_is_exit_2() -> None:
    result = CliRunner().invoke(cli, ["trian"])
    assert result.exit_code == 2
    assert "trian" in result.stderr
