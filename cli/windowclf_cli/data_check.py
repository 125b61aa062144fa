"""`windowclf data stats` and `windowclf data check`."""

import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

import click

from windowclf.corpus import options_of, read_labelled
from windowclf.inspection import Finding, Statistics, check_corpus, corpus_statistics
from windowclf.vectors import load_vectors
from windowclf_cli.options import columns_options, configuration, json_option, labels_options
from windowclf_cli.output import percent, print_json, print_table

_SHOWN = 10  # findings of one kind


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@columns_options
@labels_options
@json_option
def stats(files: tuple[str, ...], as_json: bool, **_: Any) -> None:
    """Count sentences, words, labels and entities.

    Example:

        windowclf data stats sample:train sample:dev sample:test
    """
    data = configuration().data
    statistics = {
        name: corpus_statistics(
            read_labelled(name, options_of(data)), scheme=data.scheme, ignore=data.ignore_label or None
        )
        for name in files
    }
    if as_json:
        print_json({name: asdict(s) for name, s in statistics.items()})
        return
    print_table(
        ["corpus", "sentences", "words", "distinct words", "longest sentence", "scheme"],
        [
            (name, s.sentences, s.tokens, s.distinct_words, _longest(s), s.scheme or "none")
            for name, s in statistics.items()
        ],
    )
    for name, s in statistics.items():
        click.echo()
        share = [(label, n, percent(n / s.tokens)) for label, n in s.labels]
        if s.ignored:
            share.append((f"{data.ignore_label} (ignored)", s.ignored, percent(s.ignored / s.tokens)))
        print_table(["label", "words", "%"], share, title=name)
        if s.entities:
            click.echo()
            print_table(
                ["entity type", "entities", "distinct", "% distinct"],
                [(e.kind, e.entities, e.distinct, percent(e.distinct_share)) for e in s.entities],
            )


def _longest(statistics: Statistics) -> str:
    line = "" if statistics.longest_line is None else f" (line {statistics.longest_line:,})"
    return f"{statistics.longest:,} words{line}"


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--vectors", metavar="NAME|none", help="Vectors to look words up in. [default: as in training]")
@click.option("--all", "show_all", is_flag=True, help=f"Print all findings, not {_SHOWN} of each kind.")
@columns_options
@labels_options
@json_option
def check(files: tuple[str, ...], vectors: str | None, show_all: bool, as_json: bool, **_: Any) -> None:
    """Check labelled corpora: train first, then dev and test.

    Faults make the exit status 1: malformed lines (that file is read no further), empty files, span labels
    mixed with other labels, transitions that the label scheme forbids, and sentences of more than five words
    that occur in two files. Notes are for information: labels seen once, labels missing in the first file,
    sentences repeated within a file, short ones repeated between files, and how many words have a vector.

    Example:

        windowclf data check sample:train sample:dev sample:test
    """
    config = configuration()
    findings = check_corpus(
        files,
        options_of(config.data),
        scheme=config.data.scheme,
        ignore=config.data.ignore_label or None,
        vectors=None if vectors == "none" else load_vectors(vectors),
    )
    n_faults = sum(finding.is_fault for finding in findings)
    n_notes = len(findings) - n_faults
    if as_json:
        rows = [asdict(finding) | {"is_fault": finding.is_fault} for finding in findings]
        print_json({"n_faults": n_faults, "n_notes": n_notes, "findings": rows})
    else:
        _show(findings, None if show_all else _SHOWN)
        click.echo(f"{_number(n_faults, 'fault')}, {_number(n_notes, 'note')}")
    sys.exit(1 if n_faults else 0)


def _show(findings: list[Finding], limit: int | None) -> None:
    shown: Counter[str] = Counter()
    totals = Counter(finding.kind for finding in findings)
    for finding in findings:
        shown[finding.kind] += 1
        if limit is None or shown[finding.kind] <= limit:
            word = click.style("fault", fg="red", bold=True) if finding.is_fault else "note "
            click.echo(f"{word}  {finding}")
        elif shown[finding.kind] == totals[finding.kind]:
            click.echo(f"       … and {totals[finding.kind] - limit:,} more of this kind ({finding.kind})")


def _number(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}" if n else f"no {what}s"
