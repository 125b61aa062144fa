"""The tuning study: when are pretrained vectors better frozen, and when tuned.

Every training is a cell that is kept when it is done, so that an interrupted study continues where it was.
The directory holds `study.json` (the inputs), `cells/` and `models/`, and at the end `results.json` (the same
for the same inputs), `timings.json` and `report.html`.
"""

import json
import os
import platform
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import product, starmap
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

from windowclf.config import Config
from windowclf.config_io import config_to_dict
from windowclf.errors import DataError, WindowClfError
from windowclf.files import read_json, write_text
from windowclf.runs.study.cells import Cell, CellKey, CellStore, json_of
from windowclf.runs.study.data import StudyData, check_sizes
from windowclf.runs.study.drift import drift_of_size, read_drift
from windowclf.runs.study.modes import BASELINE, CARRIED, MODES, TUNED, check_modes, without_mode
from windowclf.runs.study.report import check_report, study_html
from windowclf.runs.study.results import SizeDrift, StudyResults, carrying_of, compare_modes, points_of
from windowclf.runs.study.train import Job, train_cells
from windowclf.runs.study.verdict import verdict_of
from windowclf.streaming import map_in_processes

RESULTS, TIMINGS, REPORT = "results.json", "timings.json", "report.html"
_STUDY = "study.json"
_LIBRARIES = ("windowclf", "numpy")  # that affect the result of a training


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the study is: `done` of `total` parts; `title` is the last of them, or the current step."""

    done: int
    total: int
    title: str


class TuningStudy:
    """A study in a directory, which continues one of the same inputs.

    Parameters
    ----------
    data : StudyData
    config : Config
        Everything but how the vectors are used, and the seed.
    out : Path
        The directory.
    sizes : sequence of str, optional
        Words of training, or "all"; default: those of 1,000, 10,000, 100,000 that the corpus has, and all.
    modes : sequence of str
        Of `MODES`, including the baseline.
    n_seeds : int
        Seeds 0 to n - 1, each with its own training data at every size but all.
    threads : int
        Of linear algebra in each process; recorded here, set by the caller.
    with_report : bool
        Whether to write the report in the end, which needs matplotlib.

    Raises
    ------
    WindowClfError
        If a size or mode is unknown, the directory holds something else, or matplotlib is missing.
    """

    def __init__(
        self,
        data: StudyData,
        config: Config,
        out: Path,
        *,
        sizes: Sequence[str] | None = None,
        modes: Sequence[str] = tuple(MODES),
        n_seeds: int = 10,
        threads: int = 1,
        with_report: bool = True,
    ) -> None:
        if with_report:
            check_report()
        self.data, self.out = data, out
        self.sizes = check_sizes(sizes, data.train)
        self.modes = check_modes(modes)
        self.n_seeds = n_seeds
        self.threads = threads
        self._with_report = with_report
        # a small part of the training data may not show the scheme of its labels
        scheme = data.label_set.scheme
        fixed = replace(config.data, scheme=scheme.value if scheme else "none")
        single = replace(config.training, seed=0, ensemble=1)
        self.config = without_mode(replace(config, data=fixed, training=single))
        self._cells = CellStore(out / "cells")
        self._models = out / "models"
        self._claim()

    def jobs(self) -> list[Job]:
        """Return the trainings that are not done yet, the longest first, so that processes end together."""
        trained = [mode for mode in self.modes if mode != CARRIED]
        if CARRIED in self.modes and TUNED not in trained:
            trained.append(TUNED)
        jobs = [
            Job(
                CellKey(size, mode, seed),
                CARRIED in self.modes and mode == TUNED,
                self._models / f"{size}-{mode}" if seed == 0 and mode in (BASELINE, TUNED) else None,
            )
            for size, mode, seed in product(reversed(self.sizes), trained, range(self.n_seeds))
        ]
        return [job for job in jobs if not self._is_done(job)]

    def _is_done(self, job: Job) -> bool:
        keys = [job.key, *([replace(job.key, mode=CARRIED)] if job.carries else [])]
        has_model = job.model is None or TUNED not in self.modes or (job.model / "manifest.json").is_file()
        return has_model and all(key in self._cells for key in keys)

    def run(self, n_processes: int = 1) -> Generator[Progress, None, StudyResults]:
        """Train what is missing with `n_processes` at once, then write and return the results.

        Finished trainings are kept however it ends.
        """
        jobs = self.jobs()
        drifting = [size for size, drift in self._drifts().items() if drift is None]
        total, done = len(jobs) + len(drifting), 0
        yield Progress(done, total, "the first trainings")
        with closing(self._trained(jobs, n_processes)) as finished:
            for key in finished:
                done += 1
                yield Progress(done, total, f"{key.mode}, {key.size} words, seed {key.seed}")
        for size in drifting:
            write_text(self._drift_path(size), json_of(drift_of_size(size, self._models, self.data)))
            done += 1
            yield Progress(done, total, f"drift, {size} words")
        yield Progress(done, total, "statistics and report")
        return self._finish()

    def _trained(self, jobs: Sequence[Job], n_processes: int) -> Generator[CellKey, None, None]:
        stop, parent = RawValue("b", 0), os.getpid()

        def check() -> None:
            """Raise in a training whose study has ended."""
            if stop.value or (n_processes > 1 and os.getppid() != parent):
                raise WindowClfError("the study was ended")

        def train(job: Job) -> CellKey:
            for key, cell in train_cells(job, self.config, self.data, check=check):
                self._cells.add(key, cell)
            return job.key

        if n_processes == 1 or len(jobs) < 2:
            yield from map(train, jobs)
            return
        self.data.vectors.index  # noqa: B018  made before the fork, so that processes share it
        workers = map_in_processes(train, jobs, min(n_processes, len(jobs)))
        try:
            yield from workers
        finally:
            stop.value = 1
            workers.close()

    def _drift_path(self, size: str) -> Path:
        return self.out / "cells" / f"{size}-drift.json"

    def _drifts(self) -> dict[str, SizeDrift | None]:
        sizes = self.sizes if TUNED in self.modes else ()
        return {size: read_drift(self._drift_path(size)) for size in sizes}

    def _inputs(self) -> dict[str, Any]:
        """Return everything that decides the result of a training of a size, a mode and a seed."""
        inputs = {
            **self.data.described,
            "config": config_to_dict(self.config),
            "versions": {name: version(name) for name in _LIBRARIES},
            "threads": self.threads,
        }
        return dict(json.loads(json_of(inputs)))  # as it is read back

    def _claim(self) -> None:
        """Write the inputs to the directory, or check that they are those written there."""
        path = self.out / _STUDY
        inputs = self._inputs()
        if path.is_file():
            before = read_json(path)
            for name, value in inputs.items():
                if before.get(name) != value:
                    raise DataError(
                        f"the directory holds a study with another value of {name!r}",
                        where=str(path),
                        found=_differing(before.get(name), value),
                        hint="Give another --out, or delete this directory.",
                    )
            return
        if self.out.is_dir() and any(self.out.iterdir()):
            raise DataError(
                "this directory is not empty and holds no study",
                where=str(self.out),
                hint="Give another --out.",
            )
        write_text(path, json_of(inputs))

    def _finish(self) -> StudyResults:
        keys = starmap(CellKey, product(self.sizes, self.modes, range(self.n_seeds)))
        cells = {key: self._cells[key] for key in keys}
        results = self._results(cells)
        write_text(self.out / RESULTS, json_of(results))
        write_text(self.out / TIMINGS, json_of(_timings(cells)))
        if self._with_report:
            write_text(self.out / REPORT, study_html(results))
        return results

    def _results(self, cells: dict[CellKey, Cell]) -> StudyResults:
        chosen = self.sizes, self.modes, self.n_seeds
        points, tests = points_of(cells, *chosen), compare_modes(cells, *chosen)
        carrying = carrying_of(cells, self.sizes, self.n_seeds) if CARRIED in self.modes else ()
        inputs = self._inputs()
        return StudyResults(
            score=self.data.score,
            **self.data.described,
            config=inputs["config"],
            versions=inputs["versions"]
            | {"python": platform.python_version()}
            | {name: version(name) for name in ("scipy", *(["matplotlib"] if self._with_report else []))},
            threads=self.threads,
            sizes=self.sizes,
            modes={mode: MODES[mode] for mode in self.modes},
            seeds=self.n_seeds,
            points=points,
            tests=tests,
            carrying=carrying,
            drift=tuple(drift for drift in self._drifts().values() if drift is not None),
            verdict=verdict_of(points, tests, carrying, of_spans=self.data.span_labels),
        )


def _timings(cells: dict[CellKey, Cell]) -> dict[str, Any]:
    """Return what differs from run to run; the mode that carries over includes the training of `tuned`."""
    trainings = {
        str(key): {"seconds": cell.record.seconds, "words_per_second": cell.record.words_per_second}
        for key, cell in cells.items()
    }
    trained = [cell.record.seconds for key, cell in cells.items() if key.mode != CARRIED]
    return {"training_seconds": sum(trained), "trainings": trainings}


def _differing(before: Any, now: Any) -> str:
    """Name the first value that differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        name = next(name for name in {**before, **now} if before.get(name) != now.get(name))
        return f"{name}: {_differing(before.get(name), now.get(name))}"
    return f"{now}, where the study has {before}"
