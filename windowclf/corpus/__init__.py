"""Text and labels, in and out of files."""

from windowclf.corpus.blocks import STDIN, Block, is_utf8, read_blocks, read_lines
from windowclf.corpus.catalog import PARTS, SAMPLE, CorpusEntry, VectorsEntry, read_catalog
from windowclf.corpus.chunk import read_chunk
from windowclf.corpus.documents import has_documents, read_part
from windowclf.corpus.fetch import Progress, fetch_named, fetchable
from windowclf.corpus.label_schemes import (
    ALLOWED_LABELS,
    OUTSIDE,
    Scheme,
    Span,
    convert,
    detect_scheme,
    illegal_transitions,
    is_legal,
    is_span_label,
    labels_from_spans,
    parse_label,
    spans,
)
from windowclf.corpus.label_set import IGNORED, LabelSet, parted
from windowclf.corpus.plain import inline, sentences_of_text
from windowclf.corpus.readers import (
    InputFormat,
    ReadOptions,
    format_of,
    locate,
    options_of,
    read_labelled,
    read_sentences,
)
from windowclf.corpus.sentence import Sentence, Sentences, check_sentences, columns, cut
from windowclf.corpus.tokenizer import Token, sentences, tokenize
from windowclf.corpus.writers import OutputFormat, formatter, write_sentences

__all__ = [
    "ALLOWED_LABELS",
    "IGNORED",
    "OUTSIDE",
    "PARTS",
    "SAMPLE",
    "STDIN",
    "Block",
    "CorpusEntry",
    "InputFormat",
    "LabelSet",
    "OutputFormat",
    "Progress",
    "ReadOptions",
    "Scheme",
    "Sentence",
    "Sentences",
    "Span",
    "Token",
    "VectorsEntry",
    "check_sentences",
    "columns",
    "convert",
    "cut",
    "detect_scheme",
    "fetch_named",
    "fetchable",
    "format_of",
    "formatter",
    "has_documents",
    "illegal_transitions",
    "inline",
    "is_legal",
    "is_span_label",
    "is_utf8",
    "labels_from_spans",
    "locate",
    "options_of",
    "parse_label",
    "parted",
    "read_blocks",
    "read_catalog",
    "read_chunk",
    "read_labelled",
    "read_lines",
    "read_part",
    "read_sentences",
    "sentences",
    "sentences_of_text",
    "spans",
    "tokenize",
    "write_sentences",
]
