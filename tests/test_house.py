"""The table of rooms: boxes, arrows and levels of a small library, in the working tree and at a commit."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

FLAT = {
    "windowclf/__init__.py": "from windowclf.tagger import Tagger\n",
    "windowclf/tagger.py": "from windowclf.text import lines, words\nif 1:\n  import windowclf.errors\n",
    "windowclf/text/__init__.py": "",
    "windowclf/text/lines.py": "from windowclf.errors import Fault\n",
    "windowclf/text/words.py": "from windowclf.text.lines import split\nimport os\n",
    "windowclf/errors.py": "class Fault(Exception): ...\n",
    "cli/windowclf_cli/main.py": "from windowclf.tagger import Tagger\n",
    "tests/test_lines.py": "from windowclf.text import lines\n",
}


@pytest.fixture(scope="module")
def house(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("tests/house.py")


def test_boxes_arrows_levels_files_and_lines_are_counted(house: ModuleType) -> None:
    table = house.report(FLAT).splitlines()
    assert [line.split() for line in table[1:6]] == [
        ["windowclf_cli", "1", "1", "tagger"],
        ["__init__", "4", "1", "1", "tagger"],
        ["tagger", "3", "1", "3", "text,", "errors"],
        ["text", "2", "3", "3", "errors"],
        ["errors", "1", "1", "1"],
    ]
    assert table[-2] == "windowclf: 4 boxes, 4 arrows, 4 levels, 6 files, 8 lines"
    assert table[-1] == "Python outside tests: 9 lines (); tests: 1"


def test_boxes_that_import_one_another_share_a_level(house: ModuleType) -> None:
    circle = {"a": {"b"}, "b": {"a", "c"}, "c": set(), "d": {"a"}}
    assert house.levels(circle) == {"a": 2, "b": 2, "c": 1, "d": 3}


def test_a_commit_is_read_as_it_was(house: ModuleType, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=tmp_path, check=True
        )

    for path, source in FLAT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source, encoding="utf-8")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "flat")
    (tmp_path / "windowclf/tagger.py").unlink()
    (tmp_path / "windowclf/errors.py").write_text("", encoding="utf-8")
    assert house.read_sources("HEAD", tmp_path) == FLAT
    now = {path: source for path, source in FLAT.items() if path != "windowclf/tagger.py"}
    assert house.read_sources(root=tmp_path) == now | {"windowclf/errors.py": ""}


def test_the_script_prints_the_ten_rooms() -> None:
    script = Path(__file__).with_name("house.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    printed = {line.split()[0] for line in done.stdout.splitlines() if line}
    rooms = "corpus encoding vectors nn model evaluation training inspection streaming runs"
    assert set(rooms.split()) <= printed
