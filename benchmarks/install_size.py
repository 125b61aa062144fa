"""How large an installation is: `pip install` into a new environment, without extras and with each.

    python benchmarks/install_size.py [EXTRA…] [--update-docs]

Sizes are those of all files that pip adds, compiled .pyc files included. Extras that are not named keep the
sizes of the record.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pages import ROOT, markdown_table, update_page

RECORD = ROOT / "docs" / "data" / "install-size.json"
README = ROOT / "README.md"
BASE = "base"
ADDS = {  # "base" or an extra -> what it adds
    BASE: "training, tagging, the command line and the service",
    "glove": "all 400,000 GloVe vectors of 50 dimensions (the default set where it is installed)",
    "plots": "matplotlib: reliability diagrams and reports of studies",
    "test": "everything that `make check` and `make test` use",
    "docs": "Sphinx, for `make docs`",
}
PARTS = {"gensim and scipy": ("gensim", "scipy", "scipy.libs"), "numpy": ("numpy", "numpy.libs")}


def size_of(folder: Path) -> int:
    """Return the bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def installed(extra: str) -> dict[str, int]:
    """Install into a new environment and return the bytes that this adds, in all and by part."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        before = size_of(Path(directory))
        what = str(ROOT) if extra == BASE else f"{ROOT}[{extra}]"
        subprocess.run([f"{directory}/bin/python", "-m", "pip", "install", "--quiet", what], check=True)
        (packages,) = Path(directory).glob("lib/python*/site-packages")
        parts = {part: sum(size_of(packages / name) for name in names) for part, names in PARTS.items()}
        return {"all": size_of(Path(directory)) - before, **parts}


def table(record: dict[str, Any]) -> str:
    """Return the record as a Markdown table and what it was measured on."""
    base = record["bytes"][BASE]
    rows = [(f"`pip install windowclf`: {ADDS[BASE]}", megabytes(base["all"]))]
    rows += [
        (f"`[{extra}]`: {adds}", f"+ {megabytes(record['bytes'][extra]['all'] - base['all'])}")
        for extra, adds in ADDS.items()
        if extra in record["bytes"] and extra != BASE
    ]
    parts = " and ".join(f"{megabytes(base[part])} MB are {part}" for part in PARTS)
    return f"{markdown_table(('what', 'MB'), rows)}\n\nOf the base, {parts}. {record['machine']}."


def megabytes(n_bytes: int) -> str:
    """Write bytes as whole megabytes (10^6)."""
    return f"{n_bytes / 1e6:,.0f}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("extra", nargs="*", choices=[*ADDS, []], help="what to measure (default: all)")
    parser.add_argument("--update-docs", action="store_true", help="write record and README")
    options = parser.parse_args()
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {"bytes": {}}
    record["bytes"] |= {extra: installed(extra) for extra in options.extra or ADDS}
    record["machine"] = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(table(record))
    if options.update_docs:
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        update_page("installation", table(record), README)


if __name__ == "__main__":
    main()
