"""Gazetteers in a model: learnt from, checked, kept in its directory, compiled, explained."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowTagger
from windowclf.arrays import Floats
from windowclf.encoding import Encoder, Gazetteer, Gazetteers, Vocabulary, WordFeatures, windows
from windowclf.errors import DataError, ModelFileError
from windowclf.files import sha256_of
from windowclf.inspection import check_network, window_graph
from windowclf.model import WindowModel, save_model
from windowclf.model.parameters import parameter_shapes
from windowclf.nn import Gradient, check_gradients, softmax_cross_entropy
from windowclf.vectors import WordVectors
from windowclf_cli.main import cli

Labelled = tuple[list[list[str]], list[list[str]]]
PLACES = "New York\nNew York City\nParis\nRio de Janeiro\n"
OTHERS = "de Janeiro\nthe TV\nparis\n"
TEXTS = st.lists(
    st.lists(st.sampled_from("New York City Paris paris Rio de Janeiro the TV qwx \ud800".split(" "))),
    max_size=6,
)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    directory = tmp_path_factory.mktemp("lists")
    (directory / "places.txt").write_text(PLACES)
    (directory / "others.txt").write_text(OTHERS)
    return str(directory / "places.txt"), str(directory / "others.txt")


@pytest.fixture(scope="module")
def listed(config: Config, lists: tuple[str, str]) -> Config:
    """The small configuration with two lists, and no others."""
    features = replace(config.features, gazetteers=lists, entity_lists=False, gazetteer_dimension=3)
    return replace(config, features=features)


@pytest.fixture(scope="module")
def taught(listed: Config, vectors: WordVectors, corpus: Labelled) -> WindowTagger:
    """A tagger with two lists, trained on the small corpus; not to be changed."""
    return WindowTagger(listed, vectors=vectors).fit(*corpus)


@pytest.fixture
def directory(taught: WindowTagger, tmp_path: Path) -> Path:
    """Return a saved model, to be damaged at will."""
    taught.save(tmp_path / "model")
    return tmp_path / "model"


# -- the network -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("hidden", [(), (4,)], ids=["softmax", "1 hidden"])
@pytest.mark.parametrize(
    "features",
    [
        FeaturesConfig(case_dimension=0, affix_dimension=0),
        FeaturesConfig(case_dimension=2, affix_dimension=2, prefixes=(1,), suffixes=(), buckets=5),
    ],
    ids=["alone", "beside others"],
)
def test_every_coordinate_of_the_gradient_is_right(
    features: FeaturesConfig, hidden: tuple[int, ...], fused: bool
) -> None:
    features = replace(features, gazetteers=("a.txt", "b.txt"), gazetteer_dimension=2)
    config = ModelConfig(
        tuning="frozen", window=3, hidden=hidden, activation="tanh", dropout=0, input_dropout=0
    )
    gazetteers = Gazetteers([Gazetteer.of(PLACES.splitlines()), Gazetteer.of(OTHERS.splitlines())])
    sentences = ["New York City is New York , Paris".split(), "paris".split(), "Rio de Janeiro".split()]
    vocabulary = Vocabulary(["paris", "new", ","], {})
    encoded = Encoder(vocabulary, WordFeatures(features), gazetteers).encode(sentences)
    around = windows(encoded.tokens, encoded.lengths, config.window)
    targets = np.arange(len(around)) % 3
    rng = np.random.default_rng(0)
    shapes = parameter_shapes(config, features, len(vocabulary), 3, 3)
    assert shapes["gazetteers"] == (2 * 5, 2)

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
    of_table = [c for c in report.coordinates if c.name == "gazetteers"]
    assert len(of_table) == 2 * 5 * 2
    assert {c.index[0] for c in of_table if c.analytic} == {0, 1, 2, 3, 4, 5, 6, 8, 9}  # row 7: I of b.txt


def _sentences_of(names: list[str], rng: np.random.Generator) -> Labelled:
    """Return sentences of names and other words, each of them once; only names have a label."""
    others = [f"w{rng.integers(10**9)}" for _ in names]
    sentences, labels = [], []
    for name, other in zip(names, others, strict=True):
        in_order = rng.permutation(2)
        sentences.append([[name, other][i] for i in in_order])
        labels.append([["B-LOC", "O"][i] for i in in_order])
    return sentences, labels


def test_a_list_is_learnt_from_where_it_is_the_only_signal(vectors: WordVectors, tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(120)]
    (tmp_path / "names.txt").write_text("\n".join(names))
    rng = np.random.default_rng(0)
    train, dev = _sentences_of(names[:60], rng), _sentences_of(names[60:], rng)
    config = Config(
        model=ModelConfig(hidden=(), input_dropout=0),
        features=FeaturesConfig(case_dimension=0, affix_dimension=0),
        training=TrainingConfig(epochs=20, learning_rate=0.05),
    )
    without = WindowTagger(config, vectors=vectors).fit(*train)
    config = replace(config, features=replace(config.features, gazetteers=(str(tmp_path / "names.txt"),)))
    with_list = WindowTagger(config, vectors=vectors).fit(*train)
    assert with_list.predict(dev[0]) == dev[1]
    assert without.evaluate(*dev).main_score < 0.7  # no word has a vector: nothing can be known


def test_letter_case_counts_unless_the_configuration_says_otherwise(
    listed: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    for case, matched in ((True, [0, 5]), (False, [4, 9])):
        quick = replace(
            listed,
            features=replace(listed.features, gazetteer_case=case),
            training=replace(listed.training, epochs=1),
        )
        tagger = WindowTagger(quick, vectors=vectors).fit(*corpus)
        assert tagger.model.encoder.match(["PARIS"], np.array([1])).tolist() == [matched]


def test_a_list_that_is_missing_or_faulty_stops_the_training(
    config: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    features = replace(config.features, gazetteers=(str(path),))
    tagger = WindowTagger(replace(config, features=features), vectors=vectors)
    with pytest.raises(DataError, match=r"list\.txt: no such file"):
        tagger.fit(*corpus)
    path.write_bytes(b"Rome\n\xff\n")
    with pytest.raises(DataError, match=r"list\.txt:2: not UTF-8"):
        tagger.fit(*corpus)


# -- the model directory -----------------------------------------------------------------------------


def test_a_model_with_lists_is_whole_without_their_files(
    listed: Config, vectors: WordVectors, corpus: Labelled, tmp_path: Path
) -> None:
    own = tuple(str(shutil.copy(path, tmp_path)) for path in listed.features.gazetteers)
    config = replace(listed, features=replace(listed.features, gazetteers=own))
    tagger = WindowTagger(config, vectors=vectors).fit(*corpus)
    tagger.save(tmp_path / "model")
    for path in own:
        Path(path).unlink()
    shutil.move(tmp_path / "model", tmp_path / "elsewhere")
    loaded = WindowTagger.load(tmp_path / "elsewhere")
    sentences = [*corpus[0], "we live in New York City".split(), []]
    assert loaded.predict(sentences) == tagger.predict(sentences)
    for ours, theirs in zip(loaded.predict_proba(sentences), tagger.predict_proba(sentences), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    loaded.save(tmp_path / "again")
    assert _files(tmp_path / "again") == _files(tmp_path / "elsewhere")


def test_the_directory_holds_each_list_as_text_and_its_hash(directory: Path) -> None:
    assert (directory / "gazetteer-1.txt").read_text() == PLACES
    assert (directory / "gazetteer-2.txt").read_text() == OTHERS
    listed = json.loads((directory / "manifest.json").read_text())["files"]
    assert listed["gazetteer-2.txt"]["sha256"] == sha256_of(directory / "gazetteer-2.txt")
    info = json.loads((directory / "config.json").read_text())["info"]
    assert [entry["phrases"] for entry in info["gazetteers"]] == [4, 3]


def _files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def _without(name: str, directory: Path) -> None:
    """Take a file from a directory and from its manifest."""
    (directory / name).unlink()
    _unlist(name, directory)


def _unlist(name: str, directory: Path) -> None:
    manifest = json.loads((directory / "manifest.json").read_text())
    del manifest["files"][name]
    (directory / "manifest.json").write_text(json.dumps(manifest))


def _resealed(name: str, content: bytes, directory: Path) -> None:
    """Replace a file and its entry in the manifest."""
    path = directory / name
    path.write_bytes(content)
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(content), "sha256": sha256_of(path)}
    (directory / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "damage, problem",
    [
        (lambda d: (d / "gazetteer-2.txt").write_text(OTHERS.replace("TV", "tv")), "changed or damaged"),
        (lambda d: (d / "gazetteer-1.txt").write_text(PLACES[:-1]), "another size than its manifest says"),
        (lambda d: (d / "gazetteer-1.txt").unlink(), "gazetteer-1.txt: a file of the model is missing"),
        (lambda d: _without("gazetteer-2.txt", d), "gazetteer-2.txt: a file of the model is missing"),
        (lambda d: _unlist("gazetteer-2.txt", d), "does not list a file; found 'gazetteer-2.txt'"),
        (lambda d: _resealed("gazetteer-1.txt", b"Rome\xff\n", d), "gazetteer-1.txt: not UTF-8 text"),
        (lambda d: _resealed("gazetteer-1.txt", b"Rome\nParis", d), "not whole lines of phrases"),
        (lambda d: _resealed("gazetteer-1.txt", b"", d), "not whole lines of phrases"),
    ],
    ids=[
        "changed",
        "cut",
        "deleted",
        "deleted and unlisted",
        "unlisted",
        "not UTF-8",
        "half a line",
        "empty",
    ],
)
def test_a_damaged_list_is_refused(damage: Callable[[Path], Any], problem: str, directory: Path) -> None:
    damage(directory)
    with pytest.raises(ModelFileError) as caught:
        WindowTagger.load(directory)
    assert problem in str(caught.value)


# -- compiled ----------------------------------------------------------------------------------------

SHAPES: dict[str, dict[str, Any]] = {
    "one hidden layer": {},
    "no hidden layer": {"hidden": ()},
    "two hidden layers": {"hidden": (9, 7), "activation": "tanh"},
    "window of 1": {"window": 1},
    "tuned": {"tuning": "tuned"},
    "two channels": {"tuning": "two-channel"},
    "labels of whole sentences": {"loss": "crf"},
}


def _assert_same(plain: WindowTagger, fast: WindowTagger, sentences: list[list[str]]) -> None:
    assert fast.predict(sentences) == plain.predict(sentences)
    for ours, theirs in zip(fast.predict_proba(sentences), plain.predict_proba(sentences), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_members", [1, 2], ids=["one network", "an ensemble"])
@pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, id=name, marks=pytest.mark.slow if shape else ()) for name, shape in SHAPES.items()],
)
def test_a_compiled_model_with_lists_tags_as_the_plain_one(
    shape: dict[str, Any],
    n_members: int,
    listed: Config,
    vectors: WordVectors,
    corpus: Labelled,
    tmp_path: Path,
) -> None:
    training = replace(listed.training, epochs=2, ensemble=n_members)
    config = replace(listed, model=replace(listed.model, **shape), training=training)
    plain = WindowTagger(config, vectors=vectors).fit(*corpus)
    plain.save(tmp_path / "model")
    phrases = "New York City Rio de Janeiro the TV paris , Paris qwx".split()
    sentences = [*corpus[0], phrases, [], ["Paris"], phrases * 700, ["New"], ["York"]]
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


@given(texts=TEXTS)
def test_any_text_is_tagged_as_without_tables(
    texts: list[list[str]], taught: WindowTagger, fast: WindowTagger
) -> None:
    _assert_same(taught, fast, texts)


def test_what_a_list_says_reaches_the_scores_of_a_compiled_model(
    taught: WindowTagger, fast: WindowTagger, tmp_path: Path
) -> None:
    # or the comparisons above would compare nothing
    parameters = dict(taught.model.parameters)
    parameters["gazetteers"] = parameters["gazetteers"] + np.arange(10, dtype=np.float32)[:, None]
    save_model(taught.model.with_parameters(parameters), tmp_path / "other")
    other = WindowTagger.load(tmp_path / "other").compile()
    sentence = [["New", "York", "qwx"]]
    difference = fast.predict_proba(sentence)[0] - other.predict_proba(sentence)[0]
    assert np.abs(difference).max() > 0.01


# -- looked at ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_checks_of_a_network_pass(listed: Config, corpus: Labelled) -> None:
    config = replace(listed, model=replace(listed.model, vectors="glove-6b-50d-small"))
    verdicts = check_network(config, *corpus, seed=0)
    assert [verdict.name for verdict in verdicts if not verdict.passed] == []


def test_the_graph_names_the_vectors_of_gazetteers(taught: WindowTagger) -> None:
    graph = window_graph(taught.model, ["in", "New", "York"], 1)
    (node,) = (node for node in graph.nodes if node.name == "gazetteer vectors")
    assert [parameter.name for parameter in node.parameters] == ["gazetteers"]
    assert node.gradient_norm > 0


def test_an_explanation_names_the_lists_and_adds_up(taught: WindowTagger) -> None:
    explained = taught.explain("Rio de Janeiro now".split())
    for word in explained:
        assert sum(word.contributions) == pytest.approx(word.score - word.empty_score, abs=1e-4)
    both = ("places.txt", "others.txt")
    assert explained[0].lists == ((), (), ("places.txt",), both, both)
    assert explained[3].lists == (both, both, (), (), ())


# -- from the command line ---------------------------------------------------------------------------


def test_lists_are_given_by_a_setting_and_the_model_needs_them_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "places.txt").write_text(PLACES)
    monkeypatch.chdir(tmp_path)
    settings = ['features.gazetteers=["lists/places.txt"]', "features.shape=true", "model.hidden=[8]"]
    settings += ["features.entity_lists=false"]
    arguments = ["--vectors", "glove-6b-50d-small", "--max-vectors", "1", "--set", "training.epochs=1"]
    for setting in settings:
        arguments += ["--set", setting]
    runner = CliRunner()
    done = runner.invoke(cli, ["train", "--train", "sample:train", "--out", "run", *arguments])
    assert done.exit_code == 0, done.output
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "run" / "model", tmp_path / "elsewhere" / "model")
    shutil.rmtree(tmp_path / "lists")
    monkeypatch.chdir(tmp_path / "elsewhere")
    tagged = runner.invoke(cli, ["tag", "model", "--text", "We live in New York City"])
    assert tagged.exit_code == 0, tagged.output
    explained = runner.invoke(cli, ["explain", "model", "We live in New York City", "--word", "York"])
    assert "New [places.txt]" in explained.output
    shown = runner.invoke(cli, ["info", "model"])
    assert 'gazetteers = [\n    "lists/places.txt",\n]' in shown.output
    assert "gazetteers" in shown.output.partition("[model]")[0]  # its table of vectors


def test_a_list_that_is_missing_is_named_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--vectors", "glove-6b-50d-small", "--set", 'features.gazetteers=["lists/places.txt"]']
    done = CliRunner().invoke(cli, ["train", "--train", "sample:train", "--out", "run", *arguments])
    assert done.exit_code != 0
    assert "lists/places.txt: no such file" in done.output
