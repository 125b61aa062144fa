"""The trace counts functions of the given folders, each once, and how deeply generators nest."""

import json
import sys
from pathlib import Path

import pytest

from call_trace import Tracer

OURS = """
class Model:
    size = max(2, 3)

    def run(self):
        return [helper(x) for x in numbers()]

def numbers():
    yield from inner()

def inner():
    yield from (1, 2, 3)

def helper(x):
    return (lambda: x)()

def never(): ...
"""


def test_functions_and_nested_generators_of_ours_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("ours", "others"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"traced_{folder}.py").write_text(OURS, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path / folder)
    tracer = Tracer((f"{tmp_path / 'ours'}/",), tmp_path)
    before = sys.getprofile()
    sys.setprofile(tracer)
    try:
        import traced_others  # type: ignore[import-not-found]
        import traced_ours  # type: ignore[import-not-found]

        for module in (traced_ours, traced_others):
            assert module.Model().run() == [1, 2, 3]
    finally:
        sys.setprofile(before)
    tracer.write()
    (file,) = tmp_path.glob("*.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    calls = {function: n for path, _, function, _, n in record["functions"]}
    # a generator is entered at each of its items and once at its end
    assert calls == {"Model.run": 1, "numbers": 4, "inner": 4, "helper": 3, "helper.<locals>.<lambda>": 3}
    assert record["depth"] == 2
