"""Column files as of the CoNLL shared tasks: a word a line, an empty line after each sentence."""

import re
from collections.abc import Iterator, Sequence

from windowclf.errors import DataError
from windowclf.text.lines import Source, read_lines, source_name
from windowclf.text.sentence import Sentence

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
) -> Iterator[Sentence]:
    """Yield the sentences of a column file.

    Lines of white space alone end a sentence. So do lines whose first column is ``-DOCSTART-``, which are no
    words. There are no comments: a line that starts with # is a word (a #tag).

    Parameters
    ----------
    path : str, Path or Block
        The file; ``-`` is standard input.
    token_column, label_column : int
        From 0; negative: from the end.
    separator : str, optional
        Between columns. None: a tab in a line that holds one, otherwise runs of spaces (other white space,
        as a no-break space, may be part of a word).
    labelled : bool
        Whether labels are read; without, the label column need not be there.

    Raises
    ------
    DataError
        If a line has too few columns, an empty word or an empty label, or the file is not readable text.
    """
    where = source_name(path)
    columns = (token_column, label_column) if labelled else (token_column,)
    needed = max(column + 1 if column >= 0 else -column for column in columns)
    tokens: list[str] = []
    labels: list[str] = []
    first_line = 0

    def sentence() -> Sentence:
        return Sentence(tuple(tokens), tuple(labels) if labelled else None, source=where, line=first_line)

    for number, line in read_lines(path):
        row = _split(line, separator)
        if not line.strip() or row[0] == DOCSTART:
            if tokens:
                yield sentence()
                tokens, labels = [], []
            continue
        if not tokens:
            first_line = number
        if len(row) < needed or (labelled and (token_column - label_column) % len(row) == 0):
            raise _too_few_columns(row, columns, where, number)
        token = row[token_column]
        if not token:
            raise DataError("an empty word", where=where, line=number, found=line)
        tokens.append(token)
        if labelled:
            label = row[label_column]
            if not label:
                raise DataError("an empty label", where=where, line=number, found=line)
            labels.append(label)
    if tokens:
        yield sentence()


def conll_lines(sentence: Sentence) -> str:
    """Return a sentence as lines ``word TAB label`` (or ``word`` without labels) and an empty line.

    A NUL character, which no reader takes, becomes U+FFFD.

    Raises
    ------
    DataError
        If a word or a label would not be read back as it is: it is empty or holds a tab or a line
        end; or a word is white space alone or ``-DOCSTART-``, or, without labels, holds a space.
    """
    for token in sentence.tokens:
        if not token or token == DOCSTART or _UNWRITABLE.search(token):
            raise _unwritable(sentence, token)
        if token.isspace() or (sentence.labels is None and " " in token):
            raise _unwritable(sentence, token)
    if sentence.labels is None:
        lines: Sequence[str] = sentence.tokens
    else:
        for label in sentence.labels:
            if not label or _UNWRITABLE.search(label):
                raise _unwritable(sentence, label)
        lines = [f"{token}\t{label}" for token, label in zip(sentence.tokens, sentence.labels, strict=True)]
    return "\n".join((*lines, "", "")).replace("\0", "\ufffd") if lines else "\n"


def _split(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split("\t") if "\t" in line else _SPACES.split(line.strip(" "))
    return line.split(separator)


def _too_few_columns(row: list[str], columns: tuple[int, ...], where: str, line: int) -> DataError:
    wanted = " and ".join(f"column {column}" for column in columns)
    return DataError(
        "too few columns",
        where=where,
        line=line,
        found=row,
        allowed=f"the word and its label in {wanted}" if len(columns) == 2 else f"the word in {wanted}",
        hint="Columns are counted from 0 and parted by tabs or, without tabs, spaces; see --separator.",
    )


def _unwritable(sentence: Sentence, found: str) -> DataError:
    return sentence.error(
        "cannot be written as CoNLL columns",
        found=found,
        allowed="no tab or line end; no empty or blank word, no -DOCSTART-",
    )
