"""Trainers that the training benchmark compares, in processes of their own: windowclf's two forms, PyTorch.

Run as a script, it builds what a JSON line on its standard input describes, and after that, for each further
line, trains and answers with a JSON line. So that peers take turns, and none runs while another is measured.

N windows, K window width, U distinct words, J ids a word has, D vector dimension, H hidden units, C labels.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.config import FeaturesConfig, ModelConfig, TrainingConfig
from windowclf.encoding import N_SPECIAL
from windowclf.model import WindowModel
from windowclf.training import EpochDone, TrainingData, make_batches, resolve_features, train

FORMS = ("fused", "plain", "torch")
VECTORS_SEED, WEIGHTS_SEED = 0, 1


@dataclass(frozen=True)
class Setting:
    """What is trained, and how.

    `arrays` names an .npz file with a corpus as integers; `vectors` an .npy file, or the number of rows of
    random vectors. With `until`, it is trained until that accuracy on dev, for `epochs` at most.
    """

    arrays: str
    vectors: str | int
    tuned: bool
    dimension: int
    hidden: int
    batch_sentences: int
    threads: int
    features: bool = False
    input_dropout: float = 0.0
    epochs: int = 1
    schedule: str = "constant"
    clip_norm: float = 0.0
    until: float | None = None
    n_windows: int | None = None  # of the corpus; default: all

    def matrix(self) -> Floats:
        """Return the vectors (V, D)."""
        if isinstance(self.vectors, str):
            loaded: Floats = np.load(self.vectors)
            return loaded
        rng = np.random.default_rng(VECTORS_SEED)
        drawn: Floats = rng.standard_normal((self.vectors, self.dimension), dtype=np.float32)
        return drawn / 2

    def features_config(self) -> FeaturesConfig:
        """Return the features as they are by default for parts of speech, or none."""
        if self.features:
            return resolve_features(FeaturesConfig(), finds_names=False)
        return FeaturesConfig(case_dimension=0, affix_dimension=0)

    def data(self) -> tuple[TrainingData, TrainingData]:
        """Return the training and the dev arrays."""
        arrays = np.load(self.arrays)
        whole, dev = (
            TrainingData(*(arrays[f"{part}.{name}"] for name in ("words", "windows", "targets", "starts")))
            for part in ("train", "dev")
        )
        if self.n_windows is None:
            return whole, dev
        n_sentences = int(np.searchsorted(whole.starts, self.n_windows))
        n = whole.starts[n_sentences]
        first = replace(
            whole,
            windows=whole.windows[:n],
            targets=whole.targets[:n],
            starts=whole.starts[: n_sentences + 1],
        )
        return first, dev


Run = Callable[[int], dict[str, float]]  # seed -> seconds, windows, and what the accuracy was after the last


def windowclf_trainer(setting: Setting, fused: bool) -> Run:
    """Return what trains by windowclf's own training loop."""
    model_config = ModelConfig(
        tuning="tuned" if setting.tuned else "frozen",
        hidden=(setting.hidden,),
        input_dropout=setting.input_dropout,
    )
    training: Any = {name: getattr(setting, name) for name in ("batch_sentences", "epochs", "clip_norm")}
    config = TrainingConfig(schedule=setting.schedule, patience=0, **training)  # type: ignore[arg-type]
    data, dev = setting.data()
    matrix = setting.matrix()
    C = int(max(data.targets.max(), dev.targets.max())) + 1

    def run(seed: int) -> dict[str, float]:
        rng = np.random.default_rng(seed)
        untrained = WindowModel.initialize(model_config, setting.features_config(), matrix, C, rng=rng)
        form = None if fused else False  # None: as it is trained
        model = WindowModel(model_config, setting.features_config(), untrained.parameters, fused=form)

        def dev_score() -> float:
            best = model.scores(dev.words, dev.windows).argmax(axis=1)
            return float((best == dev.targets).mean())

        started = perf_counter()
        n_windows, seconds, score = 0, 0.0, None
        n_movable = max(0, int(data.words[:, 0].max()) - N_SPECIAL + 1)
        events = train(
            model,
            data,
            config,
            rng=rng,
            dev_score=dev_score if setting.until is not None else None,
            n_movable_vectors=n_movable,
        )
        for event in events:
            if isinstance(event, EpochDone):
                n_windows += len(data.targets)
                seconds += event.seconds
                score = event.dev_score
                if setting.until is not None and score is not None and score >= setting.until:
                    break
        if setting.until is not None:
            seconds = perf_counter() - started
        return {"seconds": seconds, "windows": n_windows, "score": score or 0.0}

    return run


def torch_trainer(setting: Setting) -> Run:
    """Return what trains the same network in PyTorch: a table for each kind of ids, and two layers."""
    import torch
    from torch import nn

    torch.set_num_threads(setting.threads)
    data, dev = setting.data()
    C = int(max(data.targets.max(), dev.targets.max())) + 1
    K = data.windows.shape[1]
    features = setting.features_config()
    matrix = torch.from_numpy(setting.matrix())

    def to_torch(part: TrainingData) -> tuple[Any, Any]:
        ids = part.words[part.windows].astype(np.int64)  # (N, K, J), in advance, as a data set would have it
        return torch.from_numpy(ids), torch.from_numpy(part.targets.astype(np.int64))

    all_ids, all_targets = to_torch(data)
    dev_ids, dev_targets = to_torch(dev)

    def network() -> tuple[Callable[[Any, bool], Any], list[Any]]:
        rows = torch.cat([torch.zeros(N_SPECIAL, matrix.shape[1]), matrix])
        word = nn.Embedding.from_pretrained(rows, freeze=not setting.tuned, sparse=setting.tuned)
        tables, size = [word], matrix.shape[1]
        if setting.features:
            tables.append(nn.Embedding(9, features.case_dimension, sparse=True))
            tables.append(nn.Embedding(features.buckets + 1, features.affix_dimension, sparse=True))
            size += features.case_dimension + (all_ids.shape[2] - 2) * features.affix_dimension
        first, last = nn.Linear(K * size, setting.hidden), nn.Linear(setting.hidden, C)

        def forward(ids: Any, training: bool) -> Any:
            parts = [word(ids[:, :, 0])]
            if setting.features:
                parts += [tables[1](ids[:, :, 1]), tables[2](ids[:, :, 2:]).flatten(2)]
            x = torch.cat(parts, dim=2) if len(parts) > 1 else parts[0]
            if training and setting.input_dropout:
                x = nn.functional.dropout(x, setting.input_dropout)
            a = torch.relu(first(x.flatten(1)))
            return last(nn.functional.dropout(a, 0.5, training))

        dense = [parameter for layer in (first, last) for parameter in layer.parameters()]
        optimizers = [torch.optim.Adam(dense, lr=2e-3)]
        trained = [table.weight for table in tables if table.weight.requires_grad]
        if trained:
            optimizers.append(torch.optim.SparseAdam(trained, lr=2e-3))
        return forward, optimizers

    def steps(rng: np.random.Generator) -> Iterator[Any]:
        order = rng.permutation(len(data.starts) - 1)
        batches = make_batches(order, data.starts, setting.batch_sentences)
        return (torch.from_numpy(batch.windows) for batch in batches)

    def run(seed: int) -> dict[str, float]:
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        forward, optimizers = network()
        n_steps, step, n_windows, score = 0, 0, 0, 0.0
        started = perf_counter()
        for _ in range(setting.epochs):
            batches = list(steps(rng))
            n_steps = len(batches) * setting.epochs
            for batch in batches:
                for optimizer in optimizers:
                    optimizer.zero_grad()
                    if setting.schedule == "linear":
                        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - step / n_steps)
                loss = nn.functional.cross_entropy(forward(all_ids[batch], True), all_targets[batch])
                loss.backward()
                for optimizer in optimizers:
                    optimizer.step()
                loss.item()  # both watch the loss of each step
                step += 1
                n_windows += len(batch)
            if setting.until is not None:
                with torch.no_grad():
                    parts = [forward(ids, False).argmax(dim=1) for ids in dev_ids.split(4096)]
                score = float((torch.cat(parts) == dev_targets).float().mean())
                if score >= setting.until:
                    break
        return {"seconds": perf_counter() - started, "windows": n_windows, "score": score}

    return run


def n_distinct(data: TrainingData, batch_sentences: int) -> tuple[float, float]:
    """Return the windows of a batch and its distinct words, each the mean over batches."""
    order = np.random.default_rng(0).permutation(len(data.starts) - 1)
    batches = [batch.windows for batch in make_batches(order, data.starts, batch_sentences)]
    words: list[Ints] = [np.unique(data.windows[batch]) for batch in batches]
    return float(np.mean([len(batch) for batch in batches])), float(np.mean([len(part) for part in words]))


def trainer(form: str, setting: Setting) -> Run:
    """Return what trains in one of `FORMS`."""
    return torch_trainer(setting) if form == "torch" else windowclf_trainer(setting, form == "fused")


def to_line(form: str, setting: Setting) -> str:
    """Write a setting as this script reads it."""
    return json.dumps({"form": form} | asdict(setting))


def main() -> None:
    """Build a trainer, then train once for each seed that is read."""
    described = json.loads(sys.stdin.readline())
    run = trainer(described.pop("form"), Setting(**described))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(int(line))), flush=True)


SCRIPT = Path(__file__)

if __name__ == "__main__":
    main()
