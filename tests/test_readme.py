"""The README's commands run, in order, in an empty directory; so does its Python."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import install_size
import pages

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def shell_commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if "windowclf " in line]


@pytest.mark.slow
def test_the_commands_run(tmp_path: Path) -> None:
    commands = shell_commands()
    assert len(commands) >= 9
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    for command in commands:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), command
        assert done.stderr == "", command


def test_the_python_runs_and_tags(tmp_path: Path) -> None:
    (code,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[['B-LOC', 'O', 'O']]\n"
    assert (tmp_path / "runs" / "two-sentences" / "manifest.json").exists()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 20
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_readme_says_what_the_record_of_installations_says() -> None:
    record = json.loads(install_size.RECORD.read_text(encoding="utf-8"))
    assert pages.marked(README, "installation") == install_size.table(record)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].keys() - {"oracles"}  # PyTorch's size depends on the index
    assert record["bytes"].keys() == {"base", *extras}
