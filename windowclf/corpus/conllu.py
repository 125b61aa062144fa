"""CoNLL-U, the format of Universal Dependencies (https://universaldependencies.org/format.html)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise, repeat
from typing import Literal

from windowclf.corpus.blocks import Source, read_lines, source_name
from windowclf.corpus.sentence import Offsets, Sentence
from windowclf.errors import DataError

LabelField = Literal["upos", "xpos"]
_N_COLUMNS = 10
_LABEL_COLUMN: dict[str, int] = {"upos": 3, "xpos": 4}
_TEXT = "# text = "
_UNWRITABLE = re.compile("[\t\n\r]")


def read_conllu(
    path: Source, *, label_field: LabelField = "upos", labelled: bool = True, columns: Sequence[str] = ()
) -> Iterator[Sentence]:
    """Yield the sentences of a CoNLL-U file; parameters are those of `ReadOptions`.

    Words are the lines with a whole number as their ID. Multiword tokens (1-2) and empty nodes (1.1) are no
    words. The comment ``# text =`` becomes the text; offsets are set if the words, with the help of
    ``SpaceAfter=No`` and of the forms of multiword tokens, can be aligned with it.
    """
    where = source_name(path)
    label_column = _LABEL_COLUMN[label_field]
    others = [_column(name, label_field if labelled else None, where) for name in columns]
    rows: list[list[str]] = []
    text: str | None = None
    first_line = 0
    for number, line in chain(read_lines(path), [(0, "")]):  # an empty line ends the last sentence
        if not line.strip():
            words = [row for row in rows if row[0].isdecimal()]
            if words:
                tags = {name: tuple(row[i] for row in words) for name, i in zip(columns, others, strict=True)}
                yield Sentence(
                    tuple(row[1] for row in words),
                    tuple(row[label_column] for row in words) if labelled else None,
                    text,
                    None if text is None else _align(rows, text),
                    where,
                    first_line,
                    tags or None,
                )
            rows, text, first_line = [], None, 0
            continue
        first_line = first_line or number
        if line.startswith("#"):
            if line.startswith(_TEXT):
                text = line[len(_TEXT) :]
            continue
        row = line.split("\t")
        _check(row, (label_column, *others), where, number)
        rows.append(row)


def conllu_lines(
    tokens: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]] | None,
    texts: Iterable[str | None],
    offsets: Iterable[Sequence[tuple[int, int]] | None],
    *,
    label_field: LabelField = "upos",
) -> str:
    """Return sentences as CoNLL-U with forms, labels, the text and ``SpaceAfter=No``; all else is ``_``.

    The text is left out where it holds line ends or has no offsets. A NUL character, which no reader accepts,
    becomes U+FFFD. A sentence without words is an empty line. It raises a DataError if a word or a label is
    empty or holds a tab or a line end.
    """
    lines = []
    for words, names, text, places in zip(tokens, labels or repeat(None), texts, offsets, strict=False):
        for value in (*words, *(names or ())):
            if not value or _UNWRITABLE.search(value):
                raise DataError("cannot be written as CoNLL-U", found=value, allowed="no tab, no line end")
        touches_next = [False] * len(words)  # no space before the next word
        if words and text is not None and places is not None and not _UNWRITABLE.search(text):
            lines.append(f"{_TEXT}{text}")
            touches_next = [end == start for (_, end), (start, _) in pairwise(places)] + [False]
        for i, word in enumerate(words):
            row = [str(i + 1), word, *"_" * (_N_COLUMNS - 2)]
            if names is not None:
                row[_LABEL_COLUMN[label_field]] = names[i]
            if touches_next[i]:
                row[-1] = "SpaceAfter=No"
            lines.append("\t".join(row))
        lines.append("")
    return "".join([f"{line}\n" for line in lines]).replace("\0", "\ufffd")


def _column(name: str, label_field: LabelField | None, where: str) -> int:
    """Return the number of a column of tags."""
    found = _LABEL_COLUMN.get(name)
    if found is None or name == label_field:
        raise DataError(
            f"the column {name!r} is that of the labels" if found else f"no column is called {name!r}",
            where=where,
            allowed=f"{', '.join(_LABEL_COLUMN)}, but not that of the labels (features.columns)",
        )
    return found


def _check(row: list[str], columns: Sequence[int], where: str, line: int) -> None:
    """Raise a DataError unless a row is a well-formed word, multiword token or empty node."""
    if len(row) != _N_COLUMNS:
        raise DataError(
            f"a CoNLL-U line has {_N_COLUMNS} columns separated by tabs, this one {len(row)}",
            where=where,
            line=line,
            found="\t".join(row),
            hint="If the file has other columns, give --format conll.",
        )
    if not re.fullmatch(r"[0-9]{1,9}([-.][0-9]{1,9})?", row[0]):
        raise DataError("not the ID of a word", where=where, line=line, found=row[0], allowed="1, 1-2 or 1.1")
    if not all(row[column] for column in (1, *columns)):
        raise DataError("an empty form or label", where=where, line=line, found="\t".join(row))


def _align(rows: list[list[str]], text: str) -> Offsets | None:
    """Return the offsets of each word in the text, or None if the words cannot be aligned with it."""
    offsets: list[tuple[int, int]] = []
    position = len(text) - len(text.lstrip())
    range_end, range_row = 0, rows[0]  # of the current multiword token: its last word, its line
    for row in rows:
        identifier, form = row[0], row[1]
        if "." in identifier:
            continue
        if "-" in identifier:
            range_end, range_row = int(identifier.split("-")[1]), row
            continue
        if not text.startswith(form, position):
            return None
        offsets.append((position, position + len(form)))
        position += len(form)
        number = int(identifier)
        if number < range_end:
            continue
        misc = range_row[-1] if number == range_end else row[-1]
        if "SpaceAfter=No" not in misc.split("|"):
            while position < len(text) and text[position].isspace():
                position += 1
    return tuple(offsets)
