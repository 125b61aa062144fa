"""Word-window taggers on pretrained vectors, with a backward pass written by hand."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from windowclf.config import Config, DataConfig, FeaturesConfig, ModelConfig, TrainingConfig
    from windowclf.corpus import Sentence
    from windowclf.errors import WindowClfError
    from windowclf.model import Tagged, TaggedSpan, TaggedText

    __version__: str
    from windowclf.tagger import WindowTagger

__all__ = [
    "Config",
    "DataConfig",
    "FeaturesConfig",
    "ModelConfig",
    "Sentence",
    "Tagged",
    "TaggedSpan",
    "TaggedText",
    "TrainingConfig",
    "WindowClfError",
    "WindowTagger",
]

# Imported when asked for: whoever imports one module of the package need not wait for numpy.
_MODULES = dict.fromkeys(__all__, "config") | {
    "Sentence": "corpus.sentence",
    "Tagged": "model.decoder",
    "TaggedSpan": "model.decoder",
    "TaggedText": "model.texts",
    "WindowClfError": "errors",
    "WindowTagger": "tagger",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("windowclf")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
