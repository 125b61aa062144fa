"""Ids to scores to labels; a trained model in memory and on disk."""

from windowclf.model.calibration import UNCALIBRATED, Calibration, PlattScaling, span_log_odds
from windowclf.model.compiled import CompiledScorer, TableType
from windowclf.model.decoder import Decoder, Tagged, TaggedSpan
from windowclf.model.ensemble import Ensemble, vectors_of
from windowclf.model.network import WindowModel
from windowclf.model.storage import find_model, load_model, save_model
from windowclf.model.trained import TrainedModel
from windowclf.model.viterbi import allowed_pairs, best_labels

__all__ = [
    "UNCALIBRATED",
    "Calibration",
    "CompiledScorer",
    "Decoder",
    "Ensemble",
    "PlattScaling",
    "TableType",
    "Tagged",
    "TaggedSpan",
    "TrainedModel",
    "WindowModel",
    "allowed_pairs",
    "best_labels",
    "find_model",
    "load_model",
    "save_model",
    "span_log_odds",
    "vectors_of",
]
