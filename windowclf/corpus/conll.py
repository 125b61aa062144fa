"""Column files of the CoNLL shared tasks: a word a line, an empty line after each sentence."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from windowclf.corpus.blocks import Source, read_lines, source_name
from windowclf.corpus.sentence import Sentence, interleave
from windowclf.errors import DataError

DOCSTART = "-DOCSTART-"
_SPACES = re.compile(" +")
_UNWRITABLE = re.compile("[\t\n\r]")


def read_conll(
    path: Source,
    *,
    token_column: int = 0,
    label_column: int = -1,
    separator: str | None = None,
    labelled: bool = True,
    columns: Sequence[str] = (),
) -> Iterator[Sentence]:
    """Yield the sentences of a column file; parameters are those of `ReadOptions`.

    A sentence ends at a line of white space and at a line whose first column is ``-DOCSTART-``, which is no
    word. There are no comments: a line that starts with # is a word (a #tag).
    """
    where = source_name(path)
    own = (token_column, label_column) if labelled else (token_column,)
    others = [_number(name, where) for name in columns]
    needed = max(column + 1 if column >= 0 else -column for column in (*own, *others))
    tokens: list[str] = []
    labels: list[str] = []
    values: list[list[str]] = [[] for _ in others]
    first_line = 0
    for number, line in chain(read_lines(path), [(0, "")]):  # an empty line ends the last sentence
        row = _split(line, separator)
        if not line.strip() or row[0] == DOCSTART:
            if tokens:
                yield Sentence(
                    tuple(tokens),
                    tuple(labels) if labelled else None,
                    source=where,
                    line=first_line,
                    columns=dict(zip(columns, map(tuple, values), strict=True)) or None,
                )
                tokens, labels, values = [], [], [[] for _ in others]
            continue
        if not tokens:
            first_line = number
        if len(row) < needed or (labelled and (token_column - label_column) % len(row) == 0):
            raise _too_few_columns(row, own, others, where, number)
        token = row[token_column]
        if not token:
            raise DataError("an empty word", where=where, line=number, found=line)
        tokens.append(token)
        if labelled:
            label = row[label_column]
            if not label:
                raise DataError("an empty label", where=where, line=number, found=line)
            labels.append(label)
        if others:
            _check_others(row, own, others, where, number)
            for column, of_column in zip(others, values, strict=True):
                of_column.append(row[column])


def conll_lines(tokens: Sequence[Sequence[str]], labels: Sequence[Sequence[str]] | None) -> str:
    """Return sentences as lines ``word TAB label`` (or ``word`` without labels), an empty line after each.

    A NUL character, which no reader accepts, becomes U+FFFD. It raises a DataError if a word or a label would
    not be read back as it is: it is empty or holds a tab or a line end; or a word is white space alone or
    ``-DOCSTART-``, or, without labels, holds a space.
    """
    words = [*chain.from_iterable(tokens)]
    distinct = dict.fromkeys(words)
    joined = "".join(distinct)
    # what is printable is neither a control character nor white space (a space apart)
    if not joined.isprintable() or " " in joined or "" in distinct or DOCSTART in distinct:
        for word in distinct:
            is_blank = not word or word.isspace() or (labels is None and " " in word)
            if is_blank or word == DOCSTART or _UNWRITABLE.search(word):
                raise _unwritable(word)
    if labels is None:
        return "".join(["\n".join((*sentence, "", "")) for sentence in tokens]).replace("\0", "\ufffd")
    names = [*chain.from_iterable(labels)]
    distinct = dict.fromkeys(names)
    for label in distinct:
        if not label or _UNWRITABLE.search(label):
            raise _unwritable(label)
    lines = interleave(words, names, distinct, map(len, tokens), before="\t", after="\n", end="\n\n")
    return lines.replace("\0", "\ufffd")


def _split(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split("\t") if "\t" in line else _SPACES.split(line.strip(" "))
    return line.split(separator)


def _number(name: str, where: str) -> int:
    if re.fullmatch(r"-?[0-9]{1,9}", name) is None:
        raise DataError(
            f"no column is called {name!r} in CoNLL files",
            where=where,
            allowed="numbers from 0, or negative from the end (features.columns)",
        )
    return int(name)


def _check_others(row: list[str], own: tuple[int, ...], others: list[int], where: str, line: int) -> None:
    for column in others:
        if any((column - taken) % len(row) == 0 for taken in own):
            problem = f"column {column} is that of the word or of the label"
            allowed = "other columns (features.columns)"
            raise DataError(problem, where=where, line=line, found=row, allowed=allowed)
        if not row[column]:
            raise DataError(f"an empty value in column {column}", where=where, line=line, found=row)


def _too_few_columns(
    row: list[str], own: tuple[int, ...], others: list[int], where: str, line: int
) -> DataError:
    wanted = " and ".join(f"column {column}" for column in own)
    allowed = f"the word and its label in {wanted}" if len(own) == 2 else f"the word in {wanted}"
    if others:
        allowed += f"; features.columns {', '.join(map(str, others))}"
    return DataError(
        "too few columns",
        where=where,
        line=line,
        found=row,
        allowed=allowed,
        hint="Columns are counted from 0 and separated by tabs or, without tabs, spaces; see --separator.",
    )


def _unwritable(found: str) -> DataError:
    allowed = "no tab or line end; no empty or blank word, no -DOCSTART-"
    return DataError("cannot be written as CoNLL columns", found=found, allowed=allowed)
