"""Tagging a stream: sentences in, labelled sentences out, in order and in flat memory."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, TextIO

from windowclf.errors import DataError
from windowclf.tagger import Tagged, WindowTagger
from windowclf.text.corpus import write_sentences
from windowclf.text.sentence import Sentence

TagFormat = Literal["inline", "conll", "jsonl"]
MOST_SENTENCES = 512  # tagged at once
MOST_TOKENS = 20_000


def tag_stream(
    tagger: WindowTagger,
    sentences: Iterable[Sentence],
    stream: TextIO,
    format: TagFormat,
    *,
    probabilities: bool = False,
    at_once: int = MOST_SENTENCES,
) -> int:
    """Tag sentences as they come and write them; return how many.

    Parameters
    ----------
    sentences : iterable of Sentence
        Labels they may have are left aside.
    stream : text stream
        UTF-8; flushed after every `at_once` sentences.
    format : {"inline", "conll", "jsonl"}
    probabilities : bool
        Whether "conll" and "jsonl" give the probability of each label too.
    at_once : int
        Most sentences to read before the first is written; 1 for a person who types.

    Raises
    ------
    DataError
        If the input is malformed. What came before the fault has been written then.
    """
    n_sentences = 0
    scheme = tagger.stored.labels.scheme
    for chunk, fault in _chunks(sentences, at_once):
        tagged = tagger.tag([sentence.tokens for sentence in chunk])
        labelled = [
            replace(sentence, labels=tuple(t.labels)) for sentence, t in zip(chunk, tagged, strict=True)
        ]
        if probabilities:
            for sentence, t in zip(labelled, tagged, strict=True):
                stream.write(_with_probabilities(sentence, t, format))
        else:
            write_sentences(labelled, stream, format, scheme=scheme)
        stream.flush()
        n_sentences += len(chunk)
        if fault is not None:
            raise fault
    return n_sentences


def _chunks(sentences: Iterable[Sentence], at_once: int) -> Iterator[tuple[list[Sentence], DataError | None]]:
    """Yield runs of sentences; where reading fails, those read before come with the fault."""
    chunk: list[Sentence] = []
    n_tokens = 0
    try:
        for sentence in sentences:
            chunk.append(sentence)
            n_tokens += len(sentence)
            if len(chunk) >= at_once or n_tokens >= MOST_TOKENS:
                yield chunk, None
                chunk, n_tokens = [], 0
    except DataError as error:
        yield chunk, error
        return
    if chunk:
        yield chunk, None


def _with_probabilities(sentence: Sentence, tagged: Tagged, format: TagFormat) -> str:
    if format == "conll":
        rows = zip(sentence.tokens, tagged.labels, tagged.probabilities, strict=True)
        return "".join(f"{token}\t{label}\t{p:.6f}\n" for token, label, p in rows) + "\n"
    record: dict[str, object] = {"tokens": sentence.tokens, "labels": tagged.labels}
    record["probabilities"] = [round(p, 6) for p in tagged.probabilities]
    if sentence.text is not None:
        record |= {"text": sentence.text, "offsets": sentence.offsets}
    return json.dumps(record, ensure_ascii=False) + "\n"
