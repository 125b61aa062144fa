"""Training runs on disk: one, several compared, studied."""

from windowclf.runs.compare import RunComparison, compare_runs
from windowclf.runs.report import Table, html_of, notes_of, tables_of
from windowclf.runs.run import TrainingRun, read_run
from windowclf.runs.study.data import ALL, DEFAULT_SIZES, read_study_data
from windowclf.runs.study.figures import draw_carrying, draw_differences, draw_drift, draw_learning_curves
from windowclf.runs.study.modes import BASELINE, MODES, TUNED
from windowclf.runs.study.report import check_report, comparison_table, gap_tables, score_table, study_tables
from windowclf.runs.study.results import StudyResults, read_results
from windowclf.runs.study.study import REPORT, RESULTS, TIMINGS, Progress, TuningStudy
from windowclf.runs.tuning_advice import Advice, TrialEvent, advise_tuning

__all__ = [
    "ALL",
    "BASELINE",
    "DEFAULT_SIZES",
    "MODES",
    "REPORT",
    "RESULTS",
    "TIMINGS",
    "TUNED",
    "Advice",
    "Progress",
    "RunComparison",
    "StudyResults",
    "Table",
    "TrainingRun",
    "TrialEvent",
    "TuningStudy",
    "advise_tuning",
    "check_report",
    "compare_runs",
    "comparison_table",
    "draw_carrying",
    "draw_differences",
    "draw_drift",
    "draw_learning_curves",
    "gap_tables",
    "html_of",
    "notes_of",
    "read_results",
    "read_run",
    "read_study_data",
    "score_table",
    "study_tables",
    "tables_of",
]
