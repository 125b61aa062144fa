"""Text with a tag behind every word, ``word/tag word/tag``, as the Brown corpus has it: a sentence a line."""

import re
from collections.abc import Iterator
from functools import lru_cache

from windowclf.corpus.blocks import Source, read_lines, source_name
from windowclf.corpus.sentence import Sentence
from windowclf.errors import DataError

_ALLOWED = "word/tag, both of one character or more"
_FOREIGN = re.compile(r"\Afw-(?=.)", re.IGNORECASE)
_STANDING = re.compile(r"(?<=.)(?:-(?:tl|hl|nc))+\Z", re.IGNORECASE)


def read_tagged(path: Source, *, labelled: bool = True) -> Iterator[Sentence]:
    """Yield a sentence for each line that has tokens; the last slash of a token parts word and tag.

    Spaces and tabs part tokens, so other white space may be part of a word, as in a column file. Tags are
    kept as they are.

    Parameters
    ----------
    path : str, Path or Block
        The file; ``-`` is standard input.
    labelled : bool
        Whether tags become labels. Words are without them either way.

    Raises
    ------
    DataError
        If a token has no slash, or no word before or no tag after its last one; or the file cannot be read,
        is not UTF-8, or holds a NUL character.
    """
    where = source_name(path)
    for number, line in read_lines(path):
        pairs = [token.rpartition("/") for token in line.replace("\t", " ").split(" ") if token]
        for word, slash, tag in pairs:
            if not (word and tag):
                raise _not_tagged(word, slash, tag, where, number)
        if pairs:
            labels = tuple([tag for _, _, tag in pairs]) if labelled else None
            yield Sentence(tuple([word for word, _, _ in pairs]), labels, source=where, line=number)


@lru_cache(maxsize=4096)
def base_tag(tag: str) -> str:
    """Return a tag of the Brown corpus without what it says of where its word stands.

    That is ``fw-`` before it (a foreign word) and ``-tl``, ``-hl`` and ``-nc`` after it, one or more (in a
    title, in a headline, cited), in capitals or not. What would leave nothing is kept. After W. N. Francis
    and H. Kučera, *Brown Corpus Manual*, 1979.
    """
    return _STANDING.sub("", _FOREIGN.sub("", tag))


def _not_tagged(word: str, slash: str, tag: str, where: str, line: int) -> DataError:
    if not slash:
        problem = "a token without a slash"
    else:
        problem = "a token without a tag" if not tag else "a tag without a word"
    return DataError(problem, where=where, line=line, found=word + slash + tag, allowed=_ALLOWED)
