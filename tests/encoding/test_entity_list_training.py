"""Entities of the training data as features of a model: what they bring, and that they give nothing away."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowTagger
from windowclf.encoding.entity_lists import own_entities
from windowclf.nn import softmax
from windowclf.training import choose_objective, prepare_training
from windowclf.training.objectives import DistillationObjective, WordTeacher, distil
from windowclf.vectors import WordVectors
from windowclf_cli.main import cli

pytestmark = pytest.mark.slow  # forty epochs, so that names are learnt by heart

Labelled = tuple[list[list[str]], list[list[str]]]
NAMES = {f"{first}{second}{third}": kind  # a name's letters say nothing of its kind
         for i, (first, second, third, kind) in enumerate(
             (a, b, c, ("LOC", "PER", None)[(i * 7 + j * 5 + k * 3) % 3])
             for i, a in enumerate("BDFGKL") for j, b in enumerate("aeiou") for k, c in enumerate("mnrst"))
         }  # fmt: skip
PLAIN = Config(
    model=ModelConfig(tuning="frozen", window=3, hidden=(16,), dropout=0.2, input_dropout=0),
    features=FeaturesConfig(case_dimension=3, affix_dimension=0),
    training=TrainingConfig(epochs=40, batch_sentences=8, learning_rate=0.02, patience=0),
)


def _sentences(n: int, seed: int, names: list[str]) -> Labelled:
    rng = np.random.default_rng(seed)
    sentences, labels = [], []
    for _ in range(n):
        name = names[rng.integers(len(names))]
        before, after = (["the", "in", "at", "we", "is"][rng.integers(5)] for _ in range(2))
        sentences.append([before, name, after])
        labels.append(["O", "O" if NAMES[name] is None else f"B-{NAMES[name]}", "O"])
    return sentences, labels


@pytest.fixture(scope="module")
def seen() -> Labelled:
    """Sentences with names, each in three of them or so."""
    return _sentences(400, 0, [*NAMES])


@pytest.fixture(scope="module")
def taught(seen: Labelled, vectors: WordVectors) -> WindowTagger:
    return WindowTagger(PLAIN, vectors=vectors).fit(*seen)


def _f1(tagger: WindowTagger, text: Labelled) -> float:
    f1 = tagger.evaluate(*text).f1
    assert f1 is not None
    return f1


def test_names_that_were_seen_are_known_again(
    taught: WindowTagger, seen: Labelled, vectors: WordVectors
) -> None:
    again = _sentences(200, 1, [*NAMES])
    without = replace(PLAIN, features=replace(PLAIN.features, entity_lists=False))
    assert _f1(WindowTagger(without, vectors=vectors).fit(*seen), again) < 0.5  # nothing else tells of them
    assert _f1(taught, again) > 0.9


def test_what_no_other_sentence_has_is_not_learnt_from_the_list(vectors: WordVectors) -> None:
    # each name once: a list that held a sentence's own would be right in all of training
    names = [*NAMES]
    pairs = [_sentences(1, i, [name]) for i, name in enumerate(names)]
    once = [sentences[0] for sentences, _ in pairs], [labels[0] for _, labels in pairs]
    tagger = WindowTagger(PLAIN, vectors=vectors).fit(*once)
    model = tagger.model
    data = prepare_training(tagger.model.encoder, *once, model.labels, 3)
    lists = tagger.model.encoder.features.columns["gazetteers"]
    nowhere = tagger.model.encoder.elsewhere
    assert (data.words[:, lists] == nowhere).all()  # in training no name stands in a list,
    found = tagger.model.encoder.encode(once[0]).words[:, lists]
    assert (found != nowhere).any(axis=1).sum() == sum(
        kind is not None for kind in NAMES.values()
    )  # later all


def test_a_model_that_was_read_again_is_the_same_plain_and_compiled(
    taught: WindowTagger, tmp_path: Path
) -> None:
    again = _sentences(50, 2, [*NAMES])[0]
    taught.save(tmp_path / "model")
    read = WindowTagger.load(tmp_path / "model")
    assert read.config.features.gazetteers == ("entities:LOC", "entities:PER")
    assert read.predict(again) == taught.predict(again)
    read.compile()
    assert read.predict(again) == taught.predict(again)


def test_a_models_configuration_can_be_trained_with_again(taught: WindowTagger, vectors: WordVectors) -> None:
    other = _sentences(60, 3, [name for name, kind in NAMES.items() if kind != "LOC"])
    tagger = WindowTagger(taught.config, vectors=vectors).fit(*other)
    assert tagger.model.config.features.gazetteers == ("entities:PER",)


def test_networks_of_an_ensemble_share_the_lists(seen: Labelled, vectors: WordVectors) -> None:
    training = replace(PLAIN.training, ensemble=2, bootstrap=True, epochs=20)
    tagger = WindowTagger(replace(PLAIN, training=training), vectors=vectors).fit(*seen)
    assert len(tagger.model.encoder.gazetteers) == 2
    assert _f1(tagger, _sentences(200, 1, [*NAMES])) > 0.9


def test_a_teacher_says_what_it_would_of_sentences_that_it_had_not_learnt(
    taught: WindowTagger, seen: Labelled
) -> None:
    model = taught.model
    objective = choose_objective(model.config, model.labels, model.parameters, seen[1])
    found = distil(objective, model, model, *seen)
    assert isinstance(found, DistillationObjective)
    assert isinstance(found.teacher, WordTeacher)
    own = own_entities(*seen, model.labels, case=True)
    unseen, seen_too = (softmax(model.all_scores(seen[0], some)[0]) for some in (own, None))
    assert np.array_equal(found.teacher.probabilities, unseen)
    assert np.abs(unseen - seen_too).max() > 0.1


def test_commands_name_the_lists(taught: WindowTagger, tmp_path: Path) -> None:
    taught.save(tmp_path / "model")
    name, kind = next((name, kind) for name, kind in NAMES.items() if kind is not None)
    explained = CliRunner().invoke(cli, ["explain", str(tmp_path / "model"), f"the {name} is"])
    assert explained.exit_code == 0, explained.output
    assert f"entities:{kind}" in explained.output
    told = CliRunner().invoke(cli, ["info", str(tmp_path / "model")])
    assert f"entities:{kind}" in told.output
