"""The names and shapes of the parameters of a network.

K window width, D vector dimension, H hidden units, C labels, V pretrained vectors, R of them tuned.
"""

from windowclf.config import FeaturesConfig, ModelConfig
from windowclf.encoding import N_RESERVED_ROWS, N_SPECIAL, Case, Position, WordFeatures
from windowclf.errors import ConfigError


def parameter_shapes(
    model: ModelConfig,
    features: FeaturesConfig,
    n_vectors: int,
    dimension: int,
    n_labels: int,
    *,
    n_tuned: int | None = None,
    n_values: int = 0,
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter; an affix dimension left open (-1) is a ConfigError.

    With two channels, the first R = `n_tuned` vectors have a tuned copy; default: all. `n_values` is the
    number of values of all columns together.
    """
    if features.affix_dimension < 0:
        raise ConfigError(
            "the dimension of affix vectors is not resolved",
            where="features.affix_dimension",
            found=features.affix_dimension,
            allowed="0 or more; `windowclf.training.resolve_features` chooses it",
        )
    words = WordFeatures(features)
    shapes: dict[str, tuple[int, ...]] = {
        "vectors": (n_vectors, dimension),
        "special": (N_SPECIAL, dimension),
    }
    if model.tuning == "two-channel":
        shapes["tuned_vectors"] = (n_vectors if n_tuned is None else min(n_tuned, n_vectors), dimension)
    if words.has_case:
        shapes["case"] = (len(Case), features.case_dimension)
    if words.n_affixes:
        shapes["affixes"] = (features.buckets + 1, features.affix_dimension)
    if features.gazetteers:
        shapes["gazetteers"] = (len(features.gazetteers) * len(Position), features.gazetteer_dimension)
    if features.columns:
        shapes["columns"] = (N_RESERVED_ROWS + n_values, features.column_dimension)
    word_size = dimension * (1 + (model.tuning == "two-channel"))
    for table, columns in words.columns.items():
        word_size += (columns.stop - columns.start) * shapes[table][1]
    n_in = model.window * word_size
    for i, n_out in enumerate((*model.hidden, n_labels)):
        layer = f"hidden{i + 1}" if i < len(model.hidden) else "output"
        shapes[f"{layer}.W"], shapes[f"{layer}.b"] = (n_in, n_out), (n_out,)
        n_in = n_out
    if model.loss == "crf":
        # of label j after label i; the last row and column are those of the sentence's ends
        shapes["transitions"] = (n_labels + 1, n_labels + 1)
    return shapes
