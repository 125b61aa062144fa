"""What the probability of a span becomes, so that it is the share of such spans that are right.

n spans, K kinds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from windowclf.arrays import Bools, Floats

_BOUNDS = ((0.1, 10.0), (-10.0, 10.0))  # of slope, and of offsets
_ROUNDING = 1e-6  # how far from 0 and 1 a probability is taken to be, so that its odds are finite


@dataclass(frozen=True, slots=True)
class Scaling:
    """Moves probabilities of spans along a line of log odds.

    log q / (1 - q) = slope · log g / (1 - g) + offset + kinds[kind], where g = p^(1/m) is what the
    probability p of a span of m words comes to for each of them.

    Attributes
    ----------
    slope : float
        Above 0, so that of like spans what is more probable stays so.
    offset : float
    kinds : mapping of str to float
        What is added to the offset for spans of a kind; 0 for one that is not named.
    """

    slope: float
    offset: float
    kinds: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, probability: float, n_words: int, kind: str) -> float:
        """Return the probability of a span from that which the network gives it."""
        offset = self.offset + self.kinds.get(kind, 0.0)
        z = self.slope * _log_odds(probability, n_words) + offset
        return (1 + math.tanh(z / 2)) / 2  # 1 / (1 + e^-z), without overflow whatever z is


def fit_scaling(
    probabilities: Sequence[float] | Floats,
    n_words: Sequence[int],
    kinds: Sequence[str],
    is_right: Sequence[bool] | Bools,
) -> Scaling | None:
    """Return the scaling under which what is right of development data is most probable.

    Parameters
    ----------
    probabilities : sequence or array (n,)
        The probability that a network gives each span found.
    n_words : sequence of int (n,)
        How many words each has, at least 1.
    kinds : sequence of str (n,)
    is_right : sequence or array (n,)
        Whether each is right.

    Returns
    -------
    Scaling or None
        None where there are no spans: nothing is known of them.

    Notes
    -----
    Platt 1999, "Probabilistic outputs for support vector machines", on log odds. By his section 2.2 the
    targets are not 1 and 0 but (n_right + 1) / (n_right + 2) and 1 / (n_wrong + 2), so that few predictions,
    or such as are all right, do not make sure.

    The root: the labels of a span's words go together, so that their product has long spans less probable
    than they are. An offset of a kind is normally distributed with deviation 1 before anything is known, and
    so near 0 for a kind that is rarely found; they matter where other text has other kinds.
    """
    from scipy.optimize import minimize  # here: what only tags or evaluates starts without

    right = np.asarray(is_right, np.bool_)
    n_right, n_wrong = int(right.sum()), int((~right).sum())
    if not len(right):
        return None
    targets = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    names = sorted(set(kinds))
    log_odds = np.array([_log_odds(float(p), m) for p, m in zip(probabilities, n_words, strict=True)])
    is_kind = np.array([[kind == name for name in names] for kind in kinds], np.float64)  # (n, K)
    X = np.column_stack([log_odds, np.ones(len(right)), is_kind])

    def loss(w: Floats) -> tuple[float, Floats]:
        z = X @ w
        # cross-entropy of targets t: log(1 + e^z) - t z; its derivative by z is sigmoid(z) - t
        dw = X.T @ (1 / (1 + np.exp(-z)) - targets)
        dw[2:] += w[2:]
        return float(np.sum(np.logaddexp(0, z) - targets * z) + w[2:] @ w[2:] / 2), dw

    start, bounds = [1.0, *[0.0] * (1 + len(names))], [_BOUNDS[0], *[_BOUNDS[1]] * (1 + len(names))]
    slope, offset, *of_kinds = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return Scaling(slope, offset, dict(zip(names, of_kinds, strict=True)))


def _log_odds(probability: float, n_words: int) -> float:
    """Return the log odds of what a probability comes to for each of so many words."""
    g = min(max(probability ** (1 / n_words), _ROUNDING), 1 - _ROUNDING)
    return math.log(g / (1 - g))
