"""The same operations, losses, optimizer steps and a whole network in PyTorch, in float64.

Both compute the same formulas in another order, so they differ by rounding alone: values and gradients are
compared to 1e-12 of their size, and after many optimizer steps to 1e-10.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from windowclf.arrays import Floats, Ints
from windowclf.nn import (
    LOSSES,
    OPERATIONS,
    Gradient,
    Optimizer,
    RowGradient,
    affine,
    clip_by_norm,
    softmax_cross_entropy,
    window,
    word_embedding,
)
from windowclf.nn.activations import tanh
from windowclf.nn.losses import PENALTIES
from windowclf.nn.operations import dropout, dropout_mask

SEEDS = range(5)
N_STEPS = 60


def tensor(array: Floats) -> Any:
    return torch.tensor(array, requires_grad=True)


def write_out(gradient: Gradient) -> Floats:
    return gradient.to_dense() if isinstance(gradient, RowGradient) else gradient


def assert_close(ours: Any, theirs: Any, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=tolerance, atol=tolerance)


# --- operations -------------------------------------------------------------------------------------

# Arguments to differentiate, keywords, and the same operation in PyTorch.
Drawn = tuple[list[Floats], Mapping[str, Any], Callable[..., Any]]


def draw_affine(rng: np.random.Generator) -> Drawn:
    N, n_in, n_out = rng.integers(1, 9, 3)
    arguments: list[Floats] = [rng.standard_normal(shape) for shape in [(N, n_in), (n_in, n_out), (n_out,)]]
    return arguments, {}, lambda x, W, b: torch.nn.functional.linear(x, W.T, b)


def draw_concatenate(rng: np.random.Generator) -> Drawn:
    parts: list[Floats] = [
        rng.standard_normal((4, width)) for width in rng.integers(1, 5, rng.integers(1, 4))
    ]
    return parts, {}, lambda *parts: torch.cat(parts, dim=-1)


def draw_dropout(rng: np.random.Generator) -> Drawn:
    mask = dropout_mask((4, 5), 0.4, rng, np.float64)
    return [rng.standard_normal((4, 5))], {"mask": mask}, lambda x: x * torch.tensor(mask)


def draw_embedding(rng: np.random.Generator) -> Drawn:
    ids = rng.integers(0, 6, (4, 3))
    return (
        [rng.standard_normal((6, 4))],
        {"ids": ids},
        lambda E: torch.nn.functional.embedding(torch.tensor(ids), E),
    )


def draw_word_embedding(rng: np.random.Generator) -> Drawn:
    ids = rng.integers(0, 8, (4, 3))
    arguments: list[Floats] = [rng.standard_normal((6, 4)), rng.standard_normal((2, 4))]
    return arguments, {"ids": ids}, lambda E, special: torch.cat([special, E])[torch.tensor(ids)]


def draw_tuned_embedding(rng: np.random.Generator) -> Drawn:
    ids = rng.integers(0, 8, (4, 3))
    E: Floats = rng.standard_normal((6, 4))
    arguments: list[Floats] = [rng.standard_normal((3, 4)), rng.standard_normal((2, 4))]
    rest = torch.tensor(E[3:])
    return (
        arguments,
        {"ids": ids, "frozen": E},
        lambda T, special: torch.cat([special, T, rest])[torch.tensor(ids)],
    )


def draw_window(rng: np.random.Generator) -> Drawn:
    ids = rng.integers(0, 4, (6, 5))
    return [rng.standard_normal((4, 3))], {"ids": ids}, lambda x: x[torch.tensor(ids)].reshape(6, 15)


def draw_window_affine(rng: np.random.Generator) -> Drawn:
    ids = rng.integers(0, 4, (6, 5))
    arguments: list[Floats] = [rng.standard_normal(shape) for shape in [(4, 3), (15, 7), (7,)]]
    rows = torch.tensor(ids)
    return (
        arguments,
        {"ids": ids},
        lambda x, W, b: torch.nn.functional.linear(x[rows].reshape(6, 15), W.T, b),
    )


def draw_activation(function: Callable[..., Any]) -> Callable[[np.random.Generator], Drawn]:
    return lambda rng: ([3 * rng.standard_normal((4, 5))], {}, function)


def draw_cross_entropy(rng: np.random.Generator) -> Drawn:
    N, C = rng.integers(1, 9, 2)
    targets = rng.integers(0, C, N)
    scores: Floats = 10 * rng.standard_normal((N, C))
    weights = rng.random(C) if rng.random() < 0.7 else None
    smoothing = float(rng.choice([0, 0.1, 0.5]))
    return (
        [scores],
        {"targets": targets, "class_weights": weights, "label_smoothing": smoothing},
        lambda s: torch.nn.functional.cross_entropy(
            s,
            torch.tensor(targets),
            weight=None if weights is None else torch.tensor(weights),
            label_smoothing=smoothing,
        ),
    )


def draw_soft_cross_entropy(rng: np.random.Generator) -> Drawn:
    N, C = rng.integers(1, 9, 2)
    targets = rng.dirichlet(np.ones(C), N)
    scores: Floats = 10 * rng.standard_normal((N, C))
    return (
        [scores],
        {"targets": targets},
        lambda s: torch.nn.functional.cross_entropy(s, torch.tensor(targets)),
    )


def draw_l2_penalty(rng: np.random.Generator) -> Drawn:
    anchor: Floats = rng.standard_normal((4, 5))
    return (
        [rng.standard_normal((4, 5))],
        {"strength": 0.3, "anchor": anchor},
        lambda W: 0.15 * ((W - torch.tensor(anchor)) ** 2).sum(),
    )


ALL: dict[str, Callable[..., Any]] = {**OPERATIONS, **LOSSES, **PENALTIES}
DRAWS = {
    "affine": draw_affine,
    "concatenate": draw_concatenate,
    "dropout": draw_dropout,
    "embedding": draw_embedding,
    "tuned_embedding": draw_tuned_embedding,
    "window": draw_window,
    "window_affine": draw_window_affine,
    "word_embedding": draw_word_embedding,
    "tanh": draw_activation(torch.tanh),
    "relu": draw_activation(torch.relu),
    "logistic": draw_activation(torch.sigmoid),
    "soft_cross_entropy": draw_soft_cross_entropy,
    "softmax_cross_entropy": draw_cross_entropy,
    "l2_penalty": draw_l2_penalty,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ALL)
def test_value_and_gradients_are_pytorchs(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arguments, keywords, theirs = DRAWS[name](rng)
    value, backward = ALL[name](*arguments, **keywords)
    tensors = [tensor(argument) for argument in arguments]
    their_value = theirs(*tensors)
    assert_close(value, their_value)

    upstream = rng.standard_normal(np.shape(value))
    their_value.backward(torch.tensor(upstream))
    gradients = backward(upstream)
    listed = gradients if isinstance(gradients, tuple) else (gradients,)
    for gradient, argument in zip(listed, tensors, strict=True):
        assert_close(write_out(gradient), argument.grad)


# --- a whole network --------------------------------------------------------------------------------


def our_network(
    parameters: Mapping[str, Floats], ids: Ints, targets: Ints, mask: Floats, *, tuned: bool
) -> tuple[float, dict[str, Gradient]]:
    p = parameters
    words, places = np.unique(ids, return_inverse=True)
    x, x_backward = word_embedding(p["E"], p["special"], ids=words, E_needs_gradient=tuned)
    y, y_backward = window(x, ids=places.reshape(ids.shape))
    z1, z1_backward = affine(y, p["W1"], p["b1"])
    a, a_backward = tanh(z1)
    kept, kept_backward = dropout(a, mask=mask)
    scores, scores_backward = affine(kept, p["W2"], p["b2"])
    loss, loss_backward = softmax_cross_entropy(scores, targets=targets)

    dkept, dW2, db2 = scores_backward(loss_backward())
    assert dkept is not None
    dy, dW1, db1 = z1_backward(a_backward(kept_backward(dkept)))
    assert dy is not None
    dE, dspecial = x_backward(y_backward(dy))
    gradients: dict[str, Gradient] = {"special": dspecial, "W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
    return loss, gradients if dE is None else {"E": dE, **gradients}


def their_loss(parameters: Mapping[str, Any], ids: Ints, targets: Ints, mask: Floats) -> Any:
    p = parameters
    table = torch.cat([p["special"], p["E"]])
    y = table[torch.tensor(ids)].reshape(len(ids), -1)
    a = torch.tanh(y @ p["W1"] + p["b1"]) * torch.tensor(mask)
    return torch.nn.functional.cross_entropy(a @ p["W2"] + p["b2"], torch.tensor(targets))


Batch = tuple[Ints, Ints, Floats]  # ids (N, K), targets (N,), dropout mask (N, H)


def draw_network(rng: np.random.Generator) -> tuple[dict[str, Floats], Callable[[], Batch]]:
    V, D, K, H, C = 12, 4, 5, 6, 3
    shapes = {"E": (V, D), "special": (2, D), "W1": (K * D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}
    parameters: dict[str, Floats] = {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}

    def draw_batch() -> Batch:
        N = int(rng.integers(1, 10))
        mask = dropout_mask((N, H), 0.3, rng, np.float64)
        return rng.integers(0, V + 2, (N, K)), rng.integers(0, C, N), mask

    return parameters, draw_batch


@pytest.mark.parametrize("tuned", [True, False], ids=["tuned", "frozen"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_gradients_of_a_window_network_are_pytorchs(seed: int, tuned: bool) -> None:
    parameters, draw_batch = draw_network(np.random.default_rng(seed))
    batch = draw_batch()
    loss, gradients = our_network(parameters, *batch, tuned=tuned)
    tensors = {name: tensor(p) for name, p in parameters.items()}
    tensors["E"].requires_grad_(tuned)
    their = their_loss(tensors, *batch)
    their.backward()
    assert loss == pytest.approx(their.item(), rel=1e-12)
    assert gradients.keys() == {name for name, p in tensors.items() if p.requires_grad}
    for name, gradient in gradients.items():
        assert_close(write_out(gradient), tensors[name].grad)


# --- optimizers -------------------------------------------------------------------------------------


ADAM = {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}
THEIR_ADAM = {"betas": (0.8, 0.9), "eps": 1e-3}


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize(
    ("name", "settings", "their_optimizer", "their_settings"),
    [
        ("sgd", {}, torch.optim.SGD, {}),
        ("momentum", {"mu": 0.8}, torch.optim.SGD, {"momentum": 0.8}),
        ("adam", {}, torch.optim.Adam, {}),
        ("adam", ADAM, torch.optim.Adam, THEIR_ADAM),
    ],
)
def test_training_a_network_for_many_steps_ends_where_pytorchs_does(
    name: str, settings: dict[str, Any], their_optimizer: Any, their_settings: dict[str, Any], l2: float
) -> None:
    parameters, draw_batch = draw_network(np.random.default_rng(0))
    tensors = {k: tensor(p) for k, p in parameters.items()}
    ours = Optimizer(name, l2=dict.fromkeys(parameters, l2), **settings)
    theirs = their_optimizer(tensors.values(), lr=1.0, weight_decay=l2, **their_settings)
    for step in range(N_STEPS):
        rate = 0.05 * (1 - step / N_STEPS)  # a rate that changes, as schedules do
        batch = draw_batch()
        _, gradients = our_network(parameters, *batch, tuned=True)
        # Written out, because PyTorch's dense optimizers step every row.
        ours.step(parameters, {k: write_out(gradient) for k, gradient in gradients.items()}, rate)

        theirs.zero_grad()
        their_loss(tensors, *batch).backward()
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
    for k, p in parameters.items():
        assert_close(p, tensors[k], tolerance=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "settings", "their_optimizer", "their_settings"),
    [
        ("sgd", {}, torch.optim.SGD, {}),
        # SparseAdam adds epsilon before it corrects the bias, the paper's algorithm after. So that this makes
        # no difference, epsilon is next to nothing.
        ("adam", {"epsilon": 1e-16}, torch.optim.SparseAdam, {"eps": 1e-16}),
        ("adam", ADAM | {"epsilon": 1e-16}, torch.optim.SparseAdam, THEIR_ADAM | {"eps": 1e-16}),
    ],
)
def test_steps_of_touched_rows_end_where_pytorchs_do(
    name: str, settings: dict[str, Any], their_optimizer: Any, their_settings: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    V, D = 20, 3
    E: Floats = rng.standard_normal((V, D))
    their_E = tensor(E)
    ours, theirs = Optimizer(name, **settings), their_optimizer([their_E], lr=0.05, **their_settings)
    for _ in range(N_STEPS):
        ids = rng.integers(0, V, 4)  # some repeat, most rows stay away
        dx: Floats = rng.standard_normal((4, D))
        ours.step({"E": E}, {"E": RowGradient.from_places(ids, dx, V)}, 0.05)
        places = torch.tensor(ids[None])
        their_E.grad = torch.sparse_coo_tensor(places, torch.tensor(dx), (V, D), check_invariants=True)
        theirs.step()
    assert_close(E, their_E, tolerance=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_clipping_is_pytorchs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradients: dict[str, Gradient] = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal(3)}
    parameters = [
        torch.zeros(write_out(gradient).shape, dtype=torch.float64) for gradient in gradients.values()
    ]
    for parameter, gradient in zip(parameters, gradients.values(), strict=True):
        parameter.grad = torch.tensor(write_out(gradient))
    torch.nn.utils.clip_grad_norm_(parameters, 0.5)
    clipped = clip_by_norm(gradients, 0.5)
    for parameter, gradient in zip(parameters, clipped.values(), strict=True):
        # PyTorch divides by the norm plus 1e-6; the norm is above 1 here.
        assert_close(write_out(gradient), parameter.grad, tolerance=1e-6)
