"""The window network: its parameters, its forward pass, and the backward pass that mirrors it.

    ids of a word ─▶ its vector and those of its features, side by side ─▶ K words side by side
                  ─▶ (affine ─▶ activation) for each hidden layer ─▶ affine ─▶ scores

Concatenating words and the first affine operation are one operation if that is faster (`window_affine`).

N windows, K window width, U distinct words, J ids of a word, D vector dimension, F numbers that describe a
word, H hidden units, C labels, V pretrained vectors, R of them with a tuned copy.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from windowclf.arrays import Floats, Ints
from windowclf.config import FeaturesConfig, ModelConfig
from windowclf.encoding import N_RESERVED_ROWS, N_SPECIAL, UNKNOWN_VALUE, WordFeatures, distinct
from windowclf.errors import ShapeError
from windowclf.model.parameters import parameter_shapes
from windowclf.nn import (
    ACTIVATIONS,
    Chain,
    Gradient,
    Trace,
    TraceNode,
    Workspace,
    affine,
    concatenate,
    embedding,
    tuned_embedding,
    uniform_rows,
    window,
    window_affine,
    word_embedding,
    xavier_uniform,
)

Backward = Callable[[Floats], dict[str, Gradient]]
# parameters whose rows are looked up
TABLES = ("vectors", "special", "tuned_vectors", "case", "affixes", "gazetteers", "columns")
_PARTS = {
    "case": "case vectors",
    "affixes": "affix vectors",
    "gazetteers": "gazetteer vectors",
    "columns": "column vectors",
}
_LOOK_UPS = {"word vectors": "word_embedding", "tuned vectors": "tuned_embedding"}  # others: embedding
_WINDOWS_AT_ONCE = 1024  # when only scores are wanted; bounds memory


class WindowModel:
    """A word-window classifier.

    `parameters` have the shapes of `parameter_shapes`, or a ShapeError is raised; they are trained in place.
    Frozen `vectors` may be read-only and of another dtype. `fused` says whether window and first layer are
    one operation (default: whichever is less work); results are equal up to rounding.
    """

    def __init__(
        self,
        model: ModelConfig,
        features: FeaturesConfig,
        parameters: dict[str, Floats],
        *,
        fused: bool | None = None,
    ) -> None:
        self.config = model
        self.fused = fused
        self.features = WordFeatures(features)
        self.parameters = parameters
        self.tables = [name for name in TABLES if name in parameters]
        n_vectors, dimension = parameters["vectors"].shape
        n_tuned = len(parameters["tuned_vectors"]) if "tuned_vectors" in parameters else None
        n_labels = len(parameters["output.b"])
        n_values = len(parameters["columns"]) - N_RESERVED_ROWS if "columns" in parameters else 0
        expected = parameter_shapes(
            model, features, n_vectors, dimension, n_labels, n_tuned=n_tuned, n_values=n_values
        )
        found = {name: array.shape for name, array in parameters.items()}
        if found != expected:
            raise ShapeError(
                "the parameters do not fit the configuration", found=found, allowed=str(expected)
            )

    @classmethod
    def initialize(
        cls,
        model: ModelConfig,
        features: FeaturesConfig,
        vectors: Floats,
        n_labels: int,
        *,
        rng: np.random.Generator,
        dtype: npt.DTypeLike = np.float32,
        n_tuned: int | None = None,
        n_values: int = 0,
    ) -> "WindowModel":
        """Make an untrained model: Xavier weights, zero biases, small random vectors for features.

        `vectors` (V, D) is not copied. The special vectors have its scale. `n_tuned` and `n_values` are as in
        `parameter_shapes`. The vector of unknown values of columns is zero, as after dropout.
        """
        n_vectors, dimension = vectors.shape
        parameters: dict[str, Floats] = {"vectors": vectors}
        shapes = parameter_shapes(
            model, features, n_vectors, dimension, n_labels, n_tuned=n_tuned, n_values=n_values
        )
        for name, shape in shapes.items():
            if name == "vectors":
                continue
            if name == "tuned_vectors":
                parameters[name] = vectors[: shape[0]].astype(dtype)  # a copy
            elif name.endswith(".b") or name == "transitions":
                parameters[name] = np.zeros(shape, dtype)
            elif name.endswith(".W"):
                parameters[name] = xavier_uniform(shape[0], shape[1], rng, dtype)
            else:
                scale = (model.vector_deviation or None) if name == "special" else None
                parameters[name] = uniform_rows(shape[0], shape[1], rng, dtype, scale)
        if "columns" in parameters:
            parameters["columns"][UNKNOWN_VALUE] = 0
        return cls(model, features, parameters)

    @property
    def trained(self) -> list[str]:
        """The names of the parameters that training changes."""
        return [name for name in self.parameters if name != "vectors" or self.tuned_table == "vectors"]

    @property
    def tuned_table(self) -> str | None:
        """The name of the table of pretrained vectors that training changes; None if they are frozen."""
        return {"frozen": None, "tuned": "vectors", "two-channel": "tuned_vectors"}[self.config.tuning]

    def forward(
        self,
        words: Ints,
        windows: Ints,
        *,
        rng: np.random.Generator | None = None,
        trace: Trace | None = None,
        workspace: Workspace | None = None,
    ) -> tuple[Floats, Backward]:
        """Score windows (N, K) of rows of the ids `words` (U, J); return scores (N, C) and the backward pass.

        `rng` draws the dropout masks (None: no dropout). `trace` is filled with a node for every operation.
        `workspace` is memory to reuse, one a thread; the backward pass is then valid until its next use. That
        pass takes dscores (N, C) and returns the gradient of every trained parameter, by name.
        """
        x, words_backward = self._describe(words, trace)
        x_rows = None
        if self.config.tuning == "frozen" and self.tables == ["vectors", "special"]:
            x_rows = np.flatnonzero(words[:, 0] < N_SPECIAL)  # nothing else below x is trained
        scores, chain = self._classify(x, windows, rng, trace, workspace, x_rows)

        def backward(dscores: Floats) -> dict[str, Gradient]:
            dx, gradients = chain.backward(dscores)
            return words_backward(dx) | gradients

        return scores, backward

    def scores(self, words: Ints, windows: Ints) -> Floats:
        """Score any number of windows in bounded memory, without a backward pass; shapes as in `forward`."""
        x = self.describe(words)
        parts = [np.zeros((0, len(self.parameters["output.b"])), x.dtype)]
        workspace = Workspace()
        for first in range(0, len(windows), _WINDOWS_AT_ONCE):
            rows, numbers = distinct(windows[first : first + _WINDOWS_AT_ONCE], len(words))
            scores, _ = self._classify(x[rows], numbers, None, None, workspace)
            parts.append(scores.copy())  # the workspace is used again
        return np.concatenate(parts)

    def describe(self, words: Ints) -> Floats:
        """Return the numbers (U, F) that describe each distinct word of `words` (U, J)."""
        return self._describe(words, None)[0]

    def _describe(self, words: Ints, trace: Trace | None) -> tuple[Floats, Backward]:
        """Look up the numbers that describe each distinct word: words (U, J) -> x (U, F)."""
        p = self.parameters
        ids = words[:, 0]
        vectors, vectors_backward = word_embedding(
            p["vectors"], p["special"], ids=ids, E_needs_gradient=self.tuned_table == "vectors"
        )
        parts = {"word vectors": vectors}
        if self.tuned_table == "tuned_vectors":
            parts["tuned vectors"], tuned_backward = tuned_embedding(
                p["tuned_vectors"], p["special"], ids=ids, frozen=p["vectors"]
            )
        look_ups = {
            table: embedding(p[table], ids=words[:, columns])
            for table, columns in self.features.columns.items()
        }
        for table, (rows, _) in look_ups.items():
            parts[_PARTS[table]] = rows.reshape(len(words), -1)
        x, split = concatenate(*parts.values())
        if trace is not None:
            for name, value in parts.items():
                trace[name] = TraceNode(name, _LOOK_UPS.get(name, "embedding"), value)
            trace["words"] = TraceNode("words", "concatenate", x)

        def backward(dx: Floats) -> dict[str, Gradient]:
            dparts = dict(zip(parts, split(dx), strict=True))
            own: dict[str, dict[str, Gradient]] = {name: {} for name in parts}
            dE, dspecial = vectors_backward(dparts["word vectors"])
            own["word vectors"]["special"] = dspecial
            if dE is not None:
                own["word vectors"]["vectors"] = dE
            if "tuned vectors" in parts:
                dT, dspecial_too = tuned_backward(dparts["tuned vectors"])
                own["tuned vectors"] = {"tuned_vectors": dT, "special": dspecial_too}
            for table, (rows, rows_backward) in look_ups.items():
                part = _PARTS[table]
                if (drows := rows_backward(dparts[part].reshape(rows.shape))) is not None:
                    own[part][table] = drows
            if trace is not None:
                trace["words"].upstream = dx
                for name, upstream in dparts.items():
                    trace[name].upstream, trace[name].gradients = upstream, own[name]
            gradients = {name: gradient for part in own.values() for name, gradient in part.items()}
            if "tuned vectors" in parts:
                gradients["special"] = dspecial + dspecial_too  # the special vectors are in both channels
            return gradients

        return x, backward

    def _classify(
        self,
        x: Floats,
        windows: Ints,
        rng: np.random.Generator | None,
        trace: Trace | None,
        workspace: Workspace | None,
        x_rows: Ints | None = None,
    ) -> tuple[Floats, Chain]:
        """Concatenate the words of each window and pass them through the layers: -> scores (N, C)."""
        chain = Chain(self.parameters, trace)
        if rng is not None and self.config.input_dropout:
            # A mask of words, not of windows: a word loses the same numbers at all its positions.
            x = chain.drop("words.dropout", x, self.config.input_dropout, rng)
        layers = [*(f"hidden{i}" for i in range(1, len(self.config.hidden) + 1)), "output"]
        for layer in layers:
            weights = f"{layer}.W", f"{layer}.b"
            if layer != layers[0]:
                x = chain.apply(layer, affine, x, *weights)
            elif self._is_fused(len(x), len(windows)):
                x = chain.apply(
                    layer, window_affine, x, *weights, ids=windows, x_rows=x_rows, workspace=workspace
                )
            else:
                x = chain.apply("window", window, x, ids=windows)
                x = chain.apply(layer, affine, x, *weights)
            if layer == "output":
                break
            x = chain.apply(f"{layer}.{self.config.activation}", ACTIVATIONS[self.config.activation], x)
            if rng is not None and self.config.dropout:
                x = chain.drop(f"{layer}.dropout", x, self.config.dropout, rng)
        return x, chain

    def _is_fused(self, n_words: int, n_windows: int) -> bool:
        # Fused, each distinct word is multiplied; plain, each window. There are more words than windows only
        # if most words are context of a few windows, as in a corpus with few labels.
        return n_words < n_windows if self.fused is None else self.fused
