"""A wheel works in an environment of its own, with the source tree away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_a_wheel_runs_quickstart_and_the_command_line_without_the_source(tmp_path: Path) -> None:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }

    def run(*command: object) -> str:
        done = subprocess.run(
            list(map(str, command)), cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    bin_directory = environment / "bin"
    run(bin_directory / "python", "-m", "pip", "install", "--quiet", wheel)
    where = run(bin_directory / "python", "-c", "import windowclf, windowclf_data; print(windowclf.__file__)")
    assert Path(where.strip()).is_relative_to(environment)
    windowclf = bin_directory / "windowclf"
    assert "museums in [LOC Paris] are amazing" in run(windowclf, "quickstart", "--out", "quickstart")
    assert "[LOC Paris]" in run(windowclf, "tag", "quickstart/tuned", "--text", "We live in Paris")
    assert "glove-6b-50d-small" in run(windowclf, "vectors", "info", "glove-6b-50d-small")
    assert run(windowclf, "data", "check", "sample:train", "--vectors", "none")
    missing = subprocess.run(
        [str(windowclf), "vectors", "info", "glove-6b-50d"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert (missing.returncode, "windowclf[glove]" in missing.stderr) == (2, True)
