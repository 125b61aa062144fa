"""The command group: finds commands by name, so that only the one asked for is imported."""

import importlib
import io
import sys
from typing import Any

import click

from windowclf.errors import WindowClfError

# command -> (module, one line of help); a module is imported when its command is run or its help is shown
COMMANDS = {
    "quickstart": "Train, evaluate and use a tagger on the corpus that ships; takes under a minute.",
    "train": "Train a tagger on a labelled corpus.",
    "evaluate": "Compare a model's labels with true ones.",
    "experiment": "Experiments: are vectors better frozen or tuned, on your data?",
    "compare": "Compare runs: scores, what differs, and whether by more than chance.",
    "tag": "Label text.",
    "explain": "Show why each word got its label.",
    "serve": "Serve models over HTTP.",
    "benchmark": "Measure how fast a model tags a file on this machine.",
    "graph": "Show the computation and the gradients of one window.",
    "check": "Check a network before trusting it: gradients, first loss, over-fitting.",
    "info": "Show what a model is and what it was trained on.",
    "data": "Corpora: list, fetch, count, check and convert them.",
    "vectors": "Word vectors: show and convert sets, find neighbours, measure how training moved them.",
}


class CommandLine(click.Group):
    """A group that loads commands on demand and turns faults of the user's input into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return the command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"windowclf_cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; bad input ends in one message and status 2, never in a traceback."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # what is printed is UTF-8, whatever the locale
                stream.reconfigure(encoding="utf-8")
        try:
            return super().main(*args, **kwargs)
        except WindowClfError as error:
            _fail(str(error))
        except OSError as error:
            _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
        except MemoryError:
            _fail("not enough memory for this. A smaller batch, window or file may do.")


def _fail(message: str) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(2)


@click.command(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="windowclf")
def cli() -> None:
    """Word-window taggers on pretrained vectors, with a backward pass written by hand.

    Begin with:  windowclf quickstart
    """
