"""Ids to scores to labels; a trained model in memory and on disk."""

from windowclf.model.calibration import UNCALIBRATED, Calibration, PlattScaling, span_log_odds
from windowclf.model.compiled import CompiledScorer, TableType
from windowclf.model.decoder import Decoder, Tagged, TaggedSpan
from windowclf.model.ensemble import Ensemble, vectors_of
from windowclf.model.network import WindowModel
from windowclf.model.storage import check_savable, find_model, load_model, save_model
from windowclf.model.texts import (
    Extent,
    LabelScore,
    TaggedText,
    TaggedToken,
    describe_text,
    read_text,
    tag_texts,
)
from windowclf.model.trained import LabelScheme, TrainedModel
from windowclf.model.viterbi import allowed_pairs, best_labels

__all__ = [
    "UNCALIBRATED",
    "Calibration",
    "CompiledScorer",
    "Decoder",
    "Ensemble",
    "Extent",
    "LabelScheme",
    "LabelScore",
    "PlattScaling",
    "TableType",
    "Tagged",
    "TaggedSpan",
    "TaggedText",
    "TaggedToken",
    "TrainedModel",
    "WindowModel",
    "allowed_pairs",
    "best_labels",
    "check_savable",
    "describe_text",
    "find_model",
    "load_model",
    "read_text",
    "save_model",
    "span_log_odds",
    "tag_texts",
    "vectors_of",
]
