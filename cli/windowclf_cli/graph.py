"""`windowclf graph`."""

import click

from windowclf.inspection.graph import find_word, window_graph
from windowclf.inspection.graph_data import graph_to_dict
from windowclf.inspection.graph_text import render_graph
from windowclf.tagger import WindowTagger
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import json_option, model_argument, threads_option
from windowclf_cli.output import print_json


@click.command()
@model_argument
@click.option("--text", required=True, help="The text that the word stands in.")
@click.option("--word", required=True, help="The word in the middle of the window.")
@click.option(
    "--occurrence",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Which one, where the text has the word several times.",
)
@click.option("--target", metavar="LABEL", help="The label to take for correct. [default: the predicted one]")
@threads_option
@json_option
def command(
    model: str,
    text: str,
    word: str,
    occurrence: int,
    target: str | None,
    threads: Threads,
    as_json: bool,
) -> None:
    """Show the computation and the gradients of one window.

    From the word vectors to the loss: each operation with its shape, its value and the gradient that comes
    back to it; then the gradient that reaches the vector of each word of the window. JSON has all numbers.

    Example:

        windowclf graph runs/mine --text "museums in Paris" --word Paris
    """
    tagger = WindowTagger.load(model)
    with limited_threads(threads):
        graph = window_graph(tagger, *find_word(text, word, occurrence), target)
    if as_json:
        print_json(graph_to_dict(graph))
    else:
        click.echo(render_graph(graph), nl=False)
