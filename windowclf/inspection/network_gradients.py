"""Gradient checks of a configured model: every coordinate of a narrow copy, and a sample of the real size.

N windows, K window width, U distinct words, J ids a word has, D vector dimension, C labels.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import Config
from windowclf.encoding import N_SPECIAL, count_movable
from windowclf.inspection.network_data import CheckData, ChosenWindows, Verdict, choose_windows, judge
from windowclf.model import WindowModel
from windowclf.nn import Coordinate, GradientReport, RowGradient, check_gradients
from windowclf.training import Objective

NARROW_VECTORS = 3
NARROW_HIDDEN = 4
NARROW_FEATURES = 2
NARROW_BUCKETS = 7
N_SAMPLED = 1000
N_UNUSED = 50  # of them in rows of tables that no window uses
# Biases are drawn from [-0.1, 0.1): at their initial 0, units are at the kink of ReLU. Transitions too: zeros
# would hide a transposition.
_BIAS = 0.1
_FAILURES_SHOWN = 3


def narrowed(config: Config) -> Config:
    """Return a narrow configuration with the same layers, window, features and dropout."""
    features = config.features
    return replace(
        config,
        model=replace(config.model, hidden=tuple(min(n, NARROW_HIDDEN) for n in config.model.hidden)),
        features=replace(
            features,
            case_dimension=min(features.case_dimension, NARROW_FEATURES),
            affix_dimension=min(features.affix_dimension, NARROW_FEATURES),
            gazetteer_dimension=min(features.gazetteer_dimension, NARROW_FEATURES),
            column_dimension=min(features.column_dimension, NARROW_FEATURES),
            buckets=min(features.buckets, NARROW_BUCKETS),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Probe:
    """A model in float64 and a few windows: the loss as a function of the parameters."""

    model: WindowModel
    objective: Objective
    chosen: ChosenWindows
    seed: int

    @classmethod
    def of(cls, data: CheckData, config: Config, dimension: int) -> "_Probe":
        rng = np.random.default_rng(data.seed)
        matrix = data.matrix[:, :dimension].astype(np.float64)
        encoded = data.encode(config)
        model = WindowModel.initialize(
            config.model,
            config.features,
            matrix,
            len(data.labels),
            rng=rng,
            dtype=np.float64,
            n_tuned=count_movable(encoded.words[:, 0]),
            n_values=len(data.columns),
        )
        for name, parameter in model.parameters.items():
            if name.endswith(".b") or name == "transitions":
                parameter[...] = rng.uniform(-_BIAS, _BIAS, parameter.shape)
        objective = data.objective(config, model.parameters)
        chosen = choose_windows(encoded, rng, whole_sentences=objective.needs_sentences)
        return cls(model, objective, chosen, data.seed)

    def loss(
        self, pick: Callable[[Mapping[str, Any]], list[Any]]
    ) -> tuple[float, Callable[[float], list[Any]]]:
        """Return the loss, with the same dropout masks at every call, and its backward: what `pick` picks."""
        rng = np.random.default_rng(self.seed)
        chosen = self.chosen
        scores, backward = self.model.forward(chosen.words, chosen.windows, rng=rng)
        loss, loss_backward = self.objective(
            scores, targets=chosen.targets, lengths=chosen.lengths, places=chosen.places
        )

        def picked(upstream: float) -> list[Any]:
            assert upstream == 1, "the loss is what is differentiated"
            dscores, own = loss_backward()
            return pick(backward(dscores) | own)

        return loss, picked

    def used_rows(self, name: str) -> Ints:
        """Return the rows of a table that the windows use."""
        ids = self.chosen.words
        rows = ids[:, 0][ids[:, 0] >= N_SPECIAL] - N_SPECIAL
        used = {"vectors": rows, "tuned_vectors": rows, "special": ids[:, 0][ids[:, 0] < N_SPECIAL]}
        used |= {table: ids[:, columns] for table, columns in self.model.features.columns.items()}
        return np.unique(used[name])


def check_narrow(data: CheckData) -> Verdict:
    """Check every coordinate of every parameter of a narrow copy of the configured model."""
    probe = _Probe.of(data, narrowed(data.config), NARROW_VECTORS)
    names = list(probe.model.parameters)

    def function(**_: Floats) -> tuple[float, Callable[[float], list[Any]]]:
        return probe.loss(lambda gradients: [gradients.get(name) for name in names])

    report = check_gradients(function, probe.model.parameters, rng=np.random.default_rng(data.seed))
    config = probe.model.config
    what = (
        f"every one of {report.n_coordinates:,} coordinates of a copy of the network with vectors of "
        f"{probe.model.parameters['vectors'].shape[1]} numbers and hidden layers {list(config.hidden)}, "
        f"on {len(probe.chosen.targets)} windows; {report.moved} moved off a kink"
    )
    return _verdict("gradients of a narrow copy", report, report.coordinates, names, probe, what)


def check_sample(data: CheckData) -> Verdict:
    """Check a thousand random coordinates of the configured model in its real size."""
    probe = _Probe.of(data, data.config, data.matrix.shape[1])
    rng = np.random.default_rng([data.seed, 1])
    used, unused = _sample(probe, rng)
    indices = {name: np.concatenate([used[name], unused[name]]) for name in used}
    flat = {name: probe.model.parameters[name].reshape(-1) for name in indices}

    def function(**values: Floats) -> tuple[float, Callable[[float], list[Any]]]:
        for name, sampled in values.items():
            flat[name][indices[name]] = sampled
        return probe.loss(lambda grads: [_at(grads[n], indices[n]) if n in grads else None for n in indices])

    report = check_gradients(function, {name: flat[name][indices[name]] for name in indices}, rng=rng)
    coordinates = [_unsampled(probe, coordinate, indices) for coordinate in report.coordinates]
    must_be_zero = [c for c in report.coordinates if c.index[0] >= len(used[c.name])]
    leaks = tuple(
        f"a row that no window uses has a gradient: {_unsampled(probe, c, indices)}"
        for c in must_be_zero
        if c.analytic != 0 or c.numeric != 0
    )[:_FAILURES_SHOWN]
    what = (
        f"{report.n_coordinates:,} random coordinates of the network as configured, spread over "
        f"{len(indices)} parameters, on {len(probe.chosen.targets)} windows; "
        f"{report.moved} moved off a kink; "
        f"{len(must_be_zero)} are in rows that no window uses, where the gradient must be exactly 0"
    )
    return _verdict("gradients of the network", report, coordinates, indices, probe, what, faults=leaks)


def _verdict(
    name: str,
    report: GradientReport,
    coordinates: Sequence[Coordinate],
    arguments: Iterable[str],
    probe: _Probe,
    what: str,
    *,
    faults: tuple[str, ...] = (),
) -> Verdict:
    worst_first = sorted((c for c in coordinates if not c.error <= 1), key=lambda c: -c.error)
    faults += report.violations
    if worst_first:
        faults += (f"{len(worst_first):,} coordinates are wrong", *map(str, worst_first[:_FAILURES_SHOWN]))
    frozen = set(arguments) - set(probe.model.trained)
    if not report.violations and (confused := sorted(frozen ^ set(report.untrained))):
        faults += (f"trained and frozen parameters are mixed up: {', '.join(confused)}",)
    tuning = "the vectors are frozen and get no gradient"
    if probe.model.tuned_table == "vectors":
        tuning = "the vectors are tuned and are among them"
    elif probe.model.tuned_table:
        tuning = "the tuned copy of the vectors is among them, the frozen one gets no gradient"
    figure = max((c.error for c in coordinates), default=float("inf"))
    meaning = "the figure is the largest difference from the numerical gradient, in tolerances"
    return judge(name, figure, (0.0, 1.0), f"{what}; {tuning}; {meaning}", faults=faults)


def _sample(probe: _Probe, rng: np.random.Generator) -> tuple[dict[str, Ints], dict[str, Ints]]:
    """Draw flat indices of each trained parameter: in rows that windows use, and in rows that none uses."""
    used: dict[str, Ints] = {}
    unused: dict[str, Ints] = {}
    for name in probe.model.trained:
        indices = np.arange(probe.model.parameters[name].size)
        is_used = np.ones(len(indices), dtype=bool)
        if name in probe.model.tables:
            width = probe.model.parameters[name].shape[1]
            is_used = np.isin(indices // width, probe.used_rows(name))
        used[name], unused[name] = indices[is_used], indices[~is_used]
    unused = _spread(unused, N_UNUSED, rng)
    return _spread(used, N_SAMPLED - sum(map(len, unused.values())), rng), unused


def _spread(candidates: Mapping[str, Ints], total: int, rng: np.random.Generator) -> dict[str, Ints]:
    """Draw `total` indices, as evenly over the parameters as their sizes allow."""
    drawn: dict[str, Ints] = {}
    smallest_first = sorted(candidates, key=lambda name: len(candidates[name]))
    for i, name in enumerate(smallest_first):
        share = min(total // (len(smallest_first) - i), len(candidates[name]))
        drawn[name] = np.sort(rng.choice(candidates[name], share, replace=False))
        total -= share
    return {name: drawn[name] for name in candidates}


def _at(gradient: Any, indices: Ints) -> Floats:
    dense: Floats = gradient.to_dense() if isinstance(gradient, RowGradient) else gradient
    return dense.reshape(-1)[indices]


def _unsampled(probe: _Probe, coordinate: Coordinate, indices: Mapping[str, Ints]) -> Coordinate:
    """Return a coordinate of the sample as one of the parameter itself."""
    shape = probe.model.parameters[coordinate.name].shape
    position = np.unravel_index(indices[coordinate.name][coordinate.index[0]], shape)
    return replace(coordinate, index=tuple(int(i) for i in position))
