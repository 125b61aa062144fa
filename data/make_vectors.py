"""Make the small GloVe set that ships with windowclf from the full one.

It has the most frequent words and every word of the sample corpus that has a vector, in order of
frequency, as float16. The same input gives the same bytes. Run it from a checkout after the sample
corpus has changed: ``python data/make_vectors.py``.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from windowclf.files import sha256_of
from windowclf.vectors import Table, check_table, load_vectors, write_table

N_FREQUENT = 20_000
DATA = Path(__file__).parent / "windowclf_data"
SAMPLE_FILES = tuple(DATA / "sample" / f"{role}.conll" for role in ("train", "dev", "test"))
TARGET = DATA / "vectors" / "glove-6b-50d-small"
CATALOG = DATA / "catalog.toml"


def sample_words(paths: tuple[Path, ...]) -> Iterator[str]:
    """Yield the words of the sample corpus, the first column, lower-cased as GloVe's are."""
    for path in paths:
        if not path.is_file():
            print(f"{path.name} does not exist; its words are left out", file=sys.stderr)
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith(("#", "-DOCSTART-")):
                yield line.split("\t", 1)[0].lower()


def small_table(extra: set[str]) -> Table:
    """Return the most frequent words and those of `extra`, in order of frequency."""
    full = load_vectors("glove-6b-50d")
    rows = sorted(set(range(N_FREQUENT)) | {full.index[word] for word in extra if word in full.index})
    table = Table([full.words[row] for row in rows], full.matrix[rows].astype(np.float16))
    check_table(table, "the small set")
    return table


def main() -> None:
    """Write the set and its number of words in the catalogue."""
    extra = set(sample_words(SAMPLE_FILES))
    table = small_table(extra)
    TARGET.mkdir(parents=True, exist_ok=True)
    write_table(table, TARGET)
    n_words = len(table.words)
    catalog, n_found = re.subn(
        r"(\[vectors\.glove-6b-50d-small\]\n(?:.+\n)*?words = )\d+",
        rf"\g<1>{n_words}",
        CATALOG.read_text(encoding="utf-8"),
    )
    assert n_found == 1
    CATALOG.write_text(catalog, encoding="utf-8")
    without = sorted(extra - set(table.words))
    print(f"{n_words} words, {n_words - N_FREQUENT} of them for the sample corpus alone")
    print(f"{len(without)} words of the sample corpus have no vector: {' '.join(without[:20])}")
    for name in ("words.txt", "vectors.safetensors"):
        print(f"{name}: {(TARGET / name).stat().st_size} bytes, sha256 {sha256_of(TARGET / name)}")


if __name__ == "__main__":
    main()
