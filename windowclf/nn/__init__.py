"""Backpropagation by hand; knows arrays, not words."""

from windowclf.nn.activations import ACTIVATIONS
from windowclf.nn.averaging import Averages
from windowclf.nn.chain import Chain, Trace, TraceNode
from windowclf.nn.crf import (
    CrfBackward,
    crf_cross_entropy,
    crf_loss,
    expected_pairs,
    marginals,
    sum_labellings,
)
from windowclf.nn.crf_spans import span_log_probs
from windowclf.nn.crf_sums import plain_sums
from windowclf.nn.embeddings import embedding, tuned_embedding, window, word_embedding
from windowclf.nn.gradcheck import Coordinate, GradientError, GradientReport, check_gradients
from windowclf.nn.gradients import Gradient, RowGradient, clip_by_norm, global_norm
from windowclf.nn.initializers import uniform_rows, xavier_uniform
from windowclf.nn.losses import LOSSES, soft_cross_entropy, softmax, softmax_cross_entropy
from windowclf.nn.operations import OPERATIONS, affine, concatenate
from windowclf.nn.optimizers import OPTIMIZERS, Optimizer
from windowclf.nn.schedules import SCHEDULES
from windowclf.nn.selection import Selection
from windowclf.nn.window_affine import window_affine
from windowclf.nn.workspace import Workspace

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPERATIONS",
    "OPTIMIZERS",
    "SCHEDULES",
    "Averages",
    "Chain",
    "Coordinate",
    "CrfBackward",
    "Gradient",
    "GradientError",
    "GradientReport",
    "Optimizer",
    "RowGradient",
    "Selection",
    "Trace",
    "TraceNode",
    "Workspace",
    "affine",
    "check_gradients",
    "clip_by_norm",
    "concatenate",
    "crf_cross_entropy",
    "crf_loss",
    "embedding",
    "expected_pairs",
    "global_norm",
    "marginals",
    "plain_sums",
    "soft_cross_entropy",
    "softmax",
    "softmax_cross_entropy",
    "span_log_probs",
    "sum_labellings",
    "tuned_embedding",
    "uniform_rows",
    "window",
    "window_affine",
    "word_embedding",
    "xavier_uniform",
]
