"""Options that several commands share, as decorators."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from windowclf.config import TABLE_MB, Config

if TYPE_CHECKING:
    from windowclf.corpus import InputFormat, ReadOptions

F = TypeVar("F", bound=Callable[..., Any])

POSITIVE = click.IntRange(min=1)


def number_option(
    name: str, default: float | str, help: str, type: Any = POSITIVE, **more: Any
) -> Callable[[F], F]:
    """Return an option with a number, whose default is in the help."""
    return click.option(name, type=type, default=default, show_default=True, help=help, **more)


def _together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return a decorator that adds options, in the order of the help."""

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class _Threads(click.IntRange):
    """A number of threads, or "auto"."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "auto" else super().convert(value, param, ctx)


threads_option = number_option(
    "--threads",
    "auto",
    "Threads of linear algebra; auto: 1, since more seldom help.",
    _Threads(min=1),
    metavar="N|auto",
)
table_option = number_option(
    "--table-mb",
    TABLE_MB,
    "Megabytes for tables of frequent words, which make tagging fast; they are filled while tagging.",
    click.FloatRange(min=0),
)
jobs_option = number_option(
    "--jobs", 1, "Processes that tag, with shared model and tables; the output is the same."
)
member_option = number_option("--member", 1, "Which network of an ensemble.")
model_argument = click.argument("model", metavar="MODEL")

# file name extension -> format; others are raw text
_FORMATS = {
    ".conll": "conll",
    ".tsv": "conll",
    ".iob": "conll",
    ".conllu": "conllu",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
# options that set the configuration value of the same key
_KEYS = [
    *("format", "token_column", "label_column", "separator", "label_field", "scheme", "ignore_label"),
    *("vectors", "tuning", "max_vectors", "seed", "ensemble"),
]


def _number_or_all(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    if value is None or value.isdecimal():
        return None if value is None else int(value)
    if value == "all":
        return 0
    raise click.BadParameter(f"{value!r} is neither a whole number nor 'all'.")


columns_options = _together(  # of reading a corpus file
    click.option(
        "--format",
        type=click.Choice(["auto", "conll", "conllu", "jsonl", "tagged"]),
        help="Format of corpus files; auto: by file name; tagged: a sentence per line, as word/tag.",
    ),
    click.option("--token-column", type=int, help="Column of the word in CoNLL files, from 0."),
    click.option("--label-column", type=int, help="Column of the label; -1 is the last."),
    click.option("--separator", help="Separator of columns. [default: a tab or, without one, spaces]"),
    click.option("--label-field", type=click.Choice(["upos", "xpos"]), help="Labels of CoNLL-U files."),
)
input_options = _together(  # of reading text that may be unlabelled
    click.option(
        "--input-format",
        type=click.Choice(["text", "tokens", "conll", "conllu", "jsonl"]),
        help="tokens: a sentence per line, tokens separated by spaces. [default: by file name, else text]",
    ),
    click.option("--token-column", type=int, help="Column of the word in CoNLL input, from 0."),
    click.option("--separator", help="Separator of columns in CoNLL input."),
)
labels_options = _together(  # of the meaning of labels
    click.option(
        "--scheme",
        type=click.Choice(["auto", "none", "IOB1", "IOB2", "IOBES"], case_sensitive=False),
        help="Label scheme; none: labels do not mark spans.",
    ),
    click.option("--ignore-label", help="Label of words that are only context. [default: _]"),
)
_config_option = click.option("--config", type=click.Path(path_type=Path), help="A TOML file.")
_vectors_option = click.option(
    "--vectors", metavar="NAME", help="Pretrained vectors: a name, a file, or A+B."
)
_max_vectors_option = click.option(
    "--max-vectors",
    metavar="N|all",
    callback=_number_or_all,
    help="Number of vectors that the model keeps. [default: 100000]",
)
_set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Any value of the configuration.",
)


def _configuration_options(tunings: Sequence[str], tuning_help: str) -> Callable[[F], F]:
    return _together(
        labels_options,
        columns_options,
        _config_option,
        _vectors_option,
        click.option("--tuning", type=click.Choice(tunings), help=tuning_help),
        _max_vectors_option,
        click.option("--seed", type=click.IntRange(min=0), help="Seed of all random numbers. [default: 0]"),
        _set_option,
    )


_TUNING_HELP = "Whether training changes the vectors; two-channel: a copy of them"
configuration_options = _configuration_options(["frozen", "tuned", "two-channel"], f"{_TUNING_HELP}.")
training_options = _configuration_options(
    ["frozen", "tuned", "two-channel", "auto"], f"{_TUNING_HELP}; auto: by a trial on dev."
)
# without tuning and seed, which a study varies
study_options = _together(
    labels_options, columns_options, _config_option, _vectors_option, _max_vectors_option, _set_option
)


def reading_options(
    config: "Config",
    file: str,
    input_format: str | None = None,
    token_column: int | None = None,
    separator: str | None = None,
) -> "ReadOptions":
    """Return how a file is read without labels, by the options, its name and a model's configuration."""
    from windowclf.corpus import options_of

    format = input_format or _FORMATS.get(Path(file.removesuffix(".gz")).suffix.lower(), "text")
    options = options_of(config.data, labelled=False, columns=config.features.columns)
    options = replace(options, format=cast("InputFormat", format))
    if token_column is not None:
        options = replace(options, token_column=token_column)
    return replace(options, separator=separator) if separator else options


def configuration(base: Config | None = None) -> Config:
    """Build the configuration of the current command: a file, then --set, then the options."""
    from windowclf.config_io import find_key, override, read_config

    given = click.get_current_context().params
    config = base or Config()
    if given.get("config") is not None:
        config = read_config(given["config"])
    options = {f"{find_key(key)}.{key}": given[key] for key in _KEYS if given.get(key) is not None}
    if options.get("model.tuning") == "auto":
        options["model.tuning"] = "tuned"  # for now: no other value conflicts with it
    assignments = given.get("assignments", ())
    return override(config, assignments, further=options, where="--set" if assignments else "options")
