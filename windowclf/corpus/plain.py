"""A line or more a sentence: raw text, tokenised text, ``word/tag`` text, and labels in a line to read."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from windowclf.corpus.blocks import Source, read_lines, read_pieces, source_name
from windowclf.corpus.label_schemes import spans
from windowclf.corpus.sentence import Sentence, interleave
from windowclf.corpus.tokenizer import Token, sentences
from windowclf.errors import DataError

_LINE_END = re.compile("[\r\n]+")
_FOREIGN = re.compile(r"\Afw-(?=.)", re.IGNORECASE)
_CONTEXT = re.compile(r"(?<=.)(?:-(?:tl|hl|nc))+\Z", re.IGNORECASE)


def read_text(path: Source) -> Iterator[Sentence]:
    """Yield the sentences of raw text, as the tokenizer finds them; a line end ends a sentence.

    The text of a sentence reaches from its first token to its last. Memory stays flat: a line of more than
    64 Ki characters is cut at white space (`read_pieces`), which ends the sentence there.
    """
    where = source_name(path)
    for number, piece in read_pieces(path):
        for tokens in sentences(piece):
            yield sentence_of(tokens, piece, source=where, line=number)


def sentences_of_text(text: str) -> Iterator[Sentence]:
    """Yield the sentences of a text in memory, as `read_text` does of a file."""
    for tokens in sentences(text):
        yield sentence_of(tokens, text)


def sentence_of(
    tokens: list[Token],
    text: str,
    *,
    labels: tuple[str, ...] | None = None,
    source: str | None = None,
    line: int | None = None,
) -> Sentence:
    """Return a sentence of some tokens of a text; its own text reaches from the first to the last of them."""
    begin, end = tokens[0].start, tokens[-1].end
    return Sentence(
        tuple([token.text for token in tokens]),
        labels,
        text[begin:end],
        tuple([(token.start - begin, token.end - begin) for token in tokens]),
        source,
        line,
    )


def read_tokens(path: Source) -> Iterator[Sentence]:
    """Yield a sentence for each line, its tokens separated by spaces or tabs; without any for an empty line.

    There are as many sentences as lines, so that output lines correspond to input lines.
    """
    where = source_name(path)
    for number, line in read_lines(path):
        yield Sentence(tuple(_split(line)), source=where, line=number)


def read_tagged(path: Source, *, labelled: bool = True, base_tags: bool = False) -> Iterator[Sentence]:
    """Yield a sentence for each line of tokens ``word/tag``, split at the last slash, as in the Brown corpus.

    Tokens are separated by spaces and tabs; other white space may be part of a word, as in a column file.
    Parameters are those of `ReadOptions`.
    """
    where = source_name(path)
    for number, line in read_lines(path):
        pairs = [token.rpartition("/") for token in _split(line)]
        for word, slash, tag in pairs:
            if not (word and tag):
                problem = f"a token without a {'tag' if slash else 'slash'}"
                raise DataError(
                    "a tag without a word" if tag and slash else problem,
                    where=where,
                    line=number,
                    found=word + slash + tag,
                    allowed="word/tag, both of one character or more",
                )
        if pairs:
            tags = [base_tag(tag) if base_tags else tag for _, _, tag in pairs]
            labels = tuple(tags) if labelled else None
            yield Sentence(tuple([word for word, _, _ in pairs]), labels, source=where, line=number)


@lru_cache(maxsize=4096)
def base_tag(tag: str) -> str:
    """Return a tag of the Brown corpus without what it says of the context of its word.

    That is ``fw-`` before it (a foreign word) and ``-tl``, ``-hl`` and ``-nc`` after it, one or more (in a
    title, in a headline, cited), in any letter case. A tag is never made empty. After W. N. Francis and
    H. Kučera, *Brown Corpus Manual*, 1979.
    """
    return _CONTEXT.sub("", _FOREIGN.sub("", tag))


def inline(
    tokens: Sequence[Sequence[str]], labels: Sequence[Sequence[str]] | None, *, marks_spans: bool
) -> str:
    """Return sentences as one line each for people to read.

    If labels mark spans, these are in brackets: ``[PER Angela Merkel] flew from [LOC Berlin]``; it raises a
    DataError if one is no span label. If not, every token has its label: ``dog/NOUN``. Without labels, tokens
    alone. Line ends in words become spaces.
    """
    all_words = [*chain.from_iterable(tokens)]
    joined = "".join(all_words)
    if "\n" in joined or "\r" in joined:
        tokens = [[_LINE_END.sub(" ", word) for word in sentence] for sentence in tokens]
        all_words = [*chain.from_iterable(tokens)]
    if labels is None:
        return "".join([f"{' '.join(sentence)}\n" for sentence in tokens])
    if not marks_spans:
        names = [*chain.from_iterable(labels)]
        return interleave(all_words, names, {*names}, map(len, tokens), before="/", after=" ", end="\n")
    lines = []
    for sentence, of_sentence in zip(tokens, labels, strict=True):
        words = [*sentence]
        for start, end, entity_type in spans(of_sentence):
            words[start] = f"[{entity_type} {words[start]}"
            words[end - 1] += "]"
        lines.append(f"{' '.join(words)}\n")
    return "".join(lines)


def _split(line: str) -> list[str]:
    return [token for token in line.replace("\t", " ").split(" ") if token]
