"""`windowclf data`: the group, list and fetch; the others are in data_check.py and data_convert.py."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from windowclf.corpus import PARTS, CorpusEntry, Progress, fetch_named, fetchable
from windowclf.inspection import list_corpora
from windowclf.vectors import list_vectors
from windowclf_cli.data_check import check, stats
from windowclf_cli.data_convert import convert
from windowclf_cli.options import json_option
from windowclf_cli.output import print_json, print_table, progress


@click.group()
def command() -> None:
    """Corpora: list, fetch, count, check and convert them.

    A corpus is a file (CoNLL, CoNLL-U or JSONL, also .gz; - is standard input) or a part of a known corpus,
    such as sample:train, sample:dev, sample:test or wikigold:train.

    Example:

        windowclf data check sample:train sample:dev sample:test
    """


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List known corpora and vectors, and which of them are on this machine.

    Example:

        windowclf data list
    """
    corpora, vectors = list_corpora(), list_vectors()
    if as_json:
        print_json({"corpora": [asdict(c) for c in corpora], "vectors": [asdict(v) for v in vectors]})
        return
    print_table(
        ["corpus", "task", "sentences", "words", "licence", "folder, or how to get it"],
        [(c.name, c.task, c.sentences, c.tokens, c.licence, c.folder or f"({c.obtain})") for c in corpora],
        title="Corpora, each with the parts train, dev and test",
    )
    click.echo()
    print_table(
        ["vectors", "words", "dimensions", "licence", "here, or how to get it"],
        [(v.name, v.words, v.dimension, v.licence, ("yes" if v.here else f"({v.obtain})")) for v in vectors],
        title="Vectors",
    )


@command.command()
@click.argument("name")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the files. [default: in windowclf's cache]",
)
@click.option("--mirror", metavar="URL", help="Address of a folder that has the same files.")
@click.option("--force", is_flag=True, help="Replace existing files that are not the expected ones.")
@json_option
def fetch(name: str, folder: Path | None, mirror: str | None, force: bool, as_json: bool) -> None:
    """Fetch the corpus NAME and verify it.

    An interrupted download is resumed; existing files are only verified. Without a connection, the message
    says how to install the files by hand.

    Example:

        windowclf data fetch wikigold
    """
    entry = fetchable(name)
    with _bytes_shown() as show:
        files = fetch_named(name, target_dir=folder, base_url=mirror, force=force, progress=show)
    command_line = _train_on(entry, files)
    if as_json:
        print_json({"name": name, "files": [str(file) for file in files], "next": command_line})
        return
    for file in files:
        click.echo(file)
    click.echo(
        f"\nLicence: {entry.licence} ({entry.licence_url})\n\nNext, for instance:\n\n    {command_line}"
    )


def _train_on(entry: CorpusEntry, files: Sequence[Path]) -> str:
    """Return a command that trains on a corpus: by its name where windowclf finds it, else by its files."""
    name, folder, prefix = entry.name, files[0].absolute().parent, ""
    train, dev = (f"{name}:{part}" for part in PARTS[:2])
    if entry.folder().absolute() == folder:
        pass
    elif folder.name != name and len(files) >= 2:
        train, dev = (shlex.quote(str(file)) for file in files[:2])
    else:
        prefix = f"WINDOWCLF_CORPORA={shlex.quote(str(folder.parent))} "
        if (
            folder.name != name
        ):  # one file, split by the catalogue's rule, which goes by the name of its folder
            prefix = shlex.join(["mv", str(folder), str(folder.parent / name)]) + f"; {prefix}"
    return f"{prefix}windowclf train --train {train} --dev {dev} --out runs/{name}"


@contextmanager
def _bytes_shown() -> Iterator[Progress | None]:
    """Yield what shows the progress of a download, or None where stderr is no terminal."""
    with progress("bytes") as display:
        if display is None:
            yield None
            return
        tasks: dict[str, object] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = display.add_task(name, total=total, note="")
            display.update(tasks[name], completed=done, total=total)

        yield show


for subcommand in (stats, check, convert):
    command.add_command(subcommand)
