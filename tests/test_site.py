"""The documentation site: it builds without warnings, is complete, and its examples run."""

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import click
import pytest

from windowclf_cli.main import cli

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}
COMMANDS = {  # page -> the lines of its sh blocks that call windowclf
    name: [
        line
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
        if re.match(r"(\w+ .*\| )?windowclf |printf .*>", line)
    ]
    for name, text in PAGES.items()
    if name not in ("deploy", "brown", "index")  # these need a server, an archive, quickstart's time
}
TRAIN_MINE = "windowclf train --train sample:train --dev sample:dev --out runs/mine"


# A python block, and the text block after it with what it prints, if it prints.
PYTHON = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
LOADED = (  # what a browser fetches by itself
    r"<(?:script|img|iframe)[^>]*\ssrc=[\"']?(?:https?:)?//",
    r"<link[^>]*rel=[\"'](?:stylesheet|preload)[^>]*(?:https?:)?//",
    r"(?:url\(|@import )[\"']?(?:https?:)?//",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    pytest.importorskip("sphinx")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(out / "html")]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return out / "html"


def test_every_page_is_in_the_site(site: Path) -> None:
    assert {page.stem for page in site.glob("*.html")} >= PAGES.keys()


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for file in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = file.read_text(encoding="utf-8")
        assert not any(re.search(pattern, text) for pattern in LOADED), file.name


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and those below it, with their names as one types them."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from commands(found, f"{name} {below}")


def test_the_reference_has_every_command_and_every_option(site: Path) -> None:
    page = (site / "cli.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    for name, command in commands(cli, "windowclf"):
        if name == "windowclf":
            continue
        assert f"{name} [OPTIONS]" in text, name
        first_words = (command.help or "").split("\n\n")[0].replace("`", "").split()
        assert " ".join(first_words) in " ".join(text.split()), name
        for option in command.params:
            if isinstance(option, click.Option):
                anchor = f"cmdoption-{name.replace(' ', '-')}-{option.opts[-1].lstrip('-')}"
                assert f'id="{anchor}"' in page, anchor


def test_the_reference_has_every_public_name_of_the_library(site: Path) -> None:
    import windowclf

    page = (site / "python.html").read_text(encoding="utf-8")
    for name in windowclf.__all__:
        assert f'id="windowclf.{name}"' in page, name


@pytest.mark.parametrize("page", ["python-tutorial"])
def test_the_python_of_a_page_prints_what_the_page_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = PYTHON.findall(PAGES[page])
    assert len(blocks) == PAGES[page].count("```python") > 0
    names: dict[str, Any] = {}
    for code, shown in blocks:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == shown, code


@pytest.mark.parametrize("page", [name for name, lines in COMMANDS.items() if lines])
def test_the_commands_of_a_page_run(page: str, tmp_path: Path, sample_model: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    if page == "vectors":  # it converts a set
        environment["WINDOWCLF_CACHE"] = str(tmp_path / "cache")
    for command in COMMANDS[page]:
        if command == TRAIN_MINE:  # test_readme.py runs this one; the model here is a smaller one
            shutil.copytree(sample_model, tmp_path / "runs" / "mine")
            continue
        quick = " --set training.epochs=2" if re.match("windowclf (train|experiment)", command) else ""
        done = subprocess.run(
            command + quick,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip() or ">" in command, command
        assert done.stderr == "", command
