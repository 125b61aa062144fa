"""Measure how large an installation is and write the table of README.md: `python benchmarks/install_size.py`.

pip installs into new environments: windowclf alone, and with each extra but `oracles`, whose PyTorch has a
size that depends on the index it comes from. Sizes are those of all files, .pyc included.
"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pages import ROOT, markdown_table, update_page

RECORD = ROOT / "docs" / "data" / "install-size.json"
EXTRAS = {
    "glove": "all 400,000 GloVe vectors of 50 dimensions (the default set where it is installed)",
    "plots": "matplotlib: reliability diagrams and reports of studies",
    "test": "everything that `make check` and `make test` use",
    "docs": "Sphinx, for `make docs`",
}
PARTS = {"gensim and scipy": ("gensim", "scipy", "scipy.libs"), "numpy": ("numpy", "numpy.libs")}


def size_of(folder: Path) -> int:
    """Return the bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(requirement: str) -> dict[str, int]:
    """Install into a new environment and return the bytes that this adds, in all and by part."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        before = size_of(Path(directory))
        subprocess.run([f"{directory}/bin/pip", "install", "--quiet", requirement], check=True)
        (packages,) = Path(directory).glob("lib/python*/site-packages")
        parts = {part: sum(size_of(packages / name) for name in names) for part, names in PARTS.items()}
        return {"all": size_of(Path(directory)) - before, **parts}


def table(record: dict[str, Any]) -> str:
    """Return the record as a Markdown table and a sentence."""

    def megabytes(n_bytes: int) -> str:
        return f"{n_bytes / 1e6:,.0f}"

    base = record["bytes"]["base"]
    rows = [("`pip install windowclf`: training, tagging, command line, service", megabytes(base["all"]))]
    for extra, adds in EXTRAS.items():
        rows.append((f"`[{extra}]`: {adds}", f"+ {megabytes(record['bytes'][extra]['all'] - base['all'])}"))
    parts = " and ".join(f"{megabytes(base[part])} MB are {part}" for part in PARTS)
    return f"{markdown_table(('what', 'MB'), rows)}\n\nOf the base, {parts}. {record['machine']}."


if __name__ == "__main__":
    sizes = {"base": measure(str(ROOT))} | {extra: measure(f"{ROOT}[{extra}]") for extra in EXTRAS}
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    record = {"bytes": sizes, "machine": machine}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    update_page("installation", table(record), ROOT / "README.md")
    print(table(record))
