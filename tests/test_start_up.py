"""What a command does not import, so that it starts at once; times are in benchmarks/start_up.py."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import windowclf
from windowclf import WindowTagger

_REPORT = """
import atexit, sys
atexit.register(lambda: print("\\nMODULES", *sys.modules))
from windowclf_cli.main import cli
cli(prog_name="windowclf")
"""
# what a command may need that does something else than tag
HEAVY = ["gensim", "scipy", "matplotlib", "flask", "rich", "pyarrow", "granian", "prometheus_client"]
TRAINING = [
    "windowclf.training.loop",
    "windowclf.vectors.word_vectors",
    "windowclf.evaluation.metrics",
]


def modules_of(*arguments: object) -> set[str]:
    """Run a command in a process of its own and return what it imported."""
    command = [sys.executable, "-c", _REPORT, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("\nMODULES ")[2].split())


@pytest.fixture(scope="module")
def model(tagger: WindowTagger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("start-up") / "model"
    tagger.save(directory)
    return directory


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"]], ids=" ".join)
def test_help_needs_no_arrays(arguments: list[str]) -> None:
    imported = modules_of(*arguments)
    assert "click" in imported  # the report itself works
    assert imported.isdisjoint(["numpy", "safetensors", "windowclf.tagger", *HEAVY])


@pytest.mark.parametrize(
    "command",
    ["tag", "train", "evaluate", "compare", "explain", "data", "vectors", "check", "graph", "quickstart"],
)
def test_the_help_of_a_command_needs_no_other_program(command: str) -> None:
    assert modules_of(command, "--help").isdisjoint(HEAVY)


def test_tagging_imports_nothing_that_trains(model: Path) -> None:
    imported = modules_of("tag", model, "--text", "We live in Paris")
    assert {"numpy", "windowclf.tagger"} <= imported
    assert imported.isdisjoint([*HEAVY, *TRAINING, "multiprocessing", "importlib.metadata"])


def test_showing_a_model_imports_nothing_that_trains(model: Path) -> None:
    assert modules_of("info", model).isdisjoint([*HEAVY, *TRAINING])


def test_the_names_of_the_package_come_when_they_are_asked_for() -> None:
    script = (
        "import sys, windowclf\n"
        "assert 'numpy' not in sys.modules\n"
        "assert windowclf.WindowTagger.__name__ == 'WindowTagger'\n"
        "assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_name_of_the_package_is_there_and_listed() -> None:
    assert set(windowclf.__all__) <= set(dir(windowclf))
    for name in windowclf.__all__:
        assert getattr(windowclf, name).__name__ == name


def test_the_version_is_that_of_the_installed_package() -> None:
    script = (
        "import sys, windowclf; assert 'importlib.metadata' not in sys.modules; print(windowclf.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == version("windowclf")


def test_python_m_windowclf_is_the_command_line() -> None:
    command = [sys.executable, "-m", "windowclf", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"windowclf, version {version('windowclf')}\n"


def test_a_name_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match="module 'windowclf' has no attribute 'Tagger'"):
        windowclf.Tagger  # noqa: B018
