"""Count the functions of ours that one training and one request enter, and the files they stand in.

    python benchmarks/call_trace.py [PYTHON] [--list]

PYTHON is the interpreter of an environment with windowclf installed, by default the one that runs this; two
calls compare two versions. Traced are, in processes of their own,

- `windowclf train` on the sample corpus, one network, three epochs;
- one `POST /v1/tag` to `windowclf serve` with one worker, after twenty requests that warm it up: what all its
  processes and threads enter until shortly after the answer, when it has been logged and counted.

Each function is counted once, however often it is called; a comprehension is part of the function around it.
Generators are nested where one runs while another waits for its next item.
"""

import argparse
import atexit
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.request import Request, urlopen

PACKAGES = ("windowclf", "windowclf_cli", "windowclf_service", "windowclf_data")
MODEL_CLASSES = ("WindowTagger", "TrainedModel")
CLI = "from windowclf_cli.main import cli; cli(prog_name='windowclf')"
TRAIN = (
    "train --train sample:train --dev sample:dev --vectors glove-6b-50d-small --set training.epochs=3 --out"
)
BODY = json.dumps({"inputs": "Angela Merkel flew from Berlin to New York."}).encode()
SECONDS_TO_WRITE, SECONDS_TO_LOG = 0.2, 0.05


class Tracer:
    """Remembers, of this process, when each function was entered last, and how deeply generators nest.

    Parameters
    ----------
    folders : tuple of str
        Where the packages stand; only functions in files below are recorded.
    out : Path
        Folder in which each process writes a file of its own, five times a second and when it ends.
    """

    def __init__(self, folders: tuple[str, ...], out: Path) -> None:
        self.folders, self.out = folders, out
        self.last: dict[CodeType, float] = {}
        self.calls: Counter[CodeType] = Counter()
        self.depth = 0

    def start(self) -> None:
        """Trace this thread, all later ones, and processes forked from this one."""
        threading.setprofile(self)
        sys.setprofile(self)
        os.register_at_fork(after_in_child=self._write_regularly)
        self._trace_requests()
        atexit.register(self.write)
        self._write_regularly()

    def _trace_requests(self) -> None:
        """Trace threads that a server makes outside Python too, from the first request that each answers."""
        from flask import Flask

        call = Flask.__call__

        def traced(app: Flask, environ: Any, start_response: Any) -> Any:
            sys.setprofile(self)
            return call(app, environ, start_response)

        Flask.__call__ = traced  # type: ignore[method-assign, assignment]

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Record one event of the interpreter."""
        code = frame.f_code
        if event != "call" or not self._is_function(code):
            return
        self.last[code] = time.monotonic()
        self.calls[code] += 1
        if code.co_flags & inspect.CO_GENERATOR:
            above, depth = frame.f_back, 1
            while above is not None:
                is_generator = above.f_code.co_flags & inspect.CO_GENERATOR
                depth += bool(is_generator and self._is_function(above.f_code))
                above = above.f_back
            self.depth = max(self.depth, depth)

    def _is_function(self, code: CodeType) -> bool:
        """Return whether this is a function or a lambda of ours; no class body, module or comprehension."""
        is_named = code.co_name == "<lambda>" or not code.co_name.startswith("<")
        is_function = bool(code.co_flags & inspect.CO_NEWLOCALS)
        return is_named and is_function and code.co_filename.startswith(self.folders)

    def write(self) -> None:
        """Write what was recorded so far."""
        record = {
            "depth": self.depth,
            "functions": [
                [code.co_filename, code.co_firstlineno, code.co_qualname, at, self.calls[code]]
                for code, at in list(self.last.items())
            ],
        }
        partial = self.out / f"{os.getpid()}.part"
        partial.write_text(json.dumps(record), encoding="utf-8")
        partial.replace(self.out / f"{os.getpid()}.json")

    def _write_regularly(self) -> None:
        def write_on() -> None:
            sys.setprofile(None)
            while True:
                self.write()
                time.sleep(SECONDS_TO_WRITE)

        threading.Thread(target=write_on, daemon=True).start()


HOOK = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("call_trace", {script!r})
sys.modules["call_trace"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.Tracer({folders!r}, pathlib.Path({out!r})).start()
"""


class Traced:
    """Commands of one environment, traced.

    Parameters
    ----------
    python : str
        The interpreter.
    folder : Path
        An empty folder for what is recorded and made.
    """

    def __init__(self, python: str, folder: Path) -> None:
        self.python, self.folder = python, folder
        names = ", ".join(PACKAGES)
        where = f"import {names}; print(*[package.__path__[0] for package in ({names})], sep='\\n')"
        found = subprocess.run([python, "-c", where], cwd=folder, capture_output=True, text=True, check=True)
        self.packages = dict(zip(PACKAGES, found.stdout.splitlines(), strict=True))

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a command whose records go to the folder of this name, and its errors to its log."""
        out, hook = self.folder / name, self.folder / f"hook-{name}"
        out.mkdir()
        hook.mkdir()
        folders = tuple(path + os.sep for path in self.packages.values())
        code = HOOK.format(script=__file__, folders=folders, out=str(out))
        (hook / "sitecustomize.py").write_text(code, encoding="utf-8")  # Python imports it when it starts
        with self.log(name).open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [self.python, "-c", CLI, *arguments],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(hook), "WINDOWCLF_CACHE": str(self.folder / "cache")},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def log(self, name: str) -> Path:
        """Return the file that holds the standard error of a command."""
        return self.folder / f"{name}.log"

    def read(self, name: str, start: float = 0, end: float = float("inf")) -> dict[str, Any]:
        """Return the functions last entered between two times, their files, objects made and nesting."""
        functions, made, depth = set(), Counter[str](), 0
        for file in (self.folder / name).glob("*.json"):
            record = json.loads(file.read_text(encoding="utf-8"))
            depth = max(depth, record["depth"])
            for path, line, function, at, calls in record["functions"]:
                if start <= at <= end:
                    functions.add((self._short(path), line, function))
                    owner, _, method = function.rpartition(".")
                    if method in ("__init__", "__post_init__") and owner in MODEL_CLASSES:
                        made[owner] += calls
        files = {file for file, _, _ in functions}
        return {"functions": sorted(functions), "files": sorted(files), "models": made, "generators": depth}

    def _short(self, path: str) -> str:
        """Return the path of a file from the folder that its package is in."""
        for package, folder in self.packages.items():
            if path.startswith(folder + os.sep):
                return f"{package}{path.removeprefix(folder)}"
        raise AssertionError(path)


def trace_training(traced: Traced) -> dict[str, Any]:
    """Return what one training enters."""
    process = traced.start("train", *TRAIN.split(), "run")
    process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"the training failed: {traced.log('train').read_text(encoding='utf-8')}")
    return traced.read("train")


def trace_request(traced: Traced) -> dict[str, Any]:
    """Return what one request enters; the model is that of the training."""
    process = traced.start("serve", "serve", "run", "--workers", "1", "--port", "0")
    try:
        assert process.stdout is not None
        address = next(re.finditer(r"http://[^\s;]+", process.stdout.readline()))[0]
        for _ in range(20):
            start = time.monotonic()
            with urlopen(Request(f"{address}/v1/tag", BODY, {"Content-Type": "application/json"})) as answer:
                answer.read()
            end = time.monotonic()
            time.sleep(3 * SECONDS_TO_WRITE)
        return traced.read("serve", start, end + SECONDS_TO_LOG)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("python", nargs="?", default=sys.executable)
    parser.add_argument("--list", action="store_true", help="print each function")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        traced = Traced(arguments.python, Path(folder))
        for name, result in [("train", trace_training(traced)), ("POST /v1/tag", trace_request(traced))]:
            print(f"{name}: {len(result['functions'])} functions in {len(result['files'])} files")
            if result["models"]:
                made = ", ".join(f"{owner} {times}" for owner, times in result["models"].items())
                print(f"    objects made: {made}; at most {result['generators']} generators nested")
            if arguments.list:
                for file, line, function in result["functions"]:
                    print(f"    {file}:{line} {function}")


if __name__ == "__main__":
    main()
