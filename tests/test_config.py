"""The configuration: to TOML and back, overridden by --set, and refused with the fault named."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowclf import WindowTagger
from windowclf.config import Config, DataConfig, FeaturesConfig, ModelConfig, TrainingConfig
from windowclf.config_io import (
    config_from_dict,
    config_to_dict,
    config_to_toml,
    describe_fields,
    find_key,
    override,
    read_config,
)
from windowclf.errors import ConfigError

FIELDS = [
    (section.name, key.name)
    for section in dataclasses.fields(Config)
    for key in dataclasses.fields(section.type)  # type: ignore[arg-type]
]
NOT_DEFAULT = Config(
    ModelConfig(
        window=3,
        vectors='C:\\vectors "new"\n.txt',
        tuning="tuned",
        vector_deviation=0.0,
        max_vectors=0,
        hidden=(7, 5),
        activation="tanh",
        inner_scheme="IOB2",
        dropout=0.25,
        input_dropout=0.0,
    ),
    FeaturesConfig(
        case_dimension=0,
        affix_dimension=1,
        prefixes=(),
        suffixes=(16,),
        whole_word=False,
        shape=True,
        buckets=1,
        gazetteers=("places.txt", 'C:\\lists "new"\n.gz'),
        entity_lists=False,
        gazetteer_dimension=1,
        columns=("1", 'part "of" speech'),
        column_dimension=2,
        gazetteer_case=False,
    ),
    TrainingConfig(
        seed=2**40,
        ensemble=2,
        bootstrap=True,
        epochs=1,
        patience=0,
        teacher_weight=0.25,
        batch_sentences=1,
        optimizer="momentum",
        learning_rate=1e-12,
        schedule="cosine",
        momentum=0.0,
        l2=0.1,
        l2_vectors=0.2,
        l2_anchor=0.3,
        vectors_rate=0.5,
        vectors_from_epoch=2,
        tuned_from_count=3,
        carry="ridge",
        carry_strength=0.5,
        word_dropout=0.1,
        averaging=0.99,
        class_weights="balanced",
        label_smoothing=0.05,
        fit_outside_cost=False,
        clip_norm=0.0,
    ),
    DataConfig(
        format="jsonl",
        token_column=-2,
        label_column=3,
        separator="\t",
        label_field="xpos",
        scheme="IOBES",
        ignore_label="",
    ),
)
# a loss of sentences, with which some values of NOT_DEFAULT have to be the defaults
OF_SENTENCES = dataclasses.replace(
    NOT_DEFAULT,
    model=dataclasses.replace(NOT_DEFAULT.model, loss="crf", tuning="two-channel"),
    training=dataclasses.replace(
        NOT_DEFAULT.training, class_weights="none", label_smoothing=0.0, carry="none"
    ),
)
# what only OF_SENTENCES has otherwise than by default: NOT_DEFAULT carries over, which asks for tuned vectors
NOT_THERE = ("loss", "tuning")


def _get(config: Config, section: str, key: str) -> object:
    return getattr(getattr(config, section), key)


@pytest.mark.parametrize("section, key", FIELDS)
def test_the_example_differs_from_the_default_everywhere(section: str, key: str) -> None:
    # so that the round trips below show that no value is lost on the way
    example = OF_SENTENCES if key in NOT_THERE else NOT_DEFAULT
    assert _get(example, section, key) != _get(Config(), section, key)


@pytest.mark.parametrize("config", [Config(), NOT_DEFAULT, OF_SENTENCES])
def test_a_toml_file_holds_all_of_a_configuration(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(config_to_toml(config), encoding="utf-8")
    assert read_config(path) == config


@given(
    st.builds(
        Config,
        model=st.builds(
            ModelConfig,
            window=st.integers(0, 15).map(lambda half: 2 * half + 1),
            vectors=st.text(st.characters(exclude_categories=["Cs"])),
            hidden=st.lists(st.integers(1, 2**31)).map(tuple),
            dropout=st.floats(0, 1, exclude_max=True),
        ),
        training=st.builds(
            TrainingConfig,
            learning_rate=st.floats(0, 1e300, exclude_min=True),
            seed=st.integers(0, 2**62),
        ),
    )
)
def test_mappings_hold_any_valid_configuration(config: Config) -> None:
    assert config_from_dict(config_to_dict(config)) == config


def test_what_a_file_does_not_say_keeps_its_default(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[model]\nwindow = 7\n")
    assert read_config(path) == Config(model=ModelConfig(window=7))


@pytest.mark.parametrize(
    "assignment, section, key, expected",
    [
        ("model.window=7", "model", "window", 7),
        (" model.window = 7 ", "model", "window", 7),
        ("model.hidden=[300, 100]", "model", "hidden", (300, 100)),
        ("model.hidden=[]", "model", "hidden", ()),
        ("model.tuning=tuned", "model", "tuning", "tuned"),
        ('model.tuning="frozen"', "model", "tuning", "frozen"),
        ("model.dropout=0", "model", "dropout", 0.0),
        ("model.vectors=", "model", "vectors", ""),
        ("model.vectors=a=b.txt", "model", "vectors", "a=b.txt"),
        ("model.vectors='2024'", "model", "vectors", "2024"),
        ("features.whole_word=false", "features", "whole_word", False),
        ("training.learning_rate=1e-2", "training", "learning_rate", 0.01),
        ('data.separator="\\t"', "data", "separator", "\t"),
        ("data.separator=\t", "data", "separator", "\t"),
    ],
)
def test_an_assignment_sets_one_value(assignment: str, section: str, key: str, expected: object) -> None:
    changed = override(Config(), [assignment])
    assert _get(changed, section, key) == expected
    assert type(_get(changed, section, key)) is type(expected)
    untouched = [field for field in FIELDS if field != (section, key)]
    assert [_get(changed, *f) for f in untouched] == [_get(Config(), *f) for f in untouched]


def test_the_last_of_several_assignments_counts() -> None:
    assert override(Config(), ["model.window=3", "model.window=7"]).model.window == 7


def test_an_assignment_keeps_what_the_file_said() -> None:
    assert override(NOT_DEFAULT, ["model.window=7"]).training == NOT_DEFAULT.training


@pytest.mark.parametrize(
    "assignment, part_of_message",
    [
        ("model.window", "section.key=value"),
        ("window=3", "section.key=value"),
        ("=3", "section.key=value"),
        ("modell.window=3", "Did you mean 'model'?"),
        ("model.windows=3", "Did you mean 'window'?"),
        ("model.hidden.first=3", "Did you mean 'hidden'?"),
        ("training.epochs=1\nseed=3", "training.epochs"),
        ("model.vectors=2024", "model.vectors: Expected str, got int; found 2024"),
    ],
)
def test_an_assignment_that_cannot_be_is_refused(assignment: str, part_of_message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        override(Config(), [assignment])
    assert part_of_message in str(caught.value)


@pytest.mark.parametrize(
    "values, where, part_of_message",
    [
        ({"modle": {}}, "f.toml", "unknown section 'modle'; allowed: model, features, training, data"),
        ({"model": {"droput": 0.1}}, "f.toml: [model]", "Did you mean 'dropout'?"),
        ({"training": {"epoch": 3}}, "f.toml: [training]", "Did you mean 'epochs'?"),
        ({"training": {"xyzzy": 3}}, "f.toml: [training]", "unknown key 'xyzzy'"),
        ({"model": 3}, "f.toml: model", "a section must be a mapping"),
        ({"model": {"window": "5"}}, "f.toml: model.window", "'5'; allowed: a whole number, at least 1"),
        ({"model": {"window": 5.5}}, "f.toml: model.window", "Expected int, got float"),
        ({"model": {"window": True}}, "f.toml: model.window", "Expected int, got bool"),
        ({"model": {"window": 4}}, "f.toml: model", "window must be odd"),
        ({"model": {"window": 0}}, "f.toml: model.window", "at least 1"),
        ({"model": {"window": 33}}, "f.toml: model.window", "at most 31"),
        ({"model": {"hidden": 300}}, "f.toml: model.hidden", "a list of whole numbers"),
        ({"features": {"gazetteers": "a.txt"}}, "f.toml: features.gazetteers", "a list of strings"),
        ({"features": {"columns": [1]}}, "f.toml: features.columns[0]", "Expected str, got int"),
        ({"features": {"columns": ["1", "1"]}}, "f.toml: features", "a column is named twice: 1, 1"),
        ({"model": {"hidden": [300, 0]}}, "f.toml: model.hidden[1]", "found [300, 0]"),
        ({"model": {"dropout": 1}}, "f.toml: model.dropout", "at least 0, less than 1"),
        ({"model": {"dropout": "half"}}, "f.toml: model.dropout", "allowed: a number"),
        ({"model": {"tuning": "Frozen"}}, "f.toml: model.tuning", "allowed: frozen, tuned, two-channel"),
        ({"model": {"vectors": 5}}, "f.toml: model.vectors", "allowed: a string"),
        ({"features": {"whole_word": 1}}, "f.toml: features.whole_word", "allowed: true or false"),
        ({"features": {"prefixes": [17]}}, "f.toml: features.prefixes[0]", "Expected int <= 16"),
        ({"training": {"seed": -1}}, "f.toml: training.seed", "at least 0"),
        ({"training": {"learning_rate": 0}}, "f.toml: training.learning_rate", "more than 0"),
        ({"training": {"learning_rate": float("nan")}}, "f.toml: training.learning_rate", "found nan"),
        ({"training": {"learning_rate": float("inf")}}, "f.toml: training.learning_rate", "found inf"),
        ({"training": {"optimizer": "adagrad"}}, "f.toml: training.optimizer", "sgd, momentum, adam"),
        ({"data": {"scheme": "BIO"}}, "f.toml: data.scheme", "auto, none, IOB1, IOB2, IOBES"),
    ],
)
def test_a_faulty_value_is_named_with_its_place(
    values: Mapping[str, Any], where: str, part_of_message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_dict(values, where="f.toml")
    assert caught.value.where == where
    assert part_of_message in str(caught.value)


@pytest.mark.parametrize("name, value", [("class_weights", "balanced"), ("label_smoothing", 0.1)])
def test_what_is_of_single_words_and_a_loss_of_sentences_exclude_each_other(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"model": {"loss": "crf"}, "training": {name: value}}, where="f.toml")
    assert caught.value.where == "f.toml"
    assert f"training.{name} = {value!r}" in caught.value.problem
    assert "model.loss = 'crf'" in caught.value.problem
    with pytest.raises(ValueError, match=r"model\.loss = 'crf'"):
        Config(ModelConfig(loss="crf"), training=TrainingConfig(**{name: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "tuning"),
    [
        ("carry", "ridge", "frozen"),
        ("carry", "neighbours", "two-channel"),
        ("tuned_from_count", 2, "frozen"),
    ],
)
def test_what_is_of_tuned_vectors_is_refused_where_they_are_not(
    name: str, value: object, tuning: str
) -> None:
    values = {"model": {"tuning": tuning}, "training": {name: value}}
    with pytest.raises(ConfigError) as caught:
        config_from_dict(values, where="f.toml")
    assert f"training.{name} = {value!r}" in caught.value.problem
    assert f"model.tuning = {tuning!r}" in caught.value.problem
    values["model"] = {"tuning": "tuned"}
    assert _get(config_from_dict(values), "training", name) == value


def test_values_that_allow_each_other_may_be_given_in_any_order() -> None:
    carried = override(Config(), ["training.carry=ridge"], further={"model.tuning": "tuned"})
    assert (carried.training.carry, carried.model.tuning) == ("ridge", "tuned")
    assert override(Config(), ["training.carry=ridge", "model.tuning=tuned"]) == carried


def test_an_unlike_name_gets_no_advice() -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"training": {"xyzzy": 3}})
    assert caught.value.hint is None


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"[model\nwindow = 5", "not a TOML file"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not a TOML file"),
        (b"window = 5", "unknown section 'window'"),
        (None, "the file cannot be read"),
    ],
)
def test_a_file_that_holds_none_is_named(content: bytes | None, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert caught.value.where == str(path)
    assert problem in caught.value.problem


def test_an_even_window_cannot_be_made_in_python_either() -> None:
    with pytest.raises(ValueError, match="window must be odd"):
        ModelConfig(window=2)


def test_every_value_is_described_once_in_order() -> None:
    assert [row[0] for row in describe_fields()] == [f"{section}.{key}" for section, key in FIELDS]


@pytest.mark.parametrize("row", list(describe_fields()), ids=lambda row: row[0])
def test_a_description_says_default_bounds_and_meaning(row: tuple[str, str, str, str]) -> None:
    name, default, allowed, meaning = row
    example = OF_SENTENCES if name == "model.tuning" else NOT_DEFAULT
    assert override(example, [f"{name}={default}"]) == dataclasses.replace(
        example, **_with_default(name, example)
    )
    assert allowed and meaning


def _with_default(name: str, example: Config) -> dict[str, Any]:
    section, key = name.split(".")
    default = _get(Config(), section, key)
    return {section: dataclasses.replace(getattr(example, section), **{key: default})}


def test_sections_can_be_mappings() -> None:
    config: Any = Config(training={"epochs": 3}, model={"hidden": [100]})  # type: ignore[arg-type]
    assert WindowTagger(config).config == Config(
        training=TrainingConfig(epochs=3), model=ModelConfig(hidden=(100,))
    )


def test_what_is_wrong_with_a_section_is_named() -> None:
    with pytest.raises(TypeError, match="epoch"):
        Config(training={"epoch": 3})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="training must be a TrainingConfig or a mapping; found 3"):
        Config(training=3)  # type: ignore[arg-type]


def test_a_key_belongs_to_one_section() -> None:
    keys = [key for section in config_to_dict(Config()).values() for key in section]
    assert len(keys) == len(set(keys))
    assert find_key("epochs") == "training"
