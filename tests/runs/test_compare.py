"""Runs compared: which are one system, in what systems differ, and what cannot be compared."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from windowclf import Config, WindowTagger
from windowclf.config_io import override
from windowclf.errors import DataError, ModelFileError, WindowClfError
from windowclf.evaluation import compare, interval_of, sentence_counts
from windowclf.runs import RunComparison, TrainingRun, compare_runs, html_of, notes_of, read_run, tables_of
from windowclf.vectors import Table, WordVectors, write_table

Labelled = tuple[list[list[str]], list[list[str]]]
Train = Callable[..., Path]


def write_conll(path: Path, sentences: list[list[str]], labels: list[list[str]]) -> str:
    blocks = (
        "".join(f"{word}\t{label}\n" for word, label in zip(*pair, strict=True))
        for pair in zip(sentences, labels, strict=True)
    )
    path.write_text("\n".join(blocks))
    return str(path)


@pytest.fixture(scope="module")
def train(
    tmp_path_factory: pytest.TempPathFactory, config: Config, vectors: WordVectors, corpus: Labelled
) -> Train:
    """Return what trains a small run with `section.key=value` and returns its directory; each once."""
    folder = tmp_path_factory.mktemp("compared")
    write_table(Table(vectors.words, vectors.matrix), folder / "vectors")
    sentences, labels = corpus
    named = {
        "all": write_conll(folder / "all.conll", *corpus),
        "copy": write_conll(folder / "copy.conll", *corpus),
        "half": write_conll(folder / "half.conll", sentences[:5], labels[:5]),
        "dev": write_conll(folder / "dev.conll", sentences[:4], labels[:4]),
        "tags": write_conll(
            folder / "tags.conll", [["a", "city"], ["is", "old"]], [["DET", "N"], ["V", "A"]]
        ),
    }
    base = replace(config, model=replace(config.model, vectors=str(folder / "vectors")))
    made: dict[tuple[object, ...], Path] = {}

    def make(*assignments: str, train: str = "all", dev: str | None = "dev", copy: int = 0) -> Path:
        key = (*assignments, train, dev, copy)
        if key not in made:
            out = folder / f"run-{len(made)}"
            own = override(base, ["training.epochs=4", *assignments])
            for _ in TrainingRun(own, named[train], dev and named[dev], out).events():
                pass
            made[key] = out
        return made[key]

    return make


def compared(*directories: Path, data: Labelled | None = None) -> RunComparison:
    return compare_runs([read_run(directory) for directory in directories], data, n_resamples=200)


def damage(run: Path, to: Path, file: str, content: str | None) -> Path:
    """Copy a run with one file changed, or left out."""
    for source in run.rglob("*"):
        target = to / source.relative_to(run)
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (to / file).unlink()
    if content is not None:
        (to / file).write_text(content)
    return to


# -- systems -----------------------------------------------------------------------------------------


def test_runs_that_differ_in_the_seed_alone_are_one_system_with_mean_and_deviation(train: Train) -> None:
    runs = [train(f"training.seed={seed}", "training.epochs=2") for seed in range(3)]
    (system,) = compared(*runs).systems
    scores = [json.loads((run / "run.json").read_text())["corrected"]["dev_score"] for run in runs]
    assert system.runs == tuple(map(str, runs))
    assert system.seeds == (0, 1, 2)
    assert system.settings == {}
    assert system.dev is not None
    assert system.dev.mean == pytest.approx(mean(scores))
    assert system.dev.deviation == pytest.approx(stdev(scores))


def test_only_values_that_differ_are_shown(train: Train) -> None:
    found = compared(train(), train("model.tuning=tuned", "model.hidden=[5]"), train("model.hidden=[5]"))
    assert {system.name: system.settings for system in found.systems} == {
        str(train()): {"model.tuning": "frozen", "model.hidden": (12,)},
        str(train("model.tuning=tuned", "model.hidden=[5]")): {"model.tuning": "tuned", "model.hidden": (5,)},
        str(train("model.hidden=[5]")): {"model.tuning": "frozen", "model.hidden": (5,)},
    }


def test_other_training_data_make_another_system_and_a_copy_of_them_does_not(train: Train) -> None:
    found = compared(train(), train("training.seed=1", train="copy"), train(train="half"))
    assert sorted(len(system.runs) for system in found.systems) == [1, 2]
    data = [system.settings["training data"] for system in found.systems if len(system.runs) == 1]
    assert data[0].split("/")[-1].startswith("half.conll (23 words, sha256 ")


def test_a_seed_that_comes_twice_makes_another_system(train: Train) -> None:
    found = compared(train(), train(copy=1))
    assert [len(system.runs) for system in found.systems] == [1, 1]
    assert [system.settings for system in found.systems] == [{}, {}]


def test_the_best_comes_first_by_dev_and_with_data_by_these(train: Train, corpus: Labelled) -> None:
    weak, strong = train("training.epochs=1"), train("training.epochs=30")
    without = compared(weak, strong)
    assert without.systems[0].name == str(strong)
    assert (without.differences, without.n_sentences, without.systems[0].scores) == ((), None, {})
    scores = {str(run): WindowTagger.load(run).evaluate(*corpus).main_score for run in (weak, strong)}
    found = compared(weak, strong, data=corpus)
    assert [system.scores["f1"].mean for system in found.systems] == sorted(scores.values(), reverse=True)
    assert {system.name: system.scores["f1"].mean for system in found.systems} == scores
    assert found.n_sentences == 10


# -- differences -------------------------------------------------------------------------------------


def test_differences_are_those_of_the_tests_against_the_first_run_that_is_named(
    train: Train, corpus: Labelled
) -> None:
    systems = [[train(f"training.epochs={n}", f"training.seed={seed}") for seed in (0, 1)] for n in (1, 30)]
    sentences, labels = corpus
    counts = [
        [sentence_counts(labels, WindowTagger.load(run).predict(sentences), span_labels=True) for run in runs]
        for runs in systems
    ]
    found = compared(*systems[0], *reversed(systems[1]), data=corpus)  # seeds find each other
    test = compare(counts[1], counts[0], n_resamples=200)
    interval = interval_of(counts[1], counts[0], n_resamples=200)
    (difference,) = found.differences
    assert found.baseline == str(systems[0][0])
    assert difference.system == str(systems[1][1])
    assert (difference.n_runs, difference.is_paired, difference.seeds_p_value) == (2, True, None)
    assert difference.p_value == difference.corrected == test.p_value
    assert (difference.difference, difference.low) == (interval.difference, interval.low)


def test_p_values_are_corrected_over_all_that_are_compared(train: Train, corpus: Labelled) -> None:
    found = compared(*(train(f"training.epochs={n}") for n in (1, 4, 30)), data=corpus)
    smallest, largest = sorted(found.differences, key=lambda difference: difference.p_value)
    assert smallest.corrected == min(1, 2 * smallest.p_value)
    assert largest.corrected == max(largest.p_value, smallest.corrected)
    assert [d.difference for d in found.differences] == sorted(
        (d.difference for d in found.differences), reverse=True
    )


@pytest.mark.parametrize(
    ("first", "second", "n_runs", "is_paired"),
    [((0, 1, 2), (1,), 1, True), ((0, 1), (2, 3), 2, False), ((0, 1, 2), (2, 3), 2, False)],
)
def test_runs_are_paired_by_seed_where_one_system_has_all_seeds_of_the_other(
    train: Train,
    corpus: Labelled,
    first: tuple[int, ...],
    second: tuple[int, ...],
    n_runs: int,
    is_paired: bool,
) -> None:
    runs = [train("training.epochs=2", f"training.seed={seed}") for seed in first]
    runs += [train("training.epochs=1", f"training.seed={seed}") for seed in second]
    (difference,) = compared(*runs, data=corpus).differences
    assert (difference.n_runs, difference.is_paired) == (n_runs, is_paired)


def test_equal_runs_do_not_differ(train: Train, corpus: Labelled) -> None:
    (difference,) = compared(train(), train(copy=1), data=corpus).differences
    assert (difference.difference, difference.p_value, difference.is_clear) == (0, 1, False)


# -- what is not comparable --------------------------------------------------------------------------


def test_one_run_is_no_comparison(train: Train) -> None:
    with pytest.raises(DataError, match="at least two runs"):
        compared(train())


def test_a_run_given_twice_is_refused(train: Train) -> None:
    with pytest.raises(DataError, match="each given once"):
        compared(train(), train() / ".." / train().name)


def test_runs_of_different_tasks_are_refused(train: Train) -> None:
    other = train(train="tags", dev="tags")
    with pytest.raises(DataError, match="another task") as caught:
        compared(train(), other)
    assert caught.value.where == str(other)
    assert "no span scheme" in str(caught.value) and "B-LOC" in str(caught.value)


def test_data_of_another_task_are_refused(train: Train) -> None:
    with pytest.raises(DataError, match="not of the model's task"):
        compared(train(), train("training.seed=1"), data=([["dogs", "bark"]], [["NOUN", "VERB"]]))


def test_different_dev_corpora_need_data(train: Train, corpus: Labelled) -> None:
    runs = train(), train(dev="half")
    with pytest.raises(DataError, match=r"different dev corpora.*dev\.conll.*half\.conll.*--data"):
        compared(*runs)
    found = compared(*runs, data=corpus)
    assert found.dev is None
    assert [system.dev for system in found.systems] == [None, None]
    assert [system.settings for system in found.systems] == [{}, {}]


def test_without_dev_scores_there_must_be_data(train: Train, corpus: Labelled) -> None:
    runs = train(dev=None), train("training.seed=1", dev=None)
    with pytest.raises(DataError, match=r"no run has a dev score.*--data"):
        compared(*runs)
    assert compared(*runs, data=corpus).n_sentences == 10


def test_a_run_without_a_dev_score_stands_beside_those_that_have_one(train: Train) -> None:
    found = compared(train(dev=None), train("training.epochs=30"))
    assert [system.dev is None for system in found.systems] == [False, True]


@pytest.mark.parametrize(
    ("file", "content", "error", "message"),
    [
        ("run.json", None, DataError, "not a run; found 'a directory without run.json'"),
        ("run.json", "{", ModelFileError, "not a JSON file"),
        ("run.json", "[]", ModelFileError, "not a JSON object"),
        ("run.json", "{}", DataError, "record of this run has an unknown format"),
        ("run.json", '{"corpora": {}, "best": {"dev_score": 0.5}}', DataError, "found \"'train'\""),
        ("config.toml", None, WindowClfError, "cannot be read"),
        ("config.toml", "[model]\nhiden = [3]\n", WindowClfError, "unknown key 'hiden'"),
        ("model/labels.json", None, ModelFileError, "missing"),
    ],
)
def test_a_damaged_run_is_named(
    train: Train, tmp_path: Path, file: str, content: str | None, error: type[Exception], message: str
) -> None:
    run = damage(train(), tmp_path / "damaged", file, content)
    with pytest.raises(error) as caught:
        compared(train("training.seed=1"), run)
    assert message in str(caught.value)
    assert str(run) in str(caught.value)


def test_an_interrupted_run_is_compared_and_named(train: Train, tmp_path: Path) -> None:
    record = json.loads((train() / "run.json").read_text()) | {"finished": None}
    run = damage(train(), tmp_path / "interrupted", "run.json", json.dumps(record))
    found = compared(train("training.seed=1"), run)
    assert found.interrupted == (str(run),)
    assert f"{run}: this training was interrupted." in notes_of(found)


@pytest.mark.parametrize(
    ("part", "found"), [("model", "a model"), ("run.json", "a file"), ("none", "nothing")]
)
def test_what_is_no_run_is_named(train: Train, part: str, found: str) -> None:
    with pytest.raises(DataError, match=f"not a run; found '{found}'.*windowclf train --out"):
        read_run(train() / part)


# -- records -----------------------------------------------------------------------------------------


def test_a_record_says_what_the_run_was_and_scored(train: Train) -> None:
    run = train()
    record = read_run(run)
    stored: dict[str, Any] = json.loads((run / "run.json").read_text())
    assert record.directory == run
    assert record.config.training.epochs == 4
    assert record.train.sha256 == stored["corpora"]["train"]["sha256"]
    assert record.dev is not None and record.dev.sentences == 4
    assert record.finished == "all epochs done"
    assert record.teacher is None


def test_the_dev_score_is_that_of_the_model_that_is_kept(
    train: Train, corpus: Labelled, tmp_path: Path
) -> None:
    sentences, labels = corpus
    run = train("training.ensemble=2")
    score = WindowTagger.load(run).evaluate(sentences[:4], labels[:4]).main_score
    assert read_run(run).dev_score == pytest.approx(score)
    # interrupted after its networks, or within the first one
    record = json.loads((run / "run.json").read_text())
    del record["corrected"]
    unfinished = damage(run, tmp_path / "unfinished", "run.json", json.dumps(record))
    assert read_run(unfinished).dev_score == record["members"][-1]["ensemble_score"]
    record["members"] = []
    early = damage(run, tmp_path / "early", "run.json", json.dumps(record))
    assert read_run(early).dev_score == record["best"]["dev_score"]


# -- for readers -------------------------------------------------------------------------------------


def test_tables_say_all_that_readers_need(train: Train, corpus: Labelled) -> None:
    weak = [train("training.epochs=1", f"training.seed={seed}") for seed in (0, 1)]
    strong = train("training.epochs=30", "model.hidden=[]")
    found = compared(*weak, strong, data=corpus)
    tables = {table.title.split(" ")[0]: table for table in tables_of(found)}
    assert list(tables) == ["Scores", "What", "entity", "Runs"]
    best = tables["Scores"].rows[0]
    assert best[:2] == (str(strong), "1")
    assert "±" in "".join(tables["Scores"].rows[1]) and "±" not in "".join(best)
    assert tables["What"].columns == ("system", "model.hidden", "training.epochs")
    assert tables["What"].rows[0] == (str(strong), "[]", "30")
    (row,) = tables["entity"].rows
    assert row[1] == f"{100 * found.differences[0].difference:+.2f}"
    assert tables["Runs"].rows[1] == (str(weak[0]), "0", str(weak[0]))
    assert any("covers sentences only" in note for note in notes_of(found))
    for table in tables.values():
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_page_is_whole_and_the_same_again_and_shows_nothing_as_markup(
    train: Train, corpus: Labelled, tmp_path: Path
) -> None:
    odd = damage(train(), tmp_path / "<b>odd & run", "metrics.jsonl", None)
    pages = [html_of(compared(odd, train("training.epochs=1"), data=corpus)) for _ in range(2)]
    assert pages[0] == pages[1]
    assert "&lt;b&gt;odd &amp; run" in pages[0] and "<b>" not in pages[0]
    assert pages[0].startswith("<!doctype html>") and pages[0].endswith("</html>\n")
    for forbidden in ("<script", "http", "src="):
        assert forbidden not in pages[0].replace(str(train()), "")
