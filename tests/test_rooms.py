"""Names imported from a room are in its `__all__` and come from the room itself, not from a file in it."""

import ast
from collections.abc import Callable
from types import ModuleType

import pytest

Sources = dict[str, str]


@pytest.fixture(scope="module")
def house(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("tests/house.py")


def public_names(sources: Sources) -> dict[str, set[str]]:
    """Return the `__all__` of each room that has one."""
    rooms = {}
    for path, source in sources.items():
        parts = path.split("/")
        if parts[0] == "windowclf" and len(parts) == 3 and parts[2] == "__init__.py":
            for node in ast.parse(source).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                    rooms[parts[1]] = set(ast.literal_eval(node.value))
    return rooms


def violations(house: ModuleType, sources: Sources) -> list[str]:
    """Return each import past the public names of a room. Tests and profiles may look inside."""
    rooms = public_names(sources)
    found = []
    for path, source in sources.items():
        if path.startswith("tests/") or path.endswith("_profile.py"):
            continue
        for module, name in house.imports(source):
            package, room, *inside = [*module.split("."), "", ""][:3]
            if package != "windowclf" or path.startswith(f"windowclf/{room}/"):
                continue
            if name in rooms if not room else room in rooms and (any(inside) or name not in rooms[room]):
                found.append(f"{path}: {module} {name}".rstrip())
    return sorted(found)


def test_only_public_names_are_imported_from_a_room(house: ModuleType) -> None:
    assert violations(house, house.read_sources()) == []


CORPUS = {
    "windowclf/corpus/__init__.py": "from windowclf.corpus.read import read\n__all__ = ['read']",
    "windowclf/corpus/read.py": "from windowclf.corpus.lines import lines\ndef read(): ...",
    "windowclf/nn/__init__.py": '"""No public names yet."""',
}


@pytest.mark.parametrize(
    ("path", "statement", "allowed"),
    [
        ("windowclf/model/a.py", "from windowclf.corpus import read", True),
        ("windowclf/model/a.py", "from windowclf.corpus import lines", False),
        ("windowclf/model/a.py", "from windowclf.corpus.read import read", False),
        ("windowclf/model/a.py", "import windowclf.corpus.read", False),
        ("windowclf/model/a.py", "import windowclf.corpus", False),
        ("windowclf/model/a.py", "from windowclf import corpus", False),
        ("windowclf/model/a.py", "import windowclf.config", True),
        ("windowclf/model/a.py", "def f():\n    from windowclf.corpus import lines", False),
        ("windowclf/model/a.py", "from windowclf.nn.crf import viterbi", True),
        ("windowclf/corpus/lines.py", "from windowclf.corpus.read import read", True),
        ("windowclf/tagger.py", "from windowclf.corpus.read import read", False),
        ("cli/windowclf_cli/tag.py", "from windowclf.corpus.read import read", False),
        ("benchmarks/speed.py", "from windowclf.corpus.read import read", False),
        ("tests/corpus/test_read.py", "from windowclf.corpus.read import read", True),
    ],
)
def test_an_import_past_the_public_names_is_found(
    house: ModuleType, path: str, statement: str, allowed: bool
) -> None:
    found = violations(house, CORPUS | {path: statement})
    assert [line.split(":")[0] for line in found] == ([] if allowed else [path])
