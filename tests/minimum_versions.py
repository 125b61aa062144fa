"""Print the oldest versions that pyproject.toml allows, as `name==version` for pip."""

import re
import tomllib
from pathlib import Path

# not needed to run the tests
TOOLS = {"build", "import-linter", "mypy", "pre-commit", "ruff", "twine", "windowclf"}


def minimum_versions(pyproject: Path) -> list[str]:
    """Return a pin for each library that windowclf and its tests need."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    required = project["dependencies"] + extras["glove"] + extras["plots"] + extras["test"]
    pairs = (re.match(r"([\w-]+)(?:\[.*\])?(?:>=([\w.]+))?", entry) for entry in required)
    return [f"{pair[1]}=={pair[2]}" for pair in pairs if pair and pair[1] not in TOOLS]


if __name__ == "__main__":
    print(" ".join(minimum_versions(Path(__file__).parents[1] / "pyproject.toml")))
