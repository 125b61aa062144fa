"""The tagger as an estimator of scikit-learn."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from windowclf import Config, WindowTagger
from windowclf.errors import ConfigError
from windowclf.vectors import WordVectors

Labelled = tuple[list[list[str]], list[list[str]]]


def test_a_clone_has_the_parameters_and_no_model(tagger: WindowTagger) -> None:
    copy = clone(tagger)
    assert copy is not tagger
    assert copy.get_params() == tagger.get_params()
    assert copy.config == tagger.config
    assert "not trained" in copy._repr_html_()


def test_cross_validation_scores_each_part(quick: Config, vectors: WordVectors, corpus: Labelled) -> None:
    tagger = WindowTagger(quick, vectors=vectors, epochs=30)
    scores = cross_val_score(tagger, *corpus, cv=2)
    halves = [(corpus[0][:5], corpus[1][:5]), (corpus[0][5:], corpus[1][5:])]
    expected = [clone(tagger).fit(*halves[1 - i]).score(*halves[i]) for i in (0, 1)]
    np.testing.assert_array_equal(scores, expected)


def test_a_grid_search_finds_the_better_value_and_fits_with_it(
    quick: Config, vectors: WordVectors, corpus: Labelled
) -> None:
    grid: dict[str, list[Any]] = {"epochs": [1, 30], "hidden": [[12]]}
    search = GridSearchCV(WindowTagger(quick, vectors=vectors), grid, cv=2)
    search.fit(*corpus)
    assert search.best_params_ == {"epochs": 30, "hidden": [12]}
    assert search.best_estimator_.model.config.training.epochs == 30
    assert search.score(*corpus) == search.best_estimator_.score(*corpus) == 1.0


def test_parameters_can_be_set_by_the_names_that_are_got() -> None:
    tagger = WindowTagger(epochs=5)
    assert tagger.get_params(deep=False) == {"config": None, "vectors": None, "epochs": 5}
    assert tagger.get_params()["hidden"] == (300,)
    assert tagger.set_params(hidden=[100], epochs=7) is tagger
    assert (tagger.config.model.hidden, tagger.config.training.epochs) == ((100,), 7)
    again = WindowTagger().set_params(**tagger.get_params())
    assert again.config == tagger.config


def test_an_unknown_parameter_is_named_and_changes_nothing() -> None:
    tagger = WindowTagger(epochs=5)
    with pytest.raises(ConfigError, match=r"unknown key 'epoch'.*Did you mean 'epochs'"):
        tagger.set_params(epoch=3)
    assert tagger.get_params(deep=False) == {"config": None, "vectors": None, "epochs": 5}


def test_the_library_does_not_import_scikit_learn() -> None:
    script = (
        "import sys\n"
        "from windowclf import WindowTagger\n"
        "tagger = WindowTagger(vectors='random:4', epochs=1).fit([['a', 'b']], [['x', 'y']])\n"
        "tagger.score([['a', 'b']], [['x', 'y']]), repr(tagger), tagger.get_params()\n"
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
