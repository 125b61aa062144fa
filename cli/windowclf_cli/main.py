"""The command group, which imports a command only when it is needed."""

import importlib
import io
import sys
from typing import Any

import click

from windowclf.errors import WindowClfError

# command -> its line of help; the module of the same name is imported when the command or its help is used
COMMANDS = {
    "quickstart": "Train, evaluate and use a tagger on the sample corpus; takes less than a minute.",
    "train": "Train a tagger on a labelled corpus.",
    "evaluate": "Score a model on a labelled corpus.",
    "experiment": "Experiments: are frozen or tuned vectors better on your data?",
    "compare": "Compare runs: settings, scores, and whether differences are significant.",
    "tag": "Label text.",
    "explain": "Show why each word got its label.",
    "serve": "Serve models over HTTP.",
    "benchmark": "Measure how fast a model tags a file on this machine.",
    "graph": "Show the computation and the gradients of one window.",
    "check": "Check a network: gradients, initial loss, overfitting of a small batch.",
    "info": "Show a model's settings, scores and training data.",
    "data": "Corpora: list, fetch, count, check and convert them.",
    "vectors": "Word vectors: show and convert sets, find neighbours, measure how training moved them.",
}


class CommandLine(click.Group):
    """A group that loads commands on demand and turns errors into messages."""

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
        """Run a command; bad input ends with one message and status 2, without a traceback."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # output is UTF-8 in any locale
                stream.reconfigure(encoding="utf-8")
        try:
            return super().main(*args, **kwargs)
        except WindowClfError as error:
            _fail(str(error))
        except OSError as error:
            _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
        except MemoryError:
            _fail("not enough memory. Try a smaller batch, window or file.")


def _fail(message: str) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(2)


@click.command(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="windowclf")
def cli() -> None:
    """Word-window taggers on pretrained vectors, with a backward pass written by hand.

    Begin with:  windowclf quickstart
    """
