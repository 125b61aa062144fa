"""Labelled sentences to a trained model."""

from windowclf.training.data import TrainingData, make_batches, prepare_training
from windowclf.training.defaults import finds_names, resolve_features, resolve_training
from windowclf.training.events import (
    Calibrated,
    Carried,
    EpochDone,
    Event,
    MemberDone,
    StepDone,
    TrainingDone,
)
from windowclf.training.extrapolate import FITS
from windowclf.training.fit import check_training, fit
from windowclf.training.loop import train
from windowclf.training.objectives import Objective, SentenceObjective, WordObjective, choose_objective

__all__ = [
    "FITS",
    "Calibrated",
    "Carried",
    "EpochDone",
    "Event",
    "MemberDone",
    "Objective",
    "SentenceObjective",
    "StepDone",
    "TrainingData",
    "TrainingDone",
    "WordObjective",
    "check_training",
    "choose_objective",
    "finds_names",
    "fit",
    "make_batches",
    "prepare_training",
    "resolve_features",
    "resolve_training",
    "train",
]
