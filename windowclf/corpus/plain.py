"""Text without labels, raw or tokenised already; and labels inside a line of text."""

import re
from collections.abc import Iterator

from windowclf.corpus.blocks import Source, read_lines, read_pieces, source_name
from windowclf.corpus.label_schemes import Scheme, spans
from windowclf.corpus.sentence import Sentence
from windowclf.corpus.tokenizer import Token, sentences

_LINE_END = re.compile("[\r\n]+")


def read_text(path: Source) -> Iterator[Sentence]:
    """Yield the sentences of raw text, as the tokenizer finds them; a line end ends a sentence.

    The text of a sentence reaches from its first token to its last. Any length is read with flat memory: a
    line of more than 64 Ki characters is cut at white space (`corpus.blocks.read_pieces`), which ends the
    sentence there.

    Raises
    ------
    DataError
        If the file cannot be read or is not UTF-8.
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
    """Yield a sentence for each line, its tokens parted by spaces or tabs; none for an empty line.

    As many sentences come out as there are lines, so that output can be laid beside input.

    Raises
    ------
    DataError
        If the file cannot be read, is not UTF-8, or holds a NUL character.
    """
    where = source_name(path)
    for number, line in read_lines(path):
        tokens = tuple([token for token in line.replace("\t", " ").split(" ") if token])
        yield Sentence(tokens, source=where, line=number)


def inline(sentence: Sentence, *, scheme: Scheme | None = None) -> str:
    """Return a sentence as one line for people to read.

    With a scheme, spans are in brackets: ``[PER Angela Merkel] flew from [LOC Berlin]``. Without, every
    token has its label: ``dog/NOUN``. Without labels, tokens alone.

    Raises
    ------
    DataError
        If a scheme is given and a label is no span label.
    """
    words = list(sentence.tokens)
    if sentence.labels is not None and scheme is None:
        words = [f"{word}/{label}" for word, label in zip(words, sentence.labels, strict=True)]
    elif sentence.labels is not None:
        for span in spans(sentence.labels):
            words[span.start] = f"[{span.kind} {words[span.start]}"
            words[span.end - 1] += "]"
    return _LINE_END.sub(" ", " ".join(words)) + "\n"
