"""Where the time of training goes: the parts of its steps."""

from dataclasses import replace
from time import perf_counter

from threadpoolctl import threadpool_limits

import windowclf.encoding.encoder
import windowclf.nn
import windowclf.nn.losses
import windowclf.nn.operations
import windowclf.training.loop
from clocks import Part, clocks, shares
from training_peers import Setting, windowclf_trainer
from windowclf.model import WindowModel
from windowclf.nn import Optimizer, Selection

PRODUCTS, SUMS = "products of the first layer", "adding up and spreading the pieces of windows"
REST = "activation and all else"
PARTS: list[Part] = [
    (windowclf.nn, "window_affine", PRODUCTS),
    (Selection, "add", SUMS),
    (Selection, "spread", SUMS),
    (windowclf.nn.operations, "affine", "output layer"),
    (windowclf.nn.operations, "dropout", "dropout"),
    (windowclf.nn.operations, "dropout_mask", "dropout"),
    (windowclf.nn.losses, "softmax_cross_entropy", "softmax and loss"),
    (WindowModel, "_describe", "looking words up"),
    (windowclf.encoding.encoder, "distinct", "finding the distinct words of a batch"),
    (Optimizer, "step", "optimizer"),
    (windowclf.training.loop, "make_batches", "dividing sentences into batches"),
]


def profile(setting: Setting, epochs: int = 3) -> dict[str, float]:
    """Return the seconds a window that each part takes, and the rest, in windowclf's own training loop."""
    run = windowclf_trainer(replace(setting, epochs=epochs), fused=True)
    with threadpool_limits(setting.threads):
        run(0)
        with clocks(PARTS) as spent:
            began = perf_counter()
            n_windows = run(0)["windows"]
            seconds = perf_counter() - began
    found = shares(spent, PARTS, seconds, REST)
    return {title: of_part / n_windows for title, of_part in found.items()}
