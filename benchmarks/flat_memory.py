"""Peak memory of `windowclf tag -` over text of any size, against that over a small text.

    python benchmarks/flat_memory.py --megabytes 1000

The text goes on bringing new words. The model is tiny, so that the run is short: what could grow with the
text (words, ids, caches) is as in any other.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from windowclf import Config, WindowTagger
from windowclf.config_io import override

SMALL = 2  # megabytes; several times what is held at once
_USUAL = "understandably unforgettable Constantinople nevertheless disappointed .\n" * 10
_TAG = """
import atexit, sys
def report():
    with open("/proc/self/status") as status:
        sys.stderr.writelines(line for line in status if line.startswith("VmHWM"))
atexit.register(report)
from windowclf_cli.main import cli
cli()
"""


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


def peak_megabytes(model: Path, megabytes: int, *, prelude: str = "") -> float:
    """Pipe text through `windowclf tag` in a process of its own and return that process's peak memory.

    `prelude` is Python that runs in it first. The peak is what Linux calls VmHWM; `ru_maxrss` would count
    the process it was forked from, which may be larger.
    """
    command = [sys.executable, "-c", f"{prelude}\n{_TAG}", "tag", str(model), "-", "--threads", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe) as process:
        assert process.stdin is not None and process.stderr is not None
        size = 0
        for text in lines():
            size += process.stdin.write(text.encode())
            if size >= megabytes * 1_000_000:
                break
        process.stdin.close()
        printed = process.stderr.read().decode()
    peak = re.fullmatch(r"VmHWM:\s*(\d+) kB\n", printed)
    if process.returncode != 0 or peak is None:
        raise SystemExit(f"windowclf tag ended with status {process.returncode}: {printed}")
    return int(peak[1]) / 1024


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
