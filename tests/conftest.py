"""What several tests stand on: a small vector set, a small corpus, a small trained tagger."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, settings

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowTagger
from windowclf.text.vectors import WordVectors
from windowclf_cli.main import cli

# A busy machine is no fault of the code: time is measured in tests/benchmarks.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

Labelled = tuple[list[list[str]], list[list[str]]]

VECTOR_WORDS = (
    "the . , in is a at tv telly television museums museum paris rome london are amazing old city "
    "we watched switched on off 0000 0.0 Reading reading"
).split()

_LOCATIONS = """
museums in [Paris] are amazing
[Rome] is old
we watched TV in [London]
the telly is on
[New York] , [Paris] , [Rome]
a museum at [Reading] is amazing
reading is amazing in 1984
we switched off the TV .
[LONDON] is a city
the zyzzyva is old
"""


def labelled(text: str, kind: str = "LOC") -> Labelled:
    """Read sentences, one a line, with spans in brackets, into words and IOB2 labels."""
    sentences: list[list[str]] = []
    labels: list[list[str]] = []
    for line in text.strip().splitlines():
        words, names, inside = [], [], False
        for token in line.split():
            begins = token.startswith("[")
            inside = inside or begins
            words.append(token.strip("[]"))
            names.append(("B-" if begins else "I-") + kind if inside else "O")
            inside = inside and not token.endswith("]")
        sentences.append(words)
        labels.append(names)
    return sentences, labels


def make_vectors(words: list[str], dimension: int = 6, seed: int = 0) -> WordVectors:
    """Return random vectors, the same for the same seed."""
    matrix = np.random.default_rng(seed).standard_normal((len(words), dimension)).astype(np.float32)
    return WordVectors("seeded", f"seed {seed}", words, matrix, f"sha256 of seed {seed}")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the cache of the person who runs the tests as it is, commands in other processes included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINDOWCLF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def vectors() -> WordVectors:
    return make_vectors(VECTOR_WORDS)


@pytest.fixture(scope="session")
def corpus() -> Labelled:
    """Ten sentences with places marked in IOB2."""
    return labelled(_LOCATIONS)


@pytest.fixture(scope="session")
def config() -> Config:
    """Everything a tagger can have, in small: a hidden layer, both features, dropout."""
    return Config(
        model=ModelConfig(hidden=(12,), dropout=0.1, input_dropout=0.1, inner_scheme="IOB2"),
        features=FeaturesConfig(
            case_dimension=3, affix_dimension=3, prefixes=(1, 2), suffixes=(2,), buckets=50
        ),
        training=TrainingConfig(epochs=30, batch_sentences=3, learning_rate=0.02),
    )


@pytest.fixture(scope="session")
def tagger(config: Config, vectors: WordVectors, corpus: Labelled) -> WindowTagger:
    """A tagger trained on the small corpus; not to be changed."""
    return WindowTagger(config, vectors=vectors).fit(*corpus)


@pytest.fixture(scope="session")
def quick(config: Config) -> Config:
    """The small configuration, trained for two epochs only."""
    return replace(config, training=replace(config.training, epochs=2))


@pytest.fixture(scope="session")
def sample_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory made by the command line: the sample corpus and vectors, a narrower network."""
    out = tmp_path_factory.mktemp("runs") / "sample"
    arguments = ["--train", "sample:train", "--dev", "sample:dev", "--out", str(out)]
    arguments += ["--vectors", "glove-6b-50d-small", "--set", "model.hidden=[128]"]
    result = CliRunner().invoke(cli, ["train", *arguments])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], ModuleType]:
    """Return what imports a script of the project by its path from the root: a benchmark, a page's maker."""

    def load(path: str) -> ModuleType:
        file = Path(__file__).parents[1] / path
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[file.stem] = module  # dataclasses look their module up here
        spec.loader.exec_module(module)
        return module

    return load
