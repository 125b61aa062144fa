"""Options that several commands share, as decorators."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from windowclf.config import TABLE_MB, Config

if TYPE_CHECKING:
    from windowclf.corpus.readers import InputFormat, ReadOptions

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of linear algebra. [default: one per core]"
)
table_option = click.option(
    "--table-mb",
    type=click.FloatRange(min=0),
    default=TABLE_MB,
    show_default=True,
    help="Megabytes for tables of frequent words, which make tagging fast; they are filled as words come.",
)
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that tag, sharing the model and its tables; what comes out is the same.",
)
model_argument = click.argument("model", metavar="MODEL")

# a file's ending -> its format; raw text, if it is none of these
_FORMATS = {
    ".conll": "conll",
    ".tsv": "conll",
    ".iob": "conll",
    ".conllu": "conllu",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
# option -> the value of the configuration that it is short for
_DATA_OPTIONS = {
    "format": "data.format",
    "token_column": "data.token_column",
    "label_column": "data.label_column",
    "separator": "data.separator",
    "label_field": "data.label_field",
    "scheme": "data.scheme",
    "ignore_label": "data.ignore_label",
}
_MODEL_OPTIONS = {
    "vectors": "model.vectors",
    "tuning": "model.tuning",
    "max_vectors": "model.max_vectors",
    "seed": "training.seed",
    "ensemble": "training.ensemble",
}


def _number_or_all(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    if value is None or value.isdecimal():
        return None if value is None else int(value)
    if value == "all":
        return 0
    raise click.BadParameter(f"{value!r} is neither a whole number nor 'all'.")


def columns_options(function: F) -> F:
    """Add the options that say how a corpus file is read."""
    for option in reversed(
        [
            click.option(
                "--format",
                type=click.Choice(["auto", "conll", "conllu", "jsonl", "tagged"]),
                help="Of corpus files; auto goes by their ending, tagged is a sentence a line of word/tag.",
            ),
            click.option("--token-column", type=int, help="Column of the word in CoNLL files, from 0."),
            click.option("--label-column", type=int, help="Column of the label; -1 is the last."),
            click.option("--separator", help="Between columns; by default a tab or, without one, spaces."),
            click.option(
                "--label-field", type=click.Choice(["upos", "xpos"]), help="Labels of CoNLL-U files."
            ),
        ]
    ):
        function = option(function)
    return function


def input_options(function: F) -> F:
    """Add the options that say how text is read that need not be labelled."""
    for option in reversed(
        [
            click.option(
                "--input-format",
                type=click.Choice(["text", "tokens", "conll", "conllu", "jsonl"]),
                help="tokens: a sentence a line, tokens parted by spaces. "
                "[default: by the file's ending, else text]",
            ),
            click.option("--token-column", type=int, help="Column of the word in CoNLL input, from 0."),
            click.option("--separator", help="Between columns of CoNLL input."),
        ]
    ):
        function = option(function)
    return function


def reading_options(
    config: "Config",
    file: str,
    input_format: str | None = None,
    token_column: int | None = None,
    separator: str | None = None,
) -> "ReadOptions":
    """Say how a file is read without its labels: by the options, its ending, a model's configuration."""
    from windowclf.corpus.readers import options_of

    format = input_format or _FORMATS.get(Path(file.removesuffix(".gz")).suffix.lower(), "text")
    options = options_of(config.data, labelled=False, columns=config.features.columns)
    options = replace(options, format=cast("InputFormat", format))
    if token_column is not None:
        options = replace(options, token_column=token_column)
    return replace(options, separator=separator) if separator else options


def labels_options(function: F) -> F:
    """Add the options that say what labels mean."""
    function = click.option("--ignore-label", help="Label of words that are context only. [default: _]")(
        function
    )
    return click.option(
        "--scheme",
        type=click.Choice(["auto", "none", "IOB1", "IOB2", "IOBES"], case_sensitive=False),
        help="How labels mark spans; none: they do not.",
    )(function)


# what makes up a configuration, in the order of the help
_CONFIGURATION_OPTIONS = {
    "config": click.option("--config", type=click.Path(path_type=Path), help="A TOML file."),
    "vectors": click.option("--vectors", metavar="NAME", help="Pretrained vectors: a name, a file, or A+B."),
    "tuning": click.option(
        "--tuning",
        type=click.Choice(["frozen", "tuned", "two-channel"]),
        help="May training move them? two-channel: a copy of them.",
    ),
    "max-vectors": click.option(
        "--max-vectors",
        metavar="N|all",
        callback=_number_or_all,
        help="Vectors that the model keeps. [default: 100000]",
    ),
    "seed": click.option("--seed", type=click.IntRange(min=0), help="Of everything random. [default: 0]"),
    "set": click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        help="Any value of the configuration.",
    ),
}
_ADVISED_TUNING = click.option(
    "--tuning",
    type=click.Choice(["frozen", "tuned", "two-channel", "auto"]),
    help="May training move them? two-channel: a copy of them; auto: as a trial on dev has it.",
)


def configuration_options(function: F) -> F:
    """Add the options that make up a configuration."""
    return _add_options(function, _CONFIGURATION_OPTIONS)


def training_options(function: F) -> F:
    """Add the options that make up a configuration, whose tuning may be left to a trial."""
    return _add_options(function, _CONFIGURATION_OPTIONS | {"tuning": _ADVISED_TUNING})


def _add_options(function: F, options: Mapping[str, Callable[[Any], Any]]) -> F:
    for option in reversed(list(options.values())):
        function = option(function)
    return labels_options(columns_options(function))


def study_options(function: F) -> F:
    """Add those of a configuration that is trained in several ways and with several seeds."""
    for name in ("set", "max-vectors", "vectors", "config"):
        function = _CONFIGURATION_OPTIONS[name](function)
    return labels_options(columns_options(function))


def configuration(base: Config | None = None) -> Config:
    """Build the configuration of the present command: a file, then --set, then the options given."""
    from windowclf.config_io import override, read_config

    given = click.get_current_context().params
    config = base or Config()
    if given.get("config") is not None:
        config = read_config(given["config"])
    names = (_DATA_OPTIONS | _MODEL_OPTIONS).items()
    options = {key: given[name] for name, key in names if given.get(name) is not None}
    if options.get("model.tuning") == "auto":
        options["model.tuning"] = "tuned"  # until it is chosen: nothing that is configured conflicts with it
    assignments = given.get("assignments", ())
    return override(config, assignments, further=options, where="--set" if assignments else "options")


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Bound the threads of linear algebra within the block; None leaves them as they are."""
    if threads is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads):
        yield
