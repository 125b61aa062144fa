"""`windowclf graph`."""

import click

from windowclf.inspection import find_word, render_graph, window_graph
from windowclf.tagger import WindowTagger
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import json_option, member_option, model_argument, number_option, threads_option
from windowclf_cli.output import print_json


@click.command()
@model_argument
@click.option("--text", required=True, help="The text with the word.")
@click.option("--word", required=True, help="The word in the middle of the window.")
@number_option("--occurrence", 1, "Which one, where the text has the word several times.", metavar="N")
@click.option("--target", metavar="LABEL", help="The label to take for correct. [default: the predicted one]")
@member_option
@threads_option
@json_option
def command(
    model: str,
    text: str,
    word: str,
    occurrence: int,
    target: str | None,
    threads: Threads,
    member: int,
    as_json: bool,
) -> None:
    """Show the computation and the gradients of one window.

    First the label and the probability that `tag` gives the word, and what the network predicts before
    decoding and calibration, where that differs. Then each operation from the word vectors to the loss, with
    its shape, its value and its upstream gradient; then the gradient that reaches the vector of each word of
    the window. JSON has all numbers.

    Example:

        windowclf graph runs/mine --text "museums in Paris" --word Paris
    """
    trained = WindowTagger.load(model).model
    with limited_threads(threads):
        graph = window_graph(trained, *find_word(text, word, occurrence), target, member=member)
    if as_json:
        print_json(graph.to_dict())
    else:
        click.echo(render_graph(graph), nl=False)
