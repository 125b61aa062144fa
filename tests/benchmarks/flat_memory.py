"""Peak memory of `windowclf tag -` over text of any size, against that over a small text.

    python tests/benchmarks/flat_memory.py --megabytes 1000

The text goes on bringing new words. The model is tiny, so that the run is short: what could grow with the
text (words, ids, caches) is as in any other.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from windowclf import Config, WindowTagger
from windowclf.config_io import override

SMALL = 2  # megabytes; several times what is held at once
_USUAL = "understandably unforgettable Constantinople nevertheless disappointed .\n" * 10


def lines() -> Iterator[str]:
    """Yield text without end."""
    number = 0
    while True:
        yield f"Traveller{number} remembered Constantinople{number} .\n{_USUAL}"
        number += 1


def make_model(directory: Path) -> Path:
    """Train a tiny tagger with all features on, and return where it is."""
    config = override(Config(), ["model.hidden=[8]", "features.affix_dimension=2"])
    tagger = WindowTagger(config, vectors="glove-6b-50d-small").fit([["in", "Paris"]], [["ADP", "PROPN"]])
    tagger.save(directory / "model")
    return directory / "model"


def peak_megabytes(model: Path, megabytes: int) -> float:
    """Pipe text through `windowclf tag` in a process of its own and return its peak memory."""
    command = [sys.executable, "-c", "from windowclf_cli.main import cli; cli()", "tag", str(model), "-"]
    process = subprocess.Popen([*command, "--threads", "1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    with process.stdin as stdin:
        size = 0
        for text in lines():
            size += stdin.write(text.encode())
            if size >= megabytes * 1_000_000:
                break
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"windowclf tag ended with status {process.returncode}")
    return usage.ru_maxrss / 1024


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the large text (default: 1000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        model = make_model(Path(directory))
        peaks = {str(size): peak_megabytes(model, size) for size in (SMALL, options.megabytes)}
    print(json.dumps({"peak_megabytes_by_megabytes_of_text": peaks}))


if __name__ == "__main__":
    main()
