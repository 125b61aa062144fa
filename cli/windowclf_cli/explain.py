"""`windowclf explain`."""

from dataclasses import asdict

import click

from windowclf.corpus import sentences_of_text
from windowclf.inspection import Explanation
from windowclf.tagger import WindowTagger
from windowclf.threads import Threads, limited_threads
from windowclf_cli.options import json_option, model_argument, number_option, threads_option
from windowclf_cli.output import percent, print_json

_BAR = 20  # characters of the longest bar


@click.command()
@model_argument
@click.argument("text")
@click.option("--word", help="Explain only this word of the text.")
@number_option("--top", 3, "Labels to show.")
@threads_option
@json_option
def command(model: str, text: str, word: str | None, top: int, threads: Threads, as_json: bool) -> None:
    """Show why each word of TEXT got its label.

    For each word: its label and probability as `tag` gives them, then the most probable labels of the
    internal scheme (entities are learnt as B-, I-, E- and, for one word, S-: model.inner_scheme), and how
    much each word of its window pushed the label's score up (+) or down (-). These are exact Shapley values;
    they sum to the score of the window minus the score of a window of unknown words. With a sentence-level
    loss (model.loss = "crf"), transitions count in the probabilities, but not in the scores.
    In brackets after a word: the gazetteers with a phrase that it is in; entities:TYPE are the entities of
    that type in the training data.

    Example:

        windowclf explain runs/mine "museums in Paris are amazing"
    """
    tagger = WindowTagger.load(model)
    with limited_threads(threads):
        explained = [e for sentence in sentences_of_text(text) for e in tagger.explain(sentence.tokens)]
    chosen = [e for e in explained if word is None or e.token == word]
    if not chosen:
        words = ", ".join(dict.fromkeys(e.token for e in explained))
        raise click.UsageError(
            f"{word!r} is not a word of the text. Its words: {words}" if word else "The text has no words."
        )
    if as_json:
        print_json([asdict(e) for e in chosen])
        return
    for e in chosen:
        _show(e, top)


def _show(e: Explanation, top: int) -> None:
    runners = ", ".join(f"{label} {percent(p)} %" for label, p in e.probabilities[:top])
    token, label = click.style(e.token, bold=True), click.style(e.label, fg="cyan", bold=True)
    click.echo(f"{token}  {label} {percent(e.probability)} %  ({runners})")
    if e.note:
        click.echo(f"  {e.note}")
    words = [
        " ".join([word if word is not None else "(boundary)", *(f"[{name}]" for name in lists)])
        for word, lists in zip(e.window, e.lists, strict=True)
    ]
    width = max(map(len, words))
    longest = max(map(abs, e.contributions)) or 1.0
    for i, (word, value) in enumerate(zip(words, e.contributions, strict=True)):
        bar = "█" * round(_BAR * abs(value) / longest)
        mark = "→" if i == len(words) // 2 else " "
        bar = click.style(bar, fg="green" if value > 0 else "red")
        click.echo(f"  {mark} {word.ljust(width)}  {value:+8.3f}  {bar}")
    difference = f"{e.score - e.empty_score:+8.3f}  = {e.score:.3f} - ({e.empty_score:.3f})"
    click.echo(f"    {'sum'.ljust(width)}  {difference}\n")
