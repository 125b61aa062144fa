"""What the benchmarks write: tables, and figures between the marks of a page."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PERFORMANCE = ROOT / "docs" / "performance.md"


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table: the first column to the left, all others to the right."""
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def three_digits(value: float) -> str:
    """Write a figure with three digits that count, thousands parted: 1,230 or 0.0123."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    if rounded >= 100:
        return f"{rounded:,.0f}"
    decimals = max(0, 2 - int(f"{rounded:.2e}".partition("e")[2]))
    return f"{rounded:.{decimals}f}"


def machine_line(machine: Mapping[str, Any]) -> str:
    """Say in words what `serving.describe_machine` found."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['machine']}, {machine['cores']} cores, Python {machine['python']}, {versions}"


def marked(page: str, name: str) -> str:
    """Return what stands between the marks `<!-- NAME -->` and `<!-- end of NAME -->` of a page."""
    _, begin, rest = page.partition(f"<!-- {name} -->\n")
    inside, end, _ = rest.partition(f"<!-- end of {name} -->")
    if not (begin and end):
        raise ValueError(f"the page has no place marked <!-- {name} --> … <!-- end of {name} -->")
    return inside.removesuffix("\n")


def replace_marked(page: str, name: str, text: str) -> str:
    """Return the page with `text` between the marks of that name.

    Raises
    ------
    ValueError
        If there are no such marks.
    """
    old = marked(page, name)
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    old, text = (f"{inside}\n" if inside else "" for inside in (old, text))
    return page.replace(f"{begin}{old}{end}", f"{begin}{text}{end}")


def update_page(name: str, text: str, page: Path = PERFORMANCE) -> None:
    """Put `text` between the marks of that name in a file."""
    page.write_text(replace_marked(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")
