"""The Makefile makes an environment that works, and says plainly why it cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"
MADE_AGAIN = "-m venv --clear .venv"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", f"--file={MAKEFILE}", f"PYTHON={python}", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


@pytest.fixture
def environment(project: Path) -> Path:
    """An environment that runs; what stands for pip is never called."""
    venv = project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (site_packages,) = (venv / "lib").glob("python*/site-packages")
    (site_packages / "pip.py").touch()
    return venv


def test_a_python_that_is_not_there_is_one_line_and_leaves_nothing(project: Path) -> None:
    done = make(project, "demo", python="no-such-python")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "needs Python 3.11 or newer; no-such-python is not there." in line
    assert "make demo PYTHON=python3.12" in line
    assert not (project / ".venv").exists()


def test_a_python_that_is_too_old_is_named_with_its_version(project: Path) -> None:
    old = project / "old-python"  # answers as the Python that runs this, but for its version
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 9)\n$2"\n')
    old.chmod(0o755)
    done = make(project, "check", python=str(old))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"{old} is {sys.version.split()[0]}. Name another one: make check PYTHON=" in line
    assert not (project / ".venv").exists()


def test_an_environment_that_runs_is_kept(project: Path, environment: Path) -> None:
    assert MADE_AGAIN not in make(project, "--dry-run", "demo").stdout
    (environment / ".stamp-install").touch()
    done = make(project, "--dry-run", "demo")
    assert done.stdout.splitlines() == [".venv/bin/windowclf quickstart --out runs/quickstart --force"]


def test_an_environment_without_pip_is_made_again(project: Path, environment: Path) -> None:
    next((environment / "lib").glob("python*/site-packages/pip.py")).unlink()
    (environment / ".stamp-install").touch()
    done = make(project, "--dry-run", "demo")
    assert MADE_AGAIN in done.stdout
    assert "pip install --quiet --editable ." in done.stdout


def test_an_environment_whose_python_is_gone_is_made_again(project: Path) -> None:
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to("/no/such/python")
    (project / ".venv" / ".stamp-install").touch()
    done = make(project, "--dry-run", "demo")
    assert MADE_AGAIN in done.stdout
    assert "pip install --quiet --editable ." in done.stdout


def test_what_another_python_left_unfinished_is_made_again(project: Path, environment: Path) -> None:
    other = project / "other-python"
    other.write_text(f"#!/bin/sh\nexec {sys.executable} -c \"import sys; sys.version = '3.99'\n$2\"\n")
    other.chmod(0o755)
    assert MADE_AGAIN in make(project, "--dry-run", "demo", python=str(other)).stdout
    (environment / ".stamp-install").touch()  # now something is installed
    assert MADE_AGAIN not in make(project, "--dry-run", "demo", python=str(other)).stdout
