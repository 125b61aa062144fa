"""Trainings that are done once: each in a process of its own, its result kept in a file of JSON lines.

A cell is a task, what is trained on what with which seed, and its result. One that the file holds is not
trained again, so that a run that was interrupted goes on. A task names everything that decides its result but
the code of windowclf: begin a new file when that has changed.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any

Task = dict[str, Any]
Result = dict[str, Any]
SCRIPT = Path(__file__).with_name("accuracy_cell.py")
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS")


def digest(task: Task) -> str:
    """Return a short name of a task."""
    return hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()[:16]


class Cells:
    """The cells of a file; models that others learn from stand beside it.

    Parameters
    ----------
    path : Path
        The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._results: dict[str, Result] = {}
        if path.exists():
            whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")  # what was cut off is done again
            path.write_text(whole + "\n" if whole else "", encoding="utf-8")
            for line in whole.splitlines():
                cell = json.loads(line)
                self._results[digest(cell["task"])] = cell["result"]

    def __contains__(self, task: Task) -> bool:
        return digest(task) in self._results

    def __getitem__(self, task: Task) -> Result:
        return self._results[digest(task)]

    def add(self, task: Task, result: Result) -> None:
        """Keep a result."""
        line = json.dumps({"task": task, "result": result})
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            self._results[digest(task)] = result

    def model(self, task: Task) -> Path:
        """Return where the model of a task is kept, if others learn from it."""
        return self._path.with_suffix(".models") / digest(task)


def run_tasks(tasks: Iterable[Task], cells: Cells, *, threads: int = 1, jobs: int = 1) -> None:
    """Train what is not there yet; a task may name another of these, before it, as its teacher.

    Parameters
    ----------
    tasks : iterable of dict
        Of `corpus`, `form`, `seed` and `settings`.
    cells : Cells
    threads : int
        Of linear algebra, in each process.
    jobs : int
        How many are trained at once; more than one where only scores count and nobody teaches.
    """
    missing = missing_tasks(tasks, cells)
    teachers = [digest(task["teacher"]) for task in missing if task.get("teacher")]

    def run(numbered: tuple[int, Task]) -> None:
        number, task = numbered
        began = perf_counter()
        model = str(cells.model(task)) if digest(task) in teachers else None
        teacher = str(cells.model(task["teacher"])) if task.get("teacher") else None
        result = _in_process(task | {"teacher": teacher, "keep": model}, threads)
        if task not in cells:
            cells.add(task, result)
        title = f"{task['corpus']}, {task['form']}, seed {task['seed']}"
        seconds = perf_counter() - began
        print(f"{number} of {len(missing)}: {title}, {seconds:.0f} s", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(run, enumerate(missing, 1)):
            pass


def missing_tasks(tasks: Iterable[Task], cells: Cells) -> list[Task]:
    """Return, once each, the tasks without a result, and those whose model is needed and not there."""
    unique = {digest(task): task for task in tasks}
    missing = {key for key, task in unique.items() if task not in cells}
    teachers = [unique[key]["teacher"] for key in missing if unique[key].get("teacher")]
    missing |= {digest(teacher) for teacher in teachers if not cells.model(teacher).exists()}
    return [task for key, task in unique.items() if key in missing]


def _in_process(task: Task, threads: int) -> Result:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | dict.fromkeys(_THREADS, str(threads)),
    )
    if done.returncode:
        raise SystemExit(f"failed, see above: {task['form']} on {task['corpus']}, seed {task['seed']}")
    return dict(json.loads(done.stdout))
