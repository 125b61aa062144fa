"""Print the rooms of the library: files, lines, and which room imports which.

    python tests/house.py         the working tree
    python tests/house.py REV     any commit, also one from before the rooms (2e81e91)

A box is a file or a folder directly in `windowclf/`. An arrow says that one box imports another, anywhere in
its code. Boxes on level 1 import no other box; every other box is one level above the highest box that it
imports (boxes that import one another share a level).
"""

import ast
import io
import subprocess
import sys
import tarfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "windowclf": "windowclf",
    "windowclf_cli": "cli",
    "windowclf_service": "service",
    "windowclf_data": "data",
}
Sources = dict[str, str]


def read_sources(revision: str | None = None, root: Path = ROOT) -> Sources:
    """Return the Python files that git knows, by path: of a commit, or of the working tree."""
    if revision is None:
        listed = subprocess.run(
            ["git", "ls-files", "*.py"], cwd=root, capture_output=True, text=True, check=True
        )
        paths = [path for path in listed.stdout.splitlines() if (root / path).exists()]
        return {path: (root / path).read_text(encoding="utf-8") for path in paths}
    packed = subprocess.run(["git", "archive", revision], cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        files = [
            (member.name, archive.extractfile(member)) for member in archive if member.name.endswith(".py")
        ]
        return {name: file.read().decode() for name, file in files if file is not None}


def module_name(path: str) -> str | None:
    """Return the module that a file of one of the four packages is; None for any other file."""
    parts = path.removesuffix(".py").split("/")
    parts = parts if parts[0] == "windowclf" else parts[1:]
    if not parts or parts[0] not in PACKAGES:
        return None
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def box_of(module: str) -> str:
    """Return the box of a module: a front end, a room or a file directly in the library."""
    package, _, inside = module.partition(".")
    return package if package != "windowclf" else inside.partition(".")[0] or "__init__"


def imports(source: str) -> list[tuple[str, str]]:
    """Return every (module, name) that a file imports, lazily too; the name is empty in `import module`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found += [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
    return found


def arrows(sources: Sources) -> dict[str, set[str]]:
    """Return for each box the other boxes that it imports."""
    modules = {
        module: source for path, source in sources.items() if (module := module_name(path)) is not None
    }
    graph: dict[str, set[str]] = {box_of(module): set() for module in modules}
    for module, source in modules.items():
        for origin, name in imports(source):
            target = f"{origin}.{name}" if f"{origin}.{name}" in modules else origin
            if target in modules and box_of(target) != box_of(module):
                graph[box_of(module)].add(box_of(target))
    return graph


def levels(graph: dict[str, set[str]]) -> dict[str, int]:
    """Return the level of each box, from 1."""

    def reach(start: str) -> set[str]:
        seen, waiting = set[str](), [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    reached = {box: reach(box) for box in graph}
    level: dict[str, int] = {}
    for box in sorted(graph, key=lambda box: len(reached[box] | {box})):  # what a box imports comes before it
        circle = {other for other in reached[box] if box in reached[other]}
        level[box] = 1 + max((level[other] for other in reached[box] - circle), default=0)
    return level


def report(sources: Sources) -> str:
    """Return the table of boxes, top level first, and the totals."""
    graph = arrows(sources)
    fronts = set(PACKAGES) - {"windowclf"}
    library = {box: targets - fronts for box, targets in graph.items() if box not in fronts}
    level = levels(library)
    files, lines = defaultdict[str, int](int), defaultdict[str, int](int)
    elsewhere = defaultdict[str, int](int)
    for path, source in sources.items():
        module, length = module_name(path), len(source.splitlines())
        if module is None:
            folder = "benchmarks" if "benchmarks/" in path and "/test_" not in path else path.split("/")[0]
            elsewhere[folder] += length
        else:
            files[box_of(module)] += 1
            lines[box_of(module)] += length

    def row(box: str, at: str, targets: set[str]) -> str:
        ordered = sorted(targets, key=lambda target: (-level.get(target, 0), target))
        return f"{box:18}{at:>5}{files[box]:6}{lines[box]:7}  {', '.join(ordered)}".rstrip()

    rows = [f"{'':18}{'level':>5}{'files':>6}{'lines':>7}  imports"]
    rows += [row(box, "", graph[box]) for box in sorted(fronts & set(graph))]
    rows += [row(box, str(level[box]), library[box]) for box in sorted(library, key=lambda b: (-level[b], b))]
    tests = elsewhere.pop("tests", 0)
    others = ", ".join(f"{folder} {length}" for folder, length in sorted(elsewhere.items()))
    n_arrows = sum(map(len, library.values()))
    rows += [
        "",
        f"windowclf: {len(library)} boxes, {n_arrows} arrows, {max(level.values())} levels, "
        f"{sum(files[box] for box in library)} files, {sum(lines[box] for box in library)} lines",
        f"Python outside tests: {sum(lines.values()) + sum(elsewhere.values())} lines "
        f"({others}); tests: {tests}",
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    print(report(read_sources(sys.argv[1] if len(sys.argv) > 1 else None)))
