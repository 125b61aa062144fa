"""Word-window taggers on pretrained vectors, with a backward pass written by hand."""

from windowclf.config import Config, DataConfig, FeaturesConfig, ModelConfig, TrainingConfig
from windowclf.errors import WindowClfError
from windowclf.tagger import Tagged, WindowTagger

__all__ = [
    "Config",
    "DataConfig",
    "FeaturesConfig",
    "ModelConfig",
    "Tagged",
    "TrainingConfig",
    "WindowClfError",
    "WindowTagger",
]
