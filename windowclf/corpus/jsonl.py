"""JSON Lines: a record a line, of tokens and labels or of text and entities."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from windowclf.corpus.blocks import Source, read_lines, source_name
from windowclf.corpus.label_schemes import Scheme, Span, labels_from_spans
from windowclf.corpus.plain import sentence_of
from windowclf.corpus.sentence import Sentence
from windowclf.corpus.tokenizer import Token, split_sentences, tokenize
from windowclf.errors import DataError

_HINT = 'A record is {"tokens": […], "labels": […]} or {"text": "…", "entities": [[start, end, "TYPE"], …]}.'


class _Record(msgspec.Struct, omit_defaults=True):
    """A line. Other keys are ignored."""

    tokens: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    text: str | None = None
    offsets: Sequence[tuple[int, int]] | None = None
    entities: Sequence[tuple[int, int, str]] | None = None


_encode_lines = msgspec.json.Encoder().encode_lines
_decode = msgspec.json.Decoder(_Record).decode
_decode_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_jsonl(path: Source, *, labelled: bool = True, columns: Sequence[str] = ()) -> Iterator[Sentence]:
    """Yield the sentences of a JSON Lines file; parameters are those of `ReadOptions`.

    Empty lines are skipped. A record is one of

    - ``{"tokens": […], "labels": […]}``: one sentence; ``text`` and ``offsets`` are optional.
    - ``{"text": "…", "entities": [[start, end, type], …]}``, offsets in code points: the text is
      tokenised and split into sentences, the entities become IOB2 labels. A token is split where an entity
      begins or ends inside it; sentences are joined where an entity crosses their boundary.
    """
    where = source_name(path)
    if own := {*_Record.__struct_fields__}.intersection(columns):
        raise DataError(
            f"the key {min(own)!r} is not an additional column",
            where=where,
            allowed="other keys (features.columns)",
        )
    for number, line in read_lines(path):
        if not line.strip():
            continue
        record = _parse(line, where, number)
        if not columns:
            yield from _sentences(record, labelled, where, number)
        elif record.tokens is None:
            raise DataError("a record of text has no other columns", where=where, line=number, found=line)
        else:
            (sentence,) = _sentences(record, labelled, where, number)
            named = {name: _column(name, line, where, number) for name in columns}
            yield replace(sentence, columns=named)


def jsonl_lines(
    tokens: Iterable[Sequence[str]],
    labels: Iterable[Sequence[str] | None],
    texts: Iterable[str | None],
    offsets: Iterable[Sequence[tuple[int, int]] | None],
) -> str:
    """Return sentences as records with tokens and, where they have them, labels, text and offsets.

    It raises a DataError if a string holds a lone surrogate, which UTF-8 cannot hold.
    """
    try:
        return _encode_lines([*map(_Record, tokens, labels, texts, offsets)]).decode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError("a lone surrogate cannot be written", found=error.object) from error


def _parse(line: str, where: str, number: int) -> _Record:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        problem = str(error)
        if re.search(r"\\u[dD][89a-fA-F]", line) and not isinstance(error, msgspec.ValidationError):
            problem += " (perhaps a lone surrogate: \\ud800 to \\udfff come in pairs)"
        raise DataError(
            f"not a valid JSON record: {problem}", where=where, line=number, found=line, hint=_HINT
        ) from error


def _column(name: str, line: str, where: str, number: int) -> tuple[str, ...]:
    """Return the values of another key of a record that was read."""
    try:
        values = msgspec.json.decode(_decode_keys(line)[name], type=tuple[str, ...])
    except KeyError:
        problem = f"no column {name!r}"
    except (msgspec.DecodeError, UnicodeError) as error:
        problem = f"the column {name!r} is not valid: {error}"
    else:
        if all(values):
            return values
        problem = f"an empty value in the column {name!r}"
    allowed = f'"{name}": […], a string for each token (features.columns)'
    raise DataError(problem, where=where, line=number, found=line, allowed=allowed)


def _sentences(record: _Record, labelled: bool, where: str, line: int) -> Iterator[Sentence]:
    """Yield the sentences of a record, one for tokens, any number for text."""
    if record.tokens is not None:
        if record.entities is not None:
            raise DataError("both tokens and entities", where=where, line=line, hint=_HINT)
        if labelled and record.labels is None:
            raise DataError("no labels", where=where, line=line, allowed="a label for each token", hint=_HINT)
        if not all(record.tokens) or not all(record.labels or ()):
            raise DataError("an empty token or label", where=where, line=line, found=record.tokens)
        yield Sentence(
            tuple(record.tokens),
            tuple(record.labels) if labelled and record.labels is not None else None,
            record.text,
            None if record.offsets is None else tuple(record.offsets),
            where,
            line,
        )
    elif record.text is None:
        raise DataError("neither tokens nor text", where=where, line=line, hint=_HINT)
    elif labelled and record.entities is None:
        raise DataError("no entities", where=where, line=line, allowed="a list, may be empty", hint=_HINT)
    else:
        entities = sorted(Span(*entity) for entity in record.entities or ()) if labelled else []
        _check_entities(entities, record.text, where, line)
        tokens = _split_at_borders(tokenize(record.text), entities)
        labels = _labels(tokens, entities) if labelled else None
        begin = 0
        for sentence in _keep_whole(split_sentences(tokens, record.text), entities):
            end = begin + len(sentence)
            own_labels = None if labels is None else labels[begin:end]
            yield sentence_of(sentence, record.text, labels=own_labels, source=where, line=line)
            begin = end


def _check_entities(entities: list[Span], text: str, where: str, line: int) -> None:
    """Raise a DataError unless sorted entities lie in the text, do not overlap and hold words."""
    before = 0
    for entity in entities:
        start, end, entity_type = entity
        if not 0 <= start < end <= len(text):
            problem, allowed = "an entity lies outside its text", f"0 <= start < end <= {len(text)}"
        elif start < before:
            problem, allowed = "an entity overlaps the one before", f"start >= {before}"
        elif not entity_type:
            problem, allowed = "an entity without a type", "a name"
        elif text[start:end].isspace():
            problem, allowed = "an entity holds no word", "more than white space"
        else:
            before = end
            continue
        raise DataError(problem, where=where, line=line, found=list(entity), allowed=allowed)


def _split_at_borders(tokens: list[Token], entities: list[Span]) -> list[Token]:
    """Split tokens where an entity begins or ends inside them."""
    borders = sorted({border for start, end, _ in entities for border in (start, end)})
    if not borders:
        return tokens
    pieces = []
    for token in tokens:
        first = bisect_right(borders, token.start)
        inside = borders[first : bisect_left(borders, token.end)]
        for start, end in zip([token.start, *inside], [*inside, token.end], strict=True):
            pieces.append(Token(token.text[start - token.start : end - token.start], start, end))
    return pieces


def _keep_whole(sentences: list[list[Token]], entities: list[Span]) -> list[list[Token]]:
    """Join sentences where an entity crosses their boundary."""
    starts = [start for start, _, _ in entities]
    joined: list[list[Token]] = []
    for sentence in sentences:
        last = bisect_left(starts, sentence[0].start) - 1  # the last entity that begins before
        if joined and last >= 0 and entities[last].end > sentence[0].start:
            joined[-1] += sentence
        else:
            joined.append(sentence)
    return joined


def _labels(tokens: list[Token], entities: list[Span]) -> tuple[str, ...]:
    """Return the IOB2 labels of all tokens of a text under its entities."""
    starts = [token.start for token in tokens]
    found = [
        Span(bisect_left(starts, start), bisect_left(starts, end), kind) for start, end, kind in entities
    ]
    return tuple(labels_from_spans(found, len(tokens), Scheme.IOB2))
