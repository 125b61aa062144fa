"""The sentence-level loss against PyTorch's automatic differentiation of the plain recursion, in float64."""

from typing import Any

import numpy as np
import pytest
import torch

from windowclf.arrays import Bools, Floats, Ints
from windowclf.nn import crf_cross_entropy, crf_loss, expected_pairs, marginals

RULED_OUT = -1e6  # e^this is 0 beside any other; PyTorch has no gradient of a sum of nothing but e^-inf
TOLERANCE = 1e-11  # sums of up to 60 words' scores, added in another order


def their_log_z(scores: Any, A: Any) -> Any:
    """Go through one sentence, word by word."""
    C = scores.shape[1]
    alpha = A[C, :C] + scores[0]
    for row in scores[1:]:
        alpha = torch.logsumexp(alpha[:, None] + A[:C, :C], dim=0) + row
    return torch.logsumexp(alpha + A[:C, C], dim=0)


def their_sentences(scores: Any, lengths: Ints) -> list[Any]:
    return [part for part in torch.split(scores, lengths.tolist()) if len(part)]


def their_loss(scores: Any, A: Any, targets: Ints, lengths: Ints, legal: Bools) -> Any:
    A = A.masked_fill(torch.tensor(~legal), RULED_OUT)
    ruled_out = (targets[:, None] != np.arange(scores.shape[1])) & (targets != -1)[:, None]
    known = scores.masked_fill(torch.tensor(ruled_out), RULED_OUT)
    every = sum(their_log_z(s, A) for s in their_sentences(scores, lengths))
    agreeing = sum(their_log_z(s, A) for s in their_sentences(known, lengths))
    return (every - agreeing) / len(scores)


def draw(seed: int, size: float) -> tuple[Floats, Floats, Ints, Bools, np.random.Generator]:
    rng = np.random.default_rng(seed)
    C = int(rng.integers(2, 18))
    lengths = rng.integers(0, 60, rng.integers(1, 9))
    lengths[0] += 1
    legal = rng.random((C + 1, C + 1)) < 0.7
    legal[0] = legal[:, 0] = True
    scores = size * rng.standard_normal((int(lengths.sum()), C))
    return scores, size * rng.standard_normal((C + 1, C + 1)), lengths, legal, rng


def draw_targets(lengths: Ints, legal: Bools, rng: np.random.Generator) -> Ints:
    """Draw a legal labelling, word by word: label 0 may stand anywhere."""
    C = len(legal) - 1
    targets = []
    for n in lengths.tolist():
        before = C
        for i in range(n):
            allowed = legal[before, :C] & (legal[:C, C] if i == n - 1 else True)
            before = int(rng.choice(np.flatnonzero(allowed)))
            targets.append(before)
    return np.array(targets, np.int64)


def assert_close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("unknown", [0.0, 0.1], ids=["all labels known", "some unknown"])
@pytest.mark.parametrize("size", [1, 30])
def test_loss_and_gradients_are_pytorchs(size: float, unknown: float, seed: int) -> None:
    scores, A, lengths, legal, rng = draw(seed, size)
    targets = draw_targets(lengths, legal, rng)
    targets[rng.random(len(targets)) < unknown] = -1
    loss, backward = crf_loss(scores, A, targets=targets, lengths=lengths, legal=legal)
    their_scores, their_A = torch.tensor(scores, requires_grad=True), torch.tensor(A, requires_grad=True)
    theirs = their_loss(their_scores, their_A, targets, lengths, legal)
    assert_close(loss, theirs)
    theirs.backward(torch.tensor(2.5, dtype=torch.float64))
    dscores, dA = backward(2.5)
    assert_close(dscores, their_scores.grad)
    assert_close(dA, their_A.grad)


@pytest.mark.parametrize("seed", range(4))
def test_a_teachers_loss_and_gradients_are_pytorchs(seed: int) -> None:
    scores, A, lengths, legal, rng = draw(seed, 2)
    teacher = 2 * rng.standard_normal(scores.shape), 2 * rng.standard_normal(A.shape)
    unary, pairs = expected_pairs(*teacher, lengths=lengths, legal=legal)
    loss, backward = crf_cross_entropy(scores, A, unary=unary, pairs=pairs, lengths=lengths, legal=legal)
    their_scores, their_A = torch.tensor(scores, requires_grad=True), torch.tensor(A, requires_grad=True)
    masked = their_A.masked_fill(torch.tensor(~legal), RULED_OUT)
    theirs = sum(their_log_z(s, masked) for s in their_sentences(their_scores, lengths))
    theirs -= (torch.tensor(unary) * their_scores).sum() + (torch.tensor(pairs) * their_A).sum()
    theirs /= len(scores)
    assert_close(loss, theirs)
    theirs.backward()
    dscores, dA = backward()
    assert_close(dscores, their_scores.grad)
    assert_close(dA, their_A.grad)


@pytest.mark.parametrize("seed", range(4))
def test_marginals_are_the_slopes_of_log_z(seed: int) -> None:
    scores, A, lengths, legal, _ = draw(seed, 2)
    log_z, unary = marginals(scores, A, lengths=lengths, legal=legal)
    their_scores = torch.tensor(scores, requires_grad=True)
    masked = torch.tensor(np.where(legal, A, RULED_OUT))
    theirs = torch.stack([their_log_z(s, masked) for s in their_sentences(their_scores, lengths)])
    assert_close(log_z[lengths > 0], theirs)
    theirs.sum().backward()
    assert_close(unary, their_scores.grad)
