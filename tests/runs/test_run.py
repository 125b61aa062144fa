"""A training run on files: what its directory holds, and that it is whole at any moment."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from windowclf import Config, WindowTagger
from windowclf.config_io import read_config
from windowclf.corpus import Sentence, columns, locate
from windowclf.errors import DataError, WindowClfError
from windowclf.files import check_free, sha256_of
from windowclf.model import load_model
from windowclf.runs import TrainingRun
from windowclf.training import EpochDone, StepDone
from windowclf.vectors import Table, WordVectors, write_table

Labelled = tuple[list[list[str]], list[list[str]]]
MakeRun = Callable[..., TrainingRun]


def _write_conll(path: Path, sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]) -> str:
    blocks = [
        "".join(f"{word}\t{label}\n" for word, label in zip(*pair, strict=True))
        for pair in zip(sentences, labels, strict=True)
    ]
    path.write_text("\n".join(blocks))
    return str(path)


@pytest.fixture
def make_run(tmp_path: Path, config: Config, vectors: WordVectors, corpus: Labelled) -> MakeRun:
    """Return a maker of runs on small files, into `tmp_path / "run"`."""
    write_table(Table(vectors.words, vectors.matrix), tmp_path / "vectors")
    sentences, labels = corpus
    train = _write_conll(tmp_path / "train.conll", sentences, labels)
    dev = _write_conll(tmp_path / "dev.conll", sentences[:3], labels[:3])
    config = replace(
        config,
        model=replace(config.model, vectors=str(tmp_path / "vectors")),
        training=replace(config.training, epochs=4, patience=0),
    )

    def make(**changes: Any) -> TrainingRun:
        settings: dict[str, Any] = {
            "config": config,
            "train": train,
            "dev": dev,
            "out": tmp_path / "run",
        } | changes
        return TrainingRun(**settings)

    return make


def _finish(run: TrainingRun) -> TrainingRun:
    for _ in run.events():
        pass
    return run


def _interrupt(run: TrainingRun, after_epoch: int) -> TrainingRun:
    """Stop within the epoch after this one."""
    events = run.events()
    for event in events:
        if isinstance(event, StepDone) and event.epoch > after_epoch:
            break
    events.close()
    return run


def _record(run: TrainingRun) -> Any:
    return json.loads((run.out / "run.json").read_text())


def _all_files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


# -- a run that is finished --------------------------------------------------------------------------


def test_a_run_directory_holds_configuration_record_metrics_and_model(make_run: MakeRun) -> None:
    run = _finish(make_run())
    assert sorted(path.name for path in run.out.iterdir()) == [
        "config.toml",
        "metrics.jsonl",
        "model",
        "run.json",
    ]


def test_the_configuration_can_be_read_back_and_trains_the_same_model(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = _finish(make_run())
    config = read_config(run.out / "config.toml")
    assert config == replace(run.tagger.model.config, training=run.tagger.config.training)
    again = _finish(make_run(config=config, out=tmp_path / "again"))
    assert _all_files(again.out / "model") == _all_files(run.out / "model")


def test_metrics_are_a_line_an_epoch(make_run: MakeRun) -> None:
    run = make_run()
    epochs = [event for event in run.events() if isinstance(event, EpochDone)]
    lines = [json.loads(line) for line in (run.out / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert [(line["loss"], line["dev_score"], line["is_best"]) for line in lines] == [
        (epoch.loss, epoch.dev_score, epoch.is_best) for epoch in epochs
    ]


def test_the_record_has_the_hash_and_the_size_of_each_corpus(make_run: MakeRun, corpus: Labelled) -> None:
    run = _finish(make_run())
    sentences = corpus[0]
    for name, part in (("train", sentences), ("dev", sentences[:3])):
        path = run.out.parent / f"{name}.conll"
        assert _record(run)["corpora"][name] == {
            "name": str(path),
            "sha256": sha256_of(path),
            "sentences": len(part),
            "tokens": sum(map(len, part)),
        }


def test_a_corpus_that_ships_is_recorded_by_its_name_and_the_hash_of_its_file(make_run: MakeRun) -> None:
    run = make_run(dev="sample:dev")
    assert run.record["corpora"]["dev"]["name"] == "sample:dev"
    assert run.record["corpora"]["dev"]["sha256"] == sha256_of(Path(locate("sample:dev").path))


def test_the_record_says_what_was_used_and_how_it_ended(make_run: MakeRun, vectors: WordVectors) -> None:
    run = _finish(make_run(settings={"threads": 2}))
    record = _record(run)
    assert record["settings"] == {"threads": 2}
    assert {"python", "windowclf", "numpy"} <= record["versions"].keys()
    assert record["model"]["vectors"]["dimension"] == vectors.dimension
    assert record["finished"] == "all epochs done"
    assert record["model_version"] == sha256_of(run.out / "model" / "manifest.json")


def test_the_model_in_the_directory_is_the_best_one(make_run: MakeRun, corpus: Labelled) -> None:
    run = _finish(make_run())
    best = max(run.epochs, key=lambda epoch: (epoch.dev_score or 0, -epoch.epoch))
    assert run.best == best
    assert _record(run)["best"]["epoch"] == best.epoch
    loaded = WindowTagger.load(run.out)
    assert loaded.model.info["training"]["best_epoch"] == best.epoch
    assert run.corrected is not None
    assert loaded.evaluate(corpus[0][:3], corpus[1][:3]).main_score == run.corrected.dev_score
    assert _record(run)["corrected"]["dev_score"] >= best.dev_score
    assert _record(run)["corrected"]["correction"].keys() == {"temperature", "spans", "outside_cost"}
    assert loaded.predict(corpus[0]) == run.tagger.predict(corpus[0])


def test_without_dev_data_the_last_epoch_is_kept(make_run: MakeRun) -> None:
    run = _finish(make_run(dev=None))
    record = _record(run)
    assert list(record["corpora"]) == ["train"]
    assert (record["best"]["epoch"], record["best"]["dev_score"]) == (4, None)


# -- interrupted -------------------------------------------------------------------------------------


def test_interrupted_before_the_first_epoch_is_done_it_writes_nothing(make_run: MakeRun) -> None:
    run = _interrupt(make_run(), after_epoch=0)
    assert not run.out.exists()
    assert run.best is None


def test_interrupted_before_the_first_epoch_is_done_it_leaves_the_old_run_whole(make_run: MakeRun) -> None:
    before = _all_files(_finish(make_run()).out)
    run = _interrupt(make_run(force=True), after_epoch=0)
    assert _all_files(run.out) == before


@pytest.mark.parametrize("after_epoch", [1, 3])
def test_interrupted_later_it_leaves_the_best_model_so_far(
    after_epoch: int, make_run: MakeRun, corpus: Labelled
) -> None:
    run = _interrupt(make_run(), after_epoch)
    record = _record(run)
    assert run.best is not None
    assert record["finished"] is None
    assert record["best"]["epoch"] == run.best.epoch <= after_epoch
    assert load_model(run.out).version == record["model_version"]
    assert WindowTagger.load(run.out).predict(corpus[0]) == run.tagger.predict(corpus[0])
    assert len((run.out / "metrics.jsonl").read_text().splitlines()) == after_epoch


def test_the_directory_is_whole_after_every_epoch(make_run: MakeRun) -> None:
    run = make_run()
    for event in run.events():
        if isinstance(event, EpochDone):
            record = _record(run)
            assert load_model(run.out).version == record["model_version"]
            fitted = replace(run.tagger.model.config, training=run.tagger.config.training)
            assert read_config(run.out / "config.toml") == fitted
            assert run.best is not None and record["best"]["epoch"] == run.best.epoch


# -- where it may write ------------------------------------------------------------------------------


def test_a_run_that_is_there_is_not_overwritten(make_run: MakeRun) -> None:
    before = _all_files(_finish(make_run()).out)
    with pytest.raises(WindowClfError, match=r"not empty.*--force") as caught:
        make_run()
    assert caught.value.where is not None and caught.value.where.endswith("run")
    assert _all_files(Path(caught.value.where)) == before


def test_force_replaces_the_run_that_is_there(make_run: MakeRun, tmp_path: Path) -> None:
    old = _record(_finish(make_run()))
    (tmp_path / "run" / "notes.txt").write_text("mine")
    new = _finish(make_run(force=True, dev=None))
    assert _record(new)["model_version"] != old["model_version"]
    assert list(_record(new)["corpora"]) == ["train"]
    assert load_model(new.out).version == _record(new)["model_version"]
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("force", [True, False])
def test_an_empty_directory_or_none_is_free(force: bool, tmp_path: Path) -> None:
    check_free(tmp_path, force)
    check_free(tmp_path / "missing" / "too", force)


@pytest.mark.parametrize("force", [True, False])
def test_a_file_is_never_replaced_by_a_run(force: bool, make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(WindowClfError, match="this is a file; a run needs a directory"):
        make_run(force=force)
    assert (tmp_path / "run").read_text() == "mine"


# -- what cannot be trained on -----------------------------------------------------------------------


@pytest.mark.parametrize("role", ["train", "dev"])
@pytest.mark.parametrize(
    "content, problem",
    [(None, "bad.conll"), ("", "no sentence in this corpus"), ("word\n", "bad.conll:1")],
    ids=["missing", "empty", "no labels"],
)
def test_a_corpus_that_cannot_be_read_is_named_before_anything_is_written(
    role: str, content: str | None, problem: str, make_run: MakeRun, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "bad.conll").write_text(content)
    with pytest.raises(DataError) as caught:
        make_run(**{role: str(tmp_path / "bad.conll")})
    assert problem in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_columns_are_tokens_and_labels() -> None:
    sentences = [Sentence(("a", "b"), ("x", "y")), Sentence((), ())]
    assert columns(sentences) == ([("a", "b"), ()], [("x", "y"), ()])


def test_a_sentence_without_labels_is_named() -> None:
    with pytest.raises(DataError, match=r"f\.conll:7: a sentence without labels"):
        columns([Sentence(("a",), None, source="f.conll", line=7)])


@pytest.mark.skipif(sys.platform != "linux", reason="needs a place that even root cannot write to")
def test_a_place_that_cannot_be_written_is_refused_before_training() -> None:
    with pytest.raises(WindowClfError, match=r"/proc.*cannot write here"):
        check_free(Path("/proc/run"), force=False)


def test_looking_whether_a_place_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    check_free(tmp_path / "a" / "run", force=False)
    assert list(tmp_path.iterdir()) == []
