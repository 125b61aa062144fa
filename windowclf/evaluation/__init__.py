"""How good a model is, and whether one is better than another by more than chance."""

from windowclf.evaluation.counts import GROUPS, LABEL, Knowledge, score_of, sentence_counts, slice_counts
from windowclf.evaluation.metrics import (
    Evaluation,
    Score,
    Share,
    evaluate,
    evaluate_labels,
    judge_entities,
    measure_calibration,
)
from windowclf.evaluation.plots import check_matplotlib, check_plot, draw_svg, write_reliability_plot
from windowclf.evaluation.reliability import CalibrationErrors, Reliability, reliability
from windowclf.evaluation.significance import (
    ALPHA,
    LEVEL,
    Compared,
    Interval,
    compare,
    compare_family,
    holm,
    interval_of,
)

__all__ = [
    "ALPHA",
    "GROUPS",
    "LABEL",
    "LEVEL",
    "CalibrationErrors",
    "Compared",
    "Evaluation",
    "Interval",
    "Knowledge",
    "Reliability",
    "Score",
    "Share",
    "check_matplotlib",
    "check_plot",
    "compare",
    "compare_family",
    "draw_svg",
    "evaluate",
    "evaluate_labels",
    "holm",
    "interval_of",
    "judge_entities",
    "measure_calibration",
    "reliability",
    "score_of",
    "sentence_counts",
    "slice_counts",
    "write_reliability_plot",
]
