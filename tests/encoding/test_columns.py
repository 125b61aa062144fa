"""Columns beside the words in a model: learnt from, checked, kept in its directory, compiled, asked for."""

import json
import os
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from windowclf import Config, FeaturesConfig, ModelConfig, Sentence, TrainingConfig, WindowTagger
from windowclf.arrays import Floats
from windowclf.corpus import ReadOptions, columns, read_labelled
from windowclf.encoding import (
    N_RESERVED_ROWS,
    UNKNOWN_VALUE,
    ColumnValues,
    Encoder,
    Gazetteer,
    Gazetteers,
    Position,
    Vocabulary,
    WordFeatures,
    windows,
)
from windowclf.encoding.columns import NO_WORD
from windowclf.errors import DataError, ModelFileError
from windowclf.files import sha256_of
from windowclf.inspection import check_network, window_graph
from windowclf.model import WindowModel
from windowclf.model.parameters import parameter_shapes
from windowclf.nn import Gradient, RowGradient, check_gradients, softmax_cross_entropy
from windowclf.vectors import WordVectors
from windowclf_cli.main import cli

Labelled = tuple[list[list[str]], list[list[str]]]
Columned = tuple[list[Sentence], list[list[str]]]


def with_columns(sentences: Sequence[Sequence[str]]) -> list[Sentence]:
    """Give words two columns: what they begin with, and how long they are."""
    return [
        Sentence(
            tuple(words),
            columns={
                "first": tuple(word[0].lower() for word in words),
                "size": tuple(str(len(word)) for word in words),
            },
        )
        for words in sentences
    ]


@pytest.fixture(scope="module")
def columned(config: Config) -> Config:
    """The small configuration with two columns."""
    return replace(config, features=replace(config.features, columns=("size", "first"), column_dimension=3))


@pytest.fixture(scope="module")
def told(corpus: Labelled) -> Columned:
    """The small corpus with two columns."""
    return with_columns(corpus[0]), corpus[1]


@pytest.fixture(scope="module")
def taught(columned: Config, vectors: WordVectors, told: Columned) -> WindowTagger:
    """A tagger with two columns, trained on the small corpus; not to be changed."""
    return WindowTagger(columned, vectors=vectors).fit(*told)


@pytest.fixture
def directory(taught: WindowTagger, tmp_path: Path) -> Path:
    """Return a saved model, to be damaged at will."""
    taught.save(tmp_path / "model")
    return tmp_path / "model"


# -- the network ------------------------------------------------------------------------------------------


FEATURES = FeaturesConfig(
    case_dimension=2,
    affix_dimension=2,
    prefixes=(1,),
    suffixes=(),
    buckets=5,
    gazetteers=("a.txt",),
    gazetteer_dimension=2,
)
ALONE = FeaturesConfig(case_dimension=0, affix_dimension=0)
SENTENCES = with_columns(["New York City is New York , Paris".split(), ["paris"], "Rio de Janeiro".split()])
TRAINED_ON = SENTENCES[:2]  # so that the last holds values that are not known


def _encoded(features: FeaturesConfig) -> tuple[Encoder, ColumnValues]:
    values = ColumnValues.of(features.columns, TRAINED_ON)
    lists = Gazetteers([Gazetteer.of(["New York"]) for _ in features.gazetteers])
    encoder = Encoder(Vocabulary(["paris", "new", ","], {}), WordFeatures(features), lists, values)
    return encoder, values


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("hidden", [(), (4,)], ids=["softmax", "1 hidden"])
@pytest.mark.parametrize("features", [ALONE, FEATURES], ids=["alone", "beside others"])
def test_every_coordinate_of_the_gradient_is_right(
    features: FeaturesConfig, hidden: tuple[int, ...], fused: bool
) -> None:
    features = replace(features, columns=("first", "size"), column_dimension=2)
    config = ModelConfig(
        tuning="frozen", window=3, hidden=hidden, activation="tanh", dropout=0, input_dropout=0
    )
    encoder, values = _encoded(features)
    encoded = encoder.encode(SENTENCES)
    around = windows(encoded.tokens, encoded.lengths, config.window)
    targets = np.arange(len(around)) % 3
    rng = np.random.default_rng(0)
    shapes = parameter_shapes(config, features, 3, 3, 3, n_values=len(values))
    assert shapes["columns"] == (2 + 6 + 5, 2)  # n y c i , p and 1 2 3 4 5

    def loss_of(**parameters: Floats) -> tuple[float, Callable[[float], list[Gradient | None]]]:
        scores, backward = WindowModel(config, features, parameters, fused=fused).forward(
            encoded.words, around
        )
        loss, loss_backward = softmax_cross_entropy(scores, targets=targets)

        def whole_backward(upstream: float) -> list[Gradient | None]:
            gradients = backward(loss_backward(upstream))
            return [gradients.get(name) for name in parameters]

        return loss, whole_backward

    report = check_gradients(loss_of, {name: rng.standard_normal(shape) for name, shape in shapes.items()})
    assert report.ok, str(report)
    assert report.untrained == ("vectors",)
    of_table = [c for c in report.coordinates if c.name == "columns"]
    assert len(of_table) == shapes["columns"][0] * 2
    assert {c.index[0] for c in of_table if c.analytic} == {*range(shapes["columns"][0])}


def test_window_and_first_layer_as_one_or_as_two_are_the_same() -> None:
    features = replace(FEATURES, columns=("first", "size"), column_dimension=2)
    config = ModelConfig(hidden=(4,), dropout=0, input_dropout=0)
    encoder, values = _encoded(features)
    encoded = encoder.encode(SENTENCES)
    around = windows(encoded.tokens, encoded.lengths, config.window)
    rng = np.random.default_rng(0)
    shapes = parameter_shapes(config, features, 3, 3, 3, n_values=len(values))
    parameters: dict[str, Floats] = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    upstream = rng.standard_normal((len(around), 3))
    found = []
    for fused in (True, False):
        scores, backward = WindowModel(config, features, parameters, fused=fused).forward(
            encoded.words, around
        )
        gradient = backward(upstream)["columns"]
        assert isinstance(gradient, RowGradient)
        found.append((scores, gradient.to_dense()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_place_has_the_rows_of_its_values_and_the_ends_have_their_own() -> None:
    features = replace(ALONE, columns=("size",))
    encoder, values = _encoded(features)
    assert values.values == {"size": ("1", "2", "3", "4", "5")}
    encoded = encoder.encode([SENTENCES[0][:3], [], Sentence(("New",), columns={"size": ("9",)})])
    assert encoded.words[encoded.tokens].tolist() == [[3, 4], [0, 5], [0, 5], [3, UNKNOWN_VALUE]]
    assert encoded.words[:2].tolist() == [[1, NO_WORD], [0, UNKNOWN_VALUE]]
    assert encoded.lengths.tolist() == [3, 0, 1]


@given(texts=st.lists(st.lists(st.tuples(st.sampled_from("New York qwx".split()), st.sampled_from("12349")))))
def test_every_token_has_the_ids_of_its_word_and_of_its_place(texts: list[list[tuple[str, str]]]) -> None:
    features = replace(FEATURES, columns=("size",))
    encoder, values = _encoded(features)
    sentences = [
        Sentence(tuple(word for word, _ in text), columns={"size": tuple(value for _, value in text)})
        for text in texts
    ]
    encoded = encoder.encode(sentences)
    ids = encoded.words[encoded.tokens]
    tokens = [token for sentence in sentences for token in sentence]
    expected = encoder.encode_words(tokens)[2:]
    expected[:, -1:] = values.rows(sentences)
    expected[:, -2:-1] = encoder.match(tokens, encoded.lengths)
    assert ids.tolist() == expected.tolist()
    # and the same, token by token, of one sentence
    firsts = [0, len(Position) - N_RESERVED_ROWS]  # what moves an id of each range to its row of all ranges
    for sentence, end in zip(sentences, np.cumsum(encoded.lengths), strict=True):
        own = expected[end - len(sentence) : end, -2:] + firsts
        known = expected[end - len(sentence) : end, -2:] != encoder.elsewhere
        assert encoder.context_rows(sentence) == list(
            zip(known.nonzero()[0].tolist(), own[known].tolist(), strict=True)
        )


def test_values_that_training_did_not_see_say_nothing(
    taught: WindowTagger, vectors: WordVectors, columned: Config, told: Columned
) -> None:
    table = taught.model.parameters["columns"]
    assert not table[UNKNOWN_VALUE].any()
    others = np.delete(table, UNKNOWN_VALUE, axis=0)
    assert others.any(axis=1).all()
    hardly = replace(columned, training=TrainingConfig(epochs=1, learning_rate=1e-9))
    before = WindowTagger(hardly, vectors=vectors).fit(*told).model.parameters["columns"]
    moved = np.abs(others - np.delete(before, UNKNOWN_VALUE, axis=0))
    assert (moved > 1e-3).any(axis=1).all()


def _by_the_next_column(n: int, seed: int) -> Columned:
    """Return sentences of words that say nothing; the label says what the next word's column is."""
    rng = np.random.default_rng(seed)
    sentences, labels = [], []
    for _ in range(n):
        values = rng.choice(["yes", "no"], 6).tolist()
        words = tuple(f"w{number}" for number in rng.integers(10**9, size=6))
        sentences.append(Sentence(words, columns={"c": tuple(values)}))
        labels.append([*values[1:], "no"])
    return sentences, labels


def test_a_column_is_learnt_from_where_it_is_the_only_signal(vectors: WordVectors) -> None:
    train, test = _by_the_next_column(60, 0), _by_the_next_column(40, 1)
    config = Config(
        model=ModelConfig(hidden=(), input_dropout=0),
        features=FeaturesConfig(case_dimension=0, affix_dimension=0),
        training=TrainingConfig(epochs=20, learning_rate=0.05),
    )
    without = WindowTagger(config, vectors=vectors).fit(*train)
    told = replace(config, features=replace(config.features, columns=("c",)))
    tagger = WindowTagger(told, vectors=vectors).fit(*train)
    assert tagger.predict(test[0]) == test[1]
    assert without.evaluate(*test).token_accuracy < 0.75  # all but the last of six words: a coin


# -- what is not there ------------------------------------------------------------------------------------


def test_sentences_without_the_columns_are_refused_everywhere(
    taught: WindowTagger, corpus: Labelled, told: Columned, columned: Config, vectors: WordVectors
) -> None:
    plain = corpus[0][0]
    asked: list[Callable[[WindowTagger], object]] = [
        lambda tagger: tagger.predict([*told[0], plain]),
        lambda tagger: tagger.predict_proba([plain]),
        lambda tagger: tagger.tag([plain]),
        lambda tagger: tagger.n_best(plain, 2),
        lambda tagger: tagger.evaluate([plain], corpus[1][:1]),
        lambda tagger: tagger.explain(plain),
        lambda tagger: WindowTagger(columned, vectors=vectors).fit(*corpus),
        lambda tagger: WindowTagger(columned, vectors=vectors).fit(*told, dev=corpus),
    ]
    for tagger in (taught, WindowTagger._of(copy(taught.model)).compile()):
        for ask in asked:
            with pytest.raises(DataError, match=r"a sentence without the column 'size'.*found \['museums'"):
                ask(tagger)
        assert tagger.predict([[], []]) == [[], []]


def test_a_column_that_holds_the_labels_is_refused(
    config: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    given_away = [
        Sentence(tuple(words), columns={"c": tuple(labels)}) for words, labels in zip(*corpus, strict=True)
    ]
    features = replace(config.features, columns=("c",))
    with pytest.raises(DataError, match="the column 'c' holds the labels themselves"):
        WindowTagger(replace(config, features=features), vectors=vectors).fit(given_away, corpus[1])


def test_columns_that_a_model_does_not_take_are_passed_over(
    tagger: WindowTagger, corpus: Labelled, told: Columned
) -> None:
    assert tagger.predict(told[0]) == tagger.predict(corpus[0])


# -- the model directory ----------------------------------------------------------------------------------


def test_a_model_with_columns_is_read_as_it_was_written(
    taught: WindowTagger, told: Columned, directory: Path, tmp_path: Path
) -> None:
    loaded = WindowTagger.load(directory)
    assert loaded.model.columns.values == taught.model.columns.values
    assert [*loaded.model.columns.values] == ["size", "first"]
    assert loaded.predict(told[0]) == taught.predict(told[0])
    for ours, theirs in zip(loaded.predict_proba(told[0]), taught.predict_proba(told[0]), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    loaded.save(tmp_path / "again")
    assert [path.read_bytes() for path in sorted((tmp_path / "again").iterdir())] == [
        path.read_bytes() for path in sorted(directory.iterdir())
    ]
    stored = json.loads((directory / "columns.json").read_text())
    assert stored["values"]["size"] == ["1", "2", "3", "4", "5", "6", "7", "8"]
    listed = json.loads((directory / "manifest.json").read_text())["files"]
    assert listed["columns.json"]["sha256"] == sha256_of(directory / "columns.json")


def test_a_model_without_columns_is_stored_as_ever(tagger: WindowTagger, tmp_path: Path) -> None:
    tagger.save(tmp_path / "model")
    assert not (tmp_path / "model" / "columns.json").exists()
    # as it was written before there were columns
    described = json.loads((tmp_path / "model" / "config.json").read_text())
    del described["config"]["features"]["columns"], described["config"]["features"]["column_dimension"]
    _resealed("config.json", described, tmp_path / "model")
    assert WindowTagger.load(tmp_path / "model").predict([["in", "Paris"]]) == tagger.predict(
        [["in", "Paris"]]
    )


def _resealed(name: str, content: object, directory: Path) -> None:
    """Replace a file and its entry in the manifest."""
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
    (directory / "manifest.json").write_text(json.dumps(manifest))


def _unlisted(directory: Path) -> None:
    manifest = json.loads((directory / "manifest.json").read_text())
    del manifest["files"]["columns.json"]
    (directory / "manifest.json").write_text(json.dumps(manifest))


def _without_file(directory: Path) -> None:
    (directory / "columns.json").unlink()
    _unlisted(directory)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda d: (d / "columns.json").write_text("{}"), "another size than its manifest says"),
        (_without_file, "columns.json: a file of the model is missing"),
        (_unlisted, "does not list a file; found 'columns.json'"),
        (lambda d: _resealed("columns.json", b"{", d), "columns.json: not a JSON file"),
        (lambda d: _resealed("columns.json", {}, d), "allowed: size, first"),
        (lambda d: _resealed("columns.json", {"values": {"size": ["1"]}}, d), "allowed: size, first"),
        (
            lambda d: _resealed("columns.json", {"values": {"size": ["1", "1"], "first": ["a"]}}, d),
            "the values of the column 'size' are no list of different strings",
        ),
        (
            lambda d: _resealed("columns.json", {"values": {"size": ["1"], "first": [1]}}, d),
            "the values of the column 'first' are no list of different strings",
        ),
        (
            lambda d: _resealed("columns.json", {"values": {"size": ["1"], "first": ["a"]}}, d),
            "array 'columns' does not fit the configuration",
        ),
    ],
    ids=[
        "changed",
        "deleted and unlisted",
        "unlisted",
        "no JSON",
        "empty",
        "a column less",
        "twice the same",
        "numbers",
        "too few",
    ],
)
def test_damaged_values_are_refused(damage: Callable[[Path], Any], problem: str, directory: Path) -> None:
    damage(directory)
    with pytest.raises(ModelFileError) as caught:
        WindowTagger.load(directory)
    assert problem in str(caught.value)


# -- compiled ---------------------------------------------------------------------------------------------

SHAPES: dict[str, dict[str, Any]] = {
    "one hidden layer": {},
    "no hidden layer": {"hidden": ()},
    "two hidden layers": {"hidden": (9, 7), "activation": "tanh"},
    "window of 1": {"window": 1},
    "two channels": {"tuning": "two-channel"},
    "labels of whole sentences": {"loss": "crf"},
}


def _assert_same(plain: WindowTagger, fast: WindowTagger, sentences: list[Sentence]) -> None:
    assert fast.predict(sentences) == plain.predict(sentences)
    for ours, theirs in zip(fast.predict_proba(sentences), plain.predict_proba(sentences), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_members", [1, 2], ids=["one network", "an ensemble"])
@pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, id=name, marks=pytest.mark.slow if shape else ()) for name, shape in SHAPES.items()],
)
def test_a_compiled_model_with_columns_tags_as_the_plain_one(
    shape: dict[str, Any],
    n_members: int,
    columned: Config,
    vectors: WordVectors,
    told: Columned,
    tmp_path: Path,
) -> None:
    (tmp_path / "places.txt").write_text("New York\nParis\n")
    training = replace(columned.training, epochs=2, ensemble=n_members, bootstrap=n_members > 1)
    features = replace(columned.features, gazetteers=(str(tmp_path / "places.txt"),))
    config = replace(columned, model=replace(columned.model, **shape), training=training, features=features)
    plain = WindowTagger(config, vectors=vectors).fit(*told)
    plain.save(tmp_path / "model")
    words = "New York City Rio de Janeiro the TV paris , Paris qwx extraordinarily".split()
    sentences = [*told[0], *with_columns([words, [], ["Paris"], words * 700, ["New"], ["York"]])]
    for budget in ((1, 1), (0, 0), (0.002, 0.002)):
        fast = WindowTagger.load(tmp_path / "model").compile(table_mb=budget[0], cache_mb=budget[1])
        _assert_same(plain, fast, sentences)
        _assert_same(plain, fast, sentences)  # once all words are in the tables


@pytest.fixture(scope="module")
def fast(taught: WindowTagger, tmp_path_factory: pytest.TempPathFactory) -> WindowTagger:
    """The same tagger, compiled."""
    directory = tmp_path_factory.mktemp("fast") / "model"
    taught.save(directory)
    return WindowTagger.load(directory).compile()


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("New York Paris the qwx \ud800".split()),
                st.sampled_from(["1", "3", "", "99"]),
                st.sampled_from("npt?"),
            )
        ),
        max_size=6,
    )
)
def test_any_values_are_tagged_as_without_tables(
    taught: WindowTagger, fast: WindowTagger, rows: list[list[tuple[str, str, str]]]
) -> None:
    texts = [
        Sentence(words, columns={"size": sizes, "first": firsts})
        for words, sizes, firsts in (zip(*row, strict=True) if row else ((), (), ()) for row in rows)
    ]
    _assert_same(taught, fast, texts)


def test_what_a_column_says_reaches_the_scores(taught: WindowTagger, fast: WindowTagger) -> None:
    # or the comparisons above would compare nothing
    one, other = (
        Sentence(("qwx", "in"), columns={"size": (size, "2"), "first": ("p", "i")}) for size in ("5", "2")
    )
    for tagger in (taught, fast):
        ((before, _),), ((after, _),) = tagger.model.scores([one]), tagger.model.scores([other])
        assert np.abs(before[1] - after[1]).max() > 0.01  # of the word beside it


# -- learnt from another model ----------------------------------------------------------------------------


def test_a_model_learns_from_a_teacher_with_columns(
    taught: WindowTagger, quick: Config, vectors: WordVectors, told: Columned, corpus: Labelled
) -> None:
    plain = WindowTagger(quick, vectors=vectors)
    assert plain.fit(*told, teacher=taught).predict(corpus[0])
    with pytest.raises(DataError, match="without the column 'size'"):
        plain.fit(*corpus, teacher=taught)


# -- looked at --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_checks_of_a_network_pass(columned: Config, told: Columned) -> None:
    config = replace(columned, model=replace(columned.model, vectors="glove-6b-50d-small"))
    verdicts = check_network(config, *told, seed=0)
    assert [verdict.name for verdict in verdicts if not verdict.passed] == []


def test_the_graph_names_the_vectors_of_columns(taught: WindowTagger) -> None:
    (sentence,) = with_columns([["in", "New", "York"]])
    graph = window_graph(taught.model, sentence, 1)
    (node,) = (node for node in graph.nodes if node.name == "column vectors")
    assert [parameter.name for parameter in node.parameters] == ["columns"]
    assert node.gradient_norm > 0


def test_an_explanation_names_the_values_and_adds_up(taught: WindowTagger, tagger: WindowTagger) -> None:
    (sentence,) = with_columns(["Rio de Janeiro now".split()])
    explained = taught.explain(sentence)
    for word in explained:
        assert sum(word.contributions) == pytest.approx(word.score - word.empty_score, abs=1e-4)
    assert explained[0].columns == ((), (), ("3", "r"), ("2", "d"), ("7", "j"))
    assert tagger.explain(sentence)[0].columns == ((),) * 5


# -- from the command line --------------------------------------------------------------------------------


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def _write_conll(path: Path, corpus: Columned, *, labelled: bool = True) -> str:
    lines = []
    for sentence, labels in zip(*corpus, strict=True):
        assert sentence.columns is not None
        for word, value, label in zip(sentence, sentence.columns["c"], labels, strict=True):
            lines.append(f"{word} {value} {label}" if labelled else f"{word} {value}")
        lines.append("")
    path.write_text("\n".join([*lines, ""]))
    return str(path)


@pytest.fixture(scope="module")
def column_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory made by the command line; the label is the next word's column."""
    directory = tmp_path_factory.mktemp("column_run")
    train = _write_conll(directory / "train.conll", _by_the_next_column(100, 0))
    settings = ["features.columns=['1']", "model.hidden=[]", "training.learning_rate=0.05"]
    arguments = ["--vectors", "glove-6b-50d-small", "--max-vectors", "1", "--scheme", "none"]
    for setting in settings:
        arguments += ["--set", setting]
    done = run("train", "--train", train, "--dev", train, "--out", directory / "run", *arguments)
    assert done.exit_code == 0, done.output
    return directory / "run"


def test_a_model_reads_its_columns_from_files(column_run: Path, tmp_path: Path) -> None:
    test = _by_the_next_column(40, 1)
    labelled = _write_conll(tmp_path / "test.conll", test)
    evaluated = run("evaluate", column_run, labelled, "--json")
    assert json.loads(evaluated.stdout)["token_accuracy"] == 1
    plain = _write_conll(tmp_path / "plain.conll", test, labelled=False)
    tagged = run("tag", column_run, plain, "--output-format", "conll")
    assert [line.split("\t")[1] for line in tagged.stdout.splitlines() if line] == [*chain(*test[1])]
    for format in ("conll", "jsonl", "inline"):
        once = run("tag", column_run, plain, "--output-format", format)
        several = run("tag", column_run, plain, "--output-format", format, "--jobs", "2")
        assert (once.exit_code, once.stdout) == (several.exit_code, several.stdout)
    most_probable = run("tag", column_run, plain, "--json", "--n-best", "1", "--probabilities")
    record = json.loads(most_probable.stdout.splitlines()[0])
    assert record["n_best"][0]["labels"] == record["labels"] == test[1][0]


def test_info_shows_columns(column_run: Path) -> None:
    assert "\ncolumn      1, 2 values\n" in run("info", column_run).stdout
    assert json.loads(run("info", column_run, "--json").stdout)["columns"] == {"1": 2}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_text_without_columns_is_refused(column_run: Path, tmp_path: Path, jobs: str) -> None:
    (tmp_path / "in.txt").write_text("We live in Paris.\n")
    (tmp_path / "in.conll").write_text("We x\nlive\n")
    for arguments, message in (
        (["tag", column_run, "--text", "We live in Paris."], "without the column '1'"),
        (["tag", column_run, tmp_path / "in.txt", "--jobs", jobs], "in.txt: the format 'text' has no"),
        (["tag", column_run, tmp_path / "in.conll", "--jobs", jobs], "in.conll:2: too few columns"),
        (["explain", column_run, "We live in Paris."], "without the column '1'"),
        (["graph", column_run, "--text", "We live", "--word", "We"], "without the column '1'"),
        (["evaluate", column_run, "sample:test"], "column 1 is that of the word or of the label"),
        (["serve", column_run], "takes columns beside the words, which requests do not have; found '1'"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert message in done.stderr


def test_the_column_of_the_labels_is_refused(tmp_path: Path) -> None:
    train = _write_conll(tmp_path / "train.conll", _by_the_next_column(3, 0))
    for name in ("2", "-1"):
        setting = f"features.columns=['{name}']"
        done = run("train", "--train", train, "--out", tmp_path / "run", "--set", setting)
        assert done.exit_code == 2
        assert f"train.conll:1: column {name} is that of the word or of the label" in done.stderr
    assert not (tmp_path / "run").exists()


def test_the_columns_of_a_teacher_are_read_too(column_run: Path, tmp_path: Path) -> None:
    train = _write_conll(tmp_path / "train.conll", _by_the_next_column(5, 0))
    arguments = ["--vectors", "glove-6b-50d-small", "--max-vectors", "1", "--scheme", "none"]
    arguments += ["--set", "training.epochs=1", "--distil", str(column_run)]
    done = run("train", "--train", train, "--out", tmp_path / "run", *arguments)
    assert done.exit_code == 0, done.output
    assert WindowTagger.load(tmp_path / "run").model.columns.values == {}
    assert run("tag", tmp_path / "run", "--text", "We live").exit_code == 0


# -- on a real corpus -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.skipif(
    "WINDOWCLF_CORPORA" not in os.environ, reason="WINDOWCLF_CORPORA names no folder of corpora"
)
def test_the_upos_of_a_treebank_helps_with_its_xpos() -> None:
    options = ReadOptions(label_field="xpos", columns=("upos",))
    train, test = (
        columns(read_labelled(f"ud-english-ewt:{part}", options)[:n])
        for part, n in (("train", 500), ("dev", 200))
    )
    config = Config(ModelConfig(vectors="glove-6b-50d-small"), training=TrainingConfig(epochs=2))
    told = replace(config, features=replace(config.features, columns=("upos",)))
    with_tags = WindowTagger(told).fit(*train).evaluate(*test).token_accuracy
    without = WindowTagger(config).fit(*train).evaluate(*test).token_accuracy
    assert with_tags > without + 0.03
